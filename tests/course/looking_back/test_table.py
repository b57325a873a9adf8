"""The tables: what they say, in HTML and in words."""

import xml.etree.ElementTree as ET

import numpy as np
from budget_by_hand import budget

from ttclib.course.looking_back import table
from ttclib.course.looking_back.budgets import Rival, Setting


def curve(**more):
    return budget([1.0, 0.5, 0.4, 0.39], [1, 2, 4, 8], **more)


def test_a_table_has_headings_a_caption_and_escapes():
    shown = table.Table("a < b", ["name", "x & y"], [["one", "1 < 2"], ["two", "3 [2, 4]"]])
    root = ET.fromstring(shown._repr_html_())
    assert root.find("caption").text == "a < b"
    assert [cell.text for cell in root.findall("thead/tr/th")] == ["name", "x & y"]
    assert all(cell.get("scope") == "col" for cell in root.findall("thead/tr/th"))
    heads = root.findall("tbody/tr/th")
    assert [cell.text for cell in heads] == ["one", "two"]
    assert all(cell.get("scope") == "row" for cell in heads)
    cells = ["".join(cell.itertext()) for cell in root.findall("tbody/tr/td")]
    assert cells == ["1 < 2", "3 [2, 4]"]
    assert root.find("tbody/tr/td/span").text == "[2, 4]"  # does not break
    assert repr(shown) == "a < b\nname  x & y\none   1 < 2\ntwo   3 [2, 4]"


def test_where_it_stopped_in_words():
    mine = curve()
    assert table.stopped(mine, 0.05) == "4"
    assert table.stopped(mine, 0.01) == "not yet"
    assert table.stopped(mine, 0.6) == "at once"
    wide = mine._replace(draws=np.array([[1, 1, 1, 1.0], [1, 0.5, 0.4, 0.2]] * 5))
    assert table.stopped(wide, 0.05) == "4 [at once to not yet]"


def test_rivals_in_words():
    assert table.words(curve()) == "nobody"
    formula = Rival("a formula", np.ones(1), np.zeros(1))
    assert table.words(curve(rival=formula)) == "a formula: nothing, for 1/8.0 of the price"
    dear = Rival("a large one", np.array([96.0]), np.array([0.2]))
    assert table.words(curve(rival=dear)) == "a large one: 0.2, for 12 times the price"
    short = Rival("a vote", np.ones(1), np.array([0.5]))
    assert table.words(curve(rival=short)) == "a vote: 0.5, for which this pays 2.0 times"


def test_a_row_for_each_budget():
    shown = table.budgets_table([curve(), curve()], 0.05)
    assert len(shown.rows) == 2 and all(len(row) == len(shown.heads) for row in shown.rows)
    first = shown.rows[0]
    assert first[:5] == ["01 darts", "1 … 8 darts", "RMS error", "1 … 0.39", "0.61 [0.61, 0.61]"]
    assert first[7] == "4" and "5%" in shown.caption
    slope = curve().slope
    assert first[5].startswith(f"{slope:.2f} [") and first[6] == f"{1 - 2**slope:.0%}"


def test_a_row_for_each_setting():
    loss = np.array([0.2, 0.1, 0.104])
    one = Setting("05", "temperature", "share", (0.4, 1.0, 1500), loss, loss[None])
    (row,) = table.settings_table([one]).rows
    assert row == [
        "05 temperature",
        "0.4, 1, 1.5 k",
        "1",
        "1, 1.5 k",
        "2.0 times as much",
        "share",
    ]
