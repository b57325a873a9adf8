"""The static pages in a real Chromium: their sliders work, and nothing is loaded."""

import nbformat
import pytest

from tools import site

pytestmark = pytest.mark.browser
VIEW = """
from ttclib.show.slider import BudgetView, powers_of_two
from ttclib.show.style import figure
fig, ax = figure()
ax.set(xlim=(0, 20), ylim=(0, 1))

def draw(points, seed):
    ax.plot([0, points], [0, 1])
    return f"a line to {points}"

BudgetView(fig, draw, points=powers_of_two(0, 4, unit="points"))
"""


def test_a_page_slides_without_kernel_or_network(browser, tmp_path):
    cells = [nbformat.v4.new_markdown_cell("# Title\n\n$\\pi$"), nbformat.v4.new_code_cell(VIEW)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "small.ipynb")
    (tmp_path / "README.md").write_text("[small](small.ipynb)")
    site.build([tmp_path / "small.ipynb"], tmp_path / "site", readme=tmp_path / "README.md")

    page = browser.new_page()
    loaded, errors = [], []
    page.on("request", lambda request: loaded.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "site/index.html").as_uri())
    page.get_by_role("link", name="small").click()
    slider = page.locator("input[type=range]")
    before = page.locator("img:visible").get_attribute("src")
    slider.focus()
    slider.press("ArrowRight")
    assert page.locator("img:visible").get_attribute("src") != before
    assert "a line to 2" in page.locator(".ttc-budget p[role=status]").inner_text()
    assert errors == []
    assert not [url for url in loaded if not url.startswith(("file:", "data:"))]
    page.close()
