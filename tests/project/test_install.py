"""``pip install .`` works by itself: each module imports with its extra declared, and no more.

An environment is fresh: a new ``venv`` that sees the packages of the declared requirements and what
those require, as links to the ones installed here, and nothing else. pip then installs the wheel
with its extras and no index, so it would refuse a requirement that is not met.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import course
from tools.architecture import FILES, floor_of, imports, ours, within

# the extra that a part of the library needs; the other parts need NumPy and SciPy only
EXTRAS = {"ttclib.show": "show", "ttclib.lm": "lm", "ttclib.search": "search"}
# imported by one function of the module, at its first call: the extra of whoever calls it
AT_FIRST_CALL = {
    ("ttclib.sampling.diagnostics", "arviz_stats"): "diagnostics",
    ("ttclib.course.start_here.figures", "psutil"): "course",
    ("ttclib.files", "filelock"): "lm",
    ("ttclib.course.your_own_model.cluster", "distributed"): "cluster",
}
OTHERS = set(sys.stdlib_module_names) | {"ttclib", "__future__"}

# imports each module, then whatever it imports later, inside its functions
PROBE = """
import importlib, json, sys
said = {}
for name, later in json.loads(sys.argv[1]).items():
    for module in (name, *later):
        try:
            importlib.import_module(module)
        except ImportError as error:
            said[name] = str(error)
print(json.dumps(said))
"""


def extras_of(name):
    """The extras that a module needs. A notebook's part needs ``show``, and what it stands on."""
    if not within(name, ["ttclib.course"]):
        return frozenset(EXTRAS[part] for part in EXTRAS if within(name, [part]))
    notebook = ".".join(name.split(".")[:3])
    below = {module for other in FILES if within(other, [notebook]) for module in ours(other)}
    found = {"show"} | {EXTRAS[part] for part in EXTRAS if within_any(below, part)}
    return frozenset(found - {"lm"} if "search" in found else found)  # `search` asks for `lm`


def within_any(names, part):
    return any(within(name, [part]) for name in names)


def foreign(name):
    """Modules of other packages that a module imports, at the top or inside its functions."""
    found = {module for module in imports(FILES[name]) if module.partition(".")[0] not in OTHERS}
    return {module for module in found if (name, module.partition(".")[0]) not in AT_FIRST_CALL}


GROUPS = {}
for _name in FILES:
    GROUPS.setdefault(extras_of(_name), []).append(_name)
each_group = pytest.mark.parametrize(
    "extras", GROUPS, ids=lambda extras: "+".join(sorted(extras)) or "none"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree, built from a copy of the files that pip would take."""
    source = tmp_path_factory.mktemp("source")
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(course.ROOT / file, source)
    shutil.copytree(course.ROOT / "ttclib", source / "ttclib")
    code = "from setuptools import build_meta; print(build_meta.build_wheel('dist'))"
    built = subprocess.run(
        [sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=True
    )
    return source / "dist" / built.stdout.split()[-1]


def declared(wheel, extras):
    """What the wheel asks for by itself and with these extras: a list of `Requirement`."""
    with zipfile.ZipFile(wheel) as file:
        (name,) = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
        text = file.read(name).decode()
    asked = [Requirement(line) for line in re.findall(r"^Requires-Dist: (.+)$", text, re.M)]
    found, todo, seen = [], {"", *extras}, set()
    while todo:
        extra = todo.pop()
        seen.add(extra)
        for requirement in asked:
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            if wanted and (requirement.marker is None) == (extra == ""):
                if requirement.name == "ttclib":
                    todo |= requirement.extras - seen
                else:
                    found.append(requirement)
    return found


@functools.cache
def required(name):
    return [Requirement(line) for line in distribution(name).requires or []]


def closure(requirements):
    """Names of the distributions that are asked for, and of those that they ask for."""
    found, todo = set(), [(r.name, frozenset(r.extras)) for r in requirements]
    while todo:
        if todo[-1] in found:
            todo.pop()
            continue
        name, extras = todo.pop()
        found.add((name, extras))
        for requirement in required(name):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in ("", *extras)):
                todo.append((requirement.name, frozenset(requirement.extras)))
    return {canonicalize_name(name) for name, _ in found}


@functools.cache
def places(name):
    """Files and folders beside the other packages that a distribution brought."""
    found = distribution(name)
    tops = {file.parts[0] for file in found.files} - {"..", "__pycache__"}
    return [path for path in map(Path, map(found.locate_file, sorted(tops))) if path.exists()]


def fresh(folder, distributions):
    """Make an environment that sees these distributions alone, and return its Python."""
    env = course.Environment(folder)
    env.create("--without-pip", "--symlinks")
    for place in {place for name in distributions for place in places(name)}:
        (env.packages / place.name).symlink_to(place)
    return env.python


def pip_install(python, *arguments):
    """Install without an index, so that pip can only use what is there."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "install", "--no-index", "--no-compile", "--quiet", *arguments],
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def missing(python, names):
    """Import modules with all they import; returns {module: what its import said}."""
    asked = json.dumps({name: sorted(foreign(name)) for name in names})
    done = subprocess.run(
        [python, "-I", "-c", PROBE, asked], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A function from extras to the Python of an environment into which pip installed them."""

    @functools.cache
    def python_of(extras):
        python = fresh(tmp_path_factory.mktemp("fresh") / "env", closure(declared(wheel, extras)))
        wanted = f"ttclib[{','.join(sorted(extras))}] @ {wheel.as_uri()}"
        assert pip_install(python, wanted) == (0, "")
        return python

    return python_of


@each_group
def test_every_module_imports_with_its_extra(installed, extras):
    assert missing(installed(extras), GROUPS[extras]) == {}


def test_a_model_is_found_through_ttc_data_or_said_to_be_missing(installed, tmp_path):
    code = "from ttclib.lm.models import load; print(load('lab-small').context)"
    python = installed(frozenset({"lm"}))
    variables = {name: value for name, value in os.environ.items() if name != "TTC_DATA"}
    command = {"args": [python, "-I", "-c", code], "cwd": tmp_path}
    done = subprocess.run(**command, env=variables, capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ValueError: there is no folder ") and "set TTC_DATA" in last
    variables["TTC_DATA"] = str(course.ROOT / "data")
    done = subprocess.run(**command, env=variables, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0


@each_group
def test_what_a_module_imports_is_declared_by_name(wheel, extras):
    """Also what another package happens to bring: it may stop to do so."""
    assert undeclared(GROUPS[extras], declared(wheel, extras)) == set()


def undeclared(names, requirements):
    """Pairs of a module and a package that it imports though no requirement names it."""
    owners = packages_distributions()
    known = {canonicalize_name(requirement.name) for requirement in requirements}
    return {
        (name, root)
        for name in names
        for root in {module.partition(".")[0] for module in foreign(name)}
        if not known & {canonicalize_name(owner) for owner in owners[root]}
    }


SEARCH = frozenset({"search"})


def test_an_undeclared_package_is_seen(wheel, tmp_path):
    """Power of the first test: ``search`` without pyarrow."""
    less = [r for r in declared(wheel, SEARCH) if r.name != "pyarrow"]
    assert len(less) == len(declared(wheel, SEARCH)) - 1
    python = fresh(tmp_path / "env", closure(less))
    code, said = pip_install(python, f"ttclib[search] @ {wheel.as_uri()}")
    assert code != 0 and "pyarrow" in said
    assert pip_install(python, "--no-deps", str(wheel)) == (0, "")
    without = {name for name in GROUPS[SEARCH] if within_any(foreign(name), "pyarrow")}
    said = missing(python, GROUPS[SEARCH])
    assert without and without <= said.keys()
    assert set(said.values()) == {"No module named 'pyarrow'"}


def test_a_package_that_only_another_one_brings_is_seen(wheel):
    """Power of the second: transformers brings tokenizers, whether it is declared or not."""
    less = [r for r in declared(wheel, SEARCH) if r.name != "tokenizers"]
    assert "tokenizers" in closure(less)
    lost = undeclared(GROUPS[frozenset({"lm"})], less)
    assert lost and {package for _, package in lost} == {"tokenizers"}


@pytest.mark.parametrize(("module", "package"), AT_FIRST_CALL)
def test_what_is_imported_at_a_first_call_is_declared_too(wheel, module, package):
    assert package in {name.partition(".")[0] for name in imports(FILES[module])}
    names = {r.name.replace("-", "_") for r in declared(wheel, {AT_FIRST_CALL[module, package]})}
    assert package in names


def test_the_lower_half_needs_numpy_and_scipy_only(wheel):
    assert {requirement.name for requirement in declared(wheel, ())} == {"numpy", "scipy"}
    for name in FILES:
        if name == "ttclib" or floor_of(name)[0] <= 2:
            assert extras_of(name) == frozenset()


def test_the_course_is_all_of_it_together(wheel):
    names = {requirement.name for requirement in declared(wheel, {"course"})}
    for extra in ("diagnostics", "show", "lm", "search"):
        assert names > {requirement.name for requirement in declared(wheel, {extra})}


@pytest.mark.parametrize(
    ("call", "package", "extra"),
    [
        (
            "from ttclib.sampling.diagnostics import ess; ess([[1.0]] * 3 + [[2.0]])",
            "arviz-stats",
            "diagnostics",
        ),
    ],
)
def test_what_one_function_needs_is_asked_for_in_one_line(
    installed, wheel, call, package, extra, tmp_path
):
    command = [installed(frozenset()), "-I", "-c", call]
    done = subprocess.run(command, capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert package in last and f"pip install 'ttclib[{extra}]'" in last
    more = [r for r in declared(wheel, {extra}) if r.name == package]
    python = fresh(tmp_path / "more", closure([*declared(wheel, ()), *more]))
    assert pip_install(python, str(wheel)) == (0, "")
    subprocess.run([python, "-I", "-c", call], check=True)


def test_the_wheel_holds_the_library_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
    kept = {".py", ".js", ".css", ".po", ".otf", ".txt"}
    files = {p.relative_to(course.ROOT).as_posix() for p in (course.ROOT / "ttclib").rglob("*")}
    assert held == {name for name in files if Path(name).suffix in kept}


def test_requirements_are_those_that_are_pinned(wheel):
    """The course pins what the wheel asks for, or what it asks for brings it."""
    pinned = {
        Requirement(pin).name: Requirement(pin)
        for pin in course.pins(course.ROOT / "requirements.txt")
    }
    asked = declared(wheel, {"course"})
    assert pinned.keys() - {"jupyterlab"} <= {requirement.name for requirement in asked}
    brought = closure(pinned.values())
    for requirement in asked:
        assert canonicalize_name(requirement.name) in brought
        assert requirement.specifier.contains(distribution(requirement.name).version)


def test_this_environment_is_not_fresh():
    """What the links are made from: without it the tests above would show nothing."""
    assert Path(sysconfig.get_path("purelib")).is_dir()
    assert {"pyarrow", "torch", "matplotlib"} <= packages_distributions().keys()
