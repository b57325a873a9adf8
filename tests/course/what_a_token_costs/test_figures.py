"""Pictures of notebook 14: the numbers they draw, and the sentences beside them."""

import re

import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of

from ttclib import artefacts
from ttclib.course.what_a_token_costs import counting, figures, measuring, mixers
from ttclib.course.what_a_token_costs.measuring import GENERATION, TRAINING


@pytest.fixture
def drawn(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


@pytest.fixture(scope="module")
def record():
    return measuring.read_costs(artefacts.path("token-costs"))


def test_sizes_are_written_in_the_unit_that_fits():
    for size, said in ((3, "3 bytes"), (2048, "2.0 KiB"), (2**20, "1.0 MiB"), (2**37, "128.0 GiB")):
        assert figures.plain_bytes(size) == said


@pytest.mark.usefixtures("drawn")
def test_the_cache_of_a_model_of_many_settings():
    view = figures.cache_view()
    (full, *_) = view.fixed(0)
    assert numbers_of(full)[8].tolist() == [2**18, 128]
    for tokens in (2**10, 2**18, 2**20):
        for kv_heads in (32, 8, 1):
            for window in (0, 1024):
                for attending in (32, 4, 0):
                    text = view.at(
                        tokens_read=tokens, kv_heads=kv_heads, window=window, attending=attending
                    )
                    line, dot = view.moving(0)
                    seen = min(tokens, window) if window else tokens
                    held = 2 * attending * kv_heads * 128 * seen * 2
                    held += (32 - attending) * 32 * 128 * 128 * 2
                    assert numbers_of(dot)[0, 1] == pytest.approx(held / 2**30)
                    assert [tokens, held / 2**30] in numbers_of(line).tolist()
                    assert figures.plain_bytes(held) in text
                    assert ("fixed" in text) == (attending < 32)


@pytest.mark.usefixtures("drawn")
@pytest.mark.answers("14-014", 1)
@pytest.mark.answers("14-014", 2)
@pytest.mark.answers("14-014", 3)
def test_what_the_page_says_of_the_cache():
    """128 GiB; a quarter and the same slope; a thirty-second, and at 1 K tokens a twelfth."""
    view = figures.cache_view()
    assert "128.0 GiB" in view.at(tokens_read=2**18, kv_heads=32, window=0, attending=32)
    four = "times as much"
    for tokens in (2**10, 2**14, 2**18):  # a quarter everywhere: the same slope
        assert f" 4.0 {four}" in view.at(tokens_read=tokens, kv_heads=8, window=0, attending=32)
    hybrid = {"kv_heads": 8, "attending": 4}
    assert f"31.8 {four}" in view.at(tokens_read=2**18, **hybrid)
    early = view.at(tokens_read=2**10, **hybrid)
    assert "28.0 MiB of it fixed" in early
    assert f"11.6 {four}" in early


@pytest.mark.usefixtures("drawn")
def test_operations_of_a_token_are_those_of_the_formula():
    view = figures.cost_view()
    for context in (64, 512, 4096, 16384):
        for state in (16, 64, 256):
            text = view.at(context=context, state=state, window=256)
            attention = mixers.Attention(1024, 16)
            retention = mixers.Retention(1024, 16, state)
            whole = counting.flops(attention, counting.PARALLEL, context)
            chunks = counting.flops(retention, counting.CHUNKWISE, context)
            step = counting.flops(attention, counting.STEP, context)
            other = counting.flops(retention, counting.STEP, context)
            said = re.search(r"costs ([\d.]+) times chunks at once and ([\d.]+) times", text)
            assert float(said[1]) == pytest.approx(whole / chunks, abs=0.006)
            assert float(said[2]) == pytest.approx(step / other, abs=0.006)
            dots = [numbers_of(line) for line in view.moving(1) if len(numbers_of(line)) == 1]
            assert [context, step] in [dot[0].tolist() for dot in dots]
            assert [context, other] in [dot[0].tolist() for dot in dots]
            for ax in view.fig.axes:
                low, high = ax.get_ylim()
                for line in ax.lines:
                    heights = numbers_of(line)[:, 1]
                    assert ((heights > low) & (heights < high)).all()
    assert "the dearer from 577 tokens on" in view.at(context=512, state=64)
    assert "the dearer at every length" in view.at(context=512, state=16)


@pytest.mark.usefixtures("drawn")
@pytest.mark.answers("14-033", 1)
@pytest.mark.answers("14-033", 2)
@pytest.mark.answers("14-033", 3)
def test_what_the_page_says_of_the_operations():
    """At 512 tokens attention is cheaper; at once it always is; chunks are flat."""
    curves = figures.cost_curves(1024, 16, 64, 1024)
    place = list(figures.CONTEXTS).index(512)
    step = {name: costs for (form, name), costs in curves.items() if form == GENERATION}
    assert step[measuring.ATTENTION][place] < step[measuring.RETENTION][place]
    whole = {name: costs for (form, name), costs in curves.items() if form == TRAINING}
    assert (whole[measuring.ATTENTION] < whole[measuring.RETENTION]).all()
    assert len(set(whole[measuring.CHUNKS])) == 1
    larger = figures.cost_curves(1024, 16, 256, 1024)[GENERATION, measuring.RETENTION]
    growth = larger[0] / step[measuring.RETENTION][0]
    assert growth == pytest.approx(2.2, abs=0.1)


@pytest.mark.usefixtures("drawn")
def test_measured_costs_are_drawn_as_a_share_of_attention(record):
    view = figures.measured_view(record)
    for quantity, name in (("time", "seconds"), ("memory", "bytes")):
        for context in (64, 1024, 16384):
            text = view.at(quantity=quantity, context=context)
            assert text.startswith(f"{quantity} at {context:,} tokens")
            found = {}
            for case in ((TRAINING, measuring.FUSED), (TRAINING, measuring.CHUNKS)):
                cost = record[case]
                found[case] = getattr(cost, name)[list(cost.tokens).index(context)]
            ratio = found[TRAINING, measuring.FUSED] / found[TRAINING, measuring.CHUNKS]
            assert f"takes {ratio:.2f} times" in text
            for place, form in enumerate((TRAINING, GENERATION)):
                low, high = view.fig.axes[place].get_ylim()
                lines = [numbers_of(line) for line in view.moving(place)]
                curves = [line for line in lines if len(line) > 2]
                assert len(curves) == len(measuring.CONTENDERS[form])
                first = curves[measuring.CONTENDERS[form].index(measuring.ATTENTION)]
                assert [1024, 1] in first.tolist()
                for curve in curves:
                    assert ((curve[:, 1] > low) & (curve[:, 1] < high)).all()


@pytest.mark.usefixtures("drawn")
def test_seconds_of_this_machine_are_drawn_in_microseconds():
    picture = figures.live_picture({measuring.ATTENTION: np.array([1e-6, 2e-6])}, [256, 1024])
    (line,) = picture.fig.axes[0].lines
    assert numbers_of(line).tolist() == [[256, 1], [1024, 2]]
    assert measuring.ATTENTION in picture.text


def test_the_printed_caches_are_those_of_the_shapes():
    for _, layers, kv_heads, size, printed in figures.PRINTED_CACHES:
        assert counting.cache_bytes(layers, kv_heads, size, 2**18) == printed * 2**30


def test_the_shapes_are_those_of_the_models():
    """As far as transformers knows them by its defaults; Jamba-1.5-Large is in its paper."""
    transformers = pytest.importorskip("transformers")
    shapes = {name: shape for name, *shape, _ in figures.PRINTED_CACHES}
    jamba = transformers.JambaConfig()
    known = {
        "Mistral 7B": (transformers.MistralConfig(), None),
        "Mixtral 8x7B": (transformers.MixtralConfig(), None),
        "Jamba-1.5-Mini": (jamba, jamba.layers_block_type.count("attention")),
    }
    for name, (config, attending) in known.items():
        size = config.hidden_size // config.num_attention_heads
        layers = attending or config.num_hidden_layers
        assert shapes[name] == [layers, config.num_key_value_heads, size]
