"""Training a verifier: packing, the loss, early stopping, a kill in the middle."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_verifiers import NETS

from ttclib.course.process_reward_model import learning
from ttclib.lm.llama import Shape
from ttclib.search.rollouts import Rollouts
from ttclib.search.verifier import Net

SHAPE = Shape(vocabulary=9, width=16, layers=1, heads=2, hidden=16, context=32)
PROMPTS = [[1, 2], [3], [4, 5, 6]]


def rollouts(rng, m=40):
    """Random texts; those whose generator was surprised at the last token are wrong."""
    lengths = rng.integers(2, 9, m)
    tokens = np.where(np.arange(8) < lengths[:, None], rng.integers(0, 9, (m, 8)), -1).astype(
        np.int16
    )
    surprise = np.zeros((m, 8, 2), np.float16)
    right = rng.random(m) < 0.5
    surprise[np.arange(m), lengths - 1, 0] = np.where(right, -0.1, -5.0)
    return Rollouts(rng.integers(0, 3, m), tokens, surprise, lengths, right, np.zeros(m, int))


def packed(seed, m=40, length=24):
    rng = np.random.default_rng(seed)
    found = rollouts(rng, m)
    ends = np.arange(8) == found.lengths[:, None] - 1
    return found, learning.pack_solutions(
        PROMPTS, found, ends, ends * found.right[:, None], length, rng
    )


def test_every_different_text_is_packed_once():
    rng = np.random.default_rng(0)
    found = rollouts(rng)
    twice = Rollouts(*(np.concatenate([a, a[:25], a[:3], a[:1]]) for a in vars(found).values()))
    ends = np.arange(8) == twice.lengths[:, None] - 1
    rows = learning.pack_solutions(PROMPTS, twice, ends, ends * twice.right[:, None], 24, rng)
    seen = {}
    for r in range(len(rows)):
        for number in range(rows.texts[r].max() + 1):
            where = rows.texts[r] == number
            assert (rows.positions[r, where] == np.arange(where.sum())).all()
            key = tuple(rows.tokens[r, where])
            assert key not in seen
            seen[key] = (
                rows.weights[r, where][-1],
                rows.labels[r, where][-1],
                rows.ends[r, where].sum(),
            )
            prompt = PROMPTS[[len(p) for p in PROMPTS].index((~rows.written[r, where]).sum())]
            assert key[: len(prompt)] == tuple(prompt)  # which nobody generated
            assert (rows.per_token[r, where][: len(prompt)] == 0).all()
    expected = {}
    for i in range(len(twice)):
        key = (*PROMPTS[twice.problem[i]], *twice.tokens[i, : twice.lengths[i]])
        expected[key] = expected.get(key, 0) + 1
    assert {key: weight for key, (weight, _, _) in seen.items()} == {
        key: min(count, learning.MOST_COPIES) for key, count in expected.items()
    }
    assert all(number == 1 for _, _, number in seen.values())


def test_an_answer_can_count_more_than_a_step():
    found = rollouts(np.random.default_rng(0))
    ends = (np.arange(8) < found.lengths[:, None]) & (found.tokens % 2 == 0)
    ends |= np.arange(8) == found.lengths[:, None] - 1
    plain, heavy = (
        learning.pack_solutions(
            PROMPTS, found, ends, ends * 0.5, 24, np.random.default_rng(1), answer
        )
        for answer in (1.0, 3.0)
    )
    times = heavy.weights[plain.weights > 0] / plain.weights[plain.weights > 0]
    following = np.pad(plain.texts[:, 1:], [(0, 0), (0, 1)], constant_values=-1)
    assert (times == np.where(plain.texts != following, 3, 1)[plain.weights > 0]).all()
    assert plain.ends.sum() > len(found)


def test_a_text_longer_than_a_row_is_refused():
    rng = np.random.default_rng(0)
    found = rollouts(rng)
    ends = np.arange(8) == found.lengths[:, None] - 1
    with pytest.raises(ValueError, match="a row holds 5"):
        learning.pack_solutions(PROMPTS, found, ends, ends * 1.0, 5, rng)


@pytest.mark.parametrize("kind", NETS)
def test_the_loss_is_that_of_each_text_alone(kind):
    """Texts packed side by side do not see each other, and count as often as they were drawn."""
    _, rows = packed(1)
    net = Net(SHAPE, **NETS[kind], seed=3).eval()
    torch.nn.init.normal_(net.head.weight)
    total = weights = 0.0
    with torch.no_grad():
        together = learning.verifier_loss(net, rows, np.arange(len(rows)))
        for r in range(len(rows)):
            for number in range(rows.texts[r].max() + 1):
                where = rows.texts[r] == number
                tokens = torch.from_numpy(rows.tokens[r, where].astype(np.int64))[None]
                k = tokens.shape[1]
                logits, _ = net(
                    tokens,
                    torch.from_numpy(rows.per_token[r, where])[None].float(),
                    torch.from_numpy(rows.written[r, where])[None],
                    torch.arange(k)[None],
                    torch.ones(1, 1, k, k, dtype=torch.bool).tril(),
                )
                label = torch.tensor(float(rows.labels[r, where][-1]))
                weight = float(rows.weights[r, where][-1])
                total += weight * F.binary_cross_entropy_with_logits(logits[0, -1], label).item()
                weights += weight
    assert together.item() == pytest.approx(total / weights, rel=1e-5)


@pytest.mark.parametrize("kind", ["linear", "judge", "tokens"])
def test_a_head_learns_from_surprise_and_leaves_the_body_alone(kind):
    _, rows = packed(2, m=200)
    _, others = packed(3, m=200)
    net = Net(SHAPE, **NETS[kind], seed=0)
    body = {name: weight.clone() for name, weight in net.body.state_dict().items()}
    before = learning.held_out_loss(net.eval(), others)
    history, _ = learning.train_verifier(
        net, rows, batch=8, steps=60, learning_rate=1e-2, held_out=others, every=20
    )
    assert before == pytest.approx(np.log(2))
    assert history[-1][1] < 0.1
    assert all((body[name] == weight).all() for name, weight in net.body.state_dict().items())


def test_the_best_net_is_kept():
    """Labels of chance can only be learned by heart, so the held-out loss soon rises."""
    rng = np.random.default_rng(4)
    _, rows = packed(5, m=30)
    _, others = packed(6, m=200)
    for part in (rows, others):
        part.labels[part.ends] = rng.random(part.ends.sum()) < 0.5
    net = Net(SHAPE, hears=(), seed=0)
    history, _ = learning.train_verifier(
        net,
        rows,
        batch=4,
        steps=80,
        learning_rate=1e-2,
        held_out=others,
        every=10,
    )
    best = min(value for _, value in history)
    assert history[-1][1] > best
    assert learning.held_out_loss(net, others) == pytest.approx(best, rel=1e-5)


def test_a_killed_training_goes_on_where_it_was(tmp_path, monkeypatch):
    _, rows = packed(7, m=60)
    options = {"batch": 4, "steps": 12, "learning_rate": 1e-2, "held_out": rows, "every": 3}
    whole, net, killed_net = (Net(SHAPE, seed=1) for _ in range(3))
    history, _ = learning.train_verifier(whole, rows, **options)
    monkeypatch.setattr(
        learning.training.time, "monotonic", iter(range(0, 10**6, 61)).__next__
    )  # save each step

    def killed(step, loss):
        if step == 7:
            raise KeyboardInterrupt

    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(KeyboardInterrupt):
        learning.train_verifier(killed_net, rows, **options, checkpoint=checkpoint, report=killed)
    again, _ = learning.train_verifier(net, rows, **options, checkpoint=checkpoint)
    assert again == history
    for name, weight in whole.state_dict().items():
        assert (net.state_dict()[name] == weight).all(), name
