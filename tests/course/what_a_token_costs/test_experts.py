"""A mixture of experts: equal to the plain sum, with gradients; what is dropped, and costs."""

import ast
import inspect
import math

import numpy as np
import pytest
import torch
from outcomes import outcomes
from torch.utils.flop_counter import FlopCounterMode

from ttclib.course.what_a_token_costs import experts as e
from ttclib.course.what_a_token_costs.mixers import stepwise

EXACT = 1e-10


def draw(seed, capacity=math.inf):
    """A layer and a text, of drawn sizes, in float64."""
    rng = np.random.default_rng(seed)
    experts = int(rng.integers(1, 7))
    k = int(rng.integers(1, experts + 1))
    width, hidden = (int(size) for size in rng.integers(1, 9, size=2))
    layer = e.Experts(width, hidden, experts, k, capacity, seed).double()
    shape = (*rng.integers(1, 7, size=2), width)
    return layer, torch.from_numpy(rng.standard_normal(shape))


def plain_sum(layer, x, seats=math.inf):
    """Go through tokens and their choices one by one, first choices before second ones."""
    tokens = x.reshape(-1, x.shape[-1])
    p = torch.softmax(tokens @ layer.router, dim=1)
    order = p.argsort(dim=1, descending=True)[:, : layer.k]
    said = [0 * token for token in tokens]
    taken = [0] * len(layer.up)
    for choice in range(layer.k):
        for i, token in enumerate(tokens):
            expert = int(order[i, choice])
            if taken[expert] < seats:
                inner = torch.clamp(token @ layer.up[expert], min=0)
                said[i] = said[i] + p[i, expert] * (inner @ layer.down[expert])
            taken[expert] += 1
    return torch.stack(said).reshape(x.shape)


def gradients(said, layer, x):
    weights = torch.from_numpy(np.random.default_rng(0).standard_normal(said.shape))
    return torch.autograd.grad((said * weights).sum(), [x, *layer.parameters()])


def gap(one, other):
    return max(float((a - b).detach().abs().max()) for a, b in zip(one, other, strict=True))


FORMS = {"at once": e.Experts.parallel, "step by step": lambda layer, x: stepwise(layer, x)[0]}


@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_plain_sum_over_the_chosen_with_gradients(form, seed):
    for i in range(25):
        layer, x = draw(seed + i)
        x.requires_grad_()
        found, wanted = FORMS[form](layer, x), plain_sum(layer, x)
        assert gap([found], [wanted]) < EXACT
        assert gap(gradients(found, layer, x), gradients(wanted, layer, x)) < EXACT


def test_who_comes_too_late_is_dropped_with_gradients(seed):
    dropped = 0
    for i in range(25):
        layer, x = draw(seed + i, capacity=float(np.random.default_rng(i).choice([0.5, 1.0, 1.5])))
        x.requires_grad_()
        tokens = x[..., 0].numel()
        seats = math.ceil(layer.capacity * tokens * layer.k / len(layer.up))
        found, wanted = layer.parallel(x), plain_sum(layer, x, seats)
        assert gap([found], [wanted]) < EXACT
        assert gap(gradients(found, layer, x), gradients(wanted, layer, x)) < EXACT
        dropped += gap([found], [plain_sum(layer, x)]) > 1e-6
    assert dropped >= 5


class Renormalised(e.Experts):
    """A mutant: the gates of the chosen add up to 1."""

    def route(self, x):
        p, who = super().route(x)
        return p / p.gather(-1, who).sum(-1, keepdim=True), who


class Likeliest(e.Experts):
    """A mutant: second choices are the first again."""

    def route(self, x):
        p, who = super().route(x)
        return p, who[..., :1].expand(who.shape)


class LastComeFirstServed(e.Experts):
    """A mutant: those at the end of the batch find a seat."""

    def queue(self, who):
        return super().queue(who.flip(0)).flip(0)


@pytest.mark.parametrize("mutant", [Renormalised, Likeliest, LastComeFirstServed])
def test_a_wrong_mixture_is_told_apart(mutant):
    layer = mutant(6, 5, 4, k=2, capacity=0.75, seed=1).double()
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((3, 5, 6)))
    assert gap([layer.parallel(x)], [plain_sum(layer, x, 6)]) > 1e-3


def test_the_future_changes_nothing(seed):
    layer, x = draw(seed)
    more = torch.cat([x, x.flip(1) + 1], dim=1)
    assert gap([layer.parallel(x)], [layer.parallel(more)[:, : x.shape[1]]]) < EXACT


def test_with_a_capacity_the_other_texts_of_a_batch_matter():
    layer = e.Experts(4, 3, 2, capacity=1.0, seed=0)
    texts = torch.randn(6, 5, 4, generator=torch.Generator().manual_seed(0))
    alone = layer.parallel(texts[-1:])[0]
    assert not torch.allclose(layer.parallel(texts)[-1], alone)
    layer.capacity = math.inf
    assert torch.allclose(layer.parallel(texts)[-1], layer.parallel(texts[-1:])[0], atol=1e-6)


# ---- balance -----------------------------------------------------------------------------


def test_the_balance_loss_is_equation_4():
    layer, x = e.Experts(5, 3, 4, seed=2).double(), torch.randn(3, 6, 5).double()
    p = torch.softmax(x.reshape(-1, 5) @ layer.router, dim=1)
    f = torch.tensor([(p.argmax(1) == i).double().mean() for i in range(4)])
    assert layer.balance(x).item() == pytest.approx(4 * (f * p.mean(0)).sum().item())


def test_balance_is_1_at_best_and_the_number_of_experts_at_worst():
    layer = e.Experts(4, 3, 4)
    layer.router.data = 50 * torch.eye(4)
    even = torch.eye(4)[None]
    assert layer.balance(even).item() == pytest.approx(1.0)
    assert layer.balance(even[:, :1].expand(1, 4, 4)).item() == pytest.approx(4.0, rel=1e-3)


def test_its_gradient_pushes_the_busiest_down():
    layer = e.Experts(4, 3, 4, seed=1)
    x = torch.ones(1, 8, 4)
    layer.balance(x).backward()
    busiest = int(layer.route(x)[1][0, 0, 0])
    down = layer.router.grad.sum(0)  # logits fall against this
    assert down[busiest] > 0 and int(down.argmax()) == busiest


# ---- what it costs -----------------------------------------------------------------------


@pytest.mark.parametrize("experts, k", [(2, 1), (8, 1), (8, 2), (5, 5)])
def test_flops_and_parameters_are_those_of_the_formula(experts, k):
    width, hidden, batch = 6, 10, 7
    layer = e.Experts(width, hidden, experts, k)
    assert sum(w.numel() for w in layer.parameters()) == e.layer_parameters(width, hidden, experts)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer.step(torch.randn(batch, width))
    assert counter.get_total_flops() == batch * e.layer_flops(width, hidden, experts, k)


def test_empty_seats_are_paid_for():
    """Tables of one size: the busiest expert, or the capacity, sets the work of all."""
    layer = e.Experts(6, 10, 4, seed=3)
    x = torch.randn(4, 16, 6, generator=torch.Generator().manual_seed(0))
    busiest = int(torch.bincount(layer.route(x)[1].flatten()).max())
    for capacity, seats in ((math.inf, busiest), (1.0, 16), (0.5, 8)):
        layer.capacity = capacity
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            layer.parallel(x)
        assert counter.get_total_flops() == 4 * seats * 4 * 6 * 10 + 64 * 2 * 6 * 4


def test_one_expert_is_a_dense_layer():
    assert e.layer_parameters(32, 12, 1) == 2 * 32 * 12
    assert e.layer_flops(32, 12, 1) == 4 * 32 * 12
    layer, x = e.Experts(6, 4, 1), torch.randn(2, 3, 6)
    assert torch.allclose(layer.parallel(x), (x @ layer.up[0]).relu() @ layer.down[0], atol=1e-6)


def counted_experts(load, batch):
    """The mean number of different experts, over every outcome."""
    draws = outcomes(lambda rng: len({int(rng.choice(3, p=load)) for _ in range(batch)}))
    return sum(probability * found for probability, found in draws)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_experts_touched_are_those_of_every_outcome(batch):
    load = np.array([0.6, 0.3, 0.1])
    assert e.touched(load, batch) == pytest.approx(counted_experts(load, batch))


def test_a_batch_of_one_reads_k_and_a_large_one_all():
    assert e.touched(np.full(8, 2 / 8), 1) == pytest.approx(2)
    assert e.touched(np.full(8, 1 / 8), 1000) == pytest.approx(8)


def lost(who, length, capacity, experts):
    """Tokens that find no seat, when texts go where ``who`` says."""
    seats = math.ceil(capacity * len(who) * length / experts)
    load = length * np.bincount(who, minlength=experts)
    return np.maximum(load - seats, 0).sum() / (len(who) * length)


@pytest.mark.parametrize("texts, length, capacity", [(4, 1, 1.0), (3, 4, 1.25), (5, 2, 2.0)])
def test_dropped_tokens_are_those_of_every_outcome(texts, length, capacity):
    def once(rng):
        return lost([int(rng.choice(3)) for _ in range(texts)], length, capacity, 3)

    exact = sum(probability * found for probability, found in outcomes(once))
    assert exact > 0
    assert e.dropped(texts, length, 3, capacity) == pytest.approx(exact)


def test_nothing_is_dropped_where_every_expert_could_serve_all():
    assert e.dropped(8, 4, 4, 4.0) == pytest.approx(0, abs=1e-12)
    assert e.dropped(8, 4, 4, math.inf) == pytest.approx(0, abs=1e-12)
    assert e.dropped(8, 4, 1, 1.0) == pytest.approx(0, abs=1e-12)


# ---- bad input, and its size -------------------------------------------------------------


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: e.Experts(4, 3, 2, k=3), "k is 3"),
        (lambda: e.Experts(4, 3, 0), "experts is 0"),
        (lambda: e.Experts(4, 3, 2, capacity=0), "capacity is 0"),
        (lambda: e.Experts(4, 3, 2, capacity=math.nan), "capacity is nan"),
        (lambda: e.Experts(4, 3, 2).parallel(torch.zeros(3, 4)), "x has shape"),
        (lambda: e.Experts(4, 3, 2).step(torch.zeros(3, 5)), "x has shape"),
        (lambda: e.touched([0.5, 1.5], 3), "1.5"),
        (lambda: e.touched([0.5, 0.5], 0), "batch is 0"),
        (lambda: e.dropped(0, 1, 2, 1.0), "texts is 0"),
    ],
)
def test_bad_input_is_one_line(call, words):
    with pytest.raises(ValueError, match=words) as refused:
        call()
    assert "\n" not in str(refused.value)


def test_it_is_short():
    """Forty lines of code at most, so that a page can show it."""
    tree = ast.parse(inspect.getsource(e.Experts)).body[0]
    words = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    prose = {line for node in words for line in range(node.lineno, node.end_lineno + 1)}
    lines = inspect.getsource(e.Experts).splitlines()
    code = [i for i, line in enumerate(lines, 1) if line.strip() and i not in prose]
    assert 20 < len(code) <= 40
