"""What the answers under the sliders of notebook 02 say, exactly or for a hundred lucks and more.

Where one run with many chains gives the same draws as many lucks of a view, it is made so: the
chains are independent, and one pass moves them all.
"""

import re
from functools import cache

import nbformat
import numpy as np
import pytest
from drawings import Drawing
from sentences import Says

from tools import notebooks
from ttclib.course.metropolis_hastings import figures, markov
from ttclib.sampling import mcmc

NAME = "02_metropolis_hastings"
says = Says(NAME)
LUCKS = 400


@cache
def page():
    """All that the code of the notebook defines, but for what it draws."""
    notebook = nbformat.read(notebooks.FOLDER / f"{NAME}.ipynb", nbformat.NO_CONVERT)
    names = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "machine.versions" not in cell.source:
            lines = cell.source.replace("figures.", "undrawn.")
            exec(lines, names)
        elif cell.cell_type == "code":
            exec(cell.source, names)
            names["undrawn"] = Undrawn()
    return names


class Undrawn:
    """Stands in for the pictures of the page: whatever is drawn, nothing is."""

    def __getattr__(self, name):
        return lambda *given, **more: None


def gaps(P, target, counts):
    """Total variation distance of the shares of visits, by number of transitions: (lucks,) each."""
    path = markov.simulate(P, 0, max(counts), np.random.default_rng(0), LUCKS)[1:]
    visits = (path[..., None] == np.arange(len(target))).cumsum(axis=0, dtype=np.int32)
    return {n: 0.5 * np.abs(visits[n - 1] / n - target).sum(axis=-1) for n in counts}


# ---- the meals -----------------------------------------------------------------------------------


@pytest.mark.answers("02-006", 1)
def test_how_many_days_it_takes_to_be_within_one_per_cent():
    P = page()["P"]
    far = gaps(P, markov.stationary(P), [512, 2048, 8192])
    near = {n: np.mean(gap <= 0.01) for n, gap in far.items()}
    says("Half of the chains are there after about 2,000 days", 0.45 < near[2048] < 0.65)
    says("nine of ten after about 8,000", 0.87 < near[8192] < 0.95)
    assert near[512] < 0.3


@pytest.mark.answers("02-006", 2)
def test_the_distance_falls_like_one_over_root_n():
    P = page()["P"]
    constant = figures.typical_distance(P)
    for n, gap in gaps(P, markov.stationary(P), [64, 256, 1024, 4096]).items():
        assert gap.mean() * np.sqrt(n) == pytest.approx(constant, rel=0.12)
    says("Yes, with another constant.", constant == pytest.approx(0.4413, abs=1e-4))
    says("off by $0.80\\sqrt v$ on average", round(np.sqrt(2 / np.pi), 2) == 0.80)


def test_the_first_meal_is_forgotten_at_a_constant_rate_but_for_a_wiggle():
    P = page()["P"]
    values = np.linalg.eigvals(P)
    second = values[np.argsort(-np.abs(values), kind="stable")[1]]
    says("falls along a straight line, but for a wiggle", abs(second.imag) > 0.1)
    for start in range(3):
        curve = markov.mixing_curve(P, start, 12)
        fall = np.log(curve[12] / curve[0]) / 12
        assert fall == pytest.approx(np.log(abs(second)), abs=0.06)


def test_two_chains_that_do_not_settle():
    chains = page()["chains"]
    power = np.linalg.matrix_power
    says(
        "whoever knows the first meal knows that of day 300",
        (power(chains["a cycle"], 300) == np.eye(3)).all(),
    )
    islands = power(chains["two islands"], 100)
    says("whoever starts with soup never eats rice", islands[2].tolist() == [0, 0, 1])
    assert islands[0, 0] > 0.3


# ---- the wind ------------------------------------------------------------------------------------


@cache
def winds():
    target = page()["target"]
    counts = [16, 32, 512, 1024, 8192]
    return {name: gaps(page()[name], target, counts) for name in ("hastings", "plain")}


@pytest.mark.answers("02-018", 1)
def test_one_distance_falls_and_the_other_stops():
    target = page()["target"]
    limit = 0.5 * np.abs(markov.stationary(page()["plain"]) - target).sum()
    says("Metropolis stops at 0.165", round(limit, 3) == 0.165)
    assert winds()["plain"][8192].mean() == pytest.approx(limit, abs=0.01)
    constant = figures.typical_distance(page()["hastings"])
    assert winds()["hastings"][8192].mean() * np.sqrt(8192) == pytest.approx(constant, rel=0.12)


@pytest.mark.answers("02-018", 2)
def test_a_short_run_does_not_tell_right_from_wrong():
    nearer = {n: np.mean(winds()["plain"][n] < winds()["hastings"][n]) for n in (32, 512)}
    says("nearer to the target in about half of the lucks", 0.4 < nearer[32] < 0.6)
    says("At 512 the right one is nearer in 99 of 100", nearer[512] < 0.02)


# ---- far starts ----------------------------------------------------------------------------------


@cache
def walked(drawn):
    rng = np.random.default_rng(0)
    starts = 3 * rng.standard_normal(LUCKS) if drawn else np.full(LUCKS, 7.0)
    kernel = mcmc.random_walk(page()["log_normal"], 1.0)
    return mcmc.run_chains(kernel, starts, 1024, rng).positions


@pytest.mark.answers("02-023c", 1)
def test_when_a_chain_from_far_away_arrives():
    arrived = np.argmax(np.abs(walked(False)) < 1.96, axis=0)
    low, middle, high = np.quantile(arrived, [0.05, 0.5, 0.95])
    says("Half of the chains are there after about 14", 12 <= middle <= 16)
    says("nine of ten need between 6 and 26", abs(low - 6) <= 2 and abs(high - 26) <= 3)


@pytest.mark.answers("02-023c", 2)
def test_the_way_in_is_counted_for_ever():
    means = {n: walked(False)[1 : n + 1].mean(axis=0) for n in (64, 1024)}
    says("Still about 1.", 0.9 < np.median(means[64]) < 1.25)
    assert np.mean(means[64] > 0) > 0.95
    says("above 0 in eight of ten chains", 0.74 < np.mean(means[1024] > 0) < 0.86)
    says("typically by 0.07", 0.05 < np.median(means[1024]) < 0.09)


@pytest.mark.answers("02-023c", 3)
def test_drawn_starts_err_in_no_common_direction():
    means = walked(True)[1:65].mean(axis=0)
    says("half are too high, half too low", 0.4 < np.mean(means > 0) < 0.6)
    apart = np.ptp(means.reshape(-1, 4), axis=1)
    assert np.mean(apart > 0.3) > 0.9  # four chains are seen to disagree


# ---- how far to step -----------------------------------------------------------------------------


@pytest.mark.answers("02-026", 1)
def test_the_share_accepted_at_both_ends():
    accepted = lambda s: 2 / np.pi * np.arctan(2 / s)  # noqa: E731
    says("1. 98% and 2%.", (round(accepted(0.07), 2), round(accepted(76.16), 2)) == (0.98, 0.02))


@pytest.mark.answers("02-026", 2)
def test_neither_end_explores_and_the_best_step_accepts_44_per_cent():
    sizes = 2.38 * 2.0 ** np.arange(-5, 6)
    worth = [figures.exact_worth(s) for s in sizes]
    says("near $s=2.38$, with 44% accepted", np.argmax(worth) == 5)
    says("worth about a quarter of an independent one", 0.2 < worth[5] < 0.27)
    assert worth[0] < 0.01 * worth[5] and worth[-1] < 0.06 * worth[5]
    assert round(2 / np.pi * np.arctan(2 / 2.38), 3) == 0.445


def test_the_estimate_is_too_good_at_the_tiniest_steps_and_right_elsewhere():
    rng = np.random.default_rng(0)
    worth = page()["worth"]
    for size, low, high in (
        (0.07, 1.2, 3),
        (0.59, 0.9, 1.15),
        (2.38, 0.9, 1.1),
        (19.04, 0.85, 1.2),
    ):
        kernel = mcmc.random_walk(page()["log_normal"], size)
        draws = mcmc.run_chains(kernel, rng.standard_normal(100), 4000, rng).positions[1:]
        found = np.mean([worth(x) for x in draws.T]) / 4000
        assert low < found / figures.exact_worth(size) < high


# ---- the ring ------------------------------------------------------------------------------------


@cache
def round_the_ring():
    """Of 100 lucks of the view: x₁ (steps,), radius of each proposal, whether it was accepted."""
    kernel = page()["ring_walk"]
    told = []
    for luck in range(100):
        rng = np.random.default_rng(luck)
        state = kernel.init(np.array([[2.0, 0.0]]))
        steps = []
        for _ in range(256):
            state, info = kernel.step(state, rng)
            steps.append((state.position[0, 0], np.linalg.norm(info.proposal), info.accepted[0]))
        told.append(np.array(steps))
    return np.array(told)


@pytest.mark.answers("02-024b", 1)
def test_the_chain_gets_round_the_ring():
    x = round_the_ring()[..., 0]
    says("After 16 steps in one of ten lucks", 0.03 < np.mean(x[:, :16].min(axis=1) < -1) < 0.17)
    says("after 256 in nearly all", np.mean(x.min(axis=1) < -1) >= 0.95)


@pytest.mark.answers("02-024b", 2)
def test_proposals_off_the_ring_are_refused():
    off = np.abs(round_the_ring()[..., 1] - 2) > 0.35
    accepted = round_the_ring()[..., 2].astype(bool)
    assert np.mean(off[~accepted]) > 0.95
    says("lands *on* it is nearly always accepted", np.mean(accepted[~off]) > 0.9)


# ---- the ball ------------------------------------------------------------------------------------


@cache
def ends_kept(step):
    """How many of eight ends were accepted, in each of 100 lucks of the view: (100,)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "BudgetView", Drawing)
        view = figures.roll_view(page()["banana"], page()["roll"], [0.15, 0.3, 0.6])
    texts = [view.at(luck, point=120, step=step)[0] for luck in range(100)]
    return np.array([int(re.search(r"so far: (\d) of 8", text)[1]) for text in texts])


@pytest.mark.answers("02-029g", 1)
def test_small_leapfrog_steps_are_nearly_always_accepted():
    kept = ends_kept(0.15)
    says("All eight in about seven of ten lucks", 0.6 < np.mean(kept == 8) < 0.85)
    says("hardly ever fewer than six", np.mean(kept < 6) <= 0.02)


@pytest.mark.answers("02-029g", 2)
def test_twice_the_step_costs_half_of_the_ends():
    kept = ends_kept(0.3)
    says("About half are accepted", 0.4 < kept.mean() / 8 < 0.65)
    says("from none to all eight by luck", kept.min() == 0 and kept.max() == 8)


@pytest.mark.answers("02-029g", 3)
def test_steps_beyond_the_edge_explode():
    kept = ends_kept(0.6)
    says("None of the eight in about eight of ten lucks", 0.7 < np.mean(kept == 0) < 0.9)
    assert np.mean(kept > 2) < 0.05


# ---- the banana ----------------------------------------------------------------------------------


def errors_of_the_mean(dim, lucks=100, chains=32, evaluations=4096):
    """RMS error of the mean of x₂ at equal cost, by sampler: (lucks,) each."""
    target = page()["Banana"](dim)
    found = {}
    for name, kernel in page()["samplers"](target).items():
        rng = np.random.default_rng(0)
        state = kernel.init(target.start(lucks * chains, rng))
        total = state.position[:, 1].copy()
        n = evaluations // {"random walk": 1, "HMC": 16}[name]
        for _ in range(n):
            state, _ = kernel.step(state, rng)
            total += state.position[:, 1]
        squares = (total / (n + 1) - 1) ** 2
        found[name] = np.sqrt(squares.reshape(lucks, chains).mean(axis=1))
    return found


@pytest.mark.answers("02-030", 1)
def test_in_two_dimensions_they_are_about_even():
    errors = errors_of_the_mean(2)
    ahead = np.mean(errors["HMC"] < errors["random walk"])
    says("HMC is ahead in four of ten lucks", 0.25 < ahead < 0.55)
    assert np.median(errors["HMC"]) == pytest.approx(np.median(errors["random walk"]), rel=0.2)


@pytest.mark.answers("02-030", 2)
def test_in_twenty_dimensions_hmc_wins():
    errors = errors_of_the_mean(20)
    ahead = np.mean(errors["HMC"] < errors["random walk"])
    says("HMC is ahead in 95 of 100 lucks", ahead >= 0.9)
    assert np.median(errors["HMC"]) < 0.6 * np.median(errors["random walk"])


# ---- two humps -----------------------------------------------------------------------------------


@cache
def fooled(size, starts):
    """R-hat, share on the right and acceptance of four chains: (100,) each."""
    kernel = mcmc.random_walk(page()["two_humps"], size)
    chain = mcmc.run_chains(kernel, np.tile(starts, 100), 4000, np.random.default_rng(0))
    draws = chain.positions[1:].reshape(4000, 100, 4)
    rhats = np.array([page()["rhat"](draws[:, luck]) for luck in range(100)])
    return rhats, (draws > 0).mean(axis=(0, 2)), chain.acceptance_rate


RIGHT = (6.0, 6.0, 6.0, 6.0)
SPREAD = (-6.0, -2.0, 2.0, 6.0)


@pytest.mark.answers("02-032c", 1)
def test_four_chains_that_all_miss_a_hump_look_perfect():
    rhats, right, _ = fooled(1.0, RIGHT)
    says("four hairy caterpillars, R-hat 1.00", rhats.max() < 1.005)
    says("half of the distribution is missing", right.min() == 1)


@pytest.mark.answers("02-032c", 2)
def test_spread_starts_disagree():
    rhats, right, _ = fooled(1.0, SPREAD)
    says("it is above 6", rhats.min() > 6)
    says("Two of your four starts happened to lie on the right", abs(right - 0.5).max() < 0.01)


@pytest.mark.answers("02-032c", 3)
def test_steps_that_jump_cure_it():
    _, _, small = fooled(1.0, RIGHT)
    for starts in (RIGHT, SPREAD):
        rhats, right, large = fooled(12.0, starts)
        says("R-hat is at most 1.01", rhats.max() < 1.015)
        says("between 45% and 55% of the draws", np.mean(abs(right - 0.5) <= 0.055) >= 0.98)
        says("from 70% to 17%", (round(small, 2), round(large, 2)) == (0.70, 0.17))
