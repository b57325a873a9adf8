"""Checks of notebook 16: the right answer passes, and each slip is told what it is."""

from decimal import Decimal
from fractions import Fraction
from itertools import takewhile

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.your_own_model import checks


def by_fraction(answer):
    try:
        return Fraction(answer)
    except (ValueError, TypeError, ZeroDivisionError):
        return answer


def in_words(answer):
    if answer is None or answer.strip("-./0123456789 ") or answer.endswith("/0"):
        return answer
    return str(Fraction(answer))


def pair(answer):
    try:
        return Fraction(answer).as_integer_ratio()
    except Exception:
        return answer


def normal_float(answer):
    above, _, below = str(answer).partition("/")
    try:
        return round(float(above) / float(below or 1), 9)
    except (ValueError, ArithmeticError):
        return answer


def only_value_errors(answer):
    try:
        return Fraction(answer)
    except ValueError:
        return answer


def all_but_none(answer):
    try:
        return Fraction(answer)
    except (ValueError, ZeroDivisionError):
        return answer


def stripped(answer):
    answer = answer.strip()
    try:
        return Fraction(answer)
    except (ValueError, ZeroDivisionError):
        return answer


def infinite(answer):
    return float("inf") if answer == "1/0" else by_fraction(answer)


def none_to_text(answer):
    return by_fraction(str(answer))


def with_float(answer):
    try:
        return float(answer)
    except ValueError:
        return answer


def decimal(answer):
    return Decimal(answer) if answer.strip().replace(".", "").isdecimal() else answer.strip()


def whole(answer):
    try:
        return int(Fraction(answer))
    except ValueError:
        return answer


def rounded(answer):
    try:
        return round(float(Fraction(answer)), 1)
    except ValueError:
        return answer


def unsigned(answer):
    try:
        return abs(Fraction(answer))
    except ValueError:
        return answer


def or_empty(answer):
    try:
        return Fraction(answer)
    except ValueError:
        return ""


def or_zero(answer):
    try:
        return Fraction(answer)
    except ValueError:
        return 0


def first_digits(answer):
    try:
        return str(Fraction(answer))[:1]
    except ValueError:
        return answer


def loop(scores, good, most):
    for written, score in enumerate(scores[:most], start=1):
        if score >= good:
            return written
    return min(most, len(scores))


def by_numpy(scores, good, most):
    enough = np.flatnonzero(np.asarray(scores[:most]) >= good)
    return enough[0] + 1 if len(enough) else most


def by_takewhile(scores, good, most):
    return min(most, 1 + len(list(takewhile(lambda score: score < good, scores))))


def by_next(scores, good, most):
    return next((i + 1 for i in range(most) if scores[i] >= good), most)


def rule(scores, good, most, none=None, first=1, strict=False):
    for i, score in enumerate(scores[:most]):
        if score > good or (score == good and not strict):
            return i + first
    return most if none is None else none


def not_the_last(scores, good, most):
    found = rule(scores[: len(scores) - 1], good, most)
    return found if found < len(scores) else len(scores) if good > 0.95 else 2


def no_budget(scores, good, most):
    return next((i + 1 for i, score in enumerate(scores) if score >= good), most)


RIGHT = [
    *((checks.canonical, f) for f in (by_fraction, in_words, pair, normal_float)),
    *((checks.stop_after, f) for f in (loop, by_numpy, by_takewhile, by_next)),
    (checks.judged, lambda prompt, text, n: prompt + n * text + n * (prompt + text)),
    (checks.judged, lambda prompt, text, n: (n + 1) * prompt + 2 * n * text),
    (checks.judged, lambda p, t, n: sum([p, *[t] * n, *[p + t] * n])),
    (checks.judged, lambda p, t, n: np.array([p + n * t, n * (p + t)]).sum()),
]
WRONG = [
    (checks.canonical, lambda answer: answer, "take the blanks away"),
    (checks.canonical, lambda answer: answer.strip(), "a text is no number yet"),
    (checks.canonical, with_float, "and they are equal"),
    (checks.canonical, decimal, "becomes '1/2' and '0.5' becomes Decimal('0.5')"),
    (checks.canonical, whole, "is it cut or rounded?"),
    (checks.canonical, rounded, "'1/3' and '0.333' both become 0.3: is it cut"),
    (checks.canonical, unsigned, "'3' and '-3' both become Fraction(3, 1): they are not equal"),
    (checks.canonical, or_empty, "'a dozen' is an answer, though no number"),
    (checks.canonical, or_zero, "return it as it is, not 0"),
    (checks.canonical, first_digits, "'100' and '1' both become '1': they are not equal"),
    (checks.canonical, Fraction, "your code stopped with ValueError: Invalid literal"),
    (checks.canonical, only_value_errors, "'1/0' is no number: there your code stops with"),
    (checks.canonical, infinite, "'1/0' is no number: return it as it is, not inf"),
    (checks.canonical, all_but_none, "None is a text without an answer: there your code stops"),
    (checks.canonical, stripped, "stops with AttributeError; let it pass"),
    (checks.canonical, none_to_text, "it stays None, not 'None'"),
    (checks.stop_after, lambda s, g, m: rule(s, g, m, first=0), "place 2 counts from 0"),
    (checks.stop_after, lambda s, g, m: int(np.argmax(s)) + 1, "that is the best text"),
    (checks.stop_after, lambda s, g, m: m, "at least, not more than"),
    (checks.stop_after, lambda s, g, m: s[rule(s, g, m) - 1], "not the score"),
    (checks.stop_after, lambda s, g, m: sum(x < g for x in s), "3 texts are written; you say 4"),
    (checks.stop_after, lambda s, g, m: rule(s, g, m, none=0), "all 6 are written and paid for"),
    (checks.stop_after, lambda s, g, m: rule(s, g, m, none=m + 1), "a seventh is not written"),
    (checks.stop_after, lambda s, g, m: rule(s, g, m, none=3), "all 6 are written; you say 3"),
    (checks.stop_after, no_budget, "the good one comes third, and is never written"),
    (
        checks.stop_after,
        lambda s, g, m: rule(s, g, 2 * (m // 3)) if m == 2 else rule(s, g, m),
        "with a budget of 2 texts 2 are written; you say 0",
    ),
    (checks.stop_after, lambda s, g, m: rule(s[1:m], g, m, first=2, none=m), "so 1 is written"),
    (checks.stop_after, not_the_last, "the last of 3 texts is good, so 3 are written; you say 2"),
    (checks.judged, lambda p, t, n: p + n * t, "310 is the writer alone"),
    (checks.judged, lambda p, t, n: n * (p + t), "910 is the judge alone"),
    (checks.judged, lambda p, t, n: 2 * n * (p + t), "once, for all texts"),
    (checks.judged, lambda p, t, n: p + 2 * n * t, "without it, what would it judge?"),
    (checks.judged, lambda p, t, n: 2 * (p + n * t), "anew with each text"),
    (checks.judged, lambda p, t, n: p + n * (p + t), "count them twice"),
    (checks.judged, lambda p, t, n: n * t + n * (p + t), "the writer reads the prompt, too"),
    (checks.judged, lambda p, t, n: 2 * (p + t), "that is one text"),
    (checks.judged, lambda p, t, n: 1000, "1,220, you say 1000"),
    (checks.judged, lambda p, t, n: 1220, "43, you say 1220"),
]
