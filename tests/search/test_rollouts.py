"""Rollouts: checked solutions, and the labels of their steps."""

import numpy as np
import pytest
from letters import Letters

from ttclib.course.process_reward_model.learning import pack_solutions
from ttclib.course.process_reward_model.per_step import shared_labels
from ttclib.lm import arithmetic
from ttclib.lm.models import load
from ttclib.lm.vocabulary import Vocabulary
from ttclib.search import rollouts as R

PROBLEMS = ["17*3+4", "(17-9)*12+45", "60-24+(19+10)*14"]


@pytest.fixture(scope="module")
def lm():
    return load("lab-small")


@pytest.fixture(scope="module")
def drawn(lm):
    return R.collect(lm, arithmetic.TASK, PROBLEMS, 20, np.random.default_rng(0))


def texts(lm, found):
    return [
        lm.vocabulary.decode(tokens[:k])
        for tokens, k in zip(found.tokens, found.lengths, strict=True)
    ]


def test_solutions_are_checked(lm, drawn):
    found, cost = drawn
    assert found.problem.tolist() == [0, 1, 2] * 20
    for text, problem, right, steps in zip(
        texts(lm, found), found.problem, found.right, found.correct_steps, strict=True
    ):
        check = arithmetic.check_solution(PROBLEMS[problem], text)
        assert (check.right, sum(check.correct)) == (right, steps)
    assert cost.lm_tokens == found.lengths.sum()


def test_a_larger_draw_begins_with_a_smaller_one(lm, drawn):
    few, _ = R.collect(lm, arithmetic.TASK, PROBLEMS, 5, np.random.default_rng(0))
    width = few.tokens.shape[1]
    assert (drawn[0].tokens[:15, :width] == few.tokens).all()


def test_surprise_is_the_models(lm, drawn):
    """The noted log probabilities are those of a plain forward pass."""
    import torch

    found, _ = drawn
    for i in range(6):
        prompt = lm.vocabulary.encode(PROBLEMS[found.problem[i]] + "?")
        k = found.lengths[i]
        tokens = torch.tensor([[*prompt, *found.tokens[i, :k]]])
        with torch.no_grad():
            law = torch.log_softmax(lm.model(tokens).logits[0, len(prompt) - 1 : -1].double(), -1)
        mine = law[torch.arange(int(k)), torch.tensor(found.tokens[i, :k].astype(int))].numpy()
        entropy = -(law.exp() * law).sum(-1).numpy()
        assert np.allclose(found.per_token[i, :k, 0], mine, rtol=2e-3, atol=2e-3)  # half precision
        assert np.allclose(found.per_token[i, :k, 1], entropy, rtol=2e-3, atol=2e-3)


def test_steps_end_at_semicolons_and_at_the_end(lm, drawn):
    found, _ = drawn
    ends = R.step_ends(found.tokens, found.lengths, lm.vocabulary.containing(";"))
    for text, row, k in zip(texts(lm, found), ends, found.lengths, strict=True):
        expected = {i for i, letter in enumerate(text) if letter == ";"} | {int(k) - 1}
        assert set(np.flatnonzero(row)) == expected


def test_shared_labels_are_shares_of_what_begins_alike(lm, drawn):
    found, _ = drawn
    ends = R.step_ends(found.tokens, found.lengths, lm.vocabulary.containing(";"))
    labels = shared_labels(found, ends)
    for i in range(len(found)):
        for j in np.flatnonzero(ends[i]):
            alike = (found.problem == found.problem[i]) & (
                found.tokens[:, : j + 1] == found.tokens[i, : j + 1]
            ).all(axis=1)
            assert labels[i, j] == pytest.approx(found.right[alike].mean())
    assert (labels[~ends] == 0).all()


class LargestTokens:
    """A language model that writes its largest tokens, one after the other, and ends."""

    context = 16

    def __init__(self, size):
        self.vocabulary = Vocabulary([None, *map(chr, range(size - 1))], end=0)

    def start(self, prompts, length):
        self.rows = np.arange(len(prompts))
        self.written = np.zeros(len(prompts), dtype=int)
        self.positions = sum(map(len, prompts))
        self.flops = 0
        return self

    @property
    def log_probs(self):
        probs = np.zeros((len(self.written), len(self.vocabulary)))
        likely = np.where(self.written < 3, len(self.vocabulary) - 1 - self.written, 0)
        probs[np.arange(len(probs)), likely] = 1
        return np.log(probs, where=probs > 0, out=np.full_like(probs, -np.inf))

    def feed(self, rows, tokens, keep=()):
        self.written = np.concatenate([self.written[rows] + 1, self.written[np.asarray(keep, int)]])
        self.positions = len(rows)
        return np.arange(len(rows)), len(rows) + np.arange(len(keep))


@pytest.mark.parametrize("size", [200, 32_767, 32_768, 32_769, 49_152, 65_536, 65_537, 70_001])
def test_tokens_of_any_vocabulary_are_kept(size):
    """Whole numbers of 16 bits end at 32,767 or 65,535; −1 stands for no token."""
    lm = LargestTokens(size)
    found, _ = R.draw(lm, Letters(), ["+", "-"], 2, np.random.default_rng(0))
    assert found.tokens.tolist() == [[size - 1, size - 2, size - 3, 0]] * 4
    assert (found.tokens.dtype == np.int16) == (size <= 32_767)
    assert found.lengths.tolist() == [4] * 4
    assert found.correct_steps.tolist() == [-1] * 4
    prompts = [[size - 1, 1], [size - 1, 2]]
    ends = np.ones(found.tokens.shape, bool)
    packed = pack_solutions(prompts, found, ends, 0.5 * ends, 8, np.random.default_rng(0))
    assert sorted(packed.tokens[:, :6].tolist()) == [
        [*prompt, size - 1, size - 2, size - 3, 0] for prompt in prompts
    ]
