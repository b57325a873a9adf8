"""One word for one thing: no public name of the library stands for two."""

import ast
from collections import defaultdict

from tools.architecture import FILES, within


def public_names(tree):
    """Names that a module defines for others: functions, classes, constants, aliases."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            found = [place for target in node.targets for place in ast.walk(target)]
            names = [place.id for place in found if isinstance(place, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def test_no_public_name_stands_for_two_things():
    where = defaultdict(set)
    for module, path in FILES.items():
        # a notebook's own pictures and checks are named after what they show and check
        if not within(module, ["ttclib.course"]):
            for name in public_names(ast.parse(path.read_text(encoding="utf-8"))):
                where[name].add(module)
    assert len(where) > 200
    twice = {name: sorted(modules) for name, modules in where.items() if len(modules) > 1}
    assert twice == {}


def test_this_test_sees_every_kind_of_name():
    code = "A = 1\nB: int = 2\n(C, D) = 3, 4\ndef f(): x = 5\nclass E: y = 6\n_g = 7\nimport h"
    assert list(public_names(ast.parse(code))) == ["A", "B", "C", "D", "f", "E"]
