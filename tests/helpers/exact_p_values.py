"""Exact statistical tests of Markov chain kernels, for the tests of this folder.

Every p-value here is exact or conservative: under a correct sampler it falls below 1e-6 with
probability at most 1e-6, whatever the seed. No normal approximation, no tuned tolerance.
"""

import numpy as np

FALSE_ALARM = 1e-6


def binomial_p_value(count, n, probability):
    """Two-sided p-value of ``count`` successes in ``n`` independent trials, exact, conservative."""
    from scipy import stats

    distribution = stats.binom(n, probability)
    return np.minimum(
        1, 2 * np.minimum(distribution.cdf(count), distribution.sf(np.asarray(count) - 1))
    )


def rank_p_value(kernel, start, rng, statistics, length=8):
    """Test that a reversible kernel keeps the distribution of ``start``: the exact rank test.

    Gandy and Scott, *Unit testing for MCMC and other Monte Carlo methods* (2020), arXiv 2001.06465.
    Put an exact draw at a uniformly random place of a chain of ``length`` states: run the kernel
    forward to its end, and, the kernel being reversible, backward to its beginning. If the kernel
    keeps the target, the chain is stationary and knows nothing of the place, so the rank of the
    draw among the states (ties broken at random) is exactly uniform. Every start is an independent
    replicate, so the count of each rank is binomial; the smallest of the p-values is multiplied
    by their number (the union bound).

    Parameters
    ----------
    kernel : Kernel
    start : array, shape (chains,) or (chains, d)
        Independent exact draws from the target.
    statistics : list of callables
        ``statistic(position) -> (chains,)``, what the states are ranked by.
    """

    def walk():
        state = kernel.init(start)
        for _ in range(length - 1):
            state, _ = kernel.step(state, rng)
            yield state.position

    chain = list(walk())[::-1] + [start] + list(walk())
    place = rng.integers(length, size=len(start))
    time = np.arange(2 * length - 1)[:, None] - (length - 1)  # 0 at the exact draw
    inside = (time >= -place) & (time < length - place)
    p_values = []
    for statistic in statistics:
        values = np.array([statistic(position) for position in chain])
        below = (inside & (values < values[length - 1])).sum(axis=0)
        tied = (inside & (values == values[length - 1])).sum(axis=0)  # the draw itself included
        rank = below + (rng.random(len(start)) * tied).astype(int)
        counts = np.bincount(rank, minlength=length)
        p_values.append(binomial_p_value(counts, len(start), 1 / length))
    return min(1.0, np.size(p_values) * np.min(p_values))
