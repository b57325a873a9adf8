"""What a translation lacks: texts without an entry, entries for nothing, cells that are behind.

``python -m tools.translate ko``                    say what is missing in Korean
``python -m tools.translate ko --start 02_metropolis_hastings``  begin with a notebook
``python -m tools.translate ko --done 01-014 …``    these cells say what the English ones say now

The texts of the library are in ``ttclib/course/locale/ko.po``. What is missing there is printed as
entries to paste, with an example of each. A translated notebook lies in ``notebooks/ko/`` and has
the cells of the English one, with the same ids and the same code. Each cell remembers the English
that it was translated from.
"""

import argparse
import ast
import contextlib
import hashlib
import io
import itertools
import re
import sys
from pathlib import Path

import nbformat

from tools import address, notebooks
from ttclib.course import languages
from ttclib.show.slider import BudgetView

ROOT = Path(__file__).resolve().parent.parent
# what tells a learner something by itself, whichever notebook is open
EVERYWHERE = ("exercise.py", "cost.py", "show/slider.py", "show/style.py", "show/live.py")
TELLS = {"translated", "_say", "_cancel", "mistake", "expect"}  # what these are given is shown
# words in Latin letters that every language has, or that a learner wrote
KEPT = {"True", "False", "None", "nan", "inf", "ms", "Sobol", "points_needed", "error"}
FORMULA = re.compile(r"\$[^$]*\$")
SOURCE = "english"  # where a cell's metadata say what it was translated from


# ---- texts of the library -----------------------------------------------------------------------


def template(node):
    """Return a string of the source as an entry: {1}, {2} … where something is put in."""
    if isinstance(node, ast.Constant):
        return node.value
    number = itertools.count(1)
    return "".join(
        part.value if isinstance(part, ast.Constant) else f"{{{next(number)}}}"
        for part in node.values
    )


def strings(tree):
    """Yield the strings of a module, without docstrings and without what is inside others."""
    inside = set()
    for node in ast.walk(tree):  # outer nodes first
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(node.value)
        elif isinstance(node, ast.JoinedStr) and node not in inside:
            for part in node.values:
                # words that are put in are strings of their own; a format is none
                inside |= {part} | set(ast.walk(getattr(part, "format_spec", None) or part))
                inside -= set(ast.walk(part.value)) if hasattr(part, "conversion") else set()
            yield node
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node


def read(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def templates(files):
    """Return all strings of modules as entries."""
    return {template(node) for file in files for node in strings(read(file))}


def told(file):
    """Return the entries that a module needs whatever is computed: what it tells by itself."""
    found = set()
    for node in ast.walk(read(file)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            parts = [part for argument in node.args for part in strings(argument)]
            found |= {template(part) for part in parts if name in TELLS}
    return found


def sentences(file):
    """Return the sentences of a module of checks: all strings with a space in them."""
    return {text for text in templates([file]) if " " in text.strip() and english(text)}


def modules(notebook):
    """Return the files of the library's part for a notebook, by name: figures, checks …"""
    (folder,) = set(re.findall(r"from ttclib\.course\.(\w+) import", sources_of(notebook)))
    return {path.stem: path for path in (ROOT / "ttclib/course" / folder).glob("*.py")}


def sources_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def required(notebook):
    """Return the entries without which a notebook would tell something in English."""
    found = {text for name in EVERYWHERE for text in told(ROOT / "ttclib" / name)}
    found |= sentences(ROOT / "ttclib/exercise.py") - templates_of_errors()
    return {text for text in found | sentences(modules(notebook)["checks"]) if english(text)}


def strings_of(notebook):
    """Return all strings that stand in the code behind a notebook, shown or not."""
    files = [ROOT / "ttclib" / name for name in EVERYWHERE]
    return templates([*files, *modules(notebook).values(), *(ROOT / "ttclib/show").glob("*.py")])


def templates_of_errors():
    """Return the strings of ``exercise.py`` that nobody is shown."""
    return {"not callable"}


def english(text):
    """Return the English words of a text, if any: two Latin letters and more, but what is kept."""
    return set(re.findall(r"[A-Za-z_]{2,}", FORMULA.sub("", languages.HOLE.sub("", text)))) - KEPT


# ---- what a notebook shows ----------------------------------------------------------------------


def show_all(notebook, code):
    """Run a translated notebook here, move each view through its settings; return the table.

    Its ``used`` and ``missed`` say which texts were shown, and which were asked for in vain.
    """
    from IPython.core.interactiveshell import InteractiveShell

    names = {"__name__": "__main__", "display": lambda *_: None}
    table = languages.use(code)
    languages.use, again = lambda _: table, languages.use  # the notebook's own call keeps it
    try:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                walk(last_value(InteractiveShell.instance(), cell.source, names))
    finally:
        languages.use = again
    return table


def last_value(shell, source, names):
    """Run a cell silently, and return the value of its last expression, or None."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(tree, "cell", "exec"), names)
        return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def walk(view):
    """Show a view at each option of each of its settings, the others as they are."""
    if isinstance(view, BudgetView):
        view._page()
        for name, setting in view._settings.items():
            for value in setting.options if not view._slow else ():
                with contextlib.suppress(ValueError):  # settings that do not go together
                    line = view._frame(view._good | {name: value}).line
                    assert line
    return repr(view)


def missing(notebook, code):
    """Return {entry: an example of it} of what a translated notebook shows in English."""
    table = show_all(notebook, code)
    lacking = dict.fromkeys(sorted(required(notebook) - languages.entries(code).keys()), "")
    known = strings_of(notebook)
    for text in sorted(table.missed):
        if english(text):
            fits = [t for t in known if languages.HOLE.search(t) and english(t)]
            fits = [t for t in fits if languages.fill(t, text)]
            entry = max(fits, key=lambda t: len(languages.HOLE.sub("", t)), default=text)
            lacking.setdefault(entry, text if entry != text else "")
    return lacking, table


def written(entry, example=""):
    """Write an entry as it stands in the table, without its translation."""
    quoted = entry.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    note = f"#. {' '.join(example.split())}\n" if example else ""
    return f'{note}msgid "{quoted}"\nmsgstr ""\n'


# ---- cells --------------------------------------------------------------------------------------


def pairs(code):
    """Yield (translated file, English file) of the notebooks that there are in a language."""
    for path in sorted((notebooks.FOLDER / code).glob("*.ipynb")):
        yield path, notebooks.FOLDER / path.name


def fingerprint(cell):
    """Return what changes with a cell's English; what ``tools.address`` writes does not count."""
    return hashlib.sha256(address.own_words(cell.source).encode()).hexdigest()[:12]


def behind(theirs, ours):
    """Yield what is wrong with the cells of a translation (theirs) of an English notebook."""
    cells = {cell.id: cell for cell in theirs.cells}
    if [*cells] != [cell.id for cell in ours.cells]:
        lost = [cell.id for cell in ours.cells if cell.id not in cells]
        more = [name for name in cells if name not in {cell.id for cell in ours.cells}]
        yield (
            f"its cells are others: {lost} are missing, {more} are its own"
            if (lost or more)
            else "its cells have another order"
        )
    for cell in ours.cells:
        other = cells.get(cell.id, cell)
        if other is cell:
            continue
        if (cell.cell_type, cell.metadata.get("tags")) != (
            other.cell_type,
            other.metadata.get("tags"),
        ):
            yield f"{cell.id}: another kind of cell, or other tags"
        elif other.metadata.get(SOURCE) != fingerprint(cell):
            yield f"{cell.id}: its English has changed since it was translated"
        elif cell.cell_type == "code" and (said := other_code(other.source, cell.source)):
            yield f"{cell.id}: {said}"


def other_code(theirs, ours):
    """Say where two cells do not compute the same; None if only words differ."""
    trees = [ast.parse(source) for source in (theirs, ours)]
    trees[0].body = [s for s in trees[0].body if not chooses_language(s)]
    (their_words, their_code), (our_words, our_code) = map(apart, trees)
    if their_code != our_code:
        return "another code than the English cell"
    for told_there, told_here in zip(their_words, our_words, strict=True):
        if told_there != told_here and not re.search(r"[^\W\da-zA-Z_α-ωΑ-Ω]", told_there):
            return f"{told_there!r} in place of {told_here!r} is no translation"
    return None


def chooses_language(statement):
    """Whether a statement is the import or the call that a translated notebook has more."""
    return ast.unparse(statement).startswith(
        ("from ttclib.course import languages", "languages.use(")
    )


def apart(tree):
    """Take the words out of a cell: (words, what is left); what is put into words is left."""
    words = []

    class Words(ast.NodeTransformer):
        def visit_JoinedStr(self, node):
            holes = [part for part in node.values if isinstance(part, ast.FormattedValue)]
            # a format is code; another language may have another order
            words.append(" ".join(p.value for p in node.values if isinstance(p, ast.Constant)))
            return ast.Constant(str(sorted(map(ast.dump, holes))))

        def visit_Constant(self, node):
            if isinstance(node.value, str):
                words.append(node.value)
                return ast.Constant("")
            return node

    return words, ast.dump(Words().visit(tree))


def start(code, stem):
    """Copy an English notebook to where its translation goes; none of its cells is done."""
    target = notebooks.FOLDER / code / f"{stem}.ipynb"
    if target.exists():
        raise ValueError(f"{target.name} is there already")
    target.parent.mkdir(exist_ok=True)
    notebook = nbformat.read(notebooks.FOLDER / f"{stem}.ipynb", nbformat.NO_CONVERT)
    nbformat.write(notebook, target)


def done(code, ids):
    """Note that cells say what their English ones say now; return the ids that were found."""
    found = set()
    for path, original in pairs(code):
        theirs = nbformat.read(path, nbformat.NO_CONVERT)
        ours = {c.id: c for c in nbformat.read(original, nbformat.NO_CONVERT).cells}
        for cell in theirs.cells:
            if cell.id in ids and cell.id in ours:
                cell.metadata[SOURCE] = fingerprint(ours[cell.id])
                found.add(cell.id)
        nbformat.write(theirs, path)
    return found


def report(code):
    """Print all that a language lacks; return how much that is."""
    faults = 0
    lacking, used, needed = {}, set(), set()
    for path, original in pairs(code):
        theirs = nbformat.read(path, nbformat.NO_CONVERT)
        for line in behind(theirs, nbformat.read(original, nbformat.NO_CONVERT)):
            print(f"{path.name} {line}")
            faults += 1
        more, table = missing(theirs, code)
        lacking |= more
        used |= table.used
        needed |= required(theirs) | strings_of(theirs)
    for entry, example in lacking.items():
        print("\n" + written(entry, example), end="")
    unused = languages.entries(code).keys() - used - needed
    for entry in sorted(unused):
        print(f"\nnobody is shown: {entry}")
    faults += len(lacking) + len(unused)
    print(f"\n{code}: {faults or 'nothing'} to do")
    return faults


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("code", choices=languages.languages())
    parser.add_argument("--start", metavar="NOTEBOOK")
    parser.add_argument("--done", nargs="+", metavar="CELL")
    args = parser.parse_args(argv)
    try:
        if args.start:
            start(args.code, args.start)
        elif args.done:
            if lost := set(args.done) - done(args.code, args.done):
                raise ValueError(f"no translated notebook has the cells {sorted(lost)}")
        else:
            return int(report(args.code) > 0)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
