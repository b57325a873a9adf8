"""Checks of notebook 07: loss of a soft label, AUC within a problem, product of step scores."""

from __future__ import annotations

import numpy as np

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


@exercise
def soft_loss(yours):
    """``yours(p, y)`` → mean binary cross-entropy (nats) of scores for labels, tensors (n,)."""
    p = np.array(P)
    y = np.array(Y)
    each = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    hard = np.round(y)
    got, slope = _loss(yours, P, Y)
    if close(got, -each.mean()):
        mistake("the sign: logarithms of probabilities are negative, a loss is not")
    if close(got, each) or close(got, each.sum()):
        mistake("take the mean over the n steps, or a long text would count more than its steps")
    if close(got, -(y * np.log(p)).mean()):
        mistake(
            "half of it is missing: with a label of 0 this loss is 0 whatever the score; "
            "add (1 − y) log(1 − p)"
        )
    if close(got, -(hard * np.log(p) + (1 - hard) * np.log(1 - p)).mean()):
        mistake(
            "you rounded the labels: 0.75 says that a quarter of the rollouts failed, "
            "and that is what to learn"
        )
    if close(got, each.mean() / np.log(2)):
        mistake("that is in bits; take natural logarithms")
    if close(got, ((p - y) ** 2).mean()):
        mistake("that is the squared error (the Brier score); cross-entropy has logarithms")
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


@exercise
def auc_within(yours):
    """``yours(scores, right)`` → mean AUC within a problem, for arrays (problems, n)."""
    rows = [_leads(s, r) for s, r in zip(SCORES, RIGHT, strict=True)]
    leads = [row for row in rows if row.size]
    strict = [(row > 0).mean() for row in leads]
    some = [(row >= 0).mean() for row in leads]
    half = np.add(strict, some) / 2
    answer = np.mean(half)
    over_all = _leads(SCORES.ravel(), RIGHT.ravel())
    got = yours(SCORES, RIGHT)
    if close(got, (over_all > 0).mean() + (over_all == 0).mean() / 2):
        mistake(
            "you compared solutions of different problems: that asks which problems are hard. "
            "Loop over the rows"
        )
    if np.isscalar(got) and np.isnan(got):
        mistake(
            "a problem whose solutions are all right has no pairs, and 0/0 is nan: "
            "leave such rows out"
        )
    best = [RIGHT[i, SCORES[i].argmax()] for i in range(len(RIGHT))]
    if any(close(got, np.mean(hits)) for hits in (best, best[1:])):
        mistake(
            "that is how often the highest score is right: best of 4. "
            "Compare each right solution with each wrong one"
        )
    if any(close(got, np.mean([empty, *half])) for empty in (0.0, 0.5, 1.0)):
        mistake(
            "a problem whose solutions are all right has no pairs; "
            "leave it out, it is not 0, 0.5 or 1"
        )
    if close(got, half):
        mistake("these are right, one for each problem; now take their mean")
    if close(got, np.mean(strict)):
        mistake("equal scores cannot tell two solutions apart: count each such pair half")
    if close(got, np.mean(some)):
        mistake("equal scores count as won in yours; count each such pair half")
    if close(got, 1 - answer):
        mistake("the other way round: count the pairs in which the *right* solution scores higher")
    right = f"for the check's four problems it is {answer:.4f}; yours says {got!r}"
    expect(close(got, answer), right)
    return (
        "all pairs of a right and a wrong solution of one problem, ties half, "
        "then the mean over problems"
    )


def _leads(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How far each right solution is ahead of each wrong one."""
    return scores[right][:, None] - scores[~right]


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
    steps = (~np.isnan(STEPS)).sum(axis=1)
    if np.isnan(got).any():
        mistake(
            "nan spreads: a solution with fewer steps has nan behind its last one, "
            "and that must not count"
        )
    if close(got, [0.0, 0.9**4, 0.0]):
        mistake(
            "you took a missing step for a score of 0, so every shorter solution is worth nothing; "
            "the factor is 1"
        )
    if close(got, np.log(product(STEPS))):
        mistake("that is the logarithm of the product")
    if close(got, product(STEPS) ** (1 / steps)):
        mistake(
            "that is the geometric mean, which forgets how many steps there were; "
            "leave out the root"
        )
    for name, other in (("last", last), ("smallest", smallest), ("mean", mean)):
        if close(got, other(STEPS)):
            mistake(f"that is the {name} score, not the product")
    worth = f"the check's solutions are worth {product(STEPS)}; yours says {got}"
    expect(close(got, product(STEPS)), worth)
    return "and four steps of 0.9 are worth 0.66: a product charges for every step, needed or not"
