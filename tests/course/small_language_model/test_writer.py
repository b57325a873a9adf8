"""What notebook 05 says of the model that is shipped: what it solves of what people type first."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ttclib.course.small_language_model import answers
from ttclib.lm import arithmetic, samplers
from ttclib.lm.decoding import Decoder, sample
from ttclib.lm.models import load
from ttclib.measure import votes
from ttclib.particles.smc import keep_all, smc

TYPED = """
12+30 100-1 12*12 7*8 2+2 9-4 50+50 99-98 25*4 3*3 10-10 123+456 999-1 500-250 6*7
1+2*3 3-2-1 2+2+2 7*8+1 1+1+1 2*3+4 2*3*4 10-2*3 (1+2)*3 (8-3)*4 5*5-5 10+20+30 100-50-25
12*3+4 8*(7-2) 20-3*4 6*6+6 9+8*7 99-9*9 (12+30)*2 15*4-10 3*(4+5) 50-7*7 4*4*4 45-17+9 10*10-1
64-8*8 2+3*4 (1+2)*(3+4) 9*9*9+1 1+2+3+4 (17-9)*12+45 1+2*3-4+5 2*2*2*2 10-1-2-3
"""
SHORT = TYPED.split()[:43]  # with at most two operations
LONGER = TYPED.split()[43:]
EXAMPLE = "86+(866-667+24)"
EACH = 256  # samples of each problem


def value_of(problem):
    return arithmetic.value(arithmetic.parse(problem))


def shares_right(problems, seed, **options):
    """Of each problem, the share of EACH samples that end right."""
    decoder = Decoder(load("lab-small"), [f"{problem}?" for problem in problems], **options)
    for last in smc(decoder, EACH * len(problems), keep_all, np.random.default_rng(seed)):
        population = last
    texts = decoder.texts(population.particles)
    right = [
        [arithmetic.answer(text) == value_of(problem) for text in texts[j :: len(problems)]]
        for j, problem in enumerate(problems)
    ]
    return dict(zip(problems, np.mean(right, axis=1), strict=True))


def test_the_list_has_fifty_different_problems_that_the_box_takes():
    assert (len(SHORT), len({*SHORT, *LONGER})) == (43, 50)
    for problem in SHORT + LONGER:
        arithmetic.check_problem(problem)
    assert all(sum(problem.count(sign) for sign in "+-*") <= 2 for problem in SHORT)


def as_shipped(shares):
    """Whether problems with at most two operations are solved as often as by the shipped model.

    Of its 43 chances, measured with 2,000 samples each, 41 are above a half, and all but one are
    at least 0.27 away from it: these are on the wrong side of a half in less than one of 10¹⁵ draws
    of 256. Only 100-1, with a chance of 0.56, may now and then be there. The mean of the chances is
    0.932; by Hoeffding's inequality the mean of 43 · 256 samples is 0.026 away from it in one draw
    of 10⁶, and 0.004 are left to the measurement.
    """
    short = [shares[problem] for problem in SHORT]
    right = sum(share > 0.5 for share in short)
    return 40 <= right <= 41 and abs(np.mean(short) - 0.932) < 0.03


@pytest.mark.answers("05-004", 2)
@pytest.mark.statistical
def test_what_people_type_first_is_right_more_often_than_not(seed):
    """41 of 43 problems with at most two operations, and all longer ones."""
    shares = shares_right(SHORT + LONGER, seed)
    assert as_shipped(shares)
    assert min(shares[problem] for problem in LONGER) > 0.9  # chances of 0.99 and more
    # what the notebook asks for by name: chances of 1.00 and 0.99, 0.22 and 0.00
    assert min(shares["7*8+1"], shares["9*9*9+1"]) > 0.9
    assert shares["12*12"] < 0.45 and shares["500-250"] < 0.1


@pytest.mark.statistical
def test_a_writer_twice_as_hot_is_not_taken_for_the_shipped_one(seed):
    assert not as_shipped(shares_right(SHORT, seed, sampler=samplers.temperature(2.0)))


@pytest.mark.statistical
def test_a_vote_and_a_low_temperature_choose_different_answers(seed):
    """The winners lead by 6.3 and 8.5 standard errors of 1,024 votes: less than 1e-9 fail."""
    problem = EXAMPLE
    winners = {}
    for temperature in (1.0, 0.25):
        how = {"sampler": samplers.temperature(temperature)}
        rng = np.random.default_rng(seed)
        last = sample(load("lab-small"), problem + "?", 1024, rng, **how)
        texts = Decoder(load("lab-small"), problem + "?").texts(last.particles)
        winners[temperature] = votes.majority([arithmetic.answer(text) for text in texts])
    greedy = sample(
        load("lab-small"), problem + "?", 1, np.random.default_rng(0), sampler=samplers.greedy
    )
    (text,) = Decoder(load("lab-small"), problem + "?").texts(greedy.particles)
    assert winners[1.0] == value_of(problem)
    assert winners[0.25] == arithmetic.answer(text) != value_of(problem)


def distributions(solution, problem=EXAMPLE):
    """(len(solution), V): of each character, what may stand there."""
    lm = load("lab-small")
    tokens = lm.vocabulary.encode(f"{problem}?{solution}")
    with torch.inference_mode():
        logits = lm.model(torch.tensor([tokens])).logits[0].double().numpy()
    rows = logits[len(problem) : -1]
    probs = np.exp(rows - rows.max(axis=1, keepdims=True))
    return probs / probs.sum(axis=1, keepdims=True)


def probability(solution):
    tokens = load("lab-small").vocabulary.encode(solution)
    return distributions(solution)[np.arange(len(tokens)), tokens].prod()


@pytest.fixture(scope="module")
def along():
    """The solution of the example, and of each of its characters the distribution."""
    solution = arithmetic.solve(arithmetic.parse(EXAMPLE)) + arithmetic.END
    return solution, distributions(solution)


@pytest.mark.answers("05-008", 1)
def test_the_model_is_sure_where_it_copies_and_open_where_it_computes(along):
    solution, probs = along
    assert len(solution) == 39
    bits = answers.entropy(probs)
    assert [solution[:i] for i in np.flatnonzero(bits > 0.3)] == [
        "866-667=",
        "866-667=199;199+24=223;86+223=",
        "866-667=199;199+24=223;86+223=3",
    ]
    assert np.count_nonzero(bits > 0.1) == 3


@pytest.mark.answers("05-018", 1)
def test_greedy_turns_to_the_likelier_character_and_misses_the_likelier_text(along):
    solution, probs = along
    texts = load("lab-small").vocabulary.texts
    turn = dict(zip(texts, probs[solution.index("199;")], strict=True))
    assert round(turn["2"], 2) == 0.58 and round(turn["1"], 2) == 0.42
    assert round(probability(solution), 3) == 0.345
    assert round(probability("866-667=299;299+24=323;86+323=419;#419\n"), 3) == 0.210


def test_texts_that_lead_to_one_answer_add_up():
    assert probability("866-667=299;299+24=323;86+323=409;#409\n") > 0.17
    ways = "866-667=209;209+24=233;86+233=319;#319\n", "866-667=199;199+24=223;86+223=319;#319\n"
    first, second = map(probability, ways)
    assert first < 0.14 and round(first + second, 2) == 0.17
    assert round(probability("866-667=209;209+24=233;86+233=309;#309\n"), 3) == 0.008  # two slips
