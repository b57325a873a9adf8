"""Texts of learners and models are drawn as they stand, in every picture that takes one."""

import functools
import importlib
import inspect
import pkgutil
import re
import warnings

import bs4
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from tiny_lm import TinyLM
from views import line_of, no_event_loop_of_another_test, page  # noqa: F401

import ttclib.course
from ttclib.course.process_reward_model import figures as process_reward_model
from ttclib.course.small_language_model import figures as small_language_model
from ttclib.course.smc_decoding import figures as smc_decoding
from ttclib.course.smc_decoding.constraints import length
from ttclib.course.smc_decoding.exact import enumerate_texts
from ttclib.course.smc_decoding.markov_lm import MarkovLM
from ttclib.lm import arithmetic
from ttclib.lm.decoding import Decoder
from ttclib.lm.models import load
from ttclib.lm.vocabulary import Vocabulary
from ttclib.particles.smc import resample, run
from ttclib.search.methods import Setting, search_for
from ttclib.search.protocols import Reading
from ttclib.show.slider import BudgetView
from ttclib.show.style import end_labels, figure, literal, missing, pixels

ODD = ["$x$ and $y$", r"$\frac", "<b>", "&amp;", "a\n\nb", "你好吗", "😀", "$" * 4, "x" * 300]
NAMES = ["$a$", "<b>", "&amp;"]
SIGNS = ["$", "\\", "<", "&", "\n", "你"]


# ---- one text ------------------------------------------------------------------------------------


def drawn(text, **how):
    fig, ax = figure(size=(4, 1))
    ax.axis("off")
    ax.text(0, 0.5, text, family="monospace", **how)
    return pixels(fig).copy()


@settings(max_examples=60)
@given(st.text(st.sampled_from("$$$\\_^{}<&;a é\t"), max_size=20))
def test_a_text_looks_as_it_stands(text):
    plain = drawn(text.replace("\t", " "), parse_math=False)
    assert np.array_equal(drawn(literal(text)), plain)


def test_a_formula_would_look_different():
    assert not np.array_equal(drawn("$a$"), drawn("$a$", parse_math=False))


def test_long_texts_are_cut_and_lines_joined():
    assert literal("x" * 90) == "x" * 90
    assert literal("x" * 91) == "x" * 88 + " …"
    assert literal("a\nb\tc\u2028d", longest=20) == "a b c d"


def test_what_the_font_lacks_is_told():
    assert missing("a 你好 你 ✓\n") == ["你", "好"]
    assert literal("a 你好 ✓") == "a �� ✓"


# ---- every picture that takes a text -------------------------------------------------------------


class Stranger(TinyLM):
    """A random model that writes arithmetic, markup, and letters that the font lacks."""

    context = 400

    def __init__(self):
        texts = [*arithmetic.ALPHABET, *SIGNS, *ODD, None]
        self.vocabulary = Vocabulary(texts, len(texts) - 1)
        self.seed, self.zeros = 0, 0.0
        self.distribution = functools.cache(self._distribution)
        self.model = load("lab-small").model

    def logits(self, text):
        size = len(text), len(self.vocabulary)
        return np.random.default_rng(len(text)).normal(size=size)


class Judge:
    """A verifier that likes everything alike."""

    def start(self, lm, task, problems, length):
        return self

    def read(self, texts, chosen, keep=False):
        return Reading(np.full(len(chosen), 0.5), np.zeros((len(chosen), 2)))


LM = Stranger()
PROBLEM = "2+3-4"
WRITTEN = "2$3=<b>;5-$4=&amp;;#你"


def ask(request, potentials):
    return Decoder(LM, "1", potentials, max_tokens=14)


def sentences():
    """A tiny language model whose words are odd, and all that it may say."""
    follow = {word: 1 / len(ODD) for word in ODD}
    lm = MarkovLM.of({"": {"the": 1.0}, "the": follow} | {word: {".": 1.0} for word in ODD})
    the = lm.vocabulary.encode(" the")
    ends = np.arange(len(lm.vocabulary)) == lm.vocabulary.end
    every = enumerate_texts(lambda text: lm.distribution((*the, *text)), ends, 3, False)
    return smc_decoding.Sentences(lm, " the", every, every)


def reading():
    curve = np.linspace(0, 1, len(WRITTEN) + 1)
    places = np.array([WRITTEN.index(";") + 1])
    return process_reward_model.Reading(
        PROBLEM, WRITTEN, {"$a$": curve}, {"$b$": curve}, places, curve[:1]
    )


def learned():
    watch = small_language_model.TrainingView(1, [PROBLEM] * 2, lambda model, problems: ODD[:2], 1)
    watch(1, 0.5, None)
    return watch._fig


def searched(view):
    setting = Setting("best of n", 8, verifier="judge")
    search = search_for(setting, LM, arithmetic.TASK, PROBLEM, Judge())
    history = run(search, 8, resample(), np.random.default_rng(0))
    return view(search, history, PROBLEM)


# a picture → how it is made of texts that nobody of us wrote
TAKES_TEXT = {
    "small_language_model.typed_view": lambda view: view(LM, PROBLEM, high=4),
    "small_language_model.next_token_view": lambda view: view(LM, LM.logits, PROBLEM),
    "small_language_model.tree_view": lambda view: view(
        LM, LM.logits, PROBLEM, [(f"{sign}{arithmetic.END}", 0.1) for sign in SIGNS]
    ),
    "small_language_model.cut_view": lambda view: view(LM, LM.logits, {"$1$": "1", "$2$": "2"}),
    "small_language_model.votes_view": lambda view: view(LM, PROBLEM, high=4),
    "small_language_model.samples_view": lambda view: view(
        LM, {name: [PROBLEM] * 2 for name in NAMES}, dict.fromkeys(NAMES, [ODD[:4]] * 2), high=2
    ),
    "small_language_model.TrainingView": lambda view: learned(),
    "smc_decoding.garden_picture": lambda view: view(sentences()),
    "smc_decoding.rejection_view": lambda view: view(sentences()),
    "smc_decoding.particles_view": lambda view: view(sentences(), [], high=3, runs=3),
    "smc_decoding.twist_view": lambda view: view(
        sentences(), lambda twist: length(1, 3, sentences().lm.vocabulary), 4, 3
    ),
    "smc_decoding.scheme_picture": lambda view: view(sentences(), [], n=4, runs=3),
    "smc_decoding.genealogy_view": lambda view: view(
        LM, [PROBLEM], {"a": {PROBLEM: []}, "b": {PROBLEM: []}}
    ),
    "smc_decoding.constraint_view": lambda view: view(ask, {"none": []}, "a dog"),
    "process_reward_model.picking_view": lambda view: view(
        [PROBLEM], [ODD[:4]], np.zeros((1, 4)), np.eye(4, dtype=bool)[:1], show=0
    ),
    "process_reward_model.rollouts_view": lambda view: view(
        LM, PROBLEM, "$2+3$=5;5-4=1;#1", np.array([0.5, 0.5]), high=1
    ),
    "process_reward_model.belief_view": lambda view: view({"$a$ and <b>": reading()}),
    "prm_search.search_view": lambda view: view(
        LM, {"judge": Judge()}, {"$one$": PROBLEM}, first=PROBLEM
    ),
    "prm_search.search_picture": searched,
    "your_own_model.search_view": lambda view: view(
        LM, arithmetic.TASK, {"$judge$": Judge()}, [PROBLEM], steps=2, most=3
    ),
}


MODULES = {
    name: importlib.import_module(f"ttclib.course.{name}.figures")
    for _, name, folder in pkgutil.iter_modules(ttclib.course.__path__)
    if folder
}
ONLY_COUNTS = {
    "small_language_model.beam_picture",
    "prm_search.chain_view",
    "compute_optimal.knowing_view",
    "your_own_model.judge_picture",
}
TEXTS = {"lm", "tiny", "texts", "solutions", "readings", "samples", "ask", "solve", "search"}


def test_every_picture_that_takes_texts_is_here():
    found = {
        f"{name}.{made.__name__}"
        for name, module in MODULES.items()
        for made in vars(module).values()
        if inspect.getmodule(made) is module
        and re.search("view$|picture$|View$", made.__name__)
        and TEXTS & inspect.signature(made).parameters.keys()
    }
    assert found == TAKES_TEXT.keys() | ONLY_COUNTS


@pytest.fixture
def literally(monkeypatch):
    """A formula is an error, but for powers of ten on an axis; so is a letter drawn as a box."""
    parse = MathTextParser.parse

    def only_powers(self, text, *args, **kwargs):
        assert re.fullmatch(r"\$\\mathdefault\{(\d\\times)?10\^\{[-−]?\d+\}\}\$", text), text
        return parse(self, text, *args, **kwargs)

    monkeypatch.setattr(MathTextParser, "parse", only_powers)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph|constrained_layout")
        yield


@pytest.mark.filterwarnings("ignore:none of")  # of the texts has an answer
@pytest.mark.parametrize("name", TAKES_TEXT)
def test_no_text_becomes_a_formula_or_a_tag(name, literally):
    notebook, _, made = name.partition(".")
    picture = TAKES_TEXT[name](getattr(MODULES[notebook], made))
    if isinstance(picture, Figure):
        pixels(picture)
    elif isinstance(picture, BudgetView):
        assert not line_of(picture)
        soup = bs4.BeautifulSoup(page(picture), "html.parser")
        assert not soup.find("b")
        (caption,) = soup.find_all(role="status")
        assert picture._shown.text in caption.text
        assert soup.find("img")["alt"] == picture._shown.line


def test_labels_of_lines_are_drawn_as_they_stand(literally):
    fig, ax = figure()
    end_labels(ax, 0.9, np.linspace(0, 1, len(ODD)), ODD, ["black"] * len(ODD))
    pixels(fig)


def test_a_formula_and_a_box_would_be_noticed(literally):
    for text, what in (("$x$", AssertionError), ("你", UserWarning)):
        with pytest.raises(what):
            drawn(text)


def test_the_caption_names_what_the_picture_lacks():
    view = smc_decoding.constraint_view(ask, {"none": []}, "a dog")
    assert re.search("; � stands for (😀 )?你", view._shown.text)
