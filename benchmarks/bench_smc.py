"""The bootstrap filter and its resampling: against their own random numbers and against
``particles``.

A linear-Gaussian model of one dimension, 1000 steps, systematic resampling when the effective
sample size falls under half. Filters are iterators, so the contenders take turns every 50 steps,
and a busy machine slows all of them; ratios are medians over the turns. The random numbers of a
step are one normal draw for each particle and one uniform draw, drawn in the same way.

Run ``python benchmarks/bench_smc.py``.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator

import numpy as np
from bench_montecarlo import clock, interleaved, row

from ttclib.particles import resampling
from ttclib.particles.smc import resample, smc, when_ess_below
from ttclib.particles.statespace import Bootstrap, LinearGaussian

SIZES = (10**4, 10**5)
STEPS, TURNS = 50, 20  # 50 steps a turn, and one turn more to warm up
MEMBERS, REPEATS = 10**5, 15


def random_numbers(n: int, rng: np.random.Generator) -> Iterator[None]:
    """Draw what a filter needs at each step, and do nothing with it."""
    while True:
        rng.standard_normal(n)
        rng.random()
        yield


def ours(y: np.ndarray, n: int, rng: np.random.Generator) -> Iterator:
    return smc(Bootstrap(LinearGaussian(), y), n, when_ess_below(0.5, resample("systematic")), rng)


def theirs(y: np.ndarray, n: int, seed: int) -> Iterator:
    """Build the same filter in ``particles``."""
    import particles
    from particles import distributions
    from particles import state_space_models as ssm

    class Linear(ssm.StateSpaceModel):
        def PX0(self):
            return distributions.Normal(loc=0.0, scale=1.0)

        def PX(self, t, xp):
            return distributions.Normal(loc=0.9 * xp, scale=1.0)

        def PY(self, t, xp, x):
            return distributions.Normal(loc=x, scale=1.0)

    np.random.seed(seed)  # noqa: NPY002 - that package draws from the global generator
    model = ssm.Bootstrap(ssm=Linear(), data=y)
    return particles.SMC(fk=model, N=n, resampling="systematic", ESSrmin=0.5)


def some_steps(iterator: Iterator):
    """Return a function that takes the next steps and tells its seconds."""
    return clock(lambda: next(itertools.islice(iterator, STEPS - 1, None)))


def filter_rows(n: int, turns: int, seed: int) -> list[dict]:
    rng = np.random.default_rng(seed)
    _, y = LinearGaussian().simulate(STEPS * (turns + 1), rng)
    contenders = {"ours": ours(y, n, rng), "its random numbers": random_numbers(n, rng)}
    if importlib.util.find_spec("particles"):
        contenders["particles"] = theirs(y, n, seed)
    seconds = interleaved({name: some_steps(it) for name, it in contenders.items()}, turns)
    per_step = 1e9 / (n * STEPS)
    what = f"bootstrap filter, {n:,} particles × {STEPS * turns:,} steps"
    return [
        compared(what, "ns/particle-step", per_step, seconds, reference, target)
        for reference, target in (("its random numbers", 2.5), ("particles", 1 / 1.3))
    ]


def resampling_rows(members: int, repeats: int, seed: int) -> list[dict]:
    """Every scheme against a textbook line that does the same, or nearly so."""
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(size=members)
    points = np.arange(members) / members
    lines = {
        "np.searchsorted": lambda: np.searchsorted(
            np.cumsum(weights / weights.sum()), points + rng.random() / members
        ),
        "rng.choice": lambda: rng.choice(members, members, p=weights / weights.sum()),
    }
    schemes = {
        name: lambda f=f: f(weights, members, rng) for name, f in resampling.UNBIASED.items()
    }
    seconds = interleaved({name: clock(run) for name, run in (lines | schemes).items()}, repeats)
    table = []
    for name in schemes:
        reference = "np.searchsorted" if name in ("systematic", "stratified") else "rng.choice"
        times = {"ours": seconds[name], reference: seconds[reference]}
        what = f"{name} resampling, {members:,} members"
        table.append(compared(what, "ns/member", 1e9 / members, times, reference))
    return table


def compared(what, unit, scale, seconds, reference, target=None) -> dict:
    """Make one line of the table; a peer that was not measured is not installed."""
    times = seconds.get(reference)
    line = row(what, unit, scale, seconds["ours"], reference, times or seconds["ours"], target)
    return line if times else line | {"reference": None, "ratio": None}


def rows(sizes=SIZES, turns: int = TURNS, repeats: int = REPEATS, seed: int = 0) -> list[dict]:
    """Measure, and return one row per comparison; ``target`` is the largest ratio allowed."""
    table = [line for n in sizes for line in filter_rows(n, turns, seed)]
    return table + resampling_rows(MEMBERS, repeats, seed)


if __name__ == "__main__":
    for line in rows():
        print(line)
