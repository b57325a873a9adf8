"""A reviser whose chains of attempts are a two-state chain, right and wrong, that is known."""

import functools

import numpy as np
from tiny_lm import TinyLM

from ttclib.course.revisions.attempts import CONTEXT
from ttclib.course.revisions.turns import Turns
from ttclib.lm import tokenizer
from ttclib.lm.arithmetic import END, TASK
from ttclib.lm.vocabulary import Vocabulary

FIRST = 0.4
STEP = Turns(righted=0.3, spoiled=0.2)
PROBLEMS = ["1+1", "2+1", "(1+1)*2"]


class Reviser(TinyLM):
    """It answers #value or #0, and how likely each is hangs on its last attempt alone."""

    vocabulary = Vocabulary.of(tokenizer.build(), len(tokenizer.VOCABULARY))

    def __init__(self, context=CONTEXT, first=FIRST, step=STEP):
        self.context = context
        self.first = first
        self.step = step
        self.distribution = functools.cache(self._distribution)
        self.heard = []

    def start(self, prompts, length):
        letters = list(tokenizer.VOCABULARY)
        self.heard.append(["".join(letters[token] for token in prompt) for prompt in prompts])
        return super().start(prompts, length)

    def _distribution(self, prefix):
        letters = list(tokenizer.VOCABULARY)
        *before, now = "".join(letters[token] for token in prefix).split(END)
        problem, _, written = now.partition("?")
        value = str(TASK.reference(problem))
        right = self.first
        if before:
            last = before[-1] == f"{problem}?#{value}"
            right = 1 - self.step.spoiled if last else self.step.righted
        law = np.zeros(len(letters))
        if written == "#":
            law[letters.index(value)] = right
            law[letters.index("0")] = 1 - right
        else:
            law[letters.index(END if written else "#")] = 1.0
        return law
