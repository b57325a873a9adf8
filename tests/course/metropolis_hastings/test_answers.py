"""The course's answers to the exercises, and the luck of the page for the library."""

import numpy as np
import pytest
from scipy import stats

from ttclib.course.metropolis_hastings import answers, checks
from ttclib.course.metropolis_hastings.uniforms import Uniforms


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.accept_probability, answers.acceptance),
        (checks.chain_ess, answers.chain_ess),
        (checks.tune, answers.tune),
        (checks.rhat, answers.rhat),
    ],
)
def test_the_courses_answers_pass_their_checks(check, answer):
    assert check(answer).mark == "✓"


@pytest.mark.statistical
def test_rhat_of_chains_that_agree_is_an_f_statistic(seed):
    """Of independent normal draws n V / W is F distributed, exactly."""
    n, chains = 7, 4
    x = np.random.default_rng(seed).standard_normal((n, chains))
    f = (answers.rhat(x) ** 2 - (n - 1) / n) * n
    law = stats.f(chains - 1, chains * (n - 1))
    assert 2 * min(law.cdf(f), law.sf(f)) > 1e-6


def test_uniforms_makes_minus_logs_of_the_uniform_numbers():
    mine = Uniforms(np.random.default_rng(1))
    theirs = np.random.default_rng(1)
    assert mine.standard_normal(3).tolist() == theirs.standard_normal(3).tolist()
    np.testing.assert_array_equal(mine.standard_exponential(4), -np.log(theirs.random(4)))
    assert mine.random() == theirs.random()
