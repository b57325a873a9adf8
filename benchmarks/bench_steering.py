"""SMC over a language model: positions fed, against ``llamppl`` and ``genlm-control``.

The task: the first 64 characters of a solution by the lab model, without a 7 and without an end; 16
particles, the locally optimal proposal, systematic resampling when the effective sample size falls
under half. All three estimate the same evidence. Positions are counted in the model's embedding.

The peers run on their CPU backend as its authors advise, with the prompt in the cache
(``cache_kv``). It asks once for texts that are equal, but reads all behind the prompt again for
every token.

Run ``python benchmarks/bench_steering.py``.
"""

from __future__ import annotations

import asyncio
import copy
import importlib.util

import numpy as np
from bench_decoding import positions_fed
from bench_montecarlo import row

from ttclib.lm import samplers
from ttclib.lm.automata import Automaton
from ttclib.lm.decoding import Decoder
from ttclib.lm.models import load
from ttclib.particles.smc import resample, smc, when_ess_below

PROBLEM = "(98-87)*84-(28*30-51-(6+8))?"
PARTICLES, TOKENS, THRESHOLD = 16, 64, 0.5
TEMPERATURES = {"usual": 1.0, "sharing little": 3.0}


def allowed(lm) -> list[int]:
    """Tokens that have a text, and not a 7."""
    return [token for token, text in enumerate(lm.vocabulary.texts) if text not in (None, "7")]


def ours(lm, temperature: float, seed: int) -> float:
    """Run the task, and return the log evidence."""
    after = np.full((1, len(lm.vocabulary)), -1)
    after[0, allowed(lm)] = 0
    mask, sampler = Automaton(after, [0.0], [0.0]), samplers.temperature(temperature)
    task = Decoder(lm, PROBLEM, [mask], sampler=sampler, max_tokens=TOKENS)
    select = when_ess_below(THRESHOLD, resample("systematic"))
    *_, last = smc(task, PARTICLES, select, np.random.default_rng(seed))
    return last.log_evidence


def backend(lm):
    """Return the model as both peers take it, with the prompt in the cache."""
    from genlm.backend.llm import AsyncTransformer
    from tokenizers import decoders

    tokenizer = copy.deepcopy(lm.vocabulary.tokenizer)
    # they ask how tokens spell bytes: one letter each
    tokenizer.backend_tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Fuse()]
    )
    model = AsyncTransformer(lm.model, tokenizer)
    model.cache_kv(lm.vocabulary.encode(PROBLEM))
    return model


def llamppl(lm, temperature: float, seed: int) -> float:
    """Run the task in ``llamppl``."""
    from llamppl import CachedCausalLM, LMContext, Model, smc_standard

    class Task(Model):
        def __init__(self, model):
            super().__init__()
            self.context = LMContext(model, PROBLEM, temperature)

        async def step(self):
            await self.observe(self.context.mask_dist(mask), True)
            await self.sample(self.context.next_token())
            if self.context.token_count == TOKENS:
                self.finish()

    np.random.seed(seed)  # noqa: NPY002 - that package draws from the global generator
    mask, task = set(allowed(lm)), Task(CachedCausalLM(backend(lm)))
    particles = asyncio.run(
        smc_standard(task, PARTICLES, THRESHOLD, resampling_method="systematic")
    )
    return float(np.logaddexp.reduce([p.weight for p in particles]) - np.log(PARTICLES))


def genlm_control(lm, temperature: float, seed: int) -> float:
    """Run the task in ``genlm-control``."""
    from genlm.control import Potential, PromptedLLM, direct_token_sampler

    class Mask(Potential):
        """Weighs every text of its vocabulary 1; a product has the vocabulary of both factors."""

        async def prefix(self, context):
            return 0.0

        async def complete(self, context):
            return 0.0

        async def logw_next(self, context):
            return self.make_lazy_weights(np.append(np.zeros(len(self.vocab)), -np.inf))  # no end

    np.random.seed(seed)  # noqa: NPY002
    model = PromptedLLM(backend(lm), lm.vocabulary.encode(PROBLEM), temperature=temperature)
    target = model * Mask(model.decode_tokens(allowed(lm)))
    options = {
        "terminate_when": lambda text: len(text) == TOKENS,
        "resampling_method": "systematic",
    }
    run = direct_token_sampler(target).smc(PARTICLES, THRESHOLD, TOKENS + 1, **options)
    return float(asyncio.run(run).log_ml)


PEERS = {"llamppl": llamppl, "genlm-control": genlm_control}


def rows(rounds: int = 5, seed: int = 0) -> list[dict]:
    """Count, and return one row per comparison; ``target`` is the largest ratio allowed."""
    lm, table = load("lab-small"), []
    installed = importlib.util.find_spec("llamppl") and importlib.util.find_spec("genlm")
    for name, temperature in TEMPERATURES.items():

        def fed(task, embedding, temperature=temperature):
            runs = range(seed, seed + rounds)
            return [positions_fed(embedding, lambda s=s: task(lm, temperature, s)) for s in runs]

        mine, what = (
            fed(ours, lm.ours.embed),
            f"SMC, {name}, {PARTICLES} particles × {TOKENS} tokens",
        )
        for peer, task in PEERS.items():
            theirs = fed(task, lm.model.get_input_embeddings()) if installed else mine
            line = row(what, "positions fed", 1, mine, peer, theirs, 0.1)
            table.append(line if installed else line | {"reference": None, "ratio": None})
    return table


if __name__ == "__main__":
    for line in rows():
        print(line)
