"""Pictures of notebook 06: what they say, against sentences listed and weighed by hand."""

import html
import math
import re

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from noisy_solver import NoisySolver
from views import control, line_of, no_event_loop_of_another_test, shown  # noqa: F401

from ttclib.cost import Cost
from ttclib.course.smc_decoding import checks, contest, figures, judging
from ttclib.course.smc_decoding.doubt import doubt
from ttclib.course.smc_decoding.exact import enumerate_texts
from ttclib.course.smc_decoding.markov_lm import garden_path
from ttclib.lm.decoding import Decoder
from ttclib.lm.potentials import Feature
from ttclib.measure.calibration import reliability
from ttclib.particles import resampling
from ttclib.particles.islands import split, within
from ttclib.particles.smc import keep_all, resample, run, when_ess_below
from ttclib.show.style import BAD, GOOD, MUTED, ink

LM = garden_path()
WORDS = [text or "." for text in LM.vocabulary.texts]
BARN, FELL, END = (WORDS.index(word) for word in (" barn", " fell", "."))
(THE,) = LM.vocabulary.encode(" the")


def spelled(sentence):
    return ("the" + "".join(WORDS[word] for word in sentence if word != END)).strip()


def list_sentences(begun=(), chance=1.0):
    """All sentences after "the" with their probabilities: seven tokens at most, with the end."""
    if len(begun) == 7 or begun[-1:] == (END,):
        return {begun: chance}
    found = {}
    row = LM.transition[begun[-1] if begun else THE]
    for word in np.flatnonzero(row):
        found |= list_sentences((*begun, int(word)), chance * row[word])
    return found


FREE = list_sentences()
FITTING = {s: p for s, p in FREE.items() if {BARN, FELL, END} <= set(s)}
Z = sum(FITTING.values())
POSTERIOR = {s: p / Z for s, p in FITTING.items()}


def allowed(sentence):
    """Whether what is missing still fits into six words. What the model can say it does not ask."""
    missing = len({BARN, FELL} - set(sentence))
    if sentence[-1] == END:
        return missing == 0
    return len(sentence) + missing <= 6


def masked(sentence):
    """Its probability when every word is drawn among those that are allowed."""
    chance = 1.0
    for k, word in enumerate(sentence):
        row = LM.transition[sentence[k - 1] if k else THE]
        kept = sum(p for v, p in enumerate(row) if allowed((*sentence[:k], v)))
        chance *= row[word] / kept
    return chance


MASKED = {s: masked(s) for s in FITTING}


def distance(weights):
    """Total variation to the posterior of a distribution over sentences."""
    texts = POSTERIOR.keys() | weights.keys()
    gaps = [abs(POSTERIOR.get(s, 0) - weights.get(s, 0)) for s in texts]
    return sum(gaps) / 2 + abs(1 - sum(weights.values())) / 2


@pytest.fixture(scope="module")
def tiny():
    ends = np.arange(len(WORDS)) == END
    probs = lambda text: LM.distribution((THE, *text))  # noqa: E731
    settings = {"max_tokens": 7, "must_end": False}
    free = enumerate_texts(probs, ends, **settings)
    target = enumerate_texts(probs, ends, potentials=[checks._wants()], **settings)
    return figures.Sentences(LM, " the", free, target)


@pytest.fixture
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def populations(potentials, n, runs, select, seed):
    """Side by side, each a list of its generations."""
    decoder = Decoder(LM, [" the"] * runs, potentials, max_tokens=7)
    history = run(decoder, n * runs, within(runs, select), np.random.default_rng(seed))
    return list(zip(*(split(population, runs) for population in history), strict=True))


def weights_in(population):
    """Sentence → weight."""
    found = {}
    particles = population.particles
    for tokens, k, weight in zip(
        particles.tokens, particles.lengths, population.weights, strict=True
    ):
        text = tuple(tokens[:k].tolist())
        found[text] = found.get(text, 0.0) + weight
    return found


def _never():
    """A potential that no finished text meets."""
    nobody = lambda tokens, lengths: np.full(len(tokens), -math.inf)  # noqa: E731
    return Feature(lambda tokens, lengths: np.zeros(len(tokens)), nobody)


def moving_bars(view, ax):
    return [bar for bar in view.fig.axes[ax].patches if bar not in view.still]


ADAPTIVE = when_ess_below(0.5, resample("systematic"))

# ---- a tiny language model -----------------------------------------------------------------------


def test_the_sentences_are_those_listed_by_hand(tiny):
    assert dict(zip(tiny.free.texts, np.exp(tiny.free.log_prior), strict=True)) == pytest.approx(
        FREE
    )
    assert tiny.target.posterior == pytest.approx(POSTERIOR)
    assert tiny.write(tiny.shown[0]) == "the horse fell past a barn"


def test_garden_picture_tells_how_wrong_masking_is(tiny, drawings):
    sheet = figures.garden_picture(tiny)
    top, trap = (max(p, key=p.get) for p in (POSTERIOR, MASKED))
    told = re.split(r"(\d\.\d\d)", sheet.text)
    assert "".join(told[::2]) == (
        f"given barn and fell, {spelled(top)!r} has probability , under local masking ; "
        f"{spelled(trap)!r} has , under local masking ; distance of the two distributions "
    )
    exact = [POSTERIOR[top], MASKED[top], POSTERIOR[trap], MASKED[trap], distance(MASKED)]
    assert [float(number) for number in told[1::2]] == pytest.approx(exact, abs=0.0051)
    ax = sheet.fig.axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    by_name = {spelled(s): s for s in FREE}
    for bars, probs in zip(ax.containers, (FREE, POSTERIOR, MASKED), strict=True):
        expected = [probs.get(by_name[name], 0) for name in names]
        np.testing.assert_allclose([bar.get_width() for bar in bars], expected, atol=1e-12)


def test_rejection_view_keeps_what_fits(tiny, drawings, seed):
    view = figures.rejection_view(tiny, high=11)
    dashed = [bar.get_width() for bar in view.fig.axes[0].patches]
    shown_ = [tuple(text) for text in tiny.shown]
    np.testing.assert_allclose(dashed, [POSTERIOR[s] for s in shown_])
    tries = 2.0 ** np.arange(12)
    np.testing.assert_allclose(numbers_of(view.fixed(1)[0]), np.column_stack([tries, tries * Z]))
    texts = list(tiny.free.texts)
    ends = np.cumsum([FREE[text] for text in texts])
    drawn = [texts[i] for i in np.searchsorted(ends, np.random.default_rng(seed).random(2048))]
    for n in (32, 2048):
        text, cost = view.at(seed, tries=n)
        kept = [s for s in drawn[:n] if s in FITTING]
        assert text == f"kept {len(kept):,} of {n:,} sentences (expected {Z * n:.1f})"
        assert cost == Cost(units=n, lm_tokens=sum(map(len, drawn[:n])))
        (dots,) = view.moving(1)  # a larger budget goes on with the same sentences
        counts = [sum(s in FITTING for s in drawn[: int(x)]) for x in dots.get_xdata()]
        assert dots.get_xdata()[-1] == n
        np.testing.assert_array_equal(dots.get_ydata(), np.maximum(counts, 0.5))
        bars = [bar.get_width() for bar in moving_bars(view, 0)]
        shares = [kept.count(s) / len(kept) for s in shown_] if kept else []
        np.testing.assert_allclose(bars, shares)
        last = [t.get_text() for t in view.fig.axes[1].texts if t not in view.still]
        assert last == [spelled(s) for s in drawn[n - 4 : n]]


def test_particles_view_tells_distance_and_error(tiny, drawings, seed):
    potentials = [checks._wants()]
    view = figures.particles_view(tiny, potentials, low=2, high=5, runs=8)
    measured = {}
    for n in (4, 8, 16, 32):
        last = [h[-1] for h in populations(potentials, n, 8, ADAPTIVE, seed)]
        found = [weights_in(population) for population in last]
        errors = np.array([population.log_evidence for population in last]) - math.log(Z)
        tokens = sum(population.particles.lengths.sum() for population in last)
        measured[n] = found[0], [distance(weights) for weights in found], errors, tokens
    for particles in (8, 32):
        text, cost = view.at(seed, particles=particles)
        weights, distances, errors, tokens = measured[particles]
        ratios = np.exp(errors)
        assert text == (
            f"over 8 runs: mean distance to the posterior {np.mean(distances):.2f}; mean of Ẑ/Z "
            f"{ratios.mean():.2f} ± {ratios.std(ddof=1) / math.sqrt(8):.2f} (exact 1)"
        )
        assert cost == Cost(lm_tokens=round(tokens / 8))
        seen = [n for n in measured if n <= particles]
        for ax, which, floor in ((1, 1, 0.01), (2, 2, -8.0)):
            (dots,) = view.moving(ax)
            means = [np.maximum(measured[n][which], floor).mean() for n in seen]
            np.testing.assert_allclose(numbers_of(dots), np.column_stack([seen, means]))
            ((_, *edges),) = bands(view.fig.axes[ax])
            spread = [np.maximum(measured[n][which], floor) for n in seen]
            np.testing.assert_allclose(edges, np.quantile(spread, (0.05, 0.95), axis=1))
        bars = [bar.get_width() for bar in moving_bars(view, 0)]
        np.testing.assert_allclose(bars, [weights.get(tuple(s), 0.0) for s in tiny.shown])


def test_theory_of_many_particles_agrees_with_importance_sampling(tiny, drawings):
    """The dashed lines, against 400 importance samples of 4,096 masked sentences."""
    view = figures.particles_view(tiny, [checks._wants()], low=2, high=3, runs=2)
    n, texts = 4096, list(POSTERIOR)
    p, q = (np.array([probs[s] for s in texts]) for probs in (POSTERIOR, MASKED))
    counts = np.random.default_rng(0).multinomial(n, q, size=400)
    weights = counts * p / q
    shares = weights / weights.sum(axis=1, keepdims=True)
    distances = np.abs(shares - p).sum(axis=1) / 2
    x, y = numbers_of(view.fixed(1)[0])[0]
    assert y * math.sqrt(x / n) == pytest.approx(distances.mean(), rel=0.05)
    bias = np.log(weights.sum(axis=1) / n)
    x, y = numbers_of(view.fixed(2)[0])[0]
    assert y == pytest.approx(-((p**2 / q).sum() - 1) / (2 * x))
    assert y * x / n == pytest.approx(-np.var(bias) / 2, rel=0.25)


def test_a_population_that_died_out_is_drawn_at_the_floor(tiny, drawings):
    view = figures.particles_view(tiny, [_never()], low=1, high=1, runs=3)
    view.at(0, particles=2)
    (dots,) = view.moving(2)
    assert dots.get_ydata().tolist() == [-8.0]


def test_twist_view_compares_with_none_and_the_best(tiny, drawings, seed):
    view = figures.twist_view(tiny, checks._wants, particles=8, runs=12)
    for barn, fell in ((-3, -3), (-7, -1)):
        text, cost = view.at(seed, barn=barn, fell=fell)
        found = []
        for twist in ((0, 0, 0, 0), (-5, barn, fell, 0)):
            histories = populations([checks._wants(twist)], 8, 12, ADAPTIVE, seed)
            ratios = [math.exp(h[-1].log_evidence) / Z for h in histories]
            shares = np.mean([[p.ess / 8 for p in h] for h in histories], axis=0)
            found.append((np.array(ratios), shares))
        (none, _), (yours, _) = found
        assert text == (
            f"variance of Ẑ/Z: no twist {none.var(ddof=1):.2f}, yours {yours.var(ddof=1):.2f}, "
            f"optimal 0.00; mean of Ẑ/Z with yours {yours.mean():.2f} (exact 1)"
        )
        assert cost == Cost(lm_tokens=56)
        lines = view.moving(1)
        for line, (_, shares) in zip(lines, found, strict=False):
            np.testing.assert_allclose(line.get_ydata(), shares)
        np.testing.assert_allclose(lines[2].get_ydata(), 1)  # all weights stay equal
        assert len(moving_bars(view, 0)) == 3


def test_scheme_picture_tells_the_noise_of_each_scheme(tiny, drawings):
    potentials = [checks._wants((-5.0, -7.0, -1.0, 0.0))]
    sheet = figures.scheme_picture(tiny, potentials, n=8, runs=10)
    said = []
    for i, name in enumerate(resampling.SCHEMES):
        histories = populations(potentials, 8, 10, resample(name), (4, i))
        errors = np.array([h[-1].log_evidence for h in histories]) - math.log(Z)
        said.append(f"{name} {np.maximum(errors, -8).std():.2f}")
    assert sheet.text == f"standard deviation of log Ẑ: {', '.join(said)}"
    faces = [patch.get_facecolor()[:3] for patch in sheet.fig.axes[0].patches]
    assert len(faces) == len(said) and len(set(faces[:-1])) == 1 and faces[-1] not in faces[:-1]


# ---- genealogies of sentences --------------------------------------------------------------------

PROBLEMS = ["81-74+7", "60-21-3"]
SOLVER = NoisySolver()


@pytest.fixture
def conditions():
    doubted = [doubt(SOLVER.vocabulary)]
    return {
        "none": {problem: [] for problem in PROBLEMS},
        "nines": dict.fromkeys(PROBLEMS, doubted),
    }


def test_pieces_of_a_family_join_to_its_texts():
    decoder = Decoder(SOLVER, PROBLEMS[0] + "?", until=";", max_tokens=100)
    history = run(decoder, 8, resample("systematic"), np.random.default_rng(0))
    pieces = figures.generation_texts(decoder, history)
    row = np.arange(8)
    wholes = list(pieces[-1])
    for population, before in zip(history[:0:-1], pieces[-2::-1], strict=True):
        row = population.ancestors[row]
        wholes = [before[i] + rest for i, rest in zip(row, wholes, strict=True)]
    assert [text.rstrip() for text in wholes] == decoder.texts(history[-1].particles)
    assert all(piece.endswith(";") for piece in pieces[0])


@pytest.mark.parametrize(("condition", "threshold"), [("none", 0.0), ("nines", 0.5)])
def test_genealogy_view_tells_who_won(drawings, conditions, seed, condition, threshold):
    view = figures.genealogy_view(SOLVER, PROBLEMS, conditions)
    problem = PROBLEMS[0]
    text, cost = view.at(
        seed, problem=problem, condition=condition, particles=16, threshold=threshold
    )
    decoder = Decoder(
        SOLVER, problem + "?", conditions[condition][problem], until=";", max_tokens=100
    )
    select = when_ess_below(threshold, resample("systematic"))
    history = run(decoder, 16, select, np.random.default_rng(seed))
    last = history[-1]
    shares = {}
    for written, weight in zip(decoder.texts(last.particles), last.weights, strict=True):
        found = re.search(r"#(\d+)$", written)
        answer = found[1].lstrip("0") or "0" if found else "none"
        shares[answer] = shares.get(answer, 0) + weight
    best = sorted(shares, key=shares.get, reverse=True)[:3]
    assert text.startswith("81-74+7 = 14; answers by weight: ")
    told = dict(re.findall(r"(\d+|none) (\d+)%", text.partition("by weight: ")[2]))
    assert sorted(told.values()) == sorted(f"{shares[a]:.0%}"[:-1] for a in best)
    assert f"{best[0]} {shares[best[0]]:.0%}" in text
    first = np.arange(16)
    for population in history[:0:-1]:
        first = population.ancestors[first]
    assert text.endswith(
        f"log Ẑ {last.log_evidence:.2f}; all descend from {len(set(first))} first steps"
    )
    assert cost.lm_tokens == last.cost.lm_tokens and cost.units == 0
    (level,) = [line for line in view.moving(1) if line.get_linestyle() == ":"]
    assert level.get_ydata()[0] == threshold


def test_wrong_steps_are_orange_and_the_dead_are_grey(drawings, conditions, seed):
    view = figures.genealogy_view(SOLVER, PROBLEMS, conditions)
    view.at(seed, particles=16, condition="nines", threshold=1.0)
    wanted = conditions["nines"][PROBLEMS[0]]
    decoder = Decoder(SOLVER, PROBLEMS[0] + "?", wanted, until=";", max_tokens=100)
    history = run(decoder, 16, resample("systematic"), np.random.default_rng(seed))
    alive = np.flatnonzero(history[-1].weights)
    for population in history[:0:-1]:
        alive = population.ancestors[alive]
    tree = view.fig.axes[0]
    first = [t for t in tree.texts if t not in view.still and t.get_position()[0] == 0]
    assert 0 < len(set(alive)) < 16 == len(first)
    for i, label in enumerate(first):
        color = GOOD if label.get_text() == "81-74=7;" else BAD
        assert label.get_color() == ink(color if i in alive else MUTED)


@pytest.mark.parametrize("condition", ["none", "nines"])
def test_a_line_is_orange_from_its_first_wrong_step_on(drawings, conditions, seed, condition):
    view = figures.genealogy_view(SOLVER, PROBLEMS, conditions)
    view.at(seed, particles=16, condition=condition, threshold=0.5)
    decoder = Decoder(
        SOLVER, PROBLEMS[0] + "?", conditions[condition][PROBLEMS[0]], until=";", max_tokens=100
    )
    history = run(decoder, 16, ADAPTIVE, np.random.default_rng(seed))
    wrong = {}  # (step, place) → whether its text has a wrong step, by plain arithmetic
    for population in history:
        for i, text in enumerate(decoder.texts(population.particles)):
            steps = text.split(";")
            first, last = "81-74=7", "7+7=14"
            true = [step in (first, last, "#14", "") for step in steps]
            wrong[population.t, 31 - 31 * i / 15] = not all(true)
    tree = view.fig.axes[0]
    moving = [c for c in tree.collections if c not in view.still]
    (lines,) = [c for c in moving if isinstance(c, LineCollection)]
    for segment, color in zip(lines.get_segments(), lines.get_colors(), strict=True):
        t, height = segment[1]
        place = min(wrong, key=lambda it: abs(it[0] - t) + abs(it[1] - height))
        assert to_hex(color) == to_hex(BAD if wrong[place] else GOOD)
    assert len(lines.get_segments()) >= 16


def test_the_last_dots_are_the_weights(drawings, conditions, seed):
    view = figures.genealogy_view(SOLVER, PROBLEMS, conditions)
    view.at(seed, particles=16, condition="nines", threshold=1.0)
    wanted = conditions["nines"][PROBLEMS[0]]
    decoder = Decoder(SOLVER, PROBLEMS[0] + "?", wanted, until=";", max_tokens=100)
    history = run(decoder, 16, resample("systematic"), np.random.default_rng(seed))
    tree = view.fig.axes[0]
    (dots,) = [c for c in tree.collections if isinstance(c, PathCollection)]
    np.testing.assert_allclose(dots.get_sizes(), 12 * 16 * history[-1].weights)


def test_a_population_that_died_is_one_line(conditions):
    never = {p: [doubt(SOLVER.vocabulary), _never()] for p in PROBLEMS}
    view = figures.genealogy_view(SOLVER, PROBLEMS, conditions | {"never": never})
    good = shown(view)
    control(view, "condition").value = "never"
    assert line_of(view) == "all 16 particles died: none of them met the condition"
    assert shown(view) == good


# ---- under constraints ---------------------------------------------------------------------------


def ask(request, potentials):
    """The request is a beginning."""
    return Decoder(LM, " the", potentials, max_tokens=7)


CONSTRAINTS = {"both words": [checks._wants()], "none": [], "never": [_never()]}


def log_prob(text):
    words = [WORDS.index(" " + word) for word in text.split()] + [END]
    return sum(math.log(LM.transition[a, b]) for a, b in zip([THE, *words], words, strict=False))


@pytest.mark.parametrize(("selection", "select"), [("SMC", ADAPTIVE), ("none", keep_all)])
def test_constraint_view_tells_the_heaviest_text(drawings, seed, selection, select):
    view = figures.constraint_view(ask, CONSTRAINTS, "write")
    text, cost = view.at(seed, constraint="both words", selection=selection, particles=16)
    last = run(ask("", [checks._wants()]), 16, select, np.random.default_rng(seed))[-1]
    shares = {}
    for tokens, weight in weights_in(last).items():
        sentence = LM.vocabulary.decode(tokens)
        shares[sentence] = shares.get(sentence, 0) + weight
    best = max(shares, key=shares.get)
    mean = sum(weight * log_prob(text) for text, weight in shares.items() if weight > 0)
    assert text == (
        f"{best.strip()!r} has weight {shares[best]:.0%}; {len(shares)} different texts; "
        f"mean log probability {mean:.1f}; log Ẑ {last.log_evidence:.1f}"
    )
    assert cost.lm_tokens == last.cost.lm_tokens and cost.units == 0
    assert 0 < view.progress[0] < view.progress[-1] == 1
    written = [t.get_text() for t in view.fig.axes[0].texts if t not in view.still]
    assert written[0] == f"{shares[best]:4.0%}  {best.strip()}"
    heavy = [int(line.split("%")[0]) for line in written]
    assert heavy == sorted(heavy, reverse=True)


def test_selection_changes_what_is_written(drawings):
    view = figures.constraint_view(ask, CONSTRAINTS, "write")
    for selection, selects in (("SMC", True), ("none", False)):
        red = 0
        for seed in range(10):
            view.at(seed, constraint="both words", selection=selection, particles=16)
            red += len(view.moving(1)[1].get_xdata())
        assert (red > 0) == selects


def test_a_page_wraps_long_texts_and_ends():
    long = "word " * 40
    lines = figures._page({long: 0.75, "short": 0.25}, [long, "short"])
    assert lines[0].startswith(" 75%  word word") and lines[1].startswith("      word")
    assert lines[-1] == " 25%  short" and max(map(len, lines)) <= 90


def test_a_page_of_many_texts_shows_the_heaviest_and_the_lightest():
    """Of nine texts of three lines, four fit with a gap; the dead are not shown."""
    texts = [f"{name} " + "word " * 40 for name in "abcdefghi"]
    weight = {text: 2.0**-i for i, text in enumerate(texts, 1)} | {"dead": 0.0}
    lines = figures._page(weight, [*texts, "dead"])
    heads = [line.split() for line in lines if "%" in line or "…" in line]
    names = [head[-1] if head == ["…"] else head[1] for head in heads]
    assert names == ["a", "b", "…", "h", "i"] and len(lines) <= 14


def test_bad_requests_are_one_line_and_the_picture_stays():
    view = figures.constraint_view(ask, CONSTRAINTS, "write")
    good = shown(view)
    for name, bad, kept, line in (
        ("request", "?!", "write", "'?!' holds no word"),
        ("constraint", "never", "both words", "all 16 particles died at token"),
    ):
        control(view, name).value = bad
        assert line in html.unescape(line_of(view)) and shown(view) == good
        control(view, name).value = kept
        assert not line_of(view)


def judged(log_probs, constraint, method):
    rows = [
        {"text": f"text {i}", "log_prob": p, "tokens": 4, "log_weight": 0.0}
        for i, p in enumerate(log_probs)
    ]
    return {"constraint": constraint, "method": method, "texts": rows, "lm_tokens": 9}


def test_constraint_picture_tells_the_means(drawings):
    records = [judged([-4.0, -8.0], "none", "free"), judged([-4.0, -4.0], "none", "free")]
    for extra in (0.0, 2.0):
        records.append(judged([-9.0 - extra, -5.0 - extra], "no e", "masked"))
        records.append(judged([-6.0 - extra, -4.0 - extra], "no e", "SMC"))
    sheet = figures.constraint_picture(judging.constraint_results(records))
    assert sheet.text == (
        "mean log probability of a text: "
        "no e: masked -8.0, best masked -6.0, weighted masked -8.0, SMC -6.0"
    )
    all_of_it, per_token, worth = sheet.fig.axes
    *runs, free = all_of_it.lines
    assert free.get_ydata()[0] == -5.0 and free.get_linestyle() == ":"
    bars = [line.get_ydata()[0] for line in runs if line.get_linestyle() == "-"]
    assert bars == [-8.0, -6.0, -8.0, -6.0]
    np.testing.assert_allclose(runs[0].get_ydata(), [-9, -7])
    bars = [line.get_ydata()[0] for line in per_token.lines if line.get_linestyle() == "-"]
    np.testing.assert_allclose(bars, np.array([-8.0, -6.0, -8.0, -6.0]) / 4)
    assert len(worth.lines) == 2 * 3 + 1  # the worth of one text is no news


# ---- a small model against a large one -----------------------------------------------------------


@pytest.fixture
def entries():
    rng = np.random.default_rng(0)
    found = []
    for model, method, n in (("small", "votes", 4), ("small", "votes", 16), ("large", "greedy", 1)):
        right = (rng.random((2, 30)) < 0.6).astype(float)
        confidence = np.clip(rng.random((2, 30)) * 0.5 + right / 2, 0, 1)
        distinct = np.full((2, 30), float(n))
        cost = Cost(lm_tokens=30.0 * n, lm_positions=20.0 * n, lm_flops=3e7 * n)
        entropy = rng.random((2, 30))
        found.append(contest.Entry(model, method, n, right, confidence, distinct, entropy, cost))
    return found


def test_contest_view_tells_the_method_in_the_ring(drawings, entries):
    view = figures.contest_view(entries, first="large, greedy")
    for name, e in (("large, greedy", entries[2]), ("small, votes 16", entries[1])):
        text, cost = view.at(method=name)
        error = 1.96 * np.std(e.right.mean(axis=0), ddof=1) / math.sqrt(30)
        assert text == (
            f"{name} solves {e.right.mean():.1%} ± {error:.1%}; "
            f"ECE {e.calibration_error:.2f}, AUROC {e.auroc:.2f}; "
            f"{e.n:.1f} different answers, entropy {e.entropy.mean():.2f} nats"
        )
        assert cost == e.cost
        (ring,) = view.moving(0)
        assert numbers_of(ring)[0] == pytest.approx([e.cost.lm_flops, e.right.mean()])
        (curve,) = view.moving(1)
        bins = reliability(e.confidence.ravel(), e.right.ravel())
        np.testing.assert_allclose(
            numbers_of(curve), np.column_stack([bins.confidence, bins.accuracy])
        )
    points = [numbers_of(line) for line in view.fixed(0)]
    expected = [[e.cost.lm_flops, e.right.mean()] for e in entries[:2]]
    assert any(p.shape == (2, 2) and np.allclose(p, expected) for p in points)
    bars = [c.get_segments() for c in view.fig.axes[0].collections if c in view.still]
    reach = [1.96 * np.std(e.right.mean(axis=0), ddof=1) / math.sqrt(30) for e in entries]
    found = [np.ptp(segment[:, 1]) / 2 for segments in bars for segment in segments]
    np.testing.assert_allclose(found, reach)
    assert view.fixed(1)[0].get_linestyle() == "--"


def test_contest_table_has_a_line_for_each_method(entries):
    text = figures.contest_table(entries, {"small": 1234, "large": 20_000})
    head, *lines = text.splitlines()
    assert " ".join(head.split()) == (
        "solved ± 95% answers entropy ECE AUROC tokens positions MFLOPs parameters"
    )
    assert len({len(line) for line in [head, *lines]}) == 1 and len(lines) == 3
    e = entries[1]
    assert lines[1].startswith("small, votes 16 ")
    assert lines[1][28:].split() == [
        f"{e.right.mean():.1%}",
        f"{1.96 * e.error:.1%}",
        "16.0",
        f"{e.entropy.mean():.2f}",
        f"{e.calibration_error:.2f}",
        f"{e.auroc:.2f}",
        "480",
        "320",
        "480.0",
        "1,234",
    ]
