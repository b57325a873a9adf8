"""The pictures of notebook 05: they tell what the model, the samples and the engine say."""

import itertools
import re
from collections import Counter

import ipywidgets as W
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from drawings import Drawing, Sheet
from matplotlib.colors import to_rgba
from noisy_solver import NoisySolver
from views import control, every, line_of, pixels, shown, sliders

from ttclib.course.small_language_model import answers, figures
from ttclib.course.small_language_model.flops import sequence_flops
from ttclib.lm import arithmetic, samplers, tokenizer
from ttclib.lm.decoding import Decoder, sample
from ttclib.lm.models import load
from ttclib.measure import votes
from ttclib.show.style import BAD, GOOD, figure, ink

PROBLEM = "(81-74)*(98-77)-92"
BLUE, ORANGE = to_rgba(GOOD), to_rgba(BAD)


@pytest.fixture
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def new_bars(view, ax):
    """Bars that belong to the setting."""
    return [bar for bar in view.fig.axes[ax].patches if bar not in view.still]


@pytest.fixture(scope="module")
def lm():
    return load("lab-small")


@pytest.fixture(scope="module")
def logits(lm):
    @torch.inference_mode()
    def of(text):
        return lm.model(torch.tensor([tokenizer.encode(text)])).logits[0].double().numpy()

    return of


@pytest.fixture(scope="module")
def drawn(lm):
    """Three problems and eight solutions of each."""
    problems = arithmetic.problems("test", 3, np.random.default_rng(0))
    prompts = [p + "?" for p in problems]
    texts = Decoder(lm, prompts).texts(sample(lm, prompts, 24, np.random.default_rng(0)).particles)
    return problems, [texts[i::3] for i in range(3)]


def test_typed_view_shows_each_solution_and_how_often_it_came(drawings, lm):
    view = figures.typed_view(lm, PROBLEM, high=6, show=3)
    for problem, value in ((PROBLEM, 55), ("7*8 + 1", 57)):
        text, cost = view.at(3, problem=problem, samples=64)
        prompt = problem.replace(" ", "") + "?"
        population = sample(lm, prompt, 64, np.random.default_rng(3))
        written = Decoder(lm, prompt).texts(population.particles)
        right = sum(arithmetic.answer(one) == value for one in written)
        assert f"{prompt[:-1]} = {value}: {right} of 64 solutions end in the right answer" in text
        assert f"{len(set(written))} different solutions" in text
        assert (cost.units, cost.lm_tokens) == (64, population.cost.lm_tokens)
        common = Counter(written).most_common(3)
        widths = [bar.get_width() for bar in new_bars(view, 0)]
        rest = 64 - sum(count for _, count in common)
        counts = [count for _, count in common] + [rest] * (rest > 0)
        np.testing.assert_allclose(widths, np.array(counts) / 64)
        lines = [label for label in view.fig.axes[1].texts if label not in view.still]
        for line, (one, _) in zip(lines, common, strict=False):
            good = arithmetic.answer(one) == value
            assert line.get_text() == f"{'✓' if good else '✗'} {one}⏎"
            assert line.get_color() == ink(GOOD if good else BAD)
        assert any("other solutions" in line.get_text() for line in lines) == (rest > 0)


def test_the_longest_problem_and_its_solution_fit_into_the_picture(lm):
    """Text beyond the edge of a picture would be cut off in silence."""
    fig, (_, words) = figure(1, 2, size=(8.8, 3.3), width_ratios=[1, 3.2])
    longest = "999-100=899;" * 7 + "#899⏎"
    text = words.text(0, 0, f"✗ {longest}", family="monospace", fontsize=8)
    fig.canvas.draw()
    assert text.get_window_extent().x1 < fig.bbox.x1


def test_typed_view_takes_what_people_type_first(lm):
    view = figures.typed_view(lm, "7*8+1", high=3)
    (box,) = every(view, W.Text)
    for text in ("12+30", "2+2", "999-1", "(1+2)*(3+4)"):
        box.value = text
        assert line_of(view) == "" and f"{text} = " in repr(view)


def test_next_token_view_tells_the_distribution(lm, logits):
    view = figures.next_token_view(lm, logits, "(17-9)*12+45")
    position = sliders(view)[0]
    position.value = 5  # 17-9= is written
    probs = np.exp(logits("(17-9)*12+45?17-9=")[-1])
    probs /= probs.sum()
    assert (
        f"likeliest next characters: {tokenizer.build().decode([probs.argmax()])} {probs.max():.2f}"
        in repr(view)
    )
    assert f"entropy {-(probs * np.log2(probs)).sum():.2f} bits" in repr(view)
    assert "right is 8" in repr(view)
    position.value = len("17-9=8;8*12=96;96+45=141;#141")
    assert "right is ⏎" in repr(view)


def test_next_token_view_draws_every_entropy_and_marks_the_right_character(drawings, lm, logits):
    problem = "(17-9)*12+45"
    solution = arithmetic.solve(arithmetic.parse(problem)) + arithmetic.END
    view = figures.next_token_view(lm, logits, problem)
    text, cost = view.at(position=13, temperature=2.0)
    rows = logits(problem + "?" + solution)[len(problem) : -1] / 2.0
    probs = np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)
    bits = -(probs * np.log2(probs)).sum(axis=1)
    heights = [bar.get_height() for bar in new_bars(view, 0)]
    np.testing.assert_allclose(heights, bits)
    chances = new_bars(view, 1)
    names = [label.get_text() for label in view.fig.axes[1].get_xticklabels()]
    blue = [n for n, bar in zip(names, chances, strict=True) if bar.get_facecolor() == BLUE]
    assert blue == [solution[13]] and f"right is {solution[13]} (blue)" in text
    for character in arithmetic.ALPHABET:
        bar = chances[names.index(character)]
        (token,) = tokenizer.encode(character)
        assert bar.get_height() == pytest.approx(probs[13, token])
    assert cost.lm_positions == len(problem) + 14


def test_blue_is_the_right_character_and_not_the_likeliest(drawings, lm, logits):
    """Greedy goes wrong on this problem, so at some position the two are not the same."""
    problem = "86+(866-667+24)"
    solution = arithmetic.solve(arithmetic.parse(problem)) + arithmetic.END
    rows = logits(problem + "?" + solution)[len(problem) : -1]
    right = tokenizer.encode(solution)
    (at, *_) = np.flatnonzero(rows.argmax(axis=1) != right)
    view = figures.next_token_view(lm, logits, problem)
    view.at(position=int(at))
    names = [label.get_text() for label in view.fig.axes[1].get_xticklabels()]
    blue = [n for n, b in zip(names, new_bars(view, 1), strict=True) if b.get_facecolor() == BLUE]
    assert blue == [solution[at]]


def cells(forks):
    """All (row, column) with the character that stands there."""
    return [
        ((fork.row, fork.start + i), character)
        for _, fork in figures._flat(forks)
        for i, character in enumerate(fork.text)
    ]


def test_texts_of_a_tree_never_cover_each_other(seed):
    rng = np.random.default_rng(seed)
    for _ in range(50):
        texts = list({"".join(rng.choice(list("ab"), rng.integers(1, 6))) + "\n" for _ in range(8)})
        forks = figures._forks(texts)
        assert figures._rows(forks) == len(texts)
        places = cells(forks)
        assert len({place for place, _ in places}) == len(places)
        ends = {before + fork.text for before, fork in figures._flat(forks) if not fork.children}
        assert ends == set(texts)
        beginnings = {text[:i] for text in texts for i in range(1, len(text) + 1)}
        assert len(places) == len(beginnings)  # shared beginnings stand there once


def test_tree_view_counts_samples(lm, logits):
    texts = [
        "81-74=7;98-77=21;7*21=147;147-92=55;#55\n",
        "81-74=7;98-77=21;7*21=167;167-92=65;#65\n",
    ]
    view = figures.tree_view(lm, logits, PROBLEM, [(text, 0.2) for text in texts], high=5)
    population = sample(lm, PROBLEM + "?", 32, np.random.default_rng(0))
    got = Decoder(lm, PROBLEM + "?").texts(population.particles)
    gap = max(abs(got.count(text.rstrip()) / 32 - 0.2) for text in texts)
    right = np.mean([arithmetic.answer(text) == 55 for text in got])
    assert f"{len(set(got))} different texts; {right:.0%} end in the right" in repr(view)
    assert f"exact probability {gap:.2f} · cost: 32 samples" in repr(view)


def test_tree_view_draws_the_shares_of_texts_and_of_all_others(drawings, lm, logits):
    texts = [
        "81-74=7;98-77=21;7*21=147;147-92=55;#55\n",
        "81-74=7;98-77=21;7*21=167;167-92=65;#65\n",
    ]
    found = [(texts[0], 0.2), (texts[1], 0.3)]
    view = figures.tree_view(lm, logits, PROBLEM, found, high=6)
    dashed = [line.get_xdata()[0] for line in view.fixed(1)]
    assert dashed == [0.2, 0.3, pytest.approx(0.5)]
    for samples in (8, 64):
        view.at(0, samples=samples)
        population = sample(lm, PROBLEM + "?", samples, np.random.default_rng(0))
        got = Decoder(lm, PROBLEM + "?").texts(population.particles)
        shares = [got.count(text.rstrip()) / samples for text in texts]
        bars = new_bars(view, 1)
        expected = [*shares, 1 - sum(shares)]
        np.testing.assert_allclose([bar.get_width() for bar in bars], expected)
        assert [bar.get_facecolor() for bar in bars][:2] == [BLUE, ORANGE]
    written = "".join(t.get_text() for t in view.fig.axes[0].texts if len(t.get_text()) == 1)
    assert "7*21=1" in written and written.count("⏎") == 2


def test_a_turn_is_written_with_its_chance(drawings, lm, logits):
    problem = "86+(866-667+24)"
    texts = ["866-667=199;199+24=223\n", "866-667=299;299+24=323\n"]
    view = figures.tree_view(lm, logits, problem, [(text, 0.2) for text in texts], high=5)
    probs = np.exp(logits(problem + "?866-667=")[-1])
    probs /= probs.sum()
    chances = [probs[tokenizer.encode(c)[0]] for c in "12"]
    assert min(chances) > 0.05  # what is less than 0.01 is written otherwise
    labels = [t.get_text() for t in view.fig.axes[0].texts if t.get_text().startswith(".")]
    assert labels == [f"{chance:.2f}".lstrip("0") for chance in chances]


def test_chances_above_neighbours_do_not_touch(drawings, lm, logits):
    steps = "866-667={};{}+24={};86+{}={};#{}\n"
    firsts = ["199", "299"]
    texts = [
        steps.format(first, first, int(first) + 24, int(first) + 24, last, last)
        for first in firsts
        for last in (309, 319, 209, 419)
    ]
    view = figures.tree_view(lm, logits, "86+(866-667+24)", [(text, 0.1) for text in texts])
    ax = view.fig.axes[0]
    view.fig.canvas.draw()
    grey = [t for t in ax.texts if re.fullmatch(r"<?\.\d\d", t.get_text())]
    boxes = [t.get_window_extent() for t in grey]
    assert len(boxes) > 8
    gaps = [
        max(a.x0, b.x0) - min(a.x1, b.x1)
        for a, b in itertools.combinations(boxes, 2)
        if min(a.y1, b.y1) > max(a.y0, b.y0)
    ]
    assert min(gaps) > 3  # pixels
    marks = [t.get_text() for t in ax.texts if t.get_text() in "✓✗"]
    assert sorted(marks) == ["✓"] * 2 + ["✗"] * 6


def test_cut_view_draws_what_is_drawn_from(drawings, lm, logits):
    text = PROBLEM + "?81-74=7;98-77=21;7*21=1"
    view = figures.cut_view(lm, logits, {"here": text, "there": text[:-1]}, show=6)
    view.at(temperature=2.0, cut="top-k, k = 2")
    probs = np.exp(logits(text)[-1])
    original = np.sort(probs / probs.sum())[::-1]
    flat = np.sqrt(original[:2])  # the power 1/temperature
    ghosts = [bar for bar in view.fig.axes[0].patches if bar in view.still]
    np.testing.assert_allclose([bar.get_height() for bar in ghosts], original[:6])
    bars = [bar.get_height() for bar in new_bars(view, 0)]
    np.testing.assert_allclose(bars, [*flat / flat.sum(), 0, 0, 0, 0])


def test_cut_view_counts_what_is_left(lm, logits):
    text = PROBLEM + "?81-74=7;98-77=21;7*21=1"
    view = figures.cut_view(lm, logits, {"here": text, "there": text[:-1]})
    cut = control(view, "cut")
    for value, left in (("top-k, k = 5", 5), ("none", 20), ("top-k, k = 1", 1)):
        cut.value = value
        assert f"here: {left} of 20 left" in repr(view)


@pytest.mark.answers("05-026", 1)
def test_at_a_high_temperature_only_min_p_is_sure_and_open_where_the_model_is(lm, logits):
    sure = "86+(866-667+24)?866-667"
    view = figures.cut_view(lm, logits, {"sure": sure, "open": sure + "="})
    temperature, cut = control(view, "temperature"), control(view, "cut")
    temperature.value = 4.0
    left = {}
    for name in ("top-k, k = 5", "min-p, p = 0.1", "top-p, p = 0.9"):
        cut.value = name
        said = re.findall(r": (\d+) of 20 left", repr(view))
        left[name] = [int(number) for number in said]
    assert left["top-k, k = 5"] == [5, 5]
    assert left["min-p, p = 0.1"][0] == 1 < left["min-p, p = 0.1"][1]
    assert left["top-p, p = 0.9"][0] > 1


def test_votes_view_counts_votes_and_refuses_other_texts(lm):
    view = figures.votes_view(lm, PROBLEM, high=4)
    population = sample(lm, PROBLEM + "?", 16, np.random.default_rng(0))
    given = [arithmetic.answer(t) for t in Decoder(lm, PROBLEM + "?").texts(population.particles)]
    assert f"the majority says {votes.majority(given)}" in repr(view)
    assert f"cost: 16 samples · {population.cost.lm_tokens} LM tokens" in repr(view)
    (box,), good = every(view, W.Text), shown(view)
    for text, line in (
        ("1+", "lacks a number"),
        ("3-4+5", "must be from 0 to 999"),
        ("12", "must have 1 to 7"),
        ("1+1+1+1+1+1+1+1+1", "must have 1 to 7"),
        ("1000-1", "go from 1 to 999"),
    ):
        box.value = text
        assert line in line_of(view) and shown(view) == good
    for text in ("1 + 2 + 3", "12+30", "999-1", "1+1+1+1+1+1+1+1"):
        box.value = text
        assert line_of(view) == "" and text in repr(view)


def test_a_tie_of_votes_is_called_a_tie(drawings):
    view = figures.votes_view(NoisySolver(), PROBLEM, high=1)
    said = set()
    for seed in range(20):
        text, _ = view.at(seed, samples=2, temperature=1.5)
        population = sample(
            NoisySolver(),
            PROBLEM + "?",
            2,
            np.random.default_rng(seed),
            sampler=samplers.temperature(1.5),
            max_tokens=90,
        )
        texts = Decoder(NoisySolver(), PROBLEM + "?").texts(population.particles)
        first, second = [arithmetic.answer(written) for written in texts]
        if None in (first, second):
            continue
        tie = f"{first} and {second} tie, and the one drawn first counts: {first}, which is "
        assert (tie in text) == (first != second)
        assert ("the majority says" in text) == (first == second)
        said.add(first == second)
    assert said == {True, False}


def test_votes_view_names_a_unanimous_answer(lm):
    view = figures.votes_view(lm, PROBLEM, high=4)
    samples, _ = sliders(view)
    samples.value = 1
    band = pixels(shown(view)[0])[20:40].astype(int)  # rows of pixels through the only bar
    bar = np.flatnonzero(np.ptp(band[10], axis=1) > 100)
    name = bar.max() + 2 + np.flatnonzero((band[:, bar.max() + 2 :] < 60).all(axis=2).any(axis=0))
    assert len(bar) > band.shape[1] / 2 and np.ptp(name) > 35  # all of a name such as "65  (1)"


def test_votes_view_says_what_it_shows(lm):
    view = figures.votes_view(lm, PROBLEM, high=4)
    samples, temperature = sliders(view)
    samples.value = 1
    pictures = []
    for value in (0.5, 0.7, 1.0):  # one sample, the same luck: the votes may well agree
        temperature.value = value
        pictures.append(pixels(shown(view)[0]))
    assert not any((a == b).all() for a, b in itertools.combinations(pictures, 2))


def test_votes_view_names_the_first_answers_and_counts_the_rest(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    view = figures.votes_view(NoisySolver(), PROBLEM, high=6, show=2)
    text, _ = view.at(0, samples=64, temperature=1.5)
    drawn = {"sampler": samplers.temperature(1.5), "max_tokens": 90}
    population = sample(NoisySolver(), PROBLEM + "?", 64, np.random.default_rng(0), **drawn)
    written = Decoder(NoisySolver(), PROBLEM + "?").texts(population.particles)
    counts = sorted(votes.votes([arithmetic.answer(t) for t in written]).values())
    assert text.startswith(f"{len(counts)} different answers")
    rest = f"and {len(counts) - 2} more answers with {sum(counts[:-2]):.0f} votes"
    assert rest in [label.get_text() for label in view.fig.axes[0].texts]
    bars = [bar.get_width() for bar in view.fig.axes[0].patches]
    np.testing.assert_allclose(bars, [counts[-1] / 64, counts[-2] / 64])


def test_bands_hold_what_other_problems_might_have_given():
    """The mean is exact, and the band is the normal one for many problems."""
    _, ax = figure(size=(3, 2))
    values = (np.random.default_rng(0).random((400, 2)) < [0.3, 0.8]).astype(float)
    figures._with_band(ax, [1, 2], values, GOOD)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), values.mean(axis=0))
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    half = 1.96 * values.std(axis=0) / 20
    for mean, reach in zip(values.mean(axis=0), half, strict=True):
        for edge in (mean - reach, mean + reach):
            assert np.abs(heights - edge).min() < 0.15 * reach


def test_speed_picture_tells_the_rates(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    sheet = figures.speed_picture([1, 64], [500.0, 14_000.0], [200.0, 1_100.0], 60_000.0)
    assert sheet.text == (
        "characters a second: 1 at once 500, all read again 200; 64 at once 14 k, "
        "all read again 1.1 k; a matrix product could do 60 k"
    )
    best, cached, again = sheet.fig.axes[0].lines
    assert best.get_ydata()[0] == 60_000 and best.get_linestyle() == "--"
    assert (cached.get_color(), again.get_color()) == (GOOD, BAD)
    np.testing.assert_array_equal(cached.get_ydata(), [500, 14_000])


def test_positions_are_those_that_the_engine_feeds(lm):
    prompt = "12+30-5?"
    for n in (1, 7, 64):
        population = sample(lm, prompt, n, np.random.default_rng(n))
        texts = Decoder(lm, prompt).texts(population.particles)
        cost = figures._spent(lm.model.config, [prompt], [texts])
        assert (
            cost.lm_positions
            == len(figures.fed_positions(prompt, texts))
            == population.cost.lm_positions
        )
        assert cost.lm_tokens == population.cost.lm_tokens
        assert cost.lm_flops == pytest.approx(population.cost.lm_flops)


def test_samples_view_tells_the_estimates(lm, drawn):
    problems, texts = drawn
    groups = {f"group {i}": [p, p] for i, p in enumerate(problems)}
    samples = {f"group {i}": [mine, mine[::-1]] for i, mine in enumerate(texts)}
    view = figures.samples_view(lm, groups, samples, high=3)
    sliders(view)[0].value = 8
    for i, (p, mine) in enumerate(zip(problems, texts, strict=True)):
        value, given = arithmetic.value(arithmetic.parse(p)), [arithmetic.answer(t) for t in mine]
        passed, voted = any(a == value for a in given), votes.majority_at_k(given, value, 8)
        assert f"group {i} pass@8 {float(passed):.2f}, majority {voted:.2f}" in repr(view)


def test_samples_view_draws_what_the_first_samples_say(drawings, lm):
    """In one problem the first sample is wrong, in the other the last two are."""
    groups = {name: ["1+2+3", "9-4-2"] for name in ("easy", "medium", "hard")}
    mine = [["#5", "#6", "#6", "#7"], ["#3", "#3", "#1", "#2"]]
    view = figures.samples_view(lm, groups, dict.fromkeys(groups, mine), high=2)
    for n, shares, passed, kinds in (
        (1, [0, 1], [0.5], 1.0),
        (2, [0.5, 1], [0.75, 1.0], 1.5),
        (4, [0.5, 0.5], [0.5, 5 / 6, 1.0], 3.0),
    ):
        text, _ = view.at(samples=n)
        assert f"easy pass@{n} {passed[-1]:.2f}, " in text
        for i in range(3):
            np.testing.assert_allclose(view.moving(i)[0].get_ydata(), passed)
            np.testing.assert_array_equal(view.moving(3)[i].get_xdata(), shares)
            assert view.moving(4)[i].get_ydata()[-1] == kinds
    for ax in (3, 4):  # groups differ in shape, not in colour only
        assert len({line.get_marker() for line in view.moving(ax)}) == 3


def test_beam_picture_tells_its_numbers(drawn):
    problems, texts = drawn
    log_probs, right = (
        np.array([[-1.0, -2, -3], [-0.5, -2, -3]]),
        np.array([[0, 1, 1], [1, 1, 1]], dtype=bool),
    )
    picture = figures.beam_picture((1, 2), log_probs, right, (60.0, 90.0), problems, texts)
    assert (
        "width 2 against width 1: log probability +0.17 nats; right answers 1.00 against 0.67"
        in repr(picture)
    )


def test_cache_view_draws_the_flops_it_is_given(drawings, lm):
    def text_flops(a, b, prompt, tokens):
        return 1e6 * tokens + prompt

    view = figures.cache_view(lm.model.config, text_flops, prompt=5, high=4)
    _, cost = view.at(characters=8)
    assert cost.lm_flops == 8e6 + 5
    np.testing.assert_allclose(view.moving(0)[1].get_ydata(), [1e6 * t + 5 for t in (1, 2, 4, 8)])


def test_cache_view_counts_as_the_library_does(lm):
    config = lm.model.config
    view = figures.cache_view(config, answers.text_flops, prompt=5, high=4)
    sliders(view)[0].value = 16
    cached = sequence_flops(config, 0, 20)
    again = sum(sequence_flops(config, 0, 5 + t) for t in range(16))
    assert f"20 positions fed; reading all again would take {again / cached:.0f} times" in repr(
        view
    )


@pytest.mark.answers("05-054", 1)
@pytest.mark.answers("05-054", 2)
def test_the_cache_pays_by_the_factors_that_the_notebook_names(drawings, lm):
    view = figures.cache_view(lm.model.config, answers.text_flops)
    for characters, factor in ((32, 21), (1024, 424)):
        text, _ = view.at(characters=characters)
        assert f"would take {factor} times the FLOPs" in text
    text, cost = view.at(characters=1024)
    assert cost.lm_positions > 840 and "attention is 55% of the work" in text


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("2+3=5;9-5=4;#4", (True, True, True)),
        ("2+3=6;9-6=3;#3", (True, True, False)),
        ("9-2=7;7+3=10;#10", (True, False, False)),
        ("2+3=5;9-5=4;#4#4", (False, True, False)),
        ("2+3=", (False, True, False)),
        ("", (False, False, False)),
    ],
)
def test_stages_of_learning(text, marks):
    assert figures.stages("9-(2+3)", text) == marks


def test_training_view_takes_notes(capsys):
    problems = ["1+2+3", "4-1-1"]
    learned = {
        1: ["((", ")"],
        2: ["1+2=3;3+3=6;#6", "4-1=3;3-1=1;#1"],
        3: ["1+2=3;3+3=6;#6", "4-1=3;3-1=2;#2"],
    }
    now = []
    watch = figures.TrainingView(3, problems, lambda model, given: learned[model], every=2)
    for step in (1, 2, 3):
        watch(step, 3.0 / step, step)
        now.append(len(watch.scores))
    assert now == [1, 2, 3] and watch.losses == [3.0, 1.5, 1.0]
    assert [scores[3] for scores in watch.scores] == [0.0, 0.5, 1.0]
    assert "100% are right" in watch.text


def test_a_long_record_is_spread_evenly():
    assert figures._spread(range(101), 5) == [0, 25, 50, 75, 100]
    assert figures._spread([7], 5) == [7] and figures._spread(range(3), 6) == [0, 1, 2]
