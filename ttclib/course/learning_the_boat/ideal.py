"""What a chain with an estimated evidence is worth if the error of log Ẑ is normal.

Then the error is N(−v/2, v) for one variance v at every coefficient, and the chain is a finite one
up to a fine grid: its effective draws a step follow from a linear equation.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from ttclib.course.learning_the_boat.boat import Posterior


def tiny_step_acceptance(variance: float) -> float:
    """Share of proposals accepted where the step is so small that only the noise refuses.

    The noise of the present point has the distribution N(v/2, v), that of the proposal N(−v/2, v),
    so the difference has variance 2v and mean −v, and E min(1, eˣ) of it is 2Φ(−√(v/2)).
    """
    return 2 * float(norm.cdf(-math.sqrt(variance / 2)))


def effective_draws_per_step(
    posterior: Posterior, step_size: float, variance: float, cells: int = 40, levels: int = 36
) -> float:
    """Effective draws of a for each step of a chain, 1/τ, under normal noise of log Ẑ.

    Parameters
    ----------
    variance : float
        Of log Ẑ; 0 for the exact evidence.
    cells, levels : int
        Points of the grid over a, and over the noise.
    """
    a = (np.arange(cells) + 0.5) / cells
    density = np.interp(a, posterior.grid, posterior.density)
    levels = levels if variance > 0 else 1
    sd = math.sqrt(variance)
    # wide enough for the noise of proposals, N(−v/2, v), and of points that stay, N(v/2, v)
    noise = np.linspace(-variance / 2 - 4 * sd, variance / 2 + 4 * sd, levels)
    chance = norm.pdf(noise, -variance / 2, sd) if variance > 0 else np.ones(1)
    chance /= chance.sum()
    noise -= math.log(chance @ np.exp(noise))  # unbiased on the grid, too
    steps = np.arange(1 - cells, 2 * cells) / cells
    reach = norm.pdf(steps, scale=step_size) / cells
    propose = reach[(np.arange(cells)[None, :] - np.arange(cells)[:, None]) + cells - 1]
    log_target = (np.log(np.maximum(density, 1e-300))[:, None] + noise).ravel()
    there = np.kron(propose, np.tile(chance, (levels, 1)))
    matrix = there * np.exp(np.minimum(0, log_target - log_target[:, None]))
    matrix[np.diag_indices(len(matrix))] += 1 - matrix.sum(axis=1)
    joint = np.exp(log_target - log_target.max()) * np.tile(chance, cells)
    joint /= joint.sum()
    values = np.repeat(a, levels)
    values -= joint @ values
    # g solves (I − P) g = f with mean zero; the variance of the mean is (2⟨f, g⟩ − ⟨f, f⟩) / steps
    g = np.linalg.solve(np.eye(len(matrix)) - matrix + joint, values)
    spread = joint @ values**2
    return float(spread / (2 * (joint * values) @ g - spread))
