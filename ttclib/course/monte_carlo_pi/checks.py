"""Checks of notebook 01: darts, error bars, cheaper accuracy."""

from __future__ import annotations

import math

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def points_needed(yours):
    """``yours(error)`` → how many darts give π a standard error of ``error``."""
    got = yours(0.01)
    right = math.pi * (4 - math.pi) / 0.01**2
    if close(got, math.sqrt(right), rtol=0.02):
        mistake("that is 1.642 / error; solve error = 1.642 / √n for n, which squares it")
    if close(got, right / 16, rtol=0.02):
        mistake(
            "that is the variance of the hit count; "
            "π is four times a share, so its variance is 16 times larger"
        )
    expect(
        close(got, right, rtol=0.02),
        f"for an error of 0.01 you need about {right:,.0f} darts, you said {got!r}",
    )
    expect(
        close(yours(0.001), 100 * right, rtol=0.02),
        "right for 0.01, wrong for 0.001: does the error enter squared?",
    )
    return "ten times the accuracy costs a hundred times the darts"


@exercise
def ellipse_area(yours):
    """``yours(points)`` → booleans: which (k, 2) points lie in x²/4 + y² ≤ 1."""
    points = np.array(
        [[0.0, 0.0], [1.9, 0.0], [0.0, 0.9], [1.9, 0.9], [0.0, 1.5], [2.1, 0.0], [-1.0, -0.5]]
    )
    x2, y2 = points.T**2
    right = x2 / 4 + y2 <= 1
    got = np.asarray(yours(points.copy()))
    expect(
        got.shape == (7,),
        f"return one boolean for each point, shape (7,); yours has shape {got.shape}",
    )
    if (got == (x2 + y2 <= 1)).all():
        mistake("that is the unit circle; the ellipse reaches to x = ±2, so divide x² by 4")
    if (got == (x2 / 2 + y2 <= 1)).all():
        mistake("a half-width of 2 enters squared: divide x² by 4, not by 2")
    expect((got == right).all(), f"wrong for the points {points[got != right].tolist()}")
    return "the same darts measure any region you can test for membership"


@exercise
def control_variate(yours):
    """``yours(f, g, g_mean)`` → the control-variate estimate from values (n,) and (n,)."""
    g = np.random.default_rng(7).random(4000)
    f = np.exp(g)
    luck = g.mean() - 0.5
    beta = np.cov(f, g, bias=True)[0, 1] / g.var()
    right = f.mean() - beta * luck
    got = yours(f.copy(), g.copy(), 0.5)
    if close(got, f.mean()):
        mistake("that is the plain average; g's error, g.mean() - g_mean, has not been used")
    if close(got, f.mean() + beta * luck):
        mistake("the sign is turned: where g came out too high, f did too, so subtract")
    if close(got, f.mean() - luck):
        mistake("β = 1 here; use the slope cov(f, g) / var(g)")
    # dividing by n or by n - 1, in one of the two, changes β by a factor of 1 ± 1/4000
    expect(
        close(got, right, rtol=1e-5, atol=2e-4 * abs(beta)),
        f"expected about {right:.5f}, got {got!r}",
    )
    exact = math.e - 1
    return (
        f"the plain average is off by {abs(f.mean() - exact):.4f}, yours by {abs(got - exact):.4f}"
    )
