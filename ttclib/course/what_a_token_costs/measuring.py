"""What a token costs in seconds and bytes: mixers of one size, in training and in generation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ttclib.course.what_a_token_costs import mixers
from ttclib.inputs import one_of
from ttclib.search import results

TRAINING = "training"  # a text read at once, and the gradient of what was said
GENERATION = "generation"  # one more token after a text
ATTENTION = "attention"
FUSED = "fused attention"
NO_CACHE = "attention, no cache"
ONE_KV_HEAD = "attention, 1 KV head"
WINDOW = "attention, window"
RETENTION = "retention"
CHUNKS = "retention, chunks"
STEPS = "retention, steps"
SELECTIVE = "selective"
SELECTIVE_CHUNKS = "selective, chunks"
TIME_INVARIANT = "time-invariant"
CONTENDERS = {
    TRAINING: (ATTENTION, FUSED, RETENTION, CHUNKS, STEPS, SELECTIVE_CHUNKS, TIME_INVARIANT),
    GENERATION: (
        NO_CACHE,
        ATTENTION,
        FUSED,
        ONE_KV_HEAD,
        WINDOW,
        RETENTION,
        SELECTIVE,
        TIME_INVARIANT,
    ),
}


def mixer_named(name: str, width: int, heads: int, window: int = 256) -> mixers.Mixer:
    """Return the mixer that a contender runs, with drawn weights."""
    made = {
        FUSED: lambda: mixers.FusedAttention(width, heads),
        ONE_KV_HEAD: lambda: mixers.Attention(width, heads, kv_heads=1),
        WINDOW: lambda: mixers.Attention(width, heads, window=window),
        TIME_INVARIANT: lambda: mixers.TimeInvariant(width),
        ATTENTION: lambda: mixers.Attention(width, heads),
        RETENTION: lambda: mixers.Retention(width, heads),
        SELECTIVE: lambda: mixers.Selective(width, heads, width // heads),
    }
    plain = name if name in made else name.split(",")[0]
    one_of("name", plain, made)
    return mixers.draw_weights(made[plain](), 0)


def read_state(mixer: mixers.Mixer, tokens: int):
    """Return a state of the form it has after so many tokens, filled with noise, of one row."""
    rng = torch.Generator().manual_seed(0)
    if isinstance(mixer, mixers.Attention):
        kept = min(tokens, mixer.window)
        keys = torch.randn(2, 1, mixer.kv_heads, kept, mixer.size, generator=rng)
        return keys[0], keys[1], torch.full((1, 1, 1), tokens)
    (first,) = mixer.step(torch.zeros(1, mixer.width))[1]
    return (torch.randn(first.shape, generator=rng),)


def run_of(
    form: str, name: str, length: int, width: int, heads: int, chunk: int
) -> Callable[[], object]:
    """Return a function that does the work of a contender once, on a text of one row."""
    mixer = mixer_named(name, width, heads)
    x = torch.randn(1, length, width, generator=torch.Generator().manual_seed(1))
    if form == TRAINING:
        weights = list(mixer.parameters())

        def said():
            if name in (CHUNKS, SELECTIVE_CHUNKS):
                return mixer.chunkwise(x, chunk)
            return mixers.stepwise(mixer, x)[0] if name == STEPS else mixer.parallel(x)

        return lambda: torch.autograd.grad(said().square().sum(), weights)
    if name == NO_CACHE:
        return lambda: mixer.parallel(x)[:, -1]
    state = read_state(mixer, length)
    return lambda: mixer.step(x[:, -1], state)


def peak_bytes(run: Callable[[], object]) -> int:
    """Count the bytes that a run holds at most, besides what there was before: each allocation."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as seen:
        run()
    events = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return int(max(np.cumsum([0] + [event.nbytes() for event in events])))


def seconds_of(run: Callable[[], object], least: float) -> float:
    """Shortest of the calls that fit into ``least`` seconds, and of one at least.

    Seconds of the processor: what else the machine does in the meantime does not count.
    """
    best = float("inf")
    end = time.process_time() + least
    while True:
        start = time.process_time()
        run()
        now = time.process_time()
        best = min(best, now - start)
        if now > end:
            return best


@dataclass(frozen=True)
class Cost:
    """What a contender cost, by length of the text.

    Attributes
    ----------
    tokens : numpy.ndarray of int, shape (lengths,)
    seconds : numpy.ndarray, shape (lengths,)
        Of the best round.
    rounds : numpy.ndarray, shape (lengths, rounds)
        Seconds of each.
    bytes : numpy.ndarray, shape (lengths,)
        Held at most, besides what there was before.
    """

    tokens: np.ndarray
    seconds: np.ndarray
    rounds: np.ndarray
    bytes: np.ndarray


def crossing(record: Mapping[tuple[str, str], Cost], form: str, slow: str, fast: str) -> int | None:
    """Return the shortest length measured from which ``fast`` is always the faster, if any."""
    one, other = record[form, slow], record[form, fast]
    both = min(len(one.tokens), len(other.tokens))  # a contender is measured up to some length
    ahead = other.seconds[:both] < one.seconds[:both]
    behind = np.flatnonzero(~ahead)
    first = behind[-1] + 1 if len(behind) else 0
    return int(one.tokens[first]) if first < both else None


def read_costs(folder: Path) -> dict[tuple[str, str], Cost]:
    """Read the record, by form and contender."""
    table = results.read(folder, "costs")
    found = {}
    for form, names in CONTENDERS.items():
        for name in names:
            rows = results.where(table, form=form, mixer=name)
            order = np.lexsort([rows["round"], rows["length"]])
            rounds = len(np.unique(rows["round"]))
            seconds = rows["seconds"][order].reshape(-1, rounds)
            tokens = rows["length"][order][::rounds]
            held = rows["bytes"][order][::rounds]
            found[form, name] = Cost(tokens, seconds.min(axis=1), seconds, held)
    return found
