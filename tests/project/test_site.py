"""The static site: whole pages, formulas without a script, links that lead somewhere."""

import base64
import os

import nbformat
import pytest

from tools import site

MARKDOWN = r"""# A title

Inline $\hat Z$, and

$$\frac{1}{n}\sum_{i=1}^n w_i < \infty$$

\begin{align} a &= b \end{align}

[next](second.ipynb#part) · [code](code.py) · [paper](https://example.org/paper) · [here](#part)

![a dot](dot.png)
"""
CODE = (
    "import os\nfrom IPython.display import HTML\n"
    "HTML(f\"<b>static {os.environ['TTC_STATIC']}</b>\")"
)
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two small notebooks, a README and the files they name."""
    monkeypatch.setitem(os.environ, "TTC_STATIC", "")
    make = nbformat.v4
    first = make.new_notebook(cells=[make.new_markdown_cell(MARKDOWN), make.new_code_cell(CODE)])
    nbformat.write(first, tmp_path / "first.ipynb")
    nbformat.write(
        make.new_notebook(cells=[make.new_markdown_cell("# Second")]), tmp_path / "second.ipynb"
    )
    (tmp_path / "README.md").write_text(
        "| notebook |\n|---|\n| [one](first.ipynb) |\n\n![dot](dot.png)"
    )
    (tmp_path / "code.py").write_text("")
    (tmp_path / "dot.png").write_bytes(DOT)
    return tmp_path


def build(project):
    paths = [project / "first.ipynb", project / "second.ipynb"]
    site.build(paths, project / "site", readme=project / "README.md")
    return {
        name: (project / "site" / f"{name}.html").read_text()
        for name in ("index", "first", "second")
    }


def test_pages_are_whole(project):
    pages = build(project)
    for page in pages.values():
        assert site.remote_loads(page) == []
        assert "<script" not in page
    first = pages["first"]
    assert "<title>A title</title>" in first
    assert "static 1" in first
    assert first.count("<math") == 3 and "$" not in first.split("<main>")[1]
    assert 'src="data:image/png;base64,' in first


def test_links_lead_to_pages(project):
    pages = build(project)
    assert '<a href="first.html">one</a>' in pages["index"]
    assert 'href="second.html#part"' in pages["first"]
    assert 'href="https://example.org/paper"' in pages["first"]
    assert "code.py" not in pages["first"]  # no page of the site: its text stays, its link goes
    assert 'href="#part"' in pages["first"]
    assert '← <a href="first.html">A title</a>' in pages["second"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[gone](gone.ipynb)", "first.ipynb: the link gone.ipynb leads nowhere"),
        ("![x](https://example.org/x.png)", "first.ipynb: the picture https://example.org/x.png"),
        (
            "<script src='https://example.org/x.js'></script>",
            "first.ipynb: the page would load https://",
        ),
    ],
)
def test_what_would_be_missing_is_named(project, text, line, capsys):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    nbformat.write(notebook, project / "first.ipynb")
    with pytest.raises(RuntimeError, match=line):
        build(project)


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
    assert len(site.remote_loads(page)) == 1
