"""Checks of notebook 02: the right answer passes, and each slip is told what it is."""

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.metropolis_hastings import checks

POWER = np.linalg.matrix_power


def by_eigenvector(P):
    values, vectors = np.linalg.eig(P.T)
    row = np.real(vectors[:, np.argmax(np.real(values))])
    return row / row.sum()


def tilted(P):
    """Probabilities that sum to one and are not stationary."""
    return POWER(P, 200)[0] + [0.1, -0.1, 0.0]


def walk(moves, count_stays=True, spread=1.0, shift=0.0):
    """Random-walk Metropolis in which ``moves(log_ratio, rng)`` decides."""

    def sample(log_density, start, step_size, n, rng):
        x, positions = start, []
        while len(positions) < n:
            y = x + step_size * rng.standard_normal()
            moved = moves(log_density(y) - log_density(x), rng)
            x = y if moved else x
            if moved or count_stays:
                positions.append(spread * x + shift)
        return np.array(positions)

    return sample


def metropolis(log_ratio, rng):
    return np.log(rng.random()) < log_ratio


RIGHT = [
    (checks.stationary, lambda P: POWER(P, 200)[0]),
    (checks.stationary, by_eigenvector),
    (checks.accept_probability, lambda x, y, there, back: min(1, y * back / (x * there))),
    (checks.metropolis, walk(metropolis)),
    (checks.metropolis, walk(lambda log_ratio, rng: -rng.standard_exponential() <= log_ratio)),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.stationary, lambda P: POWER(P, 200), "yours has shape (3, 3)"),
    (checks.stationary, lambda P: P @ np.full(3, 1 / 3), "right for the columns"),
    (checks.stationary, lambda P: 2 * POWER(P, 200)[0], "yours sum to 2.000"),
    (checks.stationary, lambda P: np.eye(3)[1] @ P, "after a few days"),
    (checks.stationary, lambda P: POWER(P, 3)[2], "after a few days"),
    (checks.stationary, tilted, "π @ P should give π again"),
    (checks.accept_probability, lambda x, y, there, back: min(1, y / x), "Metropolis' rule"),
    (
        checks.accept_probability,
        lambda x, y, there, back: min(1, y * there / (x * back)),
        "upside down",
    ),
    (checks.accept_probability, lambda x, y, there, back: y * back / (x * there), "at most 1"),
    (checks.accept_probability, lambda x, y, there, back: 0.7, "is 0.25, yours is 0.7"),
    (checks.accept_probability, lambda x, y, there, back: 0.25, "always accepted"),
    (checks.metropolis, lambda *given: walk(metropolis)(*given)[:-1], "yours has shape (19999,)"),
    (checks.metropolis, walk(lambda log_ratio, rng: True), "the chain runs away"),
    (checks.metropolis, walk(metropolis, count_stays=False), "the rejected steps are missing"),
    (checks.metropolis, walk(lambda log_ratio, rng: log_ratio > 0), "accept if log u"),
    (checks.metropolis, walk(metropolis, spread=2), "not 1"),
    (checks.metropolis, walk(metropolis, shift=1), "is the step symmetric?"),
]
