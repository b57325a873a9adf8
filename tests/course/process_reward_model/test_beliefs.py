"""Beliefs: whole solutions, drawn problem by problem, are read as the search reads them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_verifiers import NETS, full_score, tiny_verifier

from ttclib.course.process_reward_model.beliefs import at_ends, believe
from ttclib.lm import arithmetic
from ttclib.lm.models import load
from ttclib.search.rollouts import draw, step_ends

PROBLEMS = ["12+30-5", "(81-74)*(98-77)-92", "61-1-21"]


@pytest.fixture(scope="module")
def lm():
    return load("lab-small")


@pytest.fixture(scope="module")
def drawn(lm):
    return draw(
        lm, arithmetic.TASK, PROBLEMS, 4, np.random.default_rng(0), at_once=8, max_tokens=60
    )


def test_solutions_stand_problem_by_problem(lm, drawn):
    rollouts, cost = drawn
    assert rollouts.problem.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert cost.lm_tokens == rollouts.lengths.sum()
    for i, (tokens, k) in enumerate(zip(rollouts.tokens, rollouts.lengths, strict=True)):
        check = arithmetic.check_solution(PROBLEMS[i // 4], lm.vocabulary.decode(tokens[:k]))
        assert rollouts.right[i] == check.right and rollouts.correct_steps[i] == sum(check.correct)
        assert (tokens[k:] == -1).all() and (tokens[:k] >= 0).all()
        assert not rollouts.per_token[i, k:].any()


@pytest.mark.parametrize("kind", NETS)
def test_a_belief_is_what_a_verifier_says_of_that_beginning(lm, drawn, kind):
    rollouts, _ = drawn
    verifier = tiny_verifier(lm, kind, context=120)
    prompts = [lm.vocabulary.encode(problem + "?") for problem in PROBLEMS]
    belief, own = believe(verifier.net, prompts, rollouts, at_once=5)
    for i, k in enumerate(rollouts.lengths):
        prompt, tokens = prompts[rollouts.problem[i]], rollouts.tokens[i]
        for j in (0, k // 2, k - 1):
            surprise = rollouts.per_token[i, : j + 1].astype(float)
            one = full_score(verifier, prompt, tokens[: j + 1], surprise)
            assert belief[i, j] == pytest.approx(one, abs=1e-5)
        assert np.isnan(belief[i, k:]).all() and np.isnan(own[i, k:]).all()
        if "body" in verifier.net.hears:
            assert (own[i, :k, 0] < 0).all() and (own[i, :k, 1] > 0).all()
        else:
            assert np.isnan(own).all()


def test_a_body_is_as_surprised_and_as_unsure_as_the_model_it_was(lm, drawn):
    from ttclib.search.verifier import Net

    net = Net(lm.ours.shape)
    net.body.load_state_dict(lm.ours.state_dict())
    prompts = [lm.vocabulary.encode(problem + "?") for problem in PROBLEMS]
    _, own = believe(net.eval(), prompts, drawn[0])
    there = ~np.isnan(own)
    assert np.allclose(own[there], drawn[0].per_token[there], atol=2e-2)  # stored in half precision


def test_scores_of_steps_are_those_at_their_ends(lm, drawn):
    rollouts, _ = drawn
    ends = step_ends(rollouts.tokens, rollouts.lengths, lm.vocabulary.containing(";"))
    place = np.tile(np.arange(ends.shape[1], dtype=float), (len(ends), 1))
    for row, end in zip(at_ends(place, ends), ends, strict=True):
        assert row[~np.isnan(row)].tolist() == np.flatnonzero(end).tolist()
