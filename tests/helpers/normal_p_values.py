"""Statistical tests of means that are nearly normal, where no exact distribution is known."""

import math

import numpy as np


def mean_p_value(samples):
    """Bonferroni p-value that the columns of ``samples`` (R, …) have mean zero, by Student's t.

    The averages are those of hundreds of nearly normal numbers (the relative variance of Ẑ is a few
    per cent). Skewness γ inflates the tail at z by about exp(|γ| z³ / 6√R) (Edgeworth), less than
    tenfold for |γ| ≤ 1, R ≥ 300, z = 5.5: hence the factor 10, which keeps the stated rate.
    """
    from scipy import stats

    samples = samples.reshape(len(samples), -1)
    mean, sd = samples.mean(axis=0), samples.std(axis=0, ddof=1)
    sure = sd < 1e-12  # no luck involved, as before the first observation
    assert np.abs(mean[sure]).max(initial=0) < 1e-12
    z = np.abs(mean[~sure]) / sd[~sure] * math.sqrt(len(samples))
    return min(1.0, 10 * samples.shape[1] * 2 * stats.t.sf(z.max(), len(samples) - 1))
