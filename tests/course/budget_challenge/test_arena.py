"""The arena counts what the models report, shares one purse, and sees who does not play fair."""

import contextlib

import numpy as np
import pytest

from ttclib.course.budget_challenge import arena, parts
from ttclib.lm.decoding import Decoder
from ttclib.lm.models import load
from ttclib.particles.smc import keep_all, run
from ttclib.search.models import load_verifier
from ttclib.search.search import Search
from ttclib.search.selections import rebase

SMALL, BODY = arena.WRITERS
PROBLEMS = arena.practice(4)


def desk_of(problem=PROBLEMS[0], flops=1e12, seed=5):
    return arena.Desk(problem, arena.Purse(flops, 1), np.random.default_rng(seed))


def test_writing_costs_what_the_decoder_reports():
    desk = desk_of()
    drafts = desk.write(6, SMALL)
    decoder = Decoder(load(SMALL), arena.TASK.prompt(PROBLEMS[0]), until=";", per_token=True)
    last = run(decoder, 6, keep_all, np.random.default_rng(5))[-1]
    assert 1e12 - desk.left == pytest.approx(last.cost.lm_flops)
    assert drafts.texts == decoder.texts(last.particles)
    assert drafts.answers == [arena.TASK.answer(text) for text in drafts.texts]
    assert drafts.log_p == pytest.approx(last.particles.log_probs)


def test_reading_afterwards_gives_the_scores_of_a_search():
    """And costs as much: the texts of best-of-N, read along or read in the end."""
    search = Search(load(SMALL), arena.TASK, PROBLEMS[0], load_verifier("prm"))
    last = run(search, 6, keep_all, np.random.default_rng(5))[-1]
    along = desk_of().search(6, keep_all)
    assert along.texts == search.texts(last.particles)
    desk = desk_of()
    drafts = desk.write(6)
    before = desk.left
    by_text = dict(zip(along.texts, along.scores, strict=True))
    read = dict(zip(drafts.texts, desk.read(drafts), strict=True))
    assert any(text in by_text for text in read)
    for text in by_text.keys() & read.keys():
        assert read[text] == pytest.approx(by_text[text], abs=1e-4)
    assert 0 < before - desk.left < 1e9


def test_a_free_verifier_costs_nothing_and_leaves_no_doubt():
    desk = desk_of()
    drafts = desk.search(8, rebase(), BODY, parts.nines_so_far)
    decoder_only = desk_of().write(1, BODY)
    assert len(drafts) == 8 and len(decoder_only) == 1
    assert drafts.scores == pytest.approx((1 / 9.0) ** drafts.doubts)
    assert desk._purse.models_paid == 1  # the writer


def test_what_one_problem_leaves_another_may_spend():
    """Both share a purse: the first writes one text, so the second can write many."""
    seen = []

    def strategy(desk, rng):
        seen.append(desk.share)
        return desk.write(1 if len(seen) == 1 else 8).answers[0]

    outcome = arena.play(strategy, PROBLEMS[:2], 60e6)
    assert outcome.spent_at is None
    assert seen[0] == 60e6 and seen[1] == pytest.approx(120e6 - outcome.paid[0])
    assert outcome.paid[1] > outcome.paid[0]


def test_an_empty_purse_makes_the_rest_wrong():
    full = arena.play(parts.one_text(BODY), PROBLEMS, 80e6)
    assert full.spent_at is None and full.right.any()
    budget = full.paid[:3].sum() / 4 - 1e3  # the third text is just too dear
    outcome = arena.play(parts.one_text(BODY), PROBLEMS, budget)
    assert outcome.spent_at == 2 and len(outcome.answers) == 3
    assert not outcome.right[2:].any()
    assert (full.right[:2] == outcome.right[:2]).all()


def test_who_goes_on_after_the_purse_is_empty_is_stopped():
    def stubborn(desk, rng):
        with contextlib.suppress(Exception):
            desk.write(64)
        return 0

    assert arena.play(stubborn, PROBLEMS, 1e6).spent_at == 0


def test_the_same_luck_gives_the_same_outcome():
    one, two = (arena.play(parts.majority(3, SMALL), PROBLEMS, 1e9, seed=8) for _ in range(2))
    assert one.answers == two.answers and (one.paid == two.paid).all()


def test_an_error_makes_one_problem_wrong_and_is_noted():
    calls = []

    def fragile(desk, rng):
        calls.append(desk)
        if len(calls) == 2:
            raise KeyError("oops")
        return desk.write(1, BODY, temperature=0.0).answers[0]

    outcome = arena.play(fragile, PROBLEMS, 1e9)
    assert len(outcome.errors) == 1 and "KeyError" in outcome.errors[0]
    assert not outcome.right[1] and len(outcome.answers) == 4


def test_a_model_beside_the_desk_is_refused_and_put_back():
    def beside(desk, rng):
        return run(Decoder(load(SMALL), "1+1?"), 1, keep_all, rng)

    outcome = arena.play(beside, PROBLEMS[:2], 1e9)
    assert len(outcome.errors) == 2 and "beside the desk" in outcome.errors[0]
    assert run(Decoder(load(SMALL), "1+1?"), 1, keep_all, np.random.default_rng(0))


@pytest.mark.parametrize("how", ["no payment", "money back"])
def test_books_that_do_not_agree_are_seen(how):
    def dishonest(desk, rng):
        if how == "no payment":
            desk._pay = lambda cost: None
        answer = desk.write(1, BODY, temperature=0.0).answers[0]
        if how == "money back":
            desk._purse.paid = -1.0
        return answer

    outcome = arena.play(dishonest, PROBLEMS, 1e9)
    assert outcome.errors and not outcome.right.any()
    assert "runs were paid" in outcome.errors[-1]


def test_every_text_of_a_rigged_desk_is_wrong_and_looks_right():
    for problem in PROBLEMS:
        desk = arena.RiggedDesk(problem)
        for drafts in (desk.write(3), desk.search(3, keep_all)):
            assert not any(arena.TASK.right(problem, answer) for answer in drafts.answers)
            assert all(parts.nines_so_far(problem, text) == 1 for text in drafts.texts)
            assert (desk.read(drafts) == 0.9).all()


def test_answers_that_are_no_whole_numbers_are_wrong():
    truth = arena.TASK.reference(PROBLEMS[0])
    assert arena._right(PROBLEMS[0], truth) and arena._right(PROBLEMS[0], np.int64(truth))
    assert not any(arena._right(PROBLEMS[0], x) for x in (None, str(truth), [truth], True))


def test_wrong_use_is_told():
    with pytest.raises(ValueError, match="writer"):
        desk_of().write(1, "gpt")
    with pytest.raises(ValueError, match="drafts"):
        desk_of().read(["1+1=2;#2"])


def test_the_problems_of_the_challenge_are_new():
    assert not set(arena.exam()) & set(arena.practice(60))
    assert arena.practice(60)[:50] == arena.practice()


def test_the_problems_of_the_comparison_were_not_played():
    assert len(arena.held_out()) == 100
    assert not set(arena.held_out()) & {*arena.practice(150), *arena.exam()}


def test_a_vote():
    assert parts.vote([3, 5, 5, None, None, None]) == 5
    assert parts.vote([3, 5, 5], [0.9, 0.2, 0.3]) == 3
    assert parts.vote([None]) is None
