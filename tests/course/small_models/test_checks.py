"""Checks of notebook 13: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.small_models import checks


def place(values, scale, zero, bits):
    return (np.rint(values / scale) + zero).clip(0, 2**bits - 1)


def size(rows, columns, bits, group):
    return (rows * columns * bits + rows * columns / group * (16 + bits)) / 8


def off(lost, answer):
    return lost * answer / answer[0]


def kept(losses, values):
    return len(losses) * math.log2(values) - losses.sum() / math.log(2)


def wrong_after(lost, answer):
    taken = off(lost, answer)
    taken[:, 1:] *= 2
    return taken


PLACES = {
    "cut off what is beyond": lambda v, s, z, b: np.rint(v / s) + z,
    "rounds down": lambda v, s, z, b: (np.floor(v / s) + z).clip(0, 2**b - 1),
    "not on place 0": lambda v, s, z, b: np.rint(v / s).clip(0, 2**b - 1),
    "towards 0": lambda v, s, z, b: (np.trunc(v / s) + z).clip(0, 2**b - 1),
    "the sign of `zero`": lambda v, s, z, b: (np.rint(v / s) - z).clip(0, 2**b - 1),
    "divide by the step": lambda v, s, z, b: (np.rint(v * s) + z).clip(0, 2**b - 1),
    "a whole number: round": lambda v, s, z, b: (v / s + z).clip(0, 2**b - 1),
    "2^bits − 1": lambda v, s, z, b: (np.rint(v / s) + z).clip(0, 2**b),
    "values of the grid": lambda v, s, z, b: s * (place(v, s, z, b) - z),
    "not 2 * bits": lambda v, s, z, b: (np.rint(v / s) + z).clip(0, 2 * b - 1),
    "is not the number of places": lambda v, s, z, b: (np.rint(v / s) + z).clip(0, b - 1),
    "and cut off then": lambda v, s, z, b: np.rint(v / s).clip(0, 2**b - 1) + z,
    "yours are 1 and 2^bits": lambda v, s, z, b: (np.rint(v / s) + z).clip(1, 2**b),
    "rounds up": lambda v, s, z, b: (np.ceil(v / s) + z).clip(0, 2**b - 1),
    "begin anew": lambda v, s, z, b: (np.rint(v / s) + z) % 2**b,
    "yours is [1.0": lambda v, s, z, b: place(v, s, z, b) + 1,
    "two steps": lambda v, s, z, b: place(v, s, z, b) if b == 3 else 0 * v,
}
SIZES = {
    "places alone": lambda r, c, b, g: r * c * b / 8,
    "as many bits as a place": lambda r, c, b, g: r * c * b / 8 + r * c / g * 2,
    "those are bits": lambda r, c, b, g: 8 * size(r, c, b, g),
    "not bytes": lambda r, c, b, g: (r * c * b + r * c / g * 16) / 8 + r * c / g * b,
    "still in bits": lambda r, c, b, g: r * c * b / 8 + r * c / g * (16 + b),
    "not how many groups": lambda r, c, b, g: (r * c * b + g * (16 + b)) / 8,
    "one group a row": lambda r, c, b, g: size(r, c, b, c),
    "whole matrix": lambda r, c, b, g: size(r, c, b, r * c),
    "64 bits together": lambda r, c, b, g: r * c * b / 8 + r * c / g * 8,
    "groups of one row": lambda r, c, b, g: (r * c * b + c / g * (16 + b)) / 8,
    "a zero only as many": lambda r, c, b, g: (r * c * b + r * c / g * 32) / 8,
    "shared by the group": lambda r, c, b, g: (r * c * b + r * c * (16 + b)) / 8,
    "how many places there are": lambda r, c, b, g: (r * c * 2**b + r * c / g * (16 + b)) / 8,
    "yours is 7": lambda r, c, b, g: 7,
    "16 + 4.5": lambda r, c, b, g: 296,
}
SPREADS = {
    "divide by the first entry, so": lambda lost, u: lost * u,
    "entry once": lambda lost, u: lost * u / u[0] ** 2,
    "multiplies by the first": lambda lost, u: lost * u * u[0],
    "not by the length": lambda lost, u: lost * u / np.linalg.norm(u),
    "not by their sum": lambda lost, u: lost * u / u.sum(),
    "an entry of its own": lambda lost, u: lost / u[0] * np.ones(len(u)),
    "the sign": lambda lost, u: -off(lost, u),
    "return all": lambda lost, u: off(lost, u)[:, 1:],
    "turned round": lambda lost, u: off(lost, u).T,
    "the shape must be": lambda lost, u: lost,
    "lose exactly `lost`": lambda lost, u: off(lost, u) + 1,
    "not those of least squares": wrong_after,
}
STORED = {
    "in nats": lambda losses, v: len(losses) * math.log2(v) - losses.sum(),
    "all of that is in nats": lambda losses, v: len(losses) * math.log(v) - losses.sum(),
    "by dividing": lambda losses, v: len(losses) * math.log2(v) - losses.sum() * math.log(2),
    "the sign": lambda losses, v: -kept(losses, v),
    "left to be said": lambda losses, v: losses.sum() / math.log(2),
    "mean of a fact": lambda losses, v: kept(losses, v) / len(losses),
    "not 32": lambda losses, v: len(losses) * v - losses.sum() / math.log(2),
    "as many facts as losses": lambda losses, v: math.log2(v) - losses.sum() / math.log(2),
    "keep the minus": lambda losses, v: np.clip(math.log2(v) - losses / math.log(2), 0, None).sum(),
    "that is all that the facts say": lambda losses, v: len(losses) * math.log2(v),
    "take them off": lambda losses, v: len(losses) * math.log2(v) + losses.sum() / math.log(2),
    "the second in bits": lambda losses, v: len(losses) * math.log(v) - losses.sum() / math.log(2),
    "of all facts together": lambda losses, v: math.log2(v) - losses / math.log(2),
    "less what is left: ": lambda losses, v: 1.0,
    "who guesses": lambda losses, v: kept(losses, 32),
}


def loop(values, step, zero, bits):
    """One value after another."""
    places = [min(max(round(v / step) + zero, 0), 2**bits - 1) for v in np.ravel(values)]
    return np.reshape(places, np.shape(values))


def nearest_of_all(values, step, zero, bits):
    """Look at every place there is."""
    grid = step * (np.arange(2**bits) - zero)
    return np.abs(np.asarray(values)[..., None] - grid).argmin(axis=-1)


def by_rows(lost, answer):
    return [[loss * entry / answer[0] for entry in answer] for (loss,) in lost]


def one_by_one(losses, values):
    return sum(math.log2(values) + math.log2(math.exp(-loss)) for loss in losses)


EXERCISES = {
    checks.nearest: (
        PLACES,
        place,
        loop,
        nearest_of_all,
        lambda v, s, z, b: np.minimum(np.maximum(np.round(v / s + z), 0), 2**b - 1).astype(int),
    ),
    checks.nbytes: (
        SIZES,
        size,
        lambda r, c, b, g: r * c / 8 * (b + (16 + b) / g),
        lambda r, c, b, g: sum(g * b + 16 + b for _ in range(r * c // g)) / 8,
        lambda r, c, b, g: r * (c * b // 8) + (r * c // g) * (2 + b / 8),
    ),
    checks.spread: (
        SPREADS,
        off,
        by_rows,
        lambda lost, u: np.outer(lost, u / u[0]),
        lambda lost, u: (lost / u[0]) @ u[None, :],
    ),
    checks.stored: (
        STORED,
        kept,
        one_by_one,
        lambda losses, v: np.sum(np.log(v) - losses) / np.log(2),
        lambda losses, v: -np.log2(np.exp(-losses) ** -1.0 / v).sum(),
    ),
}
RIGHT = [(check, answer) for check, (_, *right) in EXERCISES.items() for answer in right]
WRONG = [
    (check, slip, words)
    for check, (slips, *_) in EXERCISES.items()
    for words, slip in slips.items()
]
