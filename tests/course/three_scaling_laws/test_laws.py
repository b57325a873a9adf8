"""Laws: fits that find what made the losses, closed forms against a search, grids read back."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from scipy import optimize

from ttclib.course.three_scaling_laws import grid, laws
from ttclib.course.three_scaling_laws.laws import Law, Measured

TRUE = Law(0.8, 30.0, 0.7, 60.0, 0.5)
SIZES = 2.0 ** np.arange(12, 19)
LETTERS = 2.0 ** np.arange(14, 24)
N, D = (axis.ravel() for axis in np.meshgrid(SIZES, LETTERS, indexing="ij"))


def grid_of(law, seeds=3, spread=0.0, rng=None):
    loss = law.loss(SIZES[:, None], LETTERS)
    noise = np.zeros((seeds, *loss.shape))
    if rng is not None:
        noise = rng.normal(0, spread, noise.shape)
    loss = law.E + (loss - law.E) * np.exp(noise)
    loss[:, SIZES[:, None] * LETTERS > 2.0**36] = np.nan
    return Measured(SIZES, SIZES * 0.9, LETTERS, loss)


# ---- fits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("law", [TRUE, Law(1.69, 406.4, 0.34, 410.7, 0.28)])
def test_the_fit_finds_the_law_that_made_the_losses(law, known):
    found = laws.fit(N, D, law.loss(N, D), law.E if known else None)
    assert found == pytest.approx(law, rel=1e-3)


def test_one_wild_loss_moves_the_fit_little(seed):
    """It counts in proportion; squared it would pull the fit along."""
    loss = TRUE.loss(N, D)
    wild = loss.copy()
    wild[np.random.default_rng(seed).integers(len(loss))] *= 1.5
    found = laws.fit(N, D, wild)
    assert pytest.approx(TRUE.E, abs=0.01) == found.E
    assert found.growth == pytest.approx(TRUE.growth, abs=0.03)


def test_what_was_not_measured_is_left_out():
    loss = np.append(TRUE.loss(N, D), np.nan)
    assert laws.fit(np.append(N, 1e5), np.append(D, 1e5), loss) == pytest.approx(TRUE, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "entropy", "line"),
    [
        ([1.0, 1.1, 1.2, np.nan, 1.3], None, "it must hold at least 5 numbers"),
        ([1.0, 1.1, 1.2, 1.3, 0.8], 0.8, "a loss is not above the entropy"),
    ],
)
def test_too_few_losses_and_losses_below_the_entropy_are_refused(loss, entropy, line):
    with pytest.raises(ValueError, match=line):
        laws.fit(np.arange(1, 6), np.arange(1, 6), loss, entropy)


def test_a_power_is_a_straight_line_of_logarithms():
    x = np.array([1.0, 10.0, 100.0])
    assert laws.power(x, 3 * x**-0.4) == pytest.approx((-0.4, 3))


# ---- closed forms --------------------------------------------------------------------------------


@pytest.mark.parametrize("flops", [1e9, 1e12])
def test_the_optimum_is_the_best_size_that_a_search_finds(flops):
    def loss(log_size):
        return float(TRUE.loss(np.exp(log_size), flops / 6 / np.exp(log_size)))

    found = optimize.minimize_scalar(
        loss, bounds=(5, 18), method="bounded", options={"xatol": 1e-9}
    )
    size, letters = TRUE.optimum(flops)
    assert size == pytest.approx(np.exp(found.x), rel=1e-4)
    assert 6 * size * letters == pytest.approx(flops)
    assert float(TRUE.loss(size, letters)) == pytest.approx(found.fun)


def test_at_the_optimum_the_text_is_to_blame_as_a_to_b():
    size, letters = TRUE.optimum(1e11)
    assert TRUE.B * letters**-TRUE.b / (TRUE.A * size**-TRUE.a) == pytest.approx(TRUE.a / TRUE.b)
    larger, _ = TRUE.optimum(1e12)
    assert np.log10(larger / size) == pytest.approx(TRUE.growth)


@pytest.mark.parametrize("ratio", [0.0, 1.0, 30.0])
def test_the_cheapest_model_in_use_is_the_one_that_a_search_finds(ratio):
    excess = 0.05
    size, letters = TRUE.asked(excess, ratio)
    assert TRUE.excess(size, letters) == pytest.approx(excess)
    used = ratio * letters  # what is asked is given; the best size for it must be this one

    def cost(log_size):
        return float(
            np.log(laws.life(np.exp(log_size), TRUE.letters(np.exp(log_size), excess), used))
        )

    low = np.log((TRUE.A / excess) ** (1 / TRUE.a)) + 1e-6
    found = optimize.minimize_scalar(
        cost, bounds=(low, 16), method="bounded", options={"xatol": 1e-9}
    )
    assert size == pytest.approx(np.exp(found.x), rel=1e-3)


def test_who_is_never_asked_trains_the_optimum():
    size, letters = TRUE.asked(0.05, 0.0)
    assert TRUE.optimum(6 * size * letters) == pytest.approx((size, letters))


def test_more_use_wants_a_smaller_model_that_reads_longer():
    shapes = [TRUE.asked(0.05, ratio) for ratio in (0, 1, 10, 100)]
    for (wide, short), (narrow, long) in itertools.pairwise(shapes):
        assert narrow < wide and long > short


def test_letters_to_an_excess_and_back():
    letters = TRUE.letters(SIZES, 0.06)
    reached = np.isfinite(letters)
    assert (reached == (TRUE.A * SIZES**-TRUE.a < 0.06)).all()
    assert TRUE.excess(SIZES[reached], letters[reached]) == pytest.approx(0.06)


def test_a_life_is_six_flops_to_learn_and_two_to_read():
    assert laws.life(10, 100) == 6000
    assert laws.life(10, 100, 50) == 7000


# ---- the best size -------------------------------------------------------------------------------


def test_the_vertex_of_a_parabola_is_its_lowest_point(seed):
    rng = np.random.default_rng(seed)
    at = rng.uniform(np.log(SIZES[1]), np.log(SIZES[-2]))
    loss = 0.9 + 0.02 * (np.log(SIZES) - at) ** 2
    assert laws.vertex(SIZES, loss) == pytest.approx((np.exp(at), 0.9))


@pytest.mark.parametrize("loss", [np.arange(7.0), -np.arange(7.0), np.full(7, np.nan)])
def test_a_least_loss_at_an_end_is_no_vertex(loss):
    assert np.isnan(laws.vertex(SIZES, loss)).all()


def test_isoflop_and_envelope_come_near_the_laws_own_optimum():
    made = grid_of(TRUE)
    flops = 6 * 2.0 ** np.arange(32, 37)
    true_size, true_letters = TRUE.optimum(flops)
    size, loss = laws.isoflop(made, flops)
    assert size == pytest.approx(true_size, rel=0.12)
    assert loss == pytest.approx(TRUE.loss(true_size, true_letters), rel=2e-3)
    nearest, least = laws.envelope(made, flops)
    assert (np.abs(np.log2(nearest / true_size)) < 0.75).all()
    assert (least >= loss - 2e-3).all()
    assert laws.power(flops, size)[0] == pytest.approx(TRUE.growth, abs=0.02)


def test_growth_is_the_exponent_of_the_best_sizes():
    made = grid_of(TRUE)
    flops = 6 * 2.0 ** np.arange(32, 37)
    size, _ = laws.isoflop(made, flops)
    other = Law(0.8, 30.0, 0.5, 60.0, 0.5)
    found = laws.growths(made, flops, np.stack([made.mean, grid_of(other).mean]))
    assert found[0] == pytest.approx(laws.power(flops, size)[0])
    assert found[1] == pytest.approx(other.growth, abs=0.03)


def test_sizes_counted_without_letters_have_other_letters_for_a_budget():
    made = grid_of(TRUE)
    here = made.at(6 * 2.0**30, count="beyond")
    i = 3
    letters = 2.0**30 / made.beyond[i]
    expected = np.interp(np.log(letters), np.log(LETTERS), TRUE.loss(SIZES[i], LETTERS))
    assert here[i] == pytest.approx(expected)


def test_beyond_the_grid_there_is_no_loss():
    made = grid_of(TRUE)
    assert np.isnan(made.at(6 * 2.0**40)).all()
    assert np.isnan(made.at(6.0)).all()
    there = np.isfinite(made.at(6 * 2.0**30))
    assert there.tolist() == [2.0**14 <= 2.0**30 / n <= 2.0**23 for n in SIZES]


# ---- letters of another text ---------------------------------------------------------------------


def test_equivalent_letters_of_the_usual_text_are_its_letters():
    excess = TRUE.excess(2.0**14, LETTERS)
    assert laws.equivalent(LETTERS, excess, excess) == pytest.approx(LETTERS)
    between = np.sqrt(excess[3] * excess[4])
    assert laws.equivalent(LETTERS, excess, between) == pytest.approx(LETTERS[3] * 2**0.5)


def test_beyond_what_was_measured_the_ends_go_on():
    excess = 100 * LETTERS**-0.5
    for letters in (2.0**12, 2.0**25):
        found = laws.equivalent(LETTERS, excess, 100 * letters**-0.5)
        assert found == pytest.approx(letters)


# ---- what was measured ---------------------------------------------------------------------------


def test_the_table_is_read_as_a_grid(tmp_path):
    rows = []
    for seed, (hidden, size), letters in itertools.product(
        (0, 1), ((5, 995), (15, 2015)), (64, 128)
    ):
        if (size, letters) == (2015, 128):
            continue
        row = dict.fromkeys(grid.TABLE.names, 0) | {"schedule": "trunk", "text": "fresh"}
        row |= {"hidden": hidden, "depth": 2, "batch": 128, "seed": seed, "letters": letters}
        row |= {"parameters": size, "beyond_letters": size - 700, "undecayed": 2.0}
        rows.append(row | {"loss": seed + size + letters / 1000, "elsewhere": 3.0, "amount": 0.0})
    other = rows[0] | {"schedule": "cosine", "loss": 9.0, "horizon": 256}
    grid.Grid(pa.Table.from_pylist([*rows, other], grid.TABLE), 0.0).save(tmp_path)
    found = laws.read(tmp_path)
    assert found.sizes.tolist() == [995, 2015]
    assert found.beyond.tolist() == [295, 1315]
    assert found.letters.tolist() == [64, 128]
    assert np.isnan(found.loss[:, 1, 1]).all()
    assert found.loss[1, 1, 0] == pytest.approx(1 + 2015 + 0.064)
    assert found.mean[0] == pytest.approx([995.564, 995.628])
    assert [len(part) for part in found.points()] == [3, 3, 3]
    assert (laws.read(tmp_path, "undecayed").loss[:, 0] == 2).all()
    assert laws.read(tmp_path, schedule="cosine").loss.tolist() == [[[9.0]]]
    assert len(laws.select(tmp_path)) == 7 and len(laws.select(tmp_path, seed=1)) == 3


def test_seeds_are_drawn_again_for_each_size_and_no_budget_is_torn_from_another(seed):
    made = grid_of(TRUE, seeds=2)
    made.loss[1] += 1.0  # so that a mean says which seeds it has
    drawn = made.again(np.random.default_rng(seed), 200) - made.loss[0]
    assert drawn.shape == (200, len(SIZES), len(LETTERS))
    for values in drawn.reshape(-1, len(LETTERS)):
        there = values[np.isfinite(values)]
        assert there == pytest.approx(there[0]) and round(there[0], 6) in (0, 0.5, 1)
    first = drawn[:, :, 0]
    assert len({tuple(row) for row in first.round(6)}) > 100  # sizes are drawn apart
