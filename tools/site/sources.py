"""Which notebooks become pages, in which language, and what their heads say."""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

import tools.notebooks as notebooks

TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)
MINUTES = re.compile(r"\*\*Takes\*\* (\d+) minutes")
NEEDS = re.compile(r"\*\*Needs\*\* (.+?)\. \*\*")
NUMBER = re.compile(r"(\d\d)(b?)_")


@dataclass(frozen=True)
class Source:
    """A notebook on its way to a page.

    Attributes
    ----------
    path : Path
    page : str
        Its address in the site, as ``ko/01_monte_carlo_pi.html``.
    lang : str
        ``en``, or the name of the folder of a translated edition: two letters.
    title : str
        ``01 · Monte Carlo: …``
    minutes, needs : str
        What its head says; empty if it does not.
    """

    path: Path
    page: str
    lang: str
    title: str
    minutes: str
    needs: str

    @property
    def number(self):
        """The number of the notebook, without a letter; None if its name has none."""
        found = NUMBER.match(self.path.name)
        return int(found[1]) if found else None


def all_paths():
    """Return the notebooks of the course, and then those of its translated editions."""
    return [*sorted(notebooks.FOLDER.glob("*.ipynb")), *sorted(notebooks.FOLDER.glob("??/*.ipynb"))]


def read(path):
    """Return the source of one notebook file."""
    path = path.resolve()
    node = nbformat.read(path, nbformat.NO_CONVERT)
    text = "\n".join(cell.source for cell in node.cells if cell.cell_type == "markdown")
    translated = re.fullmatch("[a-z]{2}", path.parent.name)
    folder = f"{path.parent.name}/" if translated else ""
    first = lambda pattern, other="": found[1] if (found := pattern.search(text)) else other  # noqa: E731
    return Source(
        path=path,
        page=f"{folder}{path.stem}.html",
        lang=path.parent.name if translated else "en",
        title=first(TITLE, "Untitled").strip(),
        minutes=first(MINUTES),
        needs=first(NEEDS),
    )
