"""Check of notebook 15: what a pattern is worth to who predicts pixels, and who features."""

from __future__ import annotations

from ttclib.course.predicting_features.border import pattern_scores
from ttclib.exercise import close, exercise, expect, mistake

_CASES = ((4.0, 0.0, 0.5), (12.0, 4.0, 0.5), (3.0, 1.0, 0.9))  # variance, noise, persistence


@exercise
def scores(yours):
    """``yours(v, g, rho)`` → (score of the pixels, score of the features)."""
    for v, g, rho in _CASES:
        pixels, features = yours(v, g, rho)
        right = pattern_scores(v, g, rho)
        if close(pixels, right[1]) and close(features, right[0]) and not close(*right):
            mistake("the other way round: features are whitened twice, pixels once")
        if close(pixels, rho * v) or close(features, rho * v):
            mistake("ρ v is the covariance; whitening still divides it by a standard deviation")
        if g and (close(pixels, rho * v**0.5) or close(features, rho)):
            mistake("the frame holds the noise, too: its variance is v + g")
        told = f"for v = {v:g}, g = {g:g}, ρ = {rho:g} the score of the"
        expect(close(pixels, right[0]), f"{told} pixels is {right[0]:.4g}, you said {pixels!r}")
        expect(
            close(features, right[1]), f"{told} features is {right[1]:.4g}, you said {features!r}"
        )
    return "without noise features ask for ρ alone, pixels for ρ √v: brightness is the difference"
