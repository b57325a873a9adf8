"""Sweeps: many methods of search at many budgets on many problems, and one file of results.

A sweep is cut into *jobs*: one setting, one seed, one block of problems, run as islands of one
batch. They run through ``joblib``: in processes on a laptop, on a cluster inside
``parallel_config("dask")``. What a job found lands in a file of its own, so a sweep that was
stopped goes on where it was.

Best of N is drawn once, for the largest N: the first samples of a draw are the draw of a smaller
budget, and every verifier reads the same samples.
"""

from __future__ import annotations

import functools
import hashlib
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from ttclib.cost import stopwatch
from ttclib.files import seal, unseal, whole
from ttclib.inputs import whole_number
from ttclib.lm import models
from ttclib.lm.decoding import Decoder
from ttclib.lm.protocols import Task
from ttclib.lm.sequences import PAID, Sequences
from ttclib.measure import votes
from ttclib.particles.islands import split, within
from ttclib.particles.smc import Population, keep_all, smc
from ttclib.search.aggregation import AGGREGATIONS
from ttclib.search.methods import BEST_OF_N, Setting, sampler_for, search_for, select_for
from ttclib.search.models import VERIFIERS, load_verifier
from ttclib.search.reading import rescore
from ttclib.search.search import CONCLUSIONS, given

# ---- one job -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """What one process does at a time.

    Attributes
    ----------
    settings : tuple of Setting
        One; or all those of best of N that share their samples.
    seed, block : int
        They make the random stream, whatever the setting: methods of one N begin with the same
        luck.
    first : int
        Number of the first problem in the sweep.
    problems : tuple of str
        Without the question mark.
    """

    settings: tuple[Setting, ...]
    seed: int
    block: int
    first: int
    problems: tuple[str, ...]

    @property
    def key(self) -> str:
        """A name for its file: the hash of all it depends on."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:24]

    @property
    def n(self) -> int:
        """Texts of a problem."""
        return max(setting.n for setting in self.settings)

    @property
    def work(self) -> int:
        """Generations of all problems."""
        return len(self.problems) * max(setting.generations for setting in self.settings)


class Found(NamedTuple):
    """What a job found: rows of ``results`` and of ``samples``, and the seconds it took."""

    job: Job
    results: list[dict]
    samples: list[dict]
    seconds: float


def jobs(
    settings: Iterable[Setting], problems: Sequence[str], seeds: int, at_once: int
) -> list[Job]:
    """Cut a sweep into jobs of at most ``at_once`` texts (or one problem); long ones come first.

    Raises
    ------
    ValueError
        If there is no problem or no setting.
    """
    seeds = whole_number("seeds", seeds)
    at_once = whole_number("at_once", at_once)
    draws: dict[object, set[Setting]] = {}
    for setting in settings:
        drawn_once = setting.method == BEST_OF_N
        what = (setting.model, setting.temperature) if drawn_once else setting
        draws.setdefault(what, set()).add(setting)
    if not draws or not len(problems):
        raise ValueError(
            f"a sweep over {len(draws)} settings and {len(problems)} problems does nothing"
        )
    found = []
    for together in draws.values():
        group = tuple(sorted(together, key=astuple))
        size = max(1, at_once // max(setting.n for setting in group))
        for seed in range(seeds):
            for block, first in enumerate(range(0, len(problems), size)):
                found.append(Job(group, seed, block, first, tuple(problems[first : first + size])))
    return sorted(found, key=lambda one: -one.work)


def model_or_verifier(name: str) -> object:
    """Load what has this name, a language model or a verifier."""
    return load_verifier(name) if name in VERIFIERS else models.load(name)


def carry_out(one: Job, task: Task, load: Callable[[str], object] = model_or_verifier) -> Found:
    """Carry out a job; ``load`` returns the model or the verifier of a name."""
    lm = load(one.settings[0].model)
    verifiers = {setting.verifier: load(setting.verifier) for setting in one.settings}
    method = _draw if one.settings[0].method == BEST_OF_N else _search
    _end_with_parent()
    with _one_thread(), stopwatch() as clock:
        results, samples = method(one, task, lm, verifiers)
    return Found(one, results, samples, clock[0])


def _search(one: Job, task: Task, lm, verifiers) -> tuple[list[dict], list[dict]]:
    """Search with one setting; there are no samples to keep."""
    (setting,) = one.settings
    k = len(one.problems)
    search = search_for(setting, lm, task, one.problems, verifiers[setting.verifier])
    written = np.zeros(k, dtype=int)
    paid = np.zeros((k, len(PAID)))
    rng = np.random.default_rng([one.seed, one.block])
    for last in smc(search, setting.n * k, within(k, select_for(setting)), rng):
        texts = last.particles
        written += np.bincount(texts.prompt, texts.lengths - texts.begun, k).astype(int)
        np.add.at(paid, texts.prompt, texts.paid)
    rows = []
    for i, island in enumerate(split(last, k)):
        texts = search.texts(island.particles)
        said = conclusions(task, one.problems[i], island, texts, island.particles.scores)
        rows.append(_row(one, task, i, setting, said, paid[i], int(written[i])))
    return rows, []


def _draw(one: Job, task: Task, lm, verifiers) -> tuple[list[dict], list[dict]]:
    """Draw the samples of best of N, let every verifier read them, and conclude at every N."""
    k = len(one.problems)
    prompts = [task.prompt(problem) for problem in one.problems]
    sampler = sampler_for(one.settings[0])
    decoder = Decoder(lm, prompts, until=task.step_end, per_token=True, sampler=sampler)
    paid = np.zeros((one.n * k, len(PAID)))
    rng = np.random.default_rng([one.seed, one.block])
    for last in smc(decoder, len(paid), keep_all, rng):
        paid += last.particles.paid
    drawn = last.particles
    read = {
        name: rescore(verifier, lm, task, one.problems, drawn)
        for name, verifier in verifiers.items()
    }
    rows: list[dict] = []
    samples: list[dict] = []
    for i in range(k):
        mine = np.arange(i, len(last), k)
        texts = [lm.vocabulary.decode(row[row >= 0]) for row in drawn.tokens[mine]]
        for setting in one.settings:
            n = mine[: setting.n]
            scores, reading = read[setting.verifier]
            with np.errstate(divide="ignore"):
                log_weights = np.log(AGGREGATIONS[setting.aggregate](scores[n]))
            first = Population(last.t, drawn[n], log_weights, np.arange(setting.n))
            said = conclusions(task, one.problems[i], first, texts[: setting.n], scores[n])
            mine_paid = paid[n].sum(axis=0)
            mine_paid[-2:] = reading[n].sum(axis=0)
            rows.append(_row(one, task, i, setting, said, mine_paid, int(drawn.lengths[n].sum())))
        scored = {name: scores[mine] for name, (scores, _) in read.items()}
        samples += _samples(one, task, i, drawn[mine], texts, scored)
    return rows, samples


def conclusions(
    task: Task, problem: str, population: Population, texts: Sequence[str], scores: np.ndarray
) -> dict:
    """Answer in every way from the texts of one problem, and say which answers are right.

    Parameters
    ----------
    population : Population
        The vote with its own weights is called ``posterior``.
    texts : sequence of str
    scores : numpy.ndarray, shape (n, steps)
        Of a verifier.
    """
    found = given(task, population, texts)
    # a majority asks no verifier, so that it counts the texts to which one gives no weight at all
    ended = zip(texts, population.particles.finished, strict=True)
    written = [task.canonical(task.answer(text)) if done else None for text, done in ended]
    said = {
        "majority": votes.majority(written),
        "posterior": votes.weighted_majority(found, population.weights),
    }
    for name, aggregate in AGGREGATIONS.items():
        values = aggregate(scores)
        said |= {f"{how}_{name}": CONCLUSIONS[how](found, values) for how in ("weighted", "max")}
    return {
        **{way: _short(answer) for way, answer in said.items()},
        **{f"{way}_right": task.right(problem, answer) for way, answer in said.items()},
        "passed": any(task.right(problem, answer) for answer in dict.fromkeys(found)),
        "mean_length": float(population.particles.lengths.mean()),
    }


def _row(one: Job, task: Task, i: int, setting: Setting, said: dict, paid, written: int) -> dict:
    """Return a row of the results: the setting, its problem, what it said and what it paid.

    ``written`` are the tokens of its texts; what lookahead wrote beyond them was forgotten.
    """
    problem = one.problems[i]
    tokens, *rest = paid.tolist()
    return {
        **asdict(setting),
        "generations": setting.generations,
        "seed": one.seed,
        "problem": one.first + i,
        "expression": problem,
        "value": _short(task.reference(problem)),
        **said,
        "lm_tokens": written,
        "ahead_tokens": tokens - written,
        **dict(zip(PAID[1:], rest, strict=True)),
    }


def _samples(
    one: Job, task: Task, i: int, particles: Sequences, texts: list[str], scores: dict
) -> list[dict]:
    said = [task.canonical(task.answer(text)) for text in texts]
    columns = {
        "text": texts,
        "answer": [_short(answer) for answer in said],
        "right": [task.right(one.problems[i], answer) for answer in said],
        "length": particles.lengths.tolist(),
        "log_prob": np.round(particles.log_probs, 3).tolist(),
    }
    for verifier, found in scores.items():
        for name, aggregate in AGGREGATIONS.items():
            columns[f"{verifier}_{name}"] = np.round(aggregate(found), 4).tolist()
    shared = {"model": one.settings[0].model, "temperature": one.settings[0].temperature}
    shared |= {"seed": one.seed, "problem": one.first + i}
    return [
        shared | {"sample": j} | dict(zip(columns, row, strict=True))
        for j, row in enumerate(zip(*columns.values(), strict=True))
    ]


def _short(answer: Any) -> int | None:
    """Fit an answer into the file: a model may write any number of digits.

    What is no number is there by its hash: equal answers are equal numbers, and that is all that a
    vote asks.
    """
    if answer is None:
        return None
    if not isinstance(answer, Integral):
        digest = hashlib.sha256(repr(answer).encode()).digest()
        return int.from_bytes(digest[:4], "big", signed=True)
    return max(-(2**31), min(int(answer), 2**31 - 1))


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread each: many processes with many threads would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@functools.cache
def _end_with_parent() -> None:
    """End this process when the one that started it has ended, if this is a worker."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    if multiprocessing.parent_process():
        threading.Thread(target=watch, daemon=True).start()


# ---- the whole sweep -----------------------------------------------------------------------------

_WAYS = ["majority", "posterior"]
_WAYS += [f"{how}_{name}" for name in AGGREGATIONS for how in ("weighted", "max")]
_TYPES = {
    "str": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
}
_COLUMNS = {field.name: str(field.type) for field in fields(Setting)}
_COLUMNS |= {"seed": "int", "problem": "int", "expression": "str", "value": "int"}
_COLUMNS |= dict.fromkeys(_WAYS, "int")
_COLUMNS |= {f"{way}_right": "bool" for way in _WAYS}
_COLUMNS |= {"passed": "bool", "mean_length": "float", "generations": "int"}
_COLUMNS |= {"lm_tokens": "long", "ahead_tokens": "float"}
_COLUMNS |= dict.fromkeys(PAID[1:], "float")
RESULTS = pa.schema([(name, _TYPES[kind]) for name, kind in _COLUMNS.items()])


@dataclass(frozen=True)
class Sweep:
    """What a sweep found, in one order whatever came first.

    Attributes
    ----------
    results : pyarrow.Table
        A row for each setting, seed and problem. An answer in each way of concluding (``majority``,
        ``posterior``, ``weighted_last``, ``max_last``, ``weighted_min``, …; null: none) and whether
        it is right (``majority_right``, …); whether any answer is that the verifier gives some
        weight (``passed``); what was paid.
        It is each problem's own, as if it had been searched alone; best of N pays what a draw of N
        alone would have. ``ahead_tokens`` are those that lookahead wrote and forgot.
    samples : pyarrow.Table or None
        A row for each sample of best of N: its text and answer, its log probability under the
        language model, and its values (``prm_last``, …) under each verifier, rounded.
    seconds : float
        Of all jobs together, on one core each.
    """

    results: pa.Table
    samples: pa.Table | None
    seconds: float

    def save(self, folder: Path) -> None:
        """Write ``results.parquet`` and ``samples.parquet``; equal tables become equal bytes."""
        _write(self.results, Path(folder) / "results.parquet")
        if self.samples is not None:
            _write(self.samples, Path(folder) / "samples.parquet")


def sweep(
    settings: Iterable[Setting],
    task: Task,
    problems: Sequence[str],
    seeds: int,
    work: Path,
    *,
    load: Callable[[str], object] = model_or_verifier,
    n_jobs: int | None = None,
    at_once: int = 1024,
    progress: bool = True,
) -> Sweep:
    """Run every setting on every problem with every seed, or go on where that was stopped.

    Parameters
    ----------
    settings : iterable of Setting
    task : ttclib.lm.protocols.Task
        Answers that are no whole numbers stand in the table by their hashes.
    problems : sequence of str
    seeds : int
        How many: 0, 1, ….
    work : Path
        Folder of what is done so far: a file for each job. Other models need another folder.
    load : callable
        ``load(name)`` returns the language model or the verifier of that name; a function of a
        module, so that another process finds it, and one that remembers what it has loaded.
    n_jobs : int, optional
        Processes, −1 for one on each core. By default what ``joblib.parallel_config`` says, else 1.
    at_once : int
        The most texts of a batch; each takes up to a megabyte.
    progress : bool
        Whether to show a bar with the time left.

    Raises
    ------
    ValueError
        If there is nothing to do, a problem is none of the task, or a model cannot be loaded.
    """
    work = Path(work)
    work.mkdir(parents=True, exist_ok=True)
    for problem in problems:
        task.reference(problem)
    plan = jobs(settings, problems, seeds, at_once)
    done = {one: unseal(work / one.key, one.key) for one in plan}
    landed = {one: _read(found) for one, found in done.items() if found is not None}
    left = [one for one in plan if one not in landed]
    total = sum(one.work for one in plan)
    old = sum(one.work for one in landed)
    with tqdm(total=total, initial=old, desc="sweep", unit="text", disable=not progress) as bar:
        parallel = Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
        for found in parallel(delayed(carry_out)(one, task, load) for one in left):
            one, *columns = found
            written = json.dumps(columns).encode()
            seal(work / one.key, written, one.key)
            landed[one] = _read(written)
            bar.update(one.work)
    return _merge([landed[one] for one in plan])


def _read(written: bytes) -> Sweep:
    results, samples, seconds = json.loads(written)
    drawn = pa.Table.from_pylist(samples) if samples else None
    return Sweep(pa.Table.from_pylist(results, RESULTS), drawn, seconds)


def _merge(parts: list[Sweep]) -> Sweep:
    results = pa.concat_tables([part.results for part in parts])
    results = _sorted(results, [*(field.name for field in fields(Setting)), "seed", "problem"])
    samples = None
    drawn = [part.samples for part in parts if part.samples]
    if drawn:
        samples = pa.concat_tables(drawn, promote_options="default")
        samples = _sorted(samples, ["model", "temperature", "seed", "problem", "sample"])
    return Sweep(results, samples, sum(part.seconds for part in parts))


def _sorted(table: pa.Table, names: list[str]) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in names])


def _write(table: pa.Table, path: Path) -> None:
    with whole(path) as part:
        pq.write_table(table.combine_chunks(), part, compression="zstd", compression_level=9)
