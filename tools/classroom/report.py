"""What a teacher reads: a line for each student and exercise, and a summary of the class.

Everything in it may come from a student: names of files, and what an answer made a check say. So
nothing of it reaches a terminal, a spreadsheet or a browser as more than text.
"""

import collections
import csv
import html
import io
import statistics
import unicodedata
from pathlib import Path

from ttclib.course.languages import Table, entries

FOLDER = Path(__file__).parent
LANGUAGES = ["en", *sorted(path.stem for path in FOLDER.glob("*.po"))]
COLUMNS = (
    *("student", "file", "notebook", "exercise", "cell", "verdict", "message", "seconds"),
    "look at",
)
MARK = {"right": "✓", "wrong": "✗", "partly": "◐", "blank": "–", "stopped": "!", "missing": "?"}
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; margin: 1.5rem; }
table { border-collapse: collapse; margin: 1rem 0 2rem; }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .6rem; text-align: left; }
td { vertical-align: top; max-width: 34rem; overflow-wrap: anywhere; }
th, td { min-width: 3.6rem; word-break: keep-all; }
"""


def words(code):
    """Return what tells a text of ours in a language; anything else stays as it is."""
    return str if code == "en" else Table(entries(code, FOLDER))


def plain(text, longest=400):
    """Return a text without characters that could move, colour or hide others, on one line."""
    text = "".join(
        " " if char in "\n\r\t" else "�" if hides(char) else char
        for char in unicodedata.normalize("NFC", str(text))
    )
    return text if len(text) <= longest else text[: longest - 1] + "…"


def hides(char):
    """Whether a character is none that is seen: a control, or a letter of Korean that is empty."""
    return unicodedata.category(char)[0] == "C" or char in "\u115f\u1160\u3164\uffa0"


def cell(text):
    """Return a text that no spreadsheet takes for a formula, also where signs are wide as in ＝."""
    text = plain(text)
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    return "'" + text if first in ("=", "+", "-", "@", "|", "%") else text


def row(result, say=str):
    """Return the texts of a line of the report."""
    where = (result.student, result.file, result.notebook, result.exercise, result.cell)
    odd = "; ".join(map(say, result.odd))
    return (*where, say(result.verdict), say(result.message), f"{result.seconds:.1f}", odd)


def as_csv(results, code="en"):
    """Return the report as comma-separated values."""
    say = words(code)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(map(say, COLUMNS))
    writer.writerows([list(map(cell, row(result, say))) for result in results])
    return file.getvalue()


def as_html(results, code="en"):
    """Return the report as a page without scripts, which loads nothing."""
    say = words(code)
    name = html.escape(say("Answers of a class"))
    exercises = ("notebook", "exercise", "students", "right", "said most often")
    students = ("student", "right", "of", "look at")
    parts = [
        f'<!DOCTYPE html><html lang="{code}"><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; ',
        f"style-src 'unsafe-inline'\"><title>{name}</title><style>{STYLE}</style>",
        f"</head><body><h1>{name}</h1><h2>{html.escape(say('By exercise'))}</h2>",
        table(map(say, exercises), by_exercise(results, say)),
        f"<h2>{html.escape(say('By student'))}</h2>",
        table(map(say, students), by_student(results)),
        f"<h2>{html.escape(say('All answers'))}</h2>",
        table(map(say, COLUMNS), [row(result, say) for result in results]),
        "</body></html>\n",
    ]
    return "".join(parts)


def table(heads, rows):
    """Return a table."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(plain(x))}</td>" for x in texts) + "</tr>"
        for texts in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def by_exercise(results, say=str):
    """Return (notebook, exercise, students, share right, the message most often given)."""
    groups = collections.defaultdict(list)
    for result in results:
        if result.exercise:
            groups[result.notebook, result.cell, result.exercise].append(result)
    rows = []
    in_order = sorted(groups.items(), key=lambda item: item[0][0])  # within one, as it has them
    for (notebook, _, exercise), group in in_order:
        right = sum(result.verdict == "right" for result in group)
        said = collections.Counter(r.message for r in group if r.verdict in ("wrong", "stopped"))
        most = [f"{count} × {say(line)}" for line, count in said.most_common(1)]
        rows.append((notebook, exercise, len(group), f"{right / len(group):.0%}", *(most or [""])))
    return rows


def by_student(results):
    """Return (student, exercises right, exercises handed in, how many lines want a look)."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[result.student].append(result)
    rows = []
    for student, group in sorted(groups.items()):
        marked = [result for result in group if result.exercise]
        right = sum(result.verdict == "right" for result in marked)
        look = sum(bool(r.odd) or r.verdict in ("stopped", "unreadable") for r in group)
        rows.append((student, right, len(marked), look))
    return rows


def as_text(results, code="en"):
    """Return the report for a terminal."""
    say = words(code)
    lines = []
    for result in results:
        mark = MARK.get(result.verdict, " ")
        where = f"{result.student} · {result.notebook or result.file} · {result.exercise}".rstrip(
            " ·"
        )
        odd = f" [{say('look at')}: {'; '.join(map(say, result.odd))}]" if result.odd else ""
        lines.append(plain(f"{mark} {where}: {say(result.message)}{odd}"))
    marked = [result for result in results if result.exercise]
    if marked:
        lines.append("")
        for notebook, exercise, students, share, said in by_exercise(results, say):
            count = say(f"{share:>4} of {students} right")
            lines.append(plain(f"{count} · {notebook} · {exercise} {said}"))
        shares = [right / most for _, right, most, _ in by_student(results) if most]
        middle = statistics.median(shares)
        lines.append(
            say(f"{len(shares)} students; the middle one has {middle:.0%} of the exercises right")
        )
    return "\n".join(lines)
