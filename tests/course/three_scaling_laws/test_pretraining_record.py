"""What the first half of notebook 12 says of the shipped record, and the numbers it rests on."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from sentences import Says

from ttclib import artefacts
from ttclib.course.three_scaling_laws import figures, laws
from ttclib.course.three_scaling_laws.language import ELSEWHERE, Words

says = Says("12_three_scaling_laws")
BUDGETS = 6 * 2.0 ** np.arange(26, 37)
FOLDER = artefacts.path("pretraining")


@cache
def language():
    return Words()


@cache
def grid():
    return laws.read(FOLDER)


@cache
def law():
    size, letters, loss = np.array(grid().points())
    settled = (size > 4000) & (letters >= 2**17)
    entropy = language().entropy
    return laws.fit(size[settled], letters[settled], loss[settled], entropy)


def excesses():
    return grid().mean - language().entropy


@cache
def best():
    return laws.isoflop(grid(), BUDGETS)


def worth(text, amount=0.0):
    """Letters of the usual text for each of this one, (2,): of 2^17 letters, and of 2^19."""
    usual = grid().mean[4] - language().entropy
    there = np.isfinite(usual)
    loss = laws.read(FOLDER, text=text, amount=amount).loss[:, 0] - language().entropy
    letters = laws.equivalent(grid().letters[there], usual[there], loss)
    return np.exp(np.log(letters).mean(axis=0)) / (2**17, 2**19)


@pytest.mark.answers("12-010", 1)
def test_a_straight_line_falls_below_the_entropy():
    _, least = best()
    slope, level = laws.power(BUDGETS[:5], least[:5])
    assert BUDGETS[4] * 64 == BUDGETS[-1]
    says("A loss far *below the entropy*", level * BUDGETS[-1] ** slope < 0.8 < least[-1])
    says("bends away, towards the entropy", (np.diff(least) < 0).all() and least[-1] < 0.84)


@pytest.mark.answers("12-016", 1)
@pytest.mark.answers("12-016", 3)
def test_lines_of_large_models_are_straighter_and_the_smallest_leaves_the_law():
    bends = []
    for row in grid().mean - language().entropy:
        there = np.flatnonzero(np.isfinite(row[:7]))
        x = np.log(grid().letters[there])
        bends.append(np.polyfit(x, np.log(row[there]), 2)[0])
    says("The larger it is, the straighter its line", bends[0] > bends[2] > bends[4] > bends[6])
    measured = grid().mean[0] - language().entropy
    off = law().excess(grid().sizes[0], grid().letters) / measured - 1
    for words in ("is too low by two fifths", "it is too low by two fifths of the excess"):
        says(words, (off[3:] > -0.47).all() and (off[3:] < -0.35).all())
    first = grid().mean[:, 0] - language().entropy
    says("after the first letters all sizes", (first > law().excess(grid().sizes, 2**14)).all())


@pytest.mark.answers("12-016", 2)
def test_the_measured_points_leave_the_dotted_line_where_the_two_lines_cross():
    """There the law is twice what the text leaves: half of it is left by the size."""
    says("Where the two lines cross.", True)
    for size, row in list(zip(grid().sizes, grid().mean - language().entropy, strict=True))[3:]:
        there = np.isfinite(row)
        letters, dotted = grid().letters[there], law().B / grid().letters[there] ** law().b
        across = (law().B * size ** law().a / law().A) ** (1 / law().b)
        times = row[there] / dotted
        late = letters >= 2**17  # before that all sizes leave more than the law says
        assert (times[late & (letters < across / 4)] < 1.6).all()
        assert (times[letters > 4 * across] > 2.5).all()


@pytest.mark.answers("12-020", 1)
@pytest.mark.answers("12-020", 2)
def test_the_best_size_grows_less_than_the_budget():
    size, _ = best()
    exponent, _ = laws.power(BUDGETS, size)
    says("the size grows like $C^{0.4}$", 0.38 < exponent < 0.42)
    each = BUDGETS / 6 / size**2
    says(
        "from 17 at the smallest budget to 81 at the largest",
        each[[0, -1]].round().tolist() == [17, 81],
    )
    envelope = laws.power(BUDGETS, laws.envelope(grid(), BUDGETS)[0])[0]
    larger, longer = 10**exponent, 10 ** (1 - exponent)
    so = round(larger, 1) == 2.5 and round(longer) == 4
    says("makes the model 2.5 times larger, and its text 4 times longer", so)
    says("both become 3.2 times as large", round(10**0.5, 1) == 3.2)
    says("a model 5.4 times larger, and a text not even twice", round(10**0.73, 1) == 5.4)
    assert 10 ** (1 - 0.73) < 2
    says("about $C^{0.4}$", abs(envelope - 0.4) < 0.04 and abs(law().growth - 0.4) < 0.03)


@pytest.mark.answers("12-020", 3)
def test_twice_or_half_the_best_size_costs_a_tenth():
    size, least = best()
    for budget, at, loss in list(zip(BUDGETS, size, least, strict=True))[5:]:
        row = grid().at(budget)
        for times in (0.5, 2):
            other = np.interp(np.log(times * at), np.log(grid().sizes), row)
            share = (other - loss) / (loss - language().entropy)
            says("about a tenth of the excess", 0.08 < share < 0.16)
            says("Of the loss itself that is a hundredth", 0.004 < other / loss - 1 < 0.015)


@pytest.mark.answers("12-030", 1)
def test_two_explanations_and_a_trunk_that_explains_nothing():
    inside = BUDGETS[:9]
    exponents = {}
    for name, column, schedule in (
        ("planned", "loss", "trunk"),
        ("no decay", "undecayed", "trunk"),
        ("cosine", "loss", "cosine"),
    ):
        table = laws.read(FOLDER, column, schedule=schedule)
        for count in ("sizes", "beyond"):
            exponents[name, count] = laws.growths(table, inside, table.mean[None], count)[0]
    planned = exponents["planned", "sizes"]
    says(
        "One cosine for all adds four hundredths",
        0.03 < exponents["cosine", "sizes"] - planned < 0.05,
    )
    says("leaving the letters out adds ten", 0.09 < exponents["planned", "beyond"] - planned < 0.11)
    says("our 0.40 to 0.51", abs(exponents["cosine", "beyond"] - 0.51) < 0.01)
    says("One cosine for all brings the exponent up", exponents["cosine", "sizes"] > planned)
    says("*no decay at all* goes the other way", exponents["no decay", "sizes"] < planned - 0.02)


def test_elsewhere_the_loss_falls_twice_as_fast():
    here = grid().mean
    there = laws.read(FOLDER, "elsewhere").mean
    near = np.isfinite(here) & (here < language().entropy + 0.2)
    slope = np.polyfit(here[near], there[near], 1)[0]
    says("The loss elsewhere falls *twice* as fast", 1.8 < slope < 2.1)
    assert (there[near] > Words(exponent=ELSEWHERE).entropy).all()


@pytest.mark.answers("12-043", 1)
@pytest.mark.answers("12-043", 2)
def test_who_is_asked_more_wants_less():
    usual = law().asked(0.06, 0.0)
    ten = law().asked(0.06, 10.0)
    says("it has 0.45 of the parameters", abs(ten[0] / usual[0] - 0.45) < 0.01)
    says("reads five times as many letters", 4.5 < ten[1] / usual[1] < 5.5)
    half = [law().asked(0.06, ratio)[0] < usual[0] / 2 for ratio in (3.0, 10.0)]
    says("Between 3 and 10", half == [False, True])
    times = {}
    for ratio in (3.0, 10.0, 100.0):
        size, letters = law().asked(0.06, ratio)
        used = ratio * letters
        times[ratio] = float(laws.life(*usual, used) / laws.life(size, letters, used))
        assert times[ratio] < usual[0] / size
    says("At R = 3 a fifth more", abs(times[3.0] - 1.2) < 0.02)
    says("nearly twice as much", 1.7 < times[10.0] < 2)
    says("at R = 100 three times", abs(times[100.0] - 3) < 0.1)
    says("fewer than 7,904 parameters", ten[0] < 7904 and grid().sizes[3] == 7904)
    nearest = np.nanmin(grid().mean[2]) - language().entropy
    says("4,063, never came so near", nearest > 0.06 and grid().sizes[2] == 4063)


@pytest.mark.answers("12-043", 3)
def test_measured_sizes_agree_with_the_law_as_long_as_there_are_such():
    needed = np.array([figures._letters_to(grid().letters, row, 0.06) for row in excesses()])
    reach = np.isfinite(needed)
    assert grid().sizes[reach].min() == 7904
    sizes, needed = grid().sizes[reach], needed[reach]
    assert np.abs(needed / law().letters(sizes, 0.06) - 1).max() < 0.07
    for ratio in (0.0, 1.0, 3.0):
        best, letters = law().asked(0.06, ratio)
        cheapest = sizes[np.argmin(laws.life(sizes, needed, ratio * letters))]
        nearest = sizes[np.argmin(np.abs(np.log(sizes / best)))]
        says("Up to R = 3 they do.", cheapest == nearest)


@pytest.mark.answers("12-053", 1)
def test_nine_in_ten_of_the_records_own_trainings_land_inside():
    """Each seed of the record, predicted by a law and a spread of the other two seeds."""
    size, letters = np.meshgrid(grid().sizes, grid().letters, indexing="ij")
    settled = np.isfinite(grid().mean) & (size > 4000) & (letters >= 2**17)
    inside = []
    for seed in range(len(grid().loss)):
        others = np.delete(grid().loss, seed, axis=0)
        x, y = size[settled], letters[settled]
        known = laws.fit(x, y, others.mean(axis=0)[settled], language().entropy)
        ratio = (others[:, settled] - language().entropy) / known.excess(x, y)
        low, high = np.quantile(ratio, [0.025, 0.975])
        own = (grid().loss[seed][settled] - language().entropy) / known.excess(x, y)
        inside += ((low <= own) & (own <= high)).tolist()
    says("89% of its trainings lie inside", round(np.mean(inside), 2) == 0.89)


@pytest.mark.answers("12-048", 1)
def test_what_texts_are_worth():
    epochs = worth("epochs", 4.0)
    says("Four epochs leave two thirds", (np.abs(epochs - 0.65) < 0.04).all())
    noise = worth("noise", 0.1)
    says("A tenth of noise costs a third of a short text", abs(noise[0] - 0.65) < 0.04)
    says("nearly two thirds of a long one", abs(noise[1] - 0.37) < 0.03)
    says("in a short text the two cost the same", abs(noise[0] - epochs[0]) < 0.05)
    says("in a long one noise costs more", noise[1] < epochs[1] - 0.2)
    shares = [worth("noise", share) for share in (0.03, 0.1, 0.3)]
    says("**Noise costs more the longer one reads**", all(long < short for short, long in shares))
    says("an eighth more than its letters", (np.abs(worth("even") - 1.125) < 0.03).all())
    says("A primer costs a fifth of the long text", abs(worth("primer", 0.25)[1] - 0.8) < 0.03)
    textbook = worth("common first")
    others = [worth("epochs", times) for times in (2.0, 4.0, 8.0, 16.0)]
    others += [*shares, worth("primer", 0.25)]
    says("Only the even text is worth more", all((other < 1).all() for other in others))
    says("the worst of all but one", all((textbook < other).all() for other in others))
    assert (worth("rare first") < textbook).all()
