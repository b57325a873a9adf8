"""Markov-chain search: the whole transition matrix by enumeration, and what it costs."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from enumerated import ABC, Enumerated, tiny
from letters import search_on
from letters_weighed import prefer
from outcomes import outcomes

pytest.importorskip("torch")
from search_targets import VERIFIERS, target
from tiny_transformers import tiny as tiny_transformer
from tiny_verifiers import opinion, tiny_verifier

from ttclib.cost import Cost
from ttclib.course.prm_search import chain
from ttclib.search.aggregation import AGGREGATIONS
from ttclib.search.search import Search, conclude

FALSE_ALARM = 1e-6
AB = tiny("a", "b", seed=3)
THIRDS = [1 / 3, 1 / 2, 2 / 3]  # where a uniform number changes the cut of three steps or fewer
QUARTERS = [1 / 4, *THIRDS, 3 / 4]


class EnumeratedSearch(Search):
    """A search whose tokens are decisions: see ``outcomes``."""

    _draw = Enumerated._draw


def name(solutions, i=0):
    return tuple(solutions.tokens[i, : solutions.lengths[i]].tolist())


class UpToAcceptance:
    """Decisions up to the one whether to accept, whose probability is known without drawing it."""

    def __init__(self, decisions):
        self.spawn, self.decisions = decisions.spawn, decisions

    def random(self, n):
        decisions, self.decisions = self.decisions, None
        return decisions.random(n) if decisions else np.full(n, 0.5)


def transitions(search, power):
    """The probability of every move from every solution, over all random outcomes: {(x, y): T(x →
    y)}.
    """
    starts, cuts = {}, THIRDS if search.max_tokens < 4 else QUARTERS
    for _, visit in outcomes(lambda rng: next(chain.walk(search, 1, rng))):
        starts[name(visit.particles)] = visit.particles
    matrix = {}
    for x, solution in starts.items():
        move = lambda rng, x=solution: chain.move(search, x, UpToAcceptance(rng), power)  # noqa: E731
        for probability, visit in outcomes(move, cuts):
            y, accept = name(visit.proposal), visit.acceptance[0]
            matrix[x, y] = matrix.get((x, y), 0.0) + probability * accept
            matrix[x, x] = matrix.get((x, x), 0.0) + probability * (1 - accept)
    return matrix


def imbalance(lm=AB, score="strictly between", aggregate="last", until="b", power=1.0, **options):
    """Largest violation of detailed balance, and of π T = π, relative to the largest mass."""
    options = {"max_tokens": 3} | options
    search = search_on(
        lm,
        "a",
        VERIFIERS[score],
        kind=EnumeratedSearch,
        aggregate=AGGREGATIONS[aggregate],
        until=until,
        **options,
    )
    # p · value^power, from p · value and p
    valued = target(lm, "a", VERIFIERS[score], aggregate, until, **options)
    even = target(lm, "a", lambda problem, text: 1.0, aggregate, until, **options)
    pi = {x: even[x] * (valued[x] / even[x]) ** power for x in valued if even[x] > 0}
    matrix = transitions(search, power)
    support = {x for x in pi if pi[x] > 0}
    for x in support:
        assert sum(q for (a, _), q in matrix.items() if a == x) == pytest.approx(1, abs=1e-12)
    balance = max(
        abs(pi[x] * matrix.get((x, y), 0.0) - pi[y] * matrix.get((y, x), 0.0))
        for x, y in itertools.product(support, support)
    )
    flow = dict.fromkeys(support, 0.0)
    for (x, y), q in matrix.items():
        if x in support and q > 0:
            flow[y] += pi[x] * q  # a KeyError if a chain leaves the support
    return max(balance, *(abs(flow[x] - pi[x]) for x in support)) / max(pi.values())


@pytest.mark.parametrize(
    ("aggregate", "power"),
    [("last", 1.0), ("last", 0.0), ("min", 3.0), ("product", 1.0), ("mean", 0.5)],
)
def test_the_kernel_keeps_the_target(aggregate, power):
    assert imbalance(aggregate=aggregate, power=power) < 1e-12


@pytest.mark.parametrize("score", VERIFIERS)
def test_the_kernel_keeps_every_target(score):
    """Also where some solutions are worth nothing: no chain goes there."""
    assert imbalance(score=score, until="ab") < 1e-12


def test_the_kernel_keeps_the_target_of_other_texts():
    assert imbalance(lm=tiny("a", seed=4), until="a", max_tokens=4) < 1e-12  # up to four steps
    assert imbalance(lm=ABC, until="bc", max_tokens=2) < 1e-12
    assert imbalance(until="ab", stop=("ba",)) < 1e-12  # a stop string may begin in what was kept


# ---------------------------------------------------------------- mistakes


def forgets_the_steps(old, new, old_steps, new_steps):
    """Value alone: long solutions, which can be cut in more places, then come too often."""
    return new / old


def turns_the_steps_round(old, new, old_steps, new_steps):
    """S(x′) / S(x)."""
    return new * new_steps / (old * old_steps)


def accepts_all(old, new, old_steps, new_steps):
    return np.ones(len(old))


@pytest.mark.parametrize("mistake", [forgets_the_steps, turns_the_steps_round, accepts_all])
def test_wrong_ratios_are_noticed(mistake, monkeypatch):
    monkeypatch.setattr(chain, "metropolis_hastings_ratio", mistake)
    assert imbalance() > 1e-2


def test_wrong_cuts_are_noticed(monkeypatch):
    """Never from the beginning: then solutions with other first steps are out of reach, or more."""
    plain = chain._regrow
    monkeypatch.setattr(
        chain,
        "_regrow",
        lambda search, x, kept, rng: plain(search, x, np.maximum(kept - 1, 0), rng),
    )
    assert imbalance() > 1e-2


def test_a_suffix_that_forgets_its_beginning_is_noticed(monkeypatch):
    """The rest is written from the problem alone."""
    plain = Search.begin

    def forgets(search, prompt, tokens, per_token=None):
        new, cost = plain(search, prompt, tokens, per_token)
        session = search.lm.start([search.prompts[p] for p in prompt], search.room)
        return replace(new, run=type(new.run)(session), rows=np.arange(len(new))), cost

    monkeypatch.setattr(Search, "begin", forgets)
    assert imbalance() > 1e-2


# ---------------------------------------------------------------- the walk

PROMPTS = ["a", "bca", "cc"]


def walk(search, n, moves, seed, power=1.0):
    return list(
        itertools.islice(chain.walk(search, n, np.random.default_rng(seed), power), moves + 1)
    )


def plain_search(**options):
    return search_on(ABC, PROMPTS, opinion, **{"until": "ab", "max_tokens": 7} | options)


def test_a_visit_follows_from_the_one_before(seed):
    """Chains take the proposal where they accept it, stay where they do not, and forget nothing."""
    search = plain_search(stop="cab")
    visits = walk(search, 60, 6, seed)
    assert [visit.t for visit in visits] == list(range(7))
    fields = ("tokens", "lengths", "finished", "log_probs", "per_token", "scores", "prompt")
    for before, after in itertools.pairwise(visits):
        assert 0 < after.accepted.sum() < 60
        for field in fields:
            old, new, here = (
                getattr(p, field) for p in (before.particles, after.proposal, after.particles)
            )
            assert np.array_equal(here[after.accepted], new[after.accepted], equal_nan=True)
            assert np.array_equal(here[~after.accepted], old[~after.accepted], equal_nan=True)
        value = [
            p.scores[np.arange(60), chain.steps(p) - 1] for p in (before.particles, after.proposal)
        ]
        ratio = value[1] / value[0] * chain.steps(before.particles) / chain.steps(after.proposal)
        assert after.ratio == pytest.approx(ratio)
        assert (after.accepted | (after.ratio < 1)).all()
    for visit in visits:
        p = visit.particles
        assert (p.prompt == np.arange(60) % 3).all()
        assert p.finished.all() and (p.lengths <= 7).all()
        for i, text in enumerate(search.texts(p)):
            assert text.find("cab") in (-1, len(text) - 3)
            tokens = name(p, i)
            prefix = ABC.vocabulary.encode(PROMPTS[i % 3])
            laws = [ABC.distribution((*prefix, *tokens[:j])) for j in range(len(tokens))]
            log_p = np.log([law[token] for law, token in zip(laws, tokens, strict=True)])
            assert p.per_token[i, : len(tokens), 0] == pytest.approx(
                log_p
            )  # of kept tokens as well
            assert p.per_token[i, : len(tokens), 1] == pytest.approx(
                [-(q * np.log(q)).sum() for q in laws]
            )
            assert p.log_probs[i] == pytest.approx(log_p.sum())
            ends = [j for j, token in enumerate(tokens, 1) if token in (0, 1)]
            ends += [] if ends and ends[-1] == len(tokens) else [len(tokens)]
            spoken = [ABC.vocabulary.decode(tokens[:j]) for j in ends]
            expected = [opinion(PROMPTS[i % 3], said) for said in spoken]
            assert p.scores[i, : len(ends)] == pytest.approx(expected)
            assert np.isnan(p.scores[i, len(ends) :]).all()


def test_a_move_keeps_whole_steps(seed):
    search = plain_search()
    visits = walk(search, 90, 5, seed)
    kept_some = 0
    for before, after in itertools.pairwise(visits):
        old, new = before.particles, after.proposal
        for i in range(90):
            kept = new.scores[i, : chain.steps(old)[i]] == old.scores[i, : chain.steps(old)[i]]
            kept_some += kept[0] and not kept.all()
    assert kept_some > 20


@pytest.mark.statistical
def test_chains_accept_as_often_as_they_should(seed):
    """Σ(accepted − acceptance) of 2000 independent chains; false-alarm rate 1e-6.

    Given its proposal each term is bounded in an interval of length 1 and has mean 0, so the sum
    exceeds √(n log(2 · 10⁶) / 2) with probability below 1e-6 (Hoeffding 1963).
    """
    n = 2000
    _, visit = walk(plain_search(), n, 1, seed)
    bound = np.sqrt(n * np.log(2 / FALSE_ALARM) / 2)
    assert abs((visit.accepted - visit.acceptance).sum()) < bound
    assert abs((1 - visit.acceptance).sum()) > bound  # accepting all would show


@pytest.mark.statistical
def test_chains_have_the_law_of_the_matrix(seed):
    """Total variation of 3000 chains to p T⁵, which is near the target; false-alarm rate 1e-6.

    Chains are independent: the distance of n draws exceeds its mean, at most ½ Σ √(q(1−q)/n), by
    √(log(10⁶) / 2n) with probability below 1e-6 (McDiarmid 1989).
    """
    n, power, options = 3000, 3.0, {"until": "b", "max_tokens": 3}
    matrix = transitions(search_on(AB, "a", opinion, kind=EnumeratedSearch, **options), power)
    even = target(AB, "a", lambda problem, text: 1.0, "last", **options)
    texts, valued = list(even), target(AB, "a", opinion, "last", **options)
    law = np.array([even[x] for x in texts])
    aim = np.array([even[x] * (valued[x] / even[x]) ** power for x in texts])
    steps = np.array([[matrix.get((x, y), 0.0) for y in texts] for x in texts])
    first, law = law, law @ np.linalg.matrix_power(steps, 5)
    bound = np.sqrt(law * (1 - law) / n).sum() / 2 + np.sqrt(np.log(1 / FALSE_ALARM) / (2 * n))

    def distance(visit):
        found = np.zeros(len(texts))
        for i in range(n):
            found[texts.index(name(visit.particles, i))] += 1 / n
        return abs(found - law).sum() / 2

    visits = walk(search_on(AB, "a", opinion, **options), n, 5, seed, power)
    assert distance(visits[5]) < bound
    assert distance(visits[0]) > bound  # the model's own law is another one
    far = abs(first - aim / aim.sum()).sum() / 2
    assert abs(law - aim / aim.sum()).sum() / 2 < far / 4
    assert far > 2 * bound  # power


def test_a_power_of_zero_forgets_the_verifier(seed):
    visit = walk(plain_search(), 30, 1, seed, power=0.0)[1]
    old = walk(plain_search(), 30, 0, seed)[0]
    assert visit.ratio == pytest.approx(chain.steps(old.particles) / chain.steps(visit.proposal))


def test_worthless_solutions_are_left(seed):
    right = lambda problem, text: float("aa" not in text)  # noqa: E731
    search = search_on(ABC, "a", right, until="ab", max_tokens=7)
    visits = walk(search, 60, 8, seed)
    worth = [AGGREGATIONS["last"](visit.particles.scores) for visit in visits]
    assert (worth[0] == 0).any()
    for before, after, visit in zip(worth, worth[1:], visits[1:], strict=False):
        assert (after >= before).all()
        assert visit.accepted[before == 0].all() and (visit.acceptance[before == 0] == 1).all()
    assert worth[-1].mean() > worth[0].mean()


def test_conclusions_of_chains(seed):
    lm = tiny("#1", "#2", ";", seed=5)
    search = search_on(lm, ";", lambda problem, text: 0.9 if "#2" in text else 0.1, max_tokens=4)
    visit = walk(search, 200, 10, seed)[-1]
    assert conclude(search.task, visit, search.texts(visit.particles), "majority") == 2
    assert (visit.weights == 1 / 200).all()


# ---------------------------------------------------------------- what it costs

LM = tiny_transformer("llama", letters="abcdefg", context=40)


@pytest.mark.parametrize("prompt", ["gfe", PROMPTS])
def test_costs_and_scores_of_a_transformer(prompt, seed):
    """Each move reads every different beginning once more, and every new step once; scores stay
    right.
    """
    verifier = tiny_verifier(LM)
    search = search_on(LM, prompt, verifier, until="ab", max_tokens=20)
    rng = np.random.default_rng(seed)
    visit = next(chain.walk(search, 24, rng))
    problems = sum(map(len, search.prompts))
    for _ in range(4):
        old, spy = visit.particles, Spy(search)
        visit = chain.move(spy.search, old, rng)
        new, kept = visit.proposal, spy.kept
        assert (new.tokens == old.tokens)[np.arange(20) < kept[:, None]].all()
        prefixes = {(new.prompt[i], *new.tokens[i, : kept[i]].tolist()) for i in range(24)}
        reads = set()
        for i in range(24):
            text = new.tokens[i, : new.lengths[i]].tolist()
            ends = [j for j, token in enumerate(text, 1) if token in (0, 1) or j == len(text)]
            begins = [kept[i], *(j for j in ends if kept[i] < j < len(text))]
            stops = [j for j in ends if j > kept[i]]
            for generation, (begin, stop) in enumerate(zip(begins, stops, strict=True)):
                for k in range(begin + 1, stop + 1):
                    reads.add((generation, new.prompt[i], *text[:k]))
        fed = sum(len(search.prompts[p]) + len(prefix) for p, *prefix in prefixes)
        assert visit.spent.lm_positions == fed + spy.generated
        assert visit.spent.lm_tokens == visit.spent.units == (new.lengths - kept).sum()
        again = {(p, *prefix[:k]) for p, *prefix in prefixes for k in range(1, len(prefix) + 1)}
        assert visit.spent.verifier_positions == problems + len(again) + len(reads)
        rescored = replace(new, begun=np.zeros(24, dtype=int))
        reader = verifier.start(LM, search.task, search.problems, search.room)
        whole = reader.read(rescored, np.arange(24))[0]
        assert AGGREGATIONS["last"](new.scores) == pytest.approx(whole, abs=1e-5)


class Spy:
    """The same search; it notes where texts were cut and how many positions were fed one by one."""

    def __init__(self, search):
        self.generated, self.kept = 0, None
        noted = type("Noted", (Search,), {"propose": self.propose, "_feed": self.feed})
        self.search = noted(search.lm, search.task, search.problems, search.verifier, max_tokens=20)

    def propose(self, t, parents, n, rng):
        if parents.version == 0:
            self.kept = parents.lengths.copy()
        return Search.propose(self.search, t, parents, n, rng)

    def feed(self, new, active):
        cost = Search._feed(self.search, new, active)
        self.generated += cost.lm_positions
        return cost


def test_spent_adds_up(seed):
    search = plain_search()
    visits, rng = walk(search, 12, 3, seed), np.random.default_rng(seed)
    first = next(chain.walk(search, 12, rng))
    total, here = first.spent, first.particles
    for visit in visits[1:]:
        made = chain.move(search, here, rng)
        total, here = total + made.spent, made.particles
        assert visit.spent == total
        assert isinstance(made.spent, Cost) and made.spent.lm_positions > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: walk(plain_search(), 0, 1, 0), "n is 0"),
        (
            lambda: walk(plain_search(), 2, 1, 0, power=-1.0),
            "power is -1.0; it must be a finite number",
        ),
        (lambda: walk(plain_search(must_end=True), 2, 1, 0), "leave out potentials and must_end"),
        (
            lambda: walk(plain_search(potentials=[prefer("a", 1.0, ABC.vocabulary)]), 2, 1, 0),
            "a Markov chain proposes from the model alone",
        ),
    ],
)
def test_walks_that_cannot_be(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
