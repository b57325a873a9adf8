"""What is said of scores and favourites, against loops over single texts."""

import itertools
from math import comb

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM

from ttclib.course.prm_search import quality

# ---- do two runs differ by luck alone? -----------------------------------------------------------


def test_each_way_to_differ_is_counted():
    """Of four problems in which runs differ, all sixteen ways are equally likely."""
    then = np.array([1, 0, 1, 0, 1, 0])
    for flips in itertools.product((0, 1), repeat=4):
        now = then.copy()
        now[:4] = flips
        gained, lost = ((now > then).sum(), (now < then).sum())
        ways = sum(comb(gained + lost, i) for i in range(min(gained, lost) + 1))
        expected = min(1.0, 2 * ways / 2 ** (gained + lost))
        assert quality.luck_alone(now, then) == pytest.approx(expected)


@pytest.mark.parametrize("problems", [1, 2, 5])
def test_no_level_is_passed_too_often(problems):
    """Exactly, over all pairs of runs of problems that are solved with any chance."""
    chance = np.linspace(0.1, 0.9, problems)
    p_values, weights = [], []
    runs = [np.array(one) for one in itertools.product((0, 1), repeat=problems)]
    likely = [np.prod(np.where(one, chance, 1 - chance)) for one in runs]
    for (now, p), (then, q) in itertools.product(zip(runs, likely, strict=True), repeat=2):
        p_values.append(quality.luck_alone(now, then))
        weights.append(p * q)
    for level in sorted(set(p_values)):
        assert np.dot(np.array(p_values) <= level, weights) <= level + 1e-12


@pytest.mark.statistical
def test_a_lucky_run_passes_and_a_worse_one_does_not(seed):
    """False alarms at most 1e-6. The mutant solves a third as many: it passes less often still."""
    rng = np.random.default_rng(seed)
    chance = rng.choice([0.05, 0.5, 0.9, 1.0], 66)
    then, now = rng.random((2, 66)) < chance
    assert quality.luck_alone(now, then) > FALSE_ALARM
    many = np.full(300, 0.6)
    then = rng.random(300) < many
    assert quality.luck_alone(rng.random(300) < many / 3, then) < FALSE_ALARM


# ---- scores and favourites -----------------------------------------------------------------------


@pytest.fixture
def texts(seed):
    """Scores with ties, and who is right: two seeds, five problems, six texts."""
    rng = np.random.default_rng(seed)
    right = rng.random((2, 5, 6)) < 0.5
    right[0, 0] = True
    return rng.integers(0, 5, (2, 5, 6)) / 4, right


def rows(score, right):
    return list(zip(score.reshape(-1, 6).tolist(), right.reshape(-1, 6).tolist(), strict=True))


def test_gaps_are_from_the_mean_of_the_problem(texts):
    found = quality.gaps(*texts)
    for kind, gaps in zip((True, False), found, strict=True):
        expected = [
            one - np.mean(scores)
            for scores, truths in rows(*texts)
            if len(set(truths)) == 2
            for one, truth in zip(scores, truths, strict=True)
            if truth == kind
        ]
        assert gaps == pytest.approx(expected)


def test_spread_is_around_the_mean_of_its_own_kind(texts):
    found = quality.within(*texts)
    for kind, deviation in zip((True, False), found, strict=True):
        squares, free = 0.0, 0
        for scores, truths in rows(*texts):
            mine = [one for one, truth in zip(scores, truths, strict=True) if truth == kind]
            if len(mine) > 1:
                squares += np.var(mine) * len(mine)
                free += len(mine) - 1
        assert deviation == pytest.approx(np.sqrt(squares / free))


@pytest.mark.statistical
def test_spread_of_a_known_normal_kind(seed):
    """Right texts vary by 0.1, wrong ones by 0.3: 5 % are 7 standard errors, false alarms 1e-11."""
    rng = np.random.default_rng(seed)
    right = rng.random((200, 100)) < 0.5
    score = rng.normal(0, 1, (200, 1)) + np.where(right, 0.1, 0.3) * rng.standard_normal((200, 100))
    assert quality.within(score, right) == pytest.approx((0.1, 0.3), rel=0.05)


def test_the_favourite_is_the_first_of_the_highest(texts):
    budgets = (1, 3, 6)
    expected = [
        np.mean([not truths[scores.index(max(scores[:n]))] for scores, truths in rows(*texts)])
        for n in budgets
    ]
    assert quality.favourite_wrong(*texts, budgets) == pytest.approx(expected)


def test_the_highest_of_each_kind(texts):
    found = quality.best_scores(*texts, (2, 6))
    for j, n in enumerate((2, 6)):
        both = [
            [
                max(one for one, t in zip(scores[:n], truths[:n], strict=True) if t == kind)
                for kind in (True, False)
            ]
            for scores, truths in rows(*texts)
            if len(set(truths[:n])) == 2
        ]
        assert found[:, j] == pytest.approx(
            np.mean(both, axis=0) if both else [np.nan] * 2, nan_ok=True
        )


def test_a_rule_is_asked_about_the_first_n():
    answers = np.array([[7.0, 8.0, 8.0], [np.nan, 5.0, 5.0]])
    score = np.array([[0.9, 0.1, 0.2], [1.0, 0.3, 0.2]])
    highest = lambda said, scores: said[int(scores.argmax())]  # noqa: E731
    most = lambda said, scores: max((one for one in said if one is not None), key=said.count)  # noqa: E731
    value = np.array([8, 5])
    assert quality.solved_by(highest, answers, score, value, 3).tolist() == [False, False]
    assert quality.solved_by(most, answers, score, value, 3).tolist() == [True, True]
    assert quality.solved_by(most, answers, score, value, 2).tolist() == [False, True]


def test_weighed_samples_follow_the_score(texts):
    score, right = (table[0] for table in texts)
    score = score + 0.5
    for power in (0.0, 1.0, 4.0):
        expected = [
            sum(s**power for s, t in zip(scores, truths, strict=True) if t)
            / sum(s**power for s in scores)
            for scores, truths in rows(score, right)
        ]
        assert quality.weighed_share(right, score, power) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("7-2=5;3*5=15;#15", None),
        ("7-2=5;3*5=15", None),  # a step counts once it has ended
        ("7-2=4;3*4=12;#12", "slip in a difference"),
        ("7-2=5;3*5=25;#25", "slip in a product"),
        ("7+2=9;3*9=27;#27", quality.OTHER),
        ("7-2=5;7-2=5;#5", quality.OTHER),
        ("7-=5;#5", quality.OTHER),
        ("5;#5", quality.OTHER),
    ],
)
def test_a_first_mistake_is_a_slip_or_no_step_at_all(text, kind):
    assert quality.first_mistake("3*(7-2)", text) == kind
    assert quality.first_mistake("12+3*(7-2)", "7-2=5;3*5=15;12+15=37;") == "slip in a sum"
