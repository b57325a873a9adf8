"""Checks of notebook 07: the right answer passes, and each slip is told what it is."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from verdicts import *  # noqa: F403

from ttclib.course.process_reward_model import checks
from ttclib.measure.calibration import auroc

cross_entropy = lambda p, y: -(y * p.log() + (1 - y) * (1 - p).log())  # noqa: E731
LOSSES = {
    "the sign": lambda p, y: -cross_entropy(p, y).mean(),
    "take the mean": lambda p, y: cross_entropy(p, y).sum(),
    "half of it": lambda p, y: -(y * p.log()).mean(),
    "rounded": lambda p, y: cross_entropy(p, y.round()).mean(),
    "bits": lambda p, y: cross_entropy(p, y).mean() / np.log(2),
    "Brier": lambda p, y: ((p - y) ** 2).mean(),
    "NumPy cannot say": lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(),
    "use p, not a copy": lambda p, y: cross_entropy(p.detach(), y).mean(),
    "your code stopped with RuntimeError": lambda p, y: (p.view(2) * y).mean(),
    "it is 0.6392; yours says 1.0000": lambda p, y: 1.0,
    "yours says 0.5333": lambda p, y: p.mean(),
    "your loss is lowest": lambda p, y: cross_entropy(p, y).mean() if len(p) > 1 else p.mean(),
}


def areas(
    scores, right, over=lambda good, bad: (good > bad).mean() + (good == bad).mean() / 2, empty=None
):
    found = []
    for s, r in zip(scores, right, strict=True):
        if r.any() and not r.all():
            found.append(over(s[r][:, None], s[~r]))
        elif empty is not None:
            found.append(empty)
    return np.array(found)


AREAS = {
    "different problems": lambda s, r: auroc(s.ravel(), r.ravel()),
    "0/0 is nan": lambda s, r: areas(s, r, empty=np.nan).mean(),
    "best of 4": lambda s, r: np.mean(r[np.arange(len(s)), s.argmax(axis=1)]),
    "how often the highest score": lambda s, r: np.mean(
        [mine[score.argmax()] for score, mine in zip(s, r, strict=True) if not mine.all()]
    ),
    "leave it out": lambda s, r: areas(s, r, empty=0.5).mean(),
    "now take their mean": areas,
    "cannot tell": lambda s, r: areas(s, r, lambda good, bad: (good > bad).mean()).mean(),
    "count as won": lambda s, r: areas(s, r, lambda good, bad: (good >= bad).mean()).mean(),
    "other way round": lambda s, r: 1 - areas(s, r).mean(),
    "yours says": lambda s, r: 1.0,
}
there = lambda s: np.where(np.isnan(s), 1.0, s)  # noqa: E731
PRODUCTS = {
    "nan spreads": lambda s: s.prod(axis=1),
    "score of 0": lambda s: np.nan_to_num(s).prod(axis=1),
    "logarithm": lambda s: np.log(there(s)).sum(axis=1),
    "geometric": lambda s: there(s).prod(axis=1) ** (1 / (~np.isnan(s)).sum(axis=1)),
    "smallest score": lambda s: np.nanmin(s, axis=1),
    "mean score": lambda s: np.nanmean(s, axis=1),
    "last score": lambda s: np.array([row[~np.isnan(row)][-1] for row in s]),
    "shape (3,)": lambda s: np.nanprod(s),
    "in place": lambda s: np.nan_to_num(s, copy=False, nan=1.0).prod(axis=1),
    "are worth": lambda s: np.ones(len(s)),
}


CHECKED = {checks.soft_loss: LOSSES, checks.auc_within: AREAS, checks.aggregated: PRODUCTS}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips.items()]


def by_auroc(scores, right):
    return np.nanmean([auroc(s, r) for s, r in zip(scores, right, strict=True)])


RIGHT = [
    (checks.soft_loss, lambda p, y: cross_entropy(p, y).mean()),
    (checks.soft_loss, torch.nn.functional.binary_cross_entropy),
    (checks.soft_loss, lambda p, y: torch.mean(cross_entropy(p, y))),
    (checks.auc_within, lambda s, r: areas(s, r).mean()),
    (checks.auc_within, by_auroc),
    (checks.aggregated, lambda s: np.nanprod(s, axis=1)),
    (checks.aggregated, lambda s: [np.exp(np.nansum(np.log(row))) for row in s]),
]


def test_blanks_are_no_mistakes():
    for check in (checks.soft_loss, checks.auc_within, checks.aggregated):
        assert check(lambda *given: ...).mark == "–"
