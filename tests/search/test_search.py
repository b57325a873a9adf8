"""Search under a verifier: unbiased over every outcome, the methods' limits, mistakes that are
caught.
"""

import itertools
import math
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from enumerated import ABC, Enumerated, error, spell, tiny
from letters import Letters, search_on
from letters_weighed import prefer
from normal_p_values import mean_p_value
from search_targets import POWERS, VERIFIERS, target

from ttclib.cost import Cost
from ttclib.course.smc_decoding.constraints import regex
from ttclib.measure import votes
from ttclib.particles.islands import within
from ttclib.particles.resampling import UNBIASED
from ttclib.particles.smc import keep_all, resample, run, when_ess_below
from ttclib.search.aggregation import AGGREGATIONS, last
from ttclib.search.search import CONCLUSIONS, Search, conclude, given
from ttclib.search.selections import beam, rebase, trees

pytest.importorskip("torch")
from outcomes import enumerable
from tiny_verifiers import opinion

FALSE_ALARM = 1e-6
AB = tiny("a", "b")
SYSTEMATIC, MULTINOMIAL = (
    resample(enumerable(UNBIASED[name])) for name in ("systematic", "multinomial")
)


class EnumeratedSearch(Search):
    """A search whose tokens are decisions: see ``outcomes``."""

    _draw = Enumerated._draw


# ---------------------------------------------------------------- the target, by hand


def bias(
    kind, n, select, score="strictly between", aggregate="last", until="b", power="plain", **options
):
    """Largest error of an expected mass, or of E[Ẑ], over every outcome: see
    ``test_decoding.error``.
    """
    score, lm = VERIFIERS[score], options.pop("lm", AB)
    limit = {"max_tokens": options.pop("max_tokens", 3), "must_end": options.pop("must_end", False)}
    exact = target(lm, "a", score, aggregate, until, POWERS[power], **limit)
    search = search_on(
        lm,
        "a",
        score,
        kind=kind,
        aggregate=AGGREGATIONS[aggregate],
        power=POWERS[power],
        until=until,
        **limit,
        **options,
    )
    return error(search, n, select, exact)


# ---------------------------------------------------------------- every outcome


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("aggregate", AGGREGATIONS)
@pytest.mark.parametrize("score", VERIFIERS)
def test_every_text_is_weighed_right(score, aggregate, power):
    """One particle: every text, with its weight, is a term of the sum."""
    options = {"score": score, "aggregate": aggregate, "power": power}
    assert bias(EnumeratedSearch, 1, keep_all, until="ab", max_tokens=4, **options) < 1e-12


MIXED = [
    (score, aggregate, list(POWERS)[(i + j) % 4], [SYSTEMATIC, MULTINOMIAL][(i + j // 2) % 2])
    for i, score in enumerate(VERIFIERS)
    for j, aggregate in enumerate(AGGREGATIONS)
]


@pytest.mark.parametrize(("score", "aggregate", "power", "select"), MIXED)
def test_particle_search_is_unbiased(score, aggregate, power, select):
    """E[Ẑ] = Z and the expected weighted posterior is the posterior; texts end at
    different times.
    """
    options = {"score": score, "aggregate": aggregate, "power": power, "must_end": True}
    assert bias(EnumeratedSearch, 2, select, until="b", **options) < 1e-12


@pytest.mark.parametrize("aggregate", AGGREGATIONS)
@pytest.mark.parametrize("score", VERIFIERS)
def test_texts_that_were_cut_count_too(score, aggregate):
    options = {"score": score, "aggregate": aggregate, "must_end": False, "max_tokens": 2}
    assert bias(EnumeratedSearch, 2, SYSTEMATIC, until="ab", **options) < 1e-12


@pytest.mark.parametrize("aggregate", AGGREGATIONS)
def test_particle_search_resamples_when_asked(aggregate):
    select = when_ess_below(0.8, SYSTEMATIC)
    options = {"aggregate": aggregate, "power": "annealed", "until": "ab", "must_end": True}
    assert bias(EnumeratedSearch, 2, select, **options) < 1e-12


def test_three_particles_and_three_letters():
    assert bias(EnumeratedSearch, 3, SYSTEMATIC, "with zeros", "product", "b", max_tokens=2) < 1e-12
    assert (
        bias(EnumeratedSearch, 2, SYSTEMATIC, "strictly between", "min", "c", max_tokens=2, lm=ABC)
        < 1e-12
    )
    assert (
        bias(EnumeratedSearch, 1, keep_all, "with zeros", "mean", "c", max_tokens=5, lm=ABC) < 1e-12
    )


@pytest.mark.parametrize("k", [1, 2])
def test_looking_ahead_is_a_twist(k):
    """The last score is of the whole text, wherever one looked before: the target is the same."""
    assert (
        bias(EnumeratedSearch, 2, SYSTEMATIC, aggregate="last", lookahead=k, must_end=True) < 1e-12
    )


def test_potentials_may_join():
    potentials = [regex("(a|b)*a", AB.vocabulary), prefer("b", 0.5, AB.vocabulary)]
    phi = lambda text: text.endswith("a") * math.exp(0.5 * text.count("b"))  # noqa: E731
    exact = target(AB, "a", opinion, "product", "ab", max_tokens=2)
    exact = {tokens: mass * phi(spell(AB.vocabulary, tokens)) for tokens, mass in exact.items()}
    options = {"aggregate": AGGREGATIONS["product"], "until": "ab", "max_tokens": 2}
    for proposal in ("optimal", "bootstrap"):
        search = search_on(
            AB,
            "a",
            opinion,
            kind=EnumeratedSearch,
            potentials=potentials,
            proposal=proposal,
            **options,
        )
        assert error(search, 2, SYSTEMATIC, exact) < 1e-12


@pytest.mark.statistical
@pytest.mark.parametrize(("aggregate", "power"), [("last", "plain"), ("product", "annealed")])
def test_larger_populations_are_unbiased(aggregate, power, seed):
    """Ẑ/Z and the masses of the ten likeliest texts in 300 runs; false-alarm rate 1e-6
    (``mean_p_value``).
    """
    exact = target(ABC, "a", opinion, aggregate, "ab", max_tokens=5)
    options = {
        "aggregate": AGGREGATIONS[aggregate],
        "power": POWERS[power],
        "until": "ab",
        "max_tokens": 5,
    }
    search, evidence = search_on(ABC, "a", opinion, **options), sum(exact.values())
    rng, likely, errors = (
        np.random.default_rng(seed),
        sorted(exact, key=exact.__getitem__)[-10:],
        [],
    )
    for _ in range(300):
        final = run(search, 40, when_ess_below(0.9, resample()), rng)[-1]
        ratio, p = math.exp(final.log_evidence) / evidence, final.particles
        found = Counter()
        for row, k, weight in zip(p.tokens, p.lengths, final.weights, strict=True):
            found[tuple(row[:k].tolist())] += ratio * weight
        errors.append([ratio - 1, *(found[text] - exact[text] / evidence for text in likely)])
    assert mean_p_value(np.array(errors)) > FALSE_ALARM


# ------------------------------------------------------ known mistakes of published systems


class ReweighsFinished(EnumeratedSearch):
    """Finished texts are paid again in every later round."""

    def weigh(self, t, parents, particles):
        weighed = super().weigh(t, parents, particles)
        again = np.zeros(len(particles), dtype=bool) if parents is None else parents.finished
        with np.errstate(divide="ignore"):
            once_more = np.log(self.aggregate(weighed.particles.scores))
        return weighed._replace(log_weights=weighed.log_weights + np.where(again, once_more, 0.0))


class ForgetsTheEarlierValue(EnumeratedSearch):
    """The aggregate of all steps is multiplied in at every step, instead of what it changed by."""

    def weigh(self, t, parents, particles):
        weighed = super().weigh(t, parents, particles)
        scores = weighed.particles.scores
        asked = np.flatnonzero(~np.isnan(scores[:, -1]))
        earlier = self._log_value(t - 1, scores[asked, :-1], np.zeros(len(asked), dtype=bool))
        weighed.log_weights[asked] += earlier
        return weighed


class AlwaysTheLast(EnumeratedSearch):
    """The aggregation is hard-coded, whatever the option says."""

    def __init__(self, *args, aggregate, **options):
        super().__init__(*args, aggregate=last, **options)


class NeverInFull(EnumeratedSearch):
    """The exponent of an annealed search is kept for finished texts."""

    def _log_value(self, t, scores, finished):
        return super()._log_value(t, scores, np.zeros_like(finished))


class OneTokenMore(EnumeratedSearch):
    """The limit is checked too late."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.max_tokens, self.room = self.max_tokens + 1, self.room + 1


MISTAKES = [
    (ReweighsFinished, {}),
    (ReweighsFinished, {"aggregate": "product"}),
    (ForgetsTheEarlierValue, {"aggregate": "product"}),
    (AlwaysTheLast, {"aggregate": "product"}),
    (AlwaysTheLast, {"aggregate": "min"}),
    (AlwaysTheLast, {"aggregate": "mean"}),
    (NeverInFull, {"power": "annealed"}),
]


@pytest.mark.parametrize(("mistake", "options"), MISTAKES)
def test_known_mistakes_are_biased(mistake, options):
    options = options | {"must_end": True}
    assert bias(mistake, 2, SYSTEMATIC, **options) > 1e-2  # of the right search: below 1e-12
    assert bias(EnumeratedSearch, 2, SYSTEMATIC, **options) < 1e-12


def test_one_token_more_is_noticed():
    with pytest.raises(AssertionError):
        assert bias(OneTokenMore, 1, keep_all) < 1e-2


def ignores_the_selection(model, n, select, rng):
    """The resampling option is read, and not used."""
    return run(model, n, resample("systematic"), rng)


def assert_selected_as_asked(run, seed):
    """Every generation descends from the one before as the given scheme drew it, from the
    weights.
    """
    drawn = []

    def spy(weights, n, rng):
        drawn.append((weights / weights.sum(), UNBIASED["multinomial"](weights, n, rng)))
        return drawn[-1][1]

    search = search_on(ABC, "a", opinion, until="ab", max_tokens=6)
    history = run(search, 20, resample(spy), np.random.default_rng(seed))
    assert len(drawn) == len(history) - 1 > 0
    for before, after, (weights, ancestors) in zip(history, history[1:], drawn, strict=False):
        assert weights == pytest.approx(before.weights)
        assert (after.ancestors == ancestors).all()
        texts = search.texts(before.particles)
        for i, text in enumerate(search.texts(after.particles)):
            assert text.startswith(texts[ancestors[i]])


def test_the_resampling_option_is_used(seed):
    assert_selected_as_asked(run, seed)
    with pytest.raises(AssertionError):
        assert_selected_as_asked(ignores_the_selection, seed)


# ---------------------------------------------------------------- limits

PROMPTS = ["a", "bca", "cc"]


def search(prompt="a", verifier=opinion, until="ab", max_tokens=7, **options):
    return search_on(ABC, prompt, verifier, until=until, max_tokens=max_tokens, **options)


def assert_same(one, other, seed, n=24):
    """Two searches, each a model and a selection, agree in every generation."""
    histories = [
        run(model, n, select, np.random.default_rng(seed)) for model, select in (one, other)
    ]
    assert len(histories[0]) > 2
    for a, b in zip(*histories, strict=True):
        assert (a.ancestors == b.ancestors).all()
        assert (a.log_weights == b.log_weights).all()
        for field in ("tokens", "lengths", "finished", "scores", "log_probs"):
            assert np.array_equal(
                getattr(a.particles, field), getattr(b.particles, field), equal_nan=True
            )
        assert replace(a.spent, seconds=0) == replace(b.spent, seconds=0)


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_methods_at_their_limits(verifier, seed):
    model = search(verifier=VERIFIERS[verifier])
    assert_same((model, beam(1)), (model, keep_all), seed)  # best of N
    assert_same((model, trees(24)), (model, keep_all), seed)
    assert_same((model, trees(1)), (model, beam(24)), seed)
    assert_same((search(lookahead=0), beam(4)), (search(), beam(4)), seed)
    several = search(PROMPTS, VERIFIERS[verifier])
    assert_same((several, within(3, beam(1))), (several, keep_all), seed)
    assert_same((several, within(3, trees(2))), (several, trees(6)), seed)


def test_rebase_at_a_high_temperature_is_best_of_n(seed):
    assert_same((search(), rebase(1e9)), (search(), keep_all), seed)


def test_a_beam_of_one_in_one_is_plain_sampling(seed):
    from ttclib.lm.decoding import sample

    for i in range(20):
        one = run(search(), 1, beam(1), np.random.default_rng([seed, i]))[-1]
        plain = sample(ABC, "a", 1, np.random.default_rng([seed, i]), max_tokens=7)
        assert (one.particles.tokens == plain.particles.tokens).all()


@pytest.mark.parametrize("width", [2, 4, 12])
@pytest.mark.parametrize("lookahead", [0, 1])
def test_beam_search_by_hand(width, lookahead, seed):
    """Snell et al. 2024, §5.2: of N first steps keep the best N / M, each has M children."""
    model, n = search(until="abc", lookahead=lookahead), 12
    history = run(model, n, beam(width), np.random.default_rng(seed))
    for before, after in itertools.pairwise(history):
        p = before.particles
        ranked = sorted(np.flatnonzero(~p.finished), key=lambda i: (-p.scores[i, before.t], i))
        dealt = [i for i in ranked for _ in range(width)][: len(ranked)]
        assert Counter(after.ancestors.tolist()) == Counter(
            [*dealt, *np.flatnonzero(p.finished).tolist()]
        )


@pytest.mark.parametrize("select", [beam(4), trees(2), rebase(0.1)])
def test_answers_stay_once_found(select, seed):
    """Finished texts keep their places, their scores and their weights, and have no children."""
    history = run(search(max_tokens=12), 16, select, np.random.default_rng(seed))
    assert history[0].particles.finished.any()
    for before, after in itertools.pairwise(history):
        ended = np.flatnonzero(before.particles.finished)
        assert (after.ancestors[ended] == ended).all()
        assert not set(ended) & set(np.delete(after.ancestors, ended).tolist())
        assert (after.log_weights == before.log_weights)[ended].all()
        assert np.isnan(after.particles.scores[ended, after.t]).all()
        for field in ("tokens", "lengths", "finished", "log_probs"):
            kept = getattr(after.particles, field)[ended] == getattr(before.particles, field)[ended]
            assert kept.all()


def test_places_of_texts_that_were_given_up_are_filled(seed):
    """With a verifier that knows right from wrong no place is wasted on what is wrong."""
    right = lambda problem, text: float("bb" not in text)  # noqa: E731
    history = run(
        search(verifier=right, until="b", max_tokens=20), 64, beam(4), np.random.default_rng(seed)
    )
    for before, after in itertools.pairwise(history):
        dead = np.flatnonzero(before.log_weights == -np.inf)
        live = np.flatnonzero(~before.particles.finished)
        if len(live) * 4 >= len(live) + len(dead):
            assert not set(dead) & set(after.ancestors.tolist())
    assert any((population.log_weights == -np.inf).any() for population in history)


# ---------------------------------------------------------------- nested budgets


def assert_nested(model, select, problems, seed):
    few, many = (run(model, problems * n, select, np.random.default_rng(seed))[-1] for n in (4, 16))
    first = many.particles[np.arange(4 * problems)]
    for field in ("tokens", "lengths", "prompt", "log_probs"):
        assert (getattr(few.particles, field) == getattr(first, field)).all()
    assert (few.log_weights == many.log_weights[: 4 * problems]).all()
    columns = few.particles.scores.shape[1]
    assert np.array_equal(few.particles.scores, first.scores[:, :columns], equal_nan=True)
    return few, many


@pytest.mark.parametrize("prompt", ["a", PROMPTS])
def test_a_small_budget_uses_the_first_samples_of_a_large_one(prompt, seed):
    problems = 1 if isinstance(prompt, str) else 3
    assert_nested(search(prompt), keep_all, problems, seed)
    assert_nested(search(prompt), within(problems, beam(1)), problems, seed)


def test_samples_of_one_stream_are_not_nested(seed):
    class OneStreamForAll(Search):
        def _draw(self, log_proposal, which, new, active):
            from ttclib.lm import samplers

            return samplers.draw_tokens(log_proposal, which, new.run.streams[0].random(len(active)))

    model = search_on(ABC, PROMPTS, opinion, kind=OneStreamForAll, until="ab", max_tokens=7)
    with pytest.raises(AssertionError):
        assert_nested(model, keep_all, 3, seed)


# ---------------------------------------------------------------- looking ahead


def greedy(lm, prefix, steps, pauses, max_tokens):
    """Go on for some steps, always with the likeliest token; ``prefix`` is the problem and the
    text.
    """
    text = list(prefix)
    while steps and max_tokens:
        text.append(int(np.argmax(lm.distribution(tuple(text)))))
        max_tokens -= 1
        if text[-1] == lm.vocabulary.end:
            break
        steps -= bool(pauses[text[-1]])
    return text


def assert_looks_ahead(kind, k, select, seed, n=12, max_tokens=7):
    """Scores and costs are those of a plain greedy continuation by k steps."""
    plain = search_on(ABC, PROMPTS, opinion, until="ab", max_tokens=max_tokens)
    options = {"until": "ab", "max_tokens": max_tokens, "lookahead": k}
    model = search_on(ABC, PROMPTS, opinion, kind=kind, **options)
    history = run(model, n, select, np.random.default_rng(seed))
    written, cut = 0, 0
    for population in history:
        p, ahead = population.particles, {}
        for i in range(n):
            if np.isnan(p.scores[i, population.t]):
                continue  # it had ended before
            problem = PROMPTS[p.prompt[i]]
            prefix = (*ABC.vocabulary.encode(problem), *p.tokens[i, : p.lengths[i]].tolist())
            written += p.lengths[i] - p.begun[i]
            text = list(prefix)
            if not p.finished[i]:
                text = greedy(ABC, prefix, k, plain.pauses, max_tokens - p.lengths[i])
                ahead[prefix] = len(text) - len(prefix)
            whole = spell(ABC.vocabulary, text[len(problem) :])
            assert p.scores[i, population.t] == opinion(problem, whole)
            assert population.log_weights[i] == pytest.approx(math.log(opinion(problem, whole)))
        written += sum(ahead.values())  # equal texts look ahead once
        cut += sum(1 for steps in ahead.values() if steps)
    assert cut > 3
    assert history[-1].cost.lm_tokens == written


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("select", [keep_all, within(3, beam(2)), within(3, rebase(0.2))])
def test_looking_ahead_scores_a_greedy_continuation(k, select, seed):
    assert_looks_ahead(Search, k, select, seed)


def test_looking_ahead_leaves_nothing_behind(seed):
    """It is written, scored, forgotten: texts, their probabilities and random numbers are
    the same.
    """
    plain, ahead = (
        run(search(PROMPTS, lookahead=k), 12, keep_all, np.random.default_rng(seed)) for k in (0, 3)
    )
    for a, b in zip(plain, ahead, strict=True):
        for field in ("tokens", "lengths", "finished", "log_probs", "per_token"):
            assert np.array_equal(
                getattr(a.particles, field), getattr(b.particles, field), equal_nan=True
            )


class LooksOneStepFurther(Search):
    """One step more than asked."""

    def _look_ahead(self, new, chosen, scores):
        self.lookahead += 1
        seen = super()._look_ahead(new, chosen, scores)
        self.lookahead -= 1
        return seen


class ForgetsToScore(Search):
    """The continuation is written and paid for, and the text without it is scored."""

    def _look_ahead(self, new, chosen, scores):
        new, _, cost = super()._look_ahead(new, chosen, scores)
        return new, scores, cost


class LooksForFree(Search):
    """The tokens of the continuation are left at zero."""

    def _look_ahead(self, new, chosen, scores):
        return *super()._look_ahead(new, chosen, scores)[:2], Cost()


class SamplesTheContinuation(Search):
    """At temperature 1 instead of 0."""

    def _write(self, new, active, fed=False, greedy=False):
        new.run.open(np.random.default_rng(0).spawn(max(0, len(new) - len(new.run))))
        return super()._write(new, active, fed)


@pytest.mark.parametrize(
    "mistake", [LooksOneStepFurther, ForgetsToScore, LooksForFree, SamplesTheContinuation]
)
def test_looking_ahead_wrongly_is_noticed(mistake, seed):
    with pytest.raises(AssertionError):
        assert_looks_ahead(mistake, 1, keep_all, seed)


# ---------------------------------------------------------------- conclusions

TEXTS = ["1+6=7;#07", "7;#7", "8;#8", "9;#9", "7;", "5;#5", "5;#5"]
SCORES = [[0.2, 0.4], [0.9, 0.4], [0.1, 0.7], [0.8, 0.6], [1.0, 1.0], [0.9, 0.9], [0.9, 0.9]]


def ended(weights=(1, 1, 1, 1, 1, 0, 0)):
    """Seven texts: two say 7, two others were given up on the way."""
    with np.errstate(divide="ignore"):
        log_weights = np.log(np.array(weights, dtype=float))
    # what a text was worth in the last generation says nothing of one that ended before
    particles = SimpleNamespace(finished=np.ones(7, dtype=bool), scores=np.array(SCORES))
    return SimpleNamespace(particles=particles, log_weights=log_weights)


def assert_concludes(conclude):
    assert given(Letters(), ended(), TEXTS) == [7, 7, 8, 9, None, None, None]
    assert conclude(Letters(), ended(), TEXTS, "majority") == 7
    assert conclude(Letters(), ended(), TEXTS, "weighted") == 7  # 0.4 + 0.4 > 0.7
    assert conclude(Letters(), ended(), TEXTS, "max") == 8
    assert conclude(Letters(), ended(), TEXTS, "max", AGGREGATIONS["product"]) == 9
    assert conclude(Letters(), ended(), TEXTS, "max", AGGREGATIONS["mean"]) == 9
    assert (
        conclude(Letters(), ended(), TEXTS, "weighted", AGGREGATIONS["min"]) == 7
    )  # 0.6 and 0.6: the first
    assert conclude(Letters(), ended(), TEXTS, "weighted", AGGREGATIONS["product"]) == 9
    assert conclude(Letters(), ended((1,) * 7), TEXTS, "weighted") == 5


def test_conclusions():
    assert_concludes(conclude)
    assert conclude(Letters(), ended(), TEXTS) == conclude(Letters(), ended(), TEXTS, "weighted")
    assert conclude(Letters(), ended((0,) * 7), TEXTS) is None


def raw_votes(task, population, texts, how="weighted", aggregate=last):
    """Answers are compared as they are written: '07' is not '7'."""
    found = [text.partition("#")[2] or None for text in texts]
    found = [
        answer if population.log_weights[i] > -np.inf else None for i, answer in enumerate(found)
    ]
    values = aggregate(population.particles.scores) if how != "majority" else np.ones(len(found))
    if how == "max":
        return votes.normal(found[int(np.argmax(values * [a is not None for a in found]))])
    total = Counter()
    for answer, value in zip(found, values, strict=True):
        if answer is not None:
            total[answer] += value
    return votes.normal(max(total, key=total.__getitem__))


def hard_coded(task, population, texts, how="weighted", aggregate=last):
    """Always the last score, whatever the option says."""
    return conclude(task, population, texts, how)


@pytest.mark.parametrize("mistake", [raw_votes, hard_coded])
def test_wrong_conclusions_are_noticed(mistake):
    with pytest.raises(AssertionError):
        assert_concludes(mistake)


def test_an_answer_counts_only_when_the_text_has_ended_and_was_not_given_up(seed):
    """Even if it was given up long before the others ended."""
    lm = tiny("#1", "#2", "0", ";", seed=5)
    wrong = lambda problem, text: 0.0 if "#1" in text else 0.5  # noqa: E731
    model = search_on(lm, "0", wrong, max_tokens=12)
    history = run(model, 200, keep_all, np.random.default_rng(seed))
    texts = model.texts(history[-1].particles)
    found = given(Letters(), history[-1], texts)
    early = history[1].particles.finished
    assert any("#1" in text and ended for text, ended in zip(texts, early, strict=True))
    for answer, text in zip(found, texts, strict=True):
        assert answer is None or "#1" not in text
    assert 2 in found
    under_way = given(Letters(), history[0], model.texts(history[0].particles))
    assert all(
        a is None for a, f in zip(under_way, history[0].particles.finished, strict=True) if not f
    )


# ---------------------------------------------------------------- what goes wrong

BAD = [
    (lambda: search(lookahead=-1), "lookahead k is -1; it must be a whole number of at least 0"),
    (lambda: search(lookahead=0.5), "lookahead k is 0.5"),
    (lambda: run(search(), 10, beam(4), np.random.default_rng(0)), "N is 10 and M is 4"),
    (lambda: run(search(), 2, beam(4), np.random.default_rng(0)), "N is 2 and M is 4"),
    (
        lambda: run(search(), 10, trees(4), np.random.default_rng(0)),
        "10 members cannot be shared out",
    ),
    (
        lambda: conclude(Letters(), ended(), TEXTS, "best"),
        "how is 'best'; it must be one of max, weighted, majority",
    ),
    (lambda: conclude(Letters(), ended(), TEXTS, ["max"]), r"how is \['max'\]"),
    (
        lambda: run(
            search(verifier=lambda problem, text: 1.5), 2, keep_all, np.random.default_rng(0)
        ),
        "the verifier's score of a text is not a number from 0 to 1",
    ),
    (
        lambda: run(
            search(verifier=lambda problem, text: math.nan), 2, keep_all, np.random.default_rng(0)
        ),
        "the verifier's score of a text is not a number from 0 to 1",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_searches_that_cannot_be(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_verifier_that_rejects_everything_ends_the_search():
    last = run(search(verifier=lambda problem, text: 0.0), 8, beam(2), np.random.default_rng(0))[-1]
    assert last.extinct
    assert conclude(Letters(), last, search().texts(last.particles)) is None


def test_the_conclusions_have_names():
    assert list(CONCLUSIONS) == ["max", "weighted", "majority"]
