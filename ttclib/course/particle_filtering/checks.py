"""Checks of notebook 04: importance sampling, resampling, the evidence."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.exercise import close, exercise, expect, mistake
from ttclib.particles.statespace import LinearGaussian


@exercise
def effective_sample_size(yours):
    """``yours(weights)`` → effective sample size of unnormalised weights (n,)."""
    equal = np.full(8, 0.3)
    skewed = np.array([4.0, 1.0, 1.0, 0.0])
    if close(yours(skewed), 1 / (skewed**2).sum()):
        mistake(
            "that is right only for weights that sum to one; "
            "normalise them first, or divide by their sum squared"
        )
    if close(yours(equal), 1.0) or close(yours(skewed), 0.5):
        mistake(
            "that is a share between 0 and 1; "
            "the effective sample size is a number of points, up to n"
        )
    if close(yours(skewed), skewed.sum() / skewed.max()):
        mistake("Σw / max w is another measure; this one uses the sum of squares")
    got = yours(equal)
    expect(close(got, 8.0), f"eight equal weights are worth 8 points; yours says {got!r}")
    got = yours(skewed)
    expect(close(got, 2.0), f"weights 4, 1, 1, 0 are worth 36/18 = 2 points; yours says {got!r}")
    return "equal weights are worth n points, one heavy weight is worth one"


@exercise(blanks=2)
def systematic(yours):
    """``yours(weights, n, rng)`` → ancestors (n,) by systematic resampling."""
    # the piece of member 1 begins and ends inside a tenth: independent offsets give it 6 at times
    weights = np.array([0.075, 0.45, 0.0, 0.30, 0.175])
    counts = []
    for seed in range(300):
        ancestors = _ancestors(yours(weights, 10, np.random.default_rng(seed)), 5, 10)
        counts.append(np.bincount(ancestors, minlength=5))
    counts = np.array(counts)
    expect(
        (counts[:, 2] == 0).all(),
        "member 2 has weight zero and got a child; compare with < and ≤ at the marks",
    )
    if (counts == counts[0]).all():
        mistake("the same ancestors for every seed: draw the offset from rng")
    if not (np.abs(counts - 10 * weights) < 1).all():
        mistake(
            "member 1 expects 4.5 children and must get 4 or 5, never else: "
            "use one offset for all points, (k + u) / n"
        )
    means = counts.mean(axis=0)
    # an offset that is not uniform on [0, 1) shows in the share of the time that 4.5 becomes 5
    expect(
        abs(means[1] - 4.5) < 0.15,
        f"member 1 got {means[1]:.2f} children on average, not 4.5: is the offset uniform?",
    )
    return "every member gets its expected number of children, rounded up or down"


def _ancestors(answer, size, n):
    answer = np.asarray(answer)
    shaped = f"return {n} ancestors, shape ({n},); yours has shape {answer.shape}"
    expect(answer.shape == (n,), shaped)
    whole = np.issubdtype(answer.dtype, np.integer)
    expect(whole, "ancestors are whole numbers: indices of parents")
    inside = answer.min() >= 0 and answer.max() < size
    expect(inside, f"an ancestor is an index from 0 to {size - 1}")
    return answer


@exercise
def bootstrap_filter(yours):
    """``yours(y, n, rng)`` → log evidence of x' = 0.9 x + N(0,1), y = x + N(0,1), x₀ ~ N(0,1)."""
    model = LinearGaussian()
    _, y = model.simulate(30, np.random.default_rng(11))
    y[0] = 6.0  # far out: a filter that moves before it looks finds it more likely
    exact = kalman_filter(model, y).log_evidence[-1]
    runs = np.array([float(yours(y, 1000, np.random.default_rng(s))) for s in range(8)])
    got = runs.mean()
    constant = 30 * 0.5 * math.log(2 * math.pi)
    if abs(got - exact - constant) < 1.5:
        mistake("log(2π)/2 is missing from the density of every observation")
    if abs(got - exact - 30 * math.log(1000)) < 1.5:
        mistake(
            "you summed the weights; the evidence of a step is their mean, "
            "so log n is too much at each step"
        )
    expect(runs.std() > 0, "every run gives the same number: is the randomness taken from rng?")
    expect(
        abs(got - exact) < 0.7,
        f"log evidence should be near {exact:.1f}, yours averages {got:.1f}; "
        "the first state is observed too, before any move",
    )
    return f"exact {exact:.2f}, yours {got:.2f} on average over 8 runs"
