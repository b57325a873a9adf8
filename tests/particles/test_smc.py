"""The one loop: every outcome enumerated, mutants caught; then particle filters against exact
filters.
"""

import itertools
import math

import numpy as np
import pytest
from enumerable_model import LOOKS_BACK, ONE_IS_HEAVY, TwoStates, unnormalised_posterior
from normal_p_values import mean_p_value
from outcomes import enumerable, outcomes

from ttclib.cost import Cost
from ttclib.course.particle_filtering.guided import Guided
from ttclib.course.particle_filtering.hmm import HiddenMarkov, forward
from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.smoothing import (
    bootstrap_variance,
    kalman_smoother,
    trajectories,
)
from ttclib.course.small_language_model.beams import keep_top
from ttclib.particles.resampling import UNBIASED
from ttclib.particles.smc import (
    FeynmanKac,
    Population,
    keep_all,
    resample,
    run,
    smc,
    when_ess_below,
)
from ttclib.particles.statespace import Bootstrap, LinearGaussian

FALSE_ALARM = 1e-6
SCHEMES = {name: enumerable(scheme) for name, scheme in UNBIASED.items()}
SIZES = [(3, 2), (2, 3)]  # (T, n)

WRONG = [
    *(None, "text", (0, 0), np.zeros(4), ([0, 1, 2, 3], "text"), (np.arange(4), None)),
    *((np.full(4, 9), 0.0), (np.array([-9]), 0.0)),  # no members
    *((np.arange(4), np.zeros(3)), (np.zeros(2, int), np.zeros(77))),
]


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_selection_that_fails_at_any_step_is_told_in_one_line(wrong, step):
    def select(population, rng):
        return wrong if population.t == step else keep_all(population, rng)

    model = Bootstrap(LinearGaussian(), np.zeros(5))
    with pytest.raises(ValueError, match="select must return ancestors"):
        run(model, 4, select, np.random.default_rng(0))


# ---------------------------------------------------------------- every outcome


def enumerate_filter(length, n, select, potential=LOOKS_BACK):
    """Errors of E[Ẑ], and of E[Ẑ · share of a path] for the worst path, relative to Z."""
    exact = unnormalised_posterior(length, potential)
    evidence = sum(exact.values())
    total, mean, masses = 0.0, 0.0, dict.fromkeys(exact, 0.0)
    for probability, history in outcomes(
        lambda rng: run(TwoStates(length, potential), n, select, rng)
    ):
        total += probability
        last = history[-1]
        if last.extinct:
            assert last.log_evidence == -math.inf
            continue
        estimate = probability * math.exp(last.log_evidence)
        mean += estimate
        for path, weight in zip(trajectories(history).T, last.weights, strict=True):
            masses[tuple(path)] += estimate * weight
    assert total == pytest.approx(1, abs=1e-12)
    return mean / evidence - 1, max(abs(masses[path] - exact[path]) for path in exact) / evidence


@pytest.mark.parametrize(("length", "n"), SIZES)
@pytest.mark.parametrize("threshold", [0, 0.3, 0.6, 1])
@pytest.mark.parametrize("name", SCHEMES)
def test_evidence_is_unbiased_over_every_outcome(name, threshold, length, n):
    bias, path_error = enumerate_filter(
        length, n, when_ess_below(threshold, resample(SCHEMES[name]))
    )
    assert abs(bias) < 1e-12
    assert path_error < 1e-12


@pytest.mark.parametrize(("length", "n"), SIZES)
@pytest.mark.parametrize("name", SCHEMES)
def test_evidence_is_unbiased_when_always_resampled(name, length, n):
    assert max(map(abs, enumerate_filter(length, n, resample(SCHEMES[name])))) < 1e-12


@pytest.mark.parametrize(("length", "n"), SIZES)
def test_evidence_is_unbiased_when_never_resampled(length, n):
    assert max(map(abs, enumerate_filter(length, n, keep_all))) < 1e-12


@pytest.mark.parametrize("children", [1, 3])
@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "killing"])
def test_evidence_is_unbiased_when_the_population_grows_or_shrinks(name, children):
    select = resample(SCHEMES[name], n=children)
    assert max(map(abs, enumerate_filter(2, 2, select))) < 1e-12
    assert max(map(abs, enumerate_filter(2, 2, when_ess_below(0.6, select)))) < 1e-12


def test_a_low_threshold_with_four_particles():
    """With two or three particles the effective sample size is never under 0.3 n; with 4 it is."""
    select = when_ess_below(0.3, resample(SCHEMES["systematic"]))
    assert max(map(abs, enumerate_filter(2, 4, select, ONE_IS_HEAVY))) < 1e-12


# Mutants of a selection, each a likely mistake. Each must show in the same sums.


def forgets_carried_weights(scheme):
    def select(population, rng):
        if population.ess < 0.6 * len(population):
            return resample(scheme)(population, rng)
        return np.arange(len(population)), np.full(len(population), population.log_evidence)

    return select


def restarts_carried_weights(scheme):
    def select(population, rng):
        if population.ess < 0.6 * len(population):
            return resample(scheme)(population, rng)
        return np.arange(len(population)), np.zeros(len(population))

    return select


def keeps_weights_after_resampling(scheme):
    def select(population, rng):
        ancestors, _ = resample(scheme)(population, rng)
        return ancestors, population.log_weights[ancestors]

    return select


def resamples_by_a_power(scheme):
    return resample(lambda weights, n, rng: scheme(weights**0.9, n, rng))


def averages_over_the_children(scheme):
    def select(population, rng):
        ancestors, log_weights = resample(scheme, n=3)(population, rng)
        return ancestors, log_weights + math.log(len(population) / len(ancestors))

    return select


def drops_the_evidence_so_far(scheme):
    def select(population, rng):
        ancestors, _ = resample(scheme)(population, rng)
        return ancestors, 0.0

    return select


def resamples_uniformly(scheme):
    return resample(lambda weights, n, rng: scheme(np.ones(len(weights)), n, rng))


MUTANTS = [
    forgets_carried_weights,
    restarts_carried_weights,
    keeps_weights_after_resampling,
    resamples_by_a_power,
    drops_the_evidence_so_far,
    resamples_uniformly,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
@pytest.mark.parametrize("name", SCHEMES)
def test_mutants_are_biased(name, mutant):
    bias, _ = enumerate_filter(3, 2, mutant(SCHEMES[name]))
    assert abs(bias) > 5e-3  # of the right selection: below 1e-12


@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "killing"])
def test_averaging_over_the_wrong_number_is_biased(name):
    bias, _ = enumerate_filter(2, 2, averages_over_the_children(SCHEMES[name]))
    assert bias == pytest.approx(2 / 3 - 1, abs=1e-12)


# ---------------------------------------------------------------- against exact filters


def filter_errors(
    model, exact_means, exact_log_evidence, n, select, replicates, rng, of=lambda x: x
):
    """Numbers of mean exactly zero if the filter is right, for every step t and every replicate.

    Ẑₜ/Zₜ − 1, and Ẑₜ/Zₜ · (estimated mean − exact mean): the particle estimate of an unnormalised
    integral is unbiased for every n (Del Moral 2004, §7.4), the estimated mean itself is not.
    """
    errors = []
    for _ in range(replicates):
        populations = smc(model, n, select, rng)
        for p, mean, log_evidence in zip(populations, exact_means, exact_log_evidence, strict=True):
            ratio = math.exp(p.log_evidence - log_evidence)
            errors.append(np.append(ratio - 1, ratio * (p.mean(of(p.particles)) - mean)))
    return np.array(errors).reshape(replicates, -1)


TIMES = np.arange(8)
JUMP = np.where(TIMES < 4, 0.0, 3.0)  # data that surprise the bootstrap filter
SCALAR = LinearGaussian(transition=0.9, observation=0.7, observation_cov=0.5, initial_mean=1.0)
WAVE = np.sin(TIMES)
GAPS = np.where(np.isin(TIMES, (0, 3, 4)), np.nan, WAVE)
CASES = {
    **{f"bootstrap, {name}": (Bootstrap, SCALAR, WAVE, name) for name in UNBIASED},
    "bootstrap, gaps": (Bootstrap, SCALAR, GAPS, "systematic"),
    "guided": (Guided, SCALAR, WAVE, "systematic"),
}


@pytest.mark.statistical
@pytest.mark.parametrize("case", CASES)
def test_filters_agree_with_kalman(case, seed):
    """Evidence and filter means at every step; false-alarm rate 1e-6 (see ``mean_p_value``)."""
    kind, model, y, scheme = CASES[case]
    exact = kalman_filter(model, y)
    select = when_ess_below(0.5, resample(scheme))
    rng = np.random.default_rng(seed)
    errors = filter_errors(
        kind(model, y), exact.filtered.mean, exact.log_evidence, 400, select, 300, rng
    )
    assert mean_p_value(errors) > FALSE_ALARM


CHAIN = HiddenMarkov(
    initial=[0.5, 0.3, 0.2],
    transition=[[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]],
    emission=[[0.7, 0.3, 0.0], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]],
)
SYMBOLS = [0, 0, 1, 2, 2, 0, 1, 1]


@pytest.mark.statistical
def test_bootstrap_filter_agrees_with_the_forward_algorithm(seed):
    """False-alarm rate 1e-6 (see ``mean_p_value``)."""
    exact = forward(CHAIN, SYMBOLS)
    select = when_ess_below(0.5, resample("systematic"))
    model, rng = Bootstrap(CHAIN, SYMBOLS), np.random.default_rng(seed)
    in_state = np.eye(3).__getitem__
    errors = filter_errors(
        model, exact.filtered, exact.log_evidence, 400, select, 300, rng, of=in_state
    )
    assert mean_p_value(errors) > FALSE_ALARM


@pytest.mark.statistical
def test_a_filter_for_a_slightly_different_model_is_caught(seed):
    """Power of the comparison: transition 0.8 in place of 0.9."""
    wrong = LinearGaussian(transition=0.8, observation=0.7, observation_cov=0.5, initial_mean=1.0)
    exact = kalman_filter(SCALAR, WAVE)
    means, log_evidence, rng = exact.filtered.mean, exact.log_evidence, np.random.default_rng(seed)
    errors = filter_errors(Bootstrap(wrong, WAVE), means, log_evidence, 400, resample(), 300, rng)
    assert mean_p_value(errors) < FALSE_ALARM


def log_evidences(model, n, select, replicates, rng):
    """Final log Ẑ of independent runs."""
    return np.array([run(model, n, select, rng)[-1].log_evidence for _ in range(replicates)])


@pytest.mark.statistical
def test_variance_of_log_evidence_is_sigma2_over_n(seed):
    """Var(log Ẑ) ≈ σ²/n and E[log Ẑ] ≈ log Z − σ²/2n, with e = σ²/n ≈ 0.1.

    Sampling error: 5 standard deviations each way (normal theory: 6e-7 for each of the two; the
    variance of the sample variance is widened for an excess kurtosis of 1; 20 000 runs show 0.5).
    Terms of higher order: 2 e of the variance and e² of the mean are allowed; 20 000 runs show 0.85
    e and 0.3 e². Mutants outside both bounds: σ² with the filter's distribution in place of the
    smoother's, or without the shift s − m; a log Ẑ taken as unbiased.
    """
    model, n, replicates = LinearGaussian(), 120, 6000
    exact, smoothed = kalman_filter(model, JUMP), kalman_smoother(model, JUMP)
    e = bootstrap_variance(model, JUMP) / n
    rng = np.random.default_rng(seed)
    off = log_evidences(Bootstrap(model, JUMP), n, resample("multinomial"), replicates, rng)
    off -= exact.log_evidence[-1]
    width = 2 * e + 5 * math.sqrt(3 / replicates)
    assert abs(off.var(ddof=1) / e - 1) < width
    margin = e**2 + 5 * off.std() / math.sqrt(replicates)
    assert abs(off.mean() + e / 2) < margin
    assert margin < e / 2

    (m, p), filtered = exact.predicted, exact.filtered
    for mean, cov in (filtered, (m, smoothed.cov)):
        spread = 2 * p - cov
        mutant = np.sum(p / np.sqrt(cov * spread) * np.exp((mean - m) ** 2 / spread) - 1) / n
        assert abs(off.var(ddof=1) / mutant - 1) > width


@pytest.mark.statistical
def test_guided_beats_bootstrap(seed):
    """Precise observations: the guided filter's log Ẑ varies less than a tenth of the bootstrap's.

    In 3000 runs of each the ratio of the variances is 0.009, and both are close to normal. Then 100
    runs of each exceed 1/10 with probability P(F₉₉,₉₉ > 0.1 / 0.009) < 1e-20.
    """
    model = LinearGaussian(observation_cov=0.05)
    exact = kalman_filter(model, WAVE).log_evidence[-1]
    rng = np.random.default_rng(seed)
    guided = log_evidences(Guided(model, WAVE), 400, resample("multinomial"), 100, rng) - exact
    bootstrap = (
        log_evidences(Bootstrap(model, WAVE), 400, resample("multinomial"), 100, rng) - exact
    )
    assert guided.var() < bootstrap.var() / 10


# ---------------------------------------------------------------- the loop itself


class Drift(FeynmanKac):
    """Deterministic moves and weights: particle x becomes x + 1 and is worth exp(−x) every time."""

    def __init__(self, length=4, worth=lambda t, x: -np.asarray(x, dtype=float)):
        self.length, self.worth = length, worth

    def init(self, n, rng):
        return np.arange(n)

    def step(self, t, parents, rng):
        return parents + 1

    def log_potential(self, t, parents, particles):
        return self.worth(t, particles)

    def done(self, t, particles):
        return t + 1 == self.length


RNG = np.random.default_rng(0)  # for runs without randomness


@pytest.mark.parametrize("stop", range(1, 9))
def test_the_loop_can_be_stopped_anywhere_and_is_a_prefix_of_the_full_run(stop, seed):
    model, select = Bootstrap(SCALAR, WAVE), when_ess_below(0.7, resample())
    full = run(model, 50, select, np.random.default_rng(seed))
    some = list(itertools.islice(smc(model, 50, select, np.random.default_rng(seed)), stop))
    assert len(full) == 8
    assert len(some) == stop
    for a, b in zip(some, full, strict=False):
        assert a.t == b.t
        assert a.resampled == b.resampled
        for field in ("particles", "log_weights", "ancestors"):
            assert (getattr(a, field) == getattr(b, field)).all()
        assert a.cost.units == b.cost.units


def test_one_step_and_one_particle():
    (only,) = run(Bootstrap(SCALAR, [0.3]), 1, resample(), np.random.default_rng(0))
    assert len(only) == 1
    assert only.ess == 1
    assert only.weights.tolist() == [1.0]
    assert only.log_evidence == pytest.approx(SCALAR.log_observation(0, only.particles, 0.3)[0])


def test_population_describes_itself():
    population = Population(0, np.arange(3.0), np.log([1.0, 1.0, 2.0]), np.arange(3))
    assert population.weights == pytest.approx([0.25, 0.25, 0.5])
    assert population.ess == pytest.approx(16 / 6)
    assert population.log_evidence == pytest.approx(math.log(4 / 3))
    assert population.mean(population.particles) == pytest.approx(1.25)
    assert population.mean(np.eye(3)) == pytest.approx([0.25, 0.25, 0.5])
    assert not population.extinct
    assert population.cost == Cost()


def test_cost_counts_every_particle_of_every_step():
    costs = [p.cost for p in smc(Bootstrap(SCALAR, WAVE), 30, resample(), np.random.default_rng(0))]
    assert [cost.units for cost in costs] == [30 * (t + 1) for t in range(8)]
    assert all(b.seconds >= a.seconds >= 0 for a, b in itertools.pairwise(costs))


def test_a_model_may_count_its_own_cost():
    class Dear(Drift):
        def propose(self, t, parents, n, rng):
            particles, _ = super().propose(t, parents, n, rng)
            return particles, Cost(lm_tokens=n * (t + 1))

        def weigh(self, t, parents, particles):
            return super().weigh(t, parents, particles)._replace(cost=Cost(verifier_positions=t))

    assert run(Dear(), 5, keep_all, RNG)[-1].cost.lm_tokens == 5 * (1 + 2 + 3 + 4)
    assert run(Dear(), 5, keep_all, RNG)[-1].cost.verifier_positions == 1 + 2 + 3
    assert run(Dear(), 5, keep_all, RNG)[-1].cost.units == 0


class Rows:
    """Particles that are no array: they know only their number, and how to gather rows."""

    def __init__(self, rows, gathered=0):
        self.rows, self.gathered = rows, gathered

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, indices):
        assert isinstance(indices, np.ndarray)
        return Rows([self.rows[i] for i in indices], self.gathered + 1)


class Words(FeynmanKac):
    """Every particle is a string; the loop must hand it through untouched."""

    def init(self, n, rng):
        return Rows([str(i) for i in range(n)])

    def step(self, t, parents, rng):
        return Rows([row + "." for row in parents.rows], parents.gathered)

    def log_potential(self, t, parents, particles):
        assert (parents is None) == (t == 0)
        if parents is not None:
            assert [row + "." for row in parents.rows] == particles.rows
        return np.array([0.0 if row[0] in "02" else -math.inf for row in particles.rows])

    def done(self, t, particles):
        return t == 2


def test_particles_can_be_any_object_that_is_indexed_by_ancestors():
    history = run(Words(), 4, resample("systematic"), np.random.default_rng(0))
    assert [p.particles.rows for p in history] == [
        ["0", "1", "2", "3"], ["0.", "0.", "2.", "2."], ["0..", "0..", "2..", "2.."]
    ]  # fmt: skip
    # the second selection finds equal weights, and drops nobody
    assert history[-1].particles.gathered == 1
    assert [p.resampled for p in history] == [False, True, False]
    assert history[1].ancestors.tolist() == [0, 0, 2, 2]
    assert history[-1].log_evidence == pytest.approx(math.log(1 / 2))


def everybody_by_hand(population, rng):
    """A selection as learners write it."""
    return np.arange(len(population)), population.log_weights


def test_keeping_all_never_copies():
    for select in (keep_all, when_ess_below(0, resample()), everybody_by_hand):
        history = run(Words(), 4, select, RNG)
        assert history[-1].particles.gathered == 0
        assert not any(p.resampled for p in history)
        assert all(p.ancestors.tolist() == [0, 1, 2, 3] for p in history)

    seen = []

    class Watched(Drift):
        def step(self, t, parents, rng):
            seen.append(parents)
            return parents + 1

    history = run(Watched(), 4, keep_all, RNG)
    assert all(a is p.particles for a, p in zip(seen, history[:-1], strict=True))


def test_weights_are_carried_between_selections():
    history = run(Drift(), 3, keep_all, RNG)
    assert history[-1].log_weights.tolist() == [-6.0, -10.0, -14.0]  # 0+1+2+3, 1+2+3+4, 2+3+4+5
    assert history[-1].log_evidence == pytest.approx(
        math.log(np.mean(np.exp([-6.0, -10.0, -14.0])))
    )


# ---------------------------------------------------------------- selections


def population_of(log_weights):
    log_weights = np.array(log_weights, dtype=float)
    return Population(0, np.arange(len(log_weights)), log_weights, np.arange(len(log_weights)))


@pytest.mark.parametrize("name", UNBIASED)
def test_resampling_shares_the_mean_weight(name):
    population = population_of([0.0, -1.0, 2.0])
    ancestors, log_weights = resample(name)(population, np.random.default_rng(0))
    assert ancestors.shape == (3,)
    assert log_weights == population.log_evidence  # one number for all


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_population_may_change_its_size(n):
    history = run(Drift(), 3, resample("systematic", n=n), np.random.default_rng(0))
    assert [len(p) for p in history] == [3, n, n, n]
    assert history[-1].cost.units == 3 + 3 * n
    assert history[1].log_weights.shape == (n,)
    first = math.log(np.mean(np.exp([0.0, -1.0, -2.0])))
    second = first + math.log(np.mean(np.exp(-history[1].particles.astype(float))))
    assert history[1].log_evidence == pytest.approx(second)


@pytest.mark.parametrize("n", [0, -1, 1.5, "2"])
def test_a_size_that_is_none_is_refused_at_once(n):
    with pytest.raises(ValueError, match="n is"):
        resample("systematic", n=n)
    with pytest.raises(ValueError, match="n is"):
        next(smc(Drift(), n, keep_all, RNG))


def test_an_unknown_scheme_is_refused_at_once():
    with pytest.raises(ValueError, match="scheme is 'roulette'"):
        resample("roulette")


def everyone_goes_on(selection, population):
    """Whether a selection kept every member with its weight; resampling returns one
    weight for all.
    """
    ancestors, log_weights = selection
    kept = np.ndim(log_weights) == 1
    assert not kept or ancestors.tolist() == list(range(len(population)))
    assert not kept or log_weights.tolist() == population.log_weights.tolist()
    return kept


def test_threshold_one_selects_whenever_weights_differ_and_zero_never():
    always, never = when_ess_below(1, resample()), when_ess_below(0, resample())
    for log_weights in ([0.0, 0.0, 0.0], [-700.3, -700.3], [1e300], [0.1] * 49):
        assert always(population_of(log_weights), RNG)[0].tolist() == list(range(len(log_weights)))
        chosen = population_of(log_weights)
        assert everyone_goes_on(always(chosen, RNG), chosen)
    for log_weights in ([0.0, -1e-3], [0.0, -math.inf], [5.0, 4.0, 5.0]):
        chosen = population_of(log_weights)
        assert not everyone_goes_on(always(chosen, RNG), chosen)
        assert everyone_goes_on(never(chosen, RNG), chosen)


def test_the_threshold_is_a_share_of_n():
    chosen = population_of([0.0, 0.0, -math.inf, -math.inf])  # effective sample size: half
    assert everyone_goes_on(when_ess_below(0.5, resample())(chosen, RNG), chosen)
    assert not everyone_goes_on(when_ess_below(0.51, resample())(chosen, RNG), chosen)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan, "0.5", None])
def test_a_threshold_outside_0_to_1_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold is"):
        when_ess_below(threshold, keep_all)


def test_keep_top_takes_the_heaviest_and_the_earlier_of_equals():
    population = population_of([1.0, 3.0, 2.0, 3.0, 2.0, -math.inf])
    for k, best in (
        (1, [1]),
        (2, [1, 3]),
        (3, [1, 2, 3]),
        (4, [1, 2, 3, 4]),
        (6, [0, 1, 2, 3, 4, 5]),
    ):
        ancestors, log_weights = keep_top(k)(population, RNG)
        assert ancestors.tolist() == best
        assert log_weights.tolist() == population.log_weights[best].tolist()
    many = population_of([0.0, 1.0] * 500)  # long enough for an unstable sort to show
    assert keep_top(501)(many, RNG)[0].tolist() == [0, *range(1, 1000, 2)]
    ancestors, _ = keep_top(2, copies=3)(population, RNG)
    assert ancestors.tolist() == [1, 1, 1, 3, 3, 3]


def test_keep_top_with_copies_widens_and_narrows():
    history = run(Drift(), 6, keep_top(2, copies=3), RNG)
    assert [len(p) for p in history] == [6, 6, 6, 6]
    assert history[1].ancestors.tolist() == [0, 0, 0, 1, 1, 1]
    assert [len(p) for p in run(Drift(), 6, keep_top(2), RNG)] == [6, 2, 2, 2]
    assert history[-1].log_weights.tolist() == [-6.0] * 6


@pytest.mark.parametrize(
    ("k", "copies", "message"), [(0, 1, "k is 0"), (1, 0, "copies is 0"), (1.5, 1, "k is")]
)
def test_keep_top_of_nothing_is_refused(k, copies, message):
    with pytest.raises(ValueError, match=message):
        keep_top(k, copies)


def test_keep_top_of_too_few_is_refused():
    with pytest.raises(ValueError, match="k is 4; it must be at most the population's 3 members"):
        run(Drift(), 3, keep_top(4), RNG)


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("death", [0, 2])
@pytest.mark.parametrize("select", [keep_all, resample(), when_ess_below(0.5, resample())])
def test_an_extinct_population_is_the_last(death, select):
    model = Drift(worth=lambda t, x: np.full(len(x), -math.inf if t == death else 0.0))
    history = run(model, 5, select, RNG)
    assert len(history) == death + 1
    assert [p.extinct for p in history] == [False] * death + [True]
    last = history[-1]
    assert last.log_evidence == -math.inf
    assert last.ess == 0
    assert last.weights.tolist() == [0.0] * 5


@pytest.mark.parametrize("name", UNBIASED)
def test_an_extinct_population_cannot_be_resampled(name):
    with pytest.raises(ValueError, match="weights are all zero"):
        resample(name)(population_of([-math.inf] * 3), RNG)


@pytest.mark.parametrize("step", [0, 2])
@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda x: np.full(len(x), math.nan), "step {step}: 3 of 3 log_weights are NaN"),
        (
            lambda x: np.array([0.0, math.inf, 0.0]),
            "step {step}: 1 of 3 log_weights are NaN or .inf",
        ),
        (lambda x: np.zeros(len(x) + 1), r"shape \(4,\) at step {step}; it must be \(3,\)"),
        (lambda x: np.zeros((len(x), 1)), r"shape \(3, 1\) at step {step}"),
        (lambda x: 0.0, r"shape \(\) at step {step}"),
    ],
)
def test_a_model_that_returns_nonsense_is_told_where(step, returned, message):
    model = Drift(worth=lambda t, x: returned(x) if t == step else np.zeros(len(x)))
    with pytest.raises(ValueError, match=message.format(step=step)):
        run(model, 3, keep_all, RNG)


def test_a_model_that_starts_with_too_many_is_refused():
    class Crowd(Drift):
        def init(self, n, rng):
            return np.arange(n + 2)

    with pytest.raises(ValueError, match=r"shape \(5,\) at step 0; it must be \(3,\)"):
        run(Crowd(), 3, keep_all, RNG)
