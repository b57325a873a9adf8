"""Two writers of short sums that differ in what they keep: a fixed state, or every token.

Both learn from the same texts in the same order, and search in the same loop. The sums are those of
the lab models, with small numbers, as a casting out of nines can judge them on the way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from ttclib.course.what_a_token_costs.mixers import Chain, Selective, ShortConvolution, Stack
from ttclib.course.what_a_token_costs.recurrent_lm import RecurrentLM
from ttclib.inputs import one_of
from ttclib.lm import arithmetic, tokenizer
from ttclib.lm.decoding import Decoder
from ttclib.lm.engine import CausalLM
from ttclib.lm.llama import Llama, Shape
from ttclib.lm.potentials import Feature
from ttclib.lm.protocols import LanguageModel
from ttclib.lm.training import IGNORE, batch_of, descend
from ttclib.lm.vocabulary import Vocabulary
from ttclib.measure import votes
from ttclib.particles.islands import split, within
from ttclib.particles.smc import Selection, run
from ttclib.search import results

SIZES = (1, 1, 2)  # digits of a number, as often as they are drawn
CONTEXT = 64
METHODS = ("majority", "nines, no selection", "nines, SMC")


def small_sums(
    split: str, n: int, rng: np.random.Generator, operations: Sequence[int]
) -> list[str]:
    """Draw different problems with numbers of one or two digits."""
    found: dict[str, None] = {}
    for text in arithmetic.drawn(split, n, rng, operations, lambda: SIZES, found):
        found[text] = None
    return list(found)


def writer(kind: str, width: int, layers: int, heads: int, state: int, hidden: int, seed: int):
    """Build a model: ``"selective"``, a stack with a fixed state, or ``"attention"``, a Llama."""
    size = len(tokenizer.VOCABULARY)
    if kind == "attention":
        return Llama(Shape(size, width, layers, heads, hidden, CONTEXT), seed)
    mixers = [Chain(ShortConvolution(width), Selective(width, heads, state)) for _ in range(layers)]
    return Stack(size, width, mixers, hidden, seed)


def decodable(model: nn.Module) -> LanguageModel:
    """Return the model as a language model of the loop."""
    words = tokenizer.build()
    if isinstance(model, Llama):
        return CausalLM(model, words)
    return RecurrentLM(model, Vocabulary.of(words), CONTEXT)


def side_by_side(problems: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Write solved problems into rows: tokens and what is to be predicted, (problems, longest).

    A row has one text, and only its solution is to be learned.
    """
    texts = [tokenizer.encode(arithmetic.example(problem)) for problem in problems]
    tokens = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.long)
    targets = torch.full_like(tokens, IGNORE)
    for row, (problem, text) in enumerate(zip(problems, texts, strict=True)):
        tokens[row, : len(text)] = torch.tensor(text)
        targets[row, len(problem) : len(text) - 1] = tokens[row, len(problem) + 1 : len(text)]
    return tokens, targets


def learn(
    model: nn.Module,
    problems: Sequence[str],
    *,
    batch: int,
    steps: int,
    learning_rate: float,
    checkpoint: Path | None = None,
) -> float:
    """Train a model in place, or go on from its checkpoint; return the seconds it took."""
    tokens, targets = side_by_side(problems)
    ends = (targets != IGNORE).nonzero()
    longest = torch.zeros(len(tokens), dtype=torch.long)
    longest[ends[:, 0]] = ends[:, 1] + 1  # in order: the last of a row stays

    def loss_at(step):
        rows = batch_of(len(tokens), batch, step, seed=0)
        until = int(longest[rows].max())
        read = model if isinstance(model, Llama) else model.parallel
        logits = read(tokens[rows, :until]).flatten(0, 1)
        return F.cross_entropy(logits, targets[rows, :until].flatten(), ignore_index=IGNORE)

    seconds = descend(
        model.train(),
        loss_at,
        steps=steps,
        learning_rate=learning_rate,
        checkpoint=checkpoint,
        owner=[tokens.numpy(), targets.numpy(), batch],
    )
    model.eval()
    return seconds


class Solved(NamedTuple):
    """Which problems came out right, and the tokens that were written for all."""

    right: np.ndarray
    tokens: int


def solve(
    lm: LanguageModel,
    problems: Sequence[str],
    potentials: Sequence[Feature],
    n: int,
    select: Selection,
    rng: np.random.Generator,
) -> Solved:
    """Write n texts for each problem, step by step, and let their weights vote.

    Parameters
    ----------
    potentials : sequence of Feature
        None, so that all texts weigh the same, or such as a doubt about wrong steps.
    select : callable
        After each step, among the texts of a problem.
    """
    prompts = [arithmetic.TASK.prompt(problem) for problem in problems]
    decoder = Decoder(lm, prompts, potentials, until=arithmetic.TASK.step_end)
    islands = len(problems)
    last = run(decoder, n * islands, within(islands, select), rng)[-1]
    texts = decoder.texts(last.particles)
    right = []
    for i, island in enumerate(split(last, islands)):
        answers = [arithmetic.answer(text) for text in texts[i::islands]]
        said = votes.weighted_majority(answers, island.weights)
        right.append(arithmetic.TASK.right(problems[i], said))
    return Solved(np.array(right), last.spent.lm_tokens)


def load_writer(folder: Path, kind: str) -> LanguageModel:
    """Read a writer from the artefact ``fork-writers``: ``"selective"`` or ``"attention"``."""
    sizes = json.loads((Path(folder) / "sizes.json").read_text(encoding="utf-8"))
    model = writer(one_of("kind", kind, sizes), **sizes[kind], seed=0)
    state = load_file(Path(folder) / f"{kind}.safetensors")
    model.load_state_dict({name: weight.float() for name, weight in state.items()})
    return decodable(model)


def shares(columns: results.Columns, model: str, method: str, budgets: Sequence[int]) -> np.ndarray:
    """Share of problems solved by each seed at each budget, (seeds, budgets)."""
    mine = results.where(columns, model=model, method=method)
    seeds = np.unique(mine["seed"])
    return np.array(
        [
            [mine["right"][(mine["seed"] == seed) & (mine["n"] == n)].mean() for n in budgets]
            for seed in seeds
        ]
    )
