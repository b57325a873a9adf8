"""The target of a search under a verifier, by hand."""

import math

from enumerated import masses, spell
from tiny_verifiers import opinion

PLAIN = {
    "last": lambda scores: scores[-1],
    "min": min,
    "product": math.prod,
    "mean": lambda scores: sum(scores) / len(scores),
}

VERIFIERS = {
    "strictly between": opinion,
    "right or wrong": lambda problem, text: float(text.count("a") % 2 == 1 or len(text) < 2),
    "with zeros": lambda problem, text: 0.0 if "bb" in text else 0.9 if "ab" in text else 0.4,
    "even": lambda problem, text: 0.5,
}
POWERS = {
    "plain": lambda t: 1.0,
    "annealed": lambda t: (t + 1) / 4,
    "silent": lambda t: 0.0,
    "squared": lambda t: 2.0,
}


def scores_of(vocabulary, tokens, score, problem, until=";"):
    """What a verifier says after every step of one text."""
    ends = [
        i for i, token in enumerate(tokens, 1) if set(vocabulary.texts[token] or "") & set(until)
    ]
    ends += [] if len(tokens) in ends else [len(tokens)]
    return [score(problem, spell(vocabulary, tokens[:i])) for i in ends]


def target(lm, problem, score, aggregate, until, power=POWERS["plain"], **options):
    """Mass of every text: p(x) · aggregate(x), zero if it was given up on the way."""
    plain, exact = PLAIN[aggregate], {}
    for tokens, mass in masses(
        lm, lm.vocabulary.encode(problem), lambda text: 1.0, **options
    ).items():
        scores = scores_of(lm.vocabulary, tokens, score, problem, until)
        given_up = any(plain(scores[: t + 1]) == 0 and power(t) > 0 for t in range(len(scores) - 1))
        exact[tokens] = 0.0 if given_up else mass * plain(scores)
    return exact
