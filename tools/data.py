"""Build the models and results in ``data/``, check them, and say how they are.

Called by ``python3 course.py data [name …]``. Without a name it builds what is missing, damaged, or
made with other settings. A build that was stopped goes on where it was.
"""

import argparse
import errno
import shutil
import signal
import sys

from tools import (
    chains,
    collapse,
    decoding,
    exchange,
    experts,
    features,
    fork_writers,
    forks,
    lab,
    mixer_tasks,
    own_model,
    post_training,
    pruning,
    revision,
    scaling,
    search,
    small,
    token_costs,
    verifier,
)
from tools.artefact import DATA, known, make, pending, rescore
from ttclib import artefacts
from ttclib.files import whole

TOOLS = (
    lab,
    decoding,
    verifier,
    search,
    exchange,
    revision,
    chains,
    scaling,
    post_training,
    small,
    pruning,
    features,
    forks,
    fork_writers,
    token_costs,
    collapse,
    experts,
    mixer_tasks,
    own_model,
)
ARTEFACTS = {artefact.name: artefact for tool in TOOLS for artefact in tool.ARTEFACTS}
BEGIN = "<!-- written by course.py data: -->\n"
END = "<!-- until here -->\n"


def with_needs(names, declared):
    """Return artefacts and all they are made from, in the order in which they are declared."""
    wanted = set()
    todo = list(names)
    while todo:
        wanted.add(todo[-1])
        todo += declared[todo.pop()].needs
    return [artefact for name, artefact in declared.items() if name in wanted]


def table(data=DATA):
    """Write the manifest as a table in Markdown."""
    lines = ["| folder | what it is | kB | made in | score |", "|---|---|---|---|---|"]
    for name, entry in known(data).items():
        size = sum(file["bytes"] for file in entry["files"].values()) / 1e3
        numbers = {k: v for k, v in entry.get("score", {}).items() if isinstance(v, float)}
        score = ", ".join(f"{k} {v:.2f}" for k, v in numbers.items())
        lines.append(
            f"| `{name}` | {entry['what']} | {size:,.0f} | {entry['seconds']:,.0f} s | {score} |"
        )
    return "\n".join([*lines, ""])


def describe(data=DATA):
    """Renew the table in the folder's README."""
    readme = data / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    text = before + BEGIN + "\n" + table(data) + "\n" + END + rest.partition(END)[2]
    with whole(readme) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def build(names, declared, data=DATA):
    """Build artefacts and what they need; one that fails is one line, and the others go on."""
    failed = 0
    for artefact in with_needs(names or declared, declared):
        why = pending(artefact, data)
        if why is None:
            print(f"{artefact.name}: ready", flush=True)
            continue
        print(f"{artefact.name}: {why}", flush=True)
        try:
            show(artefact.name, make(artefact, data))
            describe(data)
        except Exception as error:
            line = refusal(error, data)
            if line is None:
                raise
            print(f"{artefact.name}: {line}", file=sys.stderr, flush=True)
            failed = 1
    return failed


def refusal(error, data=DATA):
    """Return one line for what a build can be refused: by the system, or for bad input; else None.

    A library written in Rust says of a full disk what the system says, in an error of its own.
    """
    code = getattr(error, "errno", None)
    where = getattr(error, "filename", None) or data
    if code in (errno.ENOSPC, errno.EDQUOT) or "no space left" in str(error).lower():
        free = shutil.disk_usage(data).free / 1e6
        return (
            f"the disk is full ({free:,.0f} MB are free in {data}); what is done so far is kept: "
            "make room and repeat"
        )
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{where} cannot be written ({error.strerror}); allow it, or copy the course to "
            "a folder of your own"
        )
    if code in (errno.EEXIST, errno.ENOTDIR):
        return f"{where} is a file, where a folder belongs; delete it and repeat"
    return str(error) if isinstance(error, ValueError | OSError) else None


def show(name, entry):
    """Print what was made, and how good it is."""
    print(f"{name}: made in {entry['seconds']:.0f} s on {entry['device']}")
    for key, value in entry.get("score", {}).items():
        print(f"  {key}: {value}", flush=True)


def check(names, declared, data=DATA):
    """Compare all files with the manifest and name each one that differs."""
    found = [fault for name in names or declared for fault in artefacts.faults(name, data)]
    found += [f"{path} is left over or foreign; delete it" for path in foreign(data)]
    print(*(found or ["every file is as the manifest says"]), sep="\n")
    return int(bool(found))


def foreign(data=DATA):
    """Yield what lies in the folder of an artefact, or is half a file, and nothing knows of."""
    yield from sorted(data.glob("*.part"))
    for name, entry in known(data).items():
        files = (file for file in sorted((data / name).rglob("*")) if file.is_file())
        names = {file.relative_to(data / name).as_posix(): file for file in files}
        yield from (file for name, file in names.items() if name not in entry["files"])


def main(argv=None):
    parser = argparse.ArgumentParser(prog="course.py data", description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(ARTEFACTS)}; default: all"
    )
    do = parser.add_mutually_exclusive_group()
    do.add_argument("--list", action="store_true", help="say which artefacts are ready")
    do.add_argument("--check", action="store_true", help="compare every file with its SHA-256")
    do.add_argument("--score", action="store_true", help="measure the scores again")
    args = parser.parse_args(argv)
    for name in args.names:
        if name not in ARTEFACTS:
            print(
                f"There is no artefact {name!r}; there are {', '.join(ARTEFACTS)}.", file=sys.stderr
            )
            return 2
    try:
        if args.check:
            return check(args.names, ARTEFACTS)
        if not args.list and not args.score:
            return build(args.names, ARTEFACTS)
        for artefact in (ARTEFACTS[name] for name in args.names or ARTEFACTS):
            if args.list:
                print(f"{artefact.name:<20} {pending(artefact) or 'ready'}")
            else:
                show(artefact.name, rescore(artefact))
                describe()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: children go too
    sys.exit(main())
