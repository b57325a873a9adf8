"""Train letter models: a trunk at a rate that no budget ends, and a branch for each budget.

A branch starts from the trunk at four fifths of its budget and lets the rate fall to zero. So one
run measures every budget as if it had been planned for that budget alone, at little more than the
price of the largest. A cosine, as most papers use it, is planned for one budget; what it shows on
the way there is something else.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ttclib.course.three_scaling_laws.language import LENGTH, Words
from ttclib.course.three_scaling_laws.letter_model import Adam, LetterModel
from ttclib.inputs import one_of, real_number

BATCH = 128  # words
PEAK = 0.04  # learning rate of a model of at most 31 neurons a layer, at BATCH
COSINE_PEAK = 0.5  # of PEAK: what ends at zero late must not begin as high
WARM_UP = 25_600  # letters
FALL = 51_200  # letters after which the trunk's rate has fallen by a factor of √2
BEND = 0.8  # share of a budget at which its branch starts
TRUNK = "trunk"
COSINE = "cosine"
TEXTS = ("fresh", "even", "noise", "epochs", "primer", "common first", "rare first")
EASY = 100  # words of a primer, the most common ones

Text = Callable[[int], np.ndarray]
Rate = Callable[[int], float]


@dataclass(frozen=True)
class Run:
    """One training, and where it is measured.

    Attributes
    ----------
    hidden, depth : int
        Shape of the model.
    letters : tuple of int
        Budgets, rising: where the loss is measured.
    schedule : str
        ``"trunk"`` with a branch for each budget; or ``"cosine"``, planned for ``horizon`` letters.
    horizon : int
        0 for a trunk.
    batch : int
        Words.
    text : str
        One of :data:`TEXTS`.
    amount : float
        Share of noise, number of epochs, share of the primer; else 0.
    seed : int
        Of the model and of the text. Equal seeds read the same text, whatever the model.
    """

    hidden: int
    letters: tuple[int, ...]
    seed: int
    depth: int = 2
    schedule: str = TRUNK
    horizon: int = 0
    batch: int = BATCH
    text: str = "fresh"
    amount: float = 0.0


def rate_of(run: Run) -> Rate:
    """Return the learning rate of a run before any branch: a function of the number of the step."""
    a_step = run.batch * LENGTH
    peak = PEAK * min(1.0, math.sqrt(31 / run.hidden)) * math.sqrt(run.batch / BATCH)
    cosine = one_of("schedule", run.schedule, (TRUNK, COSINE)) == COSINE

    def rate(step: int) -> float:
        read = step * a_step
        warm = min(1.0, (read + a_step) / WARM_UP)
        if cosine:
            return COSINE_PEAK * peak * warm * (1 + math.cos(math.pi * read / run.horizon)) / 2
        return peak * warm / math.sqrt(1 + read / FALL)

    return rate


def branch_rate(rate: Rate, bend: int, steps: int) -> Rate:
    """Let a rate fall in a straight line from step ``bend`` to zero after the last of ``steps``."""
    return lambda step: rate(bend) * (steps - step) / (steps - bend + 1)


def learn(model: LetterModel, adam: Adam, text: Text, steps: Iterable[int], rate: Rate) -> None:
    """Take steps: read the batch of each, and move the weights."""
    for step in steps:
        adam.step(model.weights, model.gradient(text(step)), rate(step))


def train(run: Run, language: Words, elsewhere: Words | None = None) -> list[dict[str, float]]:
    """Carry out a run; return what it measures at each budget.

    Parameters
    ----------
    run : Run
    language : Words
        What it reads.
    elsewhere : Words, optional
        Another language of the same letters, in which it is measured as well.

    Returns
    -------
    list of dict
        ``letters``; the exact ``loss`` at the end of the branch and, ``undecayed``, of the trunk at
        the same number of letters (of a cosine both are the same); the loss ``elsewhere``.
    """
    model = LetterModel(run.hidden, np.random.default_rng([run.seed, 0]), run.depth)
    adam = Adam(len(model.weights))
    text = text_of(run, language)
    rate = rate_of(run)
    found = []
    done = 0
    for letters in run.letters:
        steps = letters // (LENGTH * run.batch)
        bend = max(done, int(BEND * steps)) if run.schedule == TRUNK else steps
        learn(model, adam, text, range(done, bend), rate)
        branch = copy.deepcopy(model)
        branch.parts = branch.cut(branch.weights)
        learn(branch, copy.deepcopy(adam), text, range(bend, steps), branch_rate(rate, bend, steps))
        learn(model, adam, text, range(bend, steps), rate)
        done = steps
        said = language.predictions(branch.log_probs)
        row = {"letters": letters, "loss": language.loss(said)}
        row["undecayed"] = row["loss"]
        if run.schedule == TRUNK:
            row["undecayed"] = language.loss(language.predictions(model.log_probs))
        if elsewhere is not None:
            row["elsewhere"] = elsewhere.loss(said)
        found.append(row)
    return found


# ---- texts ---------------------------------------------------------------------------------------


def text_of(run: Run, language: Words) -> Text:
    """Return the text of a run: a function of the number of a batch, ints (batch, 4).

    A fresh text never ends. The others are written for the last budget.
    """
    if one_of("text", run.text, TEXTS) == "fresh":
        return lambda step: language.sample(run.batch, np.random.default_rng([run.seed, 1, step]))
    words = whole_text(run, language)
    return lambda step: words[step * run.batch : (step + 1) * run.batch]


def whole_text(run: Run, language: Words) -> np.ndarray:
    """Write the text of a run to its end, ints (words, 4).

    - ``even``: every word as often as its probability says, to within one (systematic draws, as in
      the resampling of notebook 04), in random order;
    - ``noise``: a share ``amount`` of the words is replaced by any strings of letters;
    - ``epochs``: one part in ``amount`` of the text, read ``amount`` times, each time shuffled;
    - ``primer``: a share ``amount`` of the text has only the 100 most common words, and the rest is
      as always;
    - ``common first`` and ``rare first``: the same words in the order of their ranks.
    """
    n = max(run.letters) // LENGTH
    rng = np.random.default_rng([run.seed, 2])
    ranks = language.ranks(rng.random(n))
    amount = real_number("amount", run.amount, 0.0)
    if run.text == "even":
        ranks = rng.permutation(language.ranks((np.arange(n) + rng.random()) / n))
    elif run.text == "primer":
        easy = language.of_rank[:EASY].cumsum()
        first = int(amount * n)
        ranks[:first] = np.searchsorted(easy, rng.random(first) * easy[-1])
    elif run.text == "epochs":
        part = ranks[: -(-n // int(amount))]
        ranks = np.concatenate([rng.permutation(part) for _ in range(int(amount))])[:n]
    elif run.text in ("common first", "rare first"):
        ranks = np.sort(ranks)[:: 1 if run.text == "common first" else -1]
    words = language.word_of_rank[ranks]
    if run.text == "noise":
        noisy = rng.random(n) < amount
        words[noisy] = rng.integers(language.joint.size, size=noisy.sum())
    return language.spell(words)


def budgets(first: int, last: int) -> tuple[int, ...]:
    """Return 2^first, 2^(first + 1), …, 2^last letters."""
    return tuple(2**k for k in range(first, last + 1))
