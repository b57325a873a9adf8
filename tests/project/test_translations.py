"""Translated notebooks: the cells and the code of the English ones, and nothing left in English."""

import copy
import importlib.util
import re
from collections import Counter

import nbformat
import pytest
import solutions
from views import no_event_loop_of_another_test  # noqa: F401

import course
from tools import address, notebooks, translate
from ttclib.course import languages

ROWS = [(code, *pair) for code in languages.languages() for pair in translate.pairs(code)]
each_edition = pytest.mark.parametrize(
    ("code", "path", "original"), ROWS, ids=lambda value: getattr(value, "stem", value)
)
RUN_OF_WORDS = re.compile(r"(?:[A-Za-z][a-z'-]*[ ,.;:]+){6,}")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def read(path):
    return nbformat.read(path, nbformat.NO_CONVERT)


@pytest.fixture(scope="module")
def shown():
    """{code: what its notebooks show and lack}, each run once: (missing, entries used, needed)."""
    found = {}
    for code, path, _ in ROWS:
        lacking, used, needed = found.setdefault(code, ({}, set(), set()))
        more, table = translate.missing(read(path), code)
        lacking |= more
        used |= table.used
        needed |= translate.required(read(path)) | translate.strings_of(read(path))
    languages.use("en")
    return found


def test_there_is_one():
    assert [(code, path.stem) for code, path, _ in ROWS] == [("ko", "01_monte_carlo_pi")]


@each_edition
def test_no_cell_is_behind(code, path, original):
    """What to do: translate the cells that are named, then ``tools.translate CODE --done CELL``."""
    assert list(translate.behind(read(path), read(original))) == []


@each_edition
def test_what_is_computed_is_the_same(code, path, original):
    for theirs, ours in zip(read(path).cells, read(original).cells, strict=True):
        if theirs.cell_type == "code":
            numbers = [sorted(NUMBER.findall(solutions.text_of(cell))) for cell in (theirs, ours)]
            assert numbers[0] == numbers[1], theirs.id


def lost_numbers(theirs, ours):
    """Return the numbers of an English text that a translation has not got, each as often."""
    return Counter(NUMBER.findall(ours)) - Counter(NUMBER.findall(theirs))


@each_edition
def test_every_number_of_the_prose_is_there(code, path, original):
    """More may be: Korean writes in digits what English spells."""
    for theirs, ours in zip(read(path).cells, read(original).cells, strict=True):
        if theirs.cell_type == "markdown":
            assert not lost_numbers(theirs.source, ours.source), theirs.id


@pytest.mark.parametrize("told", ["54%가 남습니다", "53%, 61%", "61%", "5.4%, 61%"])
def test_a_number_that_is_lost_or_another_would_be_noticed(told):
    assert lost_numbers(told, "54% of 61%") and not lost_numbers("61% 중 54%, 2번", "54% of 61%")


@each_edition
def test_no_sentence_is_left_in_english(code, path, original):
    for cell in read(path).cells:
        text = re.sub(r"```.*?```|\$[^$]*\$|`[^`]*`|\*[^*가-힣]+\*", "", cell.source, flags=re.S)
        if cell.cell_type == "markdown":
            assert re.search("[가-힣]", text) or code != "ko", cell.id
            assert not RUN_OF_WORDS.search(text), cell.id
        else:
            comments = re.findall(r"#.*|\"\"\".*?\"\"\"", cell.source)
            assert all(re.search("[가-힣]", comment) or code != "ko" for comment in comments)


@each_edition
def test_exercises_and_links_of_both_editions(code, path, original):
    for theirs, ours in zip(read(path).cells, read(original).cells, strict=True):
        for kind in (r"^#+ ", r"^\d+\. ", r"^\| ", r"<details>", r"```python", r"\$\$"):
            counts = [len(re.findall(kind, cell.source, re.M)) for cell in (theirs, ours)]
            assert counts[0] == counts[1], (theirs.id, kind)
    assert f"](../{path.name})" in read(path).cells[0].source
    assert f"]({code}/{path.name})" in read(original).cells[0].source


@each_edition
def test_a_head_takes_as_long_and_as_much_as_the_english_one(code, path, original):
    """Where this fails, `python -m tools.address` writes the numbers anew."""
    theirs, ours = (address.line_of_costs(read(one).cells[0].source) for one in (path, original))
    for there, here in zip(address.NUMBERS[code], address.NUMBERS["en"], strict=True):
        assert re.findall(there, theirs) == re.findall(here, ours) != []


def test_a_language_has_the_words_of_a_head():
    assert {"en", *languages.languages()} == address.WORDS.keys() == address.NUMBERS.keys()


def test_nothing_is_shown_in_english(shown):
    for code, (lacking, _, _) in shown.items():
        assert not lacking, "\n".join([code, *map(translate.written, lacking, lacking.values())])


def test_no_entry_is_for_nothing(shown):
    for code, (_, used, needed) in shown.items():
        assert languages.entries(code).keys() - used - needed == set()


@each_edition
def test_every_verdict_is_translated(code, path, original):
    (folder,) = set(re.findall(r"from ttclib\.course\.(\w+) import", str(read(path))))
    file = course.ROOT / "tests/course" / folder / "test_checks.py"
    spec = importlib.util.spec_from_file_location(f"answers_of_{folder}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = languages.use(code)
    try:
        verdicts = [check(answer) for check, answer, *_ in module.RIGHT + module.WRONG]
    finally:
        languages.use("en")
    assert len(verdicts) > 30 and all(re.search("[가-힣]", one.line) for one in verdicts)
    assert not {text for text in table.missed if " " in text and translate.english(text)}


# ---- what these tests see -----------------------------------------------------------------------


def two():
    """A notebook and its translation, in step."""
    make = nbformat.v4
    cells = [
        make.new_markdown_cell("# Darts\n\n**Costs** little.", id="a"),
        make.new_code_cell('x = 3\nprint(f"{x} of {x + 1:.2f} kept")', id="b"),
    ]
    ours = make.new_notebook(cells=cells)
    theirs = copy.deepcopy(ours)
    theirs.cells[0].source = "# 다트"
    theirs.cells[1].source = 'x = 3  # 셋\nprint(f"{x + 1:.2f}개 중 {x}개")'
    for mine, cell in zip(theirs.cells, cells, strict=True):
        mine.metadata[translate.SOURCE] = translate.fingerprint(cell)
    return theirs, ours


def test_a_translation_in_step_has_no_fault():
    assert list(translate.behind(*two())) == []


def test_an_english_cell_that_changed_is_named():
    theirs, ours = two()
    ours.cells[0].source += " And more."
    assert list(translate.behind(theirs, ours)) == [
        "a: its English has changed since it was translated"
    ]


HEAD = (
    "# 1 · Darts\n\n**Needs** 00. **Takes** 75 minutes. **Costs** 10 seconds and 300 MB of memory."
)
THEIRS = "# 1 · 다트\n\n**걸리는 시간** 1분. **비용** 2개로 3초와 1.5 GB의 메모리."


def test_the_numbers_of_a_head_are_carried_over_and_call_for_no_translator():
    ours, theirs = (nbformat.v4.new_markdown_cell(text) for text in (HEAD, THEIRS))
    before = translate.fingerprint(ours)
    address.write_numbers(theirs, ours, "ko")
    assert theirs.source == (
        "# 1 · 다트\n\n**걸리는 시간** 75분. **비용** 2개로 10초와 300 MB의 메모리."
    )
    ours.source = HEAD.replace("75", "80").replace("300 MB", "1.2 GB")
    address.write_numbers(theirs, ours, "ko")
    assert "80분" in theirs.source and "1.2 GB의" in theirs.source
    assert translate.fingerprint(ours) == before
    for word, other in (("Darts", "Dice"), ("Needs", "Wants"), ("# 1", "# 2"), ("00", "02")):
        ours.source = HEAD.replace(word, other)
        assert translate.fingerprint(ours) != before, word


def test_where_the_course_is_published_calls_for_no_translator_either():
    texts = [f"{HEAD}\n\n{address.elsewhere(f'https://github.com/{x}/y', '01')}" for x in "ab"]
    marks = {translate.fingerprint(nbformat.v4.new_markdown_cell(text)) for text in texts}
    assert len(marks) == 1


def test_cells_that_are_lost_or_its_own_or_of_another_kind_are_named():
    theirs, ours = two()
    del theirs.cells[0]
    assert list(translate.behind(theirs, ours)) == [
        "its cells are others: ['a'] are missing, [] are its own"
    ]
    theirs, ours = two()
    theirs.cells.reverse()
    assert list(translate.behind(theirs, ours)) == ["its cells have another order"]
    theirs, ours = two()
    theirs.cells[1].metadata.tags = ["exercise"]
    assert list(translate.behind(theirs, ours)) == ["b: another kind of cell, or other tags"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('x = 4\nprint(f"{x + 1:.2f}개 중 {x}개")', "another code"),
        ('x = 3\nprint(f"{x + 1:.1f}개 중 {x}개")', "another code"),
        ('x = 3\nprint(f"{x}개 중 {x}개")', "another code"),
        ('x = 3\nprint(f"{x} off {x + 1:.2f}")', "is no translation"),
        ('from ttclib.course import languages\nlanguages.use("ko")\nx = 3\nprint("개")', "another"),
    ],
)
def test_other_code_is_named(source, said):
    assert said in translate.other_code(source, 'x = 3\nprint(f"{x} of {x + 1:.2f} kept")')


def test_the_choice_of_a_language_and_words_are_no_other_code():
    ours = 'def f(x):\n    """Half."""\n    return {"darts": x / 2}  # half'
    theirs = 'def f(x):\n    """절반."""\n    return {"다트": x / 2}'
    more = 'from ttclib.course import languages\n\nlanguages.use("ko")\n'
    assert translate.other_code(more + theirs, ours) is None


def test_what_has_no_entry_is_reported_with_the_pattern_of_the_source(tmp_path, monkeypatch):
    monkeypatch.setattr(languages, "entries", lambda code: {"darts": "다트"})
    cell = (
        "from ttclib.course import languages\n"
        "from ttclib.course.monte_carlo_pi import checks, figures\n"
        "import numpy as np\n"
        "figures.circle_picture(np.zeros((3, 2)), np.array([True, True, False]))"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    lacking, _ = translate.missing(notebook, "ko")
    languages.use("en")
    entry = "{1} hits (dots), {2} misses (crosses)"
    assert lacking[entry] == "2 hits (dots), 1 misses (crosses)"
    assert lacking["that keeps none: u is to be less than p / (M q)"] == ""
    assert translate.written('a "b"', "c\nd") == '#. c d\nmsgid "a \\"b\\""\nmsgstr ""\n'


def test_a_start_and_what_is_done(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    _, ours = two()
    nbformat.write(ours, tmp_path / "17_darts.ipynb")
    assert translate.main(["ko", "--start", "17_darts"]) == 0
    (pair,) = translate.pairs("ko")
    assert [line[:1] for line in translate.behind(*map(read, pair))] == ["a", "b"]
    assert translate.main(["ko", "--done", "a"]) == 0
    assert [line[:1] for line in translate.behind(*map(read, pair))] == ["b"]
    assert translate.main(["ko", "--done", "c"]) == translate.main(["ko", "--start", "17_darts"])
    said = capsys.readouterr().err
    assert "no translated notebook has the cells ['c']" in said and "is there already" in said
