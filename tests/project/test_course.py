"""The set-up script: repaired when broken, one line when it cannot go on."""

import ast
import base64
import csv
import hashlib
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import course


class Small(course.Environment):
    """A real environment with one module in it, made without a network."""

    def create(self):
        """Without pip it takes a tenth of the time."""
        super().create("--without-pip")

    def install(self, files):
        """Put files where pip would: those of packages that are not there."""
        info = self.packages / "thing-1.dist-info"
        if info.exists():
            return
        info.mkdir()
        rows = []
        for name, text in {"thing.py": "answer = 42\n", "a,b.txt": "words"}.items():
            (self.packages / name).write_text(text)
            code = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
            rows.append([name, f"sha256={code.rstrip('=')}", str(len(text))])
        rows += [["__pycache__/thing.pyc", "", ""], ["thing-1.dist-info/RECORD", "", ""]]
        with open(info / "RECORD", "w", newline="") as file:
            csv.writer(file).writerows(rows)


FILES = ("requirements.txt",)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small environment, made once; the tests that break it also see it mended."""
    root = tmp_path_factory.mktemp("project")
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "own.py").write_text("answer = 43\n")
    return Small(root / ".venv", root).ensure(FILES)


def run(env, code, **options):
    done = subprocess.run(
        [env.python, "-c", code], capture_output=True, text=True, check=True, **options
    )
    return done.stdout.strip()


def test_the_environment_imports_its_packages_and_the_project_from_anywhere(made, tmp_path):
    assert run(made, "import thing, own; print(thing.answer, own.answer)", cwd=tmp_path) == "42 43"


def test_a_second_call_installs_nothing_and_is_quick(made, monkeypatch):
    monkeypatch.setattr(Small, "install", lambda *_: pytest.fail("installed again"))
    start = time.monotonic()
    made.ensure(FILES)
    assert time.monotonic() - start < 1


def test_changed_requirements_are_installed_without_starting_over(made, monkeypatch):
    (made.root / "requirements.txt").write_text("# something else\n")
    assert not made.ready(FILES)
    monkeypatch.setattr(Small, "create", lambda _: pytest.fail("made anew"))
    made.ensure(FILES)
    assert made.ready(FILES)


def test_files_already_wanted_stay_wanted(made):
    (made.root / "more.txt").write_text("# more\n")
    made.ensure(("more.txt",))
    assert made.ready(("more.txt",)) and made.ready(FILES)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("course.json", "not finished"),
        ("thing.py", "thing.py is gone"),
        ("a,b.txt", "a,b.txt is gone"),
        ("thing-1.dist-info/RECORD", "thing-1 is gone"),
        ("python", "does not start"),
    ],
)
def test_a_broken_environment_is_repaired(made, broken, why, capsys):
    place = {"course.json": made.stamp, "python": made.python}
    place.get(broken, made.packages / broken).unlink()
    assert why in made.damage()
    made.ensure(FILES)
    assert made.damage() is None
    assert why in capsys.readouterr().out
    assert run(made, "import thing; print(thing.answer)") == "42"


FLIPPED = {"emptied": lambda text: b"", "halved": lambda text: text[: len(text) // 2]}
FLIPPED["one byte flipped"] = lambda text: text[:3] + bytes([text[3] ^ 1]) + text[4:]
FLIPPED["another"] = lambda text: text[::-1]


@pytest.mark.parametrize("how", FLIPPED)
@pytest.mark.parametrize(
    "name", ["thing.py", "a,b.txt", "thing-1.dist-info/RECORD", "course.pth", "course.json"]
)
def test_every_damaged_file_is_noticed_and_mended(made, name, how, capsys, monkeypatch):
    """By any command; of one with the right size and other bytes, the doctor has to be asked."""
    file = made.stamp if name == "course.json" else made.packages / name
    before = file.read_bytes()
    file.write_bytes(FLIPPED[how](before))
    if len(file.read_bytes()) == len(before) and name in ("thing.py", "a,b.txt"):
        assert made.damage() is None
        monkeypatch.setattr(course, "ROOT", made.root)
        monkeypatch.setattr(course, "damaged_data", lambda: None)
        assert course.doctor() == 1
        said = f"the file {name} is not what was installed (thing-1); the next command mends it"
        assert said in capsys.readouterr().out
    assert made.damage()
    made.ensure(FILES)
    said = capsys.readouterr().out.splitlines()
    assert re.match(r"The environment \.venv is (rebuilt|mended): .*\.$", said[0])
    assert len(said) == 3  # and what it installs, and how long that took
    assert made.damage() is None
    assert file.read_bytes() == before
    assert run(made, "import thing, own; print(thing.answer)") == "42"


def without(entry):
    return lambda stamp: {name: value for name, value in stamp.items() if name != entry}


@pytest.mark.parametrize(
    "change",
    [
        *map(without, ("interpreter", "files", "packages")),
        lambda stamp: [],
        lambda stamp: 3,
        lambda stamp: stamp | {"packages": 3},
        lambda stamp: stamp | {"packages": [3]},
        lambda stamp: stamp | {"files": []},
        lambda stamp: stamp | {"interpreter": None},
        lambda stamp: stamp | {"interpreter": "CPython 2.7 elsewhere"},
        lambda stamp: stamp | {"packages": {"other-1.dist-info": "0"}},
        lambda stamp: stamp | {"packages": dict.fromkeys(stamp["packages"], "0")},
    ],
)
def test_a_stamp_that_is_damaged_or_foreign_is_no_error(made, change, capsys):
    before = made.stamp.read_bytes()
    made.stamp.write_text(json.dumps(change(json.loads(before))))
    assert made.damage()
    assert made.ensure(FILES).damage() is None
    assert re.match(r"The environment \.venv is (rebuilt|mended): ", capsys.readouterr().out)
    assert made.stamp.read_bytes() == before


def test_a_stamp_without_sums_is_read(made):
    """As they were before: the names of packages alone."""
    before = made.stamp.read_text()
    stamp = json.loads(before)
    made.stamp.write_text(json.dumps(stamp | {"packages": list(stamp["packages"])}))
    assert made.damage() is None
    made.stamp.write_text(before)


def test_an_environment_without_its_configuration_is_made_anew(made, capsys):
    for spoil in (lambda file: file.write_text(""), lambda file: file.unlink()):
        spoil(made.folder / "pyvenv.cfg")
        assert made.damage() == "its pyvenv.cfg is gone or empty"
        assert made.ensure(FILES).damage() is None
        assert "is rebuilt: its pyvenv.cfg is gone or empty." in capsys.readouterr().out


def test_a_damaged_package_is_installed_again_and_the_others_stay(made, monkeypatch, capsys):
    (made.packages / "thing.py").write_text("")
    monkeypatch.setattr(Small, "create", lambda _: pytest.fail("made anew"))
    made.ensure(FILES)
    line = "The environment .venv is mended: the file thing.py has 0 bytes, not 12 (thing-1)."
    assert capsys.readouterr().out.splitlines()[0] == line


def test_without_a_network_the_environment_is_no_worse_than_before(made, monkeypatch):
    def offline(self, files):
        raise course.explain(["ERROR: Connection refused"], ["python", "-m", "pip", "install"])

    before = made.stamp.read_bytes()
    (made.root / "requirements.txt").write_text("# newer\n")
    monkeypatch.setattr(Small, "create", lambda _: pytest.fail("made anew"))
    with monkeypatch.context() as patch:
        patch.setattr(Small, "install", offline)
        for _ in range(2):
            with pytest.raises(course.Problem, match="The package index was not reached"):
                made.ensure(FILES)
            assert made.stamp.read_bytes() == before
    assert made.ensure(FILES).ready(FILES)


def test_missing_bytecode_is_no_damage(made):
    assert not (made.packages / "__pycache__/thing.pyc").exists()
    assert made.damage() is None


def test_another_python_gets_its_own_environment(made, monkeypatch):
    monkeypatch.setattr(Small, "interpreter", lambda _: "CPython 3.99 elsewhere")
    assert "was made for CPython 3." in made.damage()


def test_an_interrupted_installation_is_not_ready(made, monkeypatch):
    def stop(self, files):
        raise KeyboardInterrupt

    made.stamp.unlink()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Small, "install", stop)
        made.ensure(FILES)
    assert not made.ready(FILES)
    assert made.ensure(FILES).ready(FILES)


def hold(path, order, name):
    with course.locked(path):
        order.append(f"{name} in")
        time.sleep(0.5)
        order.append(f"{name} out")


def test_two_set_ups_take_turns(tmp_path):
    with multiprocessing.get_context("spawn").Manager() as manager:
        order = manager.list()
        both = [
            multiprocessing.Process(target=hold, args=(tmp_path / "lock", order, n)) for n in "ab"
        ]
        for process in both:
            process.start()
        for process in both:
            process.join()
        assert [step.split()[1] for step in order] == ["in", "out", "in", "out"]


def test_a_lock_is_free_when_its_holder_was_killed(tmp_path):
    code = (
        "import course, sys, time\n"
        "with course.locked(sys.argv[1]): print('in', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "lock"],
        cwd=course.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "in\n"
    holder.kill()
    holder.wait()
    with course.locked(tmp_path / "lock"):
        pass


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ((3, 10, 13), "Python 3.10.13 is too old: the course needs Python 3.11 or newer."),
        ((2, 7, 18), "Python 2.7.18 is too old: the course needs Python 3.11 or newer."),
        ((3, 11, 0), None),
        ((4, 0, 0), None),
    ],
)
def test_too_old(version, line):
    assert course.too_old(version) == line


def test_an_old_python_can_read_the_script():
    ast.parse(Path(course.__file__).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(course.shutil, "disk_usage", lambda _: usage(10e9, 9.9e9, 0.1e9))
    (tmp_path / "requirements.txt").write_text("")
    with pytest.raises(course.Problem, match=r"^The disk is too full: 0\.1 GB are free, .*$"):
        Small(tmp_path / ".venv", tmp_path).ensure(FILES)
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("chosen", ["", "torch==2.13.0+cu130", "torch==2.13.0+cpu"])
@pytest.mark.parametrize("default", ["nvidia-cudnn-cu13==9; platform_system == 'Linux'", "sympy"])
def test_the_room_that_is_asked_for_is_that_of_the_build_that_comes(
    chosen, default, tmp_path, monkeypatch
):
    """``chosen``: what uv says, or nothing if it reaches no index. Then pip is asked."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(course.shutil, "disk_usage", lambda _: usage(10e9, 5e9, 5e9))
    monkeypatch.setattr(course.sys, "platform", "linux")
    monkeypatch.setenv("TTC_SMOLLM2", "0")
    commands = []

    def plan(command, **options):
        return subprocess.run(
            [sys.executable, "-c", f"print({chosen!r}); exit({not chosen})"], **options
        )

    def quiet(command):
        commands.append(command)
        if "--report" in command:
            item = {"metadata": {"requires_dist": ["jinja2", default]}}
            report = command[command.index("--report") + 1]
            Path(report).write_text(json.dumps({"install": [item]}))

    monkeypatch.setattr(course, "quiet", quiet)
    monkeypatch.setattr(course, "subprocess", SimpleNamespace(**vars(subprocess) | {"run": plan}))
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\n")
    env = course.Environment(tmp_path / ".venv", tmp_path)
    if chosen.endswith("cu130") or (not chosen and default.startswith("nvidia")):
        line = "5.0 GB are free, the course needs 12 GB to install, with PyTorch for graphics cards"
        with pytest.raises(course.Problem, match=line):
            env.install(FILES)
        assert not any("-r" in command for command in commands)
    else:
        env.install(FILES)
        assert "-r" in commands[-1]
    # pip is asked only if uv was no help
    assert any("--report" in command for command in commands) == (not chosen)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "ERROR: Could not install packages: OSError: [Errno 28] No space left on device",
            "disk",
        ),
        (
            "WARNING: Retrying: NewConnectionError('[Errno -3] Failure in name resolution')",
            "network",
        ),
        (
            "ERROR: No matching distribution found for torch==2.13.0",
            "fits this machine .*: torch==2.13.0",
        ),
        (
            "The virtual environment was not created because ensurepip is not available.",
            "python3-venv",
        ),
        ("ERROR: something new", "ERROR: something new$"),
        ("", "it said nothing"),
    ],
)
def test_a_failed_installer_is_explained_in_one_line(said, line):
    code = f"print({said!r}); raise SystemExit(1)"
    with pytest.raises(course.Problem, match=line) as caught:
        course.quiet([sys.executable, "-c", code])
    assert "\n" not in str(caught.value)


def test_pins_are_read_without_comments(tmp_path):
    (tmp_path / "r.txt").write_text("# head\na==1  # why\n\nb==2\n")
    assert course.pins(tmp_path / "r.txt") == ["a==1", "b==2"]


Here = namedtuple("Here", "python")


@pytest.mark.parametrize(("code", "status"), [(0, 0), (1, 1), (5, 1)])
def test_the_parts_set_the_exit_status(code, status, monkeypatch, capfd):
    good, exits = ("-c", ""), ("-c", f"raise SystemExit({code})")
    monkeypatch.setattr(course, "PARTS", {"good": (good,), "other": (good, exits, good)})
    assert course.test(Here(sys.executable), None, []) == status
    assert f"parts: {2 - status} passed, {status} failed" in capfd.readouterr().out
    assert course.test(Here(sys.executable), "good", []) == 0


def test_tests_that_are_skipped_are_told(tmp_path, monkeypatch, capfd):
    (tmp_path / "test_a.py").write_text(
        "import pytest\n\n\ndef test_a():\n    pytest.skip('no Chromium: install it')\n"
    )
    (tmp_path / "test_b.py").write_text("def test_b():\n    pass\n")
    pytest_on = lambda *names: ((*course.PYTEST, *(str(tmp_path / n) for n in names)),)  # noqa: E731
    parts = {"browser": pytest_on("test_a.py"), "exact": pytest_on("test_a.py", "test_b.py")}
    monkeypatch.setattr(course, "PARTS", parts | {"rest": pytest_on("test_b.py")})
    assert course.test(Here(sys.executable), None, []) == 0
    summary = capfd.readouterr().out.partition("== summary\n")[2]
    one, two, three, last = summary.splitlines()
    assert re.fullmatch(r"browser +skipped +\S+ s  all skipped: no Chromium: install it", one)
    assert re.fullmatch(r"exact +ok +\S+ s  1 of 2 skipped: no Chromium: install it", two)
    assert re.fullmatch(r"rest +ok +\S+ s", three)
    assert last == "parts: 2 passed, 1 skipped, 0 failed"


PARENT = """
import course, sys
course.heed_signals()
child = "import os, time; print(os.getpid(), flush=True); time.sleep(100)"
command = [sys.executable, "-c", child]
course.call(command) if sys.argv[1] == "call" else course.quiet(
    [sys.executable, "-c", f"open({sys.argv[2]!r}, 'w').write(str(__import__('os').getpid())); "
     "__import__('time').sleep(100)"])
"""


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"])
@pytest.mark.parametrize("kind", ["call", "quiet"])
def test_no_child_outlives_its_parent(kind, how, tmp_path):
    if how == "SIGKILL" and sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent was killed")
    note = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, kind, note], cwd=course.ROOT, stdout=subprocess.PIPE
    )
    if kind == "call":
        note.write_bytes(parent.stdout.readline())
    while not (note.exists() and note.read_text()):
        assert parent.poll() is None
        time.sleep(0.01)
    child = psutil.Process(int(note.read_text()))
    os.kill(parent.pid, getattr(signal, how))
    parent.wait()
    assert psutil.wait_procs([child], timeout=60) == ([child], [])


def test_arguments_reach_pytest(monkeypatch, capfd):
    says = ("-c", "import sys; print(sys.argv[1:])", "pytest")
    monkeypatch.setattr(course, "PARTS", {"lint": (("-c", "print('lint')"),), "tests": (says,)})
    assert course.test(Here(sys.executable), None, ["-k", "cost"]) == 0
    assert re.search(r"\['pytest', '--junitxml=\S+', '-k', 'cost'\]", capfd.readouterr().out)


def test_a_tool_gets_the_rest_of_the_line(monkeypatch):
    called = []
    ensure = lambda env, files: called.append(files) or Here("python")  # noqa: E731
    monkeypatch.setattr(course.Environment, "ensure", ensure)
    monkeypatch.setattr(course, "call", lambda command: called.append(command) or 3)
    assert course.main(["data", "lab-small", "--check"]) == 3
    assert called == [course.COURSE, ["python", "-m", "tools.data", "lab-small", "--check"]]


def test_an_unknown_part_is_one_line():
    with pytest.raises(course.Problem, match="no part 'exacct'; the parts are lint"):
        course.test(Here(sys.executable), "exacct", [])


def test_the_lock_is_inherited_by_installers(tmp_path):
    # else a killed set-up would leave its installer writing beside the next one
    with course.locked(tmp_path / "lock"):
        assert any(os.get_inheritable(fd) for fd in open_files(tmp_path / "lock"))


def open_files(path):
    """File descriptors of this process that are open on a path."""
    for fd in range(3, 256):
        try:
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                yield fd
        except OSError:
            continue


def test_the_readme_lists_every_notebook_with_its_title_and_minutes():
    readme = (course.ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\d\db? .+?)\]\((notebooks/\S+)\) \| (\d+) \|", readme, re.MULTILINE)
    names = [name for _, name, _ in rows]
    assert names == sorted(
        p.relative_to(course.ROOT).as_posix() for p in course.ROOT.glob("notebooks/*.ipynb")
    )
    for title, name, minutes in rows:
        first = "".join(
            json.loads((course.ROOT / name).read_text(encoding="utf-8"))["cells"][0]["source"]
        )
        assert first.startswith(f"# {title.replace(' ', ' · ', 1)}")
        assert f"**Takes** {minutes} minutes" in first


def test_the_doctor_names_a_damaged_file(monkeypatch, tmp_path, capsys):
    from ttclib import artefacts

    monkeypatch.setattr(course, "ROOT", tmp_path)  # no environment there
    assert course.doctor() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "data         sound"
    monkeypatch.setattr(artefacts, "faults", lambda name: iter([f"data/{name}/x is missing; do"]))
    assert course.doctor() == 1
    first = next(iter(artefacts.manifest()))
    assert f"data         data/{first}/x is missing" in capsys.readouterr().out


def test_the_versions_agree():
    import ttclib

    assert f"\nversion: {ttclib.__version__}\n" in (course.ROOT / "CITATION.cff").read_text()
