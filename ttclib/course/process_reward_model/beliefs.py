"""What a verifier believes of whole solutions, read from their first token to their last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from ttclib.search.rollouts import Rollouts

if TYPE_CHECKING:
    from ttclib.search.verifier import Net


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
        texts = rollouts[first[rows]]
        size = sizes[rows]
        length = int((size + texts.lengths).max())
        tokens = np.zeros((len(rows), length), np.int64)
        per_token = np.zeros((len(rows), length, 2))
        written = torch.zeros(len(rows), length, dtype=torch.bool)
        for r, (p, k) in enumerate(zip(size, texts.lengths, strict=True)):
            tokens[r, : p + k] = [*prompts[texts.problem[r]], *texts.tokens[r, :k]]
            per_token[r, p : p + k] = texts.per_token[r, :k]
            written[r, p : p + k] = True
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        with torch.inference_mode():
            logits, after = net(
                torch.from_numpy(tokens),
                torch.from_numpy(per_token).float(),
                written,
                torch.arange(length).expand(len(rows), -1),
                causal,
            )
        following = torch.from_numpy(tokens[:, 1:, None])
        own = after[:, :-1].gather(-1, following)[..., 0].double().numpy()
        logits = logits.double().numpy()
        for r, (p, k) in enumerate(zip(size, texts.lengths, strict=True)):
            found[0, rows[r], :k] = expit(logits[r, p : p + k])
            found[1, rows[r], :k] = own[r, p - 1 : p + k - 1]
    belief, own = found[:, which.ravel()]
    return belief, own


def at_ends(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Gather the values at the ends of steps: twice (m, longest) → (m, steps), NaN padded."""
    steps = ends.sum(axis=1)
    out = np.full((len(ends), steps.max(initial=0)), np.nan)
    out[np.arange(out.shape[1]) < steps[:, None]] = values[ends]
    return out
