"""The check of the border: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import (  # noqa: F401
    pytest_generate_tests,
    sentences_of,
    test_right_answers_pass,
    test_wrong_answers_are_told_why,
)

from ttclib.course.predicting_features import border_checks as checks
from ttclib.course.predicting_features.border import pattern_scores

RIGHT = [
    (checks.scores, answer)
    for answer in (
        pattern_scores,
        lambda v, g, rho: [rho * v / np.sqrt(v + g), rho * v / (v + g)],
        lambda v, g, rho: np.array([1, (v + g) ** -0.5]) * rho * v * (v + g) ** -0.5,
        lambda v, g, rho: tuple(rho * v / math.sqrt(v + g) ** k for k in (1, 2)),
        lambda v, g, rho: (rho * v**0.5 * (v / (v + g)) ** 0.5, rho / (1 + g / v)),
    )
]
WRONG = [
    (checks.scores, answer, words)
    for words, answer in {
        "the other way round": lambda v, g, rho: pattern_scores(v, g, rho)[::-1],
        "ρ v is the covariance": lambda v, g, rho: (rho * v, rho * v / (v + g)),
        "its variance is v + g": lambda v, g, rho: (rho * v**0.5, rho),
        "return two scores": lambda v, g, rho: rho * v,
        "pixels are whitened once": lambda v, g, rho: (pattern_scores(v, g, rho)[1],) * 2,
        "whitened on both sides": lambda v, g, rho: (pattern_scores(v, g, rho)[0],) * 2,
        "still there a frame later": lambda v, g, rho: pattern_scores(v, g, 1.0),
        "not the noise alone": lambda v, g, rho: (
            (rho * v / g**0.5, rho * v / g) if g else (0.0, 0.0)
        ),
        "the score of the pixels is 1.5, you said 0": lambda v, g, rho: (0.0, 0.375),
        "the score of the features is 0.375, you said 7": lambda v, g, rho: (
            pattern_scores(v, g, rho)[0],
            7.0,
        ),
    }.items()
]


def test_every_sentence_is_said():
    lines = [check(answer).line for check, answer, *_ in RIGHT + WRONG]
    for words in sentences_of(checks):
        assert any(all(word in line for word in words) for line in lines), words


def test_a_blank_is_not_attempted():
    assert "not attempted" in checks.scores(...).line
