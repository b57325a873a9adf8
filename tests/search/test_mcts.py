"""Monte Carlo tree search: the tree rebuilt from the record by hand, and a best answer to find."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from enumerated import AB, ABC, masses, spell
from exact_p_values import FALSE_ALARM, binomial_p_value
from letters import search_on
from tiny_verifiers import opinion

from ttclib.particles.islands import within
from ttclib.particles.smc import keep_all, run
from ttclib.search import mcts
from ttclib.search.aggregation import AGGREGATIONS
from ttclib.search.mcts import Tree, TreeSearch, uct
from ttclib.search.search import Search
from ttclib.search.selections import beam

PROBLEMS = ["a", "ba", "cc"]
ROUNDS = [(4, 0.25, 0.5), (2, 1.0, 0.5), (1, 0.5, 0.3), (3, 0.0, 1.0), (4, 2.0, 0.01)]


def harsh(problem, text):
    """A third of all texts is worthless."""
    return opinion(problem, text) if hash_of(text) % 3 else 0.0


def hash_of(text):
    return sum(map(ord, text)) + len(text)


def searched(seed, width, exploration, share, n=8, score=opinion, problems=PROBLEMS, **options):
    """All generations of a tree search whose steps end with b or c."""
    options = {"until": "bc", "max_tokens": 12} | options
    search = search_on(ABC, problems, score, kind=TreeSearch, **options)
    select = within(len(problems), uct(width, exploration, share))
    return run(search, n * len(problems), select, np.random.default_rng(seed))


# ---------------------------------------------------------------- the tree, by hand


class Node:
    """A text at the end of a step, its value, and the texts that begin with it."""

    def __init__(self, above, value, key):
        self.above, self.value, self.key = above, value, key
        self.below = []
        if above:
            above.below.append(self)

    def values(self):
        """Of this node and of all below, each once; a root has none of its own."""
        own = [] if self.value is None else [self.value]
        return own + [value for node in self.below for value in node.values()]


def record(history, aggregate):
    """Which node every member of every generation is; those that grew are new."""
    first = history[0]
    k = int(first.particles.prompt.max()) + 1
    roots = [Node(None, None, i) for i in range(k)]
    before, rows, count = [roots[i] for i in first.particles.prompt], [], k
    for population in history:
        p, row = population.particles, []
        for i, parent in enumerate(population.ancestors if population.t else range(len(p))):
            node = before[parent]
            if p.lengths[i] > p.begun[i]:
                dead = population.log_weights[i] == -np.inf
                value = 0.0 if dead else float(aggregate(p.scores[i : i + 1])[0])
                node, count = Node(node, value, count), count + 1
            row.append(node)
        rows.append(row)
        before = row
    return roots, rows


def worst_backup(history, aggregate=AGGREGATIONS["last"]):
    """Largest difference between visits and means of the search and those of the record."""
    worst = 0.0
    for t in range(len(history)):
        roots, rows = record(history[: t + 1], aggregate)
        tree = history[t].particles.tree
        assert [node.key for node in rows[-1]] == history[t].particles.node.tolist()
        nodes = list(roots)
        for node in nodes:
            nodes += node.below
            values = node.values()
            worst = max(worst, abs(tree.visits[node.key] - len(values)))
            mean = tree.totals[node.key] / max(1, tree.visits[node.key])
            worst = max(worst, abs(mean - sum(values) / max(1, len(values))))
            above = -1 if node.above is None else node.above.key
            assert tree.parent[node.key] == above
    return worst


def choices(root, leaves, number, width, exploration):
    """The leaves that upper confidence bounds lead to, in plain Python."""
    pending, chosen = {}, []

    def has_leaf(node):
        return node in leaves - set(chosen) or any(map(has_leaf, node.below))

    for _ in range(number):
        node = root
        while node not in leaves:
            visits = len(node.values()) + pending.get(node, 0)

            def bound(below, visits=visits):
                values = below.values()
                own = len(values) + pending.get(below, 0)
                return sum(values) / len(values) + exploration * math.sqrt(math.log(visits) / own)

            node = max(filter(has_leaf, node.below), key=bound)
        chosen.append(node)
        while node:
            pending[node] = pending.get(node, 0) + width
            node = node.above
    return chosen


def wrong_choices(history, width, exploration, share, aggregate=AGGREGATIONS["last"]):
    """How many generations grew from other texts, or forgot others, than those chosen by hand."""
    wrong = 0
    for t in range(len(history) - 1):
        roots, rows = record(history[: t + 2], aggregate)
        old, new = rows[-2:]
        p, after = history[t].particles, history[t + 1]
        for node in (node for row in rows[-1:] for node in set(row) - set(old)):
            node.above.below.remove(node)  # it was not there yet
        for i, root in enumerate(roots):
            mine = [j for j in range(len(p)) if p.prompt[j] == i]
            dead = [j for j in mine if p.finished[j] and history[t].log_weights[j] == -np.inf]
            live = [j for j in mine if not p.finished[j]]
            if not live:
                continue
            places = math.ceil(share * (len(live) + len(dead)))
            number = min(len(live), math.ceil(places / width))
            chosen = choices(root, {old[j] for j in live}, number, width, exploration)
            children = [node for node in chosen for _ in range(width)][:places]
            grew = [j for j in range(len(after)) if after.particles.prompt[j] == i]
            grew = [new[j].above for j in grew if new[j] not in old]
            waiting = [j for j in live if old[j] not in chosen]
            waiting.sort(key=lambda j: history[t].log_weights[j])
            lost = max(0, len(children) - len(chosen) - len(dead))
            stay = {old[j] for j in waiting[lost:]}
            key = lambda node: node.key  # noqa: E731
            stays = {new[j] for j in range(len(new)) if new[j] in old} & {old[j] for j in waiting}
            wrong += sorted(grew, key=key) != sorted(children, key=key) or stays != stay
    return wrong


@pytest.mark.parametrize("score", [opinion, harsh])
@pytest.mark.parametrize("aggregate", ["last", "product"])
@pytest.mark.parametrize("numbers", ROUNDS)
def test_visits_and_means_are_those_of_the_record(numbers, aggregate, score, seed):
    plain = AGGREGATIONS[aggregate]
    history = searched(seed, *numbers, score=score, aggregate=plain)
    assert len(history) > 3
    assert worst_backup(history, plain) < 1e-12


@pytest.mark.parametrize("score", [opinion, harsh])
@pytest.mark.parametrize("numbers", ROUNDS)
def test_upper_confidence_bounds_lead_to_those_that_grow(numbers, score, seed):
    history = searched(seed, *numbers, score=score)
    assert wrong_choices(history, *numbers) == 0


def forgets_the_root(self, parents, values):
    """A backup that ends one node too early."""
    tree = PLAIN_BACKUP(self, parents, values)
    top = tree.parent < 0
    return replace(tree, visits=np.where(top, 1, tree.visits), totals=tree.totals * ~top)


PLAIN_BACKUP, PLAIN_BOUND = Tree.grown, mcts.upper_bound
WRONG_BOUNDS = {
    "no logarithm": lambda mean, visits, above, c: mean + c * np.sqrt(above / visits),
    "no root": lambda mean, visits, above, c: mean + c * np.log(above) / visits,
    "values summed": lambda mean, visits, above, c: PLAIN_BOUND(mean * visits, visits, above, c),
    "another parent": lambda mean, visits, above, c: PLAIN_BOUND(mean, visits, visits.max() + 1, c),
    "no exploration": lambda mean, visits, above, c: mean,
}


@pytest.mark.parametrize("mistake", WRONG_BOUNDS)
def test_wrong_bounds_are_noticed(mistake, seed, monkeypatch):
    monkeypatch.setattr(mcts, "upper_bound", WRONG_BOUNDS[mistake])
    numbers = (2, 0.5, 0.5)
    assert sum(wrong_choices(searched(seed + i, *numbers, n=12), *numbers) for i in range(5))


def test_a_backup_that_forgets_the_root_is_noticed(seed, monkeypatch):
    monkeypatch.setattr(Tree, "grown", forgets_the_root)
    assert worst_backup(searched(seed, 4, 0.25, 0.5)) > 0.1


def test_places_that_count_no_visit_are_noticed(seed, monkeypatch):
    """Were a chosen text not counted at once, the next would be looked for beside it."""
    plain = mcts._descend
    monkeypatch.setattr(
        mcts, "_descend", lambda tree, leaves, number, width, c: plain(tree, leaves, number, 0, c)
    )
    numbers = (2, 0.5, 0.5)
    assert sum(wrong_choices(searched(seed + i, *numbers, n=12), *numbers) for i in range(5))


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("n", [2, 6])
def test_without_exploration_and_waiting_the_best_text_is_followed(n, seed):
    """A width of N and c = 0: greedy best-first, which is beam search of that width."""
    found = []
    for kind, select in ((TreeSearch, uct(n, 0.0, 1.0)), (Search, beam(n))):
        search = search_on(ABC, "a", opinion, kind=kind, until="bc", max_tokens=12)
        history = run(search, n, select, np.random.default_rng(seed))
        found.append([(p.ancestors.tolist(), search.texts(p.particles)) for p in history])
    assert found[0] == found[1]


def test_one_place_goes_to_the_best_mean(seed):
    """One place a round, c = 0 and exact values: who is right so far goes on to the end."""

    def value(problem, text):
        return float("c" not in text) or 0.125

    history = searched(seed, 1, 0.0, 0.01, n=6, score=value, problems=["a"], until="abc")
    for before, after in itertools.pairwise(history):
        p = before.particles
        grew = after.ancestors[after.particles.lengths > after.particles.begun]
        assert len(grew) == 1
        live = [i for i in range(len(p)) if not p.finished[i]]
        best = any(not (p.tokens[i] == 2).any() for i in live)
        assert best == (not (p.tokens[grew[0]] == 2).any())


@pytest.mark.parametrize("numbers", ROUNDS)
def test_finished_and_waiting_texts_stay_as_they_are(numbers, seed):
    history = searched(seed, *numbers)
    waited = 0
    for before, after in itertools.pairwise(history):
        old, new = before.particles, after.particles
        done = np.flatnonzero(old.finished)
        assert (after.ancestors[done] == done).all()
        assert (np.bincount(after.ancestors, minlength=len(old))[done] == 1).all()
        still = np.flatnonzero(new.lengths == new.begun)
        waited += (~new.finished[still]).sum()
        parents = after.ancestors[still]
        assert (new.tokens[still] == old.tokens[parents]).all()
        assert (after.log_weights[still] == before.log_weights[parents]).all()
        assert np.isnan(new.scores[still, -1]).all()
    assert history[-1].particles.finished.all()
    assert waited or numbers[2] == 1


def test_every_token_is_drawn_after_its_own_text(seed):
    """Texts that waited go on from their own rows: each token has its own text's probability."""
    p = searched(seed, 4, 0.5, 0.5)[-1].particles
    for i in range(len(p)):
        text = ABC.vocabulary.encode(PROBLEMS[p.prompt[i]])
        for token, (log_p, _) in zip(p.tokens[i, : p.lengths[i]], p.per_token[i], strict=False):
            assert log_p == pytest.approx(math.log(ABC.distribution(tuple(text))[token]))
            text = [*text, int(token)]


def test_costs_are_what_was_written(seed):
    """What grows in one generation from one row of the cache is fed once where it is equal."""
    history = searched(seed, 2, 0.5, 0.5)
    written, fed = 0, set()
    rows = [("prompt", int(i)) for i in history[0].particles.prompt]
    for population in history:
        p, t = population.particles, population.t
        rows = [rows[parent] for parent in population.ancestors] if t else rows
        written += int((p.lengths - p.begun).sum())
        for i in np.flatnonzero(p.lengths > p.begun):
            text = tuple(p.tokens[i, : p.lengths[i]].tolist())
            fed |= {(t, rows[i], text[:j]) for j in range(max(1, p.begun[i]), len(text))}
            rows[i] = (t, rows[i], text)
    paid = history[-1].spent
    assert paid.lm_tokens == written
    assert paid.lm_positions == sum(map(len, PROBLEMS)) + len(fed)


@pytest.mark.parametrize("lookahead", [0, 2])
def test_the_steps_are_about_those_of_n_solutions(lookahead, seed):
    """At most one step a place and generation; rollouts come on top."""
    history = searched(seed, 2, 0.5, 0.5, lookahead=lookahead)
    steps = [int((p.particles.lengths > p.particles.begun).sum()) for p in history]
    assert steps[0] == len(history[0]) and max(steps[1:]) <= len(history[0])
    paid = history[-1].spent.lm_tokens
    written = sum(int((p.particles.lengths - p.particles.begun).sum()) for p in history)
    assert (paid > written) == (lookahead > 0)


# ---------------------------------------------------------------- the best answer


BEST = "abaa"  # no text is longer
RUNS = 200


def nearness(problem, text):
    """How much of the best answer a text has from its beginning on: 1 for it alone."""
    same = next((i for i, (a, b) in enumerate(zip(text, BEST, strict=False)) if a != b), len(text))
    return (1 + min(same, len(BEST))) / (1 + len(BEST))


def runs_that_find_it(n, seed):
    """In how many of some searches, islands of one run, the best answer is found."""
    options = {"kind": TreeSearch, "until": "ab", "max_tokens": len(BEST)}
    search = search_on(AB, ["a"] * RUNS, nearness, **options)
    select = within(RUNS, uct(min(n, 4), 0.5, 0.5))
    last = run(search, n * RUNS, select, np.random.default_rng(seed))[-1]
    right = np.array([text == BEST for text in search.texts(last.particles)])
    return int(right.reshape(n, RUNS).any(axis=0).sum())


@pytest.mark.statistical
def test_the_more_texts_the_surer_is_the_best_answer(seed):
    """With N = 1 it is found as often as it is drawn, with N = 64 nearly always.

    False alarms: the first is exact; the second comes at most once in 10⁸ seeds if the chance is
    97%, and it is higher. Best of 64 would find it in 69%.
    """
    exact = masses(AB, AB.vocabulary.encode("a"), lambda text: 1.0, len(BEST))
    p = sum(mass for tokens, mass in exact.items() if spell(AB.vocabulary, tokens) == BEST)
    assert 1 - (1 - p) ** 64 < 0.7
    assert binomial_p_value(runs_that_find_it(1, seed), RUNS, p) > FALSE_ALARM
    assert runs_that_find_it(64, seed) >= 0.87 * RUNS


@pytest.mark.statistical
def test_a_search_that_avoids_the_best_is_noticed(seed, monkeypatch):
    monkeypatch.setattr(mcts, "upper_bound", lambda mean, *others: -PLAIN_BOUND(mean, *others))
    assert runs_that_find_it(64, seed) < 0.87 * RUNS


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        ((0,), "width M is 0; it must be a whole number of at least 1"),
        ((4, -0.1), "exploration c is -0.1; it must be a finite number of at least 0"),
        ((4, 0.5, 0.0), "share is 0.0; it must be a finite number in (0, 1]"),
        ((4, 0.5, 1.5), "share is 1.5; it must be a finite number in (0, 1]"),
    ],
)
def test_a_bad_number_is_one_line(numbers, line):
    with pytest.raises(ValueError) as error:
        uct(*numbers)
    assert str(error.value) == line


def test_texts_without_a_tree_are_one_line(seed):
    history = run(search_on(AB, "a", opinion), 4, keep_all, np.random.default_rng(seed))
    with pytest.raises(TypeError, match=r"^these texts are in no tree; uct selects among those "):
        uct(2)(history[0], np.random.default_rng(0))


def test_several_problems_without_islands_are_one_line(seed):
    search = search_on(AB, PROBLEMS[:2], opinion, kind=TreeSearch, until="ab", max_tokens=6)
    with pytest.raises(ValueError, match=r"^these texts solve several problems; use uct within is"):
        run(search, 8, uct(2), np.random.default_rng(seed))
