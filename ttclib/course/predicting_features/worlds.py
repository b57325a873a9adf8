"""Clips of a moving shape whose position and velocity are known, and what else fills the pixels.

The shape goes straight on and is thrown back by four walls. Unfolded, the way between two walls is
a circle of twice its length, gone round at a constant speed; a cosine on that circle is a feature
whose correlation from frame to frame is known. So all second moments are sums over cosines.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ttclib.inputs import one_of, real_number, whole_number

SIDE = 16  # pixels
FRAMES = 8
PIXELS = SIDE * SIDE
WALL = 2.0  # pixels from the edge, where the middle of a shape turns back
ROOM = SIDE - 1 - 2 * WALL  # between two walls
SIZE = 1.2  # standard deviation of the shape, pixels
SPEED = 1.5  # at most, along each axis, pixels a frame
WIDE = 2.0  # size of a distractor
DISTRACTORS = 3
SMOOTH = 2.0  # standard deviation of the kernel that smooths noise, pixels
GRAIN = 0.05  # share of every background's variance that is the camera's own white noise
FIELDS = ("white", "smooth", "flicker", "distractors")
PATTERNS = 17  # at most, that flicker
_COSINES = 256  # that stand for a shape's profile
_POINTS = 4096  # of the circle, where their amplitudes are measured


class Clips(NamedTuple):
    """Clips and what is known about them.

    Attributes
    ----------
    video : torch.Tensor, shape (n, frames, 16, 16)
        Brightness; over all clips and pixels its variance is 1.
    position, velocity : torch.Tensor, shape (n, frames, 2)
        Of the shape in each frame: pixels from the upper left corner, down and to the right, and
        pixels a frame.
    background : torch.Tensor, shape (n, frames, 16, 16)
        What of the brightness is not the state.
    """

    video: Tensor
    position: Tensor
    velocity: Tensor
    background: Tensor


@dataclass(frozen=True)
class World:
    """A shape that moves, in front of something that is not the state.

    Attributes
    ----------
    field : str
        What fills the background: ``"white"`` noise, ``"smooth"`` noise, fixed patterns that
        ``"flicker"``, or three dark ``"distractors"`` that move as the shape does.
    share : float
        Share of the pixels' variance that is not the state, in [0, 1).
    persistence : float
        Correlation of a field from one frame to the next: 0 flickers, 1 is a picture that stays.
    patterns : int
        How many patterns flicker, each by itself: the first is the brightness of the whole frame,
        the others are stripes.
    drift : float
        Speed of distractors, at most; pixels a frame along each axis.

    Raises
    ------
    ValueError
        If a field is unknown, or a number is outside of its range.
    """

    field: str = "white"
    share: float = 0.5
    persistence: float = 0.0
    patterns: int = 1
    drift: float = 0.5

    def __post_init__(self):
        one_of("field", self.field, FIELDS)
        real_number("share", self.share, 0.0, 0.9999)
        real_number("persistence", self.persistence, 0.0, 1.0)
        whole_number("patterns", self.patterns, 1, PATTERNS)
        real_number("drift", self.drift, 0.0, ROOM)

    def clips(self, n: int, generator: torch.Generator, frames: int = FRAMES) -> Clips:
        """Draw n clips of some frames."""
        n = whole_number("n", n)
        frames = whole_number("frames", frames)
        position, velocity = walk(n, SPEED, generator, frames)
        signal = math.sqrt((1 - self.share) / state_variance(SIZE))
        rest = math.sqrt(self.share) * self.background(n, generator, frames)
        return Clips(signal * picture(position, SIZE) + rest, position, velocity, rest)

    def background(self, n: int, generator: torch.Generator, frames: int = FRAMES) -> Tensor:
        """Draw what is not the state, (n, frames, 16, 16): its variance is 1.

        The mean is 0, but of distractors, which are dark.
        """
        if self.field == "distractors":
            drawn = -sum(
                picture(walk(n, self.drift, generator, frames)[0], WIDE) for _ in range(DISTRACTORS)
            )
            field = drawn / math.sqrt(DISTRACTORS * state_variance(WIDE))
        else:
            if self.field == "flicker":
                fresh = torch.randn(n, frames, self.patterns, generator=generator) @ (
                    torch.from_numpy(stripes(self.patterns)).float() / math.sqrt(self.patterns)
                )
                fresh = fresh.view(n, frames, SIDE, SIDE)
            else:
                fresh = torch.randn(n, frames, SIDE, SIDE, generator=generator)
            field = persist(smooth(fresh) if self.field == "smooth" else fresh, self.persistence)
        grain = torch.randn(n, frames, SIDE, SIDE, generator=generator)
        return math.sqrt(1 - GRAIN) * field + math.sqrt(GRAIN) * grain

    # ---- exact ---------------------------------------------------------------------------------

    def covariance(self, lag: int) -> np.ndarray:
        """Covariance of the pixels of two frames, (256, 256), exactly."""
        state = (1 - self.share) / state_variance(SIZE) * picture_covariance(SIZE, SPEED, lag)
        return state + self.share * self.background_covariance(lag)

    def background_covariance(self, lag: int) -> np.ndarray:
        """The same of what is not the state."""
        if self.field == "distractors":
            field = picture_covariance(WIDE, self.drift, lag) / state_variance(WIDE)
        elif self.field == "flicker":
            drawn = stripes(self.patterns)
            field = self.persistence**lag * (drawn.T @ drawn) / self.patterns
        elif self.field == "smooth":
            field = self.persistence**lag * _smooth_covariance()
        else:
            field = self.persistence**lag * np.eye(PIXELS)
        return (1 - GRAIN) * field + GRAIN * (lag == 0) * np.eye(PIXELS)

    def with_position(self, lag: int) -> np.ndarray:
        """Covariance of the pixels with the position ``lag`` frames later, (256, 2), exactly."""
        return self._with(_position_waves(), _kept(SPEED, lag))

    def with_velocity(self, lag: int) -> np.ndarray:
        """Covariance of the pixels with the velocity ``lag`` frames later, (256, 2), exactly."""
        return self._with(_position_waves(), _gained(SPEED, lag))

    def _with(self, waves: np.ndarray, kept: np.ndarray) -> np.ndarray:
        profile = _profile_waves(SIZE)
        mean = profile[:, 0]
        along = (profile * waves * kept / 2)[:, 1:].sum(axis=1)
        amplitude = math.sqrt((1 - self.share) / state_variance(SIZE))
        return amplitude * np.stack([np.kron(along, mean), np.kron(mean, along)], axis=1)


POSITION_VARIANCE = ROOM**2 / 12
VELOCITY_VARIANCE = SPEED**2 / 3


# ---- drawing -----------------------------------------------------------------------------------


def walk(
    n: int, speed: float, generator: torch.Generator, frames: int = FRAMES
) -> tuple[Tensor, Tensor]:
    """Draw positions and velocities of n shapes in every frame, each (n, frames, 2)."""
    start = 2 * ROOM * torch.rand(n, 1, 2, generator=generator)
    step = speed * (2 * torch.rand(n, 1, 2, generator=generator) - 1)
    around = (start + step * torch.arange(frames)[:, None]) % (2 * ROOM)
    back = around > ROOM
    position = WALL + torch.where(back, 2 * ROOM - around, around)
    return position, torch.where(back, -step, step)


def picture(position: Tensor, size: float) -> Tensor:
    """Draw a round shape at each position (…, 2): brightness (…, 16, 16), at most 1."""
    pixel = torch.arange(SIDE)
    profile = torch.exp(-(((pixel - position[..., None]) / size) ** 2) / 2)
    return profile[..., 0, :, None] * profile[..., 1, None, :]


def stripes(count: int) -> np.ndarray:
    """Return the first patterns, (count, 256): the whole frame, then waves over it, each of mean
    square 1.
    """
    turn = 2 * math.pi * np.arange(SIDE) / SIDE
    found = [np.ones((SIDE, SIDE))]
    for down, across in ((0, 4), (4, 0), (3, 3), (3, -3), (0, 5), (5, 0), (4, 4), (4, -4)):
        angle = down * turn[:, None] + across * turn
        found += [math.sqrt(2) * np.cos(angle), math.sqrt(2) * np.sin(angle)]
    return np.stack(found[:count]).reshape(count, PIXELS)


def smooth(noise: Tensor) -> Tensor:
    """Smooth white noise (…, 16, 16) by a Gaussian kernel; its variance stays as it was."""
    gain = torch.from_numpy(_smooth_gain()).to(noise.dtype)
    return torch.fft.ifft2(torch.fft.fft2(noise) * gain).real


def persist(fresh: Tensor, persistence: float) -> Tensor:
    """Let each frame of (n, frames, …) keep a part of the one before; the variance stays."""
    frames = [fresh[:, 0]]
    for frame in fresh.unbind(1)[1:]:
        frames.append(persistence * frames[-1] + math.sqrt(1 - persistence**2) * frame)
    return torch.stack(frames, 1)


# ---- exact moments -----------------------------------------------------------------------------


def _circle() -> np.ndarray:
    """Angles once around the way between two walls and back, (points,)."""
    return (np.arange(_POINTS) + 0.5) / _POINTS * 2 * math.pi


def _waves(values: np.ndarray) -> np.ndarray:
    """Amplitudes of the cosines 0, 1, 2, … of even functions on the circle, (…, cosines)."""
    cosines = np.cos(np.outer(_circle(), np.arange(_COSINES)))
    amplitudes = 2 * values @ cosines / _POINTS
    amplitudes[..., 0] /= 2
    return amplitudes


def _folded() -> np.ndarray:
    around = _circle() * ROOM / math.pi
    return WALL + np.minimum(around, 2 * ROOM - around)


@functools.cache
def _profile_waves(size: float) -> np.ndarray:
    """How bright a pixel of a line is, as a sum of cosines of the place of the shape: (16, …)."""
    return _waves(np.exp(-(((np.arange(SIDE)[:, None] - _folded()) / size) ** 2) / 2))


@functools.cache
def _position_waves() -> np.ndarray:
    return _waves(_folded())


def _kept(speed: float, lag: int) -> np.ndarray:
    """Correlation of each cosine with itself ``lag`` frames later: the mean of cos(n π v lag / w)
    over speeds v in [-speed, speed].
    """
    return np.sinc(np.arange(_COSINES) * speed * lag / ROOM)


def _gained(speed: float, lag: int) -> np.ndarray:
    """The same of a cosine and the velocity: the mean of -(n π / w) v sin(n π v lag / w)."""
    rate = np.arange(_COSINES) * math.pi / ROOM
    if lag == 0:
        return np.zeros(_COSINES)
    x = rate * lag * speed
    with np.errstate(divide="ignore", invalid="ignore"):
        found = -(np.sin(x) - x * np.cos(x)) / (x * lag)
    found[0] = 0.0
    return found


def line_moments(size: float, speed: float, lag: int) -> np.ndarray:
    """Mean of the product of two pixels of a line, ``lag`` frames apart: (16, 16)."""
    waves = _profile_waves(size)
    weight = _kept(speed, lag) / 2
    weight[0] = 1.0
    return (waves * weight) @ waves.T


def picture_covariance(size: float, speed: float, lag: int) -> np.ndarray:
    """Covariance of the pixels of a shape, ``lag`` frames apart: (256, 256)."""
    line = line_moments(size, speed, lag)
    mean = np.kron(_profile_waves(size)[:, 0], _profile_waves(size)[:, 0])
    return np.kron(line, line) - np.outer(mean, mean)


@functools.cache
def state_variance(size: float) -> float:
    """Variance of a shape of brightness 1, mean over the pixels."""
    return float(np.trace(picture_covariance(size, 0.0, 0))) / PIXELS


@functools.cache
def _smooth_gain() -> np.ndarray:
    frequency = 2 * math.pi * np.fft.fftfreq(SIDE)
    gain = np.exp(-((SMOOTH * frequency[:, None]) ** 2 + (SMOOTH * frequency) ** 2) / 2)
    return gain / np.sqrt((gain**2).mean())


@functools.cache
def _smooth_covariance() -> np.ndarray:
    kernel = np.fft.ifft2(_smooth_gain() ** 2).real
    row = np.subtract.outer(np.arange(SIDE), np.arange(SIDE)) % SIDE
    return kernel[row[:, None, :, None], row[None, :, None, :]].reshape(PIXELS, PIXELS)
