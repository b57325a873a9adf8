"""Execute the notebooks, side by side, and write the folder of pages."""

import json
import os
import re
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jinja2
import nbformat

import tools.notebooks as notebooks
from tools.site import cells, fragment, front, glossary, sources
from tools.site.links import dead_ends, remote_addresses, remote_loads

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NAME = "From darts to decoding"
TEACHING = "TEACHING.md"
WORDS = json.loads((HERE / "words.json").read_text(encoding="utf-8"))
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Site:
    """What every page needs to know of the others: the sources, and the folder."""

    sources: list
    pages: dict  # {source file: address of its page}
    out: Path

    def neighbours(self, source):
        """Return the sources before and after one in its language; None where there is none."""
        same = [other for other in self.sources if other.lang == source.lang]
        place = same.index(source)
        return (
            same[place - 1] if place else None,
            same[place + 1] if place + 1 < len(same) else None,
        )

    def editions(self, source):
        """Return the same notebook in other languages."""
        return [
            other
            for other in self.sources
            if other.path.name == source.path.name and other.lang != source.lang
        ]


def build(paths, out, readme=ROOT / "README.md", processes=1):
    """Write the site into a folder, which is emptied first.

    Parameters
    ----------
    paths : sequence of Path
        The notebooks.
    out : Path
    readme : Path
        The page about the course, and how it is set up. The page for teachers lies beside it.
    processes : int
        Notebooks that are executed side by side.

    Raises
    ------
    RuntimeError
        One line: a notebook that fails, a picture or a page that is not there, or what would be
        loaded from a network.
    """
    out = out.resolve()
    empty(out)
    found = [sources.read(path) for path in paths]
    about = {readme.resolve(): "about.html", readme.with_name(TEACHING).resolve(): "teaching.html"}
    pages = about | {one.path: one.page for one in found}
    site = Site(found, pages, out)
    shutil.copytree(HERE / "assets", out / "assets")
    os.environ["TTC_STATIC"] = "1"  # the kernels inherit it
    if processes == 1:
        index = [entry for one in found for entry in notebook_page(site, one)]
    else:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        with ProcessPoolExecutor(processes) as pool:
            late = [pool.submit(notebook_page, site, one) for one in reversed(found)]
            index = [entry for one in reversed(late) for entry in one.result()]
    for file in about:
        index += text_page(site, file)
    index += glossary_page(site)
    front_page(site)
    for file in (out / "assets").glob("*.[jc]s*"):
        if remote := remote_addresses(re.sub(r"http://www\.w3\.org\S*", "", file.read_text())):
            raise RuntimeError(f"{file.name} would load {remote[0]}")
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    (out / "assets" / "index.js").write_text(f"window.searchIndex={text};\n", encoding="utf-8")
    if faults := dead_ends(out):
        raise RuntimeError(faults[0])
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{len(pages) + 2} pages, {size / 1e6:.1f} MB: open {out / 'index.html'}", flush=True)


def empty(out):
    """Make the folder, and take away what an earlier build has left there."""
    out.mkdir(parents=True, exist_ok=True)
    known = out / "assets" / "style.css"
    if any(out.iterdir()) and not known.exists():
        raise RuntimeError(f"{out} holds something else than a site: name another folder")
    for entry in out.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


# ---- pages --------------------------------------------------------------------------------------


def notebook_page(site, source):
    """Execute one notebook and write its page; returns its entries for the search."""
    start = time.monotonic()
    try:
        node = nbformat.read(source.path, nbformat.NO_CONVERT)
        node = notebooks.normalise(notebooks.execute(node, source.path.parent))
        return render_notebook(site, source, node, time.monotonic() - start)
    except RuntimeError as error:
        raise RuntimeError(f"{source.path.name}: {error}") from error


def render_notebook(site, source, node, seconds=0.0):
    """Write the page of a notebook that was executed; returns its entries for the search."""
    shown = cells.of_notebook(node)
    body = TEMPLATES.get_template("cells.html").render(
        cells=shown,
        slides=any("ttc-budget" in cell["outputs"] for cell in shown),
        words=words_of(source.lang),
    )
    before, after = site.neighbours(source)
    return write_page(
        site,
        source.page,
        source.title,
        body,
        folder=source.path.parent,
        lang=source.lang,
        before=before,
        after=after,
        editions=site.editions(source),
        has_code=True,
        remark=f", {seconds:.0f} s",
    )


def text_page(site, file):
    """Write a page of text, such as the README; the map in it has a page of its own."""
    text = re.sub(r"^!\[.*\)$", "", file.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    title = sources.TITLE.search(text)
    body = cells.markdown_to_html(text)
    return write_page(
        site, site.pages[file], title[1] if title else NAME, body, folder=file.parent, lang="en"
    )


def glossary_page(site):
    """Write the words of the course, from A to Z, each with the place that introduces it."""
    nodes = {
        one.path.name.split("_")[0]: (one, nbformat.read(one.path, nbformat.NO_CONVERT))
        for one in site.sources
        if one.lang == "en"
    }
    text = "\n\n".join(cell.source for _, node in nodes.values() for cell in node.cells)
    rows = []
    for entry in sorted(glossary.entries(text), key=lambda e: e.english.casefold()):
        source, node = nodes.get(entry.number, (None, None))
        place = glossary.place_of(entry, node) if node else None
        target = source and source.page + (f"#{place}" if place else "")
        rows.append((entry, inline(entry.sentence), target, source))
    body = TEMPLATES.get_template("glossary.html").render(rows=rows)
    return write_page(site, "glossary.html", "Glossary", body, folder=None, lang="en")


def front_page(site):
    """Write the map of the course, and the table of its notebooks."""
    own = [one for one in site.sources if one.lang == "en"]
    body = TEMPLATES.get_template("front.html").render(
        parts=front.parts(own),
        sources=own,
        editions=[one for one in site.sources if one.lang != "en"],
        words=WORDS,
        inline=inline,
    )
    write_page(site, "index.html", NAME, body, folder=None, lang="en", whole_width=True)


def write_page(site, page, title, body, *, folder, lang, remark="", **context):
    """Write one page, after making sure that it loads nothing remote.

    Returns its entries for the search: [address, title, heading, text].
    """
    words = words_of(lang)
    soup = fragment.parsed(body)
    fragment.save_pictures(soup, folder, site.out, page)
    style, script = fragment.finish_views(soup, words)
    if folder:
        fragment.link(soup, folder, site.pages, page)
    contents = fragment.head_lines(soup, words)
    fragment.wrap_tables(soup)
    html = TEMPLATES.get_template("page.html").render(
        page=page,
        root="../" * page.count("/"),
        title=title,
        name=NAME,
        lang=lang,
        words=words,
        all_words=WORDS,
        body=str(soup),
        contents=contents,
        style=style,
        script=script,
        relative=lambda target: fragment.relative(target, page),
        **context,
    )
    if remote := remote_loads(html):
        raise RuntimeError(f"the page would load {remote[0]}")
    target = site.out / page
    target.parent.mkdir(exist_ok=True)
    target.write_text(html, encoding="utf-8")
    print(f"{page}: {len(html) / 1e3:.0f} kB{remark}", flush=True)
    found = fragment.sections(soup)
    return [[page + (f"#{a}" if a else ""), title, heading, text] for a, heading, text in found]


def words_of(lang):
    """Return what a page says by itself in a language; in English where there is no table."""
    return WORDS.get(lang, WORDS["en"])


def inline(markdown):
    """Render a line of Markdown without its paragraph."""
    return cells.markdown_to_html(markdown).strip().removeprefix("<p>").removesuffix("</p>")
