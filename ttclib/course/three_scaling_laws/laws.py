"""Scaling laws: what a larger model and a longer text are worth, and how to share out a budget.

The law is that of Hoffmann et al. 2022, L = E + A/N^a + B/D^b, for a model of N parameters that has
read D letters. Its optimum for a budget C = 6 N D has a closed form, and so has the size for a
model that is asked more than it has read (Sardana et al. 2023 solve that by Newton's method).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import ArrayLike
from scipy import optimize

from ttclib.inputs import finite_array, positive, real_number

LEARN = 6  # floating-point operations to learn from a letter, for each parameter
READ = 2  # to read it
# errors of a logarithm beyond this one count in proportion, not squared: of a loss, as in Hoffmann
# et al. 2022, and of an excess, which is smaller
HUBER = 1e-3
HUBER_EXCESS = 0.02
_BEYOND = 0.05  # of a logarithm


class Law(NamedTuple):
    """The loss of a model of N parameters after D letters: E + A/N^a + B/D^b.

    Attributes
    ----------
    E : float
        What remains with any size and any text, nats a letter.
    A, a : float
        What a finite model adds.
    B, b : float
        What a finite text adds.
    """

    E: float
    A: float
    a: float
    B: float
    b: float

    def loss(self, size: ArrayLike, letters: ArrayLike) -> np.ndarray:
        """Return E + A/N^a + B/D^b."""
        return self.E + self.excess(size, letters)

    def excess(self, size: ArrayLike, letters: ArrayLike) -> np.ndarray:
        """Return A/N^a + B/D^b."""
        size = np.asarray(size, dtype=float)
        letters = np.asarray(letters, dtype=float)
        return self.A * size**-self.a + self.B * letters**-self.b

    @property
    def growth(self) -> float:
        """The exponent with which the best size grows as the budget does: b/(a + b)."""
        return self.b / (self.a + self.b)

    def optimum(self, flops: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Best size and letters for a training budget C = 6 N D, by setting the derivative to zero.

        With D = C/(6 N), a A/N^a = b B/D^b there.
        """
        work = np.asarray(flops, dtype=float) / LEARN
        share = (self.a * self.A / (self.b * self.B)) ** (1 / (self.a + self.b))
        size = share * work**self.growth
        return size, work / size

    def letters(self, size: ArrayLike, excess: float) -> np.ndarray:
        """Letters that a model must read to come so near to E; infinite if it never does."""
        left = positive("excess", excess) - self.A * np.asarray(size, dtype=float) ** -self.a
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(left > 0, (self.B / left) ** (1 / self.b), np.inf)

    def asked(self, excess: float, ratio: float) -> tuple[float, float]:
        """Size and letters of the cheapest model of a given quality that is asked ``ratio`` · D.

        Least is N · (6 D + 2 R D), where R D letters are read when it is in use. What comes from
        the size is then (3 b + R b)/(3 (a + b) + R b) of the excess, and the text pays the rest.
        With R = 0 that is the optimum of training alone.

        Parameters
        ----------
        excess : float
            Loss above E, nats a letter.
        ratio : float
            R: letters read in use for each letter of training; at least 0.
        """
        excess = positive("excess", excess)
        times = LEARN / READ
        use = real_number("ratio", ratio, 0.0) * self.b
        whole = times * (self.a + self.b) + use
        of_size = excess * (times * self.b + use) / whole
        of_text = excess * times * self.a / whole
        return (self.A / of_size) ** (1 / self.a), (self.B / of_text) ** (1 / self.b)


def life(size: ArrayLike, letters: ArrayLike, used: ArrayLike = 0.0) -> np.ndarray:
    """Return the FLOPs of training on some letters, and of reading others in use."""
    size = np.asarray(size, dtype=float)
    return size * (LEARN * np.asarray(letters) + READ * np.asarray(used))


# ---- fits ----------------------------------------------------------------------------------------


def fit(size: ArrayLike, letters: ArrayLike, loss: ArrayLike, entropy: float | None = None) -> Law:
    """Fit the law: linear least squares for E, A and B inside a search for a and b; then Huber.

    Parameters
    ----------
    size, letters, loss : array_like, shape (n,)
        NaN among the losses is left out.
    entropy : float, optional
        E, if it is known. Then relative errors are those of the excess, else those of the loss.

    Returns
    -------
    Law

    Raises
    ------
    ValueError
        If fewer than five losses are there, or one is not above the entropy.

    Notes
    -----
    Hoffmann et al. 2022 (approach 3) minimize the same Huber loss of log L from a grid of starts.
    The linear part has one minimum, so two exponents are all that has to be searched.
    """
    there = np.isfinite(np.asarray(loss, dtype=float))
    known = entropy is not None
    n, d, measured = (np.asarray(v, dtype=float)[there] for v in (size, letters, loss))
    measured = finite_array("loss", measured, least=5) - (entropy or 0.0)
    if (measured <= 0).any():
        raise ValueError("a loss is not above the entropy; every one must be")
    middle = np.exp([np.log(n).mean(), np.log(d).mean()])  # so that columns are of one size
    columns = 0 if known else 1

    def linear(exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        terms = [np.ones(len(n))] * columns
        terms += [(n / middle[0]) ** -exponents[0], (d / middle[1]) ** -exponents[1]]
        table = np.stack(terms, axis=1) / measured[:, None]
        return table, optimize.nnls(table, np.ones(len(n)))[0]

    def errors(exponents: np.ndarray) -> np.ndarray:
        table, found = linear(exponents)
        return table @ found - 1

    exponents = optimize.least_squares(errors, (0.5, 0.5), bounds=(0.01, 3)).x
    start = np.append(np.log(linear(exponents)[1].clip(1e-9)), exponents)

    def log_errors(values: np.ndarray) -> np.ndarray:
        weights = np.exp(values[:-2])
        of_text = weights[-1] * (d / middle[1]) ** -values[-1]
        total = weights[:columns].sum() + weights[-2] * (n / middle[0]) ** -values[-2] + of_text
        return np.log(total / measured)

    scale = HUBER_EXCESS if known else HUBER
    best = optimize.least_squares(log_errors, start, loss="huber", f_scale=scale).x
    *weights, of_size, of_text = np.exp(best[:-2])
    a, b = best[-2:]
    first = weights[0] if weights else entropy or 0.0
    found = (first, of_size * middle[0] ** a, a, of_text * middle[1] ** b, b)
    return Law(*map(float, found))


def power(x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """Fit y = factor · x^exponent by a straight line through the logarithms.

    Returns
    -------
    (exponent, factor)
    """
    slope, level = np.polyfit(np.log(x), np.log(y), 1)
    return float(slope), float(np.exp(level))


# ---- what was measured ---------------------------------------------------------------------------


class Measured(NamedTuple):
    """Losses of a grid of sizes and letters.

    Attributes
    ----------
    sizes, beyond : numpy.ndarray, shape (sizes,)
        Parameters: all, and without those that belong to letters.
    letters : numpy.ndarray, shape (budgets,)
    loss : numpy.ndarray, shape (seeds, sizes, budgets)
        Nats a letter; NaN where nothing was measured.
    """

    sizes: np.ndarray
    beyond: np.ndarray
    letters: np.ndarray
    loss: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over seeds, (sizes, budgets)."""
        return self.loss.mean(axis=0)

    def again(self, rng: np.random.Generator, replicates: int) -> np.ndarray:
        """Draw the seeds of each size again: means, shape (replicates, sizes, budgets)."""
        seeds, sizes, _ = self.loss.shape
        drawn = rng.integers(seeds, size=(replicates, seeds, sizes))
        return self.loss[drawn, np.arange(sizes)].mean(axis=1)

    def points(self, loss: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """List size, letters and mean loss of everything that was measured, each (n,)."""
        loss = self.mean if loss is None else loss
        i, j = np.nonzero(np.isfinite(loss))
        return self.sizes[i], self.letters[j], loss[i, j]

    def at(self, flops: float, loss: np.ndarray | None = None, count: str = "sizes") -> np.ndarray:
        """Return the loss of each size at one budget of training, (sizes,); NaN beyond the grid.

        Between two measured numbers of letters the loss is read off a straight line, over the
        logarithm of the letters. Sizes are no exact powers of two, so up to a twentieth beyond the
        last letters its line goes on.
        """
        loss = self.mean if loss is None else loss
        letters = flops / (LEARN * getattr(self, count))
        found = np.full(len(self.sizes), np.nan)
        for i, row in enumerate(loss):
            there = np.flatnonzero(np.isfinite(row))
            x = np.log(self.letters[there])
            at = np.log(letters[i])
            if len(there) > 1 and x[0] - _BEYOND <= at <= x[-1] + _BEYOND:
                k = int(np.clip(np.searchsorted(x, at), 1, len(x) - 1))
                before, after = row[there[k - 1 : k + 1]]
                found[i] = before + (after - before) * (at - x[k - 1]) / (x[k] - x[k - 1])
        return found


def read(folder: Path, column: str = "loss", **where) -> Measured:
    """Read a part of the table of :mod:`ttclib.course.three_scaling_laws.grid` as a grid.

    Parameters
    ----------
    column : str
        ``"loss"``, ``"undecayed"`` or ``"elsewhere"``.
    **where
        Values of other columns, such as ``schedule="cosine"``; by default fresh text, read in
        batches of 128 words by two layers on a trunk.
    """
    where = {"schedule": "trunk", "text": "fresh", "batch": 128, "depth": 2} | where
    rows = select(folder, **where)
    axes = [np.unique([row[name] for row in rows]) for name in ("seed", "parameters", "letters")]
    loss = np.full([len(axis) for axis in axes], np.nan)
    beyond = np.zeros(len(axes[1]), dtype=int)
    for row in rows:
        keys = (row["seed"], row["parameters"], row["letters"])
        at = tuple(np.searchsorted(axis, key) for axis, key in zip(axes, keys, strict=True))
        loss[at] = row[column]
        beyond[at[1]] = row["beyond_letters"]
    return Measured(axes[1], beyond, axes[2], loss)


def select(folder: Path, **where) -> list[dict]:
    """Read the rows of the table whose columns have these values."""
    rows = pq.read_table(Path(folder) / "losses.parquet").to_pylist()
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


# ---- the best size -------------------------------------------------------------------------------


def vertex(size: Sequence[float] | np.ndarray, loss: np.ndarray) -> tuple[float, float]:
    """Fit a parabola over the logarithm of the size around the least loss; return its lowest point.

    The three sizes around the least are used. Where the least is at an end there is no vertex:
    (NaN, NaN).
    """
    x = np.log(np.asarray(size, dtype=float))
    there = np.flatnonzero(np.isfinite(loss))
    least = int(np.argmin(loss[there])) if len(there) else 0
    if not 0 < least < len(there) - 1:
        return np.nan, np.nan
    near = there[least - 1 : least + 2]
    curve = np.polyfit(x[near], loss[near], 2)
    at = -curve[1] / (2 * curve[0])
    return float(np.exp(at)), float(np.polyval(curve, at))


def isoflop(
    grid: Measured, flops: np.ndarray, loss: np.ndarray | None = None, count: str = "sizes"
) -> tuple[np.ndarray, np.ndarray]:
    """Best size and least loss at each budget, by a parabola: Hoffmann et al. 2022, approach 2.

    Parameters
    ----------
    flops : array, shape (n,)
    count : str
        ``"sizes"``, or ``"beyond"`` to count as Kaplan et al. 2020 do.

    Returns
    -------
    (size, loss)
        Both (n,); NaN where the least is at an end of the grid.
    """
    found = [vertex(getattr(grid, count), grid.at(one, loss, count)) for one in flops]
    best, least = np.transpose(found)
    return best, least


def envelope(
    grid: Measured, flops: np.ndarray, loss: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Which of the sizes is best at each budget, and its loss: Hoffmann et al. 2022, approach 1."""
    losses = np.array([grid.at(one, loss) for one in flops])
    best = np.nanargmin(losses, axis=1)
    return grid.sizes[best].astype(float), losses[np.arange(len(flops)), best]


def growths(
    grid: Measured, flops: np.ndarray, losses: np.ndarray, count: str = "sizes"
) -> np.ndarray:
    """Exponents with which the best size grows, one for each of several tables of losses.

    Parameters
    ----------
    flops : array, shape (budgets,)
    losses : array, shape (replicates, sizes, letters)
        From :meth:`Measured.again`.
    """
    found = []
    for loss in losses:
        best, _ = isoflop(grid, flops, loss, count)
        there = np.isfinite(best)
        found.append(power(np.asarray(flops)[there], best[there])[0])
    return np.array(found)


def equivalent(letters: np.ndarray, excess: np.ndarray, reached: ArrayLike) -> np.ndarray:
    """How many letters of the usual text bring a model to the same excess.

    Parameters
    ----------
    letters, excess : array, shape (n,)
        What the usual text does: excess falls as letters grow.
    reached : array_like
        Excess of a model that read another text.

    Returns
    -------
    numpy.ndarray
        Read off straight lines through the logarithms; below the first letters that were measured
        the first line goes on, beyond the last the last one.
    """
    x = -np.log(np.asarray(excess, dtype=float))
    y = np.log(np.asarray(letters, dtype=float))
    at = -np.log(np.asarray(reached, dtype=float))
    inside = np.interp(at, x, y)
    below = y[0] + (at - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
    above = y[-1] + (at - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    return np.exp(np.where(at < x[0], below, np.where(at > x[-1], above, inside)))
