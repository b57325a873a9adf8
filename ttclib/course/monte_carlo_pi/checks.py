"""Checks of notebook 01: error bars, regions, rejection, cheaper accuracy.

The numbers that a check asks for are chosen so that no two slips give the same answer.
"""

from __future__ import annotations

import math

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def share_that_hold(yours):
    """``yours(values, errors)`` → share of the intervals "value ± 1.96 errors" that hold π."""
    z = np.random.default_rng(1).normal(0.5, 2.2, 60)  # distances from π, in standard errors
    z[0] = 0.99
    errors = np.resize([0.004, 0.02, 0.09, 0.25, 0.5], 60)
    values = math.pi + z * errors
    away = np.abs(values - math.pi)
    right = np.mean(away <= 1.96 * errors)
    got = yours(values.copy(), errors.copy())
    if np.shape(got) == (60,):
        mistake("that is one answer for each interval; the share is the mean of them")
    expect(np.shape(got) == (), f"give one number, the share; yours has shape {np.shape(got)}")
    slips = [
        (60 * right, "that is how many intervals hold π; divide by how many there are"),
        (100 * right, "that is in percent; a share is between 0 and 1"),
        (1 - right, "that is the share of the intervals that miss π"),
        (
            np.mean(away <= errors),
            "that is one standard error to each side, which holds 68%; take 1.96 of them",
        ),
        (
            np.mean(away <= 1.645 * errors),
            "1.645 standard errors make an interval of 90%; for 95% take 1.96 of them",
        ),
        (
            np.mean(away <= 2.576 * errors),
            "2.576 standard errors make an interval of 99%; for 95% take 1.96 of them",
        ),
        (
            np.mean(away <= 0.98 * errors),
            "1.96 standard errors to *each* side: the whole interval is twice as wide",
        ),
        (
            np.mean(away <= 1.96 / math.sqrt(60) * errors),
            "a standard error has been divided by √n already; do not divide it again",
        ),
        (np.mean(z <= 1.96), "π may also lie above the interval; you look at one end only"),
        (np.mean(z >= -1.96), "π may also lie below the interval; you look at one end only"),
        (
            np.mean(np.abs(values - 3.14) <= 1.96 * errors),
            "take math.pi: 3.14 is too far from π for error bars as small as some are",
        ),
        (
            np.mean(np.abs(values - values.mean()) <= 1.96 * errors),
            "the interval is to hold π, not the mean of the estimates",
        ),
        (
            np.mean(away <= 1.96 * errors.mean()),
            "each estimate has an error of its own; you take their mean for all of them",
        ),
        (
            np.mean(away <= 1.96 * errors**2),
            "the error is a standard deviation, not a variance: do not square it",
        ),
        (np.mean(away <= 1.96), "1.96 of what? Multiply it by the standard error of each estimate"),
        (0, "some of our intervals hold π: do not ask whether an estimate equals it"),
    ]
    if not close(got, right):
        for value, line in slips:
            if close(got, value):
                mistake(line)
        mistake(f"of our 60 intervals {60 * right:.0f} hold π: {right:.4f}; you said {got!r}")
    return "where the truth is known an error bar can be checked: count how often it holds"


@exercise
def ellipse_area(yours):
    """``yours(points)`` → booleans: which (k, 2) points lie in x²/4 + y² ≤ 1."""
    x, y = (a.ravel() for a in np.meshgrid(np.arange(-2.3, 2.4, 0.23), np.arange(-1.27, 1.4, 0.17)))
    points = np.column_stack([x, y])
    right = x**2 / 4 + y**2 <= 1
    got = np.asarray(yours(points.copy()))
    if got.shape == (2,):
        mistake("points[0] is the first point; all x values are points[:, 0]")
    expect(
        got.shape == right.shape,
        f"return one boolean for each point, shape {right.shape}; yours has shape {got.shape}",
    )
    if close(got, x**2 / 4 + y**2):
        mistake("that is x²/4 + y² itself; compare it with 1")
    expect(
        got.dtype == bool or np.isin(got, (0, 1)).all(),
        f"return True or False for each point; the first of yours is {got.ravel()[0].item()!r}",
    )
    slips = [
        (~right, "those are the points outside: turn the comparison around"),
        (
            x**2 + y**2 <= 1,
            "that is the unit circle; the ellipse reaches to x = ±2, so divide x² by 4",
        ),
        (x**2 + y**2 / 4 <= 1, "that ellipse stands upright: it is x² that is divided by 4"),
        (x**2 / 2 + y**2 <= 1, "a half-width of 2 enters squared: divide x² by 4, not by 2"),
        (x**2 / 4 + y <= 1, "y is not squared, so points far below count as inside"),
        (x**2 / 4 + np.abs(y) <= 1, "y is not squared"),
        (x / 2 + y**2 <= 1, "x/2 is not squared, so points far to the left count as inside"),
        (x / 4 + y**2 <= 1, "x is not squared, so points far to the left count as inside"),
        (np.abs(x) / 2 + y**2 <= 1, "x/2 is not squared"),
        (np.abs(x) / 2 + np.abs(y) <= 1, "that is a diamond: square both terms"),
        (x / 2 + y <= 1, "neither term is squared"),
        ((np.abs(x) <= 2) & (np.abs(y) <= 1), "that is the box around the ellipse"),
        (4 * x**2 + y**2 <= 1, "x² is divided by 4, not multiplied: the ellipse is wide"),
        (x**2 / 4 + y**2 <= 2, "the sum is to be at most 1"),
        (x**2 / 4 + y**2 <= 4, "divide x² by 4 or compare with 4, and then y² is 4 y²"),
        (x**2 / 4 - y**2 <= 1, "the two squares are added, not subtracted"),
    ]
    for region, line in slips:
        if (got == region).all():
            mistake(line)
    wrong = np.flatnonzero(got != right)
    if len(wrong):
        a, b = points[wrong[0]].round(2).tolist()
        where = "inside" if right[wrong[0]] else "outside"
        mistake(
            f"wrong for {len(wrong)} of {len(x)} points; ({a}, {b}) has x²/4 + y² = "
            f"{a * a / 4 + b * b:.2f}, so it is {where}"
        )
    return "the same darts measure any region you can test for membership"


@exercise
def keep(yours):
    """``yours(p, q, bound, u)`` → which proposals rejection sampling keeps."""
    rng = np.random.default_rng(11)
    bound = 2.5
    q = rng.uniform(0.3, 1.5, 300)
    p = q * bound * rng.random(300)
    u = rng.random(300)
    p[0], q[0], u[0] = 0.6, 0.4, 0.5  # for the line that shows a point: p/(Mq) is 0.6
    given = [p.copy(), q.copy(), bound, u.copy()]
    got = np.asarray(yours(*given))
    if got.shape == () or (got.ndim == 1 and len(got) not in (1, 300)):
        mistake(
            f"give one boolean for each proposal, shape (300,); yours has shape {got.shape}: "
            "say which are kept, and leave it to the caller to take them"
        )
    expect(got.shape == (300,), f"give booleans of shape (300,); yours has shape {got.shape}")
    if close(got, p / (bound * q)):
        mistake("that is the probability of being kept; compare u with it")
    expect(
        got.dtype == bool or np.isin(got, (0, 1)).all(),
        f"give True or False for each proposal; your first is {got[0].item()!r}",
    )
    right = u < p / (bound * q)
    if not (got == np.asarray(yours(p.copy(), q.copy(), bound, u.copy()))).all():
        mistake("two calls with the same u differ: use the u that you are given")
    slips = [
        (~right, "that keeps the darts above p: turn the comparison around"),
        (u < p / q, "the bound is forgotten: without it p / q may exceed 1"),
        (u < p / bound, "q is forgotten: where q proposes often, fewer are to be kept"),
        (u < p, "u is compared with p itself; the dart's height is u · M · q"),
        (
            np.ones(300, dtype=bool),
            "that keeps them all: is p on top of the fraction, and u alone on its side?",
        ),
        (np.zeros(300, dtype=bool), "that keeps none: u is to be less than p / (M q)"),
        (u < q / p, "the fraction is upside down: p belongs on top, and M below"),
        (u < p * q / bound, "q belongs below the fraction: divide by it"),
        (u < bound * p / q, "M belongs below the fraction: a larger M keeps fewer"),
        (u < p / bound + q, "M · q is a product; you add"),
        (u < bound * q, "p is not used: the dart is to lie below p"),
    ]
    for kept, line in slips:
        if (got == kept).all():
            mistake(line)
    other = np.asarray(yours(p.copy(), q.copy(), bound, 1 - u))
    if other.shape == got.shape and (other == got).all():
        mistake("your answer does not depend on u: use the uniform numbers that you are given")
    wrong = np.flatnonzero(got != right)
    if len(wrong):
        i = wrong[0]
        mistake(
            f"wrong for {len(wrong)} of 300: with p = {p[i]:.2f}, q = {q[i]:.2f}, M = 2.5 and "
            f"u = {u[i]:.2f}, p/(Mq) is {p[i] / bound / q[i]:.2f}: kept is {bool(right[i])}"
        )
    return "one line draws from any density that you can compute, if you know a bound"


def _helped(f, g, g_mean):
    """The right slope, and the right answer."""
    slope = np.cov(f, g, bias=True)[0, 1] / g.var()
    return slope, f.mean() - slope * (g.mean() - g_mean)


@exercise(blanks=2)
def control_variate(yours):
    """``yours(f, g, g_mean)`` → the control-variate estimate from values (n,) and (n,)."""
    n = 2000
    g = np.linspace(0, 1, n) ** 0.7  # its mean came out as 0.59, although it is 0.5
    f = np.exp(g) + 1.3 * np.cos(37.0 * np.arange(n))  # the mean is e − 1
    luck = g.mean() - 0.5
    beta, right = _helped(f, g, 0.5)
    ratio = f.std() / g.std()
    exact = math.e - 1
    got = yours(f.copy(), g.copy(), 0.5)
    if np.shape(got) == (n,):
        mistake("that is a value for each point; return their mean")
    expect(np.shape(got) == (), f"give one number; yours has shape {np.shape(got)}")
    slips = [
        (f.mean(), "that is the plain average; g's error, g.mean() - g_mean, has not been used"),
        (
            f.mean() + beta * luck,
            "the sign is turned: where g came out too high, f did too, so subtract",
        ),
        (f.mean() - luck, "β = 1 here; use the slope cov(f, g) / var(g)"),
        (
            f.mean() - ratio * luck,
            "that slope is the ratio of two standard deviations; it forgets how loosely f "
            "follows g: take cov(f, g) / var(g)",
        ),
        (
            f.mean() - beta / ratio * luck,
            "that slope is the correlation of f and g; take cov(f, g) / var(g)",
        ),
        (
            f.mean() - beta * g.var() * luck,
            "that slope is the covariance alone; divide it by the variance of g",
        ),
        (
            f.mean() - beta * g.std() * luck,
            "the covariance is divided by the standard deviation of g; divide by its variance",
        ),
        (
            f.mean() - beta * g.var() / f.var() * luck,
            "that is the slope of g on f: divide by the variance of g, not of f",
        ),
        (
            f.mean() - luck / beta,
            "the slope is upside down: covariance over variance",
        ),
        (
            f.mean() - beta * g.mean(),
            "subtract β (g.mean() - g_mean): the known mean of g is forgotten",
        ),
        (f.mean() - beta * 0.5, "subtract β (g.mean() - g_mean): the mean of your g is forgotten"),
        (beta, "that is the slope; the estimate is f.mean() - slope * (g.mean() - g_mean)"),
        (beta * luck, "that is the correction; subtract it from the mean of f"),
        (
            exact,
            "that is the exact mean of these values of f; estimate it, as if it were unknown",
        ),
        (g.mean(), "that is the mean of g; the mean of f is wanted"),
    ]
    # dividing by n or by n − 1, in one of the two, changes β by a factor of 1 ± 1/2000
    loose = 1.2 * abs(beta) * luck / n
    if not close(got, right, rtol=0, atol=loose):
        for value, line in slips:
            if close(got, value, rtol=0, atol=1e-4):
                mistake(line)
        mistake(f"expected about {right:.4f}, got {got!r}; the plain average is {f.mean():.4f}")
    falling = yours(-f, g.copy(), 0.5)
    expect(
        close(falling, -right, rtol=0, atol=loose),
        f"right where f rises with g; for -f, which falls, expected {-right:.4f}, got {falling!r}",
    )
    other = _helped(f, 3 * g, 1.2)[1]
    expect(
        close(yours(f.copy(), 3 * g, 1.2), other, rtol=0, atol=10 * loose),
        "right for a control whose mean is 0.5; use g_mean, whatever it is",
    )
    return (
        f"the plain average is off by {abs(f.mean() - exact):.3f}, yours by {abs(got - exact):.3f}"
    )


@exercise
def points_needed(yours):
    """``yours(error)`` → how many darts give π a standard error of ``error``."""
    got = yours(0.01)
    right = math.pi * (4 - math.pi) / 0.01**2
    sd = math.sqrt(math.pi * (4 - math.pi))
    slips = [
        (sd / 0.01, "that is 1.642 / error; solve error = 1.642 / √n for n, which squares it"),
        (
            right / 16,
            "that is the variance of the hit count; "
            "π is four times a share, so its variance is 16 times larger",
        ),
        (
            right / 4,
            "π is four times a share: its variance is 4² times the share's, not 4 times",
        ),
        (right * 0.01, "the variance is divided by the error; divide it by the error squared"),
        (1 / 0.01**2, "the variance of a dart is forgotten: it is π(4 − π) = 2.697, not 1"),
        (sd / 0.01**2, "the standard deviation of a dart, 1.642, enters squared as well"),
        (right**2 * 0.01**2, "the variance of a dart is squared once too often"),
        (right * 1.96**2, "that makes the half-width of a 95% interval equal to the error"),
        (0.01**2 / (sd * sd), "upside down: a smaller error needs more darts"),
        (sd / 0.1, "turned the wrong way: square both sides, do not take the root again"),
        (sd * 0.01, "a smaller error needs more darts: divide by it"),
    ]
    if not close(got, right, rtol=0.01):
        for value, line in slips:
            if close(got, value, rtol=0.01):
                mistake(line)
        mistake(f"for an error of 0.01 you need about {right:,.0f} darts, you said {got!r}")
    expect(
        close(yours(0.001), 100 * right, rtol=0.01),
        "right for 0.01, wrong for 0.001: does the error enter squared?",
    )
    return "ten times the accuracy costs a hundred times the darts"
