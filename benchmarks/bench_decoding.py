"""The decoding loop: against ``transformers.generate``, and against the matrix products it is made
of.

Two cases. Samples of a *usual problem* begin alike, and the loop feeds a common beginning once.
Samples that *share little* are drawn at temperature 3 and never end, so that there both sides feed
every sample for itself: the worst case, which has no target. Positions fed are counted in the
model's embedding, padding included. The library is measured as it comes: the same model, number
type and threads, and its own cache, which grows; the one of fixed size is no quicker here.

Run ``python benchmarks/bench_decoding.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from bench_montecarlo import interleaved, row

from ttclib.lm import samplers
from ttclib.lm.decoding import sample
from ttclib.lm.models import load
from ttclib.lm.pretrained import smollm2_fault

PROBLEM = "(60-24+(19+10))*14?"
SIZES, TOKENS, TEMPERATURE = (16, 64, 256), 64, 3.0
ROUNDS = 9
LIBRARY = "transformers.generate"


def positions_fed(embedding: torch.nn.Module, run: Callable[[], object]) -> int:
    """Count the positions that a model looks up in its embedding during ``run``."""
    fed = []
    hook = embedding.register_forward_hook(
        lambda module, inputs, output: fed.append(inputs[0].numel())
    )
    run()
    hook.remove()
    return sum(fed)


def per(run: Callable[[], float]) -> Callable[[], float]:
    """Return a function that tells the seconds for each unit of what ``run`` says it did."""

    def timed():
        start = time.perf_counter()
        done = run()
        return (time.perf_counter() - start) / done

    return timed


def generate(lm, prompt: str, n: int, **options) -> int:
    """Let the library sample n texts, and return how many tokens they have, their ends included."""
    tokens, end = torch.tensor([lm.vocabulary.encode(prompt)]), lm.vocabulary.end
    options |= {"do_sample": True, "top_k": 0, "num_return_sequences": n}
    texts = lm.model.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        eos_token_id=end,
        pad_token_id=end,
        **options,
    )
    ends = (texts[:, tokens.shape[1] :] == end).long()
    return int((ends.cumsum(1) - ends == 0).sum())


def endless(lm) -> samplers.Sampler:
    """Sample at a high temperature, and never the end."""
    flatten = samplers.temperature(TEMPERATURE)

    def cut(log_probs):
        log_probs = log_probs.copy()
        log_probs[:, lm.vocabulary.end] = -np.inf
        return flatten(samplers.renormalise(log_probs))

    return cut


def library_rows(what, lm, prompt, n, ours, theirs, rounds, seed, target=None) -> list[dict]:
    """Compare seconds a token and positions fed; ``ours``, ``theirs`` are each side's options."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)  # the library draws from the global generator
    draw = lambda: sample(lm, prompt, n, rng, **ours).spent.lm_tokens  # noqa: E731
    library = lambda: generate(lm, prompt, n, **theirs)  # noqa: E731
    seconds = interleaved({"ours": per(draw), LIBRARY: per(library)}, rounds)
    embedding = lm.model.get_input_embeddings()
    fed = (
        [positions_fed(lm.ours.embed if lm.ours else embedding, draw)],
        [positions_fed(embedding, library)],
    )
    what = f"{what}, n = {n}"
    return [
        row(what, "µs/token", 1e6, seconds["ours"], LIBRARY, seconds[LIBRARY], target),
        row(what, "positions fed", 1, fed[0], LIBRARY, fed[1]),
    ]


def lab_rows(lm, n: int, rounds: int, seed: int) -> list[dict]:
    target = 0.5 if n >= 64 else None
    room = {"max_new_tokens": lm.context - len(PROBLEM)}
    usual = library_rows("usual problem", lm, PROBLEM, n, {}, room, rounds, seed, target)
    ours = {"max_tokens": TOKENS, "sampler": endless(lm)}
    theirs = {
        "max_new_tokens": TOKENS,
        "temperature": TEMPERATURE,
        "suppress_tokens": [lm.vocabulary.end],
    }
    return usual + library_rows("sharing little", lm, PROBLEM, n, ours, theirs, rounds, seed)


def smollm2_rows(n: int, tokens: int, rounds: int, seed: int) -> list[dict]:
    what, target = f"SmolLM2, {tokens} tokens", 1 / 1.5
    if smollm2_fault():
        absent = {
            "ours": None,
            "against": LIBRARY,
            "reference": None,
            "ratio": None,
            "target": target,
        }
        return [{"what": f"{what}, n = {n}", "unit": "µs/token"} | absent]
    lm, ours, theirs = load("smollm2"), {"max_tokens": tokens}, {"max_new_tokens": tokens}
    return library_rows(what, lm, "The weather today is", n, ours, theirs, rounds, seed, target)


def product_rows(lm, n: int, rounds: int, seed: int) -> list[dict]:
    """Compare seconds a FLOP of feeding n rows, and of the whole loop, with plain matrix products.

    The products are those of the model's own shapes, n rows times every weight matrix; the loop
    also attends, normalises, samples and keeps its books.
    """
    rng = np.random.default_rng(seed)
    prompt = lm.vocabulary.encode(PROBLEM)
    # the embedding is one of them: the head multiplies with it
    weights = [weight.detach().T for weight in lm.ours.parameters() if weight.ndim == 2]
    factors = [(torch.randn(n, len(weight)), weight) for weight in weights]

    def multiply():
        for _ in range(TOKENS):
            for rows, weight in factors:
                torch.mm(rows, weight)
        return 2 * TOKENS * n * sum(weight.numel() for weight in weights)

    def feed():
        session = lm.start([prompt], len(prompt) + TOKENS)
        rows, flops = np.zeros(n, dtype=int), session.flops.sum()
        for tokens in rng.integers(2, len(lm.vocabulary), (TOKENS, n)):
            rows, _ = session.feed(rows, tokens)
            flops += session.flops.sum()
        return flops

    def loop():
        return sample(lm, PROBLEM, n, rng, max_tokens=TOKENS, sampler=endless(lm)).spent.lm_flops

    contenders = {"products": multiply, f"feeding {n} rows": feed, f"sharing little, n = {n}": loop}
    seconds = interleaved({name: per(run) for name, run in contenders.items()}, rounds)
    against = "matrix products of its shapes", seconds.pop("products"), 5.0
    return [row(what, "ms/GFLOP", 1e12, times, *against) for what, times in seconds.items()]


def rows(sizes=SIZES, rounds: int = ROUNDS, seed: int = 0) -> list[dict]:
    """Measure, and return one row per comparison; ``target`` is the largest ratio allowed."""
    lm = load("lab-small")
    table = [line for n in sizes for line in lab_rows(lm, n, rounds, seed)]
    table += [line for n in sizes[1:] for line in product_rows(lm, n, rounds, seed)]
    return table + smollm2_rows(16, 24, rounds, seed)


if __name__ == "__main__":
    for line in rows():
        print(line)
