"""The course in another language: one table of texts, and a font where its letters need one.

``locale/ko.po`` holds the Korean texts, in the format of gettext, which translators' editors open.
An entry is a text as it is shown. Where the library puts something in, it has holes, which the
translation may order in its own way::

    msgid "{1} of {2} kept"
    msgstr "{2}개 중 {1}개를 남김"

What fills a hole is looked up in its turn. A text without an entry stays English.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import fontManager, get_font
from matplotlib.text import Text

from ttclib.language import translate_with, translated

FOLDER = Path(__file__).with_name("locale")
HOLE = re.compile(r"\{(\d)\}")
_COMMENT = re.compile(r"^#.*\n?", re.MULTILINE)
_ENTRY = re.compile(r'msgid((?:\s*"(?:[^"\\]|\\.)*")+)\s*msgstr((?:\s*"(?:[^"\\]|\\.)*")+)')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def languages() -> list[str]:
    """Codes of the languages that there is a table of, such as ``["ko"]``."""
    return sorted(path.stem for path in FOLDER.glob("*.po"))


def entries(code: str) -> dict[str, str]:
    """Return {English: translation} of a language's table, in its order.

    Raises
    ------
    ValueError
        If there is no such language, or a text stands twice in its table.
    """
    if code not in languages():
        raise ValueError(f"code is {code!r}; it must be one of {['en', *languages()]}")
    text = _COMMENT.sub("", (FOLDER / f"{code}.po").read_text(encoding="utf-8"))
    pairs = [tuple(map(_unquoted, found.groups())) for found in _ENTRY.finditer(text)]
    table = {english: told for english, told in pairs if english}  # the head has no English
    if len(table) < sum(bool(english) for english, _ in pairs):
        raise ValueError(f"{code}.po has a text twice")
    return table


def _unquoted(parts: str) -> str:
    return "".join(map(json.loads, _QUOTED.findall(parts)))


class Table:
    """A language's texts, and a note of those that were asked for.

    Parameters
    ----------
    texts : dict
        {English: translation}, with holes {1} to {9}. An empty translation counts as none.

    Attributes
    ----------
    used : set of str
        The English side of the entries that were shown.
    missed : set of str
        Texts that had none.
    """

    def __init__(self, texts: dict[str, str]):
        self._texts = {english: told for english, told in texts.items() if told}
        # of two patterns that fit, the one with more words of its own is meant
        patterns = sorted((e for e in self._texts if HOLE.search(e)), key=_words, reverse=True)
        self._patterns = [(pattern(english), english) for english in patterns]
        self._known: dict[str, str] = {}
        self.used: set[str] = set()
        self.missed: set[str] = set()

    def __call__(self, text: str) -> str:
        """Translate a text, and what fills its holes."""
        if len(self._known) > 10_000:  # captions of a long session
            self._known.clear()
        if text not in self._known:
            self._known[text] = self._look_up(text)
        return self._known[text]

    def _look_up(self, text: str) -> str:
        if text in self._texts:
            self.used.add(text)
            return self._texts[text]
        for expression, english in self._patterns:
            if found := expression.fullmatch(text):
                self.used.add(english)
                holes = {int(name[4:]): self(told) for name, told in found.groupdict().items()}
                parts = HOLE.split(self._texts[english])
                parts[1::2] = [holes[int(number)] for number in parts[1::2]]
                return "".join(parts)
        self.missed.add(text)
        return text


def _words(english: str) -> int:
    """How much of an entry is not holes."""
    return len(HOLE.sub("", english))


def pattern(english: str) -> re.Pattern:
    """Return what an entry fits: its words as they stand, with anything in the holes."""
    parts = HOLE.split(english)  # words, number of a hole, words …
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = [f"(?P<hole{number}>.+?)" for number in parts[1::2]]
    return re.compile("".join(parts), re.DOTALL)


def use(code: str) -> Table | None:
    """Tell what comes next in a language: views, pictures, checks; ``"en"`` is English again.

    Returns
    -------
    Table or None
        Its texts, which note what they are asked for.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    table = None if code == "en" else Table(entries(code))
    translate_with(table or str)
    if table:
        _translate_figures()
    mpl.rcParams["font.family"] = ["sans-serif", *_fonts(code)]
    return table


@functools.cache
def _translate_figures() -> None:
    """From now on each text that a figure is given is translated before it is laid out."""
    given = Text.set_text

    @functools.wraps(given)
    def set_text(self, s):
        given(self, translated(s) if isinstance(s, str) else s)

    Text.set_text = set_text


@functools.cache
def _fonts(code: str) -> list[str]:
    """The names of the fonts that come with a language, for letters that DejaVu lacks."""
    files = sorted(FOLDER.glob(f"{code}*.otf"))
    for file in files:
        fontManager.addfont(file)
    return [get_font(file).family_name for file in files]
