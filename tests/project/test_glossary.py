"""The glossary of notebook 00: a word stands under the notebook that introduces it.

Two promises are held. In that notebook the word is set off: in bold or italics, in a heading, or
as the first thing in a row of a table. And no earlier notebook uses it, but for what looks ahead: a
paragraph that names a later notebook, the table of all notebooks, and words that English has
anyway.
"""

import re

import nbformat
import pytest

from tools import notebooks
from tools.site.glossary import GLOSSARY, entries, finds, forms_of, introduced
from ttclib.course import languages

AHEAD = re.compile(r"[Nn]otebooks? \d\d|[Yy]ou will meet|\(\d\db?_\w+\.ipynb\)|`\d\d_\w+`")

EVERYDAY = {  # English has them; only their own notebook has to set them off
    "attention",
    "bias",
    "bin",
    "collapse",
    "compute-optimal",
    "edge",
    "feature",
    "excess",
    "generation",
    "generations",
    "parallel",
    "path",
    "position",
    "potential",
    "proposal",
    "resample",
    "revising",
    "revision",
    "schedule",
    "sequential",
    "surprise",
    "token",
    "weight",
}


def prose():
    """What each notebook says, by its number; of 00 without the glossary and the folded table."""
    said = {}
    for path in sorted(notebooks.FOLDER.glob("*.ipynb")):
        cells = nbformat.read(path, nbformat.NO_CONVERT).cells
        said[path.stem.split("_")[0]] = "\n\n".join(
            cell.source for cell in cells if cell.cell_type == "markdown"
        )
    return said


SAID = prose()
ENTRIES = [(e.number, e.english, e.korean, e.sentence) for e in entries(SAID["00"])]
SAID["00"] = GLOSSARY.sub("", SAID["00"])


def used(text, form):
    """The first paragraph that uses a form and does not look ahead; None if there is none."""
    text = re.sub(r"<details><summary>All the notebooks.*?</details>", "", text, flags=re.DOTALL)
    for paragraph in re.split(r"\n\n|\n(?=[-\d|])", text):
        if finds(form).search(paragraph) and not AHEAD.search(paragraph):
            return paragraph
    return None


def fault(number, term):
    """What is wrong with an entry; None if nothing is."""
    forms = forms_of(term)
    if not introduced(SAID[number], forms):
        return f"notebook {number} does not set it off"
    for form in forms:
        if form not in EVERYDAY:
            for earlier in [name for name in SAID if name < number]:
                paragraph = used(SAID[earlier], form)
                if paragraph:
                    return f"notebook {earlier} uses it: {paragraph[:150]}"
    return None


def test_the_glossary_is_one_list_in_the_order_of_the_notebooks():
    numbers = [number for number, *_ in ENTRIES]
    assert len(ENTRIES) > 100 and numbers == sorted(numbers)
    terms = [term for _, term, *_ in ENTRIES]
    assert len(set(terms)) == len(terms)
    assert set(numbers) <= SAID.keys()
    for _, _, korean, sentence in ENTRIES:
        assert re.search("[가-힣]", korean) and sentence.endswith(".")


def test_the_korean_words_are_those_whose_use_was_looked_up():
    """``ko_terms.md`` says of each who uses it, or that no source was found."""
    page = (languages.FOLDER / "ko_terms.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)[1:]
    assert [row[:2] for row in rows] == [(term, korean) for _, term, korean, _ in ENTRIES]
    for term, _, source in rows:
        assert re.search(r"\b[ADEHMPRT] \d|search: \d|no source found", source), term


@pytest.mark.parametrize(("number", "term"), [entry[:2] for entry in ENTRIES])
def test_a_word_is_introduced_where_the_glossary_says(number, term):
    assert fault(number, term) is None, f"{term}: {fault(number, term)}"


def test_every_exception_is_an_entry():
    assert {form for _, term, *_ in ENTRIES for form in forms_of(term)} >= EVERYDAY


# ---- the readers themselves ---------------------------------------------------------------------


def test_forms():
    assert forms_of("upper confidence bound (UCB, UCT)") == ["upper confidence bound", "UCB", "UCT"]
    assert forms_of("prior, posterior") == ["prior", "posterior"]
    assert forms_of("generations (as a budget)") == ["generations"]


@pytest.mark.parametrize(
    ("text", "set_off", "is_used"),
    [
        ("A **Markov chain** forgets.", True, True),
        ("Two *Markov chains* meet.", True, True),
        ("## 2. A Markov chain", True, True),
        ("| Markov chain | forgets |", True, True),
        ("A Markov-chain forgets.", False, True),
        ("Markov chained him.", False, False),
        ("Notebook 02 builds a Markov chain.", False, False),
        ("Notebook 02.\n\nA Markov chain.", False, True),
    ],
)
def test_what_counts(text, set_off, is_used):
    assert introduced(text, ["Markov chain"]) == set_off
    assert (used(text, "Markov chain") is not None) == is_used
