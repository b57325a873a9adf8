"""What frozen features know: a linear reader of position and velocity, and how many they are."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ttclib.inputs import checked

PENALTIES = tuple(10.0**k for k in range(-3, 5))
CHOOSING = 0.2  # share of the clips to learn from that chooses the penalty


class Reading(NamedTuple):
    """What a linear reader reads from features.

    Attributes
    ----------
    r2 : torch.Tensor, shape (targets,)
        Share of the variance of each target that it explains, on clips it never saw; below 0 it is
        worse than the mean.
    penalty : float
        Of the ridge regression.
    """

    r2: Tensor
    penalty: float


@checked
def read(features: Tensor, targets: Tensor, new_features: Tensor, new_targets: Tensor) -> Reading:
    """Read targets from features with a ridge regression, and see how well on new clips.

    Parameters
    ----------
    features, new_features : torch.Tensor, shapes (n, d), (m, d)
        Of clips to learn from, and of new ones. They are scaled to variance 1.
    targets, new_targets : torch.Tensor, shapes (n, targets), (m, targets)

    Notes
    -----
    The last fifth of the clips to learn from chooses the penalty; then all of them teach.
    """
    mean = features.double().mean(0)
    scale = features.double().std(0).clamp_min(1e-6)
    x = (features.double() - mean) / scale
    y = targets.double()
    cut = len(x) - int(CHOOSING * len(x))

    def missed(penalty: float) -> float:
        guess = _ridge(x[:cut], y[:cut], penalty)
        return float(((guess(x[cut:]) - y[cut:]) ** 2 / y.var(0)).sum())

    penalty = min(PENALTIES, key=missed)
    guess = _ridge(x, y, penalty)
    new = new_targets.double()
    errors = (guess((new_features.double() - mean) / scale) - new) ** 2
    return Reading(1 - errors.mean(0) / new.var(0, unbiased=False), penalty)


def _ridge(x: Tensor, y: Tensor, penalty: float):
    middle = x.mean(0)
    base = y.mean(0)
    centred = x - middle
    n, width = x.shape
    if width <= n:
        gram = centred.T @ centred + penalty * torch.eye(width, dtype=x.dtype)
        weights = torch.linalg.solve(gram, centred.T @ (y - base))
    else:  # the same weights, from the smaller matrix
        gram = centred @ centred.T + penalty * torch.eye(n, dtype=x.dtype)
        weights = centred.T @ torch.linalg.solve(gram, y - base)
    return lambda new: (new - middle) @ weights + base


def effective_rank(features: Tensor) -> float:
    """Return the effective rank of features (n, d): how many directions they really fill.

    It is the exponential of the entropy of the shares of variance along the principal axes: d if
    all axes have the same, 1 if one has all. (Roy and Vetterli 2007 take the singular values
    themselves in place of their squares.) Features that never change have rank 0.
    """
    centred = features.double() - features.double().mean(0)
    variance = torch.linalg.svdvals(centred) ** 2
    if variance.sum() <= 1e-24 * max(1.0, float((features.double() ** 2).sum())):
        return 0.0
    share = variance / variance.sum()
    share = share[share > 0]
    return float(torch.exp(-(share * share.log()).sum()))
