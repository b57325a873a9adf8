"""The smallest model that can collapse: two numbers, and where their training leads, exactly.

A context x and a target y are normal, with variance 1 and correlation ρ: ρ says how well one
predicts the other. The encoder multiplies by w, the predictor by p. The loss is half the mean of
(p·w·x − t·y)², where t is the target encoder's number, a moving average of w. So

    loss = ½ (p²w² − 2ρ·p·w·t + t²).

Where the target is w itself, the flow of the gradients keeps a number, so that its curves can be
written down. With a stop-gradient that is known from Tian, Chen and Ganguli 2021 (arXiv
2102.06810) for matrices; here is the case of one number, and the case without.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import integrate, optimize

from ttclib.inputs import checked, one_of, real_number, whole_number

NEITHER = "neither"
STOP = "stop-gradient"
MOMENTUM = "momentum"
BOTH = "both"
HOWS = (NEITHER, STOP, MOMENTUM, BOTH)
STOPPED = (STOP, BOTH)
AVERAGED = (MOMENTUM, BOTH)
GRADIENT = "gradient descent"
ADAM = "Adam"


class Path(NamedTuple):
    """Training: predictor, encoder and target encoder, each (steps + 1,)."""

    p: np.ndarray
    w: np.ndarray
    target: np.ndarray


class Curve(NamedTuple):
    """What the flow does exactly: predictor and encoder (points,), and the time of each point."""

    p: np.ndarray
    w: np.ndarray
    time: np.ndarray


def loss(p, w, target, rho):
    """Half the mean square error of the prediction."""
    return (p**2 * w**2 - 2 * rho * p * w * target + target**2) / 2


def gradient(p: float, w: float, target: float, rho: float, through: float) -> tuple[float, float]:
    """Slopes of the loss for p and w; ``through`` is how much the target moves with w: 0 stops."""
    missed = p * w - rho * target
    return w * missed, p * missed + through * (target - rho * p * w)


@checked
def descend(
    start: tuple[float, float],
    rho: float,
    how: str,
    momentum: float = 0.99,
    decay: float = 0.0,
    rate: float = 0.01,
    steps: int = 1000,
    optimiser: str = GRADIENT,
) -> Path:
    """Train the two numbers.

    Parameters
    ----------
    start : (float, float)
        p and w.
    rho : float
        Correlation of context and target, from 0 to 1.
    how : str
        ``"neither"``; ``"stop-gradient"``: the target is held fixed when slopes are taken;
        ``"momentum"``: the target is ``momentum`` · its last value + (1 − momentum) · w, and
        slopes are taken through that w; or ``"both"``.
    decay : float
        Weight decay, of both numbers.
    optimiser : str
        ``"gradient descent"`` or ``"Adam"`` (0.9, 0.98).

    Raises
    ------
    ValueError
        One line: what is wrong, and what is allowed.
    """
    how = one_of("how", how, HOWS)
    optimiser = one_of("optimiser", optimiser, (GRADIENT, ADAM))
    rho = real_number("rho", rho, 0, 1)
    kept = real_number("momentum", momentum, 0, 1) if how in AVERAGED else 0.0
    through = 0.0 if how in STOPPED else 1 - kept
    steps = whole_number("steps", steps, 0)
    found = np.empty((3, steps + 1))
    numbers = np.array(start, dtype=float)
    target = numbers[1]
    mean = np.zeros(2)
    square = np.zeros(2)
    for step in range(steps + 1):
        found[:, step] = *numbers, target
        target = kept * target + (1 - kept) * numbers[1]
        slope = np.array(gradient(*numbers, target, rho, through))
        if optimiser == ADAM:
            mean = 0.9 * mean + 0.1 * slope
            square = 0.98 * square + 0.02 * slope**2
            slope = mean / (1 - 0.9 ** (step + 1))
            slope = slope / (np.sqrt(square / (1 - 0.98 ** (step + 1))) + 1e-8)
        numbers = numbers - rate * (slope + decay * numbers)
    return Path(*found)


def conserved(p, w, rho: float, how: str):
    """The number that the flow keeps, where the target is w itself.

    With a stop-gradient w² − p². Without it, and with q = p − ρ, w² − q² − 2(1 − ρ²)·ln|q|.
    """
    if how == STOP:
        return w**2 - p**2
    q = p - rho
    return w**2 - q**2 - 2 * (1 - rho**2) * np.log(np.abs(q))


@checked
def end(start: tuple[float, float], rho: float, how: str) -> tuple[float, float]:
    """Where the flow ends: p and w. See :func:`conserved`.

    Raises
    ------
    ValueError
        If it is not ``"neither"`` or ``"stop-gradient"``: the others keep nothing.
    """
    how = one_of("how", how, (NEITHER, STOP))
    p, w = start
    kept = conserved(p, w, rho, how) if p != rho else 0.0
    if how == STOP:
        if rho**2 + w**2 - p**2 > 0:
            return rho, math.copysign(math.sqrt(rho**2 + w**2 - p**2), w)
        return math.sqrt(p**2 - w**2), 0.0
    if p == rho:
        return rho, 0.0

    def left(log_q):  # w² at this q
        return math.exp(2 * log_q) + 2 * (1 - rho**2) * log_q + kept

    high = math.log(abs(p - rho))
    low = high - w**2 / (2 * (1 - rho**2)) - 1
    q = math.exp(optimize.brentq(left, low, high)) if w else abs(p - rho)
    return rho + math.copysign(q, p - rho), 0.0


@checked
def exact(start: tuple[float, float], rho: float, how: str, points: int = 400) -> Curve:
    """The flow's curve from a start towards its end, which it reaches after endless time."""
    points = whole_number("points", points, 3)
    p, w = start
    last, _ = end(start, rho, how)
    if p == rho:  # p stays; w decays as an exponential, or stays
        time = np.linspace(0, 12, points)
        fall = 0.0 if how == STOP else 1 - rho**2
        return Curve(np.full(points, rho), w * np.exp(-fall * time), time)
    share = 1 - np.geomspace(1, 1e-6, points)  # dense where the flow becomes slow
    ps = p + (last - p) * share
    kept = conserved(p, w, rho, how)
    squared = kept - conserved(ps, 0.0, rho, how)
    ws = math.copysign(1, w) * np.sqrt(np.maximum(squared, 0.0))
    # dp/dt = w² (ρ − p), with and without the stop-gradient
    with np.errstate(divide="ignore"):
        pace = 1 / (ws**2 * (rho - ps))
    time = integrate.cumulative_trapezoid(pace, ps, initial=0.0)
    return Curve(ps, ws, time)


def survives(rho: float, decay: float) -> float:
    """What weight decay leaves of w with a stop-gradient: the stable end, 0 if there is none.

    Decay makes w² − p² die out, so in the end w = p, and p(ρ − p) is the decay: there is such a p
    as long as ρ² > 4 · decay.
    """
    rest = rho**2 / 4 - decay
    return rho / 2 + math.sqrt(rest) if rest >= 0 else 0.0


@checked
def steps_to_a_tenth(
    rho: float, momentum: float, rate: float, longest: int, optimiser: str = GRADIENT
) -> int:
    """Steps until momentum without a stop-gradient has brought w from 1 below a tenth.

    Raises
    ------
    ValueError
        If ``longest`` steps are not enough.
    """
    path = descend((rho, 1.0), rho, MOMENTUM, momentum, 0.0, rate, longest, optimiser)
    below = np.flatnonzero(np.abs(path.w) < 0.1)
    if not len(below):
        raise ValueError(f"longest is {longest}; w is still {path.w[-1]:.2f} then")
    return int(below[0])


def expected_steps_to_a_tenth(rho: float, momentum: float, rate: float) -> float:
    """The same by gradient descent if the predictor is at its best all the time: p·w = ρ·t.

    Then all that is left of w's slope is what runs through the target, (1 − momentum)(1 − ρ²)·t.
    """
    return math.log(10) / (rate * (1 - momentum) * (1 - rho**2))
