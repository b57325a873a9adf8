"""Checks of notebook 07: loss of a soft label, AUC within a problem, product of step scores."""

from __future__ import annotations

import numpy as np

from ttclib.course.slips import name_slip
from ttclib.exercise import close, exercise, expect, mistake
from ttclib.inputs import short
from ttclib.search.aggregation import last, mean, product, smallest

P = [0.9, 0.5, 0.2]  # scores
Y = [0.75, 0.0, 0.25]  # labels


def _loss(yours, p, y) -> tuple:
    """What a learner's loss says of scores and labels, and how it changes with each score."""
    import torch  # here, so that the checks of other exercises do not wait for it

    scores = torch.tensor(p, dtype=torch.float64, requires_grad=True)
    try:
        value = yours(scores, torch.tensor(y, dtype=torch.float64))
    except RuntimeError as error:
        if "numpy" in str(error):
            mistake("NumPy cannot say how a loss changes with the scores: write p.log()")
        raise
    if not isinstance(value, torch.Tensor):
        return value, None
    if value.ndim == 0 and value.requires_grad:
        value.backward()
    return value.detach().numpy()[()], scores.grad


def _each(p, y):
    """Return the cross-entropy of each score (n,) for its label (n,), in nats."""
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


@exercise
def soft_loss(yours):
    """``yours(p, y)`` → mean binary cross-entropy (nats) of scores for labels, tensors (n,)."""
    each = _each(np.array(P), np.array(Y))
    got, slope = _loss(yours, P, Y)
    if isinstance(got, np.ndarray) and close(got, each):
        mistake("these are right, one for each step; now take their mean")
    missing = (
        "half of it is missing: with a label of 0 this loss is 0 whatever the score; "
        "add (1 − y) log(1 − p)"
    )
    slips = {
        "the sign: logarithms of probabilities are negative, a loss is not": lambda p, y: (
            -_each(p, y).mean()
        ),
        "take the mean over the n steps, or a long text would count more than its steps": (
            lambda p, y: _each(p, y).sum()
        ),
        missing: lambda p, y: -(y * np.log(p)).mean(),
        "the other half is missing: with a label of 1 this loss is 0; add y log p": lambda p, y: (
            -((1 - y) * np.log(1 - p)).mean()
        ),
        "you rounded the labels: 0.75 says that a quarter of the rollouts failed, "
        "and that is what to learn": lambda p, y: _each(p, np.round(y)).mean(),
        "any rollout that ended right is not the same as all: use the label as it is": (
            lambda p, y: _each(p, (y > 0).astype(float)).mean()
        ),
        "that is in bits; take natural logarithms": lambda p, y: _each(p, y).mean() / np.log(2),
        "that is to base 10; take natural logarithms": lambda p, y: _each(p, y).mean() / np.log(10),
        "that is the squared error (the Brier score); cross-entropy has logarithms": lambda p, y: (
            (p - y) ** 2
        ).mean(),
        "that is the mean distance; cross-entropy has logarithms": lambda p, y: abs(p - y).mean(),
        "the minus belongs to both terms: −(y log p + (1 − y) log(1 − p))": lambda p, y: (
            -y * np.log(p) + (1 - y) * np.log(1 - p)
        ).mean(),
        "a score that is wrong pays log(1 − p): (1 − y) goes with 1 − p": lambda p, y: (
            -(y * np.log(p) + (1 - y) * np.log(p)).mean()
        ),
        "label and complement are swapped: y goes with log p": lambda p, y: _each(1 - p, y).mean(),
        "p is a probability already; a loss of logits puts it through a sigmoid again": (
            lambda p, y: _each(1 / (1 + np.exp(-p)), y).mean()
        ),
        "you left out what the labels themselves cannot say; keep −y log p as it is": (
            lambda p, y: (_each(p, y) - _each(np.clip(y, 1e-12, 1 - 1e-12), y)).mean()
        ),
    }
    tensors = lambda p, y: _loss(yours, p.tolist(), y.tolist())[0]  # noqa: E731
    cases = [(np.array(P), np.array(Y)), (np.array([0.3, 0.6]), np.array([0.4, 0.0]))]
    name_slip(tensors, slips, cases)
    said = f"{got:.4f}" if isinstance(got, float) else short(got)
    right = f"for p = {P} and y = {Y} it is {each.mean():.4f}; yours says {said}"
    expect(close(got, each.mean()), right)
    lost = "the number is right, but it does not say how it changes with p: use p, not a copy"
    expect(slope is not None, lost)
    grid = np.linspace(0.01, 0.99, 99)
    lowest = grid[np.argmin([_loss(yours, [score], [0.25])[0] for score in grid])]
    where = f"for a label of 0.25 your loss is lowest at a score of {lowest:.2f}, not 0.25"
    expect(close(lowest, 0.25), where)
    return (
        "lowest where the score is the label: "
        "a quarter of the rollouts right asks for a score of 0.25"
    )


SCORES = np.array(
    [[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.4, 0.3], [0.5, 0.5, 0.2, 0.5], [0.1, 0.4, 0.5, 0.3]]
)
RIGHT = np.array([[1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0]], dtype=bool)


@exercise(blanks=2)
def auc_within(yours):
    """``yours(scores, right)`` → mean AUC within a problem, for arrays (problems, n)."""
    given = SCORES.copy(), RIGHT.copy()
    with np.errstate(all="ignore"):
        got = yours(*given)
    expect(np.array_equal(given[0], SCORES), "your function changes the scores; work on a copy")
    if np.size(got) == 1 and np.isnan(got):
        mistake(
            "a problem whose solutions are all right has no pairs, and 0/0 is nan: "
            "leave such rows out"
        )
    no_pairs = "a problem whose solutions are all right has no pairs; leave it out, it is not "
    first = (
        "that is how often the highest score is right: best of 4. "
        "Compare each right solution with each wrong one"
    )
    slips = {
        "you compared solutions of different problems: that asks which problems are hard. "
        "Loop over the rows": lambda s, r: _area(_leads(s.ravel(), r.ravel())),
        first: lambda s, r: np.mean(_firsts(s, r)),
        first + " of a problem": lambda s, r: np.mean(_firsts(s, r)[~r.all(axis=1)]),
        no_pairs + "0": lambda s, r: np.mean(_areas(s, r, empty=0.0)),
        no_pairs + "½": lambda s, r: np.mean(_areas(s, r, empty=0.5)),
        no_pairs + "1": lambda s, r: np.mean(_areas(s, r, empty=1.0)),
        "these are right, one for each problem; now take their mean": lambda s, r: _areas(s, r),
        "equal scores cannot tell two solutions apart: count each such pair half": lambda s, r: (
            np.mean(_areas(s, r, tie=0.0))
        ),
        "equal scores count as won in yours; count each such pair half": lambda s, r: np.mean(
            _areas(s, r, tie=1.0)
        ),
        "the other way round: count the pairs in which the *right* solution scores higher": (
            lambda s, r: 1 - np.mean(_areas(s, r))
        ),
        "each problem counts once: take the mean in each problem, then over problems": (
            lambda s, r: _area(np.concatenate([_leads(*row).ravel() for row in zip(s, r)]))  # noqa: B905
        ),
        "add them up and divide: yours is the sum over problems": lambda s, r: np.sum(_areas(s, r)),
        "that runs from −1 to 1; an AUC is the share of pairs in order, 0 to 1": lambda s, r: (
            2 * np.mean(_areas(s, r)) - 1
        ),
        "count pairs in order; by how much a score is higher does not matter": lambda s, r: np.mean(
            [leads.mean() for leads in map(_leads, s, r) if leads.size]
        ),
    }
    others = np.array([[0.2, 0.6, 0.6, 0.1], [0.7, 0.7, 0.3, 0.9], [0.4, 0.1, 0.8, 0.2]])
    rights = np.array([[0, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)
    name_slip(yours, slips, [(SCORES, RIGHT), (others, rights)])
    answer = np.mean(_areas(SCORES, RIGHT))
    right = f"for the check's four problems it is {answer:.4f}; yours says {got}"
    expect(close(got, answer), right)
    wrong = np.mean(_areas(SCORES, ~RIGHT))
    none = "leave out a problem whose solutions are all wrong, too"
    with np.errstate(all="ignore"):
        expect(close(yours(SCORES.copy(), ~RIGHT), wrong), none)
    return (
        "all pairs of a right and a wrong solution of one problem, ties half, "
        "then the mean over problems"
    )


def _leads(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How far each right solution is ahead of each wrong one."""
    return scores[right][:, None] - scores[~right]


def _area(leads: np.ndarray, tie: float = 0.5) -> float:
    """Share of pairs in order; a pair of equals counts ``tie``."""
    return float((leads > 0).mean() + tie * (leads == 0).mean())


def _areas(scores: np.ndarray, right: np.ndarray, tie: float = 0.5, empty=None) -> np.ndarray:
    """Return the area of each problem; one without pairs has ``empty``, or is left out."""
    rows = [_leads(*row) for row in zip(scores, right, strict=True)]
    found = [_area(leads, tie) if leads.size else empty for leads in rows]
    return np.array([area for area in found if area is not None])


def _firsts(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether the highest score of each problem is right."""
    return right[np.arange(len(scores)), scores.argmax(axis=1)]


STEPS = np.array([[0.9, 0.5, 0.8, np.nan], [0.9, 0.9, 0.9, 0.9], [0.5, np.nan, np.nan, np.nan]])


@exercise
def aggregated(yours):
    """``yours(scores)`` → (n,) products of step scores (n, steps), NaN: there is no such step."""
    given = STEPS.copy()
    got = np.asarray(yours(given), dtype=float)
    unchanged = np.array_equal(given, STEPS, equal_nan=True)
    expect(unchanged, "your function changes the scores in place; work on a copy")
    shape = f"one number for each of the 3 solutions, shape (3,); yours has {got.shape}"
    expect(got.shape == (3,), shape)
    if np.isnan(got).any():
        mistake(
            "nan spreads: a solution with fewer steps has nan behind its last one, "
            "and that must not count"
        )
    count = lambda s: (~np.isnan(s)).sum(axis=1)  # noqa: E731
    slips = {
        "you took a missing step for a score of 0, so every shorter solution is worth nothing; "
        "the factor is 1": lambda s: np.nan_to_num(s).prod(axis=1),
        "that is the logarithm of the product": lambda s: np.log(product(s)),
        "that is the geometric mean, which forgets how many steps there were; "
        "leave out the root": lambda s: product(s) ** (1 / count(s)),
        "multiply, do not add: that is the sum of the scores": lambda s: np.nansum(s, axis=1),
        "do not divide by the number of steps: the product is all": lambda s: product(s) / count(s),
        "that is the chance that not all steps are wrong; multiply the scores": lambda s: (
            1 - product(1 - s)
        ),
        "that is the product of 1 − score, the chance that all are wrong": lambda s: product(1 - s),
        "that is one minus the product": lambda s: 1 - product(s),
        "that is the last score, not the product": last,
        "that is the smallest score, not the product": smallest,
        "that is the largest score, not the product": lambda s: np.nanmax(s, axis=1),
        "that is the mean score, not the product": mean,
        "the answer's score, the last one, counts as well": lambda s: product(s) / last(s),
        "the first step counts as well": lambda s: product(s) / s[:, 0],
    }
    other = np.array([[0.7, 0.6, np.nan], [0.4, 0.95, 0.3], [0.8, np.nan, np.nan]])
    name_slip(lambda s: np.asarray(yours(s), dtype=float), slips, [(STEPS,), (other,)])
    worth = f"the check's solutions are worth {product(STEPS)}; yours says {got}"
    expect(close(got, product(STEPS)), worth)
    return "and four steps of 0.9 are worth 0.66: a product charges for every step, needed or not"
