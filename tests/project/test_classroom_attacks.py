"""What students hand in is run without trust: honest answers, slips, accidents and attacks.

One small notebook with one exercise stands for all; each answer below is a file of its own. What
an answer tries to do to the machine is looked for on the machine afterwards.
"""

import json
import os
import socket
import threading
import unicodedata

import nbformat
import pytest

import course
from tools import notebooks
from tools.classroom import grading, isolation, reading, report
from ttclib.course import languages

pytestmark = pytest.mark.skipif(
    isolation.cannot() is not None, reason=f"no isolation here: {isolation.cannot()}"
)
SETUP = "import math\n\nimport numpy as np\n\nfrom ttclib.course.start_here import checks"
REAL = reading.lesson(notebooks.FOLDER / "00_start_here.ipynb")
(EXERCISE,) = [e for e in REAL.exercises if e.name == "attempts_needed"]
LESSON = reading.Lesson("00_start_here", [EXERCISE], [("s", SETUP), (EXERCISE.cell, "")])
LIMITS = grading.Limits(seconds=4, megabytes=300, notebook=30)
CALL = f"{EXERCISE.check}({EXERCISE.name})"
RIGHT = EXERCISE.solution
BUT = "def attempts_needed(p, target):\n    "


def notebook_with(source, cell=EXERCISE.cell, tags=("exercise",), shown="", more=()):
    made = nbformat.v4.new_code_cell(source, id=cell, metadata={"tags": list(tags)})
    if shown:
        made.outputs = [nbformat.v4.new_output("stream", text=shown)]
    return nbformat.writes(nbformat.v4.new_notebook(cells=[made, *more]))


# name of the student → (source of the cell, verdict, words of the message, words of "look at")
ANSWERS = {
    "honest": (f"{RIGHT}\n{CALL}", "right", "attempts", ""),
    "slip": (f"{BUT}return 3\n{CALL}", "wrong", "", ""),
    "blank": (EXERCISE.source, "blank", "not attempted yet", ""),
    "no return": (f"{BUT}x = 1\n{CALL}", "wrong", "does it end with return?", ""),
    "renamed": (f"def mine(p):\n    return 1\n{CALL}", "wrong", "defines no attempts_needed", ""),
    "crash": (f"{BUT}return 1 / 0\n{CALL}", "wrong", "stopped with ZeroDivisionError", ""),
    "crash at once": (f"1 / 0\n{CALL}", "wrong", "the cell stopped with ZeroDivisionError", ""),
    "no Python": (f"def attempts_needed(:\n{CALL}", "wrong", "not Python: SyntaxError", ""),
    "loop": (f"{BUT}while True: pass\n{CALL}", "stopped", "more than 4 seconds", ""),
    "sleep": (f"import time\n{BUT}time.sleep(99)\n{CALL}", "stopped", "more than 4 seconds", ""),
    "memory": (f"{BUT}return len([0] * 10**9)\n{CALL}", "wrong", "MemoryError", ""),
    "memory, bit by bit": (
        f"{BUT}kept = []\n    while True: kept.append(bytearray(10**7))\n{CALL}",
        *("wrong", "MemoryError", ""),
    ),
    "exit": (
        f"import os\n{BUT}os._exit(0)\n{CALL}",
        "stopped",
        "process of the answer ended",
        "os",
    ),
    "huge answer": (f"{BUT}return np.zeros(10**7)\n{CALL}", "stopped", "64 MB at once", ""),
    "huge number": (f"{BUT}return 10**9999\n{CALL}", "stopped", "cannot be read", ""),
    "deep answer": (
        f"{BUT}x = []\n    for _ in range(999): x = [x]\n    return x\n{CALL}",
        *("wrong", "too deep", ""),
    ),
    "socket": (
        f"import socket\n{BUT}socket.create_connection(('127.0.0.1', PORT))\n{CALL}",
        *("wrong", "PermissionError", "imports socket"),
    ),
    "writer": (
        f"{BUT}open('TARGET/planted', 'w').write('x')\n{CALL}",
        *("wrong", "FileNotFoundError", "uses open"),
    ),
    "writer in the course": (
        f"{BUT}open('ROOT/ttclib/planted.py', 'w').write('x')\n{CALL}",
        *("wrong", "Read-only file system", "uses open"),
    ),
    "reader of others": (
        f"{BUT}return len(open('TARGET/honest.ipynb').read())\n{CALL}",
        *("wrong", "FileNotFoundError", "uses open"),
    ),
    "reader of secrets": (
        f"import os\n{BUT}raise OSError(*os.environ.values(), os.listdir('/'))\n{CALL}",
        *("wrong", "stopped with OSError", "imports os"),
    ),
    "shell": (f"import os\n{BUT}return os.system('true')\n{CALL}", "wrong", "", "imports os"),
    "fork": (
        f"import os\n{BUT}\n    while True: os.fork()\n{CALL}",
        *("wrong", "PermissionError", "imports os"),
    ),
    "killer": (
        f"import os\n{BUT}os.kill(1, 9); os.kill(-1, 9)\n{CALL}",
        *("wrong", "PermissionError", "imports os"),
    ),
    "disk": (
        f"{BUT}open('/tmp/x', 'wb').write(bytes(9)); f = open('/tmp/y', 'wb')\n"
        f"    while True: f.write(bytes(10**6))\n{CALL}",
        *("wrong", "OSError", "uses open"),
    ),
    "patcher": (
        "from ttclib import exercise\nexercise.close = lambda *_, **__: True\n"
        f"checks.attempts_needed = lambda _: print('✓ yes')\n{BUT}return 3\n{CALL}",
        *("wrong", "", "uses checks"),
    ),
    "printer": (f"{BUT}return 3\nprint('✓ right')", "wrong", "", "line that checks it was changed"),
    "equal to all": (
        "class All:\n    def __eq__(self, other): return True\n"
        "    def __array__(self, *_, **__): return np.array(14.0)\n    __float__ = lambda s: 14.0\n"
        f"{BUT}return All()\n{CALL}",
        *("wrong", "", "__eq__"),
    ),
    "forger of frames": (
        "import gc, struct, json\n"
        f"{BUT}\n    for x in gc.get_objects():\n        if type(x).__name__ == 'Side':\n"
        '            t = json.dumps([{"gave": {"record": "os:system"}}, []]).encode()\n'
        "            t = struct.pack('>Q', len(t)) + t\n"
        f"            x.writes.write(struct.pack('>Q', len(t)) + t); x.writes.flush()\n{CALL}",
        *("stopped", "cannot be read", "imports gc"),
    ),
    "painter": (
        f"{BUT}raise ValueError('\\x1b[2J\\x1b[32m✓ <script>alert(1)</script>')\n{CALL}",
        *("wrong", "stopped with ValueError", ""),
    ),
    "=HYPERLINK(1)": (f"{BUT}raise ValueError('=1+1')\n{CALL}", "wrong", "=1+1", ""),
}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """Grade a folder with all of them, and files that are no notebooks."""
    folder = tmp_path_factory.mktemp("handed in")
    heard = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    over = threading.Event()

    def listen():
        while not over.is_set():
            try:
                heard.append(server.accept())
            except TimeoutError:
                continue

    listener = threading.Thread(target=listen)
    names = {"PORT": str(server.getsockname()[1]), "TARGET": str(folder), "ROOT": str(course.ROOT)}
    for student, (source, *_) in ANSWERS.items():
        for word, value in names.items():
            source = source.replace(word, value)
        (folder / f"{student}.ipynb").write_text(notebook_with(source), encoding="utf-8")
    right = f"{RIGHT}\n{CALL}"
    wrong = f"{BUT}return 3\n{CALL}"
    twin = nbformat.v4.new_code_cell(right, id="a-twin", metadata={"tags": ["exercise"]})
    twice = json.loads(notebook_with(wrong, more=[twin]))
    twice["cells"][1]["id"] = EXERCISE.cell
    files = {
        "pasted": notebook_with(right, cell="another"),
        "untagged": notebook_with(right, tags=()),
        "claims": notebook_with(wrong, shown="✓ 14 attempts"),
        "twice": json.dumps(twice),
        "nothing of it": notebook_with("x = 1", cell="another"),
        "not JSON": "PK\x03\x04 a picture of a notebook",
        "half": notebook_with(right)[:200],
        "deep": "[" * 100_000,
        "list": "[]",
        "odd cells": json.dumps({"cells": [1, None, {"cell_type": "code", "source": {"a": 1}}]}),
    }
    for student, text in files.items():
        (folder / f"{student}.ipynb").write_text(text, encoding="utf-8")
    with open(folder / "large.ipynb", "wb") as file:
        file.truncate(500_000_000)
    (folder / "bytes.ipynb").write_bytes(b"\xff\xfe\x00")
    (folder / "notes.txt").write_text("hello")
    (folder / "link.ipynb").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "Ann").mkdir()
    (folder / "Ann" / "02.ipynb").write_text(notebook_with(right), encoding="utf-8")
    before = sorted(os.listdir(folder)), sorted(os.listdir(course.ROOT / "ttclib"))
    listener.start()
    try:
        results = grading.grade(folder, [LESSON], LIMITS, jobs=2)
    finally:
        over.set()
        listener.join()
        server.close()
    after = sorted(os.listdir(folder)), sorted(os.listdir(course.ROOT / "ttclib"))
    return results, heard, before == after


def of(handed_in, student):
    found = [result for result in handed_in[0] if result.student == student]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("student", ANSWERS)
def test_each_gets_its_verdict(student, handed_in):
    _, verdict, words, odd = ANSWERS[student]
    result = of(handed_in, student)
    assert result.verdict == verdict, result
    assert words in result.message, result
    assert odd in "; ".join(result.odd), result
    assert result.seconds < LIMITS.seconds + 15


def test_nothing_was_heard_and_nothing_was_planted(handed_in):
    _, heard, same = handed_in
    assert heard == []
    assert same


def test_an_answer_sees_nothing_of_the_teacher(handed_in):
    message = of(handed_in, "reader of secrets").message
    assert "home" not in message and os.environ.get("HOME", "?") not in message
    for name in os.listdir("/"):
        if name in ("home", "root", "srv", "mnt", "media", "opt", "run", "var"):
            needed = any(path.startswith(f"/{name}") for path in grading.readable())
            assert needed or f"'{name}'" not in message


@pytest.mark.parametrize(
    ("student", "verdict", "words", "odd"),
    [
        ("pasted", "right", "attempts", "found by its check"),
        ("untagged", "right", "attempts", "without the tag"),
        ("claims", "wrong", "", "its stored output shows ✓"),
        ("twice", "missing", "2 cells claim to be this one", ""),
        ("nothing of it", "unreadable", "no exercise of the course", ""),
        ("not JSON", "unreadable", "not JSON", ""),
        ("half", "unreadable", "not JSON", ""),
        ("deep", "unreadable", "not JSON", ""),
        ("list", "unreadable", "JSON, but not a notebook", ""),
        ("odd cells", "unreadable", "no exercise of the course", ""),
        ("large", "unreadable", "500 MB; 20 are read", ""),
        ("bytes", "unreadable", "not UTF-8", ""),
        ("notes", "ignored", "not a notebook", ""),
        ("link", "unreadable", "not a plain file", ""),
        ("pipe", "unreadable", "not a plain file", ""),
        ("Ann", "right", "attempts", ""),
    ],
)
def test_each_file_is_told_of(student, verdict, words, odd, handed_in):
    result = of(handed_in, student)
    assert result.verdict == verdict, result
    assert words in result.message and odd in "; ".join(result.odd), result


def test_the_reports_are_text_whatever_is_in_them(handed_in):
    results = handed_in[0]
    table = report.as_csv(results)
    assert "\x1b" not in table and "'=HYPERLINK(1)" in table
    for line in table.splitlines():
        assert not line.startswith(("=", "+", "-", "@"))
    page = report.as_html(results)
    assert "<script" not in page and "&lt;script&gt;" in page and "\x1b" not in page
    text = report.as_text(results)
    assert "\x1b" not in text
    assert len(text.splitlines()) == len(results) + 3
    assert f"of {sum(bool(r.exercise) for r in results)} right" in text


# ---- the Korean edition --------------------------------------------------------------------------

KOREAN = reading.lesson(notebooks.FOLDER / "ko" / "01_monte_carlo_pi.ipynb")
(NEEDED,) = [e for e in KOREAN.exercises if e.name == "my_points_needed"]
SOON = SETUP.replace("start_here", "monte_carlo_pi")  # without the pictures
KOREAN_LESSON = reading.Lesson(KOREAN.stem, [NEEDED], [("s", SOON), (NEEDED.cell, "")])
ASKS = f"{NEEDED.check}({NEEDED.name})"
NEEDS = "def my_points_needed(error):\n    "
HALF = "오차 0.01에는 다트가"
IN_KOREAN = {
    "바른 답": (f"{NEEDED.solution}\n{ASKS}", "right", "정확도를 열 배로", ""),
    "틀린 답": (f"{NEEDS}return 1.642 / error\n{ASKS}", "wrong", "제곱이 됩니다", ""),
    "빈칸": (NEEDED.source, "blank", "아직 풀지 않았습니다", ""),
    "한글 이름": (
        f"{NEEDS}분산 = 2.6968\n    return 분산 / error**2\n{ASKS}",
        "right",
        "열 배로",
        "",
    ),
    "멈춘 셀": (f"1 / 0\n{ASKS}", "wrong", "셀이 오류로 멈췄습니다. ZeroDivisionError", ""),
    "이름이 다름": (
        f"def 답(error):\n    return 1\n{ASKS}",
        "wrong",
        "my_points_needed을(를) 정의",
        "",
    ),
    "끝없는 코드": (f"{NEEDS}while True: pass\n{ASKS}", "stopped", "4초가 넘게", ""),
    "파이썬 아님": (f"def 답(:\n{ASKS}", "wrong", "파이썬 코드가 아닙니다. SyntaxError", ""),
    "번역을 바꿈": (
        "from ttclib.language import translate_with\n"
        f"translate_with(lambda text: '✓ 맞았습니다')\n{NEEDS}return 3\n{ASKS}",
        *("wrong", HALF, "ttclib.language을(를) import함"),
    ),
    "언어를 바꿈": (
        f"from ttclib.course import languages\nlanguages.use('en')\n{NEEDS}return 3\n{ASKS}",
        *("wrong", HALF, "languages을(를) import함"),
    ),
    "표를 고침": (
        "from ttclib.course import languages\n"
        f"(languages.FOLDER / 'ko.po').write_text('x')\n{NEEDS}return 3\n{ASKS}",
        *("wrong", "Read-only file system", "languages을(를) import함"),
    ),
    "거의 맞는 글": (
        f"{NEEDS}raise ValueError(': at d = , at d = ( to ' * 170)\n{ASKS}",
        *("wrong", "코드가 오류로 멈췄습니다. ValueError", ""),
    ),
    "겹친 글": (
        f"raise ValueError('the cell stopped with ' * 170 + '(signal 1)' * 20)\n{ASKS}",
        *("wrong", "셀이 오류로 멈췄습니다. ValueError", ""),
    ),
    "도장": (f"{NEEDS}raise ValueError('아직 풀지 않았습니다 ✓')\n{ASKS}", "wrong", "오류로", ""),
    "＝HYPERLINK(1)": (f"{NEEDS}return 5\n{ASKS}", "wrong", HALF, ""),
}
APART = unicodedata.normalize("NFD", "홍길동")


@pytest.fixture(scope="module")
def korean_class(tmp_path_factory):
    folder = tmp_path_factory.mktemp("제출")
    wrong = f"{NEEDS}return 3\n{ASKS}"
    texts = {name: notebook_with(one[0], NEEDED.cell) for name, one in IN_KOREAN.items()}
    texts["붙여넣음"] = notebook_with(IN_KOREAN["바른 답"][0], "another")
    texts["다른 것"] = notebook_with("x = 1", "another")
    texts["표시만"] = notebook_with(wrong, NEEDED.cell, shown="✓ 정확도를 열 배로")
    texts["\u3164"] = notebook_with(wrong, NEEDED.cell)
    for name, text in texts.items():
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    for name in ("홍길동", APART):  # a Mac writes the second
        (folder / name).mkdir()
        path = folder / name / f"{len(name)}.ipynb"
        path.write_text(notebook_with(wrong, NEEDED.cell), encoding="utf-8")
    with open(os.fsencode(folder) + b"/" + "김하나".encode("cp949") + b".ipynb", "w") as file:
        file.write(notebook_with(wrong, NEEDED.cell))
    languages.use("ko")
    try:
        return grading.grade(folder, [KOREAN_LESSON], LIMITS, jobs=2)
    finally:
        languages.use("en")


def found_in(results, student):
    (row,) = [report.row(one, report.words("ko")) for one in results if one.student == student]
    return dict(zip(report.COLUMNS, row, strict=True))


@pytest.mark.parametrize("student", IN_KOREAN)
def test_each_answer_in_korean_gets_its_verdict(student, korean_class):
    _, verdict, words, odd = IN_KOREAN[student]
    row = found_in(korean_class, student)
    assert row["verdict"] == report.words("ko")(verdict), row
    assert words in row["message"] and odd in row["look at"], row
    assert float(row["seconds"]) < LIMITS.seconds + 5
    assert row["exercise"] == "연습문제 5"


def test_each_korean_file_is_told_of(korean_class):
    assert found_in(korean_class, "붙여넣음")["look at"] == "id가 달라서 검사 줄로 찾음"
    assert found_in(korean_class, "다른 것")["message"] == "강의의 연습문제가 들어 있지 않습니다"
    assert found_in(korean_class, "표시만")["look at"] == "저장된 출력에 ✓가 있음"


def test_a_name_is_one_name_whichever_system_wrote_it(korean_class):
    students = [result.student for result in korean_class]
    assert students.count("홍길동") == 2 and APART not in students
    assert students.count("김하나") == 1
    rows = {name: most for name, _, most, _ in report.by_student(korean_class)}
    assert rows["홍길동"] == 2


def test_exercises_are_listed_as_a_notebook_has_them():
    made = [
        grading.Result("a", "f", notebook, f"Exercise {n}", cell, "right", "")
        for notebook in ("02", "01")
        for n, cell in enumerate(["01-031", "01-029"], 1)
    ]
    listed = [(notebook, exercise) for notebook, exercise, *_ in report.by_exercise(made)]
    assert listed == [(n, f"Exercise {k}") for n in ("01", "02") for k in (1, 2)]


def test_a_korean_report_is_text_whatever_is_in_it(korean_class):
    table = report.as_csv(korean_class, "ko")
    assert table.splitlines()[0].startswith("학생,파일,노트북,연습문제,셀,판정,메시지,초,")
    assert "'＝HYPERLINK(1)" in table and "\u3164" not in table
    page = report.as_html(korean_class, "ko")
    assert '<html lang="ko">' in page and "<h1>학급의 답</h1>" in page and "<script" not in page
    text = report.as_text(korean_class, "ko")
    assert "학생" in text.splitlines()[-1]
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("=1+1", "'=1+1"),
        (" @SUM(A1)", "' @SUM(A1)"),
        ("a\nb", "a b"),
        ("a\u202eb", "a�b"),
        ("\x9b31mred", "�31mred"),
        ("x" * 999, "x" * 399 + "…"),
        ("＝1+1", "'＝1+1"),
        ("﹣1", "'﹣1"),
        ("가\u3164나\uffa0", "가�나�"),
        (APART, "홍길동"),
    ],
)
def test_a_cell_of_a_spreadsheet_is_no_formula(given, said):
    assert report.cell(given) == said


def test_the_numbers_of_the_calls_are_those_of_the_system():
    header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
    if not os.path.exists(header):
        pytest.skip("the headers of the system are not installed")
    with open(header, encoding="utf-8") as file:
        words = [line.split() for line in file if line.startswith("#define __NR_")]
    known = {name.removeprefix("__NR_"): int(number) for _, name, number in words}
    for name, (number, _) in isolation.FORBIDDEN.items():
        assert known.get(name, number) == number, name
    assert known["clone"] == isolation.CLONE["x86_64"] and known["clone3"] == isolation.CLONE3
