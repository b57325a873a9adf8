"""A budget that the course moved: what was left at each setting, and where it stopped paying.

Every budget is measured in what it leaves of a loss whose zero is known: an error against the exact
answer, a share of problems that are not solved, a loss above the entropy. So all of them can be
compared, and one rule says for all of them where they stop.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ttclib.inputs import finite_array, positive, real_number, whole_number
from ttclib.measure import bootstrap

PRICE = 0.05  # of what is left: what a doubling must take off to pay


class Rival(NamedTuple):
    """Somebody who does without this budget, or needs less of it.

    Attributes
    ----------
    name : str
    price, loss : numpy.ndarray, shape (m,)
        What it pays and what it leaves, at rising prices, in the currency of the budget's price.
    """

    name: str
    price: np.ndarray
    loss: np.ndarray


class Beaten(NamedTuple):
    """A budget beside its rival.

    Attributes
    ----------
    loss : float
        What the rival leaves.
    times : float
        How many times as much the budget pays for that; below 1 the budget is the cheaper one.
    reached : bool
        Whether the rival leaves no more than the budget at its end.
    """

    loss: float
    times: float
    reached: bool


class Budget(NamedTuple):
    """What a budget left, setting by setting.

    Attributes
    ----------
    notebook, name, unit, measure : str
        Where it was moved, what it is, what it is counted in, and what is left of.
    amount : numpy.ndarray, shape (k,)
        Rising.
    loss : numpy.ndarray, shape (k,)
        Above zero.
    draws : numpy.ndarray, shape (replicates, k)
        The same with problems, runs or seeds drawn again.
    price : numpy.ndarray, shape (k,)
        What was paid, in the currency of the rival.
    rival : Rival or None
        None where nobody in the course was cheaper.
    """

    notebook: str
    name: str
    unit: str
    measure: str
    amount: np.ndarray
    loss: np.ndarray
    draws: np.ndarray
    price: np.ndarray
    rival: Rival | None = None

    @property
    def doublings(self) -> np.ndarray:
        """How often the budget was doubled since its start: shape (k,)."""
        return np.log2(self.amount / self.amount[0])

    @property
    def won(self) -> np.ndarray:
        """Share of what was possible at the start that is won: shape (k,)."""
        return 1 - self.loss / self.loss[0]

    @property
    def slope(self) -> float:
        """Exponent of the budget in the loss: of the straight line through both logarithms."""
        return float(slopes(self.amount, self.loss))

    def slope_interval(self) -> tuple[float, float]:
        """The middle 95% of the exponents of the replicates."""
        low, high = bootstrap.interval(slopes(self.amount, self.draws))
        return float(low), float(high)

    def gain(self) -> tuple[float, float, float]:
        """Return what the loss fell by from the first to the last setting, with its interval."""
        low, high = bootstrap.interval(self.draws[:, 0] - self.draws[:, -1])
        return float(self.loss[0] - self.loss[-1]), float(low), float(high)

    def stops(self, price: float = PRICE) -> tuple[int, int, int]:
        """Return where it stops paying, and the ends of its interval, as places: :func:`knee`."""
        low, high = bootstrap.interval(knee(self.amount, self.draws, price))
        return int(knee(self.amount, self.loss, price)), int(low), int(high)

    def bought(self, price: float = PRICE) -> float:
        """How many doublings paid."""
        return float(self.doublings[self.stops(price)[0]])

    def beaten(self) -> Beaten | None:
        """Compare with the rival, where both leave as much; None without a rival.

        If the rival comes to what this budget leaves at its end, that is where: of its points the
        cheapest one counts. If it does not, then where the rival leaves least: what this budget
        pays for that is read off straight lines between the logarithms.
        """
        if self.rival is None:
            return None
        good = np.flatnonzero(self.rival.loss <= self.loss[-1] + 1e-12)
        if len(good):
            at = int(good[0])
            times = float(self.price[-1] / self.rival.price[at])
            return Beaten(float(self.rival.loss[at]), times, True)
        at = int(self.rival.loss.argmin())
        left = float(self.rival.loss[at])
        lowest = np.minimum.accumulate(self.loss)
        paid = np.exp(np.interp(-np.log(left), -np.log(lowest), np.log(self.price)))
        return Beaten(left, float(paid / self.rival.price[at]), False)


def slopes(amount: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Fit log loss = slope · log amount + level, by least squares: (..., k) → slopes (...)."""
    x = np.log(amount) - np.log(amount).mean()
    return np.log(loss) @ x / (x @ x)


def exponent(price: float) -> float:
    """Return the power of the budget that a price of a doubling stands for: 1 − price = 2^−power.

    Raises
    ------
    ValueError
        If the price is not above 0 and below 1.
    """
    share = real_number("price", price, 0.0, 1.0, open_low=True)
    if share == 1:
        raise ValueError("price is 1; a doubling that must take off all that is left never pays")
    return -float(np.log2(1 - share))


def knee(amount: np.ndarray, loss: np.ndarray, price: float = PRICE) -> np.ndarray:
    """Return the place from which no more of a budget pays: losses (..., k) → ints (...).

    More pays if it takes off at least the share ``price`` of what is left, for each doubling. So
    the place is the last from which *no* larger budget, whatever it jumps over, does that: where
    loss · amount^power is least, with 1 − price = 2^−power. On a straight line of the logarithms
    that is steeper than the price it is the end of the record.
    """
    bill = np.log2(loss) + exponent(price) * np.log2(amount)
    # of equals the last: a doubling that takes off just the price still pays
    return bill.shape[-1] - 1 - np.round(bill, 9)[..., ::-1].argmin(axis=-1)


def measured(
    names: Sequence[str],
    amount,
    cells: np.ndarray,
    counts: np.ndarray,
    *,
    price=None,
    rival: Rival | None = None,
    root: bool = False,
) -> Budget:
    """Make a budget of what was measured.

    Parameters
    ----------
    names : sequence of four str
        Notebook, name, unit, measure.
    amount : array, shape (k,)
    cells : array, shape (k, units)
        The loss of each independent unit: a problem, a run, a seed.
    counts : int array, shape (replicates, units)
        From :func:`ttclib.measure.bootstrap.counts`.
    price : array, shape (k,), optional
        By default the amount itself.
    root : bool
        Whether the cells are squares, of which the loss is the root of the mean.

    Raises
    ------
    ValueError
        If amounts do not rise, or a loss is not above zero.
    """
    steps = finite_array("amount", amount, ndim=1, least=2)
    if not (steps[0] > 0 and (np.diff(steps) > 0).all()):
        raise ValueError(f"amount is {steps.tolist()}; it must rise, from above 0")
    loss = np.mean(cells, axis=1)
    draws = bootstrap.means(cells, counts)
    if root:
        loss, draws = (np.sqrt(values) for values in (loss, draws))
    for value in loss:
        positive("loss", value)
    # a replicate may hold nothing but solved problems
    draws = np.maximum(draws, loss.min() / 1e3)
    return Budget(*names, steps, loss, draws, steps if price is None else np.asarray(price), rival)


def share_out(gains: Sequence[Sequence[float]], doublings: int) -> np.ndarray:
    """Spend doublings where the next one takes off most: how many each budget gets, ints (n,).

    Parameters
    ----------
    gains : sequence of sequences
        Of each budget what its first, second, … doubling takes off, as falling logarithms. That
        they fall makes the greedy choice the best one.
    doublings : int
        In all. What nobody can use is left over.
    """
    left = whole_number("doublings", doublings, 0)
    taken = np.zeros(len(gains), dtype=int)
    waiting = [(-row[0], i) for i, row in enumerate(gains) if len(row)]
    heapq.heapify(waiting)
    while left and waiting and waiting[0][0] < 0:
        _, i = heapq.heappop(waiting)
        taken[i] += 1
        left -= 1
        if taken[i] < len(gains[i]):
            heapq.heappush(waiting, (-gains[i][taken[i]], i))
    return taken


def steps_of(budget: Budget) -> np.ndarray:
    """What each whole doubling takes off, in doublings of the loss: falling, shape (doublings,).

    They are read off the tightest line below the points, bent one way only: what the best stretch
    of doublings brings a doubling. So a doubling that prepares a better one is worth its share.
    """
    x, y = budget.doublings, np.log2(budget.loss)
    corners = [0]
    while corners[-1] < len(x) - 1:
        i = corners[-1]
        fall = (y[i + 1 :] - y[i]) / (x[i + 1 :] - x[i])
        steepest = len(fall) - 1 - np.round(fall, 9)[::-1].argmin()
        corners.append(i + 1 + int(steepest))
    whole = np.arange(int(np.floor(x[-1] + 1e-9)) + 1)
    hull = np.interp(whole, x[corners], y[corners])
    return np.maximum(-np.diff(hull), 0.0)


class Setting(NamedTuple):
    """A setting that costs nothing, or the same, wherever it stands.

    Attributes
    ----------
    notebook, name, measure : str
    values : tuple
        In order.
    loss : numpy.ndarray, shape (k,)
    draws : numpy.ndarray, shape (replicates, k)
    """

    notebook: str
    name: str
    measure: str
    values: tuple
    loss: np.ndarray
    draws: np.ndarray

    @property
    def best(self) -> int:
        """The place of the least loss."""
        return int(self.loss.argmin())

    def as_good(self, price: float = PRICE) -> np.ndarray:
        """Whether each value leaves at most a share ``price`` more than the best: (k,)."""
        return self.loss <= self.loss.min() / (1 - price)

    def worst(self) -> float:
        """How many times as much the worst value leaves."""
        return float(self.loss.max() / self.loss.min())


def tried(names: Sequence[str], values, cells, counts, *, root: bool = False) -> Setting:
    """Make a setting of what was measured; arguments as for :func:`measured`."""
    loss = np.mean(cells, axis=1)
    draws = bootstrap.means(cells, counts)
    if root:
        loss, draws = (np.sqrt(each) for each in (loss, draws))
    return Setting(*names, tuple(values), loss, draws)
