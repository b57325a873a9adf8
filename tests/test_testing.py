"""The contract checks: our own parts keep their promises, a broken one of each kind is named."""

import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_lm import TinyLM

from ttclib.course.small_language_model import cuts
from ttclib.course.smc_decoding.constraints import (
    both,
    length,
    mentions,
    regex,
    without,
    words_at_most,
)
from ttclib.lm import samplers
from ttclib.lm.arithmetic import TASK, Arithmetic
from ttclib.lm.vocabulary import Vocabulary
from ttclib.particles import resampling
from ttclib.particles.islands import within
from ttclib.particles.smc import keep_all, resample, when_ess_below
from ttclib.search.protocols import Reading
from ttclib.search.scoring import Scoring, ScoringReader
from ttclib.search.selections import beam, rebase, trees
from ttclib.testing import (
    BrokenPromise,
    check_language_model,
    check_potential,
    check_sampler,
    check_selection,
    check_task,
    check_verifier,
)

ABC = TinyLM(3, seed=1)
PROMPTS = [ABC.vocabulary.decode([0, 1]), ABC.vocabulary.decode([2]), ABC.vocabulary.decode([1])]
SOLUTIONS = {"(17-9)*12+45": "17-9=8;8*12=96;96+45=141;#141", "2+3*4": "3*4=12;2+12=14;#14"}
LAB = Vocabulary.characters()
WORDS = Vocabulary.words(["the", "barn", "fell"])


def broken(check, *args, **options):
    """The one line with which a check fails."""
    with pytest.raises(BrokenPromise) as caught:
        check(*args, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


# ---- language models ---------------------------------------------------------------------------


def test_our_language_models_keep_their_promises():
    check_language_model(ABC, PROMPTS)
    torch = pytest.importorskip("torch")
    from tiny_transformers import tiny

    from ttclib.lm.models import load

    torch.manual_seed(0)
    check_language_model(tiny("llama"), ["ab", "c"])
    check_language_model(load("lab-small"), ["1+2*3?", "45-9?", "7?"])


def mutant(**methods):
    """A tiny model whose sessions are changed by ``methods``, functions of the session."""

    class Mutant(TinyLM):
        def start(self, prompts, length):
            session = super().start(prompts, length)
            for name, change in methods.items():
                setattr(session, name, change(session, getattr(session, name)))
            return session

    return Mutant(3, seed=1)


def forgets_who_waits(session, feed):
    return lambda rows, tokens, keep=(): feed(
        rows, tokens, np.repeat(np.asarray(keep)[-1:], len(keep))
    )


def mixes_forks(session, feed):
    def turned(rows, tokens, keep=()):
        fed, kept = feed(rows, tokens, keep)
        return fed[::-1], kept

    return turned


def counts_nothing(session, feed):
    def quiet(rows, tokens, keep=()):
        found = feed(rows, tokens, keep)
        session.positions = 0
        return found

    return quiet


@pytest.mark.parametrize(
    ("methods", "line"),
    [
        ({"feed": mixes_forks}, "a row that forks goes on as its own text"),
        ({"feed": forgets_who_waits}, "a row that is kept stays"),
        ({"feed": counts_nothing}, "positions counts the rows that a call fed"),
        ({"positions": lambda *_: 1}, "positions counts each prompt's tokens once"),
        ({"rows": lambda session, rows: rows[:2]}, "rows has one row for each prompt"),
        ({"flops": lambda *_: np.ones(2)}, "flops is zero or more for each prompt or row"),
        ({"flops": lambda *_: -1.0}, "flops is zero or more for each prompt or row"),
    ],
)
def test_a_broken_language_model_is_named(methods, line):
    assert line in broken(check_language_model, mutant(**methods), PROMPTS)


def test_what_is_no_language_model_is_named():
    assert "has 'vocabulary'" in broken(check_language_model, object(), PROMPTS)


# ---- samplers ----------------------------------------------------------------------------------


@pytest.fixture
def log_probs(seed):
    rows = np.random.default_rng(seed).dirichlet(np.ones(7), size=5)
    rows[:, 2] = 0.0
    with np.errstate(divide="ignore"):
        return np.log(rows / rows.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    "sampler",
    [samplers.plain, samplers.greedy, samplers.temperature(0.7), cuts.top_p(0.9)]
    + [cuts.min_p(0.1), cuts.chain(samplers.temperature(1.3), cuts.top_p(0.5))],
)
def test_our_samplers_keep_their_promises(sampler, log_probs):
    check_sampler(sampler, log_probs)


@pytest.mark.parametrize(
    ("sampler", "line"),
    [
        (lambda x: x / 2, "sum to one"),
        (lambda x: x[:1], "the shape that it is given"),
        (lambda x: np.full_like(x, -np.log(x.shape[1])), "revives no impossible token"),
        (lambda x: np.subtract(x, 1.0, out=x) + 1.0, "leaves what it is given"),
    ],
)
def test_a_broken_sampler_is_named(sampler, line, log_probs):
    assert line in broken(check_sampler, sampler, log_probs)


# ---- potentials --------------------------------------------------------------------------------

POTENTIALS = {
    "regex": (lambda: regex("[^#]*#14", LAB), LAB),
    "length": (lambda: length(2, 6, WORDS), WORDS),
    "mentions": (lambda: mentions(["barn", "fell"], WORDS, bonus=1.5), WORDS),
    "both": (lambda: both(words_at_most(4, WORDS), without("z", WORDS)), WORDS),
}


@pytest.mark.parametrize("name", POTENTIALS)
def test_our_potentials_keep_their_promises(name, seed):
    make, vocabulary = POTENTIALS[name]
    check_potential(make(), vocabulary, np.random.default_rng(seed))


def other(potential, **methods):
    """A potential with some of its methods changed."""
    names = ("start", "advance", "log_value", "log_final", "log_next")
    return SimpleNamespace(**{name: getattr(potential, name) for name in names} | methods)


MENTIONS = mentions(["barn", "fell"], WORDS, bonus=1.5)
BROKEN_POTENTIALS = {
    "log_next says what the value after": {
        "log_next": lambda states, ends: MENTIONS.log_next(states, np.zeros_like(ends))
    },
    "the end token leaves a state": {
        "advance": lambda states, tokens: (states + 1) % len(MENTIONS)
    },
    "one number for each state": {"log_value": lambda states: 0.0 * states[:1]},
}


@pytest.mark.parametrize("line", BROKEN_POTENTIALS)
def test_a_broken_potential_is_named(line, seed):
    bad = other(MENTIONS, **BROKEN_POTENTIALS[line])
    assert line in broken(check_potential, bad, WORDS, np.random.default_rng(seed))


def test_a_potential_that_revives_the_dead_is_named(seed):
    short = length(0, 2, WORDS)

    def advance(states, tokens):
        revived = (states < 0) & (tokens != WORDS.end)
        return np.where(revived, 0, short.advance(states, tokens))

    revived = other(short, advance=advance)
    line = broken(check_potential, revived, WORDS, np.random.default_rng(seed))
    assert "a dead prefix stays dead" in line


# ---- tasks -------------------------------------------------------------------------------------


def test_our_task_keeps_its_promises():
    check_task(TASK, SOLUTIONS)


class FindsNoAnswer(Arithmetic):
    """It finds no answer."""

    def answer(self, text):
        return None


class EverythingIsRight(Arithmetic):
    """Whatever is said."""

    def right(self, problem, answer):
        return True


class AnswersOffByOne(Arithmetic):
    """Its own answers are wrong."""

    def reference(self, problem):
        return super().reference(problem) + 1


class StepsEndWithCommas(Arithmetic):
    """It cuts steps elsewhere."""

    step_end = ","


class SeesAFaultEverywhere(Arithmetic):
    """No step is right."""

    def right_steps(self, problem, text):
        return 0


class FormsThatAreNone(Arithmetic):
    """No answer looks like one."""

    def canonical(self, answer):
        return f"<{answer}>"


@pytest.mark.parametrize(
    ("task", "line"),
    [
        (FindsNoAnswer, "is found"),
        (EverythingIsRight, "no answer is not right"),
        (AnswersOffByOne, "is right for"),
        (StepsEndWithCommas, "all 0 steps"),
        (SeesAFaultEverywhere, "are right"),
        (FormsThatAreNone, "leaves None"),
    ],
)
def test_a_broken_task_is_named(task, line):
    assert line in broken(check_task, task(), SOLUTIONS)


# ---- verifiers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab():
    pytest.importorskip("torch")
    from ttclib.lm.models import load

    return load("lab-small")


def opinion(problem, text):
    return random.Random(f"{problem}|{text}").random()


def opinions(problems, texts):
    return [opinion(*pair) for pair in zip(problems, texts, strict=True)]


@pytest.mark.parametrize("verifier", [opinion, Scoring(opinion), Scoring(opinions, batch=True)])
def test_functions_keep_the_promises_of_a_verifier(verifier, lab, seed):
    check_verifier(verifier, lab, TASK, "2+3*4", np.random.default_rng(seed))


@pytest.mark.parametrize("name", ["prm", "prm-tokens", "orm"])
def test_our_verifiers_keep_their_promises(name, lab, seed):
    from ttclib.search.models import load_verifier

    check_verifier(load_verifier(name), lab, TASK, "45-9+12*3", np.random.default_rng(seed))


class Moody(Scoring):
    """It says something else each time."""

    def start(self, lm, task, problems, length):
        rng = np.random.default_rng(0)
        return ScoringReader(Scoring(lambda *_: rng.random()), lm.vocabulary, problems)


class SeesOnlyTheNewStep(Scoring):
    """It forgets what it has read: the score of a step is not that of the text."""

    def start(self, lm, task, problems, length):
        reader = super().start(lm, task, problems, length)

        def read(texts, chosen, keep=False):
            place = np.arange(texts.tokens.shape[1])
            new = np.where(place >= texts.begun[:, None], texts.tokens, 0)
            return reader.read(replace(texts, tokens=new), chosen)

        return SimpleNamespace(read=read)


class InItsOwnOrder(Scoring):
    """Scores come in the order of the texts, whatever was chosen."""

    def start(self, lm, task, problems, length):
        reader = super().start(lm, task, problems, length)
        return SimpleNamespace(read=lambda t, chosen, keep=False: reader.read(t, np.sort(chosen)))


class ChargesCopies(Scoring):
    """Each text pays for its last token, read already or not."""

    def start(self, lm, task, problems, length):
        reader = super().start(lm, task, problems, length)

        def read(texts, chosen, keep=False):
            return Reading(reader.read(texts, chosen).scores, np.ones((len(chosen), 2)))

        return SimpleNamespace(read=read)


@pytest.mark.parametrize(
    ("verifier", "line"),
    [
        (ChargesCopies(opinion), "a text that was read already costs nothing"),
        (Moody(opinion), "equal texts score alike"),
        (SeesOnlyTheNewStep(lambda p, text: 1 / (1 + text.count("="))), "step by step or at once"),
        (InItsOwnOrder(opinion), "in the order of chosen"),
    ],
)
def test_a_broken_verifier_is_named(verifier, line, lab, seed):
    rng = np.random.default_rng(seed)
    hot = samplers.temperature(3.0)  # so that no two texts are the same
    said = broken(check_verifier, verifier, lab, TASK, "45-9+12*3", rng, sampler=hot)
    assert line in said


# ---- selections --------------------------------------------------------------------------------

SELECTIONS = {
    "keep all": (keep_all, True),
    **{name: (resample(name), True) for name in resampling.UNBIASED},
    "below a half": (when_ess_below(0.5, resample()), True),
    "islands": (within(4, resample("stratified")), True),
    "villain": (resample("winner takes all"), False),
    "beam": (beam(4), False),
    "trees": (trees(4), False),
    "rebase": (rebase(0.2), False),
}


@pytest.mark.statistical
@pytest.mark.parametrize("name", SELECTIONS)
def test_our_selections_keep_their_promises(name, seed):
    """Six standard errors, 16 members, 4 populations, 12 selections: false alarms below 1e-5."""
    select, fair = SELECTIONS[name]
    check_selection(select, np.random.default_rng(seed), fair=fair)


def as_learners_write_it(population, rng):
    return list(range(len(population))), population.log_weights


def test_a_list_of_ancestors_will_do(seed):
    check_selection(as_learners_write_it, np.random.default_rng(seed), fair=True)


def spoils_the_population(population, rng):
    population.log_weights[:] -= 1
    return keep_all(population, rng)


BROKEN_SELECTIONS = {
    "indices of members": lambda p, rng: (np.arange(len(p)) + 1, p.log_weights),
    "whole numbers": lambda p, rng: (np.arange(len(p)) / 1, p.log_weights),
    "one log weight for each ancestor": lambda p, rng: (np.arange(4), p.log_weights),
    "numbers or −inf": lambda p, rng: (np.arange(len(p)), p.log_weights * np.nan),
    "children of the dead": lambda p, rng: (np.arange(len(p)), p.log_evidence),
    "left as it is": spoils_the_population,
}


@pytest.mark.parametrize("line", BROKEN_SELECTIONS)
def test_a_broken_selection_is_named(line, seed):
    assert line in broken(check_selection, BROKEN_SELECTIONS[line], np.random.default_rng(seed))


def resample_and_keep_the_weight(population, rng):
    ancestors = resampling.systematic(population.weights, len(population), rng)
    return ancestors, population.log_weights[ancestors]


@pytest.mark.statistical
@pytest.mark.parametrize("select", [resample("winner takes all"), resample_and_keep_the_weight])
def test_an_unfair_selection_is_named(select, seed):
    line = broken(check_selection, select, np.random.default_rng(seed), fair=True)
    assert "children carry their parent's weight on average" in line
