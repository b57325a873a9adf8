"""The pictures of notebook 08: they tell what the search did, and refuse what cannot be."""

import html
import itertools

import numpy as np
import pytest

pytest.importorskip("pyarrow")
from matplotlib.collections import LineCollection, PathCollection
from noisy_solver import load, solution
from views import (
    button,
    control,
    line_of,
    no_event_loop_of_another_test,  # noqa: F401
    pixels,
    shown,
)

from ttclib.course.prm_search import chain, figures, sweep
from ttclib.lm import arithmetic
from ttclib.particles.smc import Population, run
from ttclib.search.methods import Setting, search_for, select_for
from ttclib.search.results import block, read, where
from ttclib.search.search import conclude
from ttclib.show.population import SCORES, draw_population, label_members
from ttclib.show.style import figure

PROBLEMS = {"one": "(81-74)*(98-77)-92", "two": "23+60+(88+23)"}


def family(rng, n=7, generations=5):
    """A history of numbers."""
    history = [Population(0, rng.random(n), np.zeros(n), np.arange(n))]
    for t in range(1, generations):
        history.append(Population(t, rng.random(n), np.zeros(n), rng.integers(n, size=n)))
    return history


# ---- the drawing ---------------------------------------------------------------------------------


def test_no_two_lines_cross(seed):
    rng = np.random.default_rng(seed)
    for _ in range(20):
        history = family(rng)
        rows = figures.untangled(history)
        for before, after, population in zip(rows, rows[1:], history[1:], strict=False):
            assert sorted(after) == list(range(len(after)))
            assert (np.diff(before[population.ancestors][np.argsort(after)]) >= 0).all()


def drawn(history, **looks):
    _, ax = figure(size=(3, 2))
    alive = draw_population(ax, history, **looks)
    return ax, alive


def test_scores_are_colours():
    history = family(np.random.default_rng(0))
    ax, alive = drawn(history, score=lambda p: p.particles)
    dots = [c for c in ax.collections if isinstance(c, PathCollection)]
    (lines,) = (c for c in ax.collections if isinstance(c, LineCollection))
    for chosen, found in zip((False, True), dots, strict=True):
        scores = np.concatenate(
            [p.particles[a == chosen] for p, a in zip(history, alive, strict=True)]
        )
        np.testing.assert_allclose(found.get_facecolors(), SCORES(scores))
    ends = np.concatenate([p.particles[a] for p, a in zip(history[1:], alive[1:], strict=True)])
    np.testing.assert_allclose(lines.get_colors(), SCORES(ends))


def test_who_only_waits_is_not_drawn():
    history = family(np.random.default_rng(1))
    ax, _ = drawn(
        history,
        score=lambda p: p.particles,
        grown=lambda p: np.arange(len(p)) != 3 if p.t else np.ones(len(p), dtype=bool),
    )
    dots = np.concatenate(
        [c.get_offsets() for c in ax.collections if isinstance(c, PathCollection)]
    )
    assert len(dots) == 7 + 4 * 6 and not ((dots[:, 0] > 0) & (dots[:, 1] == 3)).any()


def test_marks_are_rings():
    history = family(np.random.default_rng(2))
    ax, _ = drawn(history, marked=lambda p: p.particles > 0.5)
    assert len(ax.lines[-1].get_xdata()) == sum((p.particles > 0.5).sum() for p in history)


def test_the_dead_do_not_reach_the_end():
    dead = np.where(np.arange(4) < 2, -np.inf, 0.0)
    history = [
        Population(0, np.ones(4), np.zeros(4), np.arange(4)),
        Population(1, np.ones(4), dead, np.array([0, 1, 1, 2])),
    ]
    _, alive = drawn(history)
    assert [row.tolist() for row in alive] == [
        [False, True, True, False],
        [False, False, True, True],
    ]


def test_labels_look_as_asked():
    _, ax = figure(size=(3, 2))
    label_members(ax, 1, [0, 1], ["a", ""], ["red", "blue"], 8, facecolor=["yellow", "green"])
    (text,) = ax.texts
    assert (text.get_text(), text.get_color(), text.get_position()) == ("a", "red", (1, 0))
    assert text.get_bbox_patch().get_facecolor()[:2] == (1, 1)


# ---- a search one can watch ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def searched():
    verifiers = {"prm": load("prm"), "exact": figures.right_so_far}
    return figures.search_view(load("lab-small"), verifiers, PROBLEMS, first=PROBLEMS["two"])


@pytest.mark.parametrize(
    "setting",
    [
        Setting("beam", 16, width=4),
        Setting("best of n", 8, verifier="exact"),
        Setting("lookahead", 4, width=4, lookahead=2),
        Setting("particles", 16, temperature=1.4),
    ],
)
def test_it_tells_what_the_search_did(setting):
    problem = PROBLEMS["two"]
    verifiers = {"prm": load("prm"), "exact": figures.right_so_far}
    picture = figures.search_view(load("lab-small"), verifiers, PROBLEMS, first=problem)
    names = {
        "method": setting.method,
        "n": setting.n,
        "temperature": setting.temperature,
        "verifier": setting.verifier,
    }
    for name, value in (names | {"k": setting.lookahead}).items():
        control(picture, name).value = value
    search = search_for(
        setting, load("lab-small"), arithmetic.TASK, problem, verifiers[setting.verifier]
    )
    last = run(search, setting.n, select_for(setting), np.random.default_rng(0))[-1]
    texts, line = search.texts(last.particles), repr(picture)
    value = arithmetic.value(arithmetic.parse(problem))
    for how in ("weighted", "max", "majority"):
        answer = conclude(arithmetic.TASK, last, texts, how)
        said = "none" if answer is None else answer
        assert f"{how} {said} ({'right' if answer == value else 'wrong'})" in line
    right = sum(arithmetic.answer(text) == value for text in texts)
    assert f"right are {right} of {setting.n} texts" in line
    assert f"cost: {setting.generations} generations · " in line and "LM tokens" in line
    assert not line_of(picture)


def test_bad_settings_are_one_line_and_the_picture_stays(searched):
    before = shown(searched)
    for name, bad, good, line in (
        ("n", 2, 16, "M is 4 and N is 2; M must be at most N"),
        ("own", "3*400+1", "", "400 is not allowed; numbers go from 1 to 99"),
        ("own", "3+", "", "'3+' lacks a number at its end"),
    ):
        control(searched, name).value = bad
        assert html.unescape(line_of(searched)) == line
        assert shown(searched) == before
        control(searched, name).value = good
        assert not line_of(searched)


def test_every_width_goes_with_every_larger_number_of_texts(searched):
    for m, n in itertools.product(
        control(searched, "width").options, control(searched, "n").options
    ):
        m, n = (option[1] if isinstance(option, tuple) else option for option in (m, n))
        if m <= n:
            assert Setting("beam", n, width=m).width == m


def test_a_typed_problem_is_searched(searched):
    control(searched, "own").value = " 3 * (4+98) - 17 "
    assert "3*(4+98)-17 = 289" in repr(searched)
    control(searched, "own").value = ""
    assert f"{PROBLEMS['two']} = 194" in repr(searched)


def test_the_picture_names_its_setting_and_what_is_not_used(searched):
    """A slider that the method does not ask for changes the words, so that nobody waits for the
    picture.
    """
    words = lambda *given, k: figures.named(Setting(*given), {"width": 4, "lookahead": k})  # noqa: E731
    assert words("beam", 16, 4, k=3) == "beam, N = 16, M = 4, temperature 1, prm   (k = 3 not used)"
    assert (
        words("lookahead", 16, 4, 3, k=3) == "lookahead, N = 16, M = 4, k = 3, temperature 1, prm"
    )
    assert (
        words("rebase", 16, k=1)
        == "rebase, N = 16, temperature 1, prm   (M = 4 and k = 1 not used)"
    )
    before = pixels(shown(searched)[0])
    control(searched, "k").value = 3
    after = pixels(shown(searched)[0])
    rows = np.flatnonzero((after != before).any(axis=(1, 2)))
    assert len(rows) and rows.min() > 0.9 * len(after)  # the words, below the tree
    control(searched, "k").value = 1


def test_settings_of_other_methods_do_not_matter(searched):
    control(searched, "n").value = 2
    assert line_of(searched)
    control(searched, "method").value = "rebase"
    assert not line_of(searched)
    control(searched, "method").value = "beam"
    control(searched, "n").value = 16


def test_right_so_far_is_the_checker():
    problem, text = PROBLEMS["one"], solution(PROBLEMS["one"])
    assert all(figures.right_so_far(problem + "?", text[:i]) == 1 for i in (7, 16, len(text)))
    assert (
        figures.right_so_far(problem, "81-74=8;")
        == figures.right_so_far(problem, text[:-1] + "9")
        == 0
    )


def test_the_picture_of_a_finished_search_tells_its_answers():
    problem = PROBLEMS["two"]
    setting = Setting("best of n", 8)
    search = search_for(setting, load("lab-small"), arithmetic.TASK, problem, load("prm"))
    history = run(search, 8, select_for(setting), np.random.default_rng(0))
    texts = search.texts(history[-1].particles)
    said = figures.search_picture(search, history, problem).text
    right = sum(arithmetic.answer(text) == 194 for text in texts)
    assert said.startswith(f"{problem} = 194; answer by max ")
    assert said.endswith(f"right are {right} of 8 texts")
    answer = conclude(arithmetic.TASK, history[-1], texts, "majority")
    assert f"majority {answer} (" in said


def test_words_where_there_is_room():
    setting = Setting("beam", 16, width=4)
    for n, words in ((8, True), (64, False)):
        search = search_for(
            setting, load("lab-small"), arithmetic.TASK, PROBLEMS["two"], load("prm")
        )
        history = run(search, n, select_for(setting), np.random.default_rng(0))
        _, ax = figure(size=(3, 2))
        figures.draw_search(ax, search, history, PROBLEMS["two"])
        written = [text.get_text() for text in ax.texts]
        assert bool(written) == words
        for text in written:
            if text.startswith("#"):
                assert text.endswith("✓") == (text[1:-2] == "194")


# ---- what many searches came to ------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = [
        Setting("best of n", n, verifier=v) for n in (1, 4, 16) for v in ("prm", "prm-weak")
    ]
    settings += [Setting("beam", n, width=4) for n in (4, 8, 16)]
    problems = arithmetic.problems("test", 6, np.random.default_rng(0))
    found = sweep.sweep(
        settings,
        arithmetic.TASK,
        problems,
        2,
        tmp_path_factory.mktemp("work"),
        load=load,
        progress=False,
    )
    folder = tmp_path_factory.mktemp("sweep")
    found.save(folder)
    return folder


@pytest.mark.filterwarnings(
    "ignore::UserWarning"
)  # a table costs no FLOPs, and zero has no logarithm
def test_accuracy_is_told(folder):
    table = read(folder)
    picture = figures.accuracy_view(table, ("prm", "prm-weak"))
    for answer in ("weighted_last", "max_last"):
        found = block(table, way=answer)
        for n in (4, 16):
            assert f"{found.solved('beam M = 4', n).mean():.0%} (" in repr(picture)
        control(picture, "answer").value = "max"
    control(picture, "verifier").value = "prm-weak"
    solved = block(table, "prm-weak", "max_last").solved("best of n", 1).mean()
    lacks = "the sweep holds no beam M = 4 under prm-weak; best of n, max, prm-weak: "
    assert f"{lacks}{solved:.0%} (" in repr(picture) and not line_of(picture)


def test_overoptimisation_is_told_by_bin(folder):
    table = read(folder)
    picture = figures.overoptimisation_view(table, [np.arange(3), np.arange(3, 6)])
    rows = {k: v[table["problem"] >= 3] for k, v in table.items()}
    found = block(rows, "prm-weak", "max_last")
    first, last = (found.solved("best of n", n).mean() for n in (1, 16))
    control(picture, "problems").value = 1
    assert f"max, prm-weak {first:.0%} → {last:.0%}" in repr(picture)


def test_favourites_are_the_best_of_the_first_n(folder):
    samples = read(folder, "samples")
    picture = figures.favourites_view(samples, {"a": 4})
    for n, seed in ((1, 0), (8, 0), (8, 1)):
        control(picture, "n").value = n
        mine = where(samples, problem=4, seed=seed)
        order = np.argsort(mine["sample"])[:n]
        right, weak = mine["right"][order], mine["prm-weak_last"][order]
        verdict = "right" if right[weak.argmax()] else "wrong"
        assert f"{right.sum()} of the first {n} are right; best by prm-weak: {verdict}" in repr(
            picture
        )
        if n == 8:
            button(picture, "luck").click()


def test_a_longer_walk_goes_on_where_the_shorter_one_stopped():
    def search_of(problems):
        return search_for(
            Setting("best of n", 1), load("lab-small"), arithmetic.TASK, problems, load("prm")
        )

    picture = figures.chain_view(search_of, list(PROBLEMS.values()), chains=3)
    control(picture, "moves").value = 2
    control(picture, "moves").value = 4
    walk = chain.walk(search_of(list(PROBLEMS.values())), 6, np.random.default_rng(0), 4.0)
    visit = [next(walk) for _ in range(5)][-1]
    texts = search_of(["1+1+1"]).texts(visit.particles)
    values = [arithmetic.value(arithmetic.parse(p)) for p in PROBLEMS.values()] * 3
    right = np.mean(
        [arithmetic.answer(text) == value for text, value in zip(texts, values, strict=True)]
    )
    assert f"{right:.0%} after 4 moves" in repr(picture)
