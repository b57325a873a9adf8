"""A verifier between two others: what it would have made of the samples that both have scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.special import expit, logit

from ttclib.inputs import real_number
from ttclib.search.results import (
    BEST,
    MAJORITY,
    WEIGHTED,
    Results,
    Samples,
    read_drawn,
    read_results,
    read_samples,
)

_ROUNDED = 5e-5  # scores are kept with four digits


def mixture(folder: Path, weak: str, strong: str, share: float) -> tuple[Results, Samples]:
    """Return best of N under a mixture: its logit is ``share`` the strong one's, else the weak's.

    Parameters
    ----------
    folder : Path
        Of a sweep that holds the samples with both scores.
    weak, strong : str
        Names of the two verifiers.
    share : float
        From 0, all weak, to 1, all strong.

    Returns
    -------
    (results, samples)
        Majority, weighted and max. The FLOPs are those of reading with both verifiers.
    """
    share = real_number("share", share, 0.0, 1.0)
    both = [read_samples(folder, name) for name in (weak, strong)]
    weaker, stronger = (logit(np.clip(one.score, _ROUNDED, 1 - _ROUNDED)) for one in both)
    samples = Samples(both[0].right, expit((1 - share) * weaker + share * stronger))
    records = [read_results(folder, name) for name in (weak, strong)]
    first = records[0]
    budgets = first.budgets
    rows = [first.row(name) for name in (MAJORITY, WEIGHTED, BEST)]
    right = first.right[rows].copy()
    right[1] = _weighted(samples, read_drawn(folder, "answer")[0].astype(float), budgets)
    for at, n in enumerate(budgets):
        taken = samples.score[..., :n].argmax(axis=-1)[..., None]
        right[2, at] = np.take_along_axis(samples.right, taken, axis=-1)[..., 0]
    judged = sum(record.verifier_flops[rows] for record in records)
    return Results(
        (MAJORITY, WEIGHTED, BEST), budgets, right, first.lm_flops[rows], judged
    ), samples


def _weighted(samples: Samples, answers: np.ndarray, budgets: np.ndarray) -> np.ndarray:
    """Whether the answer with the largest sum of scores is right: (budgets, seeds, problems)."""
    found = np.zeros((len(budgets), *answers.shape[:2]))
    for at in np.ndindex(answers.shape[:2]):
        given, which = np.unique(answers[at], return_inverse=True)
        votes = (which[:, None] == np.arange(len(given))) * samples.score[at][:, None]
        votes[np.isnan(answers[at])] = 0.0
        winner = votes.cumsum(axis=0)[budgets - 1].argmax(axis=1)
        right = np.zeros(len(given))
        right[which] = samples.right[at]  # equal answers are right or wrong together
        found[(slice(None), *at)] = right[winner]
    return found
