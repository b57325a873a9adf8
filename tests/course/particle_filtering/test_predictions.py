"""What notebook 04 answers to its predictions, exactly or over the lucks 0 to 99 of its views."""

import math
from functools import cache

import numpy as np
import pytest
from sentences import Says

from ttclib.course.particle_filtering import answers, path_figures
from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.nonlinear import NonlinearBenchmark, grid_filter
from ttclib.course.particle_filtering.smoothing import expected_moves
from ttclib.particles.smc import resample, run, when_ess_below
from ttclib.particles.statespace import Bootstrap, LinearGaussian

LUCKS = range(100)
OFTEN = 0.95
says = Says("04_particle_filtering")
MODEL = LinearGaussian()
STATES, Y = MODEL.simulate(50, np.random.default_rng(3))
EXACT = kalman_filter(MODEL, Y)


def multinomial(weights, n, rng):
    return rng.choice(len(weights), n, p=weights / weights.sum())


def history(n, select, luck, y=Y, model=MODEL):
    return run(Bootstrap(model, y), n, select, np.random.default_rng(luck))


# ---- the collapse --------------------------------------------------------------------------------


@pytest.mark.answers("04-006", 1)
def test_less_than_one_point_is_left():
    says("approx 0.7$: less than one point", round(math.exp(-10) * 2**14, 1) == 0.7)


@pytest.mark.answers("04-006", 2)
def test_a_collapsed_sample_reports_too_much():
    over = []
    for luck in LUCKS:
        x = np.random.default_rng((luck, 10)).standard_normal((2**14, 10))
        over.append(answers.effective_sample_size(np.exp((x - 0.5).sum(axis=1))) > 0.75)
    says("Too much, in nearly every luck", np.mean(over) >= OFTEN)


@pytest.mark.answers("04-006", 3)
def test_half_the_shift_lasts_four_times_the_dimensions():
    says("Four times as many", math.exp(-8 * 0.5**2) == math.exp(-2 * 1.0**2))


# ---- one step ------------------------------------------------------------------------------------


@cache
def replays():
    return [history(6, resample(multinomial), luck, Y[:3]) for luck in LUCKS]


@pytest.mark.answers("04-012d", 1)
def test_the_nearest_is_the_heaviest():
    for run_of in replays():
        for y, p in zip(Y, run_of, strict=False):
            weights = np.exp(-0.5 * (p.particles - y) ** 2)
            np.testing.assert_allclose(p.weights, weights / weights.sum())
            assert p.weights.argmax() == np.abs(p.particles - y).argmin()


def children():
    return np.array([np.bincount(run_of[1].ancestors, minlength=6) for run_of in replays()])


@pytest.mark.answers("04-012d", 2)
def test_the_heaviest_is_not_always_first():
    heaviest = [run_of[0].weights.argmax() for run_of in replays()]
    first = [c[i] == c.max() for c, i in zip(children(), heaviest, strict=True)]
    says("in about 4 of 10 lucks. The weights", 0.3 < np.mean(first) < 0.6)


@pytest.mark.answers("04-012d", 3)
def test_three_to_five_have_children():
    parents = (children() > 0).sum(axis=1)
    says("Three to five in 9 of 10 lucks", np.mean((parents >= 3) & (parents <= 5)) >= 0.9)


# ---- the filter ----------------------------------------------------------------------------------


def distance(n, select, luck):
    found = [p.mean(p.particles) for p in history(n, select, luck)]
    return np.sqrt(np.mean((np.array(found) - EXACT.filtered.mean) ** 2))


@pytest.mark.answers("04-016", 1)
def test_sixteen_times_the_particles_a_quarter_of_the_distance():
    select = when_ess_below(0.5, resample("systematic"))
    few, many = ([distance(n, select, luck) for luck in LUCKS] for n in (128, 2048))
    says("from 0.12 to 0.03", (round(np.mean(few), 2), round(np.mean(many), 2)) == (0.12, 0.03))
    assert np.mean(np.array(many) < 0.5 * np.array(few)) >= OFTEN
    says("The belief itself is 0.77 wide", round(math.sqrt(EXACT.filtered.cov[-1]), 2) == 0.77)


@pytest.mark.answers("04-016", 2)
def test_the_threshold_says_how_often_it_selects():
    select = resample("systematic")
    times, worth = {}, []
    for threshold in (0.0, 0.5, 1.0):
        runs = [history(128, when_ess_below(threshold, select), luck) for luck in LUCKS]
        times[threshold] = [sum(p.resampled for p in run_of) for run_of in runs]
        worth += [run_of[-1].ess for run_of in runs if threshold == 0]
    assert set(times[0.0]) == {0} and np.mean(np.array(worth) < 0.05 * 128) >= OFTEN
    says("it selects at all 49 steps", set(times[1.0]) == {49})
    says("at about every other step", min(times[0.5]) >= 22 and max(times[0.5]) <= 31)


@pytest.mark.answers("04-016", 3)
def test_the_villains_distance_does_not_fall():
    for threshold in (0.5, 1.0):
        select = when_ess_below(threshold, resample("winner takes all"))
        few = np.array([distance(128, select, luck) for luck in LUCKS])
        many = np.array([distance(8192, select, luck) for luck in range(20)])
        assert many.mean() > few.mean() and many.min() > 0.3
        assert np.mean((few > 0.24) & (few < 0.42)) >= OFTEN


# ---- the evidence --------------------------------------------------------------------------------


@cache
def errors(n, repeats):
    """Of the log evidence of 25 measurements, selected at every step, (repeats,)."""
    select = resample("multinomial")
    logs = [history(n, select, (r, 7), Y[:25])[-1].log_evidence for r in range(repeats)]
    return np.array(logs) - EXACT.log_evidence[24]


@pytest.mark.answers("04-026", 1)
@pytest.mark.answers("04-026", 2)
def test_evidence_falls_like_one_over_n_and_is_mostly_too_low():
    assert 3 < errors(128, 1000).var() / errors(512, 400).var() < 6
    says("Below, in about 8 of 10 runs", round(np.mean(errors(16, 1000) < 0), 1) == 0.8)


@pytest.mark.answers("04-036", 1)
def test_a_quieter_scheme_makes_a_slightly_quieter_filter():
    quiet = [
        answers.bootstrap_filter(Y[:25], 128, np.random.default_rng((r, 8))) for r in range(1000)
    ]
    assert 0.7 < np.var(quiet) / errors(128, 1000).var() < 1.0


# ---- paths ---------------------------------------------------------------------------------------


@pytest.mark.answers("04-028f", 1)
@pytest.mark.answers("04-028f", 2)
def test_paths_begin_alike_and_average_well():
    y = Y[:25]
    exact = expected_moves(MODEL, y).mean()
    off, starts = {}, []
    for n in (64, 1024):
        errors = []
        for luck in LUCKS:
            run_of = history(n, resample(multinomial), (luck,), y)
            states = np.array([p.particles for p in run_of])
            paths = answers.traced(np.array([p.ancestors for p in run_of]), states)
            errors.append(run_of[-1].weights @ np.abs(np.diff(paths, axis=0)).mean(axis=0) - exact)
            if n == 64:
                starts.append(len(set(paths[0])))
        off[n] = np.sqrt(np.mean(np.square(errors)))
    says("seldom more than four", np.mean(np.array(starts) <= 4) >= OFTEN)
    assert np.mean(np.isin(starts, (2, 3))) > 0.4
    says("from 0.08 to 0.02", (round(off[64], 2), round(off[1024], 2)) == (0.08, 0.02))


@pytest.mark.answers("04-028i", 1)
@pytest.mark.answers("04-028i", 2)
@pytest.mark.answers("04-028i", 3)
def test_families_by_scheme_and_threshold():
    counted, worth = {}, {}
    for scheme in ("multinomial", "systematic", "stratified"):
        for threshold in (1.0, 0.5, 0.25, 0.0):
            select = when_ess_below(threshold, resample(scheme))
            found = [path_figures.families(history(256, select, k, Y[:25])) for k in LUCKS]
            counted[scheme, threshold] = np.mean([counts[0] for counts, _ in found])
            worth[scheme, threshold] = np.mean([values[0] for _, values in found])
    small = resample("multinomial")
    few = [path_figures.families(history(32, small, k, Y[:25]))[0][0] for k in LUCKS]
    says("1. One or two.", np.mean(np.array(few) <= 2) >= OFTEN)
    assert 1.3 < counted["systematic", 1.0] / counted["multinomial", 1.0] < 2
    for scheme in ("systematic", "stratified"):
        assert 0.6 < counted[scheme, 0.25] / counted[scheme, 1.0] < 0.85
        assert worth[scheme, 0.25] < worth[scheme, 1.0]
    loud = [counted["multinomial", threshold] for threshold in (1.0, 0.5, 0.25)]
    assert loud[1] > loud[0] and loud[1] > loud[2]
    assert all(counted[scheme, 0.0] == 256 for scheme, _ in counted)
    assert max(v for (_, t), v in worth.items() if t == 0) < min(
        v for (_, t), v in worth.items() if t > 0
    )


# ---- two answers at once -------------------------------------------------------------------------


@pytest.mark.answers("04-032b", 1)
@pytest.mark.answers("04-032b", 2)
def test_the_second_hypothesis_has_a_price():
    hard = NonlinearBenchmark()
    _, seen = hard.simulate(40, np.random.default_rng(12))
    grid = np.linspace(-30, 30, 401)
    exact = grid_filter(hard, seen, grid).density[30, grid > 0].sum() * 0.15
    shares = {}
    for n in (8, 64, 512, 1024):
        runs = [history(n, resample("systematic"), luck, seen, hard) for luck in LUCKS]
        shares[n] = np.array([r[30].mean(r[30].particles > 0) for r in runs])
    off = {n: np.abs(found - exact) > 0.1 for n, found in shares.items()}
    missing = {n: np.minimum(found, 1 - found) < 0.01 for n, found in shares.items()}
    assert np.mean(missing[64]) <= 1 - OFTEN and 0.3 < np.mean(off[64]) < 0.6
    says("within 0.1 in 19 of 20 lucks, with a thousand in all", off[512].mean() <= 0.07)
    assert off[1024].mean() <= 0.01
    says("one hump in about 4 of 10 lucks", 0.25 < missing[8].mean() < 0.55)
