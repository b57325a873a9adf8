"""The map of the course: it marks what is there, and its miniatures are what they say."""

import io
from pathlib import Path

import numpy as np
import pytest
from drawings import Sheet, numbers_of
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from ttclib.course.start_here import course_map

ROOT = Path(__file__).resolve().parents[3]


def test_the_map_can_be_drawn_again():
    picture = course_map.course_map()
    assert picture.png == course_map.course_map().png
    assert "darts → a chain" in repr(picture) and "16 your own model" in repr(picture)


def test_the_picture_in_the_readme_is_up_to_date():
    """Redrawn, up to what another build of the font renderer may change."""
    stored, drawn = (
        np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)
        for png in ((ROOT / "data" / "course.png").read_bytes(), course_map.course_map(dpi=200).png)
    )
    assert stored.shape == drawn.shape
    assert np.abs(stored - drawn).mean() < 1


@pytest.fixture
def drawn(monkeypatch):
    """The figure of the map: the page, and a miniature for each part."""
    monkeypatch.setattr(course_map, "Picture", Sheet)
    return course_map.course_map().fig.axes


def test_every_page_of_the_course_has_one_chip(drawn):
    there = {path.stem.split("_")[0] for path in (ROOT / "notebooks").glob("*.ipynb")}
    written = [text.get_text() for text in drawn[0].texts]
    assert sorted(text for text in written if text[0].isdigit()) == sorted(there)
    boxes = [box for box in drawn[0].patches if isinstance(box, FancyBboxPatch)]
    faces = [to_hex(box.get_facecolor()) for box in boxes]
    assert faces.count(course_map.PROPOSED.lower()) == len(there)


def test_every_part_names_its_loop_and_its_notebooks(drawn):
    written = {text.get_text() for text in drawn[0].texts}
    for part, names in zip(course_map._PARTS, course_map._NOTEBOOKS, strict=True):
        assert {*part, *names} <= written


def lines_of(ax, color):
    return [line for line in ax.lines if line.get_color() == color]


def test_darts_are_selected_inside_the_circle(drawn):
    (hits,) = lines_of(drawn[1], course_map.SELECTED)
    (misses,) = lines_of(drawn[1], course_map.UNSELECTED)
    assert (np.hypot(*numbers_of(hits).T) <= 1).all()
    assert (np.hypot(*numbers_of(misses).T) > 1).all()
    assert len(hits.get_xdata()) + len(misses.get_xdata()) == 260


def test_the_chain_stays_where_a_proposal_is_refused(drawn):
    (path,) = lines_of(drawn[2], course_map.SELECTED)
    (refused,) = lines_of(drawn[2], course_map.UNSELECTED)
    stays = (np.diff(numbers_of(path), axis=0) == 0).all(axis=1)
    assert len(stays) == 70 and stays.sum() == len(refused.get_xdata()) > 0


def test_survivors_of_the_population_are_joined(drawn):
    alive = [numbers_of(line) for line in lines_of(drawn[3], course_map.SELECTED)]
    ends = {tuple(line[1]) for line in alive}
    for start, end in alive:
        assert start[0] == 0 or tuple(start) in ends  # nobody alive has a dead parent
        assert end[0] == 7 or any(tuple(line[0]) == tuple(end) for line in alive)
    dots = [c for c in drawn[3].collections if isinstance(c, PathCollection)]
    assert [len(c.get_offsets()) for c in dots] == [8] * 8


def test_the_framed_tokens_are_the_text(drawn):
    bold = [text for text in drawn[4].texts if text.get_weight() == "bold"]
    assert "".join(text.get_text() for text in bold) == "8*12=96"
    frames = [box for box in drawn[4].patches if box.get_linewidth() > 0]
    places = [(text.get_position()[0], text.get_position()[1]) for text in bold]
    corners = [(box.get_x() + 0.4, box.get_y() + 0.36) for box in frames]
    np.testing.assert_allclose(corners, places)


def test_the_beam_keeps_the_two_best(drawn):
    kept = [numbers_of(line) for line in lines_of(drawn[5], course_map.SELECTED)]
    assert len(kept) == 8
    dots = [c for c in drawn[5].collections if len(c.get_offsets()) > 1]
    for depth, level in enumerate(dots, 1):
        best = np.argsort(level.get_sizes())[-2:]
        ends = sorted(line[1, 1] for line in kept if line[1, 0] == depth)
        assert ends == sorted(level.get_offsets()[best, 1])


def test_the_envelope_lies_below_every_size(drawn):
    (envelope,) = lines_of(drawn[6], course_map.SELECTED)
    sizes = lines_of(drawn[6], course_map.UNSELECTED)
    assert len(sizes) == 5
    for line in sizes:
        assert (envelope.get_ydata() <= line.get_ydata() * (1 + 1e-4)).all()
    for line in sizes[1:]:  # each is the best somewhere; the smallest, left of the picture
        assert (envelope.get_ydata() > line.get_ydata() * 0.999).any()
