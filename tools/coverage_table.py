"""Print which share of the library's lines the tests ran, folder by folder.

Called by ``python3 course.py test --coverage``, after the processes of the tests have left their
records.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import coverage

LOW = 90  # percent: files below it are named


def table(files: dict[str, dict]) -> str:
    """Write the table.

    Parameters
    ----------
    files : dict
        By path, as in coverage's report in JSON: of each ``summary`` the ``num_statements`` and
        the ``covered_lines``.
    """
    lines: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    low = []
    for path, file in files.items():
        counted = (file["summary"]["num_statements"], file["summary"]["covered_lines"])
        if counted[0] and 100 * counted[1] < LOW * counted[0]:
            low.append(f"below {LOW}%: {path} {_percent(*counted)}")
        for place in (str(Path(path).parent), "all"):
            lines[place][0] += counted[0]
            lines[place][1] += counted[1]
    lines["all"] = lines.pop("all")  # stands last
    width = max(map(len, lines))
    rows = [f"{'folder':<{width}}  lines  tested"]
    rows += [
        f"{place:<{width}}  {n:5d}  {_percent(n, hit)}" for place, (n, hit) in lines.items() if n
    ]
    return "\n".join(rows + low)


def _percent(n: int, hit: int) -> str:
    return f"{100 * hit / n:5.1f}%"


def main() -> int:
    """Gather the records that every process has left, and print the table."""
    measured = coverage.Coverage()
    measured.combine()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        measured.json_report(outfile=str(report))
        print(table(json.loads(report.read_text())["files"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
