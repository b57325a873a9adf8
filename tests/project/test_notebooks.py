"""What every committed notebook must look like, and that every exercise's solution passes its
check.

nbval compares only outputs that are there: a notebook without outputs would pass and check nothing.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import solutions

import course
from tools import notebooks

PATHS = sorted(notebooks.FOLDER.glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
# those in other languages too, which test_translations.py holds to the English ones
each_edition = pytest.mark.parametrize(
    "path",
    notebooks.every(),
    ids=lambda path: path.relative_to(notebooks.FOLDER).with_suffix("").as_posix(),
)


@pytest.fixture
def notebook(path):
    return nbformat.read(path, nbformat.NO_CONVERT)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_there_are_notebooks():
    assert [path.stem for path in PATHS[:1]] == ["00_start_here"]


@each_edition
def test_form(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < 1.5e6
    assert notebook.metadata == notebooks.METADATA
    for cell in code_cells(notebook):
        lines = cell.source.splitlines()
        assert len(lines) <= 20, f"cell {cell.id} has {len(lines)} lines"
        widest = max(lines, key=len, default="")
        assert len(widest) <= 88, f"cell {cell.id} scrolls sideways: {widest}"


@each_edition
def test_outputs_are_stored(notebook):
    cells = code_cells(notebook)
    # also shows that the notebook ran from top to bottom in one go
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if notebooks.WIDGET_VIEW in output.get("data", {})]
    ignored = {"nbval-ignore-output", "nbval-skip"}
    compared = [
        c for c in cells if solutions.text_of(c) and not ignored & set(c.metadata.get("tags", []))
    ]
    assert len(compared) >= 5, "nbval has next to nothing to compare"


@each_notebook
def test_has_a_slider(notebook):
    assert any(solutions.text_of(cell).startswith("slider:") for cell in code_cells(notebook))


@each_notebook
def test_has_its_parts(notebook):
    text = prose(notebook)
    assert text.startswith("# ")
    assert "Predict" in text
    assert re.search(r"^## When this loses", text, re.MULTILINE)


@each_edition
def test_pictures_have_alternative_text_and_are_not_remote(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert output.metadata.get("image/png", {}).get("alt"), (
                    f"cell {cell.id} shows a picture"
                )
    for alt, address in re.findall(r"!\[(.*?)\]\((.*?)\)", prose(notebook)):
        assert alt and "//" not in address
    assert not re.search(r"<(img|script|link|iframe)", prose(notebook))


@each_edition
def test_links_lead_to_files(path, notebook):
    for address in re.findall(r"\]\(([^)#\s]+)", prose(notebook)):
        assert re.match("https?:", address) or (path.parent / address).exists(), address


@each_edition
def test_untouched_exercises_say_so(path, notebook):
    words = "not attempted yet" if path.parent == notebooks.FOLDER else ""
    for i in solutions.exercises(notebook):
        assert solutions.text_of(notebook.cells[i]).startswith(f"– {words}"), f"cell {i}"


@each_edition
def test_every_check_is_an_exercise(notebook):
    tagged = {notebook.cells[i].id for i in solutions.exercises(notebook)}
    checking = {
        cell.id for cell in code_cells(notebook) if re.search(r"^\w*checks\.", cell.source, re.M)
    }
    assert checking == tagged


@each_edition
def test_solutions_pass_their_checks(path, notebook):
    variant = notebooks.execute(solutions.solved(notebook), path.parent)
    for i in solutions.exercises(variant):
        said = solutions.text_of(variant.cells[i])
        assert said.startswith("✓"), f"cell {i}: {said}"


def small_notebook(exercise, after):
    """Make a notebook of one exercise, with a check that wants the answer 1."""
    make = nbformat.v4
    check = (
        "class checks:\n    @staticmethod\n    def one(x):\n"
        "        print('✓' if x == 1 else '✗ not one')"
    )
    tagged = make.new_code_cell(exercise, metadata={"tags": ["exercise"]})
    return make.new_notebook(
        cells=[make.new_code_cell(check), tagged, make.new_markdown_cell(after)]
    )


@pytest.mark.parametrize(("answer", "mark"), [(1, "✓"), (2, "✗")])
def test_a_wrong_solution_is_seen(answer, mark, tmp_path):
    after = f"<details><summary>Solution</summary>\n\n```python\nx = {answer}\n```\n\n</details>"
    variant = solutions.solved(small_notebook("x = ...\nchecks.one(x)", after))
    ast.parse(variant.cells[1].source)
    assert "..." not in variant.cells[1].source
    notebooks.execute(variant, tmp_path)
    assert solutions.text_of(variant.cells[1]).startswith(mark)


@pytest.mark.parametrize(
    ("exercise", "after"),
    [
        ("x = ...\nchecks.one(x)", "no solution here"),
        ("x = ...", "<summary>Solution</summary>\n```python\nx=1\n```"),
    ],
)
def test_an_exercise_without_solution_or_check_is_named(exercise, after):
    with pytest.raises(ValueError, match="cell 1"):
        solutions.solved(small_notebook(exercise, after))


def test_execution_stores_the_same_bytes_twice(tmp_path):
    cells = [
        nbformat.v4.new_code_cell(
            "import ipywidgets\nprint('one')\nprint('two', flush=True)\nprint('three')"
        ),
        nbformat.v4.new_code_cell("ipywidgets.IntSlider()"),
        nbformat.v4.new_code_cell("import time\ntime.time()", metadata={"tags": ["this-machine"]}),
    ]
    file = Path(tmp_path / "small.ipynb")
    nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
    assert notebooks.main([str(file)]) == 0
    first = file.read_bytes()
    assert notebooks.main([str(file)]) == 0
    assert file.read_bytes() == first
    stored = nbformat.read(file, nbformat.NO_CONVERT)
    assert [output.text for output in stored.cells[0].outputs] == ["one\ntwo\nthree\n"]
    assert notebooks.WIDGET_VIEW not in str(stored.cells[1].outputs)


def test_a_failing_notebook_is_named_and_left_alone(tmp_path, capsys):
    file = Path(tmp_path / "broken.ipynb")
    cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("x / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
    before = file.read_bytes()
    assert notebooks.main([str(file)]) == 1
    assert "broken.ipynb: cell 1: ZeroDivisionError" in capsys.readouterr().err
    assert file.read_bytes() == before


# two sound cells, and a third that may spoil what a learner does to a notebook: run a cell twice,
# go back, or choose Run All once more
SOUND = ("import random\nrng = random.Random(1)", "names = ['Ann', 'Bob']\nprint(len(names))")
TWICE = {"Cell 2 backwards", "Cell 2 twice"}
AFTER = {"Cell 1 backwards", "Cell 1 again", "Cell 1 twice"}
THIRD = {
    "sound": ("print(random.Random(1).random(), *names)", set()),
    "generator": ("print(rng.random())", TWICE),
    "deleted": ("print(names)\ndel names", TWICE),
    "growing": ("names.append('Cy')\nprint(names)", TWICE),
    "shadow": ("def len(_):\n    return 3\n\n\nprint(len(0))", AFTER),
}


def test_cells_that_cannot_run_again_are_caught(tmp_path):
    for name, (third, _) in THIRD.items():
        cells = [nbformat.v4.new_code_cell(source) for source in (*SOUND, third)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    cells[-1].metadata.tags = ["long"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "once.ipynb")
    assert notebooks.main([str(path) for path in tmp_path.glob("*.ipynb")]) == 0
    done = subprocess.run(
        [sys.executable, *course.PYTEST, *course.NBVAL, "--again", str(tmp_path)],
        cwd=course.ROOT,
        capture_output=True,
        text=True,
    )
    failed = re.findall(r"FAILED \S*?(\w+)\.ipynb::(Cell \d \w+)", done.stdout)
    for name, (_, caught) in THIRD.items():
        assert {cell for file, cell in failed if file == name} == caught, done.stdout
    # a notebook of three cells is 13 tests, one of its pictures; where a cell is long, two fewer
    assert f"{13 * len(THIRD) + 11 - len(failed)} passed" in done.stdout
