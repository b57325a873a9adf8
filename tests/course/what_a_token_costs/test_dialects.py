"""A language of dialects: what is known of it exactly, and what is measured on models of it."""

import math

import numpy as np
import pytest
import torch
from exact_p_values import FALSE_ALARM, binomial_p_value
from torch import nn

from ttclib.course.what_a_token_costs import dialects as d
from ttclib.course.what_a_token_costs.experts import Experts, capacity_seats


def test_laws_are_laws_and_their_entropy_is_known():
    language = d.Dialects(dialects=3, letters=16, seed=1)
    assert language.law.shape == (3, 16, 16)
    assert language.law.sum(axis=2) == pytest.approx(np.ones((3, 16)))
    assert language.law.sum(axis=1) == pytest.approx(np.ones((3, 16)))  # all letters: as common
    with np.errstate(divide="ignore", invalid="ignore"):
        by_sum = -np.nansum(language.law * np.log(language.law)) / (3 * 16)
    assert language.entropy == pytest.approx(by_sum)
    # where two ways lead to one letter there is less to say
    apart = -sum(way * math.log(way) for way in d.WAYS)
    assert 0.5 * apart < language.entropy <= apart


def test_each_dialect_has_ways_of_its_own():
    law = d.Dialects().law
    assert ((law > 0).sum(axis=2) <= len(d.WAYS)).all()
    likeliest = law.argmax(axis=2)
    for i in range(8):
        for j in range(i):
            assert (likeliest[i] == likeliest[j]).mean() < 0.25


@pytest.mark.statistical
def test_texts_follow_the_law(seed):
    """Of each next letter after one letter: binomial, with a union over dialects and letters."""
    language = d.Dialects(dialects=2, letters=4, seed=1)
    p_value = mutant = 1.0
    mark, letter = language.sample(20_000, 3, np.random.default_rng(seed))
    for dialect in range(2):
        at = (mark == dialect) & (letter[:, 1] == 2)
        for wanted in range(4):
            seen, tries = int((letter[at, 2] == wanted).sum()), int(at.sum())
            mine, other = language.law[[dialect, 1 - dialect], 2, wanted]
            p_value = min(p_value, 8 * binomial_p_value(seen, tries, mine))
            mutant = min(mutant, 8 * binomial_p_value(seen, tries, other))
    assert p_value > FALSE_ALARM
    assert mutant < FALSE_ALARM  # the dialects mixed up


def test_texts_are_written_one_letter_after_the_other():
    language = d.Dialects()
    mark, letter = language.sample(40, 6, np.random.default_rng(0))
    assert mark.shape == (40,) and letter.shape == (40, 7)
    for t in range(6):
        assert (language.law[mark, letter[:, t], letter[:, t + 1]] > 0).all()


class Knows(nn.Module):
    """A stand-in for a model: says the log probabilities it was given, routes by a table."""

    def __init__(self, said, router=None, k=1):
        super().__init__()
        self.said = torch.from_numpy(said)
        letters = self.said.shape[1]
        self.layer = Experts(2, 1, 2 if router is None else router.shape[1], k)
        if router is not None:
            self.layer.width = len(router)
            self.layer.router.data = torch.from_numpy(router).float()
        self.letters = letters

    def tokens(self, mark, letter):
        number = mark[:, None] * self.letters + letter
        return nn.functional.one_hot(number, self.said.shape[0] * self.letters).float()

    def forward(self, x):
        return self.said.flatten(0, 1)[x.argmax(-1)]


def test_who_knows_the_law_has_no_excess_and_who_knows_nothing_has_all():
    language = d.Dialects(dialects=3, letters=4)
    said = np.log(language.law + 1e-300)
    assert d.excess(Knows(said), language) == pytest.approx(0, abs=1e-12)
    nothing = Knows(np.zeros((3, 4, 4)))
    assert d.excess(nothing, language) == pytest.approx(math.log(4) - language.entropy)
    mixed = 0.5 * language.law + 0.125
    gap = -(language.law * np.log(mixed)).sum() / 12 - language.entropy
    assert d.excess(Knows(np.log(mixed)), language) == pytest.approx(gap)


def test_the_excess_is_that_of_a_model_that_drops_nothing():
    language = d.Dialects(dialects=2, letters=4)
    model = d.NextLetter(language, d.Plan(experts=4, capacity=0.25, shared=1.0))
    tight = d.excess(model, language)
    assert model.layer.capacity == 0.25
    model.layer.capacity = math.inf
    assert d.excess(model, language) == tight


def test_routing_is_counted_over_all_letters():
    language = d.Dialects(dialects=2, letters=2)
    router = 9.0 * np.eye(3)[[0, 1, 2, 2]]  # dialect 0: experts 0 and 1; dialect 1: expert 2
    table = d.routing(Knows(np.zeros((2, 2, 2)), router), language)
    assert table.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    assert d.effective(table.mean(axis=0)) == pytest.approx(math.exp(1.5 * math.log(2)))
    assert d.purity(table) == pytest.approx(1.0)


def test_purity_and_effective_experts_at_their_ends():
    assert d.purity(np.full((4, 3), 1 / 3)) == pytest.approx(0)
    assert d.purity(np.eye(4)[[2, 0, 1, 3]]) == pytest.approx(1)
    assert d.purity(np.eye(2)[[0, 0, 1, 1]]) == pytest.approx(0.5)
    assert d.effective(np.full(5, 0.2)) == pytest.approx(5)
    assert d.effective(np.array([0.0, 1.0])) == 1


def test_overflow_is_what_is_beyond_the_seats():
    language = d.Dialects()
    model = d.NextLetter(language, d.Plan(shared=8.0))
    alone = model.layer.route(model.tokens(*language.contexts()))[1]
    assert alone.unique().numel() == 1  # all go to one expert
    lost = d.overflow(model, language, 2.0, 16, np.random.default_rng(0), batches=2)
    assert lost == 1 - capacity_seats(512, 1, 8, 2.0) / 512 == 0.75
    assert d.overflow(model, language, 8.0, 1, np.random.default_rng(0), batches=2) == 0


def test_a_model_learns_and_the_same_plan_gives_the_same_model():
    language = d.Dialects(dialects=2, letters=8)
    plan = d.Plan(experts=2, steps=120, rate=0.03)
    before = d.excess(d.NextLetter(language, plan), language)
    model = d.train(language, plan)
    assert d.excess(model, language) < 0.25 * before
    again = d.train(language, plan)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )


def test_the_balance_loss_is_in_the_training():
    language = d.Dialects(dialects=4, letters=8)
    loads = [
        d.routing(d.train(language, d.Plan(experts=4, steps=60, shared=3.0, balance=b)), language)
        for b in (0.0, 1.0)
    ]
    alone, balanced = (d.effective(load.mean(axis=0)) for load in loads)
    assert balanced > alone + 0.5
