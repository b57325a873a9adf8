"""Checks of notebook 04: weights, the forward step, resampling, evidence, paths, the filter.

Test numbers are chosen so that no two slips give the same number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ttclib.course.particle_filtering import answers
from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.exercise import close, exercise, expect, mistake
from ttclib.particles import resampling
from ttclib.particles.statespace import LinearGaussian


def _one_number(answer) -> float:
    """The answer as a number, if it is one."""
    array = np.asarray(answer)
    if array.size > 1:
        mistake(f"return one number; yours has {array.size}")
    return float(array.reshape(-1)[0]) if array.size else math.nan


def _named(got, slips) -> None:
    """Stop with the line of the first slip that gives what was got."""
    for wrong, line in slips:
        if close(got, wrong):
            mistake(line)


# ---- weights -------------------------------------------------------------------------------------


@exercise
def weighted_mean(yours):
    """``yours(values, weights)`` → Σwf / Σw, for values (n,) and weights (n,)."""
    f = np.array([2.0, 6.0, -1.0, 10.0])
    w = np.array([3.0, 1.0, 0.5, 0.0])
    answer = yours(f.copy(), w.copy())
    if close(answer, f * w / w.sum()):
        mistake("these are the terms of the sum; add them up")
    got = _one_number(answer)
    slips = [
        ((f * w).sum(), "divide by the sum of the weights: they need not sum to one"),
        ((f * w).mean(), "you divided by n; divide by the sum of the weights"),
        (f.mean(), "every value counts the same; multiply each by its weight first"),
        (f[:3].mean(), "you only left out the weight of zero; the others differ too"),
        (f[0], "that is the value of the heaviest point alone; all points count"),
        ((f * w).sum() / f.sum(), "divide by the sum of the weights, not of the values"),
        ((f * w).mean() / w.sum(), "weights that sum to one want a sum, not a mean, after them"),
        ((f * w).sum() / w.max(), "divide by the sum of the weights, not by the largest"),
        ((f * w**2).sum() / (w**2).sum(), "the weights are squared; here they count once"),
        (f @ np.exp(w) / np.exp(w).sum(), "these are weights already, not their logarithms"),
        (w.sum() / (f * w).sum(), "upside down: Σw stands below"),
    ]
    _named(got, slips)
    expect(
        close(got, 11.5 / 4.5),
        f"values 2, 6, −1, 10 with weights 3, 1, ½, 0 average 11.5 / 4.5 = 2.56, yours {got:g}",
    )
    got = _one_number(yours(f.copy(), w * 1e3))
    expect(close(got, 11.5 / 4.5), "weights a thousand times as large must give the same average")
    return "only the ratios of the weights matter"


@exercise
def effective_sample_size(yours):
    """``yours(weights)`` → effective sample size of unnormalised weights (n,)."""
    w = np.array([5.0, 2.0, 1.0, 1.0, 0.0])
    n, total, squares = len(w), 9.0, 31.0
    exact = total**2 / squares
    got = _one_number(yours(w.copy()))
    shares = w[:4] / total
    slips = [
        (1 / squares, "that is right only for weights that sum to one; divide them by their sum"),
        (exact / n, "that is a share between 0 and 1; the answer is a number of points, up to n"),
        (squares / total**2, "upside down: the sum of squares stands below"),
        (1.0, "square each weight first and then sum: Σw² below, not (Σw)²"),
        (total / w.max(), "Σw / max w is another measure; this one uses the sum of squares"),
        (total / squares, "square the sum above: (Σw)², not Σw"),
        (squares / total, "that is the mean weight that a weight sees; the sum stands above"),
        (math.sqrt(exact), "no root: (Σw)² / Σw² itself"),
        (int(exact), "do not round: the worth of a sample is seldom a whole number"),
        (round(exact), "do not round; the worth of a sample is seldom a whole number"),
        (4.0, "you counted the weights above zero; light ones are worth less than one point"),
        (n, "that is n; only equal weights are worth so much"),
        (
            math.exp(-(shares * np.log(shares)).sum()),
            "e to the entropy is another measure; this one uses the sum of squares",
        ),
    ]
    _named(got, slips)
    expect(
        close(got, exact),
        f"weights 5, 2, 1, 1, 0 are worth 81/31 = {exact:.3f} points; yours says {got:g}",
    )
    got = _one_number(yours(np.full(8, 0.3)))
    expect(close(got, 8.0), f"eight equal weights are worth 8 points; yours says {got:g}")
    return "equal weights are worth n points, one heavy weight is worth one"


# ---- the forward step ----------------------------------------------------------------------------

_BELIEF = np.array([0.5, 0.3, 0.2])
_TRANSITION = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.1, 0.8]])
_LIKELIHOOD = np.array([0.1, 0.6, 0.25])


@exercise(blanks=3)
def forward_step(yours):
    """``yours(belief, transition, likelihood)`` → next belief (K,), chance of the symbol."""
    answer = yours(_BELIEF.copy(), _TRANSITION.copy(), _LIKELIHOOD.copy())
    pair = isinstance(answer, tuple | list) and len(answer) == 2
    expect(pair, "return two things: the new belief (K,) and the chance of the observation")
    belief, chance = answer
    moved = _BELIEF @ _TRANSITION
    joint = moved * _LIKELIHOOD
    if np.ndim(belief) == 0 and np.size(chance) == 3:
        mistake("the other way round: the belief first, then the chance")
    expect(np.shape(belief) == (3,), f"the belief is (3,); yours has shape {np.shape(belief)}")
    early = (_BELIEF * _LIKELIHOOD) @ _TRANSITION
    back = _TRANSITION @ _BELIEF * _LIKELIHOOD
    stays = _BELIEF * _LIKELIHOOD
    turned = "sum over yesterday's state: belief @ transition, rows are where it came from"
    weighed = "move first, then weigh: what is seen today speaks of today's state"
    slips = [
        (joint, "divide by the sum: a belief sums to one"),
        (back / back.sum(), turned),
        (back, turned),
        (early / early.sum(), weighed),
        (early, weighed),
        (early / stays.sum(), weighed),
        (stays / stays.sum(), "the state moves: use the transition before the observation"),
        (moved, "that is the prediction alone; multiply it by the likelihood"),
        (joint / joint.max(), "divide by the sum, not by the largest"),
        (
            (moved + _LIKELIHOOD) / (moved + _LIKELIHOOD).sum(),
            "multiply, do not add",
        ),
    ]
    _named(belief, slips)
    shown = ", ".join(f"{p:.3f}" for p in np.asarray(belief, dtype=float))
    right = ", ".join(f"{p:.3f}" for p in joint / joint.sum())
    expect(
        close(belief, joint / joint.sum()),
        f"from belief .5, .3, .2 the next is {right}; yours is {shown}",
    )
    chance = _one_number(chance)
    slips = [
        (1.0, "the chance is the sum before you divide by it"),
        (joint.max(), "sum over the states: any of them may have sent the observation"),
        (joint.mean(), "sum over the states, no mean: the belief holds the shares already"),
        (math.log(joint.sum()), "return the chance itself, not its logarithm"),
        (_LIKELIHOOD.sum(), "weigh the likelihood of each state by its chance, then sum"),
        (_LIKELIHOOD.mean(), "weigh the likelihood of each state by its chance, then sum"),
        (stays.sum(), "use the belief after the move: it is seen today"),
        (1 / joint.sum(), "that is one over the chance"),
    ]
    _named(chance, slips)
    expect(
        close(chance, joint.sum()),
        f"the chance of the observation is {joint.sum():.3f}; yours is {chance:.3f}",
    )
    return "predict with the transition, weigh with the observation, and keep the sum"


# ---- resampling ----------------------------------------------------------------------------------


@exercise(blanks=2)
def systematic(yours):
    """``yours(weights, n, rng)`` → ancestors (n,) by systematic resampling."""
    # they do not sum to one, and n is not their number; with n·w of 0.49, 3.01, 0, 2.17, 1.33 a
    # draw for each point soon gives somebody one child too few or too many
    weights = 3.7 * np.array([0.07, 0.43, 0.0, 0.31, 0.19])
    expected = 7 * weights / weights.sum()

    def once(seed):
        return _ancestors(yours(weights.copy(), 7, np.random.default_rng(seed)), 5, 7)

    chosen = [once(seed) for seed in range(500)]
    again = [once(seed) for seed in range(5)]
    if any(not np.array_equal(a, b) for a, b in zip(chosen, again, strict=False)):
        mistake("the same generator gives other ancestors the second time: draw from rng alone")
    counts = np.array([np.bincount(ancestors, minlength=5) for ancestors in chosen])
    if (counts == counts[0]).all():
        mistake("the same children for every seed: draw u from rng, anywhere in [0, 1)")
    if not counts[:, 2:].any():
        mistake("only the first members have children: divide the weights by their sum")
    expect(
        (counts[:, 2] == 0).all(),
        "member 2 has weight zero and got a child: do index and weight belong together?",
    )
    furthest = np.abs(counts - expected).max()
    if furthest >= 1.5:
        mistake(
            "member 1 expects 3.01 children and got "
            f"{counts[:, 1].min()} to {counts[:, 1].max()}: lay points 1/n apart on the ruler"
        )
    if furthest >= 1:
        mistake("that is stratified, with n uniforms: take one offset for all, (k + u) / n")
    means = counts.mean(axis=0)
    # an offset that is not uniform on [0, 1) shows in how often 0.49 becomes 1
    expect(
        np.abs(means - expected).max() < 0.1,
        f"members 0 and 3 got {means[0]:.2f} and {means[3]:.2f} children on average, not 0.49 and "
        "2.17: is u uniform on [0, 1)?",
    )
    equal = np.ones(4)
    for seed in range(40):
        drawn = _ancestors(yours(equal.copy(), 6, np.random.default_rng(seed)), 4, 6)
        if np.bincount(drawn, minlength=4).max() > 2:
            mistake("that is residual, or like it: the rest is to be laid out evenly too")
    return "every member gets its expected number of children, rounded up or down"


def _ancestors(answer, size, n):
    answer = np.asarray(answer)
    if answer.shape == (size,) and answer.sum() == n:
        mistake("these are numbers of children; return the parent of each child, n indices")
    if answer.shape == (size,):
        mistake(f"there are n = {n} children of {size} members: make n points")
    shaped = f"return {n} ancestors, shape ({n},); yours has shape {answer.shape}"
    expect(answer.shape == (n,), shaped)
    whole = np.issubdtype(answer.dtype, np.integer)
    expect(whole, "ancestors are whole numbers: indices of parents, not points or states")
    if answer.max() >= size:
        mistake(
            f"an ancestor is an index from 0 to {size - 1}; yours reach {answer.max()}: "
            "do all points lie below 1, and does the count begin at 0?"
        )
    expect(answer.min() >= 0, f"an ancestor is an index from 0 to {size - 1}; yours are negative")
    return answer


# ---- the evidence --------------------------------------------------------------------------------


@exercise
def log_evidence(yours):
    """``yours(log_weights)`` → log of the product of mean weights, from log weights (T, n)."""
    w = np.array([[0.5, 0.1, 0.2], [0.05, 0.4, 0.3]])
    answer = yours(np.log(w))
    each = np.log(w.mean(axis=1))
    if close(answer, each):
        mistake("these are the logarithms of the steps; sum them")
    got = _one_number(answer)
    slips = [
        (np.log(w).mean(axis=1).sum(), "average the weights, not their logarithms"),
        (np.log(w.sum(axis=1)).sum(), "the evidence of a step is the mean weight, not the sum"),
        (math.exp(each.sum()), "that is the evidence itself; return its logarithm"),
        (np.log(w.mean(axis=0)).sum(), "average over the particles: axis 1, not axis 0"),
        (math.log(w.mean()), "average each step for itself, then add up their logarithms"),
        (each.mean(), "sum over the steps: log of a product"),
        (np.log(w.max(axis=1)).sum(), "the mean weight, not the largest one"),
        (np.log(w).sum(), "average the weights of each step before you take the logarithm"),
        (np.log(w.prod(axis=0).mean()), "that is never selecting: average at each step"),
        (-each.sum(), "the sign: a chance below one has a negative logarithm"),
        (math.log(w.mean(axis=1).sum()), "multiply the steps: sum their logarithms"),
        (each[-1], "that is the last step alone; sum over all of them"),
        (
            (each - np.log(w.max(axis=1))).sum(),
            "the largest log weights were taken out and not put back: add them after the logarithm",
        ),
    ]
    _named(got, slips)
    expect(
        close(got, each.sum()),
        f"mean weights {w[0].mean():.3f} and {w[1].mean():.3f}: "
        f"the answer is {each.sum():.3f}, yours is {got:.3f}",
    )
    with np.errstate(all="ignore"):
        got = _one_number(yours(np.log(w) - 2000.0))
    expect(
        close(got, each.sum() - 4000.0),
        f"with log weights near −2000 you get {got:g}: e^−2000 is 0 for the computer; "
        "take out the largest first",
    )
    return "a product of means, and safe where weights are tiny"


# ---- paths ---------------------------------------------------------------------------------------


@exercise(blanks=2)
def traced(yours):
    """``yours(ancestors, states)`` → paths (T, n) of the members of the last generation."""
    ancestors = np.array([[0, 1, 2], [2, 0, 0], [1, 1, 2], [2, 0, 1]])
    states = np.arange(12.0).reshape(4, 3) + 1
    right = answers.traced(ancestors, states)
    got = np.asarray(yours(ancestors.copy(), states.copy()))
    members = answers.traced(ancestors, np.tile(np.arange(3.0), (4, 1)))
    turned = "time goes down the rows, a path is a column: shape (T, n)"
    if close(got, right.T):
        mistake(turned)
    expect(got.shape == (4, 3), f"return paths (4, 3); yours has shape {got.shape}")
    parents = np.array([states[0], *(states[t - 1][ancestors[t]] for t in range(1, 4))])
    upside = np.arange(3)
    other = [states[-1]]
    for t in range(3, 0, -1):
        upside = upside[ancestors[t]]
        other.append(states[t - 1][upside])
    late = np.arange(3)
    early = [states[-1]]
    for t in range(3, 0, -1):
        late = ancestors[t - 1][late]
        early.append(states[t - 1][late])
    everyone = np.array([*(states[t - 1][ancestors[t]] for t in range(1, 4)), states[-1]])
    slips = [
        (states, "nobody is traced: column i is not the path of member i"),
        (
            everyone,
            "ancestors[t] lists the parents of all members; take those of your line, with [line]",
        ),
        (right[::-1], "the times run backwards: turn the list round at the end"),
        (members, "these are indices; return the states that they point to"),
        (parents, "you went back one step from each time; go on from where you are"),
        (np.take_along_axis(states, ancestors, axis=1), "one step only: follow the line further"),
        (other[::-1], "the wrong way round: the parent of line is ancestors[t][line]"),
        (early[::-1], "ancestors[t] point from t to t − 1; you used those of t − 1"),
    ]
    _named(got, slips)
    expect(close(got[-1], states[-1]), "the last row is the last generation, as it stands")
    expect(
        close(got[-2], right[-2]),
        "the row before the last holds the parents: states[t − 1][ancestors[t]]",
    )
    i = int(np.flatnonzero((got != right).any(axis=0))[0]) if (got != right).any() else 0
    expect(
        close(got, right),
        f"the path to member {i} is {right[:, i].tolist()}; yours is {got[:, i].tolist()}",
    )
    return "each column is one whole path, and the first states are copies of few"


# ---- the filter ----------------------------------------------------------------------------------

_BOAT = LinearGaussian()
# a boat far out that comes home at the last moment: the start, the last look and 0.9 all matter
_SETTLED = np.array(
    [3.5, 4.7, 3.8, 4.6, 4.3, 2.8, 5.5, 4.3, 5.0, 4.7, 4.9, 4.3, 4.5, 4.5]
    + [4.8, 5.2, 5.6, 5.5, 3.8, 5.3, 4.2, 5.5, 4.8, 4.0, 5.7, 4.7, 4.3, -0.1]
)
# and one that jumps to and fro: who selects by other weights than the right ones loses track
_RESTLESS = np.array(
    [-2.9, 2.4, -2.1, 3.0, -0.5, 1.1, -2.0, 2.7, -2.4, 2.8, -1.5, 2.0, -2.8, 2.4, -2.4, 2.2]
    + [-1.8, 3.2, -2.4, 2.7, -2.6, 2.3, -3.2, 2.4, -1.1, 3.3, -2.1, 1.8, -2.2, 1.2, -0.1]
)
_N = 2000


def _other_boats(y: np.ndarray) -> list[tuple[float, str]]:
    """Slips that are right for another boat: its exact log evidence, and what to say."""
    first, last = (np.where(np.arange(len(y)) == i, np.nan, y) for i in (0, len(y) - 1))
    start, drift = "initial_cov", "transition"
    told = [
        (y, {start: 1.81}, "you move before the first weighing; x₀ itself is measured"),
        (y, {start: 1 / 0.19}, "the first states are too wide; x₀ ~ N(0, 1)"),
        (y, {start: 1e-9}, "all boats start at 0; draw x₀ from N(0, 1)"),
        (y, {"initial_mean": float(y[0])}, "the boats start at y₀; draw x₀ from N(0, 1)"),
        (y, {drift: 1.0}, "the drift is missing: a boat moves to 0.9 x + N(0, 1)"),
        (y, {drift: 0.95}, "the drift is 0.95; a boat moves to 0.9 x + N(0, 1)"),
        (y, {drift: 0.81}, "the drift is 0.81, so 0.9 is used twice"),
        (y, {"transition_cov": 0.81}, "0.9 multiplies the noise of the move too; only x shrinks"),
        (y, {"transition_cov": 0.25}, "the noise of the move is ½; it is N(0, 1)"),
        (y, {"observation_cov": 2.0}, "exp(−(y − x)²/4) is a noise of variance 2; mind the ½"),
        (y, {"observation_cov": 0.5}, "½ is missing: the density has exp(−(y − x)²/2)"),
        (first, {}, "the first measurement is left out; it weighs x₀"),
        (last, {}, "the last measurement is left out; it counts too"),
    ]
    return [(kalman_filter(replace(_BOAT, **a), seen).log_evidence[-1], s) for seen, a, s in told]


def _slipping(y, n, rng, *, power=1.0, scheme=resampling.stratified, total=None, **slips):
    """A bootstrap filter with one slip; without any it is the right one."""
    x = rng.standard_normal(n)
    carried = np.zeros(n)
    log_z = 0.0
    for y_t in y:
        log_w = -0.5 * (y_t - x) ** 2 - 0.5 * math.log(2 * math.pi)
        gained = carried + log_w
        top = gained.max()
        w = np.exp(gained - top)
        log_z += total(log_w) if total else top + math.log(w.mean())
        if slips.get("never"):
            log_z = top + math.log(w.mean())
            carried = gained
        else:
            carried = gained - top if slips.get("carried") else carried
            x = x[scheme(w**power, n, rng)]
        x = 0.9 * x + (0.0 if slips.get("frozen") else rng.standard_normal(n))
    return log_z


_SLIPS: list[tuple[dict, str]] = [
    ({"never": True}, "nobody is selected: without it the weights collapse"),
    ({"carried": True}, "after selecting, all weights start again at one; yours are carried on"),
    ({"scheme": resampling.winner_takes_all}, "only the heaviest boat has children"),
    ({"power": 0.5}, "you select by the root of the weights, or twice ½; select by w itself"),
    ({"power": 0.9}, "you select by w^0.9 or the like; select by w itself"),
    ({"power": 2.0}, "you select by w², or count the weights twice; select by w itself"),
    ({"power": 0.0}, "the weights do not choose who goes on: everybody has the same chance"),
    ({"frozen": True}, "the move has no noise: every copy stays where its parent was"),
    ({"total": np.mean}, "you averaged the log weights; the evidence wants the log of the mean"),
    ({"total": np.max}, "you took the largest weight; the evidence wants the mean"),
]


@exercise
def bootstrap_filter(yours):
    """``yours(y, n, rng)`` → log evidence of x' = 0.9 x + N(0,1), y = x + N(0,1), x₀ ~ N(0,1)."""
    series = (_SETTLED, _RESTLESS)
    exact = np.array([kalman_filter(_BOAT, y).log_evidence[-1] for y in series])
    runs = np.array([_runs(yours, y, _N, range(8)) for y in series])
    _random(runs[0], _runs(yours, _SETTLED, _N, range(1)), exact[0])
    found = runs.mean(axis=1)
    off = found - exact
    lengths = np.array([len(y) for y in series])
    if (found >= 0).all() and (found < 1e-9).all():
        mistake("that is the evidence itself, next to nothing; return its logarithm")
    simple = [
        (lengths * 0.5 * math.log(2 * math.pi), "log(2π)/2 is missing from every density"),
        (lengths * math.log(_N), "you summed the weights; the evidence of a step is their mean"),
        (-2 * exact, "the sign: return the log evidence, not minus it"),
        (exact / lengths - exact, "you averaged over the steps; sum their logarithms"),
    ]
    for by, line in simple:
        if (np.abs(off - by) < 1.0).all():
            mistake(line)
    others = np.array([[z for z, _ in _other_boats(y)] for y in series]).T
    lines = [line for _, line in _other_boats(_SETTLED)]
    gaps = np.abs(np.vstack([exact, others]) - found).max(axis=1)
    if gaps.min() < 0.5 and gaps.argmin() > 0:
        mistake(lines[gaps.argmin() - 1])
    if gaps[0] >= 0.5:
        _tell_slip(runs)
    expect(
        gaps[0] < 0.5,
        f"log evidence should be near {exact[0]:.1f} for one boat and {exact[1]:.1f} for another; "
        f"yours averages {found[0]:.1f} and {found[1]:.1f}",
    )
    if abs(_runs(yours, _SETTLED, 2, range(8)).mean() - exact[0]) < 1:
        mistake("with n = 2 it is as good as with 2,000: is n used?")
    return f"exact {exact[0]:.2f}, yours {found[0]:.2f} on average over 8 runs"


def _runs(yours: Callable, y: np.ndarray, n: int, seeds: range) -> np.ndarray:
    """One log evidence for each seed."""
    found = []
    for seed in seeds:
        answer = yours(y.copy(), n, np.random.default_rng(seed))
        if isinstance(answer, tuple) or np.size(answer) > 1:
            mistake("return one number, the log evidence; yours gives several")
        found.append(_one_number(answer))
    return np.array(found)


def _random(runs: np.ndarray, again: np.ndarray, exact: float) -> None:
    """Stop unless luck comes from the generator that was given, and from nowhere else."""
    if close(runs, np.full(len(runs), exact)):
        mistake("that is the exact answer, by Kalman's rule, and right; here n particles are asked")
    if not close(again, runs[:1]):
        mistake("the same generator gives another answer the second time: draw from rng alone")
    if (runs == runs[0]).all():
        mistake("every run gives the same number: take all randomness from rng")


def _tell_slip(runs: np.ndarray) -> None:
    """Stop with the name of the slip whose filter does what these runs (2, 8) did."""
    closest: tuple[float, str] = (1.0, "")
    for slips, line in _SLIPS:
        same = [
            [_slipping(y, _N, np.random.default_rng(100 + s), **slips) for s in range(8)]
            for y in (_SETTLED, _RESTLESS)
        ]
        noise = 0.3 + 2 * (np.std(same, axis=1) + runs.std(axis=1))
        gap = (np.abs(np.mean(same, axis=1) - runs.mean(axis=1)) / noise).max()
        closest = min(closest, (gap, line))
    if closest[1]:
        mistake(closest[1])
