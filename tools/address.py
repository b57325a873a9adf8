"""Where the course is published: one address, and every line that names it.

It stands in ``pyproject.toml``, under ``[project.urls]``. From there it gets into the README's
badge, TEACHING.md, and the head of each notebook. ``python -m tools.address`` writes those lines
anew, and ``python -m tools.address https://github.com/you/course`` moves the course to
another address.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
FIRST = "00_start_here"
ADDRESS = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)/?")
IN_PYPROJECT = re.compile(r'^(Repository = )".*"$', re.MULTILINE)
BADGE = re.compile(r"^\[!\[Open on Binder\].*$", re.MULTILINE)
ELSEWHERE = re.compile(r"\[Open on Binder\].*?</details>", re.DOTALL)
CLONED = re.compile(r"(git clone )\S+( /opt/course)")
COSTS = re.compile(r"\*\*Costs\*\*.*")  # the line of a head that the others stand behind
BESIDE_IMPORT = "  # not found? See above"
FROM_TTCLIB = re.compile(r"^(from ttclib import [\w, ]+?)(?:  #.*)?$", re.MULTILINE)


def published(root=ROOT):
    """Return the address in ``pyproject.toml``."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["project"]["urls"]["Repository"]


def binder(address, stem):
    """Return the address that opens a notebook on Binder."""
    owner, name = ADDRESS.fullmatch(address).groups()
    return f"https://mybinder.org/v2/gh/{owner}/{name}/HEAD?urlpath=lab/tree/notebooks/{stem}.ipynb"


def colab(address, stem):
    """Return the address that opens a notebook in Colab."""
    owner, name = ADDRESS.fullmatch(address).groups()
    page = "https://colab.research.google.com/github"
    return f"{page}/{owner}/{name}/blob/main/notebooks/{stem}.ipynb"


def install_lines(address):
    """Return the lines that install the course where only the notebook is, as on Colab."""
    return (
        f"!git clone -q --depth 1 {address} course\n"
        '%pip install -q -e "course[course]"\n'
        'import sys; sys.path.append("course")'
    )


def elsewhere(address, stem):
    """Return what the head of a notebook says about other places to open it."""
    return (
        f"[Open on Binder]({binder(address, stem)}) · [Open in Colab]({colab(address, stem)})\n\n"
        "<details><summary>In Colab, or where ttclib is not found</summary>\n\n"
        "Run these lines first, in a new cell above the others.\n\n"
        f"```\n{install_lines(address)}\n```\n\n"
        "</details>"
    )


def badge(address):
    """Return the README's badge; its picture is a file of the project."""
    return f"[![Open on Binder](binder/badge.svg)]({binder(address, FIRST)})"


def write_head(notebook, address, stem):
    """Write the lines about other places into a notebook: its head, and its first import."""
    head = notebook.cells[0]
    lines = elsewhere(address, stem)
    if ELSEWHERE.search(head.source):
        head.source = ELSEWHERE.sub(lambda _: lines, head.source)
    else:
        head.source = COSTS.sub(lambda found: f"{found[0]}\n\n{lines}", head.source, count=1)
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    setup.source = FROM_TTCLIB.sub(rf"\1{BESIDE_IMPORT}", setup.source, count=1)


def write(address, root=ROOT):
    """Write the address everywhere. Yields the files that changed."""
    texts = {root / "pyproject.toml": (IN_PYPROJECT, rf'\1"{address}"')}
    texts[root / "TEACHING.md"] = (CLONED, rf"\1{address}\2")
    texts[root / "README.md"] = (BADGE, badge(address).replace("\\", r"\\"))
    for path, (pattern, line) in texts.items():
        before = path.read_text(encoding="utf-8")
        after = pattern.sub(line, before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            yield path
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        before = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(before, nbformat.NO_CONVERT)
        write_head(notebook, address, path.stem)
        after = nbformat.writes(notebook) + "\n"
        if after != before:
            path.write_text(after, encoding="utf-8")
            yield path


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", help="such as https://github.com/you/course")
    address = parser.parse_args(argv).address or published()
    if not ADDRESS.fullmatch(address):
        print(f"{address} is not like https://github.com/you/course", file=sys.stderr)
        return 1
    for path in write(address.rstrip("/")):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
