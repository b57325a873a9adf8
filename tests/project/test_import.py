"""What importing costs, and which way imports point: every floor stands on lower ones only."""

import subprocess
import sys

import pytest

from tools.architecture import FILES, FLOORS, ROOT, floor_of, imports, ours, within

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
# what may bring torch: the half about language models, and what stands on it
NEURAL = (
    "ttclib.lm",
    "ttclib.search",
    "ttclib.course.budget_challenge",
    "ttclib.course.prm_search.sweep",
    "ttclib.course.predicting_features",
    "ttclib.course.process_reward_model.learning",
    "ttclib.course.small_models",
    "ttclib.course.three_scaling_laws.policy_gradient",
    "ttclib.course.what_a_token_costs",
    "ttclib.course.your_own_model.verifiers",
)
SAMPLING = [
    name
    for floor in FLOORS[:3]
    for part in floor
    for name in FILES
    if (name + ".").startswith(part + ".")
]
NOTEBOOKS = sorted(  # the folders of the course; a module beside them serves several
    name
    for name, path in FILES.items()
    if path.parent.parent == ROOT / "ttclib/course" and path.stem == "__init__"
)


def loaded_by(statement):
    """Which heavy packages a fresh Python has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
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
        if not within(name, (*NEURAL, "ttclib.course", "ttclib.testing")):
            roots = {module.partition(".")[0] for module in imports(path)}
            assert not roots & {"torch", "transformers"}, name


def test_every_module_lives_on_a_floor():
    assert len(SAMPLING) > 10
    for name in FILES.keys() - {"ttclib"}:
        floor_of(name)


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"ttclib"}))
def test_imports_point_down(name):
    number, part = floor_of(name)
    for module in ours(name):
        below, other = floor_of(module)
        assert below < number or part == other, f"{name} imports {module}"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook_needs_no_other_notebook(notebook):
    assert len(NOTEBOOKS) >= 10
    for name in FILES:
        if within(name, [notebook]):
            theirs = [module for module in ours(name) if within(module, NOTEBOOKS)]
            assert all(within(module, [notebook]) for module in theirs), name


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_pictures_and_checks_do_not_need_each_other(notebook):
    for one, other in (("figures", "checks"), ("checks", "figures")):
        assert f"{notebook}.{other}" not in ours(f"{notebook}.{one}")


def test_imports_make_no_circle():
    graph = {name: ours(name) for name in FILES}
    # a package's own __init__ may gather its modules, which may use the package's first lines
    graph = {name: {m for m in to if not name.startswith(m + ".")} for name, to in graph.items()}
    order = []
    while graph:
        ready = [name for name, to in graph.items() if not to & graph.keys()]
        assert ready, f"circle among {sorted(graph)}"
        order += ready
        graph = {name: to for name, to in graph.items() if name not in ready}
    places = ("inputs", "sampling.montecarlo", "course.monte_carlo_pi.figures")
    assert sorted(places, key=lambda name: order.index(f"ttclib.{name}")) == list(places)


def test_this_test_sees_imports_inside_functions(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "import a.b\ndef f():\n    from ttclib.particles import smc\n    import torch\n"
        "class C:\n    import c"
    )
    assert imports(file) == {"a.b", "ttclib.particles", "ttclib.particles.smc", "torch", "c"}
