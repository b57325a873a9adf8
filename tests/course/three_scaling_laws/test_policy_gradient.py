"""The policy gradient: against the exact gradient, where every outcome can be listed."""

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_transformers import letters_tokenizer

from ttclib.course.three_scaling_laws import policy_gradient
from ttclib.course.three_scaling_laws.advantages import above_the_batch, group_relative
from ttclib.course.three_scaling_laws.policy_gradient import policy_loss, weigh_texts
from ttclib.lm.llama import Llama, Shape

END = 2
PROMPTS = ([0, 1], [1, 0, 0])
# a text ends with the end, or after two letters
TEXTS = [(END,), *((a, END) for a in range(2)), *itertools.product(range(2), repeat=2)]
REWARD = np.array([[text.count(1) == 1 for text in TEXTS], [text == (0, 0) for text in TEXTS]])


def tiny():
    """A Llama of three letters, and every text that it can write in two tokens."""
    return Llama(Shape(3, 8, 1, 2, 8, context=8), seed=1).double()


def log_probs(model):
    """Log probability of every text after each prompt: (prompts, texts), with a gradient."""
    found = []
    for prompt in PROMPTS:
        for text in TEXTS:
            logits = model(torch.tensor([[*prompt, *text]]))[0].log_softmax(-1)
            places = range(len(prompt) - 1, len(prompt) + len(text) - 1)
            found.append(sum(logits[place, v] for place, v in zip(places, text, strict=True)))
    return torch.stack(found).view(len(PROMPTS), len(TEXTS))


def gradient(model, value):
    """The gradient by all weights, in one row."""
    weights = list(model.parameters())
    return torch.cat([g.flatten() for g in torch.autograd.grad(value, weights, retain_graph=True)])


def test_the_texts_are_all_texts():
    probs = log_probs(tiny()).exp().sum(dim=1)
    assert probs.tolist() == pytest.approx([1, 1])


@pytest.fixture(scope="module")
def exact():
    """The model, its probabilities, and the gradient of each prompt's expected reward."""
    model = tiny()
    probs = log_probs(model).exp()
    expected = (probs * torch.from_numpy(REWARD)).sum(dim=1)
    return model, probs.detach().numpy(), [gradient(model, e) for e in expected], expected.detach()


def mean_estimate(exact, samples, advantages):
    """The mean gradient over every group of texts (prompts, samples) that can be drawn.

    It is linear in the advantages, so their sums over all groups do.
    """
    model, probs, _, _ = exact
    told = np.zeros(REWARD.shape)
    for drawn in itertools.product(range(len(TEXTS)), repeat=len(PROMPTS) * samples):
        group = np.array(drawn).reshape(len(PROMPTS), samples)
        chance = np.take_along_axis(probs, group, axis=1).prod()
        mine = chance * advantages(np.take_along_axis(REWARD, group, axis=1))
        for i in range(len(PROMPTS)):
            np.add.at(told[i], group[i], mine[i])
    texts = [([*prompt, *text], len(prompt)) for prompt in PROMPTS for text in TEXTS]
    rows, weights = weigh_texts(texts, told.ravel(), 16)
    loss = policy_loss(model, rows, weights.astype(float), len(PROMPTS) * samples)
    return -gradient(model, loss)


def test_a_batch_estimates_the_gradient_of_the_expected_reward(exact):
    wanted = (exact[2][0] + exact[2][1]) / 2
    assert torch.allclose(mean_estimate(exact, 1, above_the_batch), wanted, atol=1e-9)


def test_the_reward_alone_does_so_too(exact):
    wanted = (exact[2][0] + exact[2][1]) / 2
    assert torch.allclose(mean_estimate(exact, 1, lambda right: right.astype(float)), wanted)


def test_a_baseline_that_holds_the_text_itself_is_found_out(exact):
    wanted = (exact[2][0] + exact[2][1]) / 2
    biased = mean_estimate(exact, 1, lambda right: right - right.mean())
    assert torch.allclose(biased, wanted / 2)  # 1 − 1/n of it
    assert not torch.allclose(biased, wanted)


def test_a_group_estimates_the_gradient_of_the_arcsine(exact):
    """Of two texts: E √(q(1 − q)) / (p(1 − p)) = 1, whatever p is."""
    wanted = (exact[2][0] + exact[2][1]) / 2
    assert torch.allclose(mean_estimate(exact, 2, group_relative), wanted, atol=1e-9)


def test_advantages_by_hand():
    right = np.array([[True, False, False, False], [True, True, True, True]])
    relative = group_relative(right)
    assert relative[0] == pytest.approx(np.array([3, -1, -1, -1]) / math.sqrt(3))
    assert (relative[1] == 0).all()
    batch = above_the_batch(right)
    assert batch[0] == pytest.approx([1 - 4 / 7, -5 / 7, -5 / 7, -5 / 7])
    assert batch[1] == pytest.approx([1 - 4 / 7] * 4)
    assert (above_the_batch([[True]]) == 0).all()


@pytest.mark.parametrize("advantages", [above_the_batch, group_relative])
def test_what_is_no_truth_is_refused(advantages):
    with pytest.raises(ValueError, match="right"):
        advantages([[0.5, 1]])


class Words:
    """A task whose right texts hold one letter b."""

    step_end = ";"

    def prompt(self, problem):
        return problem

    def answer(self, text):
        return text.count("b")

    def canonical(self, answer):
        return answer

    def reference(self, problem):
        return 1

    def right(self, problem, answer):
        return answer == 1

    def right_steps(self, problem, text):
        return None


def test_a_step_trains_on_what_it_drew_and_counts_every_token(monkeypatch):
    monkeypatch.setattr(policy_gradient, "LONGEST", 3)
    model = Llama(Shape(3, 8, 1, 2, 8, context=8), seed=1)
    words = letters_tokenizer("ab")
    rng = np.random.default_rng(0)
    loss, right, (sampled, trained) = policy_gradient.policy_step(
        model, words, ["ab", "baa"], 16, group_relative, rng, Words()
    )
    assert right.shape == (2, 16)
    assert 0 < right.sum() < 32
    assert 32 * 1 + 2 * 16 + 3 * 16 <= sampled <= 32 * 3 + 2 * 16 + 3 * 16
    assert trained == sampled  # no group is all right or all wrong
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loss.backward()
    assert any(weight.grad.abs().sum() > 0 for weight in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_where_nothing_can_be_compared_nothing_is_trained(monkeypatch):
    model = Llama(Shape(3, 8, 1, 2, 8, context=8), seed=1)
    words = letters_tokenizer("ab")
    monkeypatch.setattr(policy_gradient, "LONGEST", 3)
    rng = np.random.default_rng(0)
    loss, _, (sampled, trained) = policy_gradient.policy_step(
        model, words, ["ab"], 4, lambda right: np.zeros(right.shape), rng, Words()
    )
    loss.backward()
    assert trained == 0 < sampled
    assert all((weight.grad is None) or not weight.grad.any() for weight in model.parameters())
