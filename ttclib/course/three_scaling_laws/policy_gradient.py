"""Learning from a checked answer alone: the policy gradient of a transformer.

A text that ends right becomes likelier, a wrong one less likely, each by as much as its *advantage*
says: see :mod:`.advantages`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ttclib.lm import arithmetic
from ttclib.lm.engine import CausalLM
from ttclib.lm.training import IGNORE, PackedTexts, pack_texts, side_by_side
from ttclib.search import rollouts

LONGEST = 100  # tokens of a solution; longer ones have gone astray
ROW = 256

Advantages = Callable[[np.ndarray], np.ndarray]


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
        Of :mod:`.advantages`.

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
