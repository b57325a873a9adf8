"""Better than what? Two ways to say how much a text is worth to a policy gradient.

REINFORCE (Williams 1992) with a baseline compares a text with the others of its batch. The
group-relative form (Shao et al. 2024, equation 3, without the clipping that a second step on the
same texts would need, and without the leash to the model before) compares it with other texts of
the same problem.
"""

from __future__ import annotations

import numpy as np

from ttclib.inputs import truth_array


def above_the_batch(right) -> np.ndarray:
    """Return the advantage over the mean of all other texts of a batch: REINFORCE's baseline.

    Parameters
    ----------
    right : bool array, shape (problems, samples)
        Whether each text ends right: its reward.

    Returns
    -------
    numpy.ndarray, shape (problems, samples)
        A text is left out of its own baseline, so the gradient stays unbiased.
    """
    reward = truth_array("right", right).astype(float)
    if reward.size < 2:
        return np.zeros_like(reward)
    others = (reward.sum() - reward) / (reward.size - 1)
    return reward - others


def group_relative(right) -> np.ndarray:
    """Return the advantage within the texts of one problem, in standard deviations.

    Parameters
    ----------
    right : bool array, shape (problems, samples)

    Returns
    -------
    numpy.ndarray, shape (problems, samples)
        0 where all texts of a problem are right, or all are wrong: nothing to compare.
    """
    reward = truth_array("right", right).astype(float)
    spread = reward.std(axis=1, keepdims=True)
    return (reward - reward.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
