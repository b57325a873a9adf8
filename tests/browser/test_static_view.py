"""A view's plain-JavaScript form with two settings: every combination shows its own picture."""

import pytest

from ttclib.show.slider import BudgetView, options, powers_of_two
from ttclib.show.style import figure

pytestmark = pytest.mark.browser


def test_two_sliders_choose_one_of_all_pictures(browser):
    fig, ax = figure(size=(2.0, 1.5))
    ax.set(xlim=(0, 20), ylim=(0, 3))

    def draw(points, height, seed):
        ax.plot([0, points], [0, height])
        return f"to {points} at {height}"

    view = BudgetView(
        fig, draw, points=powers_of_two(0, 4, unit="points", default=2), height=options([1, 2, 3])
    )
    page = browser.new_page()
    page.set_content(f"{view.static_html()}<hr>{view.static_html()}")
    one = page.locator(".ttc-budget").first
    points, height = one.get_by_role("slider").all()
    seen = set()
    for i, number in enumerate([1, 2, 4, 8, 16]):
        for j in range(3):
            points.fill(str(i))
            height.fill(str(j))
            picture = one.locator("img:visible")
            assert picture.count() == 1
            assert picture.get_attribute("alt") == f"to {number} at {j + 1}"
            assert one.get_by_role("status").last.inner_text() == f"to {number} at {j + 1}"
            assert points.get_attribute("aria-valuetext").endswith(f"= {number}")
            seen.add(picture.get_attribute("src"))
    assert len(seen) == 15
    # the other view on the page has not moved
    assert (
        page.locator(".ttc-budget").last.locator("img:visible").get_attribute("alt") == "to 4 at 1"
    )
    page.close()


def test_of_many_combinations_one_control_at_a_time_leaves_its_place(browser):
    fig, ax = figure(size=(2.0, 1.5))
    ax.set(xlim=(0, 20), ylim=(0, 3))
    settings = {name: options(list(range(10)), default=2) for name in ("a", "b")}
    view = BudgetView(fig, lambda a, b, seed: f"{a} and {b}", **settings)
    page = browser.new_page()
    page.set_content(view.static_html())
    a, b = page.get_by_role("slider").all()
    now = page.locator("p[role=status]")
    for slider, value, text in [(a, 7, "7 and 2"), (a, 9, "9 and 2"), (b, 5, "2 and 5")]:
        slider.fill(str(value))
        assert now.inner_text() == text
        assert page.locator("img:visible").get_attribute("alt") == text
    assert [a.input_value(), b.input_value()] == ["2", "5"]
    assert a.get_attribute("aria-valuetext") == "2"
    page.close()
