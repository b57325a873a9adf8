"""Search under a verifier: seconds and positions fed, against ``its-hub`` and ``crucible-ttc``.

All sides search the same problems, a new one in each round, with the lab model, the course's
process reward model and N texts at a time. The peers bring the search and ask their user for the
two models. Here those are ``transformers.generate`` and the net of our verifier, and each call
reads the problem and all steps so far, in batches as large as the peer allows: ``its-hub`` hands
over all texts of a round, ``crucible-ttc`` one text with all that is to continue it, and one text
to be scored. The surprise that our verifier wants to be told goes from one model to the other at no
cost.

Who is finished, and how many begin, is not the same everywhere: the peers' beam searches begin with
M texts instead of N, and let finished texts compete. So costs are given for each step that was
written, and how many steps that were is a row of its own. Texts of one problem begin alike, and we
read a common beginning once: there can be fewer positions than steps.

Run ``python benchmarks/bench_search.py``.
"""

from __future__ import annotations

import importlib.util
import random
import time
from collections.abc import Callable

import numpy as np
import torch
from bench_montecarlo import interleaved, row

from ttclib.lm import arithmetic
from ttclib.lm.models import load
from ttclib.particles.smc import resample, smc
from ttclib.search.methods import root_width
from ttclib.search.models import load_verifier
from ttclib.search.search import Search
from ttclib.search.selections import beam

SIZES, ROUNDS = (16, 64), 3
STEP, END = ";", "\n"
MOST_STEPS = 40  # of a solution: Snell et al. 2024
PARTICLES, BEAM = "particle filtering", "beam search"
UNITS = {
    "steps written": 1,
    "ms/step": 1e3,
    "model positions/step": 1,
    "verifier positions/step": 1,
}


class Writer:
    """The language model of a peer: it reads texts from their beginning, writes a step of each."""

    def __init__(self, lm):
        self.lm, self.steps, self.surprise = lm, 0, {}
        self.stops = [lm.vocabulary.end, *lm.vocabulary.encode(STEP)]

    def write(self, prompt: str, texts: list[str], n: int = 1) -> list[str]:
        """Write n steps for each of the texts, and note how surprising their tokens were."""
        vocabulary = self.lm.vocabulary
        rows = [vocabulary.encode(prompt + text) for text in texts]
        width = max(map(len, rows))
        out = self.lm.model.generate(
            torch.tensor([[vocabulary.end] * (width - len(row)) + row for row in rows]),
            attention_mask=torch.tensor(
                [[0] * (width - len(row)) + [1] * len(row) for row in rows]
            ),
            max_new_tokens=max(1, self.lm.context - width),
            eos_token_id=self.stops,
            pad_token_id=vocabulary.end,
            do_sample=True,
            top_k=0,
            num_return_sequences=n,
            output_logits=True,
            return_dict_in_generate=True,
        )
        new, laws = out.sequences[:, width:], torch.stack(out.logits, dim=1).log_softmax(-1)
        found = laws.gather(-1, new[..., None])[..., 0]
        surprise = torch.stack([found, -(laws.exp() * laws).sum(-1)], dim=-1).numpy()
        stopped = torch.isin(new, torch.tensor(self.stops)).long()
        lengths = (stopped.cumsum(1) - stopped == 0).sum(1).tolist()
        steps = [vocabulary.decode(row[:length]) for row, length in zip(new, lengths, strict=True)]
        for i, (step, length) in enumerate(zip(steps, lengths, strict=True)):
            before = self.surprise.get((prompt, texts[i // n]), np.empty((0, 2)))
            self.surprise[prompt, texts[i // n] + step] = np.concatenate(
                [before, surprise[i, :length]]
            )
        self.steps += len(steps)
        return [step if step.endswith(STEP) else step + END for step in steps]


class Judge:
    """The reward model of a peer: it reads problem and steps, and scores every step."""

    def __init__(self, verifier, writer: Writer):
        self.net, self.writer, self.vocabulary = verifier.net, writer, writer.lm.vocabulary

    @torch.inference_mode()
    def read(self, prompt: str, texts: list[str]) -> list[list[float]]:
        """Return the scores of each text's steps."""
        problem = len(self.vocabulary.encode(prompt))
        rows = [self.vocabulary.encode(prompt + text.removesuffix(END)) for text in texts]
        rows = [
            row if text.endswith(STEP) else [*row, self.vocabulary.end]
            for row, text in zip(rows, texts, strict=True)
        ]
        length = max(map(len, rows))
        tokens = torch.tensor([row + [0] * (length - len(row)) for row in rows])
        surprise, written = (
            torch.zeros(*tokens.shape, 2),
            torch.zeros(tokens.shape, dtype=torch.bool),
        )
        for i, text in enumerate(texts):
            noted = torch.from_numpy(self.writer.surprise[prompt, text.removesuffix(END)])
            place = slice(problem, problem + len(noted))
            surprise[i, place], written[i, place] = noted, True
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        places = torch.arange(length).expand(tokens.shape)
        logits, _ = self.net(tokens, surprise, written, places, causal)
        step = self.writer.stops[1]
        ends = [[i for i in range(len(row)) if row[i] == step or i == len(row) - 1] for row in rows]
        return [
            scores[where].tolist() for scores, where in zip(logits.sigmoid(), ends, strict=True)
        ]


def ours(lm, verifier, method: str, n: int, seed: int) -> Callable[[str], int]:
    """Return a function that searches one problem and says how many steps were written."""
    select = {PARTICLES: resample("systematic"), BEAM: beam(root_width(n))}[method]
    rng = np.random.default_rng(seed)

    def search(problem):
        populations = smc(Search(lm, arithmetic.TASK, problem, verifier), n, select, rng)
        return sum(int(np.isfinite(p.particles.scores[:, -1]).sum()) for p in populations)

    return search


def its_hub(lm, verifier, method: str, n: int) -> Callable[[str], int]:
    """Return the same with ``its-hub``."""
    from its_hub.api import AbstractLanguageModel, AbstractProcessRewardModel
    from its_hub.core.algorithms.beam_search import BeamSearch
    from its_hub.core.algorithms.particle_gibbs import ParticleFiltering
    from its_hub.core.lms.step_generation import StepGeneration

    writer = Writer(lm)
    judge = Judge(verifier, writer)

    class Model(AbstractLanguageModel):
        async def agenerate(self, messages, stop=None, **options):
            texts = [talk[1].content if talk[1:] else "" for talk in messages]
            return [{"content": step} for step in writer.write(messages[0][0].content, texts)]

    class Reward(AbstractProcessRewardModel):
        def score(self, prompt, texts):
            return [scores[-1] for scores in judge.read(prompt, texts)]

        async def ascore(self, prompt, texts):
            return self.score(prompt, texts)

    steps = StepGeneration(MOST_STEPS, STEP, END, temperature=1.0, include_stop_str_in_output=True)
    if method == PARTICLES:
        algorithm = ParticleFiltering(steps, Reward())
    else:
        algorithm = BeamSearch(steps, Reward(), n // root_width(n))

    def search(problem):
        before = writer.steps
        algorithm.infer(Model(), problem, n)
        return writer.steps - before

    return search


def crucible_ttc(lm, verifier, method: str, n: int) -> Callable[[str], int]:
    """Return the same with ``crucible-ttc``, which has beam search only."""
    from crucible.config import PolicyConfig, RunConfig
    from crucible.domain.types import Problem, Step
    from crucible.search.beam import BeamStrategy

    writer, finished = Writer(lm), r"\boxed{}"  # what it takes for the end of a text
    judge = Judge(verifier, writer)

    def text(steps):
        return "".join(step.text for step in steps).replace(finished, END)

    class Policy:
        def sample_step(self, problem, prefix, *, n, temperature, max_tokens):
            steps = writer.write(problem.prompt, [text(prefix)], n)
            return [Step(step.replace(END, finished), len(step)) for step in steps]

    class Reward:
        def score_steps(self, problem, prefix):
            return judge.read(problem.prompt, [text(prefix)])[0]

    width = root_width(n)
    config = RunConfig(
        method="beam",
        beam_width=n // width,
        beam_expansions=width,
        max_steps=MOST_STEPS,
        prm_aggregate="last",
        policy=PolicyConfig(temperature=1.0),
    )

    def search(problem):
        before = writer.steps
        BeamStrategy().search(Problem(problem, problem), Policy(), None, Reward(), config)
        return writer.steps - before

    return search


PEERS = {"its-hub": its_hub, "crucible-ttc": crucible_ttc}
CONTENDERS = {PARTICLES: ("its-hub",), BEAM: ("its-hub", "crucible-ttc")}
INSTALLED = {"its-hub": "its_hub", "crucible-ttc": "crucible"}


def metered(search, problems, embeddings) -> Callable[[], np.ndarray]:
    """Return a function that searches the next problem, and tells the quantities of ``UNITS``."""
    problems = iter(problems)

    def timed():
        fed = {embedding: [] for embedding in embeddings}
        note = lambda module, inputs, output: fed[module].append(inputs[0].numel())  # noqa: E731
        hooks = [embedding.register_forward_hook(note) for embedding in embeddings]
        start = time.perf_counter()
        steps = search(next(problems))
        seconds = time.perf_counter() - start
        for hook in hooks:
            hook.remove()
        return np.array([steps, *(np.array([seconds, *map(sum, fed.values())]) / steps)])

    return timed


def rows(sizes=SIZES, rounds: int = ROUNDS, seed: int = 0) -> list[dict]:
    """Measure, and return one row per comparison; ``target`` is the largest ratio allowed."""
    random.seed(seed)  # its-hub and torch draw from the global generators
    torch.manual_seed(seed)
    lm, verifier, table = load("lab-small"), load_verifier("prm"), []
    # of 2 operations to warm up, then of 3, 4, 5
    problems = [
        f"{text}?" for text in arithmetic.problems("test", rounds + 1, np.random.default_rng(seed))
    ]
    theirs = lm.model.get_input_embeddings(), verifier.net.body.embed
    mine = lm.ours.embed, verifier.net.body.embed
    for method, n in [(method, n) for method in CONTENDERS for n in sizes]:
        contenders = {"ours": metered(ours(lm, verifier, method, n, seed), problems, mine)}
        for peer in CONTENDERS[method]:
            if importlib.util.find_spec(INSTALLED[peer]):
                contenders[peer] = metered(PEERS[peer](lm, verifier, method, n), problems, theirs)
        spent = {
            name: np.array(turns).T.tolist()
            for name, turns in interleaved(contenders, rounds).items()
        }
        for peer in CONTENDERS[method]:
            reference = spent.get(peer, spent["ours"])
            for (unit, scale), us, them in zip(
                UNITS.items(), spent["ours"], reference, strict=True
            ):
                target = None if unit == "steps written" else 1.0
                line = row(f"{method}, N = {n}", unit, scale, us, peer, them, target)
                table.append(line if peer in spent else line | {"reference": None, "ratio": None})
    return table


if __name__ == "__main__":
    for line in rows():
        print(line)
