"""The page: a statement holds one idea."""

import ast
from pathlib import Path

import nbformat
import pytest
import solutions

ROOT = Path(__file__).resolve().parents[2]
MOST_PARALLEL = 1.0  # parallel assignments per 100 code lines
# of the library proper: a small helper library; 35 of them let its texts be translated
MOST_LINES = 9_650
COURSE = ROOT / "ttclib/course"
PROPER = [
    path for path in sorted((ROOT / "ttclib").rglob("*.py")) if not path.is_relative_to(COURSE)
]
PACKAGES = sorted({path.parent for path in PROPER} | {path.parent for path in COURSE.rglob("*.py")})


def code_lines(source):
    """Count the lines that are neither blank, nor a comment, nor part of a docstring."""
    documented = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if ast.get_docstring(node) is not None:
                documented |= set(range(first.lineno, first.end_lineno + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in documented
        for number, line in enumerate(source.splitlines(), 1)
    )


def parallel_assignments(source):
    """Find the assignments of unrelated values at once: `a, b = x, y`, but not a swap."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            (target, *others) = node.targets
            if isinstance(target, ast.Tuple) and not others:
                names = {ast.unparse(part) for part in target.elts}
                values = {ast.unparse(part) for part in node.value.elts}
                starred = any(isinstance(part, ast.Starred) for part in target.elts)
                if names != values and not starred:
                    found.append(ast.unparse(node))
    return found


def per_100_lines(sources):
    parallel = sum(len(parallel_assignments(source)) for source in sources)
    return 100 * parallel / max(1, sum(map(code_lines, sources)))


def sorts_that_may_swap_equals(source):
    """Find the sorts that leave the order of equals to the processor."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            safe = any(ast.unparse(k) == "kind='stable'" for k in node.keywords)
            safe |= ast.unparse(node).startswith(
                "np.argsort(np.argsort("
            )  # ranks are all different
            if name in {"argpartition", "topk"} or (name == "argsort" and not safe):
                found.append(ast.unparse(node))
    return found


def read(paths):
    return [path.read_text(encoding="utf-8") for path in paths]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_statement_holds_one_idea(package):
    assert per_100_lines(read(sorted(package.glob("*.py")))) <= MOST_PARALLEL


def test_the_library_proper_stays_small():
    assert len(PROPER) > 50
    assert sum(len(source.splitlines()) for source in read(PROPER)) <= MOST_LINES


def test_equals_keep_their_order():
    """Which of equals comes first otherwise depends on the instructions that a processor has."""
    paths = [*(ROOT / "ttclib").rglob("*.py"), *(ROOT / "tools").glob("*.py"), ROOT / "course.py"]
    sources = dict(zip(paths, read(paths), strict=True))
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = solutions.solved(nbformat.read(path, nbformat.NO_CONVERT)).cells
        sources[path] = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    found = {path.name: sorts_that_may_swap_equals(source) for path, source in sources.items()}
    assert {name: sorts for name, sorts in found.items() if sorts} == {}
    assert sum("argsort" in source for source in sources.values()) > 10


def test_this_test_sees_sorts():
    unstable = ["np.argsort(-x)", "x.argsort()", "argpartition(x, 2)", "torch.topk(x, 2)"]
    for source in [*unstable, "np.argsort(x, kind='quicksort')"]:
        assert sorts_that_may_swap_equals(source) == [source.replace('"', "'")]
    assert sorts_that_may_swap_equals("np.argsort(np.argsort(x, kind='stable'))") == []
    assert len(sorts_that_may_swap_equals("np.argsort(np.argsort(x))")) == 1


def test_this_test_tells_parallel_assignments():
    parallel = ["a, b = 1, 2", "a, b = b, c", "x.a, y[0] = f(), g()", "(a, (b, c)) = 1, (2, 3)"]
    for source in parallel:
        assert len(parallel_assignments(source)) == 1, source
    for source in ["a, b = b, a", "a, b = f()", "a = b, c", "a = b = 1, 2", "*a, b = 1, 2, 3"]:
        assert parallel_assignments(source) == [], source
    assert len(parallel_assignments("def f():\n    a, b = 1, 2\n    c, d = 3, 4")) == 2


def test_this_test_counts_code_lines():
    documented = '"""Says.\n\nMuch."""\n\n# why\nx = 1  # how\n\n\n'
    source = documented + 'def f():\n    """Do."""\n    return (\n        x\n    )\n'
    assert code_lines(source) == 5
    assert per_100_lines(["a, b = 1, 2\nc = 3\nd = 4\ne = 5\n"]) == 25
    assert per_100_lines([""]) == 0
