"""Checks of notebook 04: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
import pytest
from verdicts import *  # noqa: F403

from ttclib.course.particle_filtering import answers, checks
from ttclib.course.particle_filtering.guided import Guided
from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.particles import resampling
from ttclib.particles.smc import resample, run, when_ess_below
from ttclib.particles.statespace import Bootstrap, LinearGaussian

ROOT = math.sqrt(2 * math.pi)

# ---- weights -------------------------------------------------------------------------------------


def average_by_loop(values, weights):
    above = below = 0.0
    for f, w in zip(values, weights, strict=True):
        above += w * f
        below += w
    return above / below


def average_in_place(values, weights):
    weights /= weights.sum()
    return [sum(weights * values)]


def softmax(w):
    return np.exp(w) / np.exp(w).sum()


def ess(weights):
    return weights.sum() ** 2 / (weights**2).sum()


def ess_by_loop(weights):
    total = squares = 0.0
    for w in weights.tolist():
        total += w
        squares += w * w
    return total * total / squares


def entropy_size(w):
    p = w[w > 0] / w.sum()
    return math.exp(-(p * np.log(p)).sum())


# ---- the forward step ----------------------------------------------------------------------------


def forward(f, A, g):
    joint = f @ A * g
    return joint / joint.sum(), joint.sum()


def forward_by_loop(f, A, g):
    joint = [g[j] * sum(f[i] * A[i, j] for i in range(len(f))) for j in range(len(f))]
    return [value / sum(joint) for value in joint], sum(joint)


def normalised(p):
    return p / p.sum()


def with_chance(chance):
    return lambda f, A, g: (forward(f, A, g)[0], chance(f, A, g))


def with_belief(belief):
    return lambda f, A, g: (belief(f, A, g), forward(f, A, g)[1])


# ---- resampling ----------------------------------------------------------------------------------


def on_a_ruler(offset, side="right"):
    """Systematic resampling whose points are (k + offset(n, rng)) / n."""

    def sample(weights, n, rng):
        points = (np.arange(n) + offset(n, rng)) / n
        return np.searchsorted(np.cumsum(weights) / np.sum(weights), points, side=side)

    return sample


systematic = on_a_ruler(lambda n, rng: rng.random())


def systematic_by_loop(weights, n, rng):
    u, total, chosen = rng.uniform(), sum(weights), []
    i, end = 0, weights[0] / total
    for k in range(n):
        while (k + u) / n >= end:
            i += 1
            end += weights[i] / total
        chosen.append(i)
    return chosen


def systematic_modulo(weights, n, rng):
    points = (np.arange(n) / n + rng.random()) % 1
    return np.searchsorted(np.cumsum(weights) / weights.sum(), points)


def systematic_by_counts(weights, n, rng):
    marks = np.floor(np.cumsum(weights) / weights.sum() * n * (1 + 1e-12) + rng.random())
    return np.repeat(np.arange(len(weights)), np.diff(marks, prepend=0).astype(int))


def zero_kept(weights, n, rng):
    """It mixes up who has the weight of zero."""
    return systematic(np.roll(weights, 1), n, rng)


def unnormalised(weights, n, rng):
    points = (np.arange(n) + rng.random()) / n
    return np.searchsorted(np.cumsum(weights), points, side="right")


def on_marks(points):
    """Resampling by other points than the evenly spaced ones."""

    def sample(weights, n, rng):
        return np.searchsorted(np.cumsum(weights) / weights.sum(), points(n, rng), side="right")

    return sample


def global_offset(weights, n, rng):
    return on_a_ruler(lambda n, rng: np.random.random())(weights, n, rng)  # noqa: NPY002


# ---- the evidence --------------------------------------------------------------------------------


def safe(log_weights):
    total = 0.0
    for row in log_weights:
        total += max(row) + math.log(sum(math.exp(v - max(row)) for v in row) / len(row))
    return total


def w_of(log_weights):
    return np.exp(log_weights)


# ---- paths ---------------------------------------------------------------------------------------


def traced_one_by_one(ancestors, states):
    columns = []
    for i in range(states.shape[1]):
        path, now = [], i
        for t in reversed(range(len(states))):
            path.insert(0, states[t][now])
            now = ancestors[t][now]
        columns.append(path)
    return np.transpose(columns)


def traced_by_recursion(ancestors, states):
    if len(states) == 1:
        return states
    before = traced_by_recursion(ancestors[:-1], states[:-1])
    return np.vstack([before[:, ancestors[-1]], states[-1:]])


def traced_with(step, at=lambda t: t - 1, order=slice(None, None, -1)):
    """Walk back with one thing changed."""

    def trace(ancestors, states):
        line = np.arange(states.shape[1])
        paths = [states[-1]]
        for t in range(len(states) - 1, 0, -1):
            line = step(ancestors, line, t)
            paths.append(states[at(t)][line])
        return np.array(paths[order])

    return trace


def follow(ancestors, line, t):
    return ancestors[t][line]


def one_step(ancestors, states):
    return np.array([states[0], *(states[t - 1][a] for t, a in enumerate(ancestors) if t)])


def members(ancestors, states):
    return answers.traced(ancestors, np.tile(np.arange(states.shape[1]), (len(states), 1)))


# ---- the filter ----------------------------------------------------------------------------------


def bootstrap_filter(
    y,
    n,
    rng,
    *,
    constant=ROOT,
    total=np.mean,
    early=False,
    drift=0.9,
    start=1.0,
    noise=1.0,
    half=0.5,
    scheme=resampling.stratified,
    power=1.0,
    carry=False,
    skip=(),
    mean=0.0,
):
    x = mean * y[0] + start * rng.standard_normal(n)
    log_evidence, carried = 0.0, np.ones(n)
    for t, y_t in enumerate(y):
        if early:
            x = drift * x + noise * rng.standard_normal(n)
        w = np.exp(-half * (y_t - x) ** 2) / constant * carried + 1e-300
        if t not in skip and t - len(y) not in skip:
            log_evidence += math.log(total(w))
        else:
            w = np.ones(n)
        x = x[scheme(w**power, n, rng)]
        carried = w / w.max() if carry else carried
        if not early:
            x = drift * x + noise * rng.standard_normal(n)
    return log_evidence


def slip(**changed):
    return lambda y, n, rng: bootstrap_filter(y, n, rng, **changed)


def by_the_loop(select, model=Bootstrap):
    def sample(y, n, rng):
        return run(model(LinearGaussian(), y), n, select, rng)[-1].log_evidence

    return sample


def filter_by_hand(y, n, rng):
    """Lists and choices: slow, and right."""
    x = [rng.normal(0, 1) for _ in range(n)]
    p = None
    log_z = 0.0
    for t in range(len(y)):
        if t > 0:
            x = [rng.normal(0.9 * parent, 1) for parent in rng.choice(x, n, p=p)]
        log_w = [-((y[t] - z) ** 2) / 2 - math.log(2 * math.pi) / 2 for z in x]
        w = np.exp(np.array(log_w) - max(log_w))
        log_z += max(log_w) + math.log(sum(w) / n)
        p = w / sum(w)
    return np.float64(log_z)


def exact(y, n, rng):
    return kalman_filter(LinearGaussian(), y).log_evidence[-1]


def nobody_selected(y, n, rng):
    x, log_w = rng.standard_normal(n), np.zeros(n)
    for y_t in y:
        log_w += -0.5 * (y_t - x) ** 2 - math.log(ROOT)
        x = 0.9 * x + rng.standard_normal(n)
    return log_w.max() + math.log(np.exp(log_w - log_w.max()).mean())


def from_numpy(y, n, rng):
    return bootstrap_filter(y, n, np.random.default_rng())


RIGHT = [
    (checks.weighted_mean, lambda f, w: (f * w).sum() / w.sum()),
    (checks.weighted_mean, lambda f, w: np.average(f, weights=w)),
    (checks.weighted_mean, average_by_loop),
    (checks.weighted_mean, average_in_place),
    (checks.weighted_mean, lambda f, w: f @ (w / w.sum())),
    (checks.effective_sample_size, ess),
    (checks.effective_sample_size, lambda w: 1 / ((w / w.sum()) ** 2).sum()),
    (checks.effective_sample_size, lambda w: len(w) / (1 + np.var(w) / np.mean(w) ** 2)),
    (checks.effective_sample_size, ess_by_loop),
    (checks.effective_sample_size, lambda w: [w.sum() ** 2 / np.dot(w, w)]),
    (checks.forward_step, forward),
    (checks.forward_step, forward_by_loop),
    (checks.forward_step, lambda f, A, g: [list(forward(f, A, g)[0]), forward(f, A, g)[1]]),
    (checks.forward_step, lambda f, A, g: forward(A.T @ f, np.eye(len(f)), g)),
    (checks.forward_step, lambda f, A, g: (normalised((f[:, None] * A * g).sum(0)), f @ A @ g)),
    (checks.systematic, systematic),
    (checks.systematic, lambda *given: systematic(*given).tolist()),
    (checks.systematic, resampling.systematic),
    (checks.systematic, systematic_by_loop),
    (checks.systematic, systematic_modulo),
    (checks.systematic, systematic_by_counts),
    (checks.systematic, on_a_ruler(lambda n, rng: rng.uniform(0, 1), side="left")),
    (checks.log_evidence, answers.log_evidence),
    (checks.log_evidence, safe),
    (checks.log_evidence, lambda v: (np.logaddexp.reduce(v, axis=1) - np.log(v.shape[1])).sum()),
    (checks.log_evidence, lambda v: [float(safe(v))]),
    (checks.traced, answers.traced),
    (checks.traced, traced_one_by_one),
    (checks.traced, traced_by_recursion),
    (checks.traced, lambda a, x: list(answers.traced(a, x))),
    (checks.traced, lambda a, x: answers.traced(a, x).tolist()),
    (checks.bootstrap_filter, bootstrap_filter),
    (checks.bootstrap_filter, filter_by_hand),
    (checks.bootstrap_filter, by_the_loop(resample("multinomial"))),
    (checks.bootstrap_filter, by_the_loop(when_ess_below(0.5, resample("systematic")))),
    (checks.bootstrap_filter, by_the_loop(resample(), Guided)),
    (checks.bootstrap_filter, answers.bootstrap_filter),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.weighted_mean, lambda f, w: (f * w).sum(), "divide by the sum of the weights: they"),
    (checks.weighted_mean, lambda f, w: (f * w).mean(), "you divided by n"),
    (checks.weighted_mean, lambda f, w: np.mean(f), "every value counts the same"),
    (checks.weighted_mean, lambda f, w: f[w > 0].mean(), "left out the weight of zero"),
    (checks.weighted_mean, lambda f, w: f[w.argmax()], "of the heaviest point alone"),
    (checks.weighted_mean, lambda f, w: (f * w).sum() / f.sum(), "not of the values"),
    (checks.weighted_mean, lambda f, w: (f * w / w.sum()).mean(), "want a sum, not a mean"),
    (checks.weighted_mean, lambda f, w: f * w / w.sum(), "add them up"),
    (checks.weighted_mean, lambda f, w: f @ w / w.max(), "not by the largest"),
    (checks.weighted_mean, lambda f, w: f @ w**2 / (w**2).sum(), "the weights are squared"),
    (checks.weighted_mean, lambda f, w: f @ softmax(w), "weights already, not their logarithms"),
    (checks.weighted_mean, lambda f, w: w.sum() / (w @ f), "upside down"),
    (checks.weighted_mean, lambda f, w: np.median(f), "11.5 / 4.5 = 2.56, yours 4"),
    (checks.weighted_mean, lambda f, w: f * w, "return one number; yours has 4"),
    (checks.weighted_mean, lambda f, w: f @ w / 4.5, "a thousand times as large"),
    (checks.effective_sample_size, lambda w: 1 / (w**2).sum(), "weights that sum to one"),
    (checks.effective_sample_size, lambda w: ess(w) / len(w), "a share between 0 and 1"),
    (
        checks.effective_sample_size,
        lambda w: w.mean() ** 2 / (w**2).mean(),
        "a share between 0 and 1",
    ),
    (checks.effective_sample_size, lambda w: 1 / ess(w), "upside down"),
    (checks.effective_sample_size, lambda w: w.sum() ** 2 / w.sum() ** 2, "square each weight"),
    (checks.effective_sample_size, lambda w: w.sum() / w.max(), "another measure; this one uses"),
    (checks.effective_sample_size, lambda w: w.sum() / (w**2).sum(), "square the sum above"),
    (checks.effective_sample_size, lambda w: (w**2).sum() / w.sum(), "a weight sees"),
    (checks.effective_sample_size, lambda w: math.sqrt(ess(w)), "no root"),
    (checks.effective_sample_size, lambda w: int(ess(w)), "do not round: the worth"),
    (checks.effective_sample_size, lambda w: round(ess(w)), "do not round; the worth"),
    (checks.effective_sample_size, np.count_nonzero, "you counted the weights above zero"),
    (checks.effective_sample_size, len, "only equal weights are worth so much"),
    (checks.effective_sample_size, entropy_size, "e to the entropy"),
    (checks.effective_sample_size, lambda w: 7.5, "worth 81/31 = 2.613 points; yours says 7.5"),
    (
        checks.effective_sample_size,
        lambda w: 81 / 31 if len(w) == 5 else 7.5,
        "worth 8 points; yours says 7.5",
    ),
    (checks.forward_step, lambda f, A, g: f @ A * g, "return two things"),
    (checks.forward_step, lambda f, A, g: forward(f, A, g)[::-1], "the other way round"),
    (checks.forward_step, lambda f, A, g: (0.3, 0.3), "yours has shape ()"),
    (checks.forward_step, lambda f, A, g: (f @ A * g, (f @ A * g).sum()), "sums to one"),
    (checks.forward_step, lambda f, A, g: forward(A @ f, np.eye(3), g), "sum over yesterday's"),
    (checks.forward_step, with_belief(lambda f, A, g: A @ f * g), "sum over yesterday's"),
    (checks.forward_step, lambda f, A, g: forward(f * g, A, np.ones(3)), "move first, then weigh"),
    (checks.forward_step, with_belief(lambda f, A, g: (f * g) @ A), "move first, then weigh"),
    (
        checks.forward_step,
        with_belief(lambda f, A, g: normalised(f * g) @ A),
        "move first, then weigh",
    ),
    (checks.forward_step, lambda f, A, g: forward(f, np.eye(3), g), "use the transition before"),
    (checks.forward_step, lambda f, A, g: forward(f, A, np.ones(3)), "the prediction alone"),
    (checks.forward_step, with_belief(lambda f, A, g: f @ A * g / (f @ A * g).max()), "largest"),
    (checks.forward_step, with_belief(lambda f, A, g: normalised(f @ A + g)), "do not add"),
    (checks.forward_step, with_belief(lambda f, A, g: softmax(f @ A * g)), "the next is 0.181"),
    (checks.forward_step, with_chance(lambda f, A, g: forward(f, A, g)[0].sum()), "before you"),
    (checks.forward_step, with_chance(lambda f, A, g: (f @ A * g).max()), "any of them may"),
    (checks.forward_step, with_chance(lambda f, A, g: (f @ A * g).mean()), "no mean"),
    (checks.forward_step, with_chance(lambda f, A, g: math.log(f @ A @ g)), "not its logarithm"),
    (checks.forward_step, with_chance(lambda f, A, g: g.sum()), "weigh the likelihood of each"),
    (checks.forward_step, with_chance(lambda f, A, g: g.mean()), "weigh the likelihood of each"),
    (checks.forward_step, with_chance(lambda f, A, g: f @ g), "the belief after the move"),
    (checks.forward_step, with_chance(lambda f, A, g: 1 / (f @ A @ g)), "one over the chance"),
    (checks.forward_step, with_chance(lambda f, A, g: 0.5), "yours is 0.500"),
    (checks.systematic, zero_kept, "member 2 has weight zero"),
    (
        checks.systematic,
        lambda w, n, rng: systematic(np.sort(w), n, rng),
        "member 2 has weight zero",
    ),
    (checks.systematic, on_a_ruler(lambda n, rng: 0.99), "the same children for every"),
    (checks.systematic, lambda w, n, rng: np.ones(n, dtype=int), "the same children for every"),
    (checks.systematic, resampling.winner_takes_all, "the same children for every"),
    (
        checks.systematic,
        lambda w, n, rng: systematic(w, n, np.random.default_rng(3)),
        "the same children for every",
    ),
    (checks.systematic, global_offset, "draw from rng alone"),
    (checks.systematic, unnormalised, "divide the weights by their sum"),
    (checks.systematic, resampling.multinomial, "lay points 1/n apart"),
    (checks.systematic, lambda w, n, rng: rng.choice(5, n, p=w / w.sum()), "lay points 1/n apart"),
    (checks.systematic, resampling.residual, "that is residual"),
    (checks.systematic, on_a_ruler(lambda n, rng: rng.random(n)), "that is stratified"),
    (checks.systematic, resampling.stratified, "that is stratified"),
    (checks.systematic, on_a_ruler(lambda n, rng: rng.random() / 3), "the same children for every"),
    (checks.systematic, on_a_ruler(lambda n, rng: rng.random() / n), "the same children for every"),
    (checks.systematic, on_a_ruler(lambda n, rng: 0.2 + 0.8 * rng.random()), "is u uniform on"),
    (checks.systematic, on_a_ruler(lambda n, rng: rng.beta(4, 4)), "is u uniform on [0, 1)?"),
    (
        checks.systematic,
        on_marks(lambda n, rng: np.arange(n) / n + rng.random()),
        "do all points lie below 1",
    ),
    (checks.systematic, lambda w, n, rng: systematic(w, n, rng) + 1, "do all points lie below 1"),
    (checks.systematic, lambda w, n, rng: systematic(w, n, rng) - 1, "yours are negative"),
    (checks.systematic, lambda w, n, rng: systematic(w, n, rng)[:-1], "yours has shape (6,)"),
    (checks.systematic, lambda w, n, rng: systematic(w, len(w), rng), "n = 7 children of 5"),
    (
        checks.systematic,
        lambda w, n, rng: np.bincount(systematic(w, n, rng), minlength=5),
        "these are numbers of children",
    ),
    (checks.systematic, lambda w, n, rng: systematic(w, n, rng) / 1.0, "whole numbers"),
    (checks.log_evidence, lambda v: np.log(w_of(v).mean(axis=1)), "sum them"),
    (checks.log_evidence, lambda v: v.mean(axis=1).sum(), "not their logarithms"),
    (checks.log_evidence, lambda v: np.log(w_of(v).sum(axis=1)).sum(), "not the sum"),
    (checks.log_evidence, lambda v: w_of(v).mean(axis=1).prod(), "return its logarithm"),
    (checks.log_evidence, lambda v: np.log(w_of(v).mean(axis=0)).sum(), "axis 1, not axis 0"),
    (checks.log_evidence, lambda v: np.log(w_of(v).mean()), "average each step for itself"),
    (checks.log_evidence, lambda v: np.log(w_of(v).mean(axis=1)).mean(), "log of a product"),
    (checks.log_evidence, lambda v: v.max(axis=1).sum(), "not the largest one"),
    (checks.log_evidence, np.sum, "before you take the logarithm"),
    (checks.log_evidence, lambda v: np.log(w_of(v.sum(axis=0)).mean()), "never selecting"),
    (checks.log_evidence, lambda v: -safe(v), "the sign"),
    (checks.log_evidence, lambda v: np.log(w_of(v).mean(axis=1).sum()), "multiply the steps"),
    (checks.log_evidence, lambda v: safe(v[-1:]), "the last step alone"),
    (checks.log_evidence, lambda v: safe(v) / math.log(2), "the answer is -2.708, yours is -3.907"),
    (checks.log_evidence, lambda v: np.log(w_of(v).mean(axis=1)).sum(), "e^−2000 is 0"),
    (checks.log_evidence, lambda v: safe(v - v.max(axis=1, keepdims=True)), "not put back"),
    (checks.traced, lambda a, x: x, "nobody is traced"),
    (checks.traced, lambda a, x: answers.traced(a, x)[::-1], "the times run backwards"),
    (checks.traced, traced_with(follow, order=slice(None)), "the times run backwards"),
    (checks.traced, members, "return the states that they point to"),
    (checks.traced, one_step, "you went back one step from each time"),
    (checks.traced, lambda a, x: np.take_along_axis(x, a, axis=1), "one step only: follow"),
    (checks.traced, traced_with(lambda a, line, t: line[a[t]]), "the wrong way round"),
    (checks.traced, traced_with(lambda a, line, t: a[t - 1][line]), "you used those of t − 1"),
    (checks.traced, lambda a, x: answers.traced(a, x).T, "a path is a column"),
    (checks.traced, lambda a, x: answers.traced(a, x)[0], "return paths (4, 3)"),
    (checks.traced, traced_with(follow, at=lambda t: t), "the row before the last holds"),
    (checks.traced, traced_with(lambda a, line, t: a[t]), "take those of your line"),
    (
        checks.traced,
        traced_with(lambda a, line, t: a[t][line] if t > 1 else line),
        "path to member",
    ),
    (checks.traced, lambda a, x: answers.traced(a, x)[:, ::-1], "the last row is the last"),
    (checks.bootstrap_filter, slip(constant=1.0), "log(2π)/2"),
    (checks.bootstrap_filter, slip(total=np.sum), "is their mean"),
    (checks.bootstrap_filter, slip(early=True), "you move before the first weighing"),
    (checks.bootstrap_filter, slip(start=1 / math.sqrt(0.19)), "the first states are too wide"),
    (checks.bootstrap_filter, slip(mean=1.0), "the boats start at y₀"),
    (checks.bootstrap_filter, slip(start=0.0), "all boats start at 0"),
    (checks.bootstrap_filter, slip(drift=1.0), "the drift is missing"),
    (checks.bootstrap_filter, slip(drift=0.95), "the drift is 0.95"),
    (checks.bootstrap_filter, slip(drift=0.81), "0.9 is used twice"),
    (checks.bootstrap_filter, slip(noise=0.9), "0.9 multiplies the noise"),
    (checks.bootstrap_filter, slip(noise=0.5), "the noise of the move is ½"),
    (checks.bootstrap_filter, slip(noise=0.0), "the move has no noise"),
    (checks.bootstrap_filter, slip(half=0.25, constant=ROOT * 2**0.5), "noise of variance 2"),
    (checks.bootstrap_filter, slip(half=1.0, constant=ROOT / 2**0.5), "½ is missing"),
    (checks.bootstrap_filter, slip(skip=(0,)), "the first measurement is left out"),
    (checks.bootstrap_filter, slip(skip=(-1,)), "the last measurement is left out"),
    (checks.bootstrap_filter, slip(scheme=resampling.winner_takes_all), "only the heaviest boat"),
    (checks.bootstrap_filter, slip(carry=True), "yours are carried on"),
    (checks.bootstrap_filter, nobody_selected, "nobody is selected"),
    (checks.bootstrap_filter, slip(power=0.5), "by the root of the weights"),
    (checks.bootstrap_filter, slip(power=0.9), "you select by w^0.9"),
    (checks.bootstrap_filter, slip(power=2.0), "you select by w²"),
    (checks.bootstrap_filter, slip(power=0.0), "everybody has the same chance"),
    (checks.bootstrap_filter, slip(total=lambda w: np.exp(np.log(w).mean())), "log of the mean"),
    (checks.bootstrap_filter, slip(total=np.max), "you took the largest weight"),
    (checks.bootstrap_filter, lambda y, n, rng: -bootstrap_filter(y, n, rng), "the sign"),
    (
        checks.bootstrap_filter,
        lambda y, n, rng: math.exp(bootstrap_filter(y, n, rng)),
        "return its logarithm",
    ),
    (
        checks.bootstrap_filter,
        lambda y, n, rng: bootstrap_filter(y, n, rng) / len(y),
        "you averaged over the steps",
    ),
    (
        checks.bootstrap_filter,
        lambda y, n, rng: (y, bootstrap_filter(y, n, rng)),
        "return one number, the log evidence",
    ),
    (
        checks.bootstrap_filter,
        lambda y, n, rng: bootstrap_filter(y, n, rng) + np.zeros(3),
        "return one number, the log evidence",
    ),
    (
        checks.bootstrap_filter,
        lambda y, n, rng: bootstrap_filter(y, n, np.random.default_rng(0)),
        "take all randomness from rng",
    ),
    (checks.bootstrap_filter, from_numpy, "draw from rng alone"),
    (checks.bootstrap_filter, exact, "that is the exact answer, by Kalman's rule, and right"),
    (
        checks.bootstrap_filter,
        lambda y, n, rng: bootstrap_filter(y, 2000, rng),
        "is n used?",
    ),
    (
        checks.bootstrap_filter,
        lambda y, n, rng: bootstrap_filter(y, n, rng) + 9,
        "log evidence should be near -52.7",
    ),
]


def test_the_right_line_tells_both_evidences():
    line = checks.bootstrap_filter(bootstrap_filter).line
    told, yours = (float(word) for word in line.replace(",", "").split() if "-" in word)
    assert told != yours and abs(told - yours) < 1


ALL = [
    checks.weighted_mean,
    checks.effective_sample_size,
    checks.forward_step,
    checks.systematic,
    checks.log_evidence,
    checks.traced,
    checks.bootstrap_filter,
]


@pytest.mark.parametrize("check", ALL)
def test_blanks_are_no_mistakes(check):
    assert check(lambda *given: ...).mark == "–"


def test_slips_of_the_filter_are_far_apart():
    """No two slips that are another boat's exact answer are nearer than the check can tell."""
    series = (checks._SETTLED, checks._RESTLESS)
    found = np.array([[z for z, _ in checks._other_boats(y)] for y in series]).T
    right = [exact(y, 1, None) for y in series]
    points = np.vstack([right, found])
    gaps = np.abs(points[:, None] - points).max(axis=-1)
    assert gaps[np.triu_indices(len(points), 1)].min() > 2 * 0.5


@pytest.mark.statistical
def test_a_right_filter_is_not_refused_at_any_luck(seed, monkeypatch):
    """Means of 8 runs stray by 0.075: half a unit is more than six of their standard errors.

    Standard errors by :func:`bootstrap_variance`, exact for large n; three checks with other runs.
    """
    real = np.random.default_rng
    for shift in range(3):
        monkeypatch.setattr(np.random, "default_rng", lambda s=None, k=shift: real((seed, k, s)))
        assert checks.bootstrap_filter(bootstrap_filter).mark == "✓"
