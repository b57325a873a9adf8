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
    "2^bits − 1": lambda v, s, z, b: (np.rint(v / s) + z).clip(0, 2**b),
    "values of the grid": lambda v, s, z, b: s * (place(v, s, z, b) - z),
    "yours is [1.0": lambda v, s, z, b: place(v, s, z, b) + 1,
    "two steps": lambda v, s, z, b: place(v, s, z, b) if b == 3 else 0 * v,
}
SIZES = {
    "codes alone": lambda r, c, b, g: r * c * b / 8,
    "as many bits as a code": lambda r, c, b, g: r * c * b / 8 + r * c / g * 2,
    "those are bits": lambda r, c, b, g: 8 * size(r, c, b, g),
    "one group a row": lambda r, c, b, g: size(r, c, b, c),
    "whole matrix": lambda r, c, b, g: size(r, c, b, r * c),
    "64 bits together": lambda r, c, b, g: r * c * b / 8 + r * c / g * 8,
    "yours is 7": lambda r, c, b, g: 7,
    "16 + 4.5": lambda r, c, b, g: 296,
}
SPREADS = {
    "divide by the first entry, so": lambda lost, u: lost * u,
    "entry once": lambda lost, u: lost * u / u[0] ** 2,
    "the sign": lambda lost, u: -off(lost, u),
    "return all": lambda lost, u: off(lost, u)[:, 1:],
    "turned round": lambda lost, u: off(lost, u).T,
    "the shape must be": lambda lost, u: lost,
    "lose exactly `lost`": lambda lost, u: off(lost, u) + 1,
    "not those of least squares": wrong_after,
}
STORED = {
    "in nats": lambda losses, v: len(losses) * math.log2(v) - losses.sum(),
    "left to be said": lambda losses, v: losses.sum() / math.log(2),
    "mean of a fact": lambda losses, v: kept(losses, v) / len(losses),
    "not 32": lambda losses, v: len(losses) * v - losses.sum() / math.log(2),
    "as many facts as losses": lambda losses, v: math.log2(v) - losses.sum() / math.log(2),
    "keep the minus": lambda losses, v: np.clip(math.log2(v) - losses / math.log(2), 0, None).sum(),
    "less what is left: ": lambda losses, v: 1.0,
    "who guesses": lambda losses, v: kept(losses, 32),
}
RIGHT = [
    (checks.nearest, place),
    (checks.nbytes, size),
    (checks.spread, off),
    (checks.stored, kept),
]
WRONG = [
    (check, slip, words)
    for (check, _), slips in zip(RIGHT, (PLACES, SIZES, SPREADS, STORED), strict=True)
    for words, slip in slips.items()
]
