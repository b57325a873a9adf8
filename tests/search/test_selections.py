"""Who goes on: each selection against its definition, and at its limits."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttclib.particles.islands import within
from ttclib.particles.smc import Population, keep_all
from ttclib.search.selections import beam, rebase, trees

RNG = np.random.default_rng(0)  # none of these selections draws anything


@dataclass
class Texts:
    """As much of a population of texts as a selection looks at."""

    finished: np.ndarray

    def __getitem__(self, ancestors):
        return Texts(self.finished[ancestors])


def population(values, finished=None):
    """Texts of these values; those of value zero were given up."""
    values = np.array(values, dtype=float)
    finished = (
        np.zeros(len(values), dtype=bool) if finished is None else np.array(finished, dtype=bool)
    )
    with np.errstate(divide="ignore"):
        return Population(
            0, Texts(finished | (values == 0)), np.log(values), np.arange(len(values))
        )


@st.composite
def populations(draw, multiple=1, dead=True):
    """Between one and five times ``multiple`` texts of different values; some finished, some given
    up.
    """
    n = multiple * draw(st.integers(1, 5))
    values = np.array(draw(st.permutations(range(1, n + 1)))) / (n + 1)
    if dead:
        values[draw(st.lists(st.integers(0, n - 1), max_size=n))] = 0.0
    return population(values, draw(st.lists(st.booleans(), min_size=n, max_size=n)))


def groups(before):
    """Indices of the texts under way (best first), of the answers, of those given up."""
    finished, dead = before.particles.finished, before.log_weights == -np.inf
    live = np.flatnonzero(~finished)
    return (
        live[np.argsort(-before.log_weights[live])],
        np.flatnonzero(finished & ~dead),
        np.flatnonzero(dead),
    )


def children(before, select):
    """How many children each text has, after the rules that hold for every selection were
    checked.
    """
    ancestors, log_weights = select(before, RNG)
    assert (log_weights == before.log_weights[ancestors]).all()
    _, answers, dead = groups(before)
    counts = np.bincount(ancestors, minlength=len(before))
    assert (ancestors[answers] == answers).all()  # finished: not dropped
    assert (counts[answers] == 1).all()  # and not copied
    assert (counts[dead] <= 1).all()
    return counts


@given(st.integers(1, 4).flatmap(lambda m: st.tuples(st.just(m), populations(m))))
def test_beam_keeps_the_best_and_extends_each_alike(case):
    width, before = case
    counts = children(before, beam(width))
    live, answers, _ = groups(before)
    places = len(before) - len(answers)
    beams = -(-places // width)
    kept, dropped = live[:beams], live[beams:]
    assert (counts[dropped] == 0).all()
    assert counts[kept].sum() == min(places, len(kept) * width)
    assert (counts[kept] <= width).all()
    assert (counts[kept] < width).sum() <= 1  # one may get what is left


def test_beam_by_hand():
    before = population([0.2, 0.9, 0.5, 0.7, 0.1, 0.3], [0, 1, 0, 0, 0, 0])
    ancestors, _ = beam(2)(before, RNG)
    assert ancestors.tolist() == [2, 1, 2, 3, 3, 5]  # five places: 3 twice, 2 twice, 5 once
    before = population([0.2, 0.0, 0.5, 0.0], [0, 1, 0, 1])
    assert beam(2)(before, RNG)[0].tolist() == [0, 0, 2, 2]  # the places of those given up


def test_a_beam_is_not_told_by_rounding_whom_to_follow():
    hair = np.array([0, 3, 1, 2, -2, 5]) * 4e-16
    before = replace(population(np.ones(6)), log_weights=hair)
    assert beam(3)(before, RNG)[0].tolist() == [0, 0, 0, 1, 1, 1]


@given(populations())
def test_a_beam_of_width_one_keeps_everybody(before):
    ancestors, log_weights = beam(1)(before, RNG)
    assert ancestors.tolist() == list(range(len(before)))
    assert (log_weights == before.log_weights).all()


@given(populations())
def test_a_width_of_all_follows_the_best(before):
    counts = children(before, beam(len(before)))
    live, answers, _ = groups(before)
    assert not len(live) or counts[live[0]] == len(before) - len(answers)


def test_of_equals_the_earlier_is_better():
    assert beam(2)(population([0.5, 0.5, 0.5, 0.5]), RNG)[0].tolist() == [0, 0, 1, 1]


@given(populations(), st.floats(0.01, 10))
def test_rebase_gives_each_what_it_is_due(before, temperature):
    counts = children(before, rebase(temperature))
    live, answers, _ = groups(before)
    if not len(live):
        return
    places = len(before) - len(answers)
    assert counts[live].sum() == places
    shares = [np.exp(np.exp(before.log_weights[i]) / temperature) for i in live]
    due = places * np.array(shares) / sum(shares)
    assert (abs(counts[live] - due) < 1 + 1e-9).all()
    assert (np.diff(counts[live]) <= 0).all()  # the better has no fewer


@given(populations(), st.sampled_from([1e-4, 1e-8, 1e-300]))
def test_rebase_at_temperature_zero_gives_all_to_the_best(before, temperature):
    with np.errstate(over="ignore"):
        counts = children(before, rebase(temperature))
    live, answers, _ = groups(before)
    assert not len(live) or counts[live[0]] == len(before) - len(answers)


@given(populations(dead=False), st.sampled_from([1e4, 1e9, 1e300]))
def test_rebase_at_a_high_temperature_gives_one_to_each(before, temperature):
    ancestors, log_weights = rebase(temperature)(before, RNG)
    assert ancestors.tolist() == list(range(len(before)))
    assert (log_weights == before.log_weights).all()


def test_rebase_by_hand():
    """Wu et al. 2024, §3.2: exp(0.6) : exp(0.2) : exp(0.2) at temperature 1 of eight places."""
    before = population([0.6, 0.2, 0.2, 0, 0, 0, 0, 0])
    assert children(before, rebase(1.0))[:3].tolist() == [4, 2, 2]  # due 3.42, 2.29, 2.29
    assert children(before, rebase(0.1))[:3].tolist() == [8, 0, 0]


@given(populations(6), st.sampled_from([1, 2, 3, 6]))
def test_trees_never_mix_and_each_follows_its_best(before, number):
    ancestors, _ = trees(number)(before, RNG)
    n = len(before)
    assert (ancestors % number == np.arange(n) % number).all()
    children(before, trees(number))
    live, _, _ = groups(before)
    for tree in range(number):
        mine = [i for i in live if i % number == tree]
        went_on = {a for a in ancestors if a % number == tree and not before.particles.finished[a]}
        assert went_on == set(mine[:1]) or n == number


@given(populations())
def test_trees_at_their_limits(before):
    """One tree is a beam of width N; N trees are N samples."""
    for select, same in ((trees(1), beam(len(before))), (trees(len(before)), keep_all)):
        assert (select(before, RNG)[0] == same(before, RNG)[0]).all()


@given(populations(12))
def test_trees_of_several_problems(before):
    """Within problem i of 2, tree j of 3: members i + 2j, i + 2j + 6, …"""
    ancestors, _ = within(2, trees(3))(before, RNG)
    assert (ancestors % 6 == np.arange(len(before)) % 6).all()
    assert (ancestors == trees(6)(before, RNG)[0]).all()


class KeepsCopies:
    """Mutants: what published searches do with texts that have ended."""

    @staticmethod
    def extends_the_finished(before, rng):
        best = np.argsort(-before.log_weights)[: len(before) // 2]
        ancestors = np.repeat(best, 2)
        return ancestors, before.log_weights[ancestors]

    @staticmethod
    def drops_the_finished(before, rng):
        live = np.flatnonzero(~before.particles.finished)
        ancestors = np.resize(live, len(before)) if len(live) else np.arange(len(before))
        return ancestors, before.log_weights[ancestors]

    @staticmethod
    def forgets_the_weights(before, rng):
        return np.arange(len(before)), np.zeros(len(before))


@pytest.mark.parametrize(
    "mutant", ["extends_the_finished", "drops_the_finished", "forgets_the_weights"]
)
def test_mistakes_are_noticed(mutant):
    before = population([0.9, 0.2, 0.5, 0.7], [1, 0, 0, 1])
    with pytest.raises(AssertionError):
        children(before, getattr(KeepsCopies, mutant))
    children(before, beam(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: beam(0), "width M is 0; it must be a whole number of at least 1"),
        (lambda: beam(2.5), "width M is 2.5"),
        (
            lambda: beam(3)(population([0.5] * 4), RNG),
            "N is 4 and M is 3; N must be a multiple of M",
        ),
        (
            lambda: beam(8)(population([0.5] * 4), RNG),
            "N is 4 and M is 8; N must be a multiple of M",
        ),
        (lambda: trees(0), "number of trees is 0"),
        (
            lambda: trees(3)(population([0.5] * 4), RNG),
            "4 members cannot be shared out to 3 islands",
        ),
        (
            lambda: trees(8)(population([0.5] * 4), RNG),
            "4 members cannot be shared out to 8 islands",
        ),
        (lambda: rebase(0), "temperature is 0; it must be a finite number above 0"),
        (lambda: rebase(-1.0), "temperature is -1"),
        (lambda: rebase(float("nan")), "temperature is nan"),
    ],
)
def test_selections_that_cannot_be(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
