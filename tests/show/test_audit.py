"""The audit of pictures: each fault is seen, and a clean picture has none."""

import json

import numpy as np
import pytest
from audit import audit, contrast, is_number

from tests.conftest import faults_of
from ttclib.show.style import COLORS, MUTED, figure, ink


def clean():
    """A picture without fault: two named axes, a line, a label beside it, a legend off the line."""
    fig, ax = figure()
    ax.plot([0, 1], [0, 1], label="line")
    ax.set(xlabel="points", ylabel="error", xlim=(0, 1), ylim=(0, 1), title="how far off")
    ax.text(0.1, 0.8, "above the line")
    ax.legend(loc="lower right")
    return fig, ax


def test_a_clean_picture_has_no_fault():
    assert audit(clean()[0]) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda ax: ax.text(0.1, 0.6, "pale", color=COLORS[1]), "'pale' has contrast 2."),
        (lambda ax: ax.text(0.1, 0.6, "thin", alpha=0.4), "'thin' has contrast"),
        (lambda ax: ax.set_title("a title", color=MUTED), "'a title' has contrast 3."),
        (lambda ax: ax.tick_params(labelcolor="#AAAAAA"), "'0.2' has contrast"),
        (lambda ax: ax.text(0.5, 0.5, "struck", ha="center", va="center"), "lies on a line (line)"),
        (lambda ax: ax.text(0.1, 0.79, "twice"), "overlaps"),
        (lambda ax: ax.text(0.1, 0.8, "two\nrows", va="center"), "overlaps"),
        (lambda ax: ax.figure.text(0.97, 0.5, "cut off here"), "is cut off at the edge, by"),
        (lambda ax: ax.set_xlabel(""), "the x axis under 'how far off' shows numbers"),
        (lambda ax: ax.set(ylabel="", title=""), "the y axis shows numbers and has no name"),
        (lambda ax: ax.vlines(0.15, 0, 1, label="mark"), "'above the line' lies on a line (mark)"),
        (lambda ax: ax.axvline(0.15), "'above the line' lies on a line (Line2D)"),
        (lambda ax: ax.legend(loc="center"), "'line' lies on a line (line)"),
    ],
)
def test_each_fault_is_seen(spoil, words):
    fig, ax = clean()
    spoil(ax)
    assert any(words in fault for fault in audit(fig)), audit(fig)


@pytest.mark.parametrize(
    "add",
    [
        lambda ax: ax.text(0.1, 0.6, "dark", color=ink(COLORS[1])),
        lambda ax: ax.text(0.5, 0.5, "boxed", ha="center", bbox={"facecolor": "white"}),
        lambda ax: ax.set(ylabel=""),  # the title says what goes up
        lambda ax: ax.text(2, 2, "outside", clip_on=True).set_visible(False),
        lambda ax: ax.set_xticks([0, 1], ["start", "end"], rotation=30),
    ],
)
def test_what_is_no_fault_is_silent(add):
    fig, ax = clean()
    add(ax)
    assert audit(fig) == []


def test_text_on_a_dark_ground_is_measured_against_it():
    fig, ax = clean()
    ax.axvspan(0.05, 0.5, color="#000000", zorder=0)
    assert any("above the line" in fault for fault in audit(fig))
    ax.texts[0].set_color("white")
    assert audit(fig) == []


def test_the_picture_is_as_it_was():
    fig, _ = clean()
    fig.canvas.draw()
    before = np.array(fig.canvas.buffer_rgba())
    audit(fig)
    assert np.array_equal(before, np.asarray(fig.canvas.buffer_rgba()))


def test_contrast_is_that_of_the_definition():
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    grey = (0x77 / 255,) * 3  # the lightest grey but one that is said not to pass on white
    assert contrast(grey, (1, 1, 1)) == pytest.approx(4.478, abs=1e-3)


@pytest.mark.parametrize("words", ["1,000", "−0.5", "20%", "$\\mathdefault{10^{-2}}$", "2.5"])
def test_marks_that_say_numbers(words):
    assert is_number(words)


@pytest.mark.parametrize("words", ["rice", "n = 4 and more", "μ", ""])
def test_marks_that_say_words(words):
    assert not is_number(words)


def test_faults_are_read_once_each(tmp_path):
    file = tmp_path / "one.jsonl"
    assert faults_of(file) == []
    rows = [["figures.view()", ["a", "b"]], ["figures.view()", ["a"]]]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert faults_of(file) == ["figures.view(): a", "figures.view(): b"]
