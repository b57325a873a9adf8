"""Reading finished texts: with the lab model, and a verifier of random weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from noisy_solver import NoisySolver
from noisy_solver import load as load_noisy

from ttclib.course.prm_search import sweep
from ttclib.lm import arithmetic
from ttclib.lm.arithmetic import TASK
from ttclib.lm.decoding import Decoder, sample
from ttclib.lm.llama import Shape
from ttclib.lm.models import load
from ttclib.particles.smc import keep_all, run
from ttclib.search.methods import Setting, search_for, select_for
from ttclib.search.models import load_verifier
from ttclib.search.reading import rescore, stops
from ttclib.search.search import Search
from ttclib.search.verifier import Net, RewardModel

N = 8


@pytest.fixture(scope="module")
def lm():
    return load("lab-small")


@pytest.fixture(scope="module")
def verifier(lm):
    net = Net(Shape(vocabulary=len(lm.vocabulary), width=16, layers=2, heads=2, hidden=32))
    torch.nn.init.normal_(net.head.weight, generator=torch.Generator().manual_seed(0))
    return RewardModel(net, lm.vocabulary.texts)


@pytest.fixture
def problems(seed):
    return arithmetic.problems("validation", 3, np.random.default_rng(seed))


@pytest.fixture
def prompts(problems):
    return [TASK.prompt(problem) for problem in problems]


def test_texts_read_afterwards_score_as_they_did_on_the_way(lm, verifier, problems, prompts, seed):
    n = N * len(prompts)
    search = Search(lm, TASK, problems, verifier)
    on_the_way = run(search, n, keep_all, np.random.default_rng(seed))[-1]
    written = sample(lm, prompts, n, np.random.default_rng(seed), until=";", per_token=True)
    assert (written.particles.tokens == on_the_way.particles.tokens).all()
    reading = rescore(verifier, lm, TASK, problems, written.particles)
    scores, cost = reading.scores, reading.cost
    np.testing.assert_allclose(scores, on_the_way.particles.scores, atol=1e-5)
    assert np.unique(scores[~np.isnan(scores)]).size > len(prompts)  # they tell texts apart
    spent = on_the_way.spent
    assert cost == replace(cost, verifier_positions=spent.verifier_positions)
    assert cost.verifier_flops == pytest.approx(spent.verifier_flops)
    assert cost.lm_tokens == 0


def test_the_first_texts_pay_what_they_alone_would_have(lm, verifier, problems, prompts, seed):
    """To the model and to the verifier, of each problem."""
    k = len(prompts)
    paid = {}
    for m in (1, 3, N):
        decoder = Decoder(lm, prompts, until=";", per_token=True)
        history = run(decoder, m * k, keep_all, np.random.default_rng(seed))
        writing = sum(population.particles.paid for population in history)
        spent, last = history[-1].spent, history[-1].particles
        assert writing.sum(0)[:3].tolist() == [spent.lm_tokens, spent.lm_positions, spent.lm_flops]
        reading = rescore(verifier, lm, TASK, problems, last)
        assert reading.cost.verifier_flops == reading.paid[:, 1].sum() > 0
        paid[m] = np.column_stack([writing[:, :3], reading.paid])
        assert (paid[m][:k] > 0).all()
        # nothing is read that was read before: copies of the texts pay for nothing
        twice = rescore(verifier, lm, TASK, problems, last[np.tile(np.arange(m * k), 2)])
        assert twice.paid.tolist() == [*reading.paid.tolist(), *np.zeros((m * k, 2)).tolist()]
    for m in (1, 3):
        assert paid[m].tolist() == paid[N][: m * k].tolist()


@pytest.mark.parametrize("name", ["best of n", "beam", "rebase", "particles"])
def test_a_token_costs_the_verifier_what_it_costs_the_writer(lm, problems, name, seed):
    """One of the writer's shape: both read each beginning once, it alone the last token of a text.

    What it hears besides costs half a percent.
    """
    verifier = RewardModel(Net(lm.ours.shape), lm.vocabulary.texts)
    width = {"width": 2} if name == "beam" else {}
    search = search_for(Setting(name, N, **width), lm, TASK, problems[0], verifier)
    history = run(search, N, select_for(Setting(name, N, **width)), np.random.default_rng(seed))
    texts = set()
    for p in (population.particles for population in history):
        whole = p.finished & ~np.isnan(p.scores[:, -1])
        texts |= {p.tokens[i, : p.lengths[i]].tobytes() for i in np.flatnonzero(whole)}
    spent = history[-1].spent
    assert spent.verifier_positions == spent.lm_positions + len(texts)
    for context in (1, 40, lm.context):
        writing = lm.flops[0] + lm.flops[1] * context
        assert 1 < verifier.flops(1, context) / writing < 1.005


def test_a_plain_function_reads_for_nothing(lm, problems, prompts, seed):
    texts = sample(lm, prompts, 6, np.random.default_rng(seed), per_token=True).particles
    scores, paid = rescore(lambda problem, text: 1 / (1 + len(text)), lm, TASK, problems, texts)
    ends = stops(texts, lm.vocabulary.containing(";"))
    said = 1 / (1 + ends - (ends == texts.lengths[:, None]))  # the end has no letter
    there = ~np.isnan(scores)
    assert there[:, 0].all() and scores[there] == pytest.approx(said[there])
    assert (paid == 0).all() and paid.shape == (6, 2)


def test_steps_end_at_semicolons_and_at_the_end(lm, prompts, seed):
    texts = sample(lm, prompts, 6, np.random.default_rng(seed), per_token=True).particles
    ends = stops(texts, lm.vocabulary.containing(";"))
    for row, tokens, length in zip(ends, texts.tokens, texts.lengths, strict=True):
        *steps, _ = lm.vocabulary.decode(tokens[:length]).split(";")
        assert [*np.cumsum([len(step) + 1 for step in steps]), length] == sorted(set(row.tolist()))
        assert row[len(steps) :].tolist() == [length] * (len(row) - len(steps))


def test_texts_without_their_probabilities_and_of_another_tokenizer_are_one_line(
    lm, verifier, problems, prompts
):
    texts = sample(lm, prompts, 3, np.random.default_rng(0)).particles
    with pytest.raises(
        ValueError, match=r"^these texts do not hold their tokens' probabilities; draw them with"
    ):
        rescore(verifier, lm, TASK, problems, texts)
    other = NoisySolver()
    texts = sample(other, prompts, 3, np.random.default_rng(0), per_token=True).particles
    with pytest.raises(ValueError, match=r"^the verifier reads 21 tokens of another tokenizer; "):
        rescore(verifier, other, TASK, problems, texts)


def test_a_verifier_that_is_not_there_is_one_line():
    with pytest.raises(
        ValueError, match=r"^verifier is 'prn'; it must be one of prm-plain, .*, prm, .*, orm"
    ):
        load_verifier("prn")


def test_a_task_runs_on_one_thread_and_leaves_the_number_as_it_was(monkeypatch):
    one = sweep.Job((Setting("beam", 1),), 0, 0, 0, ("1+2+3",))
    seen, before = [], torch.get_num_threads()
    search = sweep.smc
    monkeypatch.setattr(
        sweep, "smc", lambda *args: seen.append(torch.get_num_threads()) or search(*args)
    )
    try:
        torch.set_num_threads(2)
        sweep.carry_out(one, TASK, load_noisy)
        assert seen == [1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
