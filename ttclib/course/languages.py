"""The course in another language: one table of texts, and a font where its letters need one.

``locale/ko.po`` holds the Korean texts, in the format of gettext, which translators' editors open.
An entry is a text as it is shown. Where the library puts something in, it has holes, which the
translation may order in its own way::

    msgid "{1} of {2} kept"
    msgstr "{2}개 중 {1}개를 남김"

What fills a hole is looked up in its turn. A text without an entry stays English.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import unicodedata
from pathlib import Path

import matplotlib as mpl
from matplotlib._mathtext import UnicodeFonts  # formulas have no public way to a second font
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text

from ttclib.language import translate_with, translated

FOLDER = Path(__file__).with_name("locale")
HOLE = re.compile(r"\{(\d)\}")
DEEPEST = 5  # entries within entries; more are only in what somebody made up
_COMMENT = re.compile(r"^#.*\n?", re.MULTILINE)
_ENTRY = re.compile(r'msgid((?:\s*"(?:[^"\\]|\\.)*")+)\s*msgstr((?:\s*"(?:[^"\\]|\\.)*")+)')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def languages() -> list[str]:
    """Codes of the languages that there is a table of, such as ``["ko"]``."""
    return sorted(path.stem for path in FOLDER.glob("*.po"))


def entries(code: str, folder: Path | None = None) -> dict[str, str]:
    """Return {English: translation} of a language's table, in its order.

    The table of the notebooks, or, in another folder, one of something else.

    Raises
    ------
    ValueError
        If there is no such language, or a text stands twice in its table.
    """
    if code not in languages():
        raise ValueError(f"code is {code!r}; it must be one of {['en', *languages()]}")
    text = _COMMENT.sub("", ((folder or FOLDER) / f"{code}.po").read_text(encoding="utf-8"))
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
        with_holes = filter(HOLE.search, self._texts)
        self._patterns = sorted(with_holes, key=_words, reverse=True)
        self._known: dict[tuple[str, int], str] = {}
        self.used: set[str] = set()
        self.missed: set[str] = set()

    def __call__(self, text: str) -> str:
        """Translate a text, and what fills its holes."""
        if len(self._known) > 10_000:  # captions of a long session
            self._known.clear()
        return self._tell(text, DEEPEST)

    def _tell(self, text: str, levels: int) -> str:
        if levels and (text, levels) not in self._known:
            self._known[text, levels] = self._look_up(text, levels)
        return self._known.get((text, levels), text)

    def _look_up(self, text: str, levels: int) -> str:
        if text in self._texts:
            self.used.add(text)
            return self._texts[text]
        for english in self._patterns:
            if holes := fill(english, text):
                self.used.add(english)
                parts = HOLE.split(self._texts[english])
                parts[1::2] = [self._tell(holes[number], levels - 1) for number in parts[1::2]]
                return "".join(parts)
        self.missed.add(text)
        return text


def _words(english: str) -> int:
    """How much of an entry is not holes."""
    return len(HOLE.sub("", english))


def fill(english: str, text: str) -> dict[str, str] | None:
    """Return what stands in the holes of an entry, by their numbers; None if a text is another.

    A hole holds something, and of several ways to fit the one with the shortest first hole, then
    the shortest second … is meant. The time is in proportion to the text: a text may be what a
    learner's code said as it stopped, and however odd, it keeps nobody waiting.
    """
    start, *rest = HOLE.split(english)  # words, number of a hole, words …
    if not text.startswith(start):
        return None
    holes: dict[str, str] = {}
    at = len(start)
    for place in range(0, len(rest), 2):
        number, words = rest[place : place + 2]
        end = text.find(words, at + 1)
        if place == len(rest) - 2:
            end = len(text) - len(words) if text.endswith(words) else -1
        if end <= at:
            return None
        holes[number] = text[at:end]
        at = end + len(words)
    return holes


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
    """From now on a figure's texts are translated before they are laid out.

    And each finds the letters of a language, whatever font it is given, in formulas too. In English
    nothing is added to what matplotlib does.
    """
    set_text = Text.set_text
    set_family = Text.set_fontfamily
    set_font = Text.set_fontproperties
    glyph = UnicodeFonts._get_glyph

    @functools.wraps(set_text)
    def translating(self, s):
        set_text(self, translated(s) if isinstance(s, str) else s)

    @functools.wraps(set_family)
    def with_letters(self, fontname):
        names = [fontname] if isinstance(fontname, str) else list(fontname or ["sans-serif"])
        more = mpl.rcParams["font.family"][1:]
        # "sans-serif" has the Latin letters, where this machine has not got the family
        every = dict.fromkeys([*names, "sans-serif", *more])
        set_family(self, list(every) if more else fontname)

    @functools.wraps(set_font)
    def and_in_all_of_it(self, fp):
        set_font(self, fp)
        if mpl.rcParams["font.family"][1:]:
            self.set_fontfamily(self.get_fontfamily())

    @functools.wraps(glyph)
    def also_letters(self, fontname, font_class, sym):
        for family in mpl.rcParams["font.family"][1:] if len(sym) == 1 else ():
            font = get_font(findfont(family))
            if unicodedata.category(sym) == "Lo" and font.get_char_index(ord(sym)):
                return font, ord(sym), False
        return glyph(self, fontname, font_class, sym)

    Text.set_text = translating
    Text.set_fontfamily = with_letters
    Text.set_fontproperties = and_in_all_of_it
    UnicodeFonts._get_glyph = also_letters


@functools.cache
def _fonts(code: str) -> list[str]:
    """The names of the fonts that come with a language, for letters that DejaVu lacks."""
    files = sorted(FOLDER.glob(f"{code}*.otf"))
    for file in files:
        fontManager.addfont(file)
        # bold texts take it as it is, without a warning that there is no bolder one
        fontManager.ttflist.append(dataclasses.replace(fontManager.ttflist[-1], weight=700))
    return [get_font(file).family_name for file in files]
