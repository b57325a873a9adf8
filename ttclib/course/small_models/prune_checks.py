"""Checks of notebook 13: the importance of a unit, the slope of a soft loss, and its bill."""

from __future__ import annotations

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake


def unit_importance(activations) -> np.ndarray:
    """Root mean square of each unit over the tokens: (tokens, units) → (units,)."""
    return np.sqrt(np.mean(np.square(activations), axis=0))


def soft_slope(logits, teacher, temperature: float) -> np.ndarray:
    """Slope of T² · KL(teacher ‖ model) by each logit of one token: T · (model − teacher)."""
    q, p = (_softmax(values, temperature) for values in (logits, teacher))
    return temperature * (q - p)


def training_bill(student: float, teacher: float, tokens: float) -> float:
    """FLOPs of learning from a teacher: six a weight to learn, two a weight for it to read."""
    return (6 * student + 2 * teacher) * tokens


def _softmax(logits, temperature: float) -> np.ndarray:
    weights = np.exp(np.asarray(logits, dtype=float) / temperature)
    return weights / weights.sum()


@exercise
def importance(yours):
    """``yours(activations)`` → the root mean square of each unit, (tokens, units) → (units,)."""
    flips = np.array([[3.0, 1.0, 0.0], [-3.0, 1.0, 2.0], [3.0, 1.0, 0.0], [-3.0, 1.0, 0.0]])
    right = unit_importance(flips)
    got = yours(flips)
    if close(got, flips.mean(axis=0)):
        mistake("3 and −3 cancel in a mean: a unit that flips its sign does a lot; square first")
    if close(got, np.abs(flips).mean(axis=0)):
        mistake("that is the mean size; the root mean square counts what is rare and large as well")
    if close(got, flips.std(axis=0)):
        mistake("a unit that is always 1 hands on a 1: do not take off the mean")
    if close(got, np.square(flips).mean(axis=0)):
        mistake("that is the mean square; take its root")
    if close(got, np.linalg.norm(flips, axis=0)):
        mistake("a sum grows with the number of texts; take the mean over the tokens")
    if close(got, np.square(flips.mean(axis=0))):
        mistake("square each number first, then take the mean: here 3 and −3 have cancelled")
    if close(got, np.sqrt(np.square(flips).mean())):
        mistake("that is one number for all units; each has an importance of its own: axis 0")
    if close(got, np.abs(flips).max(axis=0)):
        mistake(
            "that is the largest; one token in a thousand would decide: take the root mean square"
        )
    if close(got, np.square(flips).sum(axis=0)):
        mistake("that is a sum of squares: divide by the number of tokens, and take the root")
    if close(got, np.sqrt(np.square(flips).mean(axis=1))):
        mistake("that is one number a token; the tokens are axis 0, and go away")
    if close(got, np.linalg.norm(flips, axis=0) / 4):
        mistake("divide by the number of tokens under the root, not after it")
    shape = np.shape(got)
    expect(shape == right.shape, f"each unit has an importance: (3,), yours is {shape}")
    expect(close(got, right), f"of 3, −3, 3, −3 it is 3: {right}; yours is {got}")
    rng = np.random.default_rng(0)
    activations = rng.normal(size=(7, 4))
    expect(close(yours(activations), unit_importance(activations)), "other numbers come out wrong")
    return "what a unit hands on, whatever its sign"


@exercise
def slope(yours):
    """``yours(logits, teacher, T)`` → the slope of T² · KL by each logit, for one token."""
    z, v = np.array([1.0, 0.0, -1.0]), np.array([0.0, 2.0, 0.0])
    got = yours(z, v, 2.0)
    right = soft_slope(z, v, 2.0)
    if close(got, -right):
        mistake("the sign: the slope is student − teacher, and training goes down it")
    if close(got, right / 4):
        mistake("that is the slope without T²: at T = 2 the teacher would count a quarter")
    if close(got, right / 2):
        mistake("student − teacher is the slope by logit/T; T² times 1/T leaves a factor T")
    if close(got, 2 * right):
        mistake("T² is too much: the logits are divided by T, which takes one factor back")
    if close(got, 2 * (_softmax(z, 2.0) - _softmax(v, 1.0))):
        mistake("the teacher is softened too: both at temperature T")
    if close(got, 2 * (_softmax(z, 1.0) - _softmax(v, 2.0))):
        mistake("the student is softened too: both at temperature T")
    if close(got, soft_slope(z, v, 1.0)):
        mistake("that is the slope at T = 1")
    if close(got, 2 * soft_slope(z, v, 1.0)):
        mistake("both are softened: divide the logits of both by T first")
    if close(got, 2 * (_softmax(z, 0.5) - _softmax(v, 0.5))):
        mistake("a temperature divides the logits; yours multiplies")
    if close(got, 2 * (_softmax(z, 2.0) - v)):
        mistake("`teacher` are logits, too: make probabilities of them")
    if close(got, 2 * (np.exp(z / 2) - np.exp(v / 2))):
        mistake("those are no probabilities yet: divide by their sum")
    if close(got, z - v) or close(got, 2 * (z - v)):
        mistake("the slope compares probabilities, not logits: a softmax of each")
    expect(np.shape(got) == (3,), "return a slope for each logit")
    expect(close(got, right), f"for T = 2 it is {right.round(3)}; yours is {got}")
    expect(close(yours(z, v, 5.0), soft_slope(z, v, 5.0)), "T = 5 comes out wrong")
    expect(close(yours(v, v, 3.0), 0 * v), "where student and teacher agree, the slope is 0")
    return "the higher T, the more the unlikely tokens pull; T² keeps the pull as strong"


@exercise
def bill(yours):
    """``yours(student, teacher, tokens)`` → FLOPs of distilling, weights and tokens given."""
    got = yours(300, 1100, 7)
    if close(got, 6 * 300 * 7):
        mistake("the teacher reads every token, too: 2 FLOPs for each of its weights")
    if close(got, 2 * 1100 * 7):
        mistake("that is the teacher's reading alone; the student learns, at 6 a weight")
    if close(got, 8 * 300 * 7):
        mistake("the teacher has weights of its own: 2 FLOPs for each of *them*")
    if close(got, (2 * 300 + 6 * 1100) * 7):
        mistake("the student learns at 6 a weight, and the teacher reads at 2: yours is swapped")
    if close(got, 6 * 300 + 2 * 1100 * 7):
        mistake("the student reads every token, too: multiply both by the tokens")
    if close(got, 6 * 300 * 7 + 2 * 1100):
        mistake("the teacher reads every token: multiply both by the tokens")
    if close(got, 6 * 300 + 2 * 1100):
        mistake("that is for one token; multiply by the tokens")
    if close(got, 6 * 300 * 7 + 1100 * 7):
        mistake("to read a token costs the teacher 2 a weight: a multiplication and an addition")
    if close(got, 6 * 1400 * 7):
        mistake("the teacher does not learn: it goes forward only, 2 a weight, not 6")
    if close(got, 2 * 1400 * 7):
        mistake("the student learns: forward and back are 6 a weight")
    if close(got, 8 * 1400 * 7):
        mistake("6 to learn is the student's, 2 to read the teacher's: not 8 for both")
    if close(got, 6 * 300 * 7 + 8 * 1100 * 7) or close(got, (8 * 300 + 2 * 1100) * 7):
        mistake("to learn is 6 a weight, forward and back together: nothing comes on top")
    if close(got, (4 * 300 + 2 * 1100) * 7):
        mistake("to learn is 2 a weight forward and 4 back: 6 for the student")
    right = training_bill(300, 1100, 7)
    expect(close(got, right), f"300 weights, 1,100 of the teacher, 7 tokens: {right:,}; not {got}")
    expect(close(yours(5.0, 0.0, 2.0), 60.0), "without a teacher 5 weights and 2 tokens cost 60")
    return "a teacher three times as large costs as much as the learning itself"
