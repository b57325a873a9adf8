"""Choosing among samples: every estimate against the list of all subsets."""

import itertools
import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ttclib.measure.votes import (
    best_at_k,
    best_of,
    majority,
    majority_at_k,
    normal,
    pass_at_k,
    votes,
    weighted_majority,
)

ANSWERS = st.lists(st.sampled_from(["7", 7, " 7.0", 8, "9", None]), min_size=1, max_size=6)


def pass_by_subsets(correct, k):
    return np.mean([any(subset) for subset in itertools.combinations(correct, k)])


def majority_by_orders(answers, right, k, vote=majority):
    """Every subset in every order: that is what "the first to appear" means for a random sample."""
    return np.mean([vote(order) == normal(right) for order in itertools.permutations(answers, k)])


def test_arrays_are_all_it_needs():
    heavy = "{'torch', 'scipy', 'transformers'}"
    code = f"import ttclib.measure.votes, sys; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        *[
            (same, 7)
            for same in (7, "7", " 7", "7\n", "+7", "07", "7.0", 7.0, np.int64(7), np.float64(7))
        ],
        ("-7", -7),
        ("0.5", 0.5),
        ("Paris ", "Paris"),
        ("7 apples", "7 apples"),
        ("inf", "inf"),
        ("nan", "nan"),
        *[(nothing, None) for nothing in (None, "", "  ", float("nan"))],
    ],
)
def test_normal_form(answer, expected):
    assert normal(answer) == expected


SPELLINGS = {
    1000: ["1000", "1,000", "1000.0", "1,000.00", "1e3", "+1000", "$1,000$", "2000/2", "1000."],
    0.5: ["0.5", ".5", "1/2", "2 / 4", r"\frac{1}{2}", r"$\dfrac{1}{2}$", "5e-1", r"\tfrac{2}{4}"],
    -5: ["-5", "−5", "$−5$", "-5.0", "−10/2", r"-\frac{5}{1}"],
    1_234_567: ["1,234,567", "1234567", " $1,234,567$ "],
    "x = -7": ["x = -7", "x = −7", "$x = -7$"],
}
APART = ["4210_5", "42105", "1_000", "50%", "50", "0.5", "1,5", "1.5", "15", "1,0", "10", "1/2/3"]
APART += ["0,500", "500", "1,00", "100", "1,0000", "10000", "$8", "8", "9 apples", "9", "21/2"]
APART += [r"2\frac{1}{2}", "2.5", "1/0", "0", r"\frac{1}{2}x", "1/2x", "7²", "72", "0x10", "16"]
APART += ["inf", "∞", "1e400", "1e401", "3 4", "34", "3/4", "−", "-", "4-5", "-1"]


@pytest.mark.parametrize("answer", SPELLINGS)
def test_spellings_of_one_answer_are_grouped(answer):
    assert votes([answer, *SPELLINGS[answer]]) == {answer: 1 + len(SPELLINGS[answer])}


def test_what_may_mean_two_things_is_not_grouped():
    for one, other in itertools.combinations(APART, 2):
        assert (normal(one) == normal(other)) == ({one, other} == {"−", "-"}), (one, other)


WIDE = st.integers(-(10**40), 10**40)
STEP = st.integers(-1, 1)
BELOW = st.integers(1, 10**20)
FRACTIONS = st.fractions(max_denominator=999)


@given(
    st.tuples(FRACTIONS, FRACTIONS)
    | st.builds(lambda n, step, d: (Fraction(n, d), Fraction(n + step, d)), WIDE, STEP, BELOW)
)
@example((Fraction(2**53), Fraction(2**53 + 1)))
@example((Fraction(1, 3), Fraction(str(1 / 3))))
@settings(deadline=None)
def test_numbers_are_grouped_if_and_only_if_they_are_equal(pair):
    one, other = pair

    def spelled(number):
        top, bottom = number.numerator, number.denominator
        sign = "−" if top < 0 else ""
        yield f"{sign}{abs(top):,}/{bottom}"
        yield rf"${sign}\frac{{{3 * abs(top)}}}{{{3 * bottom}}}$"
        yield number
        if bottom == 1:
            yield from (f"{top:,}", f"{sign}{abs(top)}", f" {top} ", f"{top}.0", top)

    for mine, theirs in itertools.product(spelled(one), spelled(other)):
        assert (normal(mine) == normal(theirs)) == (one == other), (mine, theirs)


@pytest.mark.parametrize("digits", [17, 308, 309, 400, 4300, 4301, 5000, 100_000])
def test_long_numbers_are_answers_like_others(digits):
    nines = "9" * digits
    for answer in (nines, f"-{nines}", f"{nines}/3", f"3/{nines}", f"0.{nines}", f"1e{nines}"):
        assert majority(["5", answer, answer]) == normal(answer)
        assert majority_at_k([answer, "5", answer], answer, 1) == pytest.approx(2 / 3)
        assert best_of([0, 1], ["5", answer]) == normal(answer)
    assert normal(nines) != normal("8" * digits)
    assert normal("0" * digits + "7") == 7


@pytest.mark.parametrize("digits", [17, 308, 309, 400, 4299, 4300, 4301, 5000])
def test_long_numbers_are_grouped_if_and_only_if_they_are_equal(digits):
    nines = "9" * digits
    power = "1" + "0" * digits
    groups = [
        [nines, f"{nines}.0", f"{nines}0/10", f"{nines}/1", 10**digits - 1],
        [power, f"1e{digits}", f"2{power[1:]}/2", f"{power}.", 10**digits],
        [f"{power}/3", f"2{power[1:]}/6", Fraction(10**digits, 3)],
        [f"{nines}/{power}", f"0.{nines}", f"{nines}e-{digits}"],
        [f"7/{power}", f"7e-{digits}", f"14/2{power[1:]}", f"0.{power[2:]}7"],
        [f"8/{power}", f"8e-{digits}"],
        [f"-{power}", f"−{power}", f"-{power}/1"],
        [f"{nines}e-1", f"{nines}/10"],
        ["0", f"0e{digits}", f"0/{power}", f"0e-{digits}", f"-0.{power[1:]}"],
        ["1", f"{power}/{power}", f"1.{power[1:]}"],
    ]
    found = [(i, normal(answer)) for i, group in enumerate(groups) for answer in group]
    for (i, one), (j, other) in itertools.combinations(found, 2):
        assert (one == other) == (i == j), (groups[i], groups[j])
    assert len(votes([answer for group in groups for answer in group])) == len(groups)


@pytest.mark.parametrize("number", [0.1, 1 / 3, 1e23, 2.0**53, 1e-320, np.float32(0.1), 1.7e308])
def test_a_float_is_the_decimal_that_it_shows(number):
    assert normal(number) == normal(str(number)) in (float(str(number)), Fraction(str(number)))


def test_equal_answers_are_grouped():
    answers = ["8", "7", 7, "8", " 7"]
    assert votes(answers) == {8: 2, 7: 3}
    assert majority(answers) == 7
    # a vote among the raw answers, as published systems take it, elects another one
    assert max(answers, key=answers.count) == "8"


def test_no_answer_wins_only_alone():
    assert majority([None, None, None, "5", ""]) == 5
    assert weighted_majority([None, "5"], [1.0, 0.0]) == 5
    assert best_of([0.9, 0.1], [None, "5"]) == 5
    for alone in ([None, None], ["", None]):
        assert majority(alone) is None
        assert best_of([1, 2], alone) is None
    assert votes([None, "5", ""]) == {None: 2, 5: 1}


def test_ties_go_to_the_first_to_appear():
    assert majority(["b", "a", "a", "b"]) == "b"
    assert weighted_majority(["b", "a", "c"], [0.2, 0.5, 0.5]) == "a"
    assert best_of([-3.0, -1.0, -1.0], ["c", "b", "a"]) == "b"


@given(st.permutations([0.1, 0.2, 0.3, 0.4, 0.6, 0.7]))
def test_sums_that_are_equal_but_for_rounding_are_a_tie(weights):
    """One answer has these weights in one order, the other in the opposite one."""
    both = np.array([weights, weights[::-1]]).T.ravel()
    assert weighted_majority(["first", "second"] * 6, both) == "first"
    assert weighted_majority(["first", "second"] * 6, both + np.eye(12)[1] * 1e-9) == "second"


def test_weights_and_scores_choose_differently():
    answers, scores = ["4", 5, "4 ", "5", "6"], [0.3, 0.2, 0.35, 0.3, 0.6]
    assert best_of(scores, answers) == 6  # the best sample
    assert weighted_majority(answers, scores) == 4  # 0.65 against 0.6 and 0.5
    assert weighted_majority(answers, np.ones(5)) == majority(answers) == 4


@given(st.lists(st.booleans(), min_size=1, max_size=7), st.data())
@settings(deadline=None)
def test_pass_at_k_is_the_mean_over_all_subsets(correct, data):
    k = data.draw(st.integers(1, len(correct)))
    assert pass_at_k(correct, k) == pytest.approx(pass_by_subsets(correct, k), abs=1e-14)


def test_pass_at_k_is_unbiased_and_the_plug_in_is_not():
    """Over every outcome of n tries, each with its probability."""
    n, k, p = 5, 3, 0.3
    outcomes = np.array(list(itertools.product([False, True], repeat=n)))
    chance = np.prod(np.where(outcomes, p, 1 - p), axis=1)
    truth = 1 - (1 - p) ** k
    assert chance @ pass_at_k(outcomes, k) == pytest.approx(truth, abs=1e-14)
    plug_in = 1 - (1 - outcomes.mean(axis=1)) ** k
    assert chance @ plug_in < truth - 0.05


def test_pass_at_k_shapes_and_several_k():
    correct = np.random.default_rng(0).random((2, 3, 8)) < 0.4
    curve = pass_at_k(correct, range(1, 9))
    assert curve.shape == (2, 3, 8)
    assert np.array_equal(curve[..., 3], pass_at_k(correct, 4)) and pass_at_k(correct, 4).shape == (
        2,
        3,
    )
    assert np.allclose(curve[..., 0], correct.mean(-1))
    assert np.array_equal(curve[..., -1], correct.any(-1))
    assert (np.diff(curve) >= 0).all()
    assert isinstance(pass_at_k(correct[0, 0], 2), float)


def test_pass_at_k_is_stable_for_many_samples():
    correct = np.zeros(100_000, dtype=bool)
    correct[:3] = True
    exact = 1 - math.comb(99_997, 50_000) / math.comb(
        100_000, 50_000
    )  # whole numbers of 30 000 digits
    assert pass_at_k(correct, 50_000) == pytest.approx(exact, rel=1e-10)


def test_best_at_k_is_the_mean_over_all_subsets(seed):
    rng = np.random.default_rng(seed)
    scores, right = rng.permuted(np.tile(np.arange(6.0), (3, 1)), axis=1), rng.random((3, 6)) < 0.4
    found = best_at_k(scores, right, [1, 2, 4, 6])
    for i, (k, column) in itertools.product(range(3), zip([1, 2, 4, 6], range(4), strict=True)):
        subsets = itertools.combinations(range(6), k)
        chosen = [right[i, max(subset, key=lambda j: scores[i, j])] for subset in subsets]
        assert found[i, column] == pytest.approx(np.mean(chosen))
        assert best_at_k(scores, right, k)[i] == found[i, column]
    assert best_at_k(scores[0], right[0], 6) == right[0, scores[0].argmax()]
    with pytest.raises(ValueError, match="k is 7; there are 6"):
        best_at_k(scores, right, [7])


@given(ANSWERS, st.sampled_from([7, "8", 3]), st.data())
@settings(deadline=None, max_examples=60)
def test_majority_at_k_is_the_mean_over_all_subsets(answers, right, data):
    k = data.draw(st.integers(1, len(answers)))
    exact = majority_by_orders(answers, right, k)
    assert majority_at_k(answers, right, k) == pytest.approx(exact, abs=1e-12)


def test_majority_at_k_sees_whether_answers_are_grouped():
    answers = ["7", 7, " 7", 8, 8]

    def raw(order):
        return normal(max(order, key=order.count))

    assert majority_at_k(answers, 7, 5) == 1
    assert majority_by_orders(answers, 7, 5) == 1
    assert majority_by_orders([repr(a) for a in answers], 7, 5, raw) == 0


def test_majority_at_k_of_one_and_of_all():
    answers = [1, 2, 2, 3, None, 2, 1]
    curve = majority_at_k(answers, 2, range(1, 8))
    assert curve[0] == pytest.approx(3 / 7)
    assert curve[-1] == 1
    assert majority_at_k(answers, 1, 7) == 0
    assert majority_at_k(answers, 4, 3) == 0
    assert majority_at_k([None, None], None, 1) == 0  # no answer is never right


def test_majority_at_k_of_two_answers_is_a_sum_of_hypergeometric_chances():
    n, right, k = 1000, 520, 101
    answers = [1] * right + [2] * (n - right)
    ways = [math.comb(right, a) * math.comb(n - right, k - a) for a in range(51, 102)]
    exact = sum(ways) / math.comb(n, k)
    assert majority_at_k(answers, 1, k) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: majority([]), "answers is empty"),
        (lambda: best_of([], []), "answers is empty"),
        (lambda: best_of([1.0], [1, 2]), "scores has shape"),
        (lambda: best_of([1.0, np.nan], [1, 2]), "not finite"),
        (lambda: weighted_majority([1, 2], [1.0]), "weights has shape"),
        (
            lambda: weighted_majority([1, 2], [1.0, -0.5]),
            "weights is -0.5; it must .* of at least 0",
        ),
        (lambda: pass_at_k([True, False], 3), "k is 3; there are 2 samples"),
        (lambda: pass_at_k([True, False], 0), "k is 0"),
        (lambda: pass_at_k([True, False], [[1]]), "k has shape"),
        (lambda: pass_at_k([0.5, 1], 1), "other values than true and false"),
        (lambda: pass_at_k(True, 1), "there are 0 samples"),
        (lambda: majority_at_k([1, 2], 1, 3), "k is 3"),
        (lambda: majority_at_k([1] * 1001, 1, 3), "at most 1000"),
        (
            lambda: majority_at_k([1, 2], [1], 1),
            "answers must be a list of numbers, texts and None",
        ),
        (lambda: majority([[1], [2]]), "answers must be a list of numbers, texts and None"),
        (lambda: majority(7), "answers must be a list of numbers, texts and None"),
        (lambda: best_of([1], None), "answers must be a list of numbers, texts and None"),
        (lambda: pass_at_k([True, False], 10**30), "there are 2 samples"),
        (lambda: best_at_k([1, 2], [0, 1], [1, 1e300]), "there are 2 samples"),
    ],
)
def test_bad_input_gets_one_line(call, says):
    with pytest.raises(ValueError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
