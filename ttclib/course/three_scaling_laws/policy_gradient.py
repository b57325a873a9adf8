"""Learning from a checked answer alone: the policy gradient, with two ways to say "better".

A text that ends right becomes likelier, a wrong one less likely, each by as much as its *advantage*
says. REINFORCE (Williams 1992) compares a text with the mean of its batch; the group-relative form
(Shao et al. 2024, equation 3, without the clipping that a second step on the same texts would need,
and without the leash to the model before) compares it with other texts of the same problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ttclib.inputs import truth_array
from ttclib.lm import arithmetic
from ttclib.lm.engine import CausalLM
from ttclib.lm.training import IGNORE, PackedTexts, pack_texts, side_by_side
from ttclib.search import rollouts

LONGEST = 100  # tokens of a solution; longer ones have gone astray
ROW = 256

Advantages = Callable[[np.ndarray], np.ndarray]


def above_the_batch(right) -> np.ndarray:
    """Return the advantage over the mean of all other texts of a batch: REINFORCE's baseline.

    Parameters
    ----------
    right : bool array, shape (problems, samples)
        Whether each text ends right: its reward.

    Returns
    -------
    numpy.ndarray, shape (problems, samples)
        A text is left out of its own baseline, so the gradient stays unbiased.
    """
    reward = truth_array("right", right).astype(float)
    if reward.size < 2:
        return np.zeros_like(reward)
    others = (reward.sum() - reward) / (reward.size - 1)
    return reward - others


def group_relative(right) -> np.ndarray:
    """Return the advantage within the texts of one problem, in standard deviations.

    Parameters
    ----------
    right : bool array, shape (problems, samples)

    Returns
    -------
    numpy.ndarray, shape (problems, samples)
        0 where all texts of a problem are right, or all are wrong: nothing to compare.
    """
    reward = truth_array("right", right).astype(float)
    spread = reward.std(axis=1, keepdims=True)
    return (reward - reward.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)


def weigh_texts(
    texts: Sequence[tuple[Sequence[int], int]], weights: Sequence[float], length: int = ROW
) -> tuple[PackedTexts, np.ndarray]:
    """Pack texts, and spread the weight of each over its tokens: float32 (rows, length).

    ``texts`` are those of :func:`ttclib.lm.training.pack_texts`.
    """
    rows = pack_texts(texts, length)
    spread = np.zeros(rows.tokens.shape, np.float32)
    for (row, place), weight in zip(
        side_by_side([tokens for tokens, _ in texts], length)[1], weights, strict=True
    ):
        spread[row, place] = weight
    return rows, spread


def policy_loss(
    model: nn.Module, rows: PackedTexts, weights: np.ndarray, texts: int
) -> torch.Tensor:
    """Return − Σ weight · log p(text) / texts: its gradient is that of the expected reward.

    Parameters
    ----------
    rows, weights
        From :func:`weigh_texts`.
    texts : int
        How many were drawn; those of weight 0 need not be among the rows.
    """
    tokens, targets, positions, numbers = (
        torch.from_numpy(array.astype(np.int64))
        for array in (rows.tokens, rows.targets, rows.positions, rows.texts)
    )
    logits = model(tokens, positions, numbers)
    surprise = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="none"
    )
    return (surprise * torch.from_numpy(weights).flatten()).sum() / texts


def policy_step(
    model,
    words,
    problems: Sequence[str],
    samples: int,
    advantages: Advantages,
    rng: np.random.Generator,
    task=arithmetic.TASK,
) -> tuple[torch.Tensor, np.ndarray, tuple[int, int]]:
    """Draw texts from the model as it is, check them, and return the loss to go down.

    Parameters
    ----------
    model : ttclib.lm.llama.Llama
    words : transformers.PreTrainedTokenizerBase
    problems : sequence of str
    samples : int
        Texts of each problem.
    advantages : callable
        :func:`above_the_batch` or :func:`group_relative`.

    Returns
    -------
    loss : torch.Tensor
    right : numpy.ndarray of bool, shape (problems, samples)
    tokens : (sampled, trained)
        Problems and texts together. A text without advantage is not trained on.
    """
    lm = CausalLM(model, words)
    found, _ = rollouts.draw(
        lm, task, problems, samples, rng, len(problems) * samples, max_tokens=LONGEST
    )
    right = found.right.reshape(len(problems), samples)
    weights = advantages(right).ravel()
    prompts = [lm.vocabulary.encode(task.prompt(problem)) for problem in problems]
    texts = [
        ([*prompts[i], *tokens[:k].tolist()], len(prompts[i]))
        for i, tokens, k in zip(found.problem, found.tokens, found.lengths, strict=True)
    ]
    sampled = sum(len(tokens) for tokens, _ in texts)
    told = np.flatnonzero(weights)
    if not len(told):
        return 0.0 * model.norm.weight.sum(), right, (sampled, 0)
    texts = [texts[i] for i in told]
    rows, spread = weigh_texts(texts, weights[told])
    loss = policy_loss(model.train(), rows, spread, right.size)
    return loss, right, (sampled, sum(len(tokens) for tokens, _ in texts))
