"""The share of lines that the tests run: in the table as it was measured, in every process."""

import subprocess
import sys

import pytest

from tools.coverage_table import table

FILES = {
    "ttclib/b/one.py": {"summary": {"num_statements": 60, "covered_lines": 59}},
    "ttclib/b/two.py": {"summary": {"num_statements": 40, "covered_lines": 31}},
    "ttclib/a.py": {"summary": {"num_statements": 100, "covered_lines": 100}},
    "ttclib/c/__init__.py": {"summary": {"num_statements": 0, "covered_lines": 0}},
}


def test_a_folder_is_the_sum_of_its_files():
    assert table(FILES).splitlines() == [
        "folder    lines  tested",
        "ttclib/b    100   90.0%",
        "ttclib      100  100.0%",
        "all         200   95.0%",
        "below 90%: ttclib/b/two.py  77.5%",
    ]


PROJECT = {
    "ttclib/__init__.py": "",
    "ttclib/half.py": "def f(x):\n    if x:\n        return 1\n    return 2\n",
    "tests/test_one.py": "from ttclib.half import f\ndef test_one(): assert f(1) == 1\n",
    "tests/test_two.py": "from ttclib.half import f\ndef test_two(): assert f(0) == 2\n",
    "pyproject.toml": """
[tool.coverage.run]
source = ["ttclib"]
parallel = true
patch = ["subprocess"]
""",
}


@pytest.mark.parametrize(("chosen", "share"), [("one", "75.0%"), ("two", "75.0%"), ("", "100.0%")])
def test_lines_count_that_any_process_ran(chosen, share, tmp_path):
    """Two files of tests, one a process, reach what one of them alone does not."""
    from tools.coverage_table import __file__ as tool

    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    tests = ["-m", "coverage", "run", "-m", "pytest", "-q", "tests", "-k", chosen, "-n", "2"]
    for command in ([*tests, "--dist", "loadfile", "-p", "no:cacheprovider"], [tool]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": str(tmp_path)},
        )
    assert share in done.stdout.splitlines()[-2 if share == "75.0%" else -1]
