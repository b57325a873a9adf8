"""A handed-in notebook, read without trust: which answers are in it, and what looks odd.

Nothing of it runs here. Its answers are found by the ids of the course's own cells, or, where an
editor has given new ids, by the line that checks them.
"""

import ast
import json
import os
import re
import stat
import unicodedata
from dataclasses import dataclass, field

import nbformat

from tools import exercises, notebooks

LARGEST = 20_000_000  # bytes of a notebook
LONGEST = 50_000  # characters of an answer
ROUND_ABOUT = {  # modules by which an answer could look at more than it is given
    *("builtins", "code", "ctypes", "faulthandler", "gc", "importlib", "inspect", "marshal"),
    *("multiprocessing", "os", "pathlib", "pickle", "pty", "runpy", "shutil", "signal", "socket"),
    *("subprocess", "sys", "tempfile", "threading", "traceback", "types", "urllib", "requests"),
    *("asyncio", "http", "IPython", "nbformat", "tools", "tests"),
}
ODD_NAMES = {
    *("__import__", "__builtins__", "eval", "exec", "compile", "globals", "locals", "vars"),
    *("open", "input", "breakpoint", "get_ipython", "answers", "setattr", "delattr"),
}
ODD_WORDS = re.compile(
    r"__(?!(?:init|call|len|iter|next|getitem|repr|name|doc)__)\w+__$|^[fgct]b?_"
)


class Unreadable(Exception):
    """A file that is no notebook of the course; the words say why."""


@dataclass
class Exercise:
    """One exercise of the course: its cell, the check, and the name of the answer."""

    cell: str
    number: int
    title: str
    source: str
    solution: str
    check: str
    name: str


@dataclass
class Lesson:
    """A notebook of the course: its exercises, and the code cells around them."""

    stem: str
    exercises: list
    cells: list  # (id, source), with solutions in place of blanks


@dataclass
class Answer:
    """What one student wrote for one exercise; ``fault`` says why it cannot be judged."""

    exercise: Exercise
    source: str = ""
    fault: str = ""
    odd: list = field(default_factory=list)
    blanks: int = 0


TITLE = re.compile(
    r"\*\*((?:Exercise|연습문제).*?)\*\*|^#+ *((?:Exercise|연습문제).*)$", re.MULTILINE
)


def lesson(path):
    """Read a notebook of the course."""
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    solved = exercises.solved(notebook)
    found = []
    for number, i in enumerate(exercises.exercises(notebook), 1):
        cell = notebook.cells[i]
        (line,) = [x for x in cell.source.splitlines() if exercises.CHECK.match(x)]
        call = ast.parse(line).body[0].value
        titles = [TITLE.findall(c.source) for c in notebook.cells[max(0, i - 3) : i]]
        said = [one or other for group in titles for one, other in group]
        title = re.sub(r"[*`$]", "", said[-1]).strip(" .:") if said else f"Exercise {number}"
        (solution,) = exercises.FENCE.findall(notebook.cells[i + 1].source)
        check, name = ast.unparse(call.func), ast.unparse(call.args[0])
        found.append(Exercise(cell.id, number, title, cell.source, solution, check, name))
    code = [(c.id, c.source) for c in solved.cells if c.cell_type == "code"]
    return Lesson(path.stem, found, code)


def editions(language="en"):
    """Return the paths of all notebooks, each in a language where there is a translation."""
    there = {path.name: path for path in notebooks.FOLDER.glob(f"{language}/*.ipynb")}
    return [there.get(path.name, path) for path in sorted(notebooks.FOLDER.glob("*.ipynb"))]


def lessons(language="en"):
    """Read all notebooks of the course that have exercises.

    A cell has the same id and the same code in each language, so that what is handed in is found
    and judged alike whichever edition it comes from; the language is that of the titles.
    """
    found = [lesson(path) for path in editions(language)]
    return [one for one in found if one.exercises]


# ---- files ---------------------------------------------------------------------------------------


def files(folder):
    """Yield (student, path, fault) for each file below a folder; links are not followed.

    A student is a folder in it, or, where the notebooks lie in the folder itself, a file.
    """
    for where, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            if name.startswith("."):
                continue
            path = os.path.join(where, name)
            inside = os.path.relpath(path, folder).split(os.sep)
            student = inside[0] if len(inside) > 1 else os.path.splitext(name)[0]
            student = shown_name(student)
            state = os.lstat(path)
            if not stat.S_ISREG(state.st_mode):
                yield student, path, "not a plain file"
            elif not name.endswith(".ipynb"):
                yield student, path, "not a notebook"
            elif state.st_size > LARGEST:
                yield student, path, f"{state.st_size / 1e6:.0f} MB; {LARGEST / 1e6:.0f} are read"
            else:
                yield student, path, ""


def shown_name(name):
    """Return a file's name as a teacher reads it.

    A Mac takes syllables apart, and Windows may send the bytes of its Korean code page, 949.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        name = os.fsencode(name).decode("cp949", "replace")
    return unicodedata.normalize("NFC", name)


def cells_of(path):
    """Return the code cells of a file: [(id, source, tags, text of its outputs)].

    Raises
    ------
    Unreadable
        If it is not a notebook.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(number, encoding="utf-8") as file:
            text = file.read(LARGEST + 1)
        tree = json.loads(text)
        if len(text) > LARGEST:
            raise Unreadable("too large")
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        kind = "not UTF-8" if isinstance(error, UnicodeError) else "not JSON"
        raise Unreadable(kind if not isinstance(error, OSError) else "cannot be opened") from None
    listed = tree.get("cells") if isinstance(tree, dict) else None
    if not isinstance(listed, list):
        raise Unreadable("JSON, but not a notebook")
    found = []
    for cell in listed:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            data = cell.get("metadata")
            data = data if isinstance(data, dict) else {}
            tags = data.get("tags")
            tags = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
            name = cell.get("id", data.get("id"))
            shown = outputs_of(cell.get("outputs"))
            found.append((name if isinstance(name, str) else "", joined(cell), tags, shown))
    return found


def joined(cell, name="source"):
    """Return the text of a cell, which is one string or a list of lines."""
    text = cell.get(name, "")
    if isinstance(text, list):
        text = "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""


def outputs_of(outputs):
    """Return what a cell showed as text."""
    said = []
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            said.append(joined(output, "text"))
            data = output.get("data")
            said.append(joined(data, "text/plain") if isinstance(data, dict) else "")
    return "\n".join(said)[:10_000]


# ---- answers -------------------------------------------------------------------------------------


def which(cells, course):
    """Return the notebook of the course that these cells come from, and how it was told."""
    ids = {name for name, *_ in cells}
    checks = {line for _, source, *_ in cells for line in check_lines(source)}

    def score(one):
        return (
            sum(exercise.cell in ids for exercise in one.exercises),
            sum(f"{e.check}({e.name})" in checks for e in one.exercises),
        )

    best = max(course, key=score, default=None)
    return best if best and max(score(best)) else None


def check_lines(source):
    """Return the calls of checks in a cell, as text."""
    lines = [line.strip() for line in source.splitlines()]
    return [line for line in lines if exercises.CHECK.match(line)]


def answers(cells, one):
    """Return the answers to a notebook's exercises, in its order."""
    found = []
    for exercise in one.exercises:
        line = f"{exercise.check}({exercise.name})"
        mine = [cell for cell in cells if cell[0] == exercise.cell]
        odd = []
        if not mine:
            mine = [cell for cell in cells if line in check_lines(cell[1])]
            if mine:
                odd.append("found by its check, its id is another")
        if not mine:
            found.append(Answer(exercise, fault="the cell is missing"))
            continue
        if len(mine) > 1:
            found.append(Answer(exercise, fault=f"{len(mine)} cells claim to be this one"))
            continue
        ((_, source, tags, shown),) = mine
        if "exercise" not in tags:
            odd.append("without the tag exercise")
        answer = Answer(exercise, odd=odd)
        if len(source) > LONGEST:
            answer.fault = f"{len(source):,} characters; {LONGEST:,} are read"
        elif check_lines(source) != [line]:
            odd.append("the line that checks it was changed")
        if not answer.fault:
            prepare(answer, source)
        if "✓" in shown:
            odd.append("shows ✓")  # compared with the verdict later
        found.append(answer)
    return found


def prepare(answer, source):
    """Take the check out of a cell, and note what is odd in the rest."""
    lines = source.splitlines()
    commands = [line for line in lines if re.match(r"\s*[%!?]|.*\?\s*$", line)]
    plain = "\n".join("" if line in commands else line for line in lines)
    if commands:
        answer.odd.append("commands of the notebook left out")
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        kind = type(error).__name__
        at = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        answer.fault = f"not Python: {kind}{at}"
        return
    tree.body = [node for node in tree.body if not is_check(node)]
    answer.odd += sorted(set(odd_things(tree)))
    answer.blanks = blanks_of(tree, answer.exercise.name)
    try:
        answer.source = ast.unparse(tree)
    except (RecursionError, ValueError):
        answer.fault = "nested too deeply"


def is_check(node):
    """Whether a statement is nothing but a call of a check."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and isinstance(node.value.func.value, ast.Name)
        and node.value.func.value.id.endswith("checks")
    )


def blanks_of(tree, name):
    """Count the blanks that are left in the function of this name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return sum(isinstance(n, ast.Constant) and n.value is ... for n in ast.walk(node))
    return 0


def odd_things(tree):
    """Yield what an answer has no need of: what a teacher should look at."""
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own |= {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names]
            for name in names:
                if (
                    name.partition(".")[0] in ROUND_ABOUT
                    or "checks" in name
                    or "answers" in name
                    or name.startswith(("ttclib.exercise", "ttclib.language"))
                    or name == "languages"
                ):
                    yield f"imports {name[:40]}"
        elif isinstance(node, ast.Name) and (
            node.id in ODD_NAMES - own or node.id.endswith("checks")
        ):
            yield f"uses {node.id[:40]}"
        elif isinstance(node, ast.Attribute) and ODD_WORDS.search(node.attr):
            yield f"uses .{node.attr[:40]}"
        elif isinstance(node, ast.FunctionDef) and ODD_WORDS.search(node.name):
            yield f"defines {node.name[:40]}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "✓" in node.value:
            yield "writes ✓"


# ---- what an answer needs ------------------------------------------------------------------------


FILLING = {"append", "extend", "update", "add", "insert", "setdefault", "pop"}


def defines(source):
    """Return the names that a cell gives to what comes after it, or fills with something."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute):
            fills = isinstance(node, ast.Attribute) and node.attr in FILLING
            if fills or isinstance(node.ctx, ast.Store):
                while isinstance(node, ast.Subscript | ast.Attribute):
                    node = node.value
                found |= {node.id} if isinstance(node, ast.Name) else set()
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found


def uses(source):
    """Return the names that a cell reads."""
    nodes = ast.walk(ast.parse(source))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def needed(one, answers):
    """Return the ids of the course's cells that these answers rest on, the first one always."""
    places = {name: i for i, (name, _) in enumerate(one.cells)}
    parts = [(uses(source), defines(source)) for _, source in one.cells]
    chosen = {0}
    for answer in answers:
        place = places[answer.exercise.cell]
        wanted = set()
        for source in (answer.source, answer.exercise.solution):
            wanted |= uses(source)
        for i in range(place - 1, -1, -1):
            read, given = parts[i]
            if given & wanted:
                chosen.add(i)
                wanted |= read
    return {one.cells[i][0] for i in chosen}
