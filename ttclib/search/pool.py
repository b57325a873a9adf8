"""A pool: many solutions of many problems, and what a judge makes of them.

What a judge is worth is measured on solutions that are there already. Two questions are easily
mixed up: does it know *which problems* will be solved, and does it know *which solutions* of one
problem are right? Only the second helps to choose among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import comb, expit

from ttclib.cost import Cost
from ttclib.inputs import finite_array, whole_number
from ttclib.measure.calibration import auroc
from ttclib.search.rollouts import Rollouts, collect

if TYPE_CHECKING:
    from ttclib.search.verifier import Net


def draw(
    lm,
    problems: Sequence[str],
    n: int,
    rng: np.random.Generator,
    at_once: int = 128,
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
    **options,
) -> tuple[Rollouts, Cost]:
    """Draw n solutions of each problem; solution j of problem i is row i · n + j.

    Parameters
    ----------
    at_once : int
        Texts in a batch: more are faster and take more memory.
    watch : callable
        Wraps the loop over the batches: ``tqdm``, for a progress bar.
    **options
        Of :func:`ttclib.lm.decoding.sample`.
    """
    step, parts, spent = max(1, at_once // n), [], Cost()
    for first in watch(range(0, len(problems), step)):
        block = problems[first : first + step]
        part, cost = collect(lm, block, n, rng, **options)
        part.problem[:] += first
        parts.append(part[np.argsort(part.problem, kind="stable")])
        spent += cost
    longest = max(part.tokens.shape[1] for part in parts)

    def stack(name):
        arrays = [getattr(part, name) for part in parts]
        if arrays[0].ndim == 1:
            return np.concatenate(arrays)
        fill = -1 if name == "tokens" else 0
        out = np.full((len(problems) * n, longest, *arrays[0].shape[2:]), fill, arrays[0].dtype)
        for array, first in zip(arrays, np.cumsum([0, *map(len, arrays)]), strict=False):
            out[first : first + len(array), : array.shape[1]] = array
        return out

    return Rollouts(*(stack(field.name) for field in fields(Rollouts))), spent


def believe(
    net: Net, prompts: Sequence[Sequence[int]], rollouts: Rollouts, at_once: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Read whole solutions, and say after each token how likely they are to end right.

    Parameters
    ----------
    prompts : sequence of sequences of int
        Those that ``rollouts.problem`` counts in.

    Returns
    -------
    (belief, own) : tuple of numpy.ndarray, shape (m, longest)
        Probability of ending right, and the log probability of each token in the net's own opinion;
        NaN beyond the end.
    """
    import torch  # here, so that looking at pictures of beliefs does not load it

    same = np.column_stack([rollouts.problem, rollouts.tokens])
    _, first, which = np.unique(same, axis=0, return_index=True, return_inverse=True)
    sizes = np.array([len(prompts[p]) for p in rollouts.problem[first]])
    order = np.argsort(sizes + rollouts.lengths[first], kind="stable")  # little padding
    found = np.full((2, len(first), rollouts.tokens.shape[1]), np.nan)
    for begin in range(0, len(first), at_once):
        rows = order[begin : begin + at_once]
        texts, size = rollouts[first[rows]], sizes[rows]
        length = int((size + texts.lengths).max())
        tokens, surprise = np.zeros((len(rows), length), np.int64), np.zeros((len(rows), length, 2))
        written = torch.zeros(len(rows), length, dtype=torch.bool)
        for r, (p, k) in enumerate(zip(size, texts.lengths, strict=True)):
            tokens[r, : p + k] = [*prompts[texts.problem[r]], *texts.tokens[r, :k]]
            surprise[r, p : p + k] = texts.surprise[r, :k]
            written[r, p : p + k] = True
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        with torch.inference_mode():
            logits, after = net(
                torch.from_numpy(tokens),
                torch.from_numpy(surprise).float(),
                written,
                torch.arange(length).expand(len(rows), -1),
                causal,
            )
        own = (
            after[:, :-1].gather(-1, torch.from_numpy(tokens[:, 1:, None]))[..., 0].double().numpy()
        )
        logits = logits.double().numpy()
        for r, (p, k) in enumerate(zip(size, texts.lengths, strict=True)):
            found[0, rows[r], :k] = expit(logits[r, p : p + k])
            found[1, rows[r], :k] = own[r, p - 1 : p + k - 1]
    belief, own = found[:, which.ravel()]
    return belief, own


def at_ends(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Gather the values at the ends of steps: (m, longest) and bool (m, longest) → (m, steps), NaN
    padded.
    """
    steps = ends.sum(axis=1)
    out = np.full((len(ends), steps.max(initial=0)), np.nan)
    out[np.arange(out.shape[1]) < steps[:, None]] = values[ends]
    return out


def auc_within(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve among the solutions of each problem: shape (problems,).

    Parameters
    ----------
    scores : numpy.ndarray, shape (problems, n)
        NaN for a solution that is not to be counted.
    right : numpy.ndarray of bool, shape (problems, n)

    Returns
    -------
    numpy.ndarray
        NaN for a problem whose solutions are all right or all wrong: there is nothing to tell
        apart.
    """
    areas = []
    for mine, truth in zip(scores, right, strict=True):
        there = ~np.isnan(mine)
        areas.append(auroc(mine[there], truth[there]) if there.any() else np.nan)
    return np.array(areas)


def best_of(scores: np.ndarray, right: np.ndarray, ks: Sequence[int]) -> np.ndarray:
    """Return the chance that the highest score of k solutions belongs to a right one.

    It is the mean over all subsets of k of the n solutions: the one of rank r is the best of
    C(n − r, k − 1) of the C(n, k) subsets. Of equal scores the earlier solution ranks higher.

    Parameters
    ----------
    scores, right : arrays, shape (problems, n)
    ks : sequence of int, length m
        From 1 to n.

    Returns
    -------
    numpy.ndarray, shape (problems, m)

    Raises
    ------
    ValueError
        If shapes differ, a score is not finite, or k is not from 1 to n.
    """
    scores = finite_array("scores", scores, ndim=2)
    right = finite_array("right", right, shape=scores.shape)
    n = scores.shape[1]
    sizes = np.array([whole_number("k", k) for k in ks])
    if sizes.max() > n:
        raise ValueError(f"k is {sizes.max()}; there are {n} solutions to choose from")
    ranked = np.take_along_axis(right, np.argsort(-scores, axis=1, kind="stable"), axis=1)
    chance = comb(n - 1 - np.arange(n)[:, None], sizes - 1) / comb(n, sizes)  # (n, m)
    return ranked @ chance
