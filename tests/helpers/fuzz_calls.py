"""The functions of the library proper that are called with odd values: one line a function.

A line is a valid call. What odd values an argument gets follows from the valid one: an int is a
count of at least one, a list of floats numbers, and so on (``fuzz.kind_of``). Where that is not
right, the kind is named, and its exceptions: values that are odd and good for this argument.
"""

import numpy as np
from fuzz import (
    call,
    choice,
    count,
    function,
    kind,
    logs,
    number,
    numbers,
    probability,
    rng,
    several,
    thing,
    truths,
)

from ttclib.cost import Cost
from ttclib.measure import bootstrap, calibration, votes
from ttclib.particles import genealogy, islands, kalman, resampling, smc, statespace, weights
from ttclib.sampling import diagnostics, mcmc, montecarlo


def bell(x):
    return -0.5 * np.square(x).reshape(len(x), -1).sum(axis=1)


def uniform_step(x, rng):
    return x + rng.random(x.shape) - 0.5


def inside(points):
    return (points**2).sum(axis=1) < 1


BOAT = statespace.LinearGaussian()
SEEN = [0.5, -1.0, 2.0, 0.25]
FILTER = statespace.Bootstrap(BOAT, SEEN)
HISTORY = smc.run(FILTER, 4, smc.resample(), np.random.default_rng(0))
MEMBERS = HISTORY[-1]
WALK = mcmc.random_walk(bell, 0.5)
DRAWS = np.random.default_rng(0).integers(-8, 8, size=(6, 2)) / 4
GAPS = {"nan": "free", "inf": "free", "minus_inf": "free"}  # what comes out is as odd as this
WRONG_MOVES = (None, "text", np.zeros(77), 1j)
WRONG_CHOICES = (
    None,
    "text",
    (0, 0),
    np.zeros(4),
    ([0, 1, 2, 3], "text"),
    (np.arange(4), np.zeros(3)),
)


def select(selection):
    return selection(MEMBERS, np.random.default_rng(0))


def kernel_runs(kernel):
    return mcmc.run_chains(kernel, [0.5, 1.0], 3, np.random.default_rng(0))


def scheme(f, **more):
    """A resampling scheme."""
    shares = numbers([0.5, 0.25, 2.0, 0.0], low=0, longer="free")
    return call(f, weights=shares, n=4, rng=rng(), **more)


SAMPLING = [
    call(montecarlo.darts, n=100, rng=rng()),
    call(
        montecarlo.area,
        inside=function(inside),
        low=numbers([0.0, 0.0]),
        high=numbers([1.0, 1.0]),
        n=10,
        rng=rng(),
    ),
    call(montecarlo.Estimate(3.0, 0.5, Cost()).interval, z=number(2.0, 0.0)),
    call(
        mcmc.metropolis_hastings,
        kernel_runs,
        log_density=function(bell),
        propose=function(uniform_step, WRONG_MOVES),
        log_proposal=function(lambda to, given: np.zeros(len(to))).but(nothing="free"),
    ),
    call(
        mcmc.random_walk,
        kernel_runs,
        log_density=function(bell),
        step_size=number(0.5, 0.0, open_low=True).but(list="free", tuple="free", array="free"),
    ),
    call(
        mcmc.run_chains,
        kernel=thing(WALK),
        start=numbers([0.5, 1.0], longer="free").but(an_axis_more="free"),
        n=3,
        rng=rng(),
    ),
    call(
        diagnostics.ess,
        draws=numbers(DRAWS, longer="free").but(an_axis_more="drop"),
        method=choice("bulk"),
    ),
    call(diagnostics.rhat, draws=numbers(DRAWS, longer="free").but(an_axis_more="drop")),
    call(diagnostics.mcse, draws=numbers(DRAWS, longer="free").but(an_axis_more="drop")),
    call(diagnostics.summary, draws=numbers(DRAWS, longer="free").but(an_axis_more="drop")),
]

PARTICLES = [
    call(weights.relative, log_weights=logs([0.5, -1.0, 2.0], longer="free")),
    call(weights.normalise, log_weights=logs([0.5, -1.0, 2.0], longer="free")),
    *map(scheme, (resampling.multinomial, resampling.residual, resampling.stratified)),
    *map(scheme, (resampling.systematic, resampling.killing, resampling.winner_takes_all)),
    call(resampling.scheme, name=choice("systematic")),
    call(smc.smc, model=FILTER, n=4, select=function(smc.keep_all, WRONG_CHOICES), rng=rng()),
    call(smc.run, model=FILTER, n=4, select=function(smc.keep_all, WRONG_CHOICES), rng=rng()),
    call(smc.alive, population=MEMBERS),
    call(smc.resample, select, scheme=choice("systematic"), n=count(4).but(nothing="good")),
    call(smc.when_ess_below, select, threshold=probability(0.5), select=function(smc.keep_all, ())),
    call(smc.keep_top, select, k=2, copies=2),
    call(MEMBERS.mean, values=numbers([0.5, 1.0, 2.0, 4.0], **GAPS)),
    call(
        smc.Population,
        t=kind(1),
        particles=kind(np.arange(3.0)),
        log_weights=logs([0.5, -1.0, 2.0], longer="free"),
        ancestors=kind(np.array([0, 1, 1])),
    ),
    call(islands.split, population=MEMBERS, islands=2),
    call(islands.within, select, islands=2, select=function(smc.resample(), WRONG_CHOICES)),
    call(genealogy.lineages, history=several(HISTORY)),
    call(genealogy.distinct_ancestors, history=several(HISTORY)),
    call(
        statespace.LinearGaussian,
        transition=number(0.5),
        transition_cov=number(1.0, 0.0, open_low=True),
        initial_mean=number(0.5),
        initial_cov=number(2.0, 0.0, open_low=True),
    ),
    call(BOAT.simulate, length=5, rng=rng()),
    call(
        statespace.Bootstrap,
        model=BOAT,
        observations=numbers(SEEN, nan="free", longer="free").but(an_axis_more="free"),
    ),
    call(
        statespace.observations_array,
        observations=numbers(SEEN, nan="free", longer="free").but(an_axis_more="free"),
    ),
    call(kalman.kalman_filter, model=BOAT, observations=numbers(SEEN, nan="free", longer="free")),
]


ANSWERS = ["7", "8", "7", None]
ANSWER = (
    several(ANSWERS)
    .but(list_of_nothing="free", list_of_objects="free")
    .also("bad", a_text="787", unhashable=[[7], [8]])
)
FOUR = numbers([0.5, 0.25, 1.0, 0.75])
RIGHT = truths([True, False, True, True])
TABLE = numbers([[0.5, 0.25], [1.0, 0.75]], longer="free")
K = count(2).but(list="free", tuple="free", array="free")
COUNTS = numbers([[2, 0], [1, 1]], low=0, longer="free")

MEASURE = [
    call(votes.normal, answer=kind("7 ", bad={}, free={"nan": np.nan, "nothing": None})),
    call(
        votes.votes,
        answers=ANSWER,
        weights=numbers([0.5, 0.25, 1.0, 0.0], low=0).but(nothing="free"),
    ),
    call(
        votes.weighted_majority,
        answers=ANSWER,
        weights=numbers([0.5, 0.25, 1.0, 0.0], low=0).but(nothing="free"),
    ),
    call(votes.majority, answers=ANSWER),
    call(votes.best_of, scores=FOUR, answers=ANSWER),
    call(
        votes.pass_at_k,
        correct=truths([[1, 0], [1, 1]], longer="free").but(
            an_axis_more="free", an_axis_less="free"
        ),
        k=K,
    ),
    call(votes.best_at_k, scores=TABLE, right=truths([[1, 0], [1, 1]]), k=K),
    call(votes.majority_at_k, answers=ANSWER, right=kind("7"), k=K),
    call(bootstrap.counts, problems=3, replicates=4, rng=rng()),
    call(
        bootstrap.means,
        values=numbers([0.5, 0.25], **GAPS, longer="bad").but(an_axis_more="free"),
        counts=COUNTS,
    ),
    call(
        bootstrap.interval,
        replicates=numbers([0.5, 0.25, 1.0], **GAPS, longer="free").but(an_axis_more="free"),
        level=probability(0.5, open_low=True),
        axis=count(0, 0).but(too_few="free"),
    ),
    call(
        bootstrap.mean_interval,
        values=numbers([0.5, 0.25], **GAPS).but(an_axis_more="free"),
        counts=COUNTS,
        level=probability(0.5, open_low=True),
    ),
    call(
        calibration.reliability,
        confidence=numbers([0.5, 0.25, 1.0, 0.75], 0, 1),
        right=RIGHT,
        bins=3,
    ),
    call(
        calibration.expected_calibration_error,
        confidence=numbers([0.5, 0.25, 1.0, 0.75], 0, 1),
        right=RIGHT,
        bins=3,
    ),
    call(calibration.auroc, score=FOUR, right=RIGHT),
    call(
        calibration.auc_within,
        scores=numbers([[0.5, 0.25], [1.0, 0.75]], nan="free"),
        right=truths([[1, 0], [1, 0]]),
    ),
]

LINES = [*SAMPLING, *PARTICLES, *MEASURE]
CALLS = {
    f"{line.function.__module__.removeprefix('ttclib.')}.{line.function.__qualname__}": line
    for line in LINES
}
