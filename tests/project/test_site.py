"""The static site: whole pages, formulas without a script, links that lead somewhere."""

import base64
import json
import os

import bs4
import nbformat
import pytest

from tools.site import build, cells, fragment, front, glossary, links, sources

MARKDOWN = r"""# 01 · A title

**Needs** 00. **Takes** 35 minutes. **Costs** nothing.

Inline $\hat Z$, and

$$\frac{1}{n}\sum_{i=1}^n w_i < \infty$$

\begin{align} a &= b \end{align}

## 1. A **part**

[next](second.ipynb#02-1) · [code](code.py) · [paper](https://example.org/x) · [here](#1.-A-part)

![a dot](dot.png)

| a | b |
|---|---|
| 1 | 2 |
"""
CODE = (
    "import os\nfrom IPython.display import HTML\n"
    "HTML(f\"<b>static {os.environ['TTC_STATIC']}</b>\")"
)
WORDS = """## Glossary

English and Korean.

<details><summary>01 · Darts</summary>

| English | 한국어 | In one sentence |
|---|---|---|
| part | 부분 | Some of a *whole*. |
| absent word | 없는 말 | It is nowhere. |

</details>
"""
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def write(path, *sources, ids="01"):
    make = nbformat.v4
    kinds = [make.new_code_cell if "\nHTML(" in s else make.new_markdown_cell for s in sources]
    made = [
        kind(s, id=f"{ids}-{i}") for i, (kind, s) in enumerate(zip(kinds, sources, strict=True))
    ]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(make.new_notebook(cells=made), path)


NOTEBOOKS = ("01_first.ipynb", "second.ipynb", "ko/01_first.ipynb")


def write_project(folder):
    """Two small notebooks, one of them in two languages, two texts, and the files they name."""
    write(folder / "01_first.ipynb", MARKDOWN, CODE)
    write(folder / "second.ipynb", "# Second", "text", WORDS, ids="02")
    write(folder / "ko/01_first.ipynb", "# 01 · 제목\n\n[다음](../second.ipynb)\n\n## 부분")
    (folder / "README.md").write_text(
        "# All\n\n![dot](dot.png)\n\n| notebook |\n|---|\n| [one](01_first.ipynb) |\n\n"
        "With a class: [TEACHING](TEACHING.md)."
    )
    (folder / "TEACHING.md").write_text("# For teachers\n\nBegin with [one](01_first.ipynb).")
    (folder / "code.py").write_text("")
    (folder / "dot.png").write_bytes(DOT)
    return folder


def build_in(project, out="site", processes=1):
    """Build the site; return {address: page}, each page as text."""
    paths = [project / name for name in NOTEBOOKS]
    out = project / out
    build.build(paths, out, readme=project / "README.md", processes=processes)
    return {file.relative_to(out).as_posix(): file.read_text() for file in out.rglob("*.html")}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def pages(project):
    """The site, its notebooks executed by two processes."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TTC_STATIC", "OMP_NUM_THREADS"):
            patch.setitem(os.environ, name, "")
        return build_in(project, processes=2)


@pytest.fixture
def another(tmp_path, monkeypatch):
    """A project to change: its notebooks are not executed."""
    monkeypatch.setitem(os.environ, "TTC_STATIC", "")
    monkeypatch.setattr(build.notebooks, "execute", lambda node, folder: node)
    return write_project(tmp_path)


def soup(page):
    return bs4.BeautifulSoup(page, "html.parser")


def test_pages_are_whole(project, pages):
    assert set(pages) == {
        "index.html",
        "about.html",
        "teaching.html",
        "glossary.html",
        "01_first.html",
        "second.html",
        "ko/01_first.html",
    }
    for page in pages.values():
        assert links.remote_loads(page) == []
    first = pages["01_first.html"]
    assert "<title>01 · A title · From darts to decoding</title>" in first
    assert "static 1" in first
    main = soup(first).main
    assert len(main("math")) == 3 and "$" not in main.get_text()
    (image,) = main("img")
    assert (project / "site" / image["src"]).read_bytes()[8:12] == b"WEBP"
    assert (image["alt"], image["width"], image["loading"]) == ("a dot", "1", "lazy")
    # a picture that two pages show is kept once
    assert len(list((project / "site/pictures").iterdir())) == 1 + len(front.parts([]))


def test_links_lead_to_pages(project, pages):
    assert '<a href="01_first.html">one</a>' in pages["about.html"]
    assert '<a href="teaching.html">TEACHING</a>' in pages["about.html"]
    assert '<a href="01_first.html">one</a>' in pages["teaching.html"]
    first = pages["01_first.html"]
    assert 'href="second.html#02-1"' in first
    assert 'href="https://example.org/x"' in first
    assert "code.py" not in first  # no page of the site: its text stays, its link goes
    assert 'href="#1.-A-part"' in first
    assert 'href="../second.html"' in pages["ko/01_first.html"]


def test_a_page_names_its_neighbours_its_parts_and_its_editions(pages):
    pages = {name: soup(page) for name, page in pages.items()}
    first, second = pages["01_first.html"], pages["second.html"]
    assert second.find("a", rel="prev")["href"] == "01_first.html"
    assert first.find("a", rel="next")["href"] == "second.html"
    assert first.find("a", rel="prev") is None and second.find("a", rel="next") is None
    assert [a["href"] for a in first.select(".contents a")] == ["#1.-A-part"]
    assert first.html["lang"] == "en"
    assert first.select_one("header a[lang=ko]")["href"] == "ko/01_first.html"
    korean = pages["ko/01_first.html"]
    assert korean.html["lang"] == "ko"
    assert korean.select_one("header a[lang=en]")["href"] == "../01_first.html"
    assert korean.find("a", class_="skip").get_text() == build.WORDS["ko"]["skip"]
    assert korean.find("a", rel="next") is None  # its neighbours are those of its own edition


def test_the_front_page_is_a_map_with_minutes(pages):
    front_page = soup(pages["index.html"])
    parts = front_page.select(".map > li")
    assert [p.h2.contents[0] for p in parts][:2] == ["darts", "a chain"]
    assert [a["href"] for a in parts[0]("a") if a.find_parent("ul")] == ["01_first.html"]
    row = front_page.table.tbody.tr
    assert [c.get_text() for c in row(["th", "td"])] == ["01 · A title", "35", "00"]
    assert front_page.find("a", hreflang="ko")["href"] == "ko/01_first.html"


def test_every_notebook_stands_on_the_map_once():
    found = [sources.read(path) for path in sources.all_paths()]
    english = [one for one in found if one.lang == "en"]
    assert [one for card in front.parts(english) for one in card["sources"]] == english
    assert all(one.minutes and one.needs and " · " in one.title for one in english)


def test_the_glossary_leads_to_where_a_word_is_set_off(pages):
    rows = soup(pages["glossary.html"]).select("tbody tr")
    assert [row.th.get_text() for row in rows] == ["absent word", "part"]
    absent, part = (row("td") for row in rows)
    assert (part[0].get_text(), part[0]["lang"]) == ("부분", "ko")
    assert part[1].em.get_text() == "whole"
    assert part[2].a["href"] == "01_first.html#01-0"
    assert absent[2].a["href"] == "01_first.html"


def test_the_glossary_page_has_all_words_of_the_course():
    node = nbformat.read(sources.all_paths()[0], nbformat.NO_CONVERT)
    text = "\n\n".join(cell.source for cell in node.cells)
    found = glossary.entries(text)
    assert len(found) > 100 and text.count("\n| ") >= len(found)


def test_the_index_holds_the_prose_by_section(project, pages):
    text = (project / "site/assets/index.js").read_text()
    index = json.loads(text.removeprefix("window.searchIndex=").removesuffix(";\n"))
    entries = {address: (title, heading, words) for address, title, heading, words in index}
    title, heading, words = entries["01_first.html#1.-A-part"]
    assert (title, heading) == ("01 · A title", "1. A part")
    assert words.startswith("1. A part next · code · paper")
    assert not any("TTC_STATIC" in words for *_, words in index)  # code is left out
    assert any(address.startswith("glossary.html") for address in entries)
    assert len(entries) == len(index)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[gone](gone.ipynb)", "01_first.ipynb: the link gone.ipynb leads nowhere"),
        (
            "![x](https://example.org/x.png)",
            "01_first.ipynb: the picture https://example.org/x.png is not a file of the project",
        ),
        (
            "<script src='https://example.org/x.js'></script>",
            "01_first.ipynb: the page would load https://",
        ),
        ("[x](#nowhere)", "01_first.html: #nowhere has no such place"),
        ("[x](second.ipynb#gone)", "01_first.html: second.html#gone has no such place"),
    ],
)
def test_what_would_be_missing_is_named(another, text, line):
    write(another / "01_first.ipynb", text)
    with pytest.raises(RuntimeError, match=line):
        build_in(another)


def test_a_folder_of_something_else_is_not_emptied(another):
    (another / "site").mkdir()
    (another / "site" / "thesis.txt").write_text("")
    with pytest.raises(RuntimeError, match="holds something else than a site"):
        build_in(another)
    assert (another / "site" / "thesis.txt").exists()


def test_an_earlier_build_goes(another):
    first = build_in(another)
    (another / "site" / "old.html").write_text("<a href='gone.html'>gone</a>")
    assert build_in(another) == first


def test_one_process_writes_what_two_write(project, pages, monkeypatch):
    monkeypatch.setitem(os.environ, "TTC_STATIC", "")
    assert build_in(project, "again") == pages
    index = [project / out / "assets/index.js" for out in ("site", "again")]
    assert index[0].read_bytes() == index[1].read_bytes()


@pytest.mark.parametrize(
    "page",
    [
        '<img src="https://a.org/x.png">',
        '<script src="//a.org/x.js"></script>',
        '<link rel="stylesheet" href="http://a.org/x.css">',
        "<style>@import url(https://a.org/x.css);</style>",
        "<script>import('https://a.org/x.mjs')</script>",
    ],
)
def test_remote_loads_are_seen(page):
    assert len(links.remote_loads(page)) == 1


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ('<a href="b.html">b</a> <a href="b.html#p%C3%A9">b</a> <a href="https://a.org">a</a>', []),
        ('<a href="c.html">c</a>', ["a.html: c.html is not in the site"]),
        ('<a href="b.html#q">q</a>', ["a.html: b.html#q has no such place"]),
        ('<img src="x.webp">', ["a.html: x.webp is not in the site"]),
        ('<a href="../outside.html">o</a>', ["a.html: ../outside.html is not in the site"]),
    ],
)
def test_dead_ends_are_seen(body, lines, tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    (tmp_path / "outside.html").write_text("")
    (folder / "a.html").write_text(body)
    (folder / "b.html").write_text('<p id="pé">here</p>')
    assert links.dead_ends(folder) == lines


def test_a_view_says_what_is_left_out_of_it():
    view = soup(
        """<div><div class="ttc-budget" data-all="5000"><p><label>darts <input></label></p>
        <img src="data:" alt="no"><img src="x" width="30" height="20" alt="yes"></div>
        <style>a</style><script>b</script></div><div class="ttc-budget" data-all="1"><img src="x">
        </div>"""
    )
    assert fragment.finish_views(view, build.WORDS["en"]) == ("a", "b")
    (note,) = view.select(".left-out")
    assert note.string.startswith("This page has 2 of the 5,000 combinations: one setting at a")
    assert view.select_one("[role=group]")["aria-label"] == "Picture with controls, 1 of 2"
    assert "width='30' height='20'" in view.img["src"]
    assert not view(["style", "script"])


def test_every_language_has_the_same_words():
    english = build.WORDS["en"]
    for words in build.WORDS.values():
        assert words.keys() == english.keys()
        for key, text in words.items():
            assert text.count("{") == english[key].count("{"), key


@pytest.mark.parametrize(
    ("output", "html"),
    [
        (nbformat.v4.new_output("stream", text="1 < 2"), '<pre class="output">1 &lt; 2</pre>'),
        (
            nbformat.v4.new_output("display_data", {"text/plain": "x < y"}),
            '<pre class="output">x &lt; y</pre>',
        ),
        (
            nbformat.v4.new_output("display_data", {"text/plain": "x", "text/html": "<b>x</b>"}),
            '<div class="output"><b>x</b></div>',
        ),
    ],
)
def test_outputs(output, html):
    assert cells.output_to_html(output) == html
