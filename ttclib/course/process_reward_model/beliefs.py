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
    (belief, own) : tuple of numpy.ndarray
        ``belief`` (m, longest): probability of ending right. ``own`` (m, longest, 2): log
        probability and entropy (nats) of each token to the net's own body. NaN beyond the end, and
        ``own`` is NaN where the net does not hear its body.
    """
    import torch  # here, so that looking at pictures of beliefs does not load it

    same = np.column_stack([rollouts.problem, rollouts.tokens])
    _, first, which = np.unique(same, axis=0, return_index=True, return_inverse=True)
    sizes = np.array([len(prompts[p]) for p in rollouts.problem[first]])
    order = np.argsort(sizes + rollouts.lengths[first], kind="stable")  # little padding
    belief = np.full((len(first), rollouts.tokens.shape[1]), np.nan)
    own = np.full((*belief.shape, 2), np.nan)
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
        logits = logits.double().numpy()
        told = _of_following(net, after, torch.from_numpy(tokens)) if "body" in net.hears else None
        for r, (p, k) in enumerate(zip(size, texts.lengths, strict=True)):
            belief[rows[r], :k] = expit(logits[r, p : p + k])
            if told is not None:
                own[rows[r], :k] = told[r, p - 1 : p + k - 1]
    return belief[which.ravel()], own[which.ravel()]


def _of_following(net: Net, after, tokens) -> np.ndarray:
    """Log probability and entropy of each token but the first: (rows, length − 1, 2)."""
    import torch

    log_p = after[:, :-1, : net.body.shape.vocabulary].double()
    entropy = -(log_p.exp() * log_p).sum(-1)
    of_token = log_p.gather(-1, tokens[:, 1:, None])[..., 0]
    return torch.stack([of_token, entropy], dim=-1).numpy()


def at_ends(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Gather the values at the ends of steps: twice (m, longest) → (m, steps), NaN padded."""
    steps = ends.sum(axis=1)
    out = np.full((len(ends), steps.max(initial=0)), np.nan)
    out[np.arange(out.shape[1]) < steps[:, None]] = values[ends]
    return out
