"""What importing costs, and which way imports point: pictures on top, nothing below knows of them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    "numpy",
    "torch",
    "transformers",
    "scipy",
    "matplotlib",
    "arviz_stats",
    "ipywidgets",
    "IPython",
    "xarray",
)
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "ttclib").rglob("*.py"))
}
# what may bring torch: the half about language models; what is on top of everything: view and check
NEURAL = ("ttclib.lm", "ttclib.search")
TOP = ("ttclib.view", "ttclib.check")
SAMPLING = [name for name in FILES if not name.startswith(NEURAL + TOP)]


def within(name, packages):
    return any(name == package or name.startswith(package + ".") for package in packages)


def imports(path):
    """Names of the modules that a file imports, also inside its functions."""
    todo, found = [ast.parse(path.read_text())], set()
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write the full name of what is imported"
            found.add(node.module)
            # `from ttclib import smc` imports the module ttclib.smc
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys()
        todo += ast.iter_child_nodes(node)
    return found


def loaded_by(statement):
    """Which heavy packages a fresh Python has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing():
    assert loaded_by("import ttclib") == set()


@pytest.mark.parametrize("name", SAMPLING)
def test_a_module_of_the_sampling_half_loads_numpy_only(name):
    assert loaded_by(f"import {name}") <= {"numpy"}


def test_no_module_of_this_half_brings_torch():
    statement = "\n".join(f"import {name}" for name in FILES if not within(name, NEURAL))
    assert not {"torch", "transformers"} & loaded_by(statement)


def test_this_half_does_not_name_torch():
    for name, path in FILES.items():
        if not within(name, NEURAL):
            roots = {module.partition(".")[0] for module in imports(path)}
            assert not roots & {"torch", "transformers"}, name


def test_nothing_below_the_pictures_and_the_checks_imports_them():
    assert len(SAMPLING) > 10
    for name, path in FILES.items():
        if not within(name, TOP):
            assert not [module for module in imports(path) if within(module, TOP)], name


def test_pictures_and_checks_do_not_need_each_other():
    for name, path in FILES.items():
        for one, other in (TOP, TOP[::-1]):
            if within(name, [one]):
                assert not [module for module in imports(path) if within(module, [other])], name


def test_the_sampling_half_does_not_need_language_models():
    for name, path in FILES.items():
        if not within(name, NEURAL + TOP):
            assert not [module for module in imports(path) if within(module, NEURAL)], name


def test_imports_make_no_circle():
    graph = {name: imports(path) & FILES.keys() - {name} for name, path in FILES.items()}
    # a package's own __init__ may gather its modules, which may use the package's first lines
    graph = {name: {m for m in to if not name.startswith(m + ".")} for name, to in graph.items()}
    order = []
    while graph:
        ready = [name for name, to in graph.items() if not to & graph.keys()]
        assert ready, f"circle among {sorted(graph)}"
        order += ready
        graph = {name: to for name, to in graph.items() if name not in ready}
    assert order.index("ttclib.inputs") < order.index("ttclib.montecarlo") < order.index("ttclib.view.darts")


def test_this_test_sees_imports_inside_functions(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "import a.b\ndef f():\n    from ttclib import smc\n    import torch\nclass C:\n    import c"
    )
    assert imports(file) == {"a.b", "ttclib", "ttclib.smc", "torch", "c"}
