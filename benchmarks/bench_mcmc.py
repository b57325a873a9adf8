"""Random-walk Metropolis on N(0, 1): against its own random numbers, emcee and blackjax.

Every contender makes the same number of transitions with the same number of chains from the same
start, keeps all positions, and takes its turn in every round; ratios are medians over the rounds.
blackjax compiles before the clock starts, and computes in jax's default float32.

Effective draws per second count what the transitions are worth: started from exact draws of the
target, the mean square of a chain's mean is τ/n (the true mean is 0 and the variance 1), and n
transitions are worth n/τ independent draws. "Transitions per second" alone rewards the sampler
that moves least.

Run ``python benchmarks/bench_mcmc.py``. A peer that is not installed is reported as such.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable

import numpy as np

from ttclib.sampling.mcmc import random_walk, run_chains

STEP_SIZE = 2.4
SIZES = ((1_000, 1_000), (10_000, 100))  # (chains, transitions): a million transitions each
ROUNDS = 11


def log_density(x):
    return -0.5 * x * x


def random_numbers(start: np.ndarray, n: int) -> Callable:
    """Draw what a random walk needs, one batch per step, and do nothing with it."""

    def run(rng):
        for _ in range(n):
            rng.standard_normal(len(start))
            rng.standard_exponential(len(start))

    return run


def ours(start: np.ndarray, n: int) -> Callable:
    kernel = random_walk(log_density, STEP_SIZE)
    return lambda rng: run_chains(kernel, start, n, rng).positions[1:]


def emcee_moves(gaussian: bool) -> Callable:
    def prepare(start: np.ndarray, n: int) -> Callable:
        import emcee

        move = emcee.moves.GaussianMove(STEP_SIZE**2) if gaussian else emcee.moves.StretchMove()

        def run(rng):
            sampler = emcee.EnsembleSampler(
                len(start), 1, lambda x: log_density(x[:, 0]), moves=move, vectorize=True
            )
            sampler.run_mcmc(start[:, None], n, skip_initial_state_check=True)
            return sampler.get_chain()[:, :, 0]

        return run

    return prepare


def blackjax_walk(start: np.ndarray, n: int) -> Callable:
    import blackjax
    import jax
    import jax.numpy as jnp

    walk = blackjax.additive_step_random_walk(
        log_density, blackjax.mcmc.random_walk.normal(jnp.array(STEP_SIZE))
    )

    @jax.jit
    def chains(key, start):
        def transition(state, key):
            state, _ = jax.vmap(walk.step)(jax.random.split(key, len(start)), state)
            return state, state.position

        return jax.lax.scan(transition, jax.vmap(walk.init)(start), jax.random.split(key, n))[1]

    start = jnp.asarray(start)

    def run(rng):
        return chains(jax.random.key(int(rng.integers(2**31))), start).block_until_ready()

    return run


CONTENDERS = {
    "random numbers alone": (None, random_numbers),
    "ttclib": (None, ours),
    "emcee, Gaussian move": ("emcee", emcee_moves(gaussian=True)),
    "emcee, stretch move (its default)": ("emcee", emcee_moves(gaussian=False)),
    "blackjax, vmap + scan": ("blackjax", blackjax_walk),
}


def measure(sizes=SIZES, rounds=ROUNDS, seed=0) -> list[dict]:
    """Measure, and return one row per contender and size.

    Each row holds ``task``, ``who``, ``ns`` (per transition), ``per_random`` (time over that of the
    random numbers), ``per_ours`` (time over ours) and ``effective`` (effective draws per second, of
    the mean). A value that does not exist is None; ``ns`` is None if the peer is not installed.
    """
    table = []
    for chains, n in sizes:
        rng = np.random.default_rng(seed)
        start = rng.standard_normal(chains)
        ready = {
            who: prepare(start, n)
            for who, (package, prepare) in CONTENDERS.items()
            if package is None or importlib.util.find_spec(package)
        }
        seconds = {who: [] for who in ready}
        squares = {who: [] for who in ready}
        for turn in range(rounds + 1):  # the first turn warms up, and compiles
            for who, run in ready.items():
                began = time.perf_counter()
                draws = run(rng)
                elapsed = time.perf_counter() - began
                if turn:
                    seconds[who].append(elapsed)
                    if draws is not None:
                        squares[who].append(
                            float(np.mean(np.asarray(draws, dtype=float).mean(axis=0) ** 2))
                        )
        for who in CONTENDERS:
            row = {"task": f"random walk, {chains} chains × {n}", "who": who}
            row |= dict.fromkeys(("ns", "per_random", "per_ours", "effective"))
            if who in ready:
                middle = statistics.median(seconds[who])
                row["ns"] = 1e9 * middle / (chains * n)
                for column, base in (
                    ("per_random", "random numbers alone"),
                    ("per_ours", "ttclib"),
                ):
                    row[column] = statistics.median(np.divide(seconds[who], seconds[base]).tolist())
                if squares[who]:
                    row["effective"] = chains / statistics.mean(squares[who]) / middle
            table.append(row)
    return table


def rows(**kwargs) -> list[dict]:
    """Our time against each contender's, as ``benchmarks/run.py`` prints them.

    Targets: 2.5 times the cost of the random numbers, and faster than every peer.
    """
    measured = measure(**kwargs)
    ours = {row["task"]: row["ns"] for row in measured if row["who"] == "ttclib"}
    return [
        {
            "what": row["task"],
            "unit": "ns/transition",
            "ours": ours[row["task"]],
            "against": row["who"],
            "reference": row["ns"],
            "ratio": 1 / row["per_ours"] if row["per_ours"] else None,
            "target": 2.5 if row["who"] == "random numbers alone" else 1.0,
        }
        for row in measured
        if row["who"] != "ttclib"
    ]


def main() -> None:
    print(f"{'':66}{'ns/transition':>14}{'× random':>10}{'× ttclib':>10}{'effective/s':>13}")
    for row in measure():
        name = f"{row['task']:30}{row['who']:>36}"
        if row["ns"] is None:
            print(f"{name}{'not installed':>14}")
            continue
        effective = f"{row['effective']:13.2e}" if row["effective"] else f"{'–':>13}"
        print(f"{name}{row['ns']:14.1f}{row['per_random']:10.2f}{row['per_ours']:10.2f}{effective}")


if __name__ == "__main__":
    main()
