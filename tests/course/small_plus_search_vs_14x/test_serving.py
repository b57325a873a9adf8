"""A reader's own numbers: what is typed, what it costs, and one line for what cannot be read."""

import pytest

from ttclib.course.small_plus_search_vs_14x.serving import DAYS, amount, answers_for, year


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8e9", 8e9),
        ("8 B", 8e9),
        (" 8b ", 8e9),
        ("2 T", 2e12),
        ("1.5M", 1.5e6),
        ("500", 500.0),
        ("12k", 12e3),
        ("1_000", 1000.0),
        ("0.5", 0.5),
        ("3 G", 3e9),
    ],
)
def test_what_people_type(text, value):
    assert amount("parameters")(text) == value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "many",
            "parameters: 'many' is not a number; type one such as 8e9 or 8 B (k, M, B, T)",
        ),
        ("", "parameters: '' is not a number; type one such as 8e9 or 8 B (k, M, B, T)"),
        ("B", "parameters: 'B' is not a number; type one such as 8e9 or 8 B (k, M, B, T)"),
        ("0", "parameters is 0; it must be above 0, at most 1e30"),
        ("-3", "parameters is -3; it must be above 0, at most 1e30"),
        ("nan", "parameters is nan; it must be above 0, at most 1e30"),
        ("inf", "parameters is inf; it must be above 0, at most 1e30"),
        ("1e40", "parameters is 1e40; it must be above 0, at most 1e30"),
        ("8,5", "parameters: '8,5' is not a number; type one such as 8e9 or 8 B (k, M, B, T)"),
    ],
)
def test_bad_input_is_one_line(text, line):
    with pytest.raises(ValueError) as error:
        amount("parameters")(text)
    assert str(error.value) == line
    with pytest.raises(ValueError, match="must be above 1"):
        amount("times larger", 1.0)("1")


def test_a_year_by_hand():
    one = year(2.0, 100.0, 3.0, 5.0)
    assert one == (6 * 2 * 100, 2 * 2 * 15 * DAYS, 15 * DAYS / 100)
    # for the price of the large model: both bills, term by term
    k = answers_for(one, 10.0)
    assert one.training + k * one.answers == pytest.approx(10 * (one.training + one.answers))


@pytest.mark.parametrize("place", range(4))
def test_a_year_of_nothing_is_refused(place):
    numbers = [1.0, 1.0, 1.0, 1.0]
    numbers[place] = 0.0
    with pytest.raises(ValueError, match="must be a finite number above 0"):
        year(*numbers)
