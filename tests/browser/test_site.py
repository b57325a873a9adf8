"""The static site in a real Chromium without a network, on a laptop and on a phone.

Every page of the course is opened at both widths, and each of its controls is moved through all of
its values by keyboard, and by mouse or finger. A picture's file is named by what it shows, so
another file is another picture.
"""

import re
from pathlib import Path

import pytest

from tools.site import build, sources

pytestmark = pytest.mark.browser
SCRIPT = (Path(__file__).parents[1] / "helpers" / "site_page.js").read_text(encoding="utf-8")
PAGES = [
    "index.html",
    "about.html",
    "teaching.html",
    "glossary.html",
    *(sources.read(path).page for path in sources.all_paths()),
]
WIDTHS = {"laptop": 1280, "phone": 390}
NAMED = {"button", "combobox", "heading", "image", "link", "searchbox", "slider", "textbox"}
PICTURE = "async view => await ttc.shown(view)"


@pytest.fixture(scope="module")
def folder(browser, request, tmp_path_factory):
    """The whole site; ``--site`` names one that was built before."""
    if given := request.config.getoption("--site"):
        return given.resolve()
    out = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TTC_STATIC", "OMP_NUM_THREADS"):
            patch.setenv(name, "1")
        build.build(sources.all_paths(), out, processes=2)
    return out


@pytest.fixture
def opened(browser, folder):
    """Open a page of the site with no network: open(page, width, **how) → the page."""
    contexts, faults = [], []

    def refuse(route):
        faults.append(f"asked for {route.request.url}")
        route.abort()

    def open_page(name, width=1280, **how):
        touch = width < 1000
        context = browser.new_context(
            viewport={"width": width, "height": 800}, has_touch=touch, offline=True, **how
        )
        contexts.append(context)
        context.route(re.compile("^(?!file:|data:|blob:)"), refuse)
        context.add_init_script(SCRIPT)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda message: message.type in ("error", "warning") and faults.append(message.text),
        )
        page.goto((folder / name).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def nodes(page):
    """Return (role, name) of all that a screen reader would find."""
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in tree
        if not node.get("ignored")
    ]


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true; })")


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_each_control_of_a_page_brings_its_pictures(name, width, opened, shots, pytestconfig):
    page = opened(name, width)
    unfold(page)
    assert page.evaluate("ttc.wide()") == []
    for number, view in enumerate(page.locator(".ttc-budget").all(), 1):
        # where the page has not all combinations, a setting may do nothing while the others stand
        # at their first values; one at least brings pictures
        all_of_them = int(view.get_attribute("data-all")) == view.locator("img").count()
        controls = view.locator("[data-setting]").all()  # none where all is typed
        most = 0
        for control in controls:
            where = f"view {number}, {control.get_attribute('data-setting')}"
            drawn = moved_by_keys(page, control)
            most = max(most, len(drawn))
            assert len(drawn) > 1 or not all_of_them, f"{where}: all values show the same picture"
            if control.get_attribute("type") == "range":
                moved_by_hand(page, control, where, touch=width < 1000)
        assert most > 1 or not controls, f"view {number}: no setting brings another picture"
    if pytestconfig.getoption("--shots"):  # a page is up to 50,000 pixels high
        page.evaluate("scrollTo(0, 0)")
        picture = shots / f"site-{name.replace('/', '-')[:-5]}-{width}.png"
        page.screenshot(path=picture, full_page=True, timeout=120_000)


def moved_by_keys(page, control):
    """Step through all values of a control; return the pictures it brought."""
    choice = control.evaluate("e => e.tagName === 'SELECT'")
    control.focus()
    page.keyboard.press("Home")
    drawn = set()
    for place in range(int(control.get_attribute("data-length"))):
        state = control.evaluate("async control => await ttc.state(control)")
        assert state["place"] == place
        assert state["line"] == state["alt"] != ""
        assert choice or state["said"] == state["beside"] != ""  # in words, to a screen reader
        drawn.add(state["picture"])
        page.keyboard.press("ArrowDown" if choice else "ArrowRight")
    return drawn


def moved_by_hand(page, control, where, touch):
    """Tap or click on both ends of a slider: it stands at its first and at its last value."""
    control.scroll_into_view_if_needed()
    box = control.bounding_box()
    assert box["height"] >= 40 or not touch, f"{where} is too small for a thumb"
    hand = page.touchscreen.tap if touch else page.mouse.click
    for share, value in ((0.01, "0"), (0.99, control.get_attribute("max"))):
        hand(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        assert control.input_value() == value, where


@pytest.mark.parametrize("name", PAGES)
def test_all_that_can_be_used_has_a_name(name, opened):
    page = opened(name)
    unfold(page)
    found = nodes(page)
    assert [role for role, name in found if role in NAMED and not name] == []
    sliders = [name for role, name in found if role == "slider"]
    assert len(sliders) == page.locator("input[type=range]").count()
    roles = [role for role, *_ in found]
    assert [roles.count(role) for role in ("main", "banner", "search")] == [1, 1, 1]
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_all_text_can_be_read_in_light_and_dark(name, scheme, opened):
    page = opened(name, color_scheme=scheme)
    unfold(page)
    assert page.evaluate("ttc.faint()") == []


def test_the_switch_wins_over_the_system_and_is_remembered(opened, folder):
    page = opened("index.html", color_scheme="dark")
    color = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(color)
    switch = page.get_by_role("button", name="Dark")
    assert switch.get_attribute("aria-pressed") == "true"
    switch.click()
    light = page.evaluate(color)
    assert light == "rgb(255, 255, 255)" != dark
    page.goto((folder / "01_monte_carlo_pi.html").as_uri())
    assert page.evaluate(color) == light
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "false"
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(color) == dark
    # figures keep their white ground
    image = page.locator(".frame img:visible").first
    assert image.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


def test_code_folds_cell_by_cell_and_all_at_once_and_is_remembered(opened, folder):
    page = opened("01_monte_carlo_pi.html")
    blocks = page.locator("details.code")
    number = blocks.count()
    open_now = lambda: [b.get_attribute("open") is not None for b in blocks.all()]  # noqa: E731
    assert number > 20 and all(open_now())
    blocks.nth(2).locator("summary").click()
    page.reload()
    assert open_now() == [k != 2 for k in range(number)]
    fold = page.get_by_role("button", name="Fold code")
    fold.focus()
    page.keyboard.press("Enter")
    assert not any(open_now()) and fold.get_attribute("aria-pressed") == "true"
    blocks.nth(1).locator("summary").click()
    page.reload()
    assert open_now() == [k == 1 for k in range(number)]
    page.goto((folder / "02_metropolis_hastings.html").as_uri())
    assert not any(open_now())
    page.get_by_role("button", name="Fold code").click()
    assert all(open_now())


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_search_finds_and_leads_there(width, opened):
    page = opened("glossary.html", width)
    page.keyboard.press("/")
    page.keyboard.type("effective sample size chain")
    links = page.locator("#results a")
    links.first.wait_for()
    text = links.first.inner_text()
    assert page.get_by_role("status").inner_text().split()[0].isdigit()
    assert page.locator("#results mark").count() > 3
    assert page.evaluate("ttc.wide()") == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/0*.html*")
    assert page.locator("h1").inner_text().startswith(text.split(" › ")[0])
    page.get_by_role("searchbox").fill("xyzzy plugh")
    page.get_by_text("Nothing found").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#results").is_visible()


def test_a_korean_word_is_found(opened):
    page = opened("index.html")
    page.get_by_role("searchbox").fill("마르코프 연쇄")
    page.locator("#results a[href^=glossary]").click()
    page.wait_for_url("**/glossary.html*")


def test_paper_has_the_present_pictures_all_that_is_folded_and_no_controls(opened, shots):
    page = opened("01_monte_carlo_pi.html", 718)  # A4 between its margins
    slider = page.locator(".ttc-budget").first.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("End")
    now = page.locator(".ttc-budget").first.evaluate(PICTURE)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    assert page.locator(".ttc-budget").first.evaluate(PICTURE) == now
    for hidden in ("header", "footer", ".contents", "input[type=range]", ".larger"):
        assert page.locator(f"{hidden} >> visible=true").count() == 0
    assert page.locator(".ttc-budget output").first.is_visible()
    assert page.evaluate("ttc.wide()") == []
    too_long = (
        "[...document.querySelectorAll('pre')].filter(e => e.scrollWidth > e.clientWidth + 1)"
    )
    assert page.evaluate(f"{too_long}.length") == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main details:not([open])").count() > 5
    page.pdf(path=shots / "site-print.pdf", format="A4")


def test_keys_alone_lead_past_the_head_and_into_the_text(opened):
    page = opened("04_particle_filtering.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) != "none"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"


def test_a_link_into_what_is_folded_opens_it(opened, folder):
    page = opened("00_start_here.html")
    page.evaluate("document.querySelector('main .markdown details td').id = 'deep'")
    page.evaluate("location.hash = 'deep'")
    page.locator("#deep").wait_for(state="visible")


def test_a_picture_is_shown_larger_on_a_phone(opened):
    page = opened("01_monte_carlo_pi.html", 390)
    view = page.locator(".ttc-budget").first
    image = view.locator("img:visible")
    small = image.bounding_box()["width"]
    view.get_by_role("button", name="larger").tap()
    assert image.bounding_box()["width"] == int(image.get_attribute("width")) > small
    assert page.evaluate("ttc.wide()") == []
    view.get_by_role("button", name="Fit").tap()
    assert image.bounding_box()["width"] == small


def test_the_site_is_of_a_reasonable_size(folder):
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert 5e6 < size < 60e6
