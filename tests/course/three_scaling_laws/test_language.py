"""The language of words: its entropy, and the exact loss of any model, by hand and by listing."""

import itertools
import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value

from ttclib.course.three_scaling_laws.language import Words

TINY = Words(letters=3, length=2, exponent=1.5, seed=1)


def listed(language):
    """Yield every word with its probability."""
    for word in itertools.product(range(language.letters), repeat=language.length):
        yield word, language.joint[word]


def truth(language):
    """A model that is never wrong: the conditional law of the next letter."""

    def log_probs(prefixes):
        found = np.zeros((len(prefixes), language.letters))
        for row, prefix in zip(found, prefixes, strict=True):
            for word, p in listed(language):
                k = len(prefix)
                if word[:k] == tuple(prefix):
                    row[word[k]] += p
        return np.log(found / found.sum(axis=1, keepdims=True))

    return log_probs


def by_words(language, log_probs):
    """The loss as its definition says: the mean over words of their surprise, a letter."""
    total = 0.0
    for word, p in listed(language):
        for k, letter in enumerate(word):
            total -= p * log_probs(np.array([word[:k]], dtype=int).reshape(1, k))[0, letter]
    return total / language.length


def odd_model(prefixes):
    """A model with a law of its own: it likes the letter after the sum of those so far."""
    scores = -((np.arange(3) - prefixes.sum(axis=1, keepdims=True)) % 3) * 0.7
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def test_the_word_of_rank_k_has_a_share_of_k_to_the_minus_exponent():
    shares = np.arange(1, 10) ** -1.5
    by_rank = [TINY.joint.ravel()[word] for word in TINY.word_of_rank]
    assert by_rank == pytest.approx(shares / shares.sum())
    assert sorted(TINY.word_of_rank.tolist()) == list(range(9))


def test_a_word_is_spelled_by_its_number_and_the_number_by_the_word():
    words = np.arange(9)
    spelled = TINY.spell(words)
    assert (spelled @ [3, 1] == words).all()
    assert [tuple(word) for word in spelled] == [word for word, _ in listed(TINY)]


def test_the_entropy_is_the_mean_surprise_of_a_word():
    by_hand = -sum(p * math.log(p) for _, p in listed(TINY)) / 2
    assert TINY.entropy == pytest.approx(by_hand)


def test_the_entropy_of_the_course_language_by_its_ranks_alone():
    ranks = np.arange(1, 32**4 + 1, dtype=float)
    z = (ranks**-1.5).sum()
    by_hand = (1.5 * (ranks**-1.5 * np.log(ranks)).sum() / z + np.log(z)) / 4
    assert Words().entropy == pytest.approx(by_hand, rel=1e-12)
    assert round(by_hand, 5) == 0.80031


@pytest.mark.parametrize("model", [odd_model, truth(TINY)], ids=["odd", "truth"])
def test_the_exact_loss_is_the_sum_over_all_words(model):
    assert TINY.loss(TINY.predictions(model)) == pytest.approx(by_words(TINY, model))


def test_who_knows_the_language_reaches_its_entropy_and_nobody_else():
    assert TINY.loss(TINY.predictions(truth(TINY))) == pytest.approx(TINY.entropy)
    assert TINY.loss(TINY.predictions(odd_model)) > TINY.entropy
    other = Words(letters=3, length=2, exponent=1.0, seed=1)
    assert TINY.loss(TINY.predictions(truth(other))) > TINY.entropy


def test_predictions_in_one_language_serve_another():
    other = Words(letters=3, length=2, exponent=1.0, seed=1)
    said = TINY.predictions(odd_model)
    assert other.loss(said) == pytest.approx(by_words(other, odd_model))


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0])
def test_the_floor_of_noise_is_the_loss_of_who_knows_the_mixture(noise):
    mixture = Words(letters=3, length=2, seed=1)
    mixture.joint = (1 - noise) * TINY.joint + noise / 9
    assert TINY.floor(noise) == pytest.approx(by_words(TINY, truth(mixture)))
    assert (TINY.floor(noise) > TINY.entropy) == (noise > 0)


def test_prefixes_are_all_there_once_in_the_order_of_their_probabilities():
    assert TINY.prefixes(0).shape == (1, 0)
    assert TINY.prefixes(1).tolist() == [[0], [1], [2]]
    for k in (1, 2):
        for prefix, mass in zip(TINY.prefixes(k), TINY.mass(k), strict=True):
            assert mass == pytest.approx(
                sum(p for word, p in listed(TINY) if word[:k] == tuple(prefix))
            )


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"letters": 1}, "letters is 1; it must be a whole number of at least 2"),
        ({"length": 5}, "length is 5; it must be at most 4"),
        ({"exponent": 0.0}, "exponent is 0.0; it must be a finite number above 0"),
    ],
)
def test_a_language_that_cannot_be_is_refused(wrong, line):
    with pytest.raises(ValueError, match=line):
        Words(**wrong)
    with pytest.raises(ValueError, match=r"noise is 1\.5; it must be a finite number in"):
        TINY.floor(1.5)


@pytest.mark.statistical
def test_drawn_words_follow_their_probabilities(seed):
    drawn = TINY.sample(20_000, np.random.default_rng(seed))
    p_values = [
        binomial_p_value(int((drawn == word).all(axis=1).sum()), 20_000, p)
        for word, p in listed(TINY)
    ]
    assert 9 * min(p_values) > FALSE_ALARM


@pytest.mark.statistical
def test_words_drawn_by_rank_in_place_of_word_are_caught(seed):
    uniforms = np.random.default_rng(seed).random(20_000)
    drawn = TINY.spell(TINY.ranks(uniforms))  # the permutation is forgotten
    p_values = [
        binomial_p_value(int((drawn == word).all(axis=1).sum()), 20_000, p)
        for word, p in listed(TINY)
    ]
    assert 9 * min(p_values) < FALSE_ALARM


def test_ranks_are_the_inverse_of_the_distribution():
    up_to = np.cumsum(TINY.of_rank)
    assert TINY.ranks(np.array([0.0, up_to[0] - 1e-9, up_to[0] + 1e-9, 1.0])).tolist() == [
        0, 0, 1, 8,
    ]  # fmt: skip
