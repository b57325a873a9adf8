"""Build the static site: the README as its front page, and one page per notebook.

The notebooks are executed with ``TTC_STATIC=1``, so each view brings a slider in plain JavaScript.
The pages are whole in themselves: formulas become MathML, pictures are embedded, and nothing is
loaded from a network. Called by ``python3 course.py site [notebook …]``.
"""

import argparse
import base64
import html
import mimetypes
import os
import re
import sys
from pathlib import Path

import bs4
import nbformat
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

import tools.notebooks as notebooks

ROOT = Path(__file__).resolve().parent.parent
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{style}</style></head>
<body><nav>{nav}</nav><main>{body}</main><nav>{nav}</nav></body></html>
"""
STYLE = """
body { font: 17px/1.55 system-ui, sans-serif; color: #1a1a1a; }
body { max-width: 52rem; margin: 0 auto; padding: 1rem; }
nav { display: flex; gap: 1.5rem; font-size: .9rem; padding: .5rem 0; }
h1, h2, h3 { line-height: 1.25; margin-top: 2rem; }
pre { background: #f6f6f4; padding: .7rem; overflow-x: auto; font-size: .85rem; line-height: 1.4; }
code { font-size: .9em; } img { max-width: 100%; height: auto; }
table { border-collapse: collapse; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left; }
.output_subarea pre { background: none; border-left: 3px solid #ddd; }
details { border-left: 3px solid #56b4e9; padding-left: .8rem; margin: 1rem 0; }
summary { cursor: pointer; }
input[type=range] { width: min(26rem, 100%); }
.anchor-link { display: none; }
"""


class MathMLRenderer(IPythonRenderer):
    """Markdown whose formulas become MathML, which browsers draw without a script."""

    def block_math(self, body):
        """$$…$$ in a block of its own."""
        return f"<p>{convert(body, display='block')}</p>"

    def inline_math(self, body):
        """$…$ inside a line."""
        return convert(body)

    def latex_environment(self, name, body):
        r"""\begin{name}…\end{name}."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")


def markdown_to_html(text):
    """Render Markdown with formulas."""
    return MarkdownWithMath(renderer=MathMLRenderer(escape=False)).render(text)


class Exporter(HTMLExporter):
    """A notebook's cells as an HTML fragment, without the scripts that the usual page loads."""

    def __init__(self):
        super().__init__(
            template_name="basic",
            exclude_input_prompt=True,
            exclude_output_prompt=True,
            filters={"markdown2html": markdown_to_html},
        )


def title_of(notebook):
    """Return the first heading of a notebook node."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    heading = re.search(r"^# +(.+)$", text, re.MULTILINE)
    return heading[1].strip() if heading else "Untitled"


def localise(fragment, folder, pages):
    """Make a fragment whole: embed its pictures, and point its links at the pages of the site.

    Parameters
    ----------
    fragment : str
        HTML whose relative addresses start from ``folder``.
    folder : Path
        Where its source lies.
    pages : dict
        {source file: page of the site}. A link to another file keeps its text only.

    Raises
    ------
    RuntimeError
        If a picture is remote or missing, or a link names a file that does not exist.
    """
    soup = bs4.BeautifulSoup(fragment, "html.parser")
    for image in soup.find_all("img", src=True):
        if image["src"].startswith("data:"):
            continue
        file = folder / image["src"]
        if not file.is_file():
            raise RuntimeError(f"the picture {image['src']} is not a file of the project")
        data = base64.b64encode(file.read_bytes()).decode()
        image["src"] = f"data:{mimetypes.guess_type(file)[0]};base64,{data}"
    for link in soup.find_all("a", href=True):
        address, _, anchor = link["href"].partition("#")
        if not address or re.match(r"[a-z]+:", address):
            continue
        file = (folder / address).resolve()
        if not file.exists():
            raise RuntimeError(f"the link {address} leads nowhere")
        if file in pages:
            link["href"] = pages[file] + (f"#{anchor}" if anchor else "")
        else:
            link.unwrap()
    return str(soup)


def remote_loads(page):
    """Return the remote addresses that a browser would load for a page, links to click excluded."""
    soup = bs4.BeautifulSoup(page, "html.parser")
    found = [
        str(tag[name])
        for tag in soup.find_all(True)
        for name in ("src", "srcset", "poster", "data", "xlink:href", "href")
        if tag.has_attr(name) and not (name == "href" and tag.name == "a")
    ]
    for tag in soup.find_all(["style", "script"]):
        found += re.findall(r"(?:https?:)?//[\w.-]+\.\w[^\s\"')]*", tag.get_text())
    return [address for address in found if re.match(r"\s*(https?:)?//", address)]


def write_page(target, title, body, nav):
    """Write one page, after making sure that it loads nothing remote."""
    style = STYLE + HtmlFormatter(style="default").get_style_defs(".highlight")
    page = PAGE.format(title=html.escape(title), style=style, nav=nav, body=body)
    if remote := remote_loads(page):
        raise RuntimeError(f"the page would load {remote[0]}")
    target.write_text(page, encoding="utf-8")
    print(f"{target.name}: {len(page) / 1e3:.0f} kB", flush=True)


def build(paths, out, readme=ROOT / "README.md"):
    """Execute the notebooks and write the site into the folder ``out``."""
    os.environ["TTC_STATIC"] = "1"  # the kernels inherit it
    out.mkdir(parents=True, exist_ok=True)
    paths = [path.resolve() for path in paths]
    pages = {readme.resolve(): "index.html"} | {path: f"{path.stem}.html" for path in paths}
    nodes = {path: nbformat.read(path, nbformat.NO_CONVERT) for path in paths}
    home = '<a href="index.html">The course</a>'
    links = [f'<a href="{pages[path]}">{html.escape(title_of(nodes[path]))}</a>' for path in paths]

    front = localise(markdown_to_html(readme.read_text(encoding="utf-8")), readme.parent, pages)
    write_page(out / "index.html", "From darts to decoding", front, " ".join(links[:1]))
    for i, path in enumerate(paths):
        try:
            node = notebooks.normalise(notebooks.execute(nodes[path], path.parent))
            fragment, _ = Exporter().from_notebook_node(node)
            nav = " ".join(
                [
                    home,
                    *[f"← {x}" for x in links[i - 1 : i]],
                    *[f"{x} →" for x in links[i + 1 : i + 2]],
                ]
            )
            write_page(
                out / pages[path], title_of(node), localise(fragment, path.parent, pages), nav
            )
        except RuntimeError as error:
            raise RuntimeError(f"{path.name}: {error}") from error


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="files (default: all of the course)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="folder of the pages")
    args = parser.parse_args(argv)
    try:
        build(args.notebooks or sorted(notebooks.FOLDER.glob("*.ipynb")), args.out)
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
