"""A language model that solves problems with slips of the pen, and a judge of its steps: no
weights.

Both are found by other processes through ``load``.
"""

import functools
import time

import numpy as np
from tiny_lm import TinyLM

from ttclib.lm import arithmetic
from ttclib.lm.vocabulary import Vocabulary
from ttclib.search.protocols import Reading


class NoisySolver(TinyLM):
    """It writes the solution, but one digit in five is any digit. ``pause``: seconds before it
    starts.
    """

    context = arithmetic.MAX_LENGTH
    vocabulary = Vocabulary([*arithmetic.ALPHABET, None], len(arithmetic.ALPHABET))

    def __init__(self, pause=0.0):
        self.distribution, self.pause = functools.cache(self._distribution), pause

    def _distribution(self, prefix):
        problem, _, written = self.vocabulary.decode(prefix).partition("?")
        rest = solution(problem)[len(written) :]
        distribution = np.full(len(self.vocabulary), 1e-12)  # an entropy needs logarithms
        if not rest:
            distribution[self.vocabulary.end] += 1.0
        elif rest[0].isdigit():
            distribution[:10] += 0.02
            distribution[int(rest[0])] += 0.8
        else:
            distribution[arithmetic.ALPHABET.index(rest[0])] += 1.0
        return distribution / distribution.sum()

    def start(self, prompts, length):
        time.sleep(self.pause)
        return super().start(prompts, length)


@functools.cache
def solution(problem):
    return arithmetic.solve(arithmetic.parse(problem))


class Judge:
    """It sees the share of right characters, through some noise of its own; a character is a
    position.
    """

    def __init__(self, noise):
        self.noise = noise

    def start(self, lm, task, problems, length):
        self.problems = problems
        return self

    def score(self, problem, written):
        right = np.mean([a == b for a, b in zip(written, solution(problem), strict=False)])
        luck = np.random.default_rng(list(f"{problem}{written}".encode())).random()
        return (1 - self.noise) * right**4 + self.noise * luck

    def read(self, texts, chosen, keep=False):
        scores, known, paid = [], set(), np.zeros((len(chosen), 2))
        for row, i in enumerate(chosen):
            tokens = texts.tokens[i, : texts.lengths[i]]
            problem = self.problems[texts.prompt[i]]
            scores.append(self.score(problem, NoisySolver.vocabulary.decode(tokens)))
            if (problem, tokens.tobytes()) not in known:
                known.add((problem, tokens.tobytes()))
                paid[row, 0] = texts.lengths[i] - texts.begun[i]
        return Reading(np.array(scores), paid)


@functools.cache
def load(name, pause=0.0):
    if name == "lab-small":
        return NoisySolver(pause)
    return Judge({"prm": 0.3, "prm-tokens": 0.9}[name])


def load_slowly(name):
    return load(name, 0.1)
