"""Pictures of notebook 14, experts: what they draw, and the numbers beside it."""

import itertools
import re

import numpy as np
import pytest
from drawings import Drawing, bands, numbers_of

from ttclib.course.what_a_token_costs import dialects, expert_figures
from ttclib.course.what_a_token_costs import experts as mixture

WEIGHTS = (0.0, 0.1, 1.0)
SEEDS = (0, 1)


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    monkeypatch.setattr(expert_figures, "BudgetView", Drawing)


def columns(rows):
    """Turn rows into a table: its columns by name."""
    table = {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "table"}
    if "table" in rows[0]:
        table["table"] = np.empty(len(rows), dtype=object)
        table["table"][:] = [list(row["table"]) for row in rows]
    return table


def test_the_load_and_the_loss_by_alpha():
    rows = [
        {"shared": s, "balance": b, "seed": seed, "experts": 4}
        | {"effective": 1 + b + seed, "excess": 2.0 - b - s / 10 + seed / 10}
        for s, b, seed in itertools.product((0.0, 3.0), WEIGHTS, SEEDS)
    ]
    view = expert_figures.collapse_view(columns(rows), 0.5)
    text = view.at(shared=3.0)
    (load,), (loss,) = view.moving(0), view.moving(1)
    assert numbers_of(load) == pytest.approx(np.array([[0, 1.5], [1, 1.6], [2, 2.5]]))
    assert numbers_of(loss)[:, 1] == pytest.approx([2.25, 2.15, 1.25])
    (band,) = bands(view.fig.axes[0])
    assert band[1] == pytest.approx([1, 1.1, 2]) and band[2] == pytest.approx([2, 2.1, 3])
    assert "shared part 3; α = 0: 1.5 of 4 experts, loss 2.25" in text
    exact = [line.get_ydata()[0] for axes in (0, 1) for line in view.fixed(axes)]
    assert exact == [4, 0.5]


def some_tables():
    rows = []
    for of, seed in itertools.product((2, 4), SEEDS):
        table = np.zeros((3, of))
        table[[0, 1, 2], [1, 0, 0]] = 1.0
        table[2] = 1 / of
        rows.append({"of": of, "seed": seed, "table": table, "effective": of - 0.5})
        rows[-1]["purity"] = dialects.purity(table) - 0.1 * seed
    return columns(rows)


def test_shares_of_a_table_stand_in_its_cells():
    rows = some_tables()
    view = expert_figures.table_view(rows)
    for of, seed in itertools.product((2, 4), (0, 1, 5)):
        text = view.at(experts=of, seed=seed)
        run = seed % 2
        table = rows["table"][np.flatnonzero((rows["of"] == of) & (rows["seed"] == run))[0]]
        (image,) = view.fig.axes[0].images
        shown = np.asarray(image.get_array())
        assert sorted(map(tuple, shown.T)) == sorted(map(tuple, np.stack(list(table)).T))
        said = {
            t.get_position(): float(t.get_text()) for t in view.fig.axes[0].texts if t.get_text()
        }
        for (row, column), share in np.ndenumerate(shown):
            assert said.get((column, row), 0) == pytest.approx(100 * share, abs=0.5)
        assert f"{of} experts, run {run}: 2 of 3 dialects go to one expert alone" in text
        (star,) = view.moving(1)
        purity = dialects.purity(np.stack(list(table))) - 0.1 * run
        assert numbers_of(star)[0] == pytest.approx([of, purity])


def some_rivals():
    rows = []
    for of, seed in itertools.product((2, 8), SEEDS):
        for kind, hidden in (("mixture", 12), ("equal FLOPs", 12 + of // 2)):
            excess = 1 / of + seed / 100 + (kind != "mixture") / 10
            rows.append({"of": of, "kind": kind, "hidden": hidden, "seed": seed, "excess": excess})
        many = {"kind": "equal parameters", "hidden": 12 * of + of // 2}
        rows.append({"of": of, "seed": seed, "excess": 0.01, **many})
    return columns(rows)


def test_rivals_stand_where_their_prices_are_equal():
    view = expert_figures.rivals_view(some_rivals(), 0.7)
    lines = {line.get_label(): numbers_of(line) for line in view.fixed(0)}
    others = {line.get_label(): numbers_of(line) for line in view.fixed(1)}
    names = expert_figures.NAMES
    flops, parameters = lines[names["mixture"]][:, 0], others[names["mixture"]][:, 0]
    assert (lines[names["equal FLOPs"]][:, 0] == flops).all()
    assert (others[names["equal parameters"]][:, 0] == parameters).all()
    assert lines[names["mixture"]][:, 1] == pytest.approx([0.7 + 0.505, 0.7 + 0.13])
    text = view.at(experts=8)
    assert "8 experts; mixture: 2,048 FLOPs, 6,400 parameters, 0.130 above the entropy" in text
    assert "dense, equal FLOPs: 2,048 FLOPs, 1,024 parameters, 0.230 above" in text
    assert "dense, equal parameters: 12,800 FLOPs, 6,400 parameters, 0.010 above" in text
    stars = [line for line in view.moving(1) if line.get_marker() == "*"]
    assert numbers_of(stars[0])[0] == pytest.approx([6400, 0.83])


@pytest.fixture(scope="module")
def trained():
    language = dialects.Dialects()
    return dialects.train(language, dialects.Plan()), language


def some_drops():
    rows = [
        {
            name: np.full(7, 0.1 * (i + seed))
            for i, name in enumerate(("dropped, texts", "dropped, letters"))
        }
        for seed in SEEDS
    ]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def test_a_batch_at_its_seats(trained, seed):
    view = expert_figures.capacity_view(*trained, some_drops())
    for factor, length in itertools.product((1.0, 1.25, 2.0, 8.0), (1, 16)):
        text = view.at(factor=factor, length=length, seed=seed)
        seats = int(64 * factor)
        bars = [bar for bar in view.fig.axes[0].patches if bar not in view.still]
        served, over = ([bar.get_height() for bar in part] for part in (bars[:8], bars[8:]))
        assert sum(served) + sum(over) == 512
        assert max(served) <= seats and all(
            s == seats for s, o in zip(served, over, strict=True) if o
        )
        gone = sum(over) / 512
        exact = mixture.dropped(512 // length, length, 8, factor)
        empty = 1 - sum(served) / (8 * seats)
        assert f"{seats} seats at each of 8 experts: {100 * gone:.1f}% of this batch" in text
        assert f"(at random {100 * exact:.1f}%), {100 * empty:.0f}% of the seats empty" in text
        (star,) = view.moving(1)
        assert numbers_of(star)[0] == pytest.approx([factor, gone])


def test_longer_texts_overflow_more_by_the_exact_line(trained):
    view = expert_figures.capacity_view(*trained, some_drops())
    lines = {line.get_label(): numbers_of(line)[:, 1] for line in view.fixed(1)}
    texts, letters = (
        lines[f"{name}, at random: exact"] for name in ("texts of 16 letters", "single letters")
    )
    assert (texts >= letters - 1e-12).all() and texts[0] > 3 * letters[0]


def test_weights_that_a_batch_reads(trained, seed):
    view = expert_figures.touched_view(*trained)
    model, language = trained
    load = dialects.routing(model, language).mean(axis=0)
    lines = {line.get_label(): numbers_of(line)[:, 1] for line in view.fixed(0)}
    assert lines["even: exact"] == pytest.approx([8 * (1 - (7 / 8) ** 2**i) for i in range(9)])
    assert lines["all dialects: exact"][3] == pytest.approx(mixture.touched(load, 8))
    for batch in (1, 8, 256):
        text = view.at(batch=batch, seed=seed)
        mixed, own = (numbers_of(dot)[0] for dot in view.moving(0))
        # between 1 and 8 experts: Hoeffding over 50 batches, false alarms at most 1e-6
        far = 7 * np.sqrt(np.log(2 / 1e-6) / 100)
        assert abs(mixed[1] - mixture.touched(load, batch)) < far
        assert 1 <= own[1] <= 8
        assert numbers_of(view.moving(1)[0])[0, 1] == pytest.approx(mixed[1] / batch)
        assert re.search(rf"^{batch} tokens at once read {mixed[1]:.1f} of all dialects", text)
    assert lines["all dialects: exact"][0] == pytest.approx(1)


LUCKS = range(100)


@pytest.mark.answers("14-131", 1)
@pytest.mark.answers("14-131", 2)
def test_whole_texts_drop_more_in_nearly_every_luck(trained):
    view = expert_figures.capacity_view(*trained, some_drops())

    def gone(factor, length, seed):
        view.at(factor=factor, length=length, seed=seed)
        return numbers_of(view.moving(1)[0])[0, 1]

    texts, letters = ([gone(1.0, length, seed) for seed in LUCKS] for length in (16, 1))
    assert min(texts) > 0 and min(letters) > 0  # an even share is not enough in any batch
    assert np.mean(np.array(texts) > letters) >= 0.9
    assert np.mean(texts) > 1.5 * np.mean(letters)
    assert all(gone(8.0, 16, seed) == 0 for seed in LUCKS)


@pytest.mark.answers("14-141", 3)
def test_a_batch_of_one_dialect_reads_fewer_in_every_luck(trained):
    view = expert_figures.touched_view(*trained)
    for seed in LUCKS:
        view.at(batch=8, seed=seed)
        mixed, own = (numbers_of(dot)[0, 1] for dot in view.moving(0))
        assert own < mixed - 1 and 4 < mixed < 6.5
