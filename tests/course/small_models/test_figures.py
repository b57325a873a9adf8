"""Pictures of notebook 13: what they draw, and the numbers beside it."""

import itertools
import re

import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of

from ttclib.course.small_models import figures
from ttclib.course.small_models import quantize as q
from ttclib.course.small_models.record import Run, seconds_a_token, speedups


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def layer(seed=0, rows=6, columns=96):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(400, columns)) @ rng.normal(size=(columns, columns))
    return rng.normal(size=(rows, columns)), inputs.T @ inputs / 400


def columns(names, rows):
    """Turn rows into a table: its columns by name."""
    return dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))


# ---- a matrix on a grid ------------------------------------------------------------------


def test_every_weight_lies_on_a_line_of_its_grid():
    weight, moments = layer()
    view = figures.grid_view(weight, moments, q.round_to_nearest)
    for bits, sharing in itertools.product(q.BITS, q.SHARING):
        text = view.at(bits=bits, sharing=sharing)
        found = q.round_to_nearest(weight, bits, sharing)
        (dots,) = view.moving(0)
        assert numbers_of(dots)[:, 1] == pytest.approx(found.weight[0])
        (star,) = view.moving(1)
        error = q.output_error(weight, found.weight, moments)
        error /= q.output_error(weight, 0 * weight, moments)
        assert numbers_of(star)[0] == pytest.approx([found.nbytes / 1000, error])
        assert f"{found.nbytes / 1000:.1f} kB in place of 2.3" in text
        assert f"off by {100 * error:.3g}%" in text
        lines = [
            segment
            for collection in view.fig.axes[0].collections
            for segment in collection.get_segments()
        ]
        heights = {(round(a[0]), round(b[0] + 0.01), round(a[1], 9)) for a, b in lines}
        size = min(weight.size // len(found.scale), 96)
        for i, value in enumerate(found.weight[0]):
            at = [h for left, right, h in heights if left <= i // size * size <= right]
            assert np.abs(np.array(at) - value).min() < 1e-8


def test_the_least_that_the_free_columns_can_reach_is_least_squares():
    weight, moments = layer(1, 3, 8)
    found = q.gptq(weight, moments, 3, "row", damp=1e-9).weight
    left, least = figures.errors_on_the_way(weight, found, moments)
    inputs = np.linalg.cholesky(moments).T
    for j in range(9):
        gap = inputs[:, :j] @ (weight - found)[:, :j].T
        assert left[j] == pytest.approx(np.sum(gap**2))
        best = np.linalg.lstsq(inputs[:, j:], gap, rcond=None)[0] if j < 8 else 0
        rest = gap - inputs[:, j:] @ best if j < 8 else gap
        assert least[j] == pytest.approx(np.sum(rest**2), abs=1e-12)
    assert (least <= left + 1e-9).all()
    assert figures.updates(weight, found, q.factor(moments)) == pytest.approx(least, abs=1e-9)


def test_gptq_runs_through_the_crosses():
    weight, moments = layer(2)
    moments = q.damped(moments, 0.01)
    view = figures.columns_view(
        weight,
        moments,
        lambda w, bits: q.round_to_nearest(w, bits).weight,
        lambda w, m, bits: q.gptq(w, m, bits, "row", damp=1e-9).weight,
    )
    for bits in q.BITS:
        text = view.at(bits=bits)
        plain, clever, crosses = map(numbers_of, view.moving(0))
        on_the_way = dict(clever.tolist())
        for x, y in crosses:
            assert on_the_way[x] == pytest.approx(y, rel=1e-6)
        assert (np.diff(clever[:, 1]) >= 0).all()
        times = plain[-1, 1] / clever[-1, 1]
        assert f"{times:.1f} times less; expected" in text
        assert times > 1


# ---- whole models ------------------------------------------------------------------------


def a_run(model, method, sharing, bits, nbytes, share, kl, calibration=0):
    right = np.arange(20) < 20 * share
    nats = np.full(20, kl * 10)
    return Run(model, method, sharing, bits, calibration, nbytes, right, nats, np.full(20, 10))


def some_runs():
    runs = [
        a_run("lab-large", "float32", "", 0, 11_900_000, 0.8, 0.0),
        a_run("lab-small", "float32", "", 0, 858_000, 0.5, 0.0),
        a_run("lab-small", "GPTQ", "32", 4, 120_000, 0.4, 0.02),
        a_run("lab-small-more", "float32", "", 0, 858_000, 0.75, 0.0),
    ]
    for bits in q.BITS:
        for sharing in ("matrix", "row", "32"):
            kl = 4.0 ** (2 - bits)
            runs.append(a_run("lab-large", q.NEAREST, sharing, bits, 370_000 * bits, bits / 10, kl))
        for seed, sharing in itertools.product((5, 6), ("row", "32")):
            kl = seed * 4.0 ** (-bits)
            run = a_run("lab-large", q.GPTQ, sharing, bits, 370_000 * bits, 0.6, kl, seed)
            runs.append(run)
    return runs


def test_bits_against_bytes():
    view = figures.bits_view(some_runs(), np.random.default_rng(0))
    text = view.at(bits=4, sharing="row")
    assert "round to nearest: 1,480 kB, KL 0.062, solved 0.40" in text
    assert "GPTQ: 1,480 kB, KL 0.021, solved 0.60" in text  # the mean of two calibrations
    stars = [line for line in view.moving(1) if line.get_marker() == "*"]
    assert [numbers_of(star)[0].tolist() for star in stars] == [[1480, 0.4], [1480, 0.6]]
    curves = [line for line in view.moving(0) if len(line.get_xdata()) == len(q.BITS)]
    assert [len(curve.get_xdata()) for curve in curves] == [5, 5]
    text = view.at(bits=2, sharing="matrix")
    assert "GPTQ: not recorded with one grid" in text and "a grid for the whole matrix" in text
    small = [line for line in view.fixed(1) if line.get_label() == "lab-small, GPTQ"]
    assert numbers_of(small[0]).tolist() == [[858, 0.5], [120, 0.4]]


def some_seconds():
    rows = []
    for what, width, tokens in (
        *itertools.product(["layer"], (64, 128, 192, 256, 512), (1, 64)),
        ("lab-small", 64, 1),
    ):
        for kind, seconds in (("float32", 1.0), ("bfloat16", 2.0), ("int8", 64 / width)):
            rows += [(what, width, tokens, kind, i, seconds * (1 + i)) for i in range(3)]
    names = ("what", "width", "tokens", "kind", "round", "seconds")
    return {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def test_how_many_times_as_fast():
    table = some_seconds()
    assert speedups(table, "layer", 1, "int8", 128).tolist() == [2.0, 2.0, 2.0]
    assert speedups(table, "lab-small", 1, "bfloat16").tolist() == [0.5, 0.5, 0.5]
    assert seconds_a_token(table, "lab-small", "int8", 1) == 1.0  # the best of 1, 2 and 3
    sheet = figures.speed_picture(table, {"lab-small": 64})
    assert "1 at once, width 64: 1.0; width 512: 8.0; 64 at once, width 64: 1.0" in sheet.text
    for ax in sheet.fig.axes:
        half, int8, *_ = map(numbers_of, ax.lines)
        assert half[:, 1].tolist() == [0.5] * 5
        assert int8[:, 1] == pytest.approx(int8[:, 0] / 64)


# ---- memories ----------------------------------------------------------------------------


def some_memories():
    rows = []
    for parameters, offered, exposures, bits, memory in itertools.product(
        (1000, 2000), (1.0, 3.0), (30, 1000), (32, 8, 4), (0, 1)
    ):
        stored = min(offered, 2.0) * (1 if bits == 32 else 0.9 if bits == 8 else -3)
        stored = stored * parameters + memory
        rows.append((parameters, offered, exposures, bits, memory, stored))
    names = ("parameters", "offered", "exposures", "bits", "memory", "stored")
    return {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def test_stored_against_offered_and_what_rounding_leaves():
    view = figures.capacity_view(some_memories())
    text = view.at(facts=3.0, shown=1000)
    assert text.startswith("3 bits a parameter offered, each fact seen 1,000 times")
    assert "stored a parameter, by size: 1,000: 2.00, int8 1.80, int4 -6.00" in text
    first, _, mark = view.moving(0)
    assert numbers_of(first) == pytest.approx(np.array([[1, 1.0005], [3, 2.0005]]))
    assert numbers_of(mark) == pytest.approx(np.array([[3, 2.0005], [3, 2.00025]]))
    after, _ = view.moving(1)
    below = -5.9995  # not moved to the edge of the axis
    assert numbers_of(after)[:, 1] == pytest.approx([2.0005, 1.8005, below])
    assert "1 bit a parameter offered, each fact seen 30 times" in view.at(facts=1.0, shown=30)


# ---- what fits where ---------------------------------------------------------------------


def test_bytes_of_a_model_beside_memories():
    view = figures.fits_view()
    assert "16 GB; the smallest memory that holds its weights: server card" in view.at(
        parameters="8B", bits=16
    )
    assert "8.75 GB; the smallest memory that holds its weights: laptop" in view.at(
        parameters="8B", bits=8
    )
    text = view.at(parameters="8e9", bits=4)
    assert "4.62 GB; the smallest memory that holds its weights: phone" in text
    assert "none of these; 0 of 6 do" in view.at(parameters="9T", bits=32)
    (line,) = view.moving(0)
    assert line.get_xdata()[0] == pytest.approx(9e12 * 4)


def test_bytes_of_a_model_are_those_of_its_matrices():
    weight = np.random.default_rng(0).normal(size=(64, 320))
    for bits in q.BITS:
        found = q.round_to_nearest(weight, bits, 32)
        assert figures.model_bytes(weight.size, bits, 32) == found.nbytes
    assert figures.model_bytes(1000, 16, 32) == 2000


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("many", "type a number such as"),
        ("", "type a number"),
        ("0", "from 1k to"),
        ("1e20", "1e13"),
    ],
)
def test_what_is_no_number_of_parameters_is_said(typed, words):
    with pytest.raises(ValueError, match=words):
        figures.amount(typed)


def test_sizes_are_written_in_their_unit():
    written = [figures.readable_bytes(10.0**k) for k in (1, 3, 6, 9, 12)]
    assert written == ["10 bytes", "1 kB", "1 MB", "1 GB", "1 TB"]
    assert re.fullmatch(r"16 weights", figures.shared_name(16))
