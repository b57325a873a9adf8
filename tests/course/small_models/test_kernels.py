"""Kernels: int8 computes nearly what float32 does, and all are timed in turn."""

import numpy as np
import pytest
import torch
from torch import nn

from ttclib.course.small_models import kernels
from ttclib.lm.llama import Llama, Shape


def test_int8_is_off_by_little_and_holds_integers():
    layer = nn.Linear(64, 32, bias=False)
    x = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    few = kernels.in_int8(layer)
    with torch.no_grad():
        full, rounded = layer(x), few(x)
    gap = (full - rounded).norm() / full.norm()
    assert 0 < gap < 0.03
    assert few.weight.dtype == torch.qint8
    assert few.weight.int_repr().abs().max() == 127
    assert layer.weight.dtype == torch.float32


def test_where_there_is_no_such_kernel_it_is_said(monkeypatch):
    def none(*_):
        raise RuntimeError("Didn't find engine for operation quantized::linear_prepack\nmore")

    monkeypatch.setattr(kernels, "Int8Linear", none)
    for model in (nn.Linear(2, 2, bias=False), nn.Sequential(nn.Linear(2, 2))):
        with pytest.raises(ValueError, match="no int8 kernel here: Didn't find engine") as said:
            kernels.in_int8(model)
        assert "\n" not in str(said.value)


def test_a_model_runs_in_every_kind():
    shape = Shape(vocabulary=11, width=32, layers=2, heads=2, hidden=32, context=32)
    model = Llama(shape).eval()
    text = torch.arange(9)[None]
    with torch.no_grad():
        found = {kind: one(text).float() for kind, one in kernels.in_kinds(model).items()}
    assert tuple(found) == kernels.KINDS
    for kind in (kernels.BFLOAT16, kernels.INT8):
        gap = (found[kind] - found[kernels.FLOAT32]).norm() / found[kernels.FLOAT32].norm()
        assert 0 < gap < 0.1, kind


def test_computations_are_timed_in_turn():
    seen = []
    runs = {name: lambda name=name: seen.append(name) for name in "ab"}
    found = kernels.rounds_of(runs, 3, least=0.0)
    assert {name: len(values) for name, values in found.items()} == {"a": 3, "b": 3}
    assert all((values > 0).all() for values in found.values())
    turns = [name for i, name in enumerate(seen) if not i or seen[i - 1] != name]
    assert turns == list("ababab")


def test_seconds_of_layers_and_models_have_a_place_for_every_round():
    for seconds in (
        kernels.layer_seconds(16, 2, 2, least=0.0),
        kernels.model_seconds(
            Llama(Shape(vocabulary=5, width=16, layers=1, heads=1, hidden=8)).eval(), 3, 2, 0.0
        ),
    ):
        assert tuple(seconds) == kernels.KINDS
        assert np.array(list(seconds.values())).shape == (3, 2)
    with pytest.raises(ValueError, match="rounds is 0"):
        kernels.layer_seconds(16, 1, 0)
