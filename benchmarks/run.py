"""Run all benchmarks of this folder and keep their table in ``results.md``.

Each ``bench_*.py`` has a function ``rows()`` that measures and returns dictionaries with

- ``what`` was done, and in which ``unit`` it is counted;
- ``ours``, and the ``reference`` it is compared ``against`` (None: that peer is not installed);
- ``ratio``, ours over the reference: below 1 we are faster;
- ``target``, the largest ratio that we allow, or None.

Called by ``python3 course.py bench``. Names of benchmarks choose some: ``bench montecarlo``
measures and replaces only that table. The exit status is 1 if a target was missed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from ttclib.machine import processor, versions

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.md"
PACKAGES = ("numpy", "scipy", "particles", "emcee", "blackjax", "jax")
PACKAGES += ("torch", "transformers", "llamppl", "genlm-control", "its-hub", "crucible-ttc")
TITLE = """# Benchmarks

Made by `python3 course.py bench`. Times are medians of rounds in which all contenders take turns; a
ratio is ours over the reference.
"""
HEADER = ("what", "unit", "ours", "against", "reference", "ratio", "target")


def load(path: Path):
    """Import a benchmark by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def machine() -> str:
    """Describe processor and versions in one line; nothing that names the machine."""
    threads = os.environ.get("OMP_NUM_THREADS")
    cores = f"{os.cpu_count()} cores" + (f", OMP_NUM_THREADS={threads}" if threads else "")
    return f"{processor()}, {cores} · {versions(*PACKAGES)}"


def verdict(row: dict) -> str:
    """The last column: the target, and whether it was reached."""
    if row["target"] is None:
        return ""
    if row["ratio"] is None:
        return f"≤ {row['target']:.3g}, not measured"
    return f"≤ {row['target']:.3g}, {'reached' if row['ratio'] <= row['target'] else 'MISSED'}"


def table(rows: list[dict]) -> list[str]:
    """Write rows as lines of a Markdown table whose columns are also straight in a terminal."""

    def number(value):
        return "–" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"

    cells = [HEADER]
    for row in rows:
        values = (number(row[key]) for key in ("ours", "reference", "ratio"))
        ours, reference, ratio = values
        reference = reference if row["reference"] is not None else "not installed"
        cells.append(
            (row["what"], row["unit"], ours, row["against"], reference, ratio, verdict(row))
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def main(names: list[str]) -> int:
    paths = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    if not paths.keys() >= set(names):
        sys.exit(
            f"There is no such benchmark among {' '.join(names)}; there are {', '.join(paths)}."
        )
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    tables = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    missed = False
    for name in names or paths:
        print(f"{name} …", flush=True)
        rows = load(paths[name]).rows()
        print(*(lines := table(rows)), sep="\n")
        tables[name] = "\n".join([name, "", machine(), "", *lines, ""])
        missed |= any("MISSED" in verdict(row) for row in rows)
    kept = [tables[name] for name in paths if name in tables]
    RESULTS.write_text("\n## ".join([TITLE, *kept]), encoding="utf-8")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
