"""Grids, their bytes, and GPTQ against least squares, brute force and its own bill."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ttclib.course.small_models import distil
from ttclib.course.small_models import quantize as q
from ttclib.lm.llama import Llama, Shape
from ttclib.lm.training import pack_texts


def layer(seed, rows=4, columns=6, tokens=60):
    """A matrix and the moments of correlated inputs."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(tokens, columns)) @ rng.normal(size=(columns, columns))
    return rng.normal(size=(rows, columns)), inputs.T @ inputs / tokens


# ---- grids and bytes ---------------------------------------------------------------------


@given(st.integers(1, 8), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_packed_codes_come_back_and_take_their_bits(bits, count, seed):
    codes = np.random.default_rng(seed).integers(2**bits, size=count)
    packed = q.pack(codes, bits)
    assert packed.nbytes == -(-count * bits // 8)
    assert q.unpack(packed, bits, count).tolist() == codes.tolist()


@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_no_place_of_the_grid_is_nearer(bits, seed):
    weight = np.random.default_rng(seed).normal(size=(3, 8))
    found = q.round_to_nearest(weight, bits)
    values = found.scale * (np.arange(2**bits) - found.zero.astype(float))  # (rows, places)
    gaps = np.abs(weight[:, :, None] - values[:, None, :])
    chosen = np.take_along_axis(gaps, found.codes[:, :, None].astype(int), axis=2)[..., 0]
    assert chosen == pytest.approx(gaps.min(axis=2), abs=1e-12)


@pytest.mark.parametrize("bits", q.BITS)
def test_zero_stays_zero_and_nothing_moves_more_than_half_a_step(bits, seed):
    weight = np.random.default_rng(seed).normal(size=(5, 64))
    weight[:, ::7] = 0.0
    for sharing in ("matrix", "row", 16):
        found = q.round_to_nearest(weight, bits, sharing)
        assert (found.weight[weight == 0] == 0).all()
        step = np.repeat(found.scale.astype(float), weight.size // len(found.scale))
        # the ends are cut off where the place of 0 was rounded: half a step more, and float16
        assert (np.abs(found.weight - weight).ravel() <= 1.01 * step).all()


def test_a_group_is_rounded_as_if_it_were_alone(seed):
    weight = np.random.default_rng(seed).normal(size=(3, 24))
    whole = q.round_to_nearest(weight, 3, 8).weight
    for row, group in itertools.product(range(3), range(3)):
        part = np.s_[row : row + 1, 8 * group : 8 * group + 8]
        assert (whole[part] == q.round_to_nearest(weight[part], 3, "matrix").weight).all()


def test_bytes_are_those_of_the_packed_arrays():
    weight = np.random.default_rng(0).normal(size=(10, 96))
    cut = (("matrix", 1), ("row", 10), (32, 30))
    for bits, (sharing, groups) in itertools.product(q.BITS, cut):
        found = q.round_to_nearest(weight, bits, sharing)
        assert len(found.scale) == groups
        assert found.nbytes == 960 * bits / 8 + 2 * groups + -(-groups * bits // 8)
        codes, scale, zero = found.packed
        back = q.unpack(codes, bits, 960).reshape(groups, -1).astype(float)
        values = scale * (back - q.unpack(zero, bits, groups)[:, None])
        assert (values.reshape(10, 96) == found.weight).all()


def test_what_cannot_be_is_said_in_one_line():
    weight, moments = layer(0)
    for call, words in (
        (lambda: q.round_to_nearest(weight, 9), "at most 8"),
        (lambda: q.round_to_nearest(weight, 0), "at least 1"),
        (lambda: q.round_to_nearest(weight, 3, 4), "must divide the 6 columns"),
        (lambda: q.round_to_nearest(weight, 3, "column"), "one of matrix, row"),
        (lambda: q.round_to_nearest(weight[0], 3), "2"),
        (lambda: q.gptq(weight, moments, 3, "matrix"), "lays its grids along a row"),
        (lambda: q.gptq(weight, moments[:5], 3), "shape"),
        (lambda: q.gptq(weight, -moments, 3), "cannot be inverted"),
        (lambda: q.gptq(weight, moments, 3, damp=0.0), "above 0"),
    ):
        with pytest.raises(ValueError, match=words) as said:
            call()
        assert "\n" not in str(said.value)


# ---- GPTQ --------------------------------------------------------------------------------


def by_least_squares(weight, moments, bits, size, damp):
    """Round column after column; before each, put all free ones where least squares wants them."""
    columns = weight.shape[1]
    moments = moments + damp * np.trace(moments) / columns * np.eye(columns)
    inputs = np.linalg.cholesky(moments).T  # inputs with just these moments
    found = np.zeros_like(weight)
    for j in range(columns):
        left = inputs @ weight.T - inputs[:, :j] @ found[:, :j].T
        best = np.linalg.lstsq(inputs[:, j:], left, rcond=None)[0].T
        if j % size == 0:
            scale, zero = q.grid(best[:, :size], bits)
        place = q.nearest(best[:, :1], scale, zero, bits)
        found[:, [j]] = scale * (place - zero)
    return found


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("size", [6, 3, 2])
def test_each_column_is_rounded_from_where_least_squares_puts_it(bits, size):
    for seed in range(10):
        weight, moments = layer(seed)
        found = q.gptq(weight, moments, bits, size, damp=0.01)
        assert found.weight == pytest.approx(by_least_squares(weight, moments, bits, size, 0.01))


def test_its_error_is_the_sum_of_what_each_column_lost():
    """An exact bill: lost² times what the inputs after it cannot predict of input j."""
    for seed in range(10):
        weight, moments = layer(seed, columns=12)
        found = q.gptq(weight, moments, 3).weight
        moments = q.damped(moments, 0.01)
        upper = q.factor(moments)
        free = weight.copy()
        bill = 0.0
        for j in range(12):
            after = moments[j + 1 :, j + 1 :]
            cross = moments[j, j + 1 :]
            alone = moments[j, j] - cross @ np.linalg.solve(after, cross)  # conditional variance
            assert 1 / upper[j, j] ** 2 == pytest.approx(alone)
            lost = free[:, [j]] - found[:, [j]]
            bill += alone * np.sum(lost**2)
            free[:, j:] -= lost * upper[j, j:] / upper[j, j]
        assert q.output_error(weight, found, moments) == pytest.approx(bill)


def test_between_the_best_of_all_grids_and_a_bound(seed):
    """2 × 3, 2 bits: all 4³ places of each row are tried. Where no place is cut off, the error is
    at most a quarter of a squared step times what the inputs after each column leave of it.
    """
    rng = np.random.default_rng(seed)
    better = 0
    ours = theirs = 0.0
    for _ in range(200):
        weight, moments = layer(int(rng.integers(2**31)), rows=2, columns=3)
        moments = q.damped(moments, 0.01)
        found = q.gptq(weight, moments, 2, damp=1e-9)
        plain = q.round_to_nearest(weight, 2)
        assert (found.scale == plain.scale).all()  # the first group is laid before weights move
        places = np.array(list(itertools.product(range(4), repeat=3)))
        best = 0.0
        for i in range(2):
            values = found.scale[i].astype(float) * (places - float(found.zero[i, 0]))
            gaps = weight[i] - values
            best += np.einsum("pj,jk,pk->p", gaps, moments, gaps).min()
        errors = [q.output_error(weight, one.weight, moments) for one in (found, plain)]
        assert min(errors) >= best * (1 - 1e-9)
        ours += errors[0]
        theirs += errors[1]
        better += errors[0] <= errors[1] * (1 + 1e-9)
    # 200 layers drawn at random: on the whole it wins, and it is not worse in most
    assert ours < theirs
    assert better > 100


def test_the_bound_holds_where_nothing_is_cut_off():
    held = 0
    for seed in range(200):
        weight, moments = layer(seed)
        moments = q.damped(moments, 0.01)
        found = q.gptq(weight, moments, 4, damp=1e-9)
        kept = 1 / q.factor(moments).diagonal() ** 2
        inside = (found.codes > 0) & (found.codes < 15)
        cut = ~inside & (np.abs(weight) > 0)
        if cut.all(axis=1).any():
            continue
        bound = 0.25 * (found.scale.astype(float) ** 2).sum() * kept.sum()
        upper = q.factor(moments)
        free = weight.copy()
        most = 0.0
        for j in range(6):
            lost = free[:, [j]] - found.weight[:, [j]]
            most = max(most, (np.abs(lost) / found.scale).max())
            free[:, j:] -= lost * upper[j, j:] / upper[j, j]
        if most <= 0.5 + 1e-9:
            held += 1
            assert q.output_error(weight, found.weight, moments) <= bound * (1 + 1e-6)
    assert held > 20


def test_inputs_that_know_nothing_of_each_other_leave_rounding_to_nearest():
    weight, _ = layer(3)
    moments = np.diag(np.arange(1.0, 7.0))
    assert (q.gptq(weight, moments, 3).weight == q.round_to_nearest(weight, 3).weight).all()


# ---- a whole model -----------------------------------------------------------------------

SHAPE = Shape(vocabulary=11, width=16, layers=2, heads=2, hidden=24, context=32)


def texts(seed=0, count=7):
    rng = np.random.default_rng(seed)
    return pack_texts(
        [(rng.integers(11, size=rng.integers(4, 12)).tolist(), 2) for _ in range(count)], 24
    )


def test_moments_are_those_of_the_inputs_of_real_tokens():
    model = Llama(SHAPE).eval()
    rows = texts()
    found = q.second_moments(model, rows)
    assert found.keys() == q.matrices(model).keys()
    real = rows.texts >= 0
    with torch.no_grad():
        x = model.embed(torch.as_tensor(rows.tokens[real].astype(np.int64)))
        x = model.layers[0].norm1(x).double().numpy()
    assert found["blocks.0.qkv"] == pytest.approx(x.T @ x / real.sum(), rel=1e-5, abs=1e-8)
    assert found["blocks.1.down"].shape == (24, 24)


def test_a_model_is_shrunk_and_the_full_one_stays():
    model = Llama(SHAPE).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rows = texts()
    for moments in (None, q.second_moments(model, rows)):
        small = q.shrink(model, 3, 8, moments)
        assert all((before[name] == value).all() for name, value in model.state_dict().items())
        for name, part in q.matrices(small.model).items():
            assert part.weight.detach().double().numpy() == pytest.approx(
                small.layers[name].weight, rel=1e-6
            )
        matrix = SHAPE.layers * (4 * 16 * 16 + 3 * 16 * 24)
        groups = matrix // 8
        rest = SHAPE.parameters - matrix
        assert small.nbytes == pytest.approx(matrix * 3 / 8 + groups * 19 / 8 + 2 * rest, abs=8)
    assert q.size_in_bytes(model) == 4 * SHAPE.parameters


def test_more_bits_are_nearer():
    model = Llama(SHAPE).eval()
    rows = texts(count=20)
    full = distil.log_probs(model, rows, np.float32)

    def off(small):
        return distil.divergence(rows, full, distil.log_probs(small, rows, np.float32)).mean()

    far = [off(q.shrink(model, b).model) for b in q.BITS]
    assert far == sorted(far)
    half = off(q.as_bfloat16(model))
    assert 0 <= half < far[1]
