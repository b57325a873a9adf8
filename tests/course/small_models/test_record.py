"""What notebook 13 says of the shipped tables: each sentence, and the numbers it rests on."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from sentences import Says

from tools import small
from ttclib import artefacts
from ttclib.course.small_models import figures
from ttclib.course.small_models import quantize as q
from ttclib.course.small_models.record import (
    FULL,
    HALF,
    chosen,
    read_runs,
    seconds_a_token,
    speedups,
)
from ttclib.lm import arithmetic, models
from ttclib.measure import bootstrap
from ttclib.search import results

says = Says("13_small_models")


@cache
def record():
    """Read what the notebook reads."""
    runs = read_runs(artefacts.path("quantization"))
    return SimpleNamespace(
        runs=runs,
        counts=bootstrap.counts(len(runs[0].right), 1999, np.random.default_rng(0)),
        full=chosen(runs, model="lab-large", method=FULL)[0],
        half=chosen(runs, model="lab-large", method=HALF)[0],
        layers=results.read(artefacts.path("quantization"), "layers"),
        memories=results.read(artefacts.path("knowledge"), "memories"),
        seconds=results.read(artefacts.path("kernels"), "seconds"),
    )


def run(method, bits, sharing, model="lab-large"):
    """The run with the first calibration."""
    return chosen(record().runs, model=model, method=method, bits=bits, sharing=sharing)[0]


def gap(one, other):
    """How much more one run solves than another, with its interval."""
    return bootstrap.mean_interval(one.right.astype(float) - other.right, record().counts)


# ---- in every matrix ---------------------------------------------------------------------


def test_gptq_loses_less_in_every_matrix_on_texts_it_has_not_seen():
    runs, layers = record().runs, record().layers
    for sharing in ("row", "32"):
        for bits in q.BITS:
            index = [runs.index(run(method, bits, sharing)) for method in (q.NEAREST, q.GPTQ)]
            plain, clever = (layers["error"][layers["run"] == i] for i in index)
            assert len(plain) == len(clever) == 28
            assert (clever < plain).all()


def test_eight_bits_by_gptq_are_nearer_than_bfloat16():
    eight, half = run(q.GPTQ, 8, "row"), record().half
    assert eight.divergence < half.divergence and eight.nbytes < 0.6 * half.nbytes


def test_a_bit_less_is_further_away_and_gptq_is_nearer():
    for sharing in ("row", "32"):
        plain, clever = (
            [run(method, bits, sharing).divergence for bits in q.BITS]
            for method in (q.NEAREST, q.GPTQ)
        )
        assert plain == sorted(plain) and clever == sorted(clever)
        assert (np.array(clever) < plain).all()


# ---- the page: grids and GPTQ ------------------------------------------------------------


@cache
def layer():
    """The example of the notebook: a matrix, and the moments of its inputs."""
    rows = small.packed("train", 48, 5)[1]
    model = models.load("lab-large").ours
    moments = q.second_moments(model, rows)
    weights = {
        name: part.weight.detach().double().numpy() for name, part in q.matrices(model).items()
    }
    return weights, moments


def error(bits, sharing):
    """Error of the example's outputs."""
    weights, moments = layer()
    weight = weights["blocks.3.out"]
    found = q.round_to_nearest(weight, bits, sharing)
    return q.output_error(weight, found.weight, moments["blocks.3.out"]), found.nbytes


@pytest.mark.answers("13-013", 1)
@pytest.mark.answers("13-013", 2)
@pytest.mark.answers("13-013", 3)
def test_answers_on_grids():
    two_bits = [error(b - 2, "row")[0] / error(b, "row")[0] for b in (8, 6)]
    per_bit = [times**0.5 for times in two_bits]
    steps = [error(b - 1, "row")[0] / error(b, "row")[0] for b in (4, 3)]
    says("More than four times.", all(4 < times < 6 for times in per_bit + steps))
    says("From 3 bits to 2 it is more", steps[1] > steps[0])
    for bits in (4, 2):
        says("About five times.", 4 < error(bits, "matrix")[0] / error(bits, 32)[0] < 6)
    logs = [(np.log(error(b, "row")[0]), error(b, "row")[1]) for b in q.BITS[::-1]]
    for bits in (6, 4, 3):
        found, size = error(bits, 32)
        row = np.exp(np.interp(size, [n for _, n in logs], [e for e, _ in logs]))
        says("The line of 32 lies above that of a row", found > row)


@pytest.mark.answers("13-025", 1)
def test_on_its_way_gptq_is_at_the_least_that_is_possible():
    weights, moments = layer()
    weight, m = weights["blocks.3.out"], q.damped(moments["blocks.3.out"], 0.01)
    for bits in (6, 4, 2):
        found = q.gptq(weight, m, bits, "row", damp=1e-9).weight
        left, least = figures.errors_on_the_way(weight, found, m)
        on_the_way = figures.updates(weight, found, q.factor(m))
        through = np.allclose(on_the_way[1:], least[1:], rtol=1e-4)
        says("1. *Through* them.", through and (left[1:-1] > least[1:-1]).all())


@pytest.mark.answers("13-025", 2)
@pytest.mark.answers("13-025", 3)
def test_the_factor_is_what_inputs_know_about_each_other():
    weights, moments = layer()
    ratios = {}
    factors = {}
    for bits in (6, 4, 2):
        ratios[bits] = []
        for name in {*list(weights)[::3], "blocks.3.out"}:
            m = q.damped(moments[name], 0.01)
            expected = np.trace(m) / (1 / q.factor(m).diagonal() ** 2).sum()
            plain = q.round_to_nearest(weights[name], bits).weight
            clever = q.gptq(weights[name], m, bits, "row", damp=1e-9).weight
            errors = [q.output_error(weights[name], w, m) for w in (plain, clever)]
            ratios[bits].append(errors[0] / errors[1] / expected)
            if name == "blocks.3.out":
                factors[bits] = errors[0] / errors[1]
                says("2. About four times.", 3.5 < factors[bits] < 4.5)
    hardly = factors[2] < min(factors[4], factors[6]) and np.ptp(list(factors.values())) < 0.8
    says("Hardly. With 2 bits it is a little less.", hardly)
    says("agree within a few percent", np.abs(np.array(ratios[6]) - 1).max() < 0.05)
    says("With 2 bits a part of it is lost", 0.8 < np.median(ratios[2]) < 0.97)


# ---- whole models ------------------------------------------------------------------------


@pytest.mark.answers("13-031", 1)
@pytest.mark.answers("13-031", 2)
def test_answers_on_bits():
    full = record().full
    for bits in (8, 6):
        _, low, high = gap(run(q.NEAREST, bits, "32"), full)
        says("To nearest, down to 6 bits with a grid for 32 weights", low <= 0 <= high)
    mean, _, high = gap(run(q.NEAREST, 4, "32"), full)
    says(
        "At 4 bits it solves five problems in a hundred fewer", high < 0 and round(mean, 2) == -0.05
    )
    for bits, sharing in ((3, "32"), (3, "row"), (4, "32"), (4, "row")):
        _, low, high = gap(run(q.GPTQ, bits, sharing), full)
        says("GPTQ loses nothing that 200 problems can show down to 3 bits", low <= 0 <= high)
    _, _, high = gap(run(q.GPTQ, 2, "32"), full)
    assert high < 0
    shares = [run(method, 2, "32").right.mean() for method in q.METHODS]
    says(
        "the model solves 0.30, by GPTQ 0.62, in full 0.74",
        np.allclose([*shares, full.right.mean()], [0.305, 0.625, 0.74], atol=0.006),
    )
    shares = [run(method, 2, "row").right.mean() for method in q.METHODS]
    says("it is 0.00 against 0.57", np.allclose(shares, [0.005, 0.575], atol=0.006))


@pytest.mark.answers("13-031", 3)
def test_large_in_two_bits_against_small_in_full():
    small_one = run(FULL, 0, "", "lab-small")
    two, row = run(q.GPTQ, 2, "32"), run(q.GPTQ, 2, "row")
    _, low, _ = gap(two, small_one)
    says(
        "With a grid for 32 weights, `lab-large` in 2 bits, which takes an eighth more memory",
        low > 0 and 1.1 < two.nbytes / small_one.nbytes < 1.15,
    )
    _, low, high = gap(row, small_one)
    says(
        "which takes less, these problems cannot tell them apart",
        low < 0 < high and row.nbytes < small_one.nbytes,
    )
    four = run(q.GPTQ, 4, "32", "lab-small-more")
    says(
        "`lab-small-more` in 4 bits takes 127 kB and solves 0.79",
        round(four.nbytes / 1000) == 127 and abs(four.right.mean() - 0.785) < 0.006,
    )
    _, low, _ = gap(four, two)
    says("**more reading and 4 bits beat more weights and 2 bits**", low > 0)
    says("for a seventh of the bytes", 7 < two.nbytes / four.nbytes < 8)
    for model in ("lab-small", "lab-small-more"):
        solved = run(q.GPTQ, 2, "32", model).right.mean()
        says("At 2 bits the two smaller models solve nothing", solved < 0.02)
        _, _, high = gap(run(q.GPTQ, 3, "32", model), run(FULL, 0, "", model))
        lost = run(FULL, 0, "", model).right.mean() - run(q.GPTQ, 3, "32", model).right.mean()
        says(
            "at 3 bits the small ones lose ten problems in a hundred and more",
            lost > 0.1 and high < 0,
        )


def test_the_small_model_read_a_third_more():
    made = artefacts.manifest()
    read = {
        name: made[name]["settings"]["training"]["batch"]
        * made[name]["settings"]["training"]["steps"]
        for name in ("lab-small", "lab-large")
    }
    third = 3 * read["lab-small"] == 4 * read["lab-large"]
    says("`lab-small` read a third more than `lab-large`", third)


def test_other_texts_would_do():
    for sharing in ("row", "32"):
        draws = chosen(record().runs, model="lab-large", method=q.GPTQ, bits=2, sharing=sharing)
        shares = [draw.right.mean() for draw in draws]
        says("by three problems in a hundred or less", len(draws) == 3 and np.ptp(shares) <= 0.031)
        plain = run(q.NEAREST, 2, sharing).right.mean()
        says("the worst of them is far from rounding to nearest", min(shares) > plain + 0.2)


def test_where_small_ones_lose():
    asked = arithmetic.problems("test", 200, np.random.default_rng(2))
    operations = np.array([sum(text.count(sign) for sign in "+-*") for text in asked])
    by = {
        name: [run(FULL, 0, "", name).right[operations == k].mean() for k in range(2, 8)]
        for name in ("lab-small", "lab-small-more", "lab-large")
    }
    few = by["lab-small"]
    says("At two operations `lab-small` solves three in four, at seven one in four", True)
    assert few[0] == pytest.approx(0.75, abs=0.03) and few[-1] == pytest.approx(0.25, abs=0.03)
    ahead = np.array(by["lab-small-more"]) - by["lab-large"]
    says("at every length but the sixth, where they are equal", (ahead >= 0).all())
    assert (ahead == 0).tolist() == [False] * 4 + [True, False]


# ---- seconds -----------------------------------------------------------------------------


def times(tokens, kind, width):
    """How many times as fast as float32 a layer is, in each round of the record."""
    return speedups(record().seconds, "layer", tokens, kind, width)


@pytest.mark.answers("13-035b", 1)
def test_integers_are_faster_where_layers_are_wide():
    says(
        "int8 is *slower* than float32 at the width of `lab-small`", times(1, "int8", 64).max() < 1
    )
    says("hardly faster at that of `lab-large`", 1 < np.median(times(1, "int8", 192)) < 1.3)
    says("and three times as fast at 512", 2.7 < np.median(times(1, "int8", 512)) < 3.3)
    wide = np.median(times(1, "int8", 1024)) > 5 and round(1024 / 192) == 5
    says("At 1024, five times as wide as `lab-large`, it is more than five times as fast", wide)
    widths = np.unique(record().seconds["width"][record().seconds["what"] == "layer"])
    for width in widths:
        says(
            "With 64 tokens at once it is faster at every width", times(64, "int8", width).min() > 1
        )
        if width <= 512:
            slower = times(1, "bfloat16", width).max() < 1
            says("it is slower than float32 up to a width of 512", slower)
    for tokens in (1, 64):
        says(
            "more than the four times that the bytes suggest", times(tokens, "int8", 1024).min() > 4
        )


def test_seconds_of_whole_models():
    def ratio(kind, tokens):
        return seconds_a_token(record().seconds, "lab-large", kind, tokens) / seconds_a_token(
            record().seconds, "lab-small", kind, tokens
        )

    says("a token costs it only about three times the seconds", 2.5 < ratio("float32", 1) < 3.6)
    says("with 64 at once about ten times", 9 < ratio("float32", 64) < 11.5)
    for tokens in (1, 64):
        fast, slow = (
            seconds_a_token(record().seconds, name, "float32", tokens)
            / seconds_a_token(record().seconds, name, "int8", tokens)
            for name in ("lab-large", "lab-small")
        )
        says("int8 makes the large model faster and the small one slower", fast > 1 > slow)


# ---- memories ----------------------------------------------------------------------------


def held(hidden, exposures, offered, bits):
    """Bits a parameter of the three memories."""
    of = record().memories
    mine = (of["hidden"] == hidden) & (of["exposures"] == exposures)
    mine &= (of["offered"] == offered) & (of["bits"] == bits)
    return of["stored"][mine] / of["parameters"][mine]


@pytest.mark.answers("13-064", 1)
@pytest.mark.answers("13-064", 2)
@pytest.mark.answers("13-064", 3)
def test_answers_on_memories():
    for hidden in (10, 20, 40):
        assert held(hidden, 1000, 1.0, 32).min() > 0.95  # everything is kept
        first = held(hidden, 1000, 2.0, 32).mean() - held(hidden, 1000, 1.0, 32).mean()
        second = (held(hidden, 1000, 4.0, 32).mean() - held(hidden, 1000, 2.0, 32).mean()) / 2
        says("It saturates.", second < 0.6 * first)
        for exposures in (100, 1000):
            kept = held(hidden, exposures, 4.0, 8) / held(hidden, exposures, 4.0, 32)
            says("int8 keeps nearly everything", kept.min() > 0.95)
        lost = 1 - held(hidden, 1000, 4.0, 6) / held(hidden, 1000, 4.0, 32)
        says("6 bits lose a third and more of what a full network holds", lost.mean() > 0.33)
        says("and 4 bits more than everything", held(hidden, 1000, 4.0, 4).max() < 0)
    found = [held(h, e, 4.0, 32).mean() for h, e in ((40, 1000), (10, 1000), (40, 100), (10, 100))]
    says(
        "holds 2.7 after 1,000 exposures and the smallest 1.9; after 100 exposures 2.2 and 1.6",
        np.allclose(found, [2.7, 1.94, 2.16, 1.57], atol=0.05),
    )


def test_beside_the_paper():
    share = held(40, 100, 4.0, 32).mean() / held(40, 1000, 4.0, 32).mean()
    says("bring it four fifths as far as 1,000, not half", 0.75 < share < 0.85)
    says(
        "Two bits are not the most that a weight of our network holds",
        held(40, 1000, 4.0, 32).min() > 2.5,
    )
    says("keeps all of one bit a weight in 6 bits", held(40, 1000, 1.0, 6).min() > 0.98)
    says(
        "survives 4 bits better than what was learned in 1,000",
        held(40, 100, 4.0, 4).min() > 0.5 and held(40, 1000, 1.0, 4).max() < 0.2,
    )


@pytest.mark.answers("13-072", 1)
def test_what_fits_where():
    for parameters, bits, fits in ((8e9, 16, False), (8e9, 8, False), (8e9, 4, True)):
        assert (figures.model_bytes(parameters, bits, 32) <= 8e9) == fits
    large, few = (models.load(name).ours.shape.parameters for name in ("lab-large", "lab-small"))
    says(
        "`lab-large` does not fit on that microcontroller at any number of bits",
        figures.model_bytes(large, 2, 32) > 264e3,
    )
    says(
        "`lab-small` does, from 8 bits down",
        figures.model_bytes(few, 8, 32) < 264e3 < figures.model_bytes(few, 16, 32),
    )
    says("In 8 bits it takes 8.75 GB", figures.model_bytes(8e9, 8, 32) == 8.75e9)
    says("In 4 bits it takes 4.6 GB", round(figures.model_bytes(8e9, 4, 32) / 1e9, 1) == 4.6)
