"""Check of notebook 15: what a pattern is worth to who predicts pixels, and who features."""

from __future__ import annotations

import numpy as np

from ttclib.course.predicting_features.border import pattern_scores
from ttclib.exercise import close, exercise, expect, mistake

_CASES = ((12.0, 4.0, 0.5), (4.0, 0.0, 0.5), (3.0, 1.0, 0.9))  # variance, noise, persistence


@exercise
def scores(yours):
    """``yours(v, g, rho)`` → (score of the pixels, score of the features)."""
    for v, g, rho in _CASES:
        got = yours(v, g, rho)
        expect(np.shape(got) == (2,), f"return two scores, for pixels and features; yours is {got}")
        pixels, features = got
        right = pattern_scores(v, g, rho)
        if close(pixels, right[1]) and close(features, right[0]) and not close(*right):
            mistake("the other way round: features are whitened twice, pixels once")
        if close(pixels, rho * v) or close(features, rho * v):
            mistake("ρ v is the covariance; whitening still divides it by a standard deviation")
        if g and (close(pixels, rho * v**0.5) or close(features, rho)):
            mistake("the frame holds the noise, too: its variance is v + g")
        once, twice = right
        if g and close(pixels, twice) and close(features, twice):
            mistake("pixels are whitened once: divide theirs by the standard deviation √(v + g)")
        if g and close(pixels, once) and close(features, once):
            mistake("features are whitened on both sides: divide theirs by √(v + g) twice")
        if close(rho * pixels, once) and close(rho * features, twice):
            mistake("only the share ρ of the pattern is still there a frame later")
        if g and close(pixels, rho * v / g**0.5) and close(features, rho * v / g):
            mistake("the frame's variance along the pattern is v + g, not the noise alone")
        told = f"for v = {v:g}, g = {g:g}, ρ = {rho:g} the score of the"
        expect(close(pixels, right[0]), f"{told} pixels is {right[0]:.4g}, you said {pixels!r}")
        expect(
            close(features, right[1]), f"{told} features is {right[1]:.4g}, you said {features!r}"
        )
    return "without noise features ask for ρ alone, pixels for ρ √v: brightness is the difference"
