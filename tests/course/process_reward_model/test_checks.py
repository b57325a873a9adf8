"""Checks of notebook 07: the right answer passes, and each slip is told what it is."""

import numpy as np
import pytest
import scipy

torch = pytest.importorskip("torch")

from verdicts import *  # noqa: F403

from ttclib.course.process_reward_model import checks
from ttclib.measure.calibration import auroc

cross_entropy = lambda p, y: -(y * p.log() + (1 - y) * (1 - p).log())  # noqa: E731
bce = torch.nn.functional.binary_cross_entropy
LOSSES = [
    ("the sign", lambda p, y: -cross_entropy(p, y).mean()),
    ("take the mean", lambda p, y: cross_entropy(p, y).sum()),
    ("take the mean", lambda p, y: bce(p, y, reduction="sum")),
    ("now take their mean", cross_entropy),
    ("half of it", lambda p, y: -(y * p.log()).mean()),
    ("the other half", lambda p, y: -((1 - y) * (1 - p).log()).mean()),
    ("you rounded", lambda p, y: cross_entropy(p, y.round()).mean()),
    ("not the same as all", lambda p, y: bce(p, (y > 0).double())),
    ("bits", lambda p, y: cross_entropy(p, y).mean() / np.log(2)),
    ("base 10", lambda p, y: -(y * p.log10() + (1 - y) * (1 - p).log10()).mean()),
    ("Brier", lambda p, y: ((p - y) ** 2).mean()),
    ("Brier", torch.nn.functional.mse_loss),
    ("the mean distance", torch.nn.functional.l1_loss),
    ("belongs to both", lambda p, y: (-y * p.log() + (1 - y) * (1 - p).log()).mean()),
    ("goes with 1 − p", lambda p, y: -(y * p.log() + (1 - y) * p.log()).mean()),
    ("are swapped", lambda p, y: -((1 - y) * p.log() + y * (1 - p).log()).mean()),
    ("already; a loss of logits", torch.nn.functional.binary_cross_entropy_with_logits),
    ("labels themselves", lambda p, y: bce(p, y) - bce(y, y)),
    ("NumPy cannot say", lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()),
    ("use p, not a copy", lambda p, y: cross_entropy(p.detach(), y).mean()),
    ("use p, not a copy", lambda p, y: cross_entropy(p, y).mean().item()),
    ("your code stopped with RuntimeError", lambda p, y: (p.view(2) * y).mean()),
    ("it is 0.6392; yours says 1.0000", lambda p, y: 1.0),
    ("yours says 0.5333", lambda p, y: p.mean()),
    ("it is 0.6392; yours", lambda p, y: cross_entropy(p, y).median()),
    ("your loss is lowest", lambda p, y: cross_entropy(p, y).mean() if len(p) > 1 else p.mean()),
]


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


def pooled(s, r):
    leads = np.concatenate([(x[y][:, None] - x[~y]).ravel() for x, y in zip(s, r, strict=True)])
    return (leads > 0).mean() + (leads == 0).mean() / 2


def noisy(s, r):
    s += 1
    return areas(s, r).mean()


def but_not_all_wrong(s, r):
    kept = ~r.all(axis=1)
    each = [auroc(x, y) if y.any() else 0.5 for x, y in zip(s[kept], r[kept], strict=True)]
    return np.mean(each)


AREAS = [
    ("different problems", lambda s, r: auroc(s.ravel(), r.ravel())),
    ("0/0 is nan", lambda s, r: areas(s, r, empty=np.nan).mean()),
    ("best of 4", lambda s, r: np.mean(r[np.arange(len(s)), s.argmax(axis=1)])),
    (
        "of a problem",
        lambda s, r: np.mean(
            [mine[score.argmax()] for score, mine in zip(s, r, strict=True) if not mine.all()]
        ),
    ),
    ("it is not 0", lambda s, r: areas(s, r, empty=0.0).mean()),
    ("it is not ½", lambda s, r: areas(s, r, empty=0.5).mean()),
    ("it is not 1", lambda s, r: areas(s, r, empty=1.0).mean()),
    ("now take their mean", areas),
    ("now take their mean", lambda s, r: areas(s, r).tolist()),
    ("cannot tell", lambda s, r: areas(s, r, lambda good, bad: (good > bad).mean()).mean()),
    ("count as won", lambda s, r: areas(s, r, lambda good, bad: (good >= bad).mean()).mean()),
    ("other way round", lambda s, r: 1 - areas(s, r).mean()),
    ("other way round", lambda s, r: areas(-s, r).mean()),
    ("each problem counts once", pooled),
    ("the sum over problems", lambda s, r: areas(s, r).sum()),
    ("from −1 to 1", lambda s, r: 2 * areas(s, r).mean() - 1),
    ("does not matter", lambda s, r: areas(s, r, lambda good, bad: (good - bad).mean()).mean()),
    ("changes the scores", noisy),
    ("all wrong, too", but_not_all_wrong),
    ("yours says", lambda s, r: 1.0),
    ("yours says", lambda s, r: np.median(areas(s, r))),
    ("yours says", lambda s, r: areas(s, r, lambda good, bad: good.mean() > bad.mean()).mean()),
    ("your code stopped with", lambda s, r: np.mean([auroc(x, y) for x, y in zip(s, r[0])])),  # noqa: B905
]
there = lambda s: np.where(np.isnan(s), 1.0, s)  # noqa: E731
PRODUCTS = [
    ("nan spreads", lambda s: s.prod(axis=1)),
    ("nan spreads", lambda s: np.cumprod(s, axis=1)[:, -1]),
    ("score of 0", lambda s: np.nan_to_num(s).prod(axis=1)),
    ("logarithm", lambda s: np.log(there(s)).sum(axis=1)),
    ("geometric", lambda s: there(s).prod(axis=1) ** (1 / (~np.isnan(s)).sum(axis=1))),
    ("do not add", lambda s: np.nansum(s, axis=1)),
    ("do not divide", lambda s: there(s).prod(axis=1) / (~np.isnan(s)).sum(axis=1)),
    ("not all steps are wrong", lambda s: 1 - np.nanprod(1 - s, axis=1)),
    ("all are wrong", lambda s: np.nanprod(1 - s, axis=1)),
    ("one minus the product", lambda s: 1 - np.nanprod(s, axis=1)),
    ("smallest score", lambda s: np.nanmin(s, axis=1)),
    ("largest score", lambda s: np.nanmax(s, axis=1)),
    ("mean score", lambda s: np.nanmean(s, axis=1)),
    ("last score", lambda s: np.array([row[~np.isnan(row)][-1] for row in s])),
    ("the last one, counts", lambda s: [np.prod(row[~np.isnan(row)][:-1]) for row in s]),
    ("the first step counts", lambda s: np.nanprod(s[:, 1:], axis=1)),
    ("shape (3,)", lambda s: np.nanprod(s)),
    ("shape (3,)", lambda s: np.nanprod(s, axis=0)),
    ("shape (3,)", lambda s: np.nanprod(s, axis=1, keepdims=True)),
    ("in place", lambda s: np.nan_to_num(s, copy=False, nan=1.0).prod(axis=1)),
    ("are worth", lambda s: np.ones(len(s))),
    ("are worth", lambda s: np.where(np.isnan(s), 0.5, s).prod(axis=1)),
    ("are worth", lambda s: there(s).prod(axis=1).round(1)),
]

CHECKED = {checks.soft_loss: LOSSES, checks.auc_within: AREAS, checks.aggregated: PRODUCTS}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips]


def by_auroc(scores, right):
    return np.nanmean([auroc(s, r) for s, r in zip(scores, right, strict=True)])


def by_sorting(scores, right):  # Mann and Whitney: ranks of the right ones
    found = []
    for s, r in zip(scores, right, strict=True):
        n, m = r.sum(), (~r).sum()
        if n * m:
            found.append((scipy.stats.rankdata(s)[r].sum() - n * (n + 1) / 2) / (n * m))
    return np.mean(found)


def by_loops(scores, right):
    found = []
    for s, r in zip(scores.tolist(), right.tolist(), strict=True):
        pairs = [(a > b) + (a == b) / 2 for a, x in zip(s, r) if x for b, y in zip(s, r) if not y]  # noqa: B905
        if pairs:
            found.append(sum(pairs) / len(pairs))
    return sum(found) / len(found)


def loss_by_where(p, y):
    return torch.stack([-(b * a.log() + (1 - b) * (1 - a).log()) for a, b in zip(p, y)]).mean()  # noqa: B905


def product_by_loop(scores):
    found = []
    for row in scores:
        worth = 1.0
        for score in row:
            worth *= 1.0 if np.isnan(score) else score
        found.append(worth)
    return found


RIGHT = [
    (checks.soft_loss, lambda p, y: cross_entropy(p, y).mean()),
    (checks.soft_loss, bce),
    (checks.soft_loss, lambda p, y: torch.mean(cross_entropy(p, y))),
    (checks.soft_loss, lambda p, y: cross_entropy(p, y).sum() / len(p)),
    (checks.soft_loss, lambda p, y: (-y * torch.log(p) - (1 - y) * torch.log1p(-p)).mean()),
    (checks.soft_loss, loss_by_where),
    (checks.auc_within, lambda s, r: areas(s, r).mean()),
    (checks.auc_within, by_auroc),
    (checks.auc_within, by_sorting),
    (checks.auc_within, by_loops),
    (
        checks.auc_within,
        lambda s, r: areas(s, r, lambda good, bad: ((np.sign(good - bad) + 1) / 2).mean()).mean(),
    ),
    (checks.aggregated, lambda s: np.nanprod(s, axis=1)),
    (checks.aggregated, lambda s: [np.exp(np.nansum(np.log(row))) for row in s]),
    (checks.aggregated, lambda s: there(s).prod(axis=1)),
    (checks.aggregated, product_by_loop),
    (checks.aggregated, lambda s: np.nan_to_num(s, nan=1.0).prod(axis=-1)),
    (checks.aggregated, lambda s: np.array([row[~np.isnan(row)].prod() for row in s])),
]


def test_blanks_are_no_mistakes():
    for check in (checks.soft_loss, checks.auc_within, checks.aggregated):
        assert check(lambda *given: ...).mark == "–"
