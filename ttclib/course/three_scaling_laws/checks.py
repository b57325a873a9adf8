"""Checks of notebook 12: exact loss, best size, optimum of a law, life of a model, other texts."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.three_scaling_laws.laws import Law
from ttclib.course.three_scaling_laws.laws import equivalent as library_equivalent
from ttclib.exercise import close, exercise, expect, mistake

# a language of two letters and two-letter words: aa, ab, ba, bb have 1/2, 1/4, 1/8, 1/8
_MASS = [np.array([[0.75, 0.25]]), np.array([[0.5, 0.25], [0.125, 0.125]])]
_SAID = [np.log(np.array([[0.5, 0.5]])), np.log(np.array([[0.8, 0.2], [0.6, 0.4]]))]


@exercise
def exact_loss(yours):
    """``yours(mass, predictions)`` → nats a letter; both are lists of arrays (prefixes, letters).

    ``mass[k]`` is the probability of each beginning of k letters with each next letter,
    ``predictions[k]`` what a model says of it: log probabilities.
    """
    got = yours(_MASS, _SAID)
    total = sum(float((m * said).sum()) for m, said in zip(_MASS, _SAID, strict=True))
    right = -total / 2
    if close(got, -right):
        mistake("a loss is positive: minus the log probability, on average")
    if close(got, -total):
        mistake("that is nats a word; divide by the letters of a word, which are as many as arrays")
    if close(got, right / math.log(2)):
        mistake("those are bits; predictions are natural logarithms already, so are nats")
    if close(got, -float((_MASS[1] * _SAID[1]).sum()) / 2):
        mistake("that is the last letter alone: every letter of a word is predicted")
    plain = -sum(float(said.mean()) for said in _SAID) / 2
    if close(got, plain):
        mistake("a prefix counts by its probability: weight each log probability with its mass")
    if close(got, -sum(float((np.exp(s) * s).sum()) for s in _SAID) / 2):
        mistake("weight with what is so, the mass, not with what the model believes")
    if close(got, -total / 4):
        mistake("divide by the number of arrays, len(mass): the check's words have two letters")
    chance = sum(float((m * np.exp(s)).sum()) for m, s in zip(_MASS, _SAID, strict=True))
    if close(got, -chance / 2):
        mistake("a loss is the mean of minus the *logarithm*; no exp, predictions are logs already")
    if np.ndim(got) == 0 and np.isnan(got):
        mistake("predictions are logarithms already: a log of them is no number")
    if close(got, math.exp(right)):
        mistake("that is exp of the loss; the loss itself is asked for")
    within = [m / m.sum(axis=1, keepdims=True) for m in _MASS]
    if close(got, -sum(float((m * s).sum()) for m, s in zip(within, _SAID, strict=True)) / 2):
        mistake("all beginnings count alike there; the mass says how often each one comes")
    expect(np.ndim(got) == 0, "return one number: the sum over all arrays")
    expect(
        close(got, right),
        f"for the small language of the check it is {right:.6f}, you said {got!r}",
    )
    sure = [np.log(m / m.sum(axis=1, keepdims=True)) for m in _MASS]
    entropy = -float((_MASS[1] * np.log(_MASS[1])).sum()) / 2
    expect(close(yours(_MASS, sure), entropy), "who knows the language must reach its entropy")
    return "every beginning of every word, by its probability: no test text, no noise"


@exercise
def best_size(yours):
    """``yours(sizes, losses)`` → the size at the lowest point of a parabola through three."""
    sizes = np.array([1000.0, 2000.0, 4000.0])
    losses = np.array([1.3, 1.0, 1.1])
    got = yours(sizes, losses)
    curve = np.polyfit(np.log(sizes), losses, 2)
    at = -curve[1] / (2 * curve[0])
    if close(got, 2000.0):
        mistake("that is the best of the three; the lowest point of the parabola lies between them")
    if close(got, at) or close(got, at / math.log(2)):
        mistake("that is still a logarithm: turn it back into a size")
    raw = np.polyfit(sizes, losses, 2)
    if close(got, -raw[1] / (2 * raw[0])):
        mistake("over the size itself the parabola is lopsided: fit it over the logarithm")
    if close(got, math.exp(2 * at)):
        mistake("the lowest point of u·x² + v·x + w is at −v/(2u), not at −v/u")
    if close(got, math.exp(-at)):
        mistake("the sign: the slope 2u·x + v is 0 at x = −v/(2u)")
    if close(got, 10**at):
        mistake("np.log is natural: exp turns it back, not a power of 10")
    if close(got, float(np.polyval(curve, at))):
        mistake("that is the loss there; the size is asked for")
    bent = np.polyfit(np.log(sizes), np.log(losses), 2)
    if close(got, math.exp(-bent[1] / (2 * bent[0]))):
        mistake("fit the losses themselves: only the sizes become logarithms")
    if close(got, math.exp(-curve[1] / 2 * curve[0])):
        mistake("v / 2 * u multiplies by u: write −v / (2 * u)")
    if close(got, math.exp(-curve[1] / (2 * curve[2]))):
        mistake("np.polyfit returns the highest power first: u, v, w of u·x² + v·x + w")
    expect(np.ndim(got) == 0, "return one size, a number and not an array")
    expect(
        close(got, math.exp(at), rtol=1e-5),
        f"for the three points of the check it is {math.exp(at):.1f}, you said {got!r}",
    )
    return "between the sizes that were trained, where nobody trained one"


@exercise
def optimum(yours):
    """``yours(A, a, B, b, flops)`` → the best size for a budget C = 6 N D."""
    law = Law(0.0, 40.0, 0.75, 90.0, 0.5)
    flops = 6e11
    got = yours(*law[1:], flops)
    a, b = law.a, law.b
    share = a * law.A / (b * law.B)
    work = flops / 6
    size = float(law.optimum(flops)[0])
    if close(got, work / size):
        mistake("that is the letters it reads; the size is C/6 divided by them")
    if close(got, share ** (1 / (a + b)) * flops ** (b / (a + b))):
        mistake("N · D is C/6, not C: a letter costs six FLOPs for each parameter")
    if close(got, share ** (1 / (a + b)) * work ** (a / (a + b))):
        mistake("the exponents are swapped: the size grows as C to the b/(a + b)")
    if close(got, (1 / share) ** (1 / (a + b)) * work ** (b / (a + b))):
        mistake("upside down: a large A wants a large model")
    if close(got, share * work ** (b / (a + b))):
        mistake("N^(a + b) = (aA/bB) · (C/6)^b: the whole right side takes the root")
    if close(got, share ** (1 / (a + b)) * work ** (1 / (a + b))):
        mistake("D^b is (C/6N)^b: the budget has the exponent b before the root")
    if close(got, (law.A / law.B) ** (1 / (a + b)) * work ** (b / (a + b))):
        mistake("the two terms are not equal at the best size; their slopes are: a·A/N^a = b·B/D^b")
    power = share * work**b  # N^(a + b)
    if close(got, power):
        mistake("that is N^(a + b): the size is its root, ** (1 / (a + b))")
    if close(got, power / (a + b)):
        mistake("** 1 / (a + b) divides at the end: put brackets around the exponent")
    if close(got, power ** (a + b)):
        mistake("N^(a + b) is known: N is its root, the power 1/(a + b)")
    if close(got, (a * law.A / b * law.B * work**b) ** (1 / (a + b))):
        mistake("a * A / b * B multiplies by B: put brackets around b * B")
    expect(
        close(got, size, rtol=1e-4),
        f"for the law of the check it is {size:,.1f}, you said {got!r}",
    )
    return "where a percent more size gains as much as a percent more text"


@exercise
def life(yours):
    """``yours(size, letters, ratio)`` → FLOPs to train a model and to use it."""
    size, letters, ratio = 1000.0, 1e5, 2.5
    got = yours(size, letters, ratio)
    learn, read = 6 * size * letters, 2 * size * letters  # 6e8 and 2e8
    if close(got, learn):
        mistake("that is the training alone: in use it reads ratio · letters")
    if close(got, learn * (1 + ratio)):
        mistake("to read a letter in use costs 2 FLOPs a parameter; only learning from it costs 6")
    if close(got, read * ratio):
        mistake("that is the use alone: it was trained, too")
    if close(got, learn + ratio * read / 2):
        mistake("to read a letter costs 2 FLOPs a parameter: a multiplication and an addition")
    if close(got, read * (1 + ratio)):
        mistake("to learn from a letter costs 6 FLOPs a parameter, there and back")
    if close(got, learn + 2 * size * ratio):
        mistake("ratio counts letters in use for each letter of training: ratio · letters of them")
    if close(got, learn + 2 * letters * ratio):
        mistake("each letter in use is read by every parameter: times size, too")
    if close(got, learn + read):
        mistake("it reads as much in use as in training only if R is 1: times ratio")
    if close(got, size * letters * (1 + ratio)):
        mistake("FLOPs are asked for: 6 a parameter to learn from a letter, 2 to read it")
    if close(got, read + learn * ratio):
        mistake("the 6 and the 2 are swapped: training learns, use only reads")
    expect(np.ndim(got) == 0, "return one number: training and use together")
    expect(
        close(got, learn + ratio * read),
        f"1,000 parameters, 1e5 letters, R = 2.5: 1.1e9; you said {got!r}",
    )
    expect(close(yours(7.0, 10.0, 0.0), 420.0), "who is never asked has only been trained")
    return "six to learn, two to read: from R = 3 on the use costs more than the training"


@exercise
def equivalent(yours):
    """``yours(letters, excess, reached)`` → letters of the usual text that reach this excess."""
    letters = np.array([1e4, 1e5, 1e6])
    excess = np.array([0.4, 0.2, 0.15])
    reached = 0.4 / 2**0.5
    got = yours(letters, excess, reached)
    right = float(library_equivalent(letters, excess, reached))
    if close(got, np.interp(-reached, -excess, letters)):
        mistake("a power law is straight over logarithms: take them of letters and of excess")
    if close(got, math.log(right)):
        mistake("that is still a logarithm: turn it back into letters")
    if close(got, 10 ** math.log(right)):
        mistake("np.log is natural: exp turns it back, not a power of 10")
    if close(got, np.interp(-math.log(reached), -np.log(excess), letters)):
        mistake("take the logarithm of the letters, too")
    if close(got, 1e4) or close(got, 1e6):
        mistake("np.interp wants rising x, and excess falls: turn its sign, or both orders")
    if close(got, np.exp(np.interp(-reached, -excess, np.log(letters)))):
        mistake("take the logarithm of the excess, too")
    if close(got, 1e5):
        mistake("that is the nearest number of letters that was measured; the answer lies between")
    slope, level = np.polyfit(np.log(excess), np.log(letters), 1)
    if close(got, math.exp(slope * math.log(reached) + level)):
        mistake("one line through all is too stiff: go along the piece between two points")
    if close(got, math.exp(np.interp(math.log(reached), np.log(excess[::-1]), np.log(letters)))):
        mistake("both lists must be turned round, letters as well as excess")
    expect(np.ndim(got) == 0, "return one number of letters, for the excess that was reached")
    expect(
        close(got, right),
        f"an excess of {reached:.4f} is at {right:,.0f} letters, you said {got!r}",
    )
    expect(
        close(yours(letters, excess, 0.2), 1e5), "the usual text itself must be worth its letters"
    )
    return "a text is worth as many letters of the usual one as bring the model as far"
