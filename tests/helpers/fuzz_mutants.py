"""Functions with one named fault each, and one without: the fuzz has to tell them apart."""

import numpy as np
from fuzz import call, count, numbers, rng

from ttclib.inputs import finite_array, generator, whole_number


def sound(n, values, rng):
    n = whole_number("n", n)
    values = finite_array("values", values, ndim=1, least=1)
    return generator("rng", rng).random(n) + values.sum()


def foreign(n, values, rng):
    """It takes for granted that an array has a length."""
    if len(values) == 0:
        raise ValueError("values is empty; it must hold at least one number")
    return sound(n, values, rng)


def endless(n, values, rng):
    """It begins whatever it is asked for."""
    if isinstance(n, float) and n > 1e300:
        while n > 0:
            n -= 1.0
    return sound(n, values, rng)


def silent(n, values, rng):
    """It means well with a NaN."""
    if isinstance(values, np.ndarray) and values.dtype == float:
        values = values[~np.isnan(values)]
    return sound(n, values, rng)


def strict(n, values, rng):
    """It knows one kind of int."""
    if type(n) is not int:
        raise ValueError(f"n is {n!r:.60}; it must be an int")
    return sound(n, values, rng)


def forgetful(n, values, rng):
    """It adds in single precision what comes in single precision."""
    if isinstance(values, np.ndarray) and values.dtype == np.float32:
        return sound(n, values + np.float32(1e-3), rng)
    return sound(n, values, rng)


def wordy(n, values, rng):
    """Its line is two lines."""
    try:
        return sound(n, values, rng)
    except ValueError as error:
        raise ValueError(f"{error}\nplease try again") from None


def vague(n, values, rng):
    """Its line does not say what is wrong."""
    try:
        return sound(n, values, rng)
    except ValueError:
        raise ValueError("bad input; it must be better") from None


def line(function):
    shape = numbers([0.5, 0.25, 2.0], longer="free")
    return call(function, n=count(3), values=shape, rng=rng())


CALLS = {
    function.__name__: line(function)
    for function in (sound, foreign, endless, silent, strict, forgetful, wordy, vague)
}
