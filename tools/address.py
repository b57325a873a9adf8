"""Where the course is published: one address, and every line that names it.

It stands in ``pyproject.toml``, under ``[project.urls]``. From there it gets into the README's
badge, TEACHING.md, and the head of each notebook. ``python -m tools.address`` writes those lines
anew, and ``python -m tools.address https://github.com/you/course`` moves the course to
another address.

A translated notebook gets the same lines in its language, and the minutes, seconds and memory of
the English head.
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
ELSEWHERE = re.compile(r"\[[^\]\n]*\]\(https://mybinder\.org/.*?</details>", re.DOTALL)
CLONED = re.compile(r"(git clone )\S+( /opt/course)")
COSTS = re.compile(r"\*\*(?:Costs|비용)\*\*.*")  # the line of a head that the others stand behind
BESIDE_IMPORT = "  # not found? See above"
# how a head says it in a language: Binder, Colab, the folded line, what to do, beside the import
WORDS = {
    "en": (
        *("Open on Binder", "Open in Colab", "In Colab, or where ttclib is not found"),
        *("Run these lines first, in a new cell above the others.", BESIDE_IMPORT),
    ),
    "ko": (
        *("Binder에서 열기", "Colab에서 열기", "Colab에서, 또는 ttclib을 찾지 못할 때"),
        *("맨 위에 새 셀을 만들어 아래의 줄들을 먼저 실행하세요.", "  # 없다고 나오면 위를 보세요"),
    ),
}
MEMORY = r"[\d.]+ [MG]B"
NUMBERS = {  # of the line that says what a notebook takes
    "en": (r"\d+(?= minutes)", r"\d+(?= seconds)", MEMORY),
    "ko": (r"\d+(?=분)", r"\d+(?=초)", MEMORY),
}
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


def language_of(stem):
    """Return the language of a notebook, such as ``"ko"`` of ``"ko/01_monte_carlo_pi"``."""
    return stem.rpartition("/")[0] or "en"


def elsewhere(address, stem):
    """Return what the head of a notebook says about other places to open it."""
    on_binder, in_colab, folded, run, _ = WORDS[language_of(stem)]
    return (
        f"[{on_binder}]({binder(address, stem)}) · [{in_colab}]({colab(address, stem)})\n\n"
        f"<details><summary>{folded}</summary>\n\n"
        f"{run}\n\n"
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
    beside = WORDS[language_of(stem)][-1]
    setup.source = FROM_TTCLIB.sub(rf"\1{beside}", setup.source, count=1)


def line_of_costs(source):
    """Return the line of a head that says what a notebook takes; empty where there is none."""
    return next((line for line in source.splitlines() if COSTS.search(line)), "")


def write_numbers(theirs, ours, code):
    """Write the minutes, seconds and memory of an English head (ours) into a translated one."""
    line, here = line_of_costs(theirs.source), line_of_costs(ours.source)
    told = line
    for english, pattern in zip(NUMBERS["en"], NUMBERS[code], strict=True):
        values = iter(re.findall(english, here))
        told = re.sub(pattern, lambda found, values=values: next(values, found[0]), told)
    theirs.source = theirs.source.replace(line, told, 1)


def own_words(source):
    """Return what of an English cell is for a translator: not what is written from here."""
    line = line_of_costs(source)
    told = re.sub("|".join(NUMBERS["en"]), "", line)
    return ELSEWHERE.sub("", source.replace(line, told, 1) if line else source)


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
    folder = root / "notebooks"
    for path in [*sorted(folder.glob("*.ipynb")), *sorted(folder.glob("[a-z]*/*.ipynb"))]:
        before = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(before, nbformat.NO_CONVERT)
        stem = path.relative_to(folder).with_suffix("").as_posix()
        write_head(notebook, address, stem)
        if language_of(stem) != "en":
            original = nbformat.read(folder / path.name, nbformat.NO_CONVERT)
            write_numbers(notebook.cells[0], original.cells[0], language_of(stem))
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
