"""The glossary of notebook 00: its words, and where a notebook sets one of them off."""

import re
from dataclasses import dataclass

GLOSSARY = re.compile(r"^## Glossary$.*", re.MULTILINE | re.DOTALL)
GROUP = re.compile(r"<details><summary>(\d\db?) · .+?</summary>\n(.+?)\n</details>", re.DOTALL)
ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
SET_OFF = re.compile(r"\*{1,2}([^*\n]+?)\*{1,2}|^#+ (.+)$|^\|([^|]+)\|", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One word: the number of the notebook that introduces it, its Korean form, and a sentence."""

    number: str
    english: str
    korean: str
    sentence: str


def entries(text):
    """Return the entries of the glossary in a text, in its order; none if it has no glossary."""
    return [
        Entry(number, *row)
        for glossary in GLOSSARY.findall(text)
        for number, rows in GROUP.findall(glossary)
        for row in ROW.findall(rows)
        if row[0] != "English"
    ]


def forms_of(term):
    """The forms of a term: what commas part, and capitals in brackets; other brackets explain."""
    bare = re.sub(r" \(.*?\)", "", term)
    short = [word for inside in re.findall(r"\((.*?)\)", term) for word in inside.split(", ")]
    return [*bare.split(", "), *(word for word in short if word.isupper())]


def finds(form):
    """A pattern for a form: any case unless it is capitals, singular or plural."""
    words = r"[\s–-]+".join(map(re.escape, re.split(r"[ –-]", form)))
    case = "" if form.isupper() else "(?i)"
    return re.compile(rf"{case}(?<![\w-]){words}(?:s|es)?(?!\w)")


def introduced(text, forms):
    """Whether a text sets one of the forms off: bold, italics, a heading, the first in a row."""
    spans = ["".join(groups) for groups in SET_OFF.findall(text)]
    return any(finds(form).search(span) for form in forms for span in spans)


def place_of(entry, notebook):
    """Return the id of the first cell of a notebook that sets a word off; None if there is none."""
    for cell in notebook.cells:
        text = GLOSSARY.sub("", cell.source)
        if cell.cell_type == "markdown" and introduced(text, forms_of(entry.english)):
            return cell.id
    return None
