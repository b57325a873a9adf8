"""Associative recall without training: what a memory of fixed size holds, and its exact law.

Pairs of a random key and a value go into a memory one after the other. Then a key is shown, and the
memory has to say the value. Nothing is learned, so what is lost is lost for want of room.

- :func:`sums` is the memory of linear attention and of retention: S ← γ S + v kᵀ.
- :func:`corrected` is the delta rule (Widrow and Hoff 1960; Schlag et al. 2021): it first reads
  what the key says already, and writes only the difference. The state has the same size.
- :func:`kept` is softmax attention: it keeps every pair.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from ttclib.inputs import checked, finite_array, real_number, whole_number

SHARPNESS = 8.0  # of softmax attention: the scores are key · key times SHARPNESS √size
_NODES, _WEIGHTS = special.roots_hermitenorm(80)  # for a standard normal variable
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_PLACES, _PARTS = special.roots_legendre(64)  # for the length of a key


@checked
def draw_keys(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n keys (n, size): each number normal with variance 1/size, so their length is near 1."""
    n = whole_number("n", n)
    size = whole_number("size", size)
    return rng.standard_normal((n, size)) / np.sqrt(size)


@checked
def deal_values(n: int, values: int, rng: np.random.Generator) -> np.ndarray:
    """Deal out values as cards are dealt: as evenly as n allows, in random order. Ints (n,)."""
    n = whole_number("n", n)
    order = rng.permutation(whole_number("values", values, 2))
    return rng.permutation(order[np.arange(n) % values])


def sums(keys: np.ndarray, said: np.ndarray, values: int, keep: float = 1.0) -> np.ndarray:
    """Write each pair on top of what is there, which fades by ``keep``; then read with each key.

    Parameters
    ----------
    keys : numpy.ndarray, shape (n, size)
    said : numpy.ndarray of int, shape (n,)
        The values.
    values : int
        How many there are: the state has values × size numbers.
    keep : float
        γ in (0, 1].

    Returns
    -------
    numpy.ndarray, shape (n, values)
        Scores of the values for each key.
    """
    keep = real_number("keep", keep, 0.0, 1.0, open_low=True)
    age = np.arange(len(keys))[::-1]
    state = np.zeros((values, keys.shape[1]))
    np.add.at(state, said, keys * (keep**age)[:, None])
    return keys @ state.T


def corrected(keys: np.ndarray, said: np.ndarray, values: int) -> np.ndarray:
    """Write of each pair what its key does not say yet; read with each key. As :func:`sums`."""
    state = np.zeros((values, keys.shape[1]))
    for key, value in zip(keys, np.eye(values)[said], strict=True):
        state += np.outer(value - state @ key, key) / (key @ key)
    return keys @ state.T


def kept(
    keys: np.ndarray, said: np.ndarray, values: int, sharpness: float = SHARPNESS
) -> np.ndarray:
    """Keep all pairs; weigh values by the softmax of how alike the keys are; as :func:`sums`."""
    keys = keys / np.linalg.norm(keys, axis=1, keepdims=True)  # or a long one would drown the rest
    alike = sharpness * np.sqrt(keys.shape[1]) * (keys @ keys.T)
    return special.softmax(alike, axis=1) @ np.eye(values)[said]


def recalled(scores: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Whether the largest score is that of the value: bool (n,)."""
    return scores.argmax(axis=1) == said


# ---- the law -------------------------------------------------------------------------------------


def law(n: int, size: int, values: int) -> float:
    """Share of n pairs that :func:`sums` recalls out of a state of values × size numbers.

    The key that is shown has length L. Read along it, its own pair says L to the right value. Each
    other pair says something to *its* value: a normal number with variance 1/size, because
    directions drawn at random have that much in common. So the score of a value that c other pairs
    have is normal with variance c/size, and all scores are independent. The right value wins if it
    is above all others: given its score, a product of normal distribution functions. What remains
    is a mean over L and over the noise of the right score, by Gauss quadrature.

    Exact for the keys of :func:`draw_keys` and the values of :func:`deal_values`.
    """
    n = whole_number("n", n)
    size = whole_number("size", size)
    values = whole_number("values", values, 2)
    often, heavy = divmod(n, values)  # `heavy` values have one pair more than the others
    lengths, chances = _key_lengths(size)
    found = 0.0
    for mine, kind in ((often + 1, heavy), (often, values - heavy)):  # pairs with my value
        if mine == 0 or kind == 0:
            continue
        score = lengths[:, None] + np.sqrt((mine - 1) / size) * _NODES
        more = _below(score, often + 1, size) ** (heavy - (mine > often))
        fewer = _below(score, often, size) ** (values - heavy - (mine == often))
        found += mine * kind / n * float(chances @ (more * fewer) @ _WEIGHTS)
    return found


def _key_lengths(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the length L of a key: √size · L is χ with ``size`` degrees."""
    reach = 1 + 9 / np.sqrt(size)  # beyond lies less than 1e-15
    lengths = reach * (1 + _PLACES) / 2
    log_density = (size - 1) * np.log(lengths) - size * lengths**2 / 2
    chances = _PARTS * np.exp(log_density - log_density.max())
    return lengths, chances / chances.sum()


def _below(score: np.ndarray, pairs: int, size: int) -> np.ndarray:
    """Probability that the noise of so many pairs is below a score."""
    return special.ndtr(score * np.sqrt(size / pairs)) if pairs else (score > 0).astype(float)


def signal_to_noise(n: int, size: int, values: int) -> float:
    """The law in one number: how many standard deviations of the noise the signal is, roughly.

    The signal is 1. A value gets 1/size of variance from each of its n / values pairs.
    """
    room = whole_number("size", size) * whole_number("values", values, 2)
    return float(np.sqrt(room / whole_number("n", n)))


# ---- fading --------------------------------------------------------------------------------------


def half_life(keep: float) -> float:
    """Tokens after which a half is left: ln ½ / ln γ."""
    keep = real_number("keep", keep, 0.0, 1.0, open_low=True)
    return np.inf if keep == 1 else float(np.log(0.5) / np.log(keep))


def faded_signal(
    age: np.ndarray, keep: Sequence[float], size: int, length: int | None = None
) -> np.ndarray:
    """How far what was written ``age`` pairs ago stands out of the noise of heads that forget.

    The value is a bit, +1 or −1, so a head is a row of ``size`` numbers for each bit. The pair is
    read with strength γ^age. All other pairs are noise, each with variance γ^(2 age) / size: a sum
    that stays finite for γ < 1, however long the text. Heads have keys of their own and so noises
    of their own; their scores are added with the weights that are best for this age, and then the
    squares of their signals add up.

    Parameters
    ----------
    age : array of int, shape (k,)
    keep : sequence of float in (0, 1)
        γ, of each head.
    size : int
        Of a key, in each head.
    length : int, optional
        Pairs in the text. Default: it has no beginning.

    Returns
    -------
    numpy.ndarray, shape (k,)
    """
    age = finite_array("age", np.atleast_1d(age), 0.0)
    heads = finite_array("keep", keep, 1e-9, 1 - 1e-9, ndim=1, least=1)
    strength = heads ** (2 * age[:, None])
    ends = 0.0 if length is None else heads ** (2 * whole_number("length", length, 2))
    noise = ((1 - ends) / (1 - heads**2) - strength) / whole_number("size", size)
    return np.sqrt((strength / noise).sum(axis=1))


def faded_share(
    age: np.ndarray, keep: Sequence[float], size: int, length: int | None = None
) -> np.ndarray:
    """Share of bits that are read right ``age`` pairs later: Φ(signal). Arguments as above."""
    return special.ndtr(faded_signal(age, keep, size, length))


@checked
def faded_bits(
    age: np.ndarray,
    keep: Sequence[float],
    size: int,
    length: int,
    bits: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Whether bits are read right, by simulation: bool (k, bits).

    Each pair of one text has ``bits`` random bits, and in each head a random key. The heads write
    and fade, and then what was written ``age`` pairs ago is asked, with a key of length 1.
    """
    age = np.atleast_1d(age)
    said = rng.choice([-1.0, 1.0], size=(whole_number("length", length, 2), bits))
    strength = np.asarray(keep)[:, None] ** np.arange(length)
    total = np.zeros((len(age), bits))
    for head in strength:
        keys = draw_keys(length, size, rng)
        shown = keys[age] / np.linalg.norm(keys[age], axis=1, keepdims=True)
        own = head[age, None] * said[age]
        others = shown @ (keys * head[:, None]).T @ said
        others -= np.sum(shown * keys[age], axis=1, keepdims=True) * own
        noise = (np.sum(head**2) - head[age] ** 2) / size
        total += (head[age] / noise)[:, None] * (own + others)
    return (total > 0) == (said[age] > 0)
