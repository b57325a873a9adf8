"""Splits of a budget: a reviser whose law is known, prices against what was fed, fair choices."""

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from exact_p_values import FALSE_ALARM, binomial_p_value
from tiny_verifiers import tiny_verifier
from two_state_reviser import FIRST, STEP, Reviser

from ttclib.course.revisions import ratio, record
from ttclib.course.revisions.attempts import draw_chains
from ttclib.course.revisions.ratio import best_split, bill, by_split, mean_where_known
from ttclib.course.revisions.record import Judge, Record, Setting, chain_steps, splits
from ttclib.course.revisions.selection import LAST, MAJORITY, WAYS, WEIGHTED
from ttclib.course.revisions.turns import Turns
from ttclib.lm import models
from ttclib.lm.arithmetic import TASK
from ttclib.lm.decoding import sample
from ttclib.measure import bootstrap, votes
from ttclib.measure.calibration import auroc
from ttclib.search.reading import rescore

N = 4
SURE = {True: 0.9, False: 0.4}  # what the judge of these tests says of a right and a wrong attempt


# ---- a reviser whose law is known ----------------------------------------------------------------


def law(setting, way, first=FIRST, step=STEP):
    """Chance that a setting answers right: all sequences of right and wrong are listed."""
    total = 0.0
    for states in itertools.product((True, False), repeat=setting.n):
        table = np.reshape(states, setting)
        chance = 1.0
        for chain in table.tolist():
            chance *= first if chain[0] else 1 - first
            for was, now in itertools.pairwise(chain):
                right = 1 - step.spoiled if was else step.righted
                chance *= right if now else 1 - right
        total += chance * by_votes(table, way)
    return total


def by_votes(table, way):
    """Whether a table of right and wrong attempts, (chains, steps), is answered right."""
    score = np.where(table, SURE[True], SURE[False])
    if way == LAST:
        return votes.majority(table[:, -1].tolist())
    if way == MAJORITY:
        return votes.majority(table.ravel().tolist())
    if way == WEIGHTED:
        return votes.weighted_majority(table.ravel().tolist(), score.ravel())
    heard = [votes.weighted_majority(row.tolist(), s) for row, s in zip(table, score, strict=True)]
    return votes.weighted_majority(heard, [SURE[each] for each in heard])


@functools.cache
def drawn(seed, problems=700, window=1, **model):
    """Attempts of the two-state reviser at one problem, again and again."""
    own = draw_chains(
        Reviser(**model),
        TASK,
        ["1+1"] * problems,
        N,
        chain_steps(N),
        np.random.default_rng(seed),
        window=window,
        at_once=3000,
    )
    there = own.written[0] > 0
    right = own.right[:, there]
    answers = np.where(right, 2.0, 0.0)
    scores = np.where(right, SURE[True], SURE[False])
    texts = own.attempts[:, there]
    read = own.read[:, there], own.written[:, there]
    return Record(N, texts, answers, right, *read, {"prm": scores, "history": scores})


def p_value(found, first=FIRST, step=STEP):
    """Of every way and split: problems are independent, so each count is binomial."""
    p_values = []
    for way in WAYS:
        for setting, right in zip(splits(N), by_split(found, N, way), strict=True):
            chance = law(setting, way, first, step)
            p_values.append(binomial_p_value(int(right.sum()), len(right), chance))
    return min(1.0, len(p_values) * min(p_values))


@pytest.mark.statistical
def test_each_way_and_split_solves_what_the_two_state_chain_says(seed):
    assert p_value(drawn(seed)) > FALSE_ALARM


@pytest.mark.statistical
def test_a_reviser_that_forgets_is_caught(seed):
    assert p_value(drawn(seed, window=0)) < FALSE_ALARM


@pytest.mark.statistical
def test_chains_read_as_if_they_lay_side_by_side_are_caught(seed, monkeypatch):
    """The mutant takes the first N attempts of the record, whatever the setting."""
    found = drawn(seed)
    monkeypatch.setattr(
        Record, "places", lambda self, setting: np.arange(setting.n).reshape(setting)
    )
    assert p_value(found) < FALSE_ALARM


@pytest.mark.statistical
def test_chains_with_their_steps_reversed_are_caught(seed, monkeypatch):
    found = drawn(seed)
    places = Record.places
    monkeypatch.setattr(Record, "places", lambda self, setting: places(self, setting)[:, ::-1])
    assert p_value(found) < FALSE_ALARM


# Where an attempt does not care about the last one, a row of attempts is as good as a batch.
SAME = {"first": 0.55, "step": Turns(righted=0.55, spoiled=0.45)}


@pytest.mark.parametrize("way", (MAJORITY, WEIGHTED))
def test_sequential_and_parallel_tie_where_attempts_do_not_see_each_other(way):
    chances = [law(setting, way, **SAME) for setting in splits(N)]
    assert chances == pytest.approx([chances[0]] * len(chances), abs=1e-12)
    assert not np.allclose(*[law(setting, way) for setting in (Setting(4, 1), Setting(1, 4))])


@pytest.mark.statistical
def test_the_tie_is_measured_as_a_tie(seed):
    """A difference of two paired answers: each problem gains, loses, or neither."""
    found = by_split(drawn(seed, **SAME), N, WEIGHTED)
    more = int((found[-1] > found[0]).sum())
    less = int((found[-1] < found[0]).sum())
    # given that they differ, either side is as likely
    assert binomial_p_value(more, more + less, 0.5) > FALSE_ALARM
    # a reviser that learns from its mistakes does not tie
    found = by_split(drawn(seed, first=0.4, step=Turns(0.8, 0.0)), N, WEIGHTED)
    more = int((found[-1] > found[0]).sum())
    less = int((found[-1] < found[0]).sum())
    assert binomial_p_value(more, more + less, 0.5) < FALSE_ALARM


# ---- a choice that is fair -----------------------------------------------------------------------


def counts(problems, seed=0, replicates=40):
    return bootstrap.counts(problems, replicates, np.random.default_rng(seed))


def test_each_bin_takes_the_split_that_is_best_there(seed):
    bins = np.repeat([0, 1], 10)
    right = np.zeros((3, 20))
    right[1, bins == 0] = 1.0
    right[2, bins == 1] = np.arange(10) != 3  # all but one
    found = best_split(right, bins, counts(20), np.random.default_rng(seed))
    assert found.taken.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert found.accuracy == pytest.approx(0.95)
    # drawn again, a bin may lack the problems that tell
    best = bootstrap.means(right[[1, 2]][bins, np.arange(20)], counts(20))
    assert (found.draws <= best + 1e-9).all()
    assert np.mean(np.isclose(found.draws, best)) > 0.5
    one = best_split(right, np.zeros(20, dtype=int), counts(20), np.random.default_rng(seed))
    assert one.accuracy < 0.6


def test_equal_splits_win_nothing_by_being_chosen():
    """Splits that are all luck: averaged over every table of four problems, two folds gain none.

    Choosing and scoring on the same problems, the mutant, gains.
    """
    bins = np.zeros(4, dtype=int)
    fair = []
    greedy = []
    for table in itertools.product((0.0, 1.0), repeat=8):
        right = np.reshape(table, (2, 4))
        found = best_split(right, bins, np.ones((1, 4), dtype=int), np.random.default_rng(0))
        fair.append(found.accuracy)
        greedy.append(right.mean(axis=1).max())
    assert np.mean(fair) == pytest.approx(0.5, abs=1e-9)
    assert np.mean(greedy) > 0.6


# ---- what it pays --------------------------------------------------------------------------------

PROBLEMS = ["12+31", "(7-2)*11-4"]


@functools.cache
def written():
    """A record that a real model wrote, and the model."""
    lm = models.load("lab-small")
    judge = Judge(tiny_verifier(lm, "linear", context=300), lm)
    tables = record.draw_block(
        lm,
        dict.fromkeys(record.SCORES, judge),
        TASK,
        PROBLEMS,
        N,
        np.random.default_rng(7),
        compared={"windows": (0,), "chains": 1, "steps": 1},
    )
    return lm, judge.verifier, tables


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    written()[2].save(folder)
    return record.read_record(folder)


class Counted:
    """Counts the tokens that go through a model's embedding."""

    def __init__(self, lm):
        self.handle = lm.ours.embed.register_forward_hook(self.count)
        self.tokens = 0

    def count(self, module, inputs, output):
        self.tokens += inputs[0].numel()


@pytest.mark.parametrize("setting", splits(N))
@pytest.mark.parametrize("problem", range(len(PROBLEMS)))
def test_a_setting_pays_what_goes_through_the_model_when_it_is_drawn_alone(found, setting, problem):
    lm, verifier, _ = written()
    paid = bill(found, setting, lm.flops, verifier.flops)
    own, _ = np.random.default_rng(7).spawn(2)
    counter = Counted(lm)
    alone = draw_chains(lm, TASK, PROBLEMS, *setting, own, window=1, at_once=1)
    counter.handle.remove()
    texts = found.texts[:, found.places(setting)]
    assert (alone.attempts == texts).all()
    assert paid.positions.sum() == counter.tokens == alone.cost.lm_positions
    assert paid.flops.sum() == pytest.approx(alone.cost.lm_flops, rel=1e-12)
    assert paid.positions[problem] == alone.read[problem].sum()


def test_the_verifier_pays_for_each_attempt_by_itself(found):
    lm, verifier, _ = written()
    expected = np.zeros(len(PROBLEMS))
    read = sample(
        lm, [TASK.prompt(p) for p in PROBLEMS], 8, np.random.default_rng(3), per_token=True
    ).particles
    lengths = np.zeros((len(PROBLEMS), 4), dtype=int)
    for i in range(8):
        problem, place = read.prompt[i], i // 2
        one = replace(read[[i]], prompt=np.zeros(1, dtype=int))
        reading = rescore(verifier, lm, TASK, [PROBLEMS[problem]], one)
        expected[problem] += reading.paid[0, 1]
        lengths[problem, place] = read.lengths[i]
    asks = np.array([[len(TASK.prompt(problem))] for problem in PROBLEMS])
    nothing = np.zeros((len(PROBLEMS), 8))
    wide = np.pad(lengths, ((0, 0), (0, 4)))
    # the first attempts of four chains: columns 0, 4, 6 and 7
    wide[:, [0, 4, 6, 7]] = lengths
    chains = Record(
        N,
        nothing,
        nothing,
        nothing > 0,
        asks + wide - 1,
        wide,
        {"prm": nothing, "history": nothing},
    )
    paid = bill(chains, Setting(4, 1), lm.flops, verifier.flops)
    assert paid.judging == pytest.approx(expected, rel=1e-12)
    assert paid.total == pytest.approx(paid.flops + paid.judging)


# ---- what a verifier sees ------------------------------------------------------------------------


def test_the_areas_are_those_of_the_attempts_at_one_step():
    rng = np.random.default_rng(0)
    n = 8
    shape = 5, chain_steps(n).sum()
    right = rng.random(shape) < 0.5
    right[0] = True
    score = rng.random(shape).round(1)
    nothing = np.zeros(shape, dtype=int)
    both = {"prm": score, "history": 1 - score}
    one = Record(n, nothing.astype(str), nothing * 1.0, right, nothing, nothing, both)
    setting = Setting(4, 2)
    areas = ratio.auc_by_step(one, setting, "prm")
    assert areas.shape == (2, 5)
    assert np.isnan(areas[:, 0]).all()
    places = one.places(setting)
    for (k, i), area in np.ndenumerate(areas):
        expected = auroc(score[i, places[:, k]], right[i, places[:, k]])
        assert area == pytest.approx(expected, nan_ok=True)
    assert ratio.auc_by_step(one, setting, "history") == pytest.approx(1 - areas, nan_ok=True)


def test_means_leave_out_what_is_not_known():
    values = np.array([[0.5, np.nan, 1.0], [np.nan, 0.25, np.nan]])
    again = np.array([[1, 1, 1], [2, 1, 0], [0, 1, 2]])
    mean, low, high = mean_where_known(values, again)
    assert mean.tolist() == [0.75, 0.25]
    assert low.tolist() == [0.5, 0.25]
    assert high.tolist() == [1.0, 0.25]
