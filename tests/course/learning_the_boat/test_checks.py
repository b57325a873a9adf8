"""Checks of notebook 04b: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
import pytest
from verdicts import *  # noqa: F403

from ttclib.course.learning_the_boat import boat, checks


def loop(a, log_z, new, log_z_new, rng):
    for k in range(len(a)):
        if rng.random() < math.exp(min(0.0, log_z_new[k] - log_z[k])):
            a[k], log_z[k] = new[k], log_z_new[k]
    return a, log_z


def as_lists(*given):
    state, estimate = boat.accept(*given)
    return [state.tolist(), estimate.tolist()]


def exponential(a, log_z, new, log_z_new, rng):
    stays = rng.exponential(size=len(a)) < log_z - log_z_new
    return np.where(stays, a, new), np.where(stays, log_z, log_z_new)


def uniform(a, log_z, new, log_z_new, rng):
    moves = rng.uniform(size=len(a)) <= np.minimum(1, np.exp(log_z_new - log_z))
    return np.stack([new * moves + a * ~moves, np.where(moves, log_z_new, log_z)])


def masks(a, log_z, new, log_z_new, rng):
    moves = rng.random(len(a)) < np.exp(log_z_new - log_z)
    a[moves] = new[moves]
    log_z[moves] = log_z_new[moves]
    return a, log_z


def when(rule, state=None, estimate=None):
    """A step whose moves are ``rule(difference of the logs, rng)`` → (chains,) of bool."""

    def step(a, log_z, new, log_z_new, rng):
        with np.errstate(all="ignore"):
            moves = rule(log_z_new - log_z, rng)
        after = np.where(moves, new, a), np.where(moves, log_z_new, log_z)
        if estimate:
            after = after[0], estimate(moves, log_z, log_z_new)
        return after

    return step


def right(d, rng):
    return np.log(rng.random(len(d))) < d


def blended(a, log_z, new, log_z_new, rng):
    p = np.exp(np.minimum(0, log_z_new - log_z))
    return a + p * (new - a), log_z


def own_luck(d, rng):
    return np.log(np.random.default_rng().random(len(d))) < d  # whatever rng says


def fixed(d, rng):
    return np.log(np.random.default_rng(0).random(len(d))) < d


def joint(prior, chances, estimates):
    product = prior[:, None] * chances * estimates
    return product / product.sum()


def joint_loop(prior, chances, estimates):
    rows = [
        [p * c * z for c, z in zip(row, zs, strict=True)]
        for p, row, zs in zip(prior, chances, estimates, strict=True)
    ]
    total = sum(map(sum, rows))
    return [[one / total for one in row] for row in rows]


def joint_log(prior, chances, estimates):
    logs = np.log(prior)[:, None] + np.log(chances) + np.log(estimates)
    shares = np.exp(logs - logs.max())
    return shares / np.sum(shares)


def off(change):
    """The right joint, changed."""
    return lambda prior, c, z: change(prior, c, z)


def over(weights):
    return lambda *given: weights(*given) / weights(*given).sum()


RIGHT = [
    (checks.accept_step, boat.accept),
    (checks.accept_step, loop),
    (checks.accept_step, as_lists),
    (checks.accept_step, exponential),
    (checks.accept_step, uniform),
    (checks.accept_step, masks),
    (checks.extended_target, joint),
    (checks.extended_target, joint_loop),
    (checks.extended_target, joint_log),
    (
        checks.extended_target,
        lambda p, c, z: np.einsum("i,ij,ij->ij", p, c, z) / (p @ (c * z)).sum(),
    ),
    (checks.name_the_mistakes, (4, 2, 3, 1)),
    (checks.name_the_mistakes, [4, 2, 3, 1]),
    (checks.name_the_mistakes, np.array([4, 2, 3, 1])),
    (checks.name_the_mistakes, ("4", "2", "3", "1")),
    (checks.name_the_mistakes, "4, 2, 3, 1"),
    (checks.name_the_mistakes, {"A": 4, "B": 2, "C": 3, "D": 1}),
    (checks.particles_for, lambda log_z, n: n * np.var(log_z)),
    (checks.particles_for, lambda log_z, n: math.ceil(n * np.var(log_z, ddof=1))),
    (checks.particles_for, lambda log_z, n: round(n * np.std(log_z) ** 2)),
    (checks.particles_for, lambda log_z, n: n * np.mean((log_z - log_z.mean()) ** 2)),
    (checks.particles_for, lambda log_z, n: np.array(116)),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.accept_step, lambda *g: boat.accept(*g)[0], "return two things"),
    (checks.accept_step, lambda *g: (0.5, -100.0), "a number for each of the 12,000 chains"),
    (checks.accept_step, lambda *g: boat.accept(*g)[::-1], "come in the other order"),
    (checks.accept_step, blended, "nowhere between"),
    (checks.accept_step, when(lambda d, rng: d == d), "outside (0, 1)"),
    (checks.accept_step, when(lambda d, rng: d > 5), "no chain ever moves"),
    (checks.accept_step, when(lambda d, rng: d > 0), "it only climbs"),
    (
        checks.accept_step,
        when(lambda d, rng: np.isfinite(d)),
        "every possible proposal is accepted",
    ),
    (checks.accept_step, when(lambda d, rng: np.log(rng.random()) < d), "the same random number"),
    (
        checks.accept_step,
        when(lambda d, rng: np.log(0.3) < d),
        "every possible proposal is accepted",
    ),
    (checks.accept_step, when(lambda d, rng: rng.random(len(d)) < d), "compare it with log(u)"),
    (
        checks.accept_step,
        when(lambda d, rng: np.isfinite(d) & (np.log(rng.random(len(d))) < -d)),
        "stands on its head",
    ),
    (
        checks.accept_step,
        when(lambda d, rng: rng.random(len(d)) < 1 / (1 + np.exp(-d))),
        "another rule (Barker's)",
    ),
    (
        checks.accept_step,
        when(lambda d, rng: rng.random(len(d)) < np.exp(2 * d)),
        "yours accepts 100% and 2",
    ),
    (
        checks.accept_step,
        when(lambda d, rng: (rng.random(len(d)) < 0.5) & np.isfinite(d)),
        "accepted always, those of",
    ),
    (checks.accept_step, when(own_luck), "the same rng gives another step"),
    (checks.accept_step, when(fixed), "another rng changes nothing"),
    (checks.accept_step, when(right, estimate=lambda m, old, new: old), "keeps the old one"),
    (
        checks.accept_step,
        when(right, estimate=lambda m, old, new: np.where(m, old, new)),
        "and where it rests it changes",
    ),
    (checks.accept_step, when(right, estimate=lambda m, old, new: new), "yours forgets it"),
    (
        checks.accept_step,
        when(right, estimate=lambda m, old, new: np.where(m, (old + new) / 2, old)),
        "as it was drawn for the proposal",
    ),
    (checks.accept_step, lambda *g: None, "does it end with return?"),
    (checks.extended_target, lambda p, c, z: joint(p, c, z).sum(axis=1), "the posterior already"),
    (checks.extended_target, lambda p, c, z: joint(p, c, z).T, "turned over"),
    (
        checks.extended_target,
        lambda p, c, z: joint(p, c, z).ravel(),
        "shape (3, 4); yours is (12,)",
    ),
    (checks.extended_target, lambda p, c, z: p[:, None] * c * z, "divide by its sum"),
    (
        checks.extended_target,
        lambda p, c, z: c * z * p[:, None] / (c * z * p[:, None]).sum(axis=1, keepdims=True),
        "not row by row",
    ),
    (
        checks.extended_target,
        lambda p, c, z: c * z * p[:, None] / (c * z * p[:, None]).sum(axis=0),
        "not column by column",
    ),
    (checks.extended_target, over(lambda p, c, z: p[:, None] * c), "Ẑ is missing"),
    (
        checks.extended_target,
        over(lambda p, c, z: p[:, None] * z),
        "chance of each outcome is missing",
    ),
    (checks.extended_target, over(lambda p, c, z: c * z), "the prior is missing"),
    (checks.extended_target, over(lambda p, c, z: p[:, None] * c * z**2), "not squared"),
    (checks.extended_target, over(lambda p, c, z: p[:, None] * c / z), "do not divide by it"),
    (checks.extended_target, over(lambda p, c, z: p[::-1, None] * c * z), "the first share is"),
    (checks.extended_target, lambda p, c, z: p * c * z, "your code stopped with ValueError"),
    (checks.extended_target, lambda p, c, z: None, "does it end with return?"),
    (checks.name_the_mistakes, (1, 2, 3), "four numbers are asked for"),
    (checks.name_the_mistakes, (0, 2, 3, 1), "have the numbers 1 to 4"),
    (checks.name_the_mistakes, (4, 2, 2, 1), "each mistake occurs once"),
    (checks.name_the_mistakes, (1, 4, 2, 3), "none of the four fits yet"),
    (checks.name_the_mistakes, (1, 2, 3, 4), "A is not number 1"),
    (checks.name_the_mistakes, (4, 3, 2, 1), "2 of 4 fit; B is not number 3"),
    (checks.name_the_mistakes, (4, 2, 1, 3), "C is not number 1"),
    (checks.name_the_mistakes, (4, 1, 3, 2), "follow z"),
    (checks.name_the_mistakes, (3, 2, 4, 1), "as likely as the way there"),
    (checks.name_the_mistakes, ("a", "b", "c", "d"), "your code stopped with ValueError"),
    (checks.particles_for, lambda log_z, n: n * np.std(log_z), "you used the standard deviation"),
    (checks.particles_for, lambda log_z, n: n / np.var(log_z), "upside down"),
    (checks.particles_for, lambda log_z, n: np.var(log_z), "that is the pilot's variance"),
    (checks.particles_for, lambda log_z, n: n * np.var(log_z) ** 2, "squared once too often"),
    (
        checks.particles_for,
        lambda log_z, n: n * ((log_z - log_z.mean()) ** 2).sum(),
        "the number of pilot runs does not matter",
    ),
    (checks.particles_for, lambda log_z, n: n * np.std(log_z) ** 0.5, "is neither"),
    (checks.particles_for, lambda log_z, n: n, "that is the pilot's own number"),
    (
        checks.particles_for,
        lambda log_z, n: n * np.var(np.exp(log_z - log_z.max())),
        "leave the log",
    ),
    (checks.particles_for, lambda log_z, n: 2 * n * np.var(log_z), "yours says 231"),
    (checks.particles_for, lambda log_z, n: log_z * n, "return one number"),
    (checks.particles_for, lambda log_z, n: None, "does it end with return?"),
]


@pytest.mark.parametrize(
    "check", [checks.accept_step, checks.extended_target, checks.particles_for]
)
def test_blanks_are_no_mistakes(check):
    blank = ...
    assert repr(check(lambda *given: blank)) == "– not attempted yet"


def test_the_blank_names_are_no_mistakes():
    assert repr(checks.name_the_mistakes((..., ..., ..., ...))) == "– not attempted yet"
