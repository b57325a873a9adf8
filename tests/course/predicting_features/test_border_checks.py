"""The check of the border: the right answer passes, and each slip is told what it is."""

from verdicts import (  # noqa: F401
    pytest_generate_tests,
    sentences_of,
    test_right_answers_pass,
    test_wrong_answers_are_told_why,
)

from ttclib.course.predicting_features import border_checks as checks
from ttclib.course.predicting_features.border import pattern_scores

RIGHT = [(checks.scores, pattern_scores)]
WRONG = [
    (checks.scores, answer, words)
    for words, answer in {
        "the other way round": lambda v, g, rho: pattern_scores(v, g, rho)[::-1],
        "ρ v is the covariance": lambda v, g, rho: (rho * v, rho * v / (v + g)),
        "its variance is v + g": lambda v, g, rho: (rho * v**0.5, rho),
        "the score of the pixels is 1, you said 0": lambda v, g, rho: (0.0, 0.5),
        "the score of the features is 0.5, you said 7": lambda v, g, rho: (
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
