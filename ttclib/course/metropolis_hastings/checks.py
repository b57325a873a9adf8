"""Checks of notebook 02: Markov chains, Metropolis-Hastings, and how far to trust a chain."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from ttclib.course.metropolis_hastings import markov
from ttclib.exercise import close, exercise, expect, mistake

_MEALS = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.4, 0.4, 0.2]])


# ---- chains with few states ----------------------------------------------------------------------

# two states, whose eigenvalue 1 does not come first; and four, which forget slowly
_TWO = np.array([[0.4, 0.6], [0.1, 0.9]])
_SLOW = 0.9 * np.eye(4) + 0.1 * np.array([0.1, 0.2, 0.3, 0.4])


@exercise
def stationary(yours):
    """``yours(P)`` → the stationary distribution (K,) of a transition matrix (K, K)."""
    _one_stationary(yours(_MEALS.copy()), _MEALS)
    for P in (_TWO, _SLOW):
        try:
            got = yours(P.copy())
        except (ValueError, IndexError) as error:
            mistake(
                f"right for three states, but with {len(P)} it stopped with {error}: "
                "take their number from len(P)"
            )
        _one_stationary(got, P)
    return "wherever you start, this is where the shares end"


def _one_stationary(answer, P):
    got = np.real(np.asarray(answer)).astype(float)  # eig may write real numbers as complex ones
    size = len(P)
    expect(
        got.shape == (size,),
        f"return one probability for each of the {size} states, shape ({size},); "
        f"yours has shape {got.shape}",
    )
    pi = markov.stationary(P)
    if close(got, np.full(size, 1 / size), atol=1e-3):
        mistake(
            "that is right for the columns: P @ v keeps a column of equal numbers; "
            "a distribution is a row, π @ P"
        )
    with np.errstate(all="ignore"):
        scale = got / np.abs(got).max()
    shrinks = scale @ P @ scale / (scale @ scale)
    if not np.isfinite(scale).all() or (
        close(scale @ P, shrinks * scale, atol=1e-6) and abs(shrinks - 1) > 1e-3
    ):
        mistake(
            "an eigenvector of P.T, but not that of the eigenvalue 1: "
            "eig lists them in no order, so look for the eigenvalue next to 1"
        )
    if not close(got.sum(), 1.0, rtol=1e-4):
        mistake(f"probabilities sum to one; yours sum to {got.sum():.3f}")
    expect(got.min() > -1e-6, f"a probability is not negative; yours holds {got.min():.3f}")
    first = np.vstack([np.eye(size), np.full(size, 1 / size)])
    early = [row for k in (1, 2, 3) for row in first @ np.linalg.matrix_power(P, k)]
    if any(close(got, row, atol=1e-6) for row in early):
        mistake("that is the distribution after a few days; go on until it stops changing")
    moves = np.abs(got @ P - got).max()
    if not close(got, pi, atol=1e-4) and np.abs(got - pi).max() < 0.03:
        mistake(
            f"near, but tomorrow a probability is off by {moves:.1g}: some chains forget slowly, "
            "so take more days, and compute them instead of simulating"
        )
    expect(close(got, pi, atol=1e-4), f"π @ P should give π again; yours moves by {moves:.3f}")


# the largest gap is that between states 0 and 2, which are no neighbours
_ROUND = np.array(
    [
        [0.45, 0.15, 0.3, 0.1],
        [0.4, 0.15, 0.15, 0.3],
        [0.05, 0.2, 0.35, 0.4],
        [0.15, 0.35, 0.15, 0.35],
    ]
)


@exercise
def balance_gap(yours):
    """``yours(P, pi)`` → the largest |π_i P_ij − π_j P_ji|."""
    pi = markov.stationary(_ROUND)
    flow = pi[:, None] * _ROUND
    right = markov.detailed_balance_gap(_ROUND, pi)
    got = yours(_ROUND.copy(), pi.copy())
    gaps = flow - flow.T
    if isinstance(got, bool):
        mistake("return the largest gap itself, a number; whether it is zero, the reader will see")
    expect(np.ndim(got) == 0, f"one number, the largest gap; yours has shape {np.shape(got)}")
    across = pi * _ROUND - (pi * _ROUND).T
    ratio = np.abs(flow / flow.T - 1)
    slips = {
        "the traffic from i to j is π of where it starts, π_i, times P_ij": np.abs(across).max(),
        "you compare P with its transpose; the traffic is π_i P_ij": np.abs(
            _ROUND - _ROUND.T
        ).max(),
        "that is the sum over all roads; the largest is asked": np.abs(gaps).sum(),
        "that is a sum over roads; the largest one is asked": np.abs(gaps).sum() / 2,
        "that is the mean over all pairs; the largest is asked": np.abs(gaps).mean(),
        "that is the root of a sum of squares; the largest gap is asked": np.linalg.norm(gaps),
        "you add the two directions; subtract them": (flow + flow.T).max(),
        "zero is what you get for any P that keeps π, if you sum the differences or compare π P "
        "with π: look at each road by itself, without the sign": 0.0,
        "the smallest difference has a minus sign: take the absolute value": gaps.min(),
        "that is the largest relative gap; subtract, do not divide": ratio.max(),
        "that is the largest traffic; subtract that of the way back": flow.max(),
    }
    _name_slip(got, right, slips)
    backwards = yours(flow.T / pi[:, None], pi.copy())
    if not close(backwards, right):
        mistake(
            f"for the same chain run backwards the largest gap is again {right:.4g}, "
            f"yours is {backwards:.4g}: take the absolute value, of all pairs"
        )
    balanced = markov.metropolis_matrix(pi, np.full((4, 4), 1 / 4))
    again = yours(balanced, pi.copy())
    expect(abs(again) < 1e-12, f"for a chain in detailed balance it is 0, you said {again:.3g}")
    return "zero on every road: no village can grow at another's cost"


def _name_slip(got: float, right: float, slips: dict[str, float]) -> None:
    """Name the slip whose number is given, or show the number that is asked for."""
    if close(got, right):
        return
    for line, value in slips.items():
        if close(got, value):
            mistake(line)
    mistake(f"here the answer is {right:.4g}, yours is {got:.4g}")


# ---- acceptance ----------------------------------------------------------------------------------

# (p_x, p_y, q_xy, q_yx), such that no two slips agree at all of them
_MOVES = (
    (0.2, 0.4, 0.8, 0.2),
    (0.4, 0.2, 0.3, 0.3),
    (0.5, 0.1, 0.2, 0.6),
    (0.3, 0.6, 0.5, 0.2),
    (0.1, 0.4, 0.2, 0.3),
)
_SLIPS: dict[str, Callable] = {
    "that is Metropolis' rule; a proposal that goes x → y more often than back "
    "needs Hastings' factor": lambda p, q: min(1, p),
    "the proposal ratio is upside down: multiply by the way back, q_yx, over the way there, "
    "q_xy": lambda p, q: min(1, p / q),
    "the target ratio is upside down: it is that of the new place, p_y, over the present one, "
    "p_x": lambda p, q: min(1, q / p),
    "both ratios are upside down: new over present, way back over way there": lambda p, q: min(
        1, 1 / (p * q)
    ),
    "the target is missing: only the proposals are compared": lambda p, q: min(1, q),
    "one minimum of the whole product: min(1, p ratio) · min(1, q ratio) refuses moves that "
    "gain in one ratio what they lose in the other": lambda p, q: min(1, p) * min(1, q),
    "the minimum belongs around the whole product, not around the target's ratio "
    "alone": lambda p, q: min(1, p) * q,
    "a probability is at most 1: take the minimum of 1 and the ratio": lambda p, q: p * q,
    "that is the larger of 1 and the ratio; take the smaller": lambda p, q: max(1, p * q),
    "that is Barker's rule, r/(1 + r): it keeps detailed balance, too, but refuses more; "
    "Hastings' is min(1, r)": lambda p, q: p * q / (1 + p * q),
    "the logarithm of the ratio is no probability: take exp of it": lambda p, q: min(
        0, math.log(p * q)
    ),
}


@exercise
def accept_probability(yours):
    """``yours(p_x, p_y, q_xy, q_yx)`` → probability of accepting the move x → y."""
    got = [yours(*move) for move in _MOVES]
    if any(isinstance(one, bool) for one in got):
        mistake("return the probability itself; whether the move is made, a random number decides")
    expect(
        all(isinstance(one, int | float) for one in got),
        f"return one number, a probability; yours is of type {type(got[0]).__name__}",
    )
    ratios = [(p_y / p_x, q_yx / q_xy) for p_x, p_y, q_xy, q_yx in _MOVES]
    for line, slip in _SLIPS.items():
        if close(got, [slip(p, q) for p, q in ratios]):
            mistake(line)
    for move, one, (p, q) in zip(_MOVES, got, ratios, strict=True):
        right = min(1, p * q)
        named = ", ".join(f"{name} = {v}" for name, v in zip(_ARGUMENTS, move, strict=True))
        expect(close(one, right), f"for {named} the answer is {right:.3g}, yours is {one:.3g}")
    return "busier roads are thinned until both directions carry the same traffic"


_ARGUMENTS = ("p_x", "p_y", "q_xy", "q_yx")


# ---- what a chain is worth -----------------------------------------------------------------------

_RHO = (0.6, 0.35, 0.2, 0.1, -0.04, 0.03, -0.02, 0.05)


@exercise
def chain_ess(yours):
    """``yours(rho, n)`` → effective sample size of a chain of n draws."""
    n = 1000
    got = float(yours(np.array(_RHO), n))
    head = list(itertools.takewhile(lambda r: r >= 0, _RHO))
    tau = 1 + 2 * sum(head)
    slips = {
        "go only up to the first negative one: what follows is noise, and it adds up": (
            n / (1 + 2 * sum(_RHO))
        ),
        "stop before the first negative one, without counting it": (
            n / (1 + 2 * sum(_RHO[: len(head) + 1]))
        ),
        "stop at the first negative one; you left out the negative ones and went on": (
            n / (1 + 2 * sum(r for r in _RHO if r >= 0))
        ),
        "each lag counts twice, once forwards and once backwards: τ = 1 + 2 Σ ρ": (
            n / (1 + sum(head))
        ),
        "the 1 is missing: a draw is worth itself, too, τ = 1 + 2 Σ ρ": n / (2 * sum(head)),
        "that is τ; a chain of n draws is worth n / τ": tau,
        "divide by τ: draws that resemble each other are worth less, not more": n * tau,
        "rho begins at lag 1: rho[0] is the first to count": n / (1 + 2 * sum(head[1:])),
        "1 + 2 Σ ρ, not 2 (1 + Σ ρ): only the lags count twice": n / (2 * (1 + sum(head))),
        "the lags are added, not their squares": n / (1 + 2 * sum(r * r for r in head)),
        "that is 1/τ, the worth of one draw; the chain has n": 1 / tau,
        "only the first lag is counted; go on until one is negative": n / (1 + 2 * head[0]),
    }
    _name_slip(got, n / tau, slips)
    for rho, size in (((0.5, 0.25), 400), ((-0.3, 0.2), 50)):
        worth = size / (1 + 2 * sum(itertools.takewhile(lambda r: r >= 0, rho)))
        again = float(yours(np.array(rho), size))
        expect(
            close(again, worth),
            f"for rho = {list(rho)} and n = {size} it is {worth:g}, yours is {again:g}",
        )
    return f"{n:,} draws, each worth {1 / tau:.2f} of an independent one"


@exercise(blanks=3)
def rhat(yours):
    """``yours(x)`` → R-hat of draws (n, chains), by the formula on the page."""
    x = np.array([[0.0, 3.0, 1.0], [2.0, 4.0, 0.0], [1.0, 6.0, 2.0], [4.0, 5.0, 2.0]])
    n = len(x)

    def value(within, between, share=(n - 1) / n):
        return share + between / within

    W = x.var(axis=0, ddof=1).mean()
    V = x.mean(axis=0).var(ddof=1)
    got = yours(x.copy())
    expect(np.ndim(got) == 0, f"one number for all chains together; yours has {np.shape(got)}")
    y = x.T
    slips = {
        "take the square root: spreads are compared, not variances": value(W, V),
        "divide by n − 1 in each variance, ddof=1": math.sqrt(
            value(x.var(axis=0).mean(), x.mean(axis=0).var())
        ),
        "divide by n − 1 in the variance within the chains, too, ddof=1": math.sqrt(
            value(x.var(axis=0).mean(), V)
        ),
        "divide by chains − 1 in the variance of the means, ddof=1": math.sqrt(
            value(W, x.mean(axis=0).var())
        ),
        "chains are the columns: mean and variance go over axis 0": math.sqrt(
            value(
                y.var(axis=0, ddof=1).mean(),
                y.mean(axis=0).var(ddof=1),
                (len(y) - 1) / len(y),
            )
        ),
        "the rows are the draws, so n is len(x), not the number of chains": math.sqrt(
            value(W, V, (x.shape[1] - 1) / x.shape[1])
        ),
        "the (n − 1)/n is missing": math.sqrt(V / W),
        "within is upside down: V over W, between over within": math.sqrt(value(V, W)),
        "the first term is (n − 1)/n, not 1": math.sqrt(value(W, V, 1.0)),
        "V is the variance of the chains' means already: do not divide it by n again": math.sqrt(
            value(W, V / n)
        ),
        "V is the variance of the chains' means: it is not multiplied by n here": math.sqrt(
            value(W, n * V)
        ),
        "that compares the variance of all draws with W; between is the variance of the "
        "chains' means": math.sqrt(value(W, x.var(ddof=1))),
        "use the variances, not the standard deviations": math.sqrt(
            value(x.std(axis=0, ddof=1).mean(), x.mean(axis=0).std(ddof=1))
        ),
    }
    _name_slip(float(got), math.sqrt(value(W, V)), slips)
    return "1 when the chains agree, and larger the less they do"


@exercise
def tune(yours):
    """``yours(accepted)`` → a step size s with accepted(s) near 0.44; larger s accept less."""
    for width in (1.0, 40.0, 0.02):
        asked: list[tuple[float, float]] = []
        got = float(yours(_accepted_at(width, asked)))
        if not asked:
            mistake(
                "your function never asked accepted(s): a step that fits one target fits no other"
            )
        # a share is not a step, but where the two are equal
        if close(got, asked[-1][1], rtol=1e-3) and not close(got, asked[-1][0], rtol=1e-3):
            mistake("that is the share accepted; return the step size that reaches it")
        expect(got > 0, f"a step size is positive, yours is {got:.3g}: multiply, do not subtract")
        share = 2 / math.pi * math.atan(2 * width / got)
        _judge_share(got, share, width, asked)
    return "one rule, and it finds the step for narrow targets and for wide ones"


def _accepted_at(width: float, asked: list[tuple[float, float]]) -> Callable:
    """The exact share on N(0, width²); remembers what it was asked."""

    def accepted(step):
        step = float(step)
        expect(
            step > 0, f"accepted was asked about a step of {step:.3g}: multiply, do not subtract"
        )
        if len(asked) > 2000:
            low, high = asked[-2][0], asked[-1][0]
            mistake(
                "after 2,000 questions your rule still asks: "
                + (
                    "more than 0.44 accepted means a larger step"
                    if _wrong_way(asked)
                    else f"it goes on between {low:.3g} and {high:.3g}; make smaller changes"
                )
            )
        share = 2 / math.pi * math.atan(2 * width / step)
        asked.append((step, share))
        return share

    return accepted


def _wrong_way(asked: Sequence[tuple[float, float]]) -> bool:
    """Whether most changes made a step larger where too few were accepted, or the reverse."""
    changes = [
        (before[1] - 0.44) * (after[0] - before[0])
        for before, after in itertools.pairwise(asked)
        if after[0] != before[0]
    ]
    return sum(change < 0 for change in changes) > 0.7 * max(1, len(changes))


def _judge_share(got, share, width, asked):
    if 0.42 <= share <= 0.46:
        return
    here = f"on a target of width {width:g} your step {got:.3g} accepts {share:.2f}"
    if _wrong_way(asked) and not 0.05 < share < 0.95:
        mistake(f"{here}: turn the rule round; where too many are accepted the step is too small")
    if 0.21 <= share <= 0.26:
        mistake(f"{here}: that is the aim in many dimensions; in one it is 0.44")
    if 0.49 <= share <= 0.51:
        mistake(f"{here}; the aim is 0.44, not a half")
    if share > 0.9:
        mistake(f"{here}: the most accepted is not the best; aim at 0.44")
    mistake(f"{here}, not 0.44: go on, and change the step by a factor, not by a fixed amount")


# ---- Metropolis ----------------------------------------------------------------------------------


@exercise
def metropolis(yours):
    """``yours(log_density, start, step_size, n, rng)`` → positions (n,) of one chain."""
    _judge_steps(yours)
    runs = [_Run(yours, lambda x: -0.5 * x * x, 0.5, 2.0, 20_000, seed) for seed in (1, 2)]
    again = _Run(yours, lambda x: -0.5 * x * x, 0.5, 2.0, 1000, 1)
    expect(
        np.array_equal(again.positions, runs[0].positions[:1000])
        or np.array_equal(
            again.positions, _Run(yours, lambda x: -0.5 * x * x, 0.5, 2.0, 1000, 1).positions
        ),
        "the same rng accepts other proposals: take u from rng, too, not from np.random",
    )
    proposals = [run.proposals() for run in runs]
    if all(found is not None for found in proposals):
        _judge_rule(runs, proposals)
    draws = np.concatenate([run.positions[100:] for run in runs])
    # with an autocorrelation time near 4 the standard errors are about 0.01
    expect(
        abs(draws.mean()) < 0.1 and abs(draws.var() - 1) < 0.08,
        f"on a normal target the draws have mean {draws.mean():.2f} and variance "
        f"{draws.var():.2f}, not 0 and 1",
    )
    moved = np.mean([np.mean(np.diff(run.positions) != 0) for run in runs])
    exact = 2 / math.pi * math.atan(2 / 2.0)
    return f"{moved:.3f} of the steps moved; the exact share is {exact:.3f}"


class _Run:
    """One run of a learner's sampler, and the places where it asked for the log density."""

    def __init__(self, yours, log_density, start, size, n, seed):
        self.asked = []

        def watched(x):
            if np.ndim(x):
                mistake(f"one chain walks, number by number; your proposal has shape {np.shape(x)}")
            self.asked.append(float(x))
            return log_density(x)

        self.log_density = log_density
        self.start = start
        self.n = n
        found = yours(watched, start, size, n, np.random.default_rng(seed))
        try:
            self.positions = np.array(found, dtype=float)
        except ValueError:
            mistake(f"return {n:,} numbers, one position after each transition")
        shape = self.positions.shape
        if shape == (n + 1,):
            mistake(f"you return {n + 1:,} positions: leave out the start")
        if len(shape) == 1 and len(shape) and shape[0] < n and shape[0] > 0:
            mistake(
                f"you return {shape[0]:,} positions after {n:,} transitions: "
                "where a proposal is refused, the old position counts once more"
            )
        expect(shape == (n,), f"return the {n:,} visited positions; yours has shape {shape}")
        expect(self.asked, "your chain never asks for log_density, so it cannot know the target")

    def proposals(self):
        """The proposals (n,), which are the new places it asked about; None if they are not n."""
        fresh = [x for x in dict.fromkeys(self.asked) if x != self.start]
        return np.array(fresh) if len(fresh) == self.n else None


def _judge_steps(yours):
    """On a flat target every proposal is accepted, so that the steps can be seen."""
    n = 4000
    size = 0.25
    first, again, other = (
        _Run(yours, lambda x: 0.0, 3.0, size, n, seed).positions for seed in (1, 1, 2)
    )
    steps = np.diff(first, prepend=3.0)
    expect(
        np.mean(steps == 0) < 0.01,
        f"on a flat target, where all proposals are as good, you refuse {np.mean(steps == 0):.0%}: "
        "accept where log u < log p(y) − log p(x)",
    )
    expect(
        np.array_equal(first, again),
        "the same rng gives another chain: take all luck from rng, not from np.random",
    )
    expect(
        not np.array_equal(first, other),
        "another rng gives the same chain: take the luck from rng, make no generator of your own",
    )
    expect(
        first[0] != 3.0, "the first position is that *after* the first transition, not the start"
    )
    expect(
        abs(first[0] - 3) < 8 * size,
        f"begin at start: from 3, with steps of 0.25, your first position is {first[0]:.2f}",
    )
    if np.std(first - 3) < 3 * size:
        mistake("each proposal starts from start again: propose from the present position")
    spread = np.sqrt(np.mean(steps**2))
    expect(
        abs(steps.mean()) < 0.2 * spread,
        f"the steps have mean {steps.mean():.2f}: they must go left as often as right",
    )
    named = {
        math.sqrt(size): "step_size is the standard deviation of a step; you took it as a variance",
        size**2: "step_size is the standard deviation of a step; you squared it",
        1.0: "the steps have size 1: multiply the normal number by step_size",
    }
    for wrong, line in named.items():
        if abs(spread / wrong - 1) < 0.08:
            mistake(line)
    if np.abs(steps).max() <= 2 * size:
        mistake(
            "a step of another shape than the normal one: that makes a valid chain, too, "
            "but here step_size is the standard deviation of a normal step"
        )
    expect(
        abs(spread / size - 1) < 0.08,
        f"the steps have standard deviation {spread:.3f}, not step_size = {size}",
    )


# of a proposal with log density b from a: the probability of accepting it, if it is said as named;
# s is the log density at the start, last that of the proposal before
_RULES: dict[str, Callable] = {
    "": lambda a, b, s, last: b - a,
    "only moves uphill are accepted: a smaller density deserves its second chance, "
    "accept where log u < log p(y) − log p(x)": lambda a, b, s, last: np.where(b >= a, 0.0, -40.0),
    "every proposal is accepted and the chain runs away: compare the densities "
    "first": lambda a, b, s, last: np.zeros_like(a),
    "the ratio is upside down: log p(y) − log p(x), the new place minus the "
    "present one": lambda a, b, s, last: a - b,
    "after a move the log density of the new place must be kept: you go on comparing with the "
    "start's": lambda a, b, s, last: b - s,
    "the log density that you remember is that of the last proposal, also where it was refused: "
    "change it only together with x": lambda a, b, s, last: b - last,
    "u is compared with the difference itself: take the log of u, or exp of the "
    "difference": lambda a, b, s, last: np.log(np.clip(b - a, 1e-18, 1)),
    "a proposal is accepted half of the time, whatever its density": lambda a, b, s, last: (
        np.full_like(a, math.log(0.5))
    ),
    "only the new density is looked at: compare it with that of the present "
    "place": lambda a, b, s, last: b,
    "that is Barker's rule, r/(1 + r): a valid chain, but it refuses more; accept with "
    "min(1, r)": lambda a, b, s, last: -np.logaddexp(0, a - b),
    "the log densities are divided; subtract them": lambda a, b, s, last: np.log(
        np.clip(b / np.where(a == 0, -1e-9, a), 1e-18, 1)
    ),
}


def _judge_rule(runs: Sequence[_Run], proposals: Sequence[np.ndarray]) -> None:
    """Which rule explains best what was accepted? All proposals are known."""
    known = []
    for run, proposed in zip(runs, proposals, strict=True):
        before = np.append(run.start, run.positions[:-1])
        if np.array_equal(run.positions, proposed) and np.diff(proposed).std() > 2.3:
            mistake(
                "you keep the proposal y, also where it is refused: "
                "append x, the position where the chain is now"
            )
        accepted = run.positions == proposed
        stayed = run.positions == before
        expect(
            np.all(accepted | stayed),
            "a position is neither the proposal nor the one before: return where the chain is",
        )
        start = np.full(len(before), run.log_density(run.start))
        new = run.log_density(proposed)
        last = np.append(start[0], new[:-1])
        known.append((run.log_density(before), new, start, last, accepted))
    old, new, start, last, accepted = (np.concatenate(parts) for parts in zip(*known, strict=True))
    scores = {}
    for line, rule in _RULES.items():
        # a rule is given a slip in a thousand: one surprise does not rule it out
        chance = 0.0005 + 0.999 * np.exp(np.minimum(rule(old, new, start, last), 0))
        scores[line] = np.log(np.where(accepted, chance, 1 - chance)).sum()
    best = max(scores, key=lambda line: scores[line])
    if best and scores[best] > scores[""] + 50:
        mistake(best)
    right = np.exp(np.minimum(new - old, 0))
    weight = np.minimum(new - old, 0)  # a wrong power shows most where the density falls
    surplus = ((accepted - right) * weight).sum() / np.sqrt((right * (1 - right) * weight**2).sum())
    expect(
        abs(surplus) < 6,
        "moves to a smaller density are accepted "
        + ("too rarely" if surplus > 0 else "too often")
        + ": the probability is p(y)/p(x), without a power or a factor; "
        "np.log takes the natural logarithm",
    )
