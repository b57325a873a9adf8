"""Checks of notebook 09b: fair strategies pass, and each slip is told what it is.

Six problems of the challenge in place of fifty, so that a strategy takes half a second.
"""

import random

import numpy as np
import pytest
from verdicts import *  # noqa: F403

from ttclib.course.budget_challenge import arena, checks, parts
from ttclib.lm.decoding import Decoder
from ttclib.lm.models import load
from ttclib.particles.smc import keep_all, run
from ttclib.search.selections import rebase

SMALL, BODY = arena.WRITERS


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    monkeypatch.setattr(checks, "PROBLEMS", 6)
    monkeypatch.setattr(arena, "board", {})


def as_numpy(desk, rng):
    return np.int64(parts.one_text(BODY)(desk, rng))


def frugal(desk, rng):
    """One text, and more where it looks wrong and the purse has saved for it."""
    drafts = desk.write(1, BODY, temperature=0.0)
    if drafts.doubts[0] == 0 or desk.share < 60e6:
        return drafts.answers[0]
    more = desk.write(4, BODY)
    return parts.vote(drafts.answers + more.answers, 9.0 ** -np.r_[drafts.doubts, more.doubts])


def likeliest_clean(desk, rng):
    drafts = desk.write(4, BODY)
    return drafts.answers[int(np.argmax(drafts.log_p - 9 * drafts.doubts))]


def by_hand(desk, rng):
    drafts = desk.search(16, rebase(), BODY, parts.nines_so_far)
    best = {}
    for answer, score in zip(drafts.answers, drafts.scores, strict=True):
        if answer is not None:
            best[answer] = best.get(answer, 0) + score
    return sorted(best, key=best.get)[-1]


def text(desk, rng):
    return desk.write(1, BODY, temperature=0.0).texts[0]


def every_answer(desk, rng):
    return desk.write(2, BODY).answers


def calculates(desk, rng):
    desk.write(1, BODY)
    return eval(desk._problem)


def recalculates(desk, rng):
    """It does the last step again."""
    step = desk.write(1, BODY, temperature=0.0).texts[0].split(";")[-2]
    return eval(step.partition("=")[0])


def crashes_once(desk, rng):
    if desk.problems_left == 3:
        raise ZeroDivisionError("division by zero")
    return parts.one_text(BODY)(desk, rng)


def forgets_once(desk, rng):
    return parts.one_text(BODY)(desk, rng) if desk.problems_left != 2 else None


def own_luck(desk, rng):
    desk.write(1, BODY)
    return random.SystemRandom().randrange(10**9)


def beside(desk, rng):
    return run(Decoder(load(BODY), "1+1?"), 1, keep_all, rng)


def half(desk, rng):
    return parts.one_text(BODY)(desk, rng) + 0.5


def free(desk, rng):
    desk._pay = lambda cost: None
    return parts.one_text(BODY)(desk, rng)


def lavish(desk, rng):
    for _ in range(30):
        desk._pay(arena.Cost(lm_flops=1e11))
    return 1


def never(desk, rng):
    desk.write(1, BODY)


COMMON = [
    (text, "that is a text; return its answer"),
    (every_answer, "return one answer; yours is a list of 2"),
    (lambda desk, rng: desk.write(2), "yours is a Drafts of 2"),
    (calculates, "it calculates by itself (rule 3)"),
    (recalculates, "it calculates by itself (rule 3)"),
    (lambda desk, rng: 42, "the answer cost nothing"),
    (crashes_once, "on 1 of 6 problems something went wrong, at first ZeroDivisionError"),
    (forgets_once, "your function gives nothing back"),
    (never, "does it end with return?"),
    (own_luck, "draw all luck from rng"),
    (beside, "ask desk.write, desk.read or desk.search"),
    (half, "an answer is a whole number"),
    (free, "the answer cost nothing"),
    (lavish, "a thousand times all that there is"),
    (lambda desk, rng: desk.think(), "your code stopped with AttributeError"),
    (parts.guided(64, SMALL, None), "the purse was empty at problem"),
]
RIGHT = [
    (checks.forty, parts.one_text(BODY)),
    (checks.forty, as_numpy),
    (checks.forty, frugal),
    (checks.forty, lambda desk, rng: desk.write(temperature=0, writer=BODY).answers.pop()),
    (checks.sixty_and_more, parts.guided(64, BODY)),
    (checks.sixty_and_more, by_hand),
    (checks.sixty_and_more, parts.without_doubt(4, BODY)),
    (checks.sixty_and_more, likeliest_clean),
]
WRONG = [(checks.forty, *one) for one in COMMON]
WRONG += [(checks.sixty_and_more, *one) for one in COMMON[:8]]
WRONG += [
    (checks.forty, parts.one_text(SMALL), "is there a better writer"),
    (checks.sixty_and_more, parts.one_text(SMALL), "which texts look wrong"),
    (checks.sixty_and_more, parts.weighted(4, SMALL), "with 60 M FLOPs a problem the purse"),
]


def half_done(desk, rng):
    drafts = desk.write(4, BODY)  # noqa: F841
    return ...


def untouched(desk, rng):
    drafts = ...  # noqa: F841
    return ...


def test_blanks_are_no_mistakes():
    assert repr(checks.forty(lambda desk, rng: ...)) == "– not attempted yet"
    assert repr(checks.sixty_and_more(untouched)) == "– not attempted yet"
    assert repr(checks.sixty_and_more(half_done)).startswith("– partly done: 1 of 2 blanks")
    assert repr(checks.forty(...)) == "– not attempted yet"


def test_the_board_keeps_what_was_reached():
    checks.sixty_and_more(parts.without_doubt(4, BODY))
    assert sorted(arena.board) == [("yours", 60e6), ("yours", 120e6)]
    assert len(arena.board["yours", 60e6].right) == 6
