"""The picture of the floors: it is what the code draws, and it leaves nothing out."""

import pytest

from tools import architecture as picture


def test_the_committed_picture_is_what_the_code_draws():
    said = "draw it again with: .venv/bin/python -m tools.architecture"
    assert picture.PATH.read_text(encoding="utf-8") == picture.draw(), said


def test_every_part_has_a_place_in_the_picture():
    parts = [part for floor in picture.FLOORS for part in floor]
    assert sorted(parts) == sorted([*picture.GROUND, *picture.COLUMNS])
    for part in picture.boxes():
        assert f">{part.removeprefix('ttclib.')}</text>" in picture.draw()


def test_the_arrows_say_all_that_is_needed_and_nothing_twice():
    drawn = {part: set() for part in picture.stands_on()}
    for above, below in picture.arrows():
        drawn[above].add(below)
    needed = picture.reaches(picture.stands_on())
    assert picture.reaches(drawn) == needed
    for above, below in picture.arrows():
        less = {part: to - {below} if part == above else to for part, to in drawn.items()}
        assert picture.reaches(less) != needed, f"{above} to {below} follows from others"


def passes(start, end, box):
    """Whether the line from start to end goes through the inside of a box."""
    left, top, wide, high = box
    for k in range(1, 200):
        x, y = (a + (b - a) * k / 200 for a, b in zip(start, end, strict=True))
        if left < x < left + wide and top < y < top + high:
            return True
    return False


def test_arrows_point_down_and_cross_no_box():
    places = picture.boxes()
    for above, below in picture.arrows():
        start, end = picture.line(places[above], places[below])
        assert start[1] < end[1]
        for part, box in places.items():
            assert not passes(start, end, box), f"{above} to {below} crosses {part}"


@pytest.mark.parametrize(("end", "hit"), [((100, 300), True), ((300, 300), False)])
def test_this_test_sees_a_crossed_box(end, hit):
    assert passes((100, 0), end, (50, 100, 100, 84)) is hit


def test_an_arrow_that_follows_from_others_is_left_out(monkeypatch):
    on = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    monkeypatch.setattr(picture, "stands_on", lambda: on)
    assert picture.arrows() == [("a", "b"), ("b", "c")]
