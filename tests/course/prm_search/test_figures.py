"""The pictures of notebook 08: they tell what the search did, and refuse what cannot be."""

import html
import itertools

import numpy as np
import pytest

pytest.importorskip("pyarrow")
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from noisy_solver import load, solution
from views import (
    control,
    line_of,
    no_event_loop_of_another_test,  # noqa: F401
    pixels,
    shown,
)

from ttclib.course.prm_search import chain, figures, rules, sweep, tree
from ttclib.lm import arithmetic
from ttclib.measure import bootstrap
from ttclib.measure.calibration import auc_within
from ttclib.particles.smc import Population, run
from ttclib.search import selections
from ttclib.search.methods import Setting, search_for, select_for
from ttclib.search.results import (
    BEST,
    MAJORITY,
    WEIGHTED,
    Samples,
    block,
    read,
    read_alone,
    read_samples,
)
from ttclib.search.search import conclude
from ttclib.show.population import SCORES, draw_population, label_members
from ttclib.show.style import figure, ink

PROBLEMS = {"one": "(81-74)*(98-77)-92", "two": "23+60+(88+23)"}


# ---- the drawing ---------------------------------------------------------------------------------


def test_the_dead_do_not_reach_the_end():
    dead = np.where(np.arange(4) < 2, -np.inf, 0.0)
    history = [
        Population(0, np.ones(4), np.zeros(4), np.arange(4)),
        Population(1, np.ones(4), dead, np.array([0, 1, 1, 2])),
    ]
    _, ax = figure(size=(3, 2))
    alive = draw_population(ax, history)
    assert [row.tolist() for row in alive] == [
        [False, True, True, False],
        [False, False, True, True],
    ]


def test_labels_look_as_asked():
    _, ax = figure(size=(3, 2))
    label_members(ax, 1, [0, 1], ["a", ""], ["red", "blue"], 8, facecolor=["yellow", "green"])
    (text,) = ax.texts
    look = (text.get_text(), text.get_color(), text.get_position())
    assert look == ("a", ink("red"), (1, 0))
    assert text.get_bbox_patch().get_facecolor()[:2] == (1, 1)


# ---- a search one can watch ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def searched():
    verifiers = {"prm": load("prm"), "exact": rules.right_so_far}
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
    verifiers = {"prm": load("prm"), "exact": rules.right_so_far}
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
        ("own", "3*4000+1", "", "4000 is not allowed; numbers go from 1 to 999"),
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
    assert all(rules.right_so_far(problem + "?", text[:i]) == 1 for i in (7, 16, len(text)))
    assert (
        rules.right_so_far(problem, "81-74=8;") == rules.right_so_far(problem, text[:-1] + "9") == 0
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


def searched_by(setting, n, seed=0, problem=PROBLEMS["two"]):
    """A search and its history, by the solver that slips."""
    search = search_for(setting, load("lab-small"), arithmetic.TASK, problem, load("prm"))
    return search, run(search, n, select_for(setting), np.random.default_rng(seed))


TREES = [
    Setting("best of n", 8),
    Setting("beam", 16, width=4),
    Setting("rebase", 16),
    Setting("particles", 16),
    Setting("mcts", 16, width=4),
]


@pytest.mark.parametrize("setting", TREES)
def test_a_tree_holds_every_beginning_once(setting, seed):
    search, history = searched_by(setting, setting.n, seed)
    nodes = tree.grow(search, history)
    assert len({node.text for node in nodes}) == len(nodes)
    written = [
        (text[: p.particles.lengths[i]], text[: p.particles.begun[i]])
        for p in history
        for i, text in enumerate(search.texts(p.particles))
        if p.particles.lengths[i] > p.particles.begun[i]
    ]
    assert sorted(whole for whole, _ in written) == sorted(
        node.text for node in nodes for _ in range(node.written)
    )
    ends = {
        text
        for text, done in zip(search.texts(history[-1].particles), history[-1].particles.finished)  # noqa: B905
        if done
    }
    before = {text for _, text in written}
    for node in nodes:
        parent = nodes[node.parent].text if node.parent >= 0 else ""
        assert node.text == parent + node.step and node.depth == parent.count(";")
        assert node.selected == (node.text in before | ends)


@pytest.mark.parametrize("setting", TREES)
def test_no_two_lines_cross(setting, seed):
    nodes = tree.grow(*searched_by(setting, setting.n, seed))
    columns = tree.columns(nodes)
    assert sorted(itertools.chain(*columns)) == list(range(len(nodes)))
    for above, below in itertools.pairwise(columns):
        parents = [above.index(nodes[i].parent) for i in below]
        assert parents == sorted(parents)
        for i, j in itertools.pairwise(below):
            assert nodes[i].parent != nodes[j].parent or nodes[i].score >= nodes[j].score


def test_scores_are_colours(seed):
    setting = Setting("beam", 16, width=4)
    search, history = searched_by(setting, 16, seed)
    _, ax = figure(size=(9, 6))
    ax.set_xticks(range(8))
    figures.draw_search(ax, search, history, PROBLEMS["two"])
    nodes = tree.grow(search, history)
    columns = list(itertools.chain(*tree.columns(nodes)))
    (lines,) = (c for c in ax.collections if isinstance(c, LineCollection))
    later = [nodes[i] for i in sorted(columns) if nodes[i].parent >= 0]
    np.testing.assert_allclose(lines.get_colors(), SCORES([node.score for node in later]))
    assert [width > 1 for width in lines.get_linewidths()] == [node.selected for node in later]
    boxes = [text for text in ax.texts if text.get_bbox_patch()]
    assert len(boxes) == len(nodes)
    for i, box in zip(columns, boxes, strict=True):
        patch = box.get_bbox_patch()
        np.testing.assert_allclose(
            patch.get_facecolor(), 0.5 + 0.5 * np.array(SCORES(nodes[i].score))
        )
        assert (patch.get_linewidth() > 1) == nodes[i].selected
        light = np.array(patch.get_facecolor()[:3])
        assert to_rgb(box.get_color()) == (0, 0, 0) and light @ [0.2126, 0.7152, 0.0722] > 0.45


@pytest.mark.parametrize("setting", [Setting("beam", 16, width=4), Setting("best of n", 16)])
def test_boxes_of_neighbouring_steps_do_not_touch(setting, seed):
    search, history = searched_by(setting, 16, seed)
    fig, page, _ = figures._stage(figures.STEPS)
    figures.draw_search(page, search, history, PROBLEMS["two"])
    fig.canvas.draw()
    boxes = [text for text in page.texts if text.get_bbox_patch()]
    extents = [box.get_bbox_patch().get_window_extent() for box in boxes]
    for (a, one), (b, other) in itertools.combinations(zip(boxes, extents, strict=True), 2):
        if a.get_position()[0] != b.get_position()[0]:
            assert not one.overlaps(other), (a.get_text(), b.get_text())


@pytest.mark.parametrize(("n", "words"), [(8, True), (256, False)])
def test_words_where_there_is_room(n, words):
    setting = Setting("best of n", n)
    search, history = searched_by(setting, n)
    _, ax = figure(size=(9, 6))
    ax.set_xticks(range(8))
    figures.draw_search(ax, search, history, PROBLEMS["two"])
    nodes = tree.grow(search, history)
    assert words == (max(map(len, tree.columns(nodes))) <= figures.LABELLED)
    *written, meaning = [text.get_text() for text in ax.texts]
    assert bool(written) == words
    for text in written:
        if text.startswith("#"):
            number, *marks = text[1:].split()
            assert ("✓" in marks) == (number == "194") and ("✗" in marks) == (number != "194")
    right = sum(node.answer == 194 for node in nodes)
    if not words:
        rings = [line for line in ax.lines if line.get_fillstyle() == "none"]
        assert len(rings[0].get_xdata()) == right
    assert ("passed over" in meaning) == any(not node.selected for node in nodes)
    assert ("right answer" in meaning) == bool(right)


def test_a_selection_of_ones_own_is_a_method():
    verifiers = {"prm": load("prm")}
    mine = lambda population, rng: selections.beam(2)(population, rng)  # noqa: E731
    views = [
        figures.search_view(load("lab-small"), verifiers, PROBLEMS, PROBLEMS["two"], one)
        for one in (mine, None)
    ]
    control(views[0], "method").value = "mine"
    control(views[1], "width").value = 2
    as_beam = repr(views[1]).split(" | ")[1]
    assert "mine" in repr(views[0]) and repr(views[0]).split(" | ")[1] == as_beam
    assert figures.named(Setting("best of n", 4), {"width": 4}, "mine").startswith("mine, N = 4")
    assert "mine" not in str(control(views[1], "method").options)


# ---- what many searches came to ------------------------------------------------------------------


WEAK = "prm-tokens"
BODY = "lab-small-own"


def loaded(name):
    """A body that writes alone, and rules that learned nothing, beside solver and judges."""
    return load("lab-small") if name == BODY else rules.RULES.get(name) or load(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = [
        Setting("best of n", n, verifier=v) for n in (1, 4, 16) for v in ("prm", WEAK, "exact")
    ]
    settings += [
        Setting("beam", n, width=4, verifier=v) for n in (4, 8, 16) for v in ("prm", "nines")
    ]
    settings += [Setting("best of n", n, verifier="nines") for n in (1, 4, 16)]
    settings += [Setting("best of n", n, model=BODY, verifier="exact") for n in (1, 4)]
    settings += [Setting("best of n", 1, model=BODY, temperature=0.0, verifier="exact")]
    problems = arithmetic.problems("test", 6, np.random.default_rng(0))
    found = sweep.sweep(
        settings,
        arithmetic.TASK,
        problems,
        2,
        tmp_path_factory.mktemp("work"),
        load=loaded,
        progress=False,
    )
    folder = tmp_path_factory.mktemp("sweep")
    found.save(folder)
    return folder


@pytest.mark.filterwarnings("ignore::UserWarning")  # a table costs no FLOPs: zero has no logarithm
def test_accuracy_is_told(folder):
    table = read(folder)
    table["lm_flops"] = table["lm_flops"] + 1e6 * table["n"]
    picture = figures.accuracy_view(table, folder, ("prm", WEAK), {"prm": BODY})
    found = block(table)
    counts = bootstrap.counts(6, 1999, np.random.default_rng(0))
    for n in (4, 16):
        solved = found.solved("beam M = 4", n)
        gap = solved - found.solved(WEIGHTED, n)
        mean, low, high = bootstrap.mean_interval(gap, counts)
        said = f"{solved.mean():.0%} ({mean:+.1%}, {low:+.1%} to {high:+.1%}) at {n}"
        assert said in repr(picture)
    greedy, likeliest = read_alone(folder, BODY, counts)
    four = likeliest.accuracy[likeliest.paid.tolist().index(4)]
    assert f"{BODY} alone: greedy {greedy.accuracy[0]:.0%} for " in repr(picture)
    assert f"likeliest of 4 {four:.0%} for " in repr(picture)
    control(picture, "method").value = BEST
    control(picture, "against").value = BEST
    best = found.solved(BEST, 16).mean()
    assert f"{best:.0%} at 16 generations" in repr(picture) and "more than" not in repr(picture)
    control(picture, "method").value = "beam M = 4"
    control(picture, "verifier").value = WEAK
    solved = block(table, WEAK).solved(WEIGHTED, 1).mean()
    lacks = f"the sweep holds no beam M = 4 under {WEAK}; {WEIGHTED} (and more than {BEST}): "
    assert f"{lacks}{solved:.0%} (" in repr(picture) and not line_of(picture)
    assert "alone" not in repr(picture)


@pytest.fixture(scope="module")
def ladder(folder):
    return {name: read_samples(folder, name) for name in (WEAK, "prm")}


def test_quality_is_told_by_bin(folder, ladder):
    table = read(folder)
    bins = [np.arange(3), np.arange(3, 6)]
    own = {name: np.tile(np.arange(6) / 8, (3, 1)) for name in ladder}
    table["lm_flops"] = table["lm_flops"] + 1e6 * table["n"]
    picture = figures.quality_view(table, folder, ladder, {"prm": BODY}, bins, own)
    control(picture, "problems").value = 1
    counts = bootstrap.counts(3, 9, np.random.default_rng(0))
    greedy, likeliest = read_alone(folder, BODY, counts, among=bins[1])
    four = likeliest.accuracy[likeliest.paid.tolist().index(4)]
    alone = f"{BODY} alone: greedy {greedy.accuracy[0]:.0%} for ", f"likeliest of 4 {four:.0%} for "
    for verifier in ladder:
        control(picture, "verifier").value = verifier
        found = block({k: v[table["problem"] >= 3] for k, v in table.items()}, verifier)
        for label, name in (
            ("highest score", BEST),
            ("weighted", WEIGHTED),
            ("majority", MAJORITY),
        ):
            ends = [found.solved(name, n).mean() for n in (1, 16)]
            assert f"{label} {ends[0]:.0%} → {ends[1]:.0%}, highest at " in repr(picture)
        assert ("beam M = 4 " in repr(picture)) == (verifier == "prm")
        shape = (-1, ladder[verifier].right.shape[-1])
        area = np.nanmean(
            auc_within(ladder[verifier].score.reshape(shape), ladder[verifier].right.reshape(shape))
        )
        assert f"{verifier}, AUC within a problem {area:.2f}" in repr(picture)
        assert all((said in repr(picture)) == (verifier == "prm") for said in alone)
    assert not line_of(picture)


def test_favourites_are_the_best_of_the_first_n(ladder):
    picture = figures.favourites_view(ladder, [np.arange(3), np.arange(3, 6)])
    control(picture, "problems").value = 1
    for n in (1, 8):
        control(picture, "n").value = n
        score, right = (table[:, 3:, :n] for table in (ladder[WEAK].score, ladder[WEAK].right))
        first = score.argmax(axis=-1)
        wrong = np.mean([not right[i, j, first[i, j]] for i, j in np.ndindex(2, 3)])
        chance = 1 - ladder[WEAK].right[:, 3:].mean()
        told = f"of the favourites of {n} texts {wrong:.0%} are wrong, of all texts {chance:.0%}"
        assert told in repr(picture) and not line_of(picture)
    assert repr(picture).count("standard deviation") == 1


def test_a_longer_walk_goes_on_where_the_shorter_one_stopped():
    def search_of(problems):
        return search_for(
            Setting("best of n", 1), load("lab-small"), arithmetic.TASK, problems, load("prm")
        )

    rng = np.random.default_rng(0)
    samples = Samples(rng.random((2, 2, 9)) < 0.5, rng.random((2, 2, 9)))
    rival = lambda flops: np.full(len(flops), 0.37)  # noqa: E731
    picture = figures.chain_view(search_of, list(PROBLEMS.values()), samples, rival, chains=3)
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
    weights = samples.score**4
    limit = np.mean([(weights * samples.right)[:, i].sum() / weights[:, i].sum() for i in (0, 1)])
    assert f"{limit:.0%} in the long run" in repr(picture)
    assert "best-of-N weighted for as many FLOPs 37%" in repr(picture)
