"""The tables of other languages: read as translators' editors write them, and looked up rightly."""

import re
import time
import warnings

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties, get_font
from views import no_event_loop_of_another_test, page, say  # noqa: F401

from tools import hangul, translate
from ttclib.cost import Cost
from ttclib.course import languages
from ttclib.course.languages import HOLE, Table
from ttclib.exercise import exercise, expect
from ttclib.language import translated
from ttclib.show.slider import BudgetView, choice, powers_of_two
from ttclib.show.style import Picture, figure, literal, missing, pixels

each_language = pytest.mark.parametrize("code", languages.languages())


@pytest.fixture
def korean():
    """Korean, until the test ends."""
    yield languages.use("ko")
    languages.use("en")


def table(**texts):
    return Table({english.replace("_", " "): told for english, told in texts.items()})


# ---- looking up ---------------------------------------------------------------------------------


def test_a_text_is_its_entry_or_stays_as_it_is():
    words = table(half_a_circle="반원")
    assert [words("half a circle"), words("half a square")] == ["반원", "half a square"]
    assert (words.used, words.missed) == ({"half a circle"}, {"half a square"})


def test_holes_change_places_and_what_fills_them_is_looked_up():
    words = Table({"{1} of {2} kept": "{2} 중 {1}", "{1} darts": "다트 {1}개", "none": "없음"})
    assert words("3 of 8 kept") == "8 중 3"
    assert words("none of 1,024 darts kept") == "다트 1,024개 중 없음"
    assert words("3 of 8 kept.") == "3 of 8 kept."


def test_the_entry_with_more_words_is_meant():
    for order in (1, -1):
        entries = [("{1} darts", "다트 {1}개"), ("the first {1} darts", "처음 {1}개")][::order]
        assert Table(dict(entries))("the first 8 darts") == "처음 8개"


def test_signs_of_patterns_are_only_signs():
    words = Table({"p/(M q) is {1}? (yes)": "{1}{{}}"})
    assert words("p/(M q) is .*? (yes)") == ".*{{}}"
    assert words("p/(M q) is 1? yes") == "p/(M q) is 1? yes"


def by_regex(entry, text):
    """What an entry means: its words as they stand, and the shortest that fits in each hole."""
    parts = HOLE.split(entry)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = [f"(?P<hole{number}>.+?)" for number in parts[1::2]]
    found = re.compile("".join(parts), re.DOTALL).fullmatch(text)
    return found and {name[4:]: told for name, told in found.groupdict().items()}


@given(
    st.lists(st.text("ab .", max_size=2), min_size=2, max_size=4),
    st.text("ab .\n", max_size=12),
    st.permutations("123"),
)
def test_what_fills_the_holes_is_what_a_regular_expression_finds(words, text, numbers):
    entry = words[0] + "".join(f"{{{n}}}{w}" for n, w in zip(numbers, words[1:], strict=False))
    assert languages.fill(entry, text) == by_regex(entry, text)


def test_an_odd_text_keeps_nobody_waiting():
    """An error's words may be made to fit almost; to try all ways to fit would take days."""
    words = Table(languages.entries("ko"))
    text = ": at d = , at d = ( to " * 4000 + " of kept: ; 1/M = ; of the kept have |x| < 1/2" * 99
    start = time.perf_counter()
    assert words(text) == text
    within = words("your code stopped with " * 4000 + "x")
    assert within.startswith("코드가 오류로 멈췄습니다. 코드가 오류로") and within.endswith(
        "with x"
    )
    assert words(f"your code stopped with {text}") == f"코드가 오류로 멈췄습니다. {text}"
    assert time.perf_counter() - start < 5


def test_a_hole_may_hold_several_lines():
    assert Table({"said {1}.": "{1}라고 함."})("said a\nb.") == "a\nb라고 함."


def test_an_entry_without_a_translation_counts_as_none():
    assert Table({"darts": ""})("darts") == "darts"


def test_a_long_session_does_not_fill_the_memory():
    words = Table({"{1} darts": "다트 {1}개"})
    for k in range(25_000):
        assert words(f"{k} darts") == f"다트 {k}개"
    assert len(words._known) <= 10_010


# ---- the files ----------------------------------------------------------------------------------


@each_language
def test_a_table_is_read_as_others_read_it(code):
    """Babel, which comes with JupyterLab, reads the format as translators' editors do."""
    pofile = pytest.importorskip("babel.messages.pofile")
    with open(languages.FOLDER / f"{code}.po", "rb") as file:
        theirs = pofile.read_po(file, abort_invalid=True)
    assert {one.id: one.string for one in theirs if one.id} == languages.entries(code)
    assert not [one.id for one in theirs if one.fuzzy and one.id]


def test_quotes_and_several_lines_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    text = '#. an "example"\nmsgid "a \\"b\\"\\n"\n"c"\n#~ msgid "old"\nmsgstr ""\n"가\\\\"\n'
    (tmp_path / "xx.po").write_text('msgid ""\nmsgstr "head"\n\n' + text, encoding="utf-8")
    assert languages.entries("xx") == {'a "b"\nc': "가\\"}
    (tmp_path / "xx.po").write_text(text + text, encoding="utf-8")
    with pytest.raises(ValueError, match="a text twice"):
        languages.entries("xx")
    with pytest.raises(ValueError, match=r"code is 'yy'; it must be one of \['en', 'xx'\]"):
        languages.use("yy")


@each_language
def test_an_entry_is_translated_and_has_the_holes_of_its_english(code):
    for english, told in languages.entries(code).items():
        assert sorted(HOLE.findall(english)) == sorted(HOLE.findall(told)), english
        numbers = list(map(int, HOLE.findall(english)))
        assert numbers == list(range(1, len(numbers) + 1)), english
        # words stay only where there is nothing but holes
        assert told and (told != english or not translate.english(english)), english


def test_korean_entries_are_korean_and_can_be_drawn(korean):
    for english, told in languages.entries("ko").items():
        assert re.search("[가-힣]", told) or not translate.english(english), english
        assert missing(told) == []


def test_the_font_has_the_letters_of_korean_and_little_else():
    font = get_font(hangul.PATH)
    assert font.family_name == hangul.NAME
    letters = {chr(code) for code in font.get_charmap()}
    assert letters >= set(hangul.syllables() + hangul.letters()) and len(letters) < 2600
    assert hangul.PATH.stat().st_size < 300e3
    assert "SIL OPEN FONT LICENSE Version 1.1" in (languages.FOLDER / "OFL.txt").read_text()


# ---- what is shown ------------------------------------------------------------------------------


def test_without_a_language_a_text_is_itself():
    text = "darts"
    assert translated(text) is text


def test_english_comes_back(korean):
    assert translated("darts") == "다트"
    assert languages.use("en") is None
    assert translated("darts") == "darts" and mpl.rcParams["font.family"] == ["sans-serif"]
    _, ax = figure()
    ax.set_title("darts")
    assert ax.get_title() == "darts"


def small_view():
    fig, ax = figure()
    ax.set(xlim=(0, 2), ylim=(0, 1), xlabel="darts n", title="the first 5 darts", ylabel="area")
    ax.plot([], [], label="your run")
    ax.set_xticks([0.5, 1.5], ["smooth", "stratified"])
    ax.legend()

    def draw(darts, dimension, seed):
        ax.text(0.5, 0.5, "no gain")
        if darts == 4:
            raise ValueError("stopped; the picture is the last finished one")
        return f"area ≈ {darts}, standard error 0.5", Cost(units=darts)

    budget = powers_of_two(1, 2, unit="darts", default=1)
    return fig, BudgetView(fig, draw, darts=budget, dimension=choice(["exact", "counted"]))


def test_a_view_tells_all_in_korean(korean):
    fig, view = small_view()
    ax = fig.axes[0]
    assert [ax.get_title(), ax.get_xlabel(), ax.get_ylabel()] == [
        "처음 던진 다트 5개",
        "다트 수 n",
        "넓이",
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["smooth", "층화 추출"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["이번 실행"]
    assert repr(view) == (
        "슬라이더: 다트 = 2¹ = 2, 차원 = 정확한 값 | 넓이 ≈ 2, 표준오차 0.5 · 비용: 다트 2개"
    )
    shown = page(view)
    for words in (
        "새 난수 (시드 0)",
        "<option>세어 본 값",
        "비용: 다트 2개",
        "커널이 더는 없습니다",
    ):
        assert words in shown
    assert translate.english(re.sub("<[^>]*>", " ", shown)) == {"Run", "All", "Cells"}
    say(view, {"turn": 1, "at": [1, 0], "seen": False})
    assert "멈췄습니다. 그림은 마지막으로 완성된 것입니다" in page(view)
    still = re.sub(r"<(script|style).*?</\1>", "", view.static_html(), flags=re.DOTALL)
    assert "정확한 값" in still and 'alt="멈췄습니다' in still
    assert not translate.english(re.sub("<[^>]*>", " ", still))


def test_a_picture_is_drawn_with_letters_that_there_are(korean):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of each letter that no font has
        fig, ax = figure()
        ax.set(title="√n ± 1.96 표준오차", xlabel=literal("다트 x²"))
        picture = Picture(fig, "no gain")
    assert repr(picture) == "그림: 이득 없음"
    assert literal("다트") == "다트"


def drawn(make, caplog):
    """Draw a text; return the letters that matplotlib said that it did not find."""
    caplog.clear()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        fig, ax = figure()
        make(ax)
        pixels(fig)
    return [str(one.message) for one in seen] + [one.getMessage() for one in caplog.records]


WITH_A_FONT_OF_ITS_OWN = {
    "another family": lambda ax: ax.text(0.1, 0.5, "다트 3", family="monospace"),
    "a family of a list": lambda ax: ax.text(0.1, 0.5, "다트 3", fontfamily=["serif", "monospace"]),
    "a font": lambda ax: ax.set_title("다트", font=FontProperties(family="monospace", size=9)),
    "bold": lambda ax: ax.set_title("다트", weight="bold"),
    "marks": lambda ax: ax.set_xticks([0.5], ["다트"], family="monospace"),
    "later": lambda ax: ax.text(0.1, 0.5, "다트 3").set_family("serif"),
    "a legend": lambda ax: ax.legend(ax.plot([0, 1]), ["다트"], prop={"family": "monospace"}),
    "beside a formula": lambda ax: ax.set_xlabel("다트 $2^{10}$개"),
    "in a formula": lambda ax: ax.set_xlabel(r"$\frac{넓이}{n}$"),
    "in a formula, upright": lambda ax: ax.set_xlabel(r"$\mathrm{분산}=\sigma^2$"),
    "a formula in another family": lambda ax: ax.set_xlabel("$다_n$ 개", family="monospace"),
    "a formula with serifs": lambda ax: ax.set_xlabel("$다_n$", math_fontfamily="stix"),
}


@pytest.mark.parametrize("make", WITH_A_FONT_OF_ITS_OWN.values(), ids=WITH_A_FONT_OF_ITS_OWN)
def test_korean_is_found_whatever_font_a_text_is_given(make, korean, caplog):
    assert drawn(make, caplog) == []


def test_a_family_that_is_not_here_costs_no_letters(korean, caplog):
    said = drawn(lambda ax: ax.text(0.1, 0.5, "다트 3 ÷ $다^3$", family="no such"), caplog)
    assert said and all("no such" in line for line in said)


def test_in_english_a_text_keeps_the_fonts_it_is_given(korean, caplog):
    languages.use("en")
    _, ax = figure()
    font = FontProperties(family="serif")
    texts = [ax.text(0, 0, "a", family="monospace"), ax.text(0, 0, "a", fontproperties=font)]
    assert [text.get_fontfamily() for text in texts] == [["monospace"], ["serif"]]
    assert ax.text(0, 0, "a").get_fontfamily() == ["sans-serif"]
    for text in ("다트", "$다$"):  # what is missing would be noticed
        assert drawn(lambda ax, text=text: ax.set_xlabel(text), caplog)


def test_without_the_font_a_letter_is_replaced_in_texts_of_models():
    assert literal("다트").count("\N{REPLACEMENT CHARACTER}") == 2
    languages.use("ko")
    languages.use("en")
    assert literal("다트").count("\N{REPLACEMENT CHARACTER}") == 2


@exercise(blanks=2)
def small(yours):
    expect(yours(2) == 4, f"for an error of 0.01 you need about 4 darts, you said {yours(2)!r}")
    return "ten times the accuracy costs a hundred times the darts"


def test_a_verdict_is_korean(korean):
    answers = [lambda x: 2 * x, lambda x: 5, None, lambda x: 1 / 0]
    assert [repr(small(answer)) for answer in answers] == [
        "✓ 정확도를 열 배로 높이는 데는 다트가 백 배 듭니다",
        "✗ 오차 0.01에는 다트가 약 4개 필요한데, 지금 답은 5입니다",
        "✗ 답이 None입니다. 답을 만드는 함수가 return으로 끝나나요?",
        "✗ 코드가 오류로 멈췄습니다. ZeroDivisionError: division by zero",
    ]
    assert repr(small(...)) == "– 아직 풀지 않았습니다"
    assert repr(small((1, ...))) == "– 일부만 했습니다. 빈칸(...) 2개 중 1개가 남았습니다"
    long = "다트 " * 200
    assert len(small(lambda x: long).line) <= 250
