"""The record of chains that notebook 10 reads: every attempt, what it cost, what verifiers say.

N attempts at a problem can be N chains of one, one chain of N, or anything between. All of it is in
N · (1 + log₂(N) / 2) attempts: chain j has N / 2^⌈log₂(j + 1)⌉ steps, so that the first N / L
chains have at least L steps each, for every power of two L. A smaller budget is in it as well.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from joblib import Parallel, delayed
from scipy.special import expit
from tqdm import tqdm

from ttclib.course.revisions.attempts import Chains, draw_chains, revision_prompt
from ttclib.files import seal, unseal, whole
from ttclib.inputs import whole_number
from ttclib.lm.protocols import Task
from ttclib.search import results

SCORES = ("prm", "history")  # blind to the attempts before; having read the last of them
WINDOWS = {"windows": (0, 1, 2, 4), "chains": 2, "steps": 8}

# ---- which attempts there are --------------------------------------------------------------------


def power_of_two(name: str, value: int) -> int:
    """Return a power of two, or raise ``ValueError`` with one line."""
    number = whole_number(name, value)
    if number & (number - 1):
        raise ValueError(f"{name} is {number}; it must be a power of two")
    return number


def chain_steps(n: int) -> np.ndarray:
    """Return how many steps each of n chains has: ints (n,), falling.

    Raises
    ------
    ValueError
        If n is no power of two.
    """
    n = power_of_two("n", n)
    return np.array([n >> j.bit_length() for j in range(n)])


class Setting(NamedTuple):
    """Attempts at a problem: ``chains`` side by side, each of ``steps`` in a row."""

    chains: int
    steps: int

    @property
    def n(self) -> int:
        """All attempts."""
        return self.chains * self.steps


def splits(n: int) -> list[Setting]:
    """List the ways to spend n attempts, a power of two: from all parallel to one chain."""
    n = power_of_two("n", n)
    return [Setting(n >> k, 1 << k) for k in range(n.bit_length())]


@dataclass(frozen=True, eq=False)
class Record:
    """Attempts at problems, chain after chain; an array has a row for each problem.

    Attributes
    ----------
    n : int
        The most attempts that can be asked for.
    texts : numpy.ndarray of str, shape (problems, attempts)
    answers : numpy.ndarray of float, same shape
        NaN where there is none.
    right : numpy.ndarray of bool, same shape
    read, written : numpy.ndarray of int, same shape
        Positions fed for an attempt, as if it were alone; its tokens, the end included.
    scores : mapping of str to numpy.ndarray, same shape
        What each verifier (:data:`SCORES`) says of the finished attempt.
    """

    n: int
    texts: np.ndarray
    answers: np.ndarray
    right: np.ndarray
    read: np.ndarray
    written: np.ndarray
    scores: dict[str, np.ndarray]

    def places(self, setting: Setting) -> np.ndarray:
        """Return the columns of the attempts of a setting: ints (chains, steps).

        Raises
        ------
        ValueError
            If the record does not hold them.
        """
        chains, steps = setting
        each = chain_steps(self.n)
        if not 1 <= chains <= self.n or not 1 <= steps <= each[chains - 1]:
            raise ValueError(
                f"the record has no {chains} chains of {steps} attempts; "
                f"it holds {self.n} attempts in any split into powers of two"
            )
        begin = each.cumsum() - each
        return begin[:chains, None] + np.arange(steps)


def read_record(folder: Path) -> Record:
    """Read ``chains.parquet``.

    Raises
    ------
    ValueError
        If it is not a full record.
    """
    columns = results.read(folder, "chains")
    n = int(columns["chain"].max()) + 1
    chain, step = _order(n)
    shape = -1, len(chain)
    rows = {name: column.reshape(shape) for name, column in columns.items()}
    if not ((rows["chain"] == chain) & (rows["step"] == step)).all():
        raise ValueError("chains.parquet is not in order: problem, chain, step")
    return Record(
        n,
        rows["text"],
        rows["answer"].astype(float),
        rows["right"].astype(bool),
        rows["read"],
        rows["written"],
        {name: rows[name] for name in SCORES},
    )


def read_windows(folder: Path) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Read ``windows.parquet``: window → (right, read), each (problems, chains, steps)."""
    columns = results.read(
        folder, "windows", ("window", "problem", "chain", "step", "right", "read")
    )
    shape = -1, int(columns["chain"].max()) + 1, int(columns["step"].max()) + 1
    found = {}
    for window in np.unique(columns["window"]).tolist():
        mine = results.where(columns, window=window)
        found[window] = mine["right"].astype(bool).reshape(shape), mine["read"].reshape(shape)
    return found


def _order(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return chain and step of each attempt at a problem, chain after chain."""
    each = chain_steps(n)
    chain = np.repeat(np.arange(n), each)
    return chain, np.arange(each.sum()) - np.repeat(each.cumsum() - each, each)


# ---- what verifiers say --------------------------------------------------------------------------


class Judge(NamedTuple):
    """A verifier, whose surprise it hears, and how many attempts it reads before its own.

    Attributes
    ----------
    verifier : ttclib.search.verifier.RewardModel
    writer : ttclib.lm.engine.CausalLM
        A small Llama, whose log probabilities the verifier is told.
    window : int
        With 0 it is blind to what stood before the attempt.
    """

    verifier: Any
    writer: Any
    window: int = 0


def final_scores(
    judge: Judge, task: Task, problems: Sequence[str], found: Chains, at_once: int = 64
) -> np.ndarray:
    """Let a verifier read each attempt of chains to its end: shape (problems, chains, steps).

    Equal attempts behind equal prompts are read once. NaN where a chain has no such step.

    Raises
    ------
    ValueError
        If an attempt and what stands before it are longer than the verifier reads.
    """
    words = judge.writer.vocabulary
    cells = np.argwhere(found.written > 0)
    kinds: dict[tuple[str, str, int], int] = {}
    which = []
    for i, j, k in cells:
        prompt = revision_prompt(task, problems[i], found.attempts[i, j, :k].tolist(), judge.window)
        key = prompt, found.attempts[i, j, k], int(found.written[i, j, k])
        which.append(kinds.setdefault(key, len(kinds)))
    prompts = [words.encode(prompt) for prompt, _, _ in kinds]
    answers = [  # an attempt may end at once
        [*(words.encode(text) if text else []), words.end][:size] for _, text, size in kinds
    ]
    lengths = np.array(
        [len(prompt) + len(answer) for prompt, answer in zip(prompts, answers, strict=True)]
    )
    longest = int(lengths.max())
    if longest > judge.verifier.context:
        raise ValueError(
            f"an attempt and what stands before it have {longest} tokens; "
            f"the verifier reads {judge.verifier.context}"
        )
    said = np.zeros(len(kinds))
    order = np.argsort(lengths, kind="stable")  # little padding
    for first in range(0, len(order), at_once):
        rows = order[first : first + at_once]
        pairs = [(prompts[i], answers[i]) for i in rows]
        said[rows] = _judged(judge, *zip(*pairs, strict=True))
    scores = np.full(found.written.shape, np.nan)
    scores[tuple(cells.T)] = said[which]
    return scores


def _judged(judge: Judge, prompts, answers) -> np.ndarray:
    """Score a batch of answers, each behind its prompt."""
    import torch

    tokens, written = _rows(prompts, answers)
    per_token = np.zeros((*tokens.shape, 2))
    per_token[written] = np.concatenate(notes(judge.writer, prompts, answers))
    length = tokens.shape[1]
    with torch.inference_mode():
        logits, _ = judge.verifier.net(
            torch.from_numpy(tokens),
            torch.from_numpy(per_token).float(),
            torch.from_numpy(written),
            torch.arange(length).expand(len(tokens), -1),
            torch.ones(length, length, dtype=torch.bool).tril(),
        )
    last = length - 1 - written[:, ::-1].argmax(axis=1)
    return expit(logits.double().numpy()[np.arange(len(tokens)), last])


def notes(writer: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> list:
    """Return what a writer would have noted while it wrote answers: of each (tokens, 2).

    Log probability of each token, and entropy (nats) of the distribution it is from. As a decoder
    notes them, but for all tokens at once.
    """
    import torch

    tokens, written = _rows(prompts, answers)
    with torch.inference_mode():
        texts = torch.from_numpy(tokens)
        log_p = torch.log_softmax(writer.ours(texts)[:, :-1], -1, dtype=torch.float64)
        entropy = -(log_p.exp() * log_p).sum(-1)
        of_token = log_p.gather(-1, texts[:, 1:, None])[..., 0]
    noted = torch.stack([of_token, entropy], dim=-1).numpy()
    return [row[mine] for row, mine in zip(noted, written[:, 1:], strict=True)]


def _rows(prompts, answers) -> tuple[np.ndarray, np.ndarray]:
    """Lay prompts and their answers in rows: tokens, and which of them are the answer's."""
    sizes = [len(prompt) + len(answer) for prompt, answer in zip(prompts, answers, strict=True)]
    tokens = np.zeros((len(sizes), max(sizes)), dtype=np.int64)
    written = np.zeros(tokens.shape, dtype=bool)
    for i, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        tokens[i, : sizes[i]] = [*prompt, *answer]
        written[i, len(prompt) : sizes[i]] = True
    return tokens, written


# ---- drawing and writing -------------------------------------------------------------------------

CHAINS = pa.schema(
    [
        ("problem", pa.int16()),
        ("chain", pa.int16()),
        ("step", pa.int16()),
        ("text", pa.string()),
        ("answer", pa.int32()),
        ("right", pa.bool_()),
        ("read", pa.int16()),
        ("written", pa.int16()),
        ("prm", pa.float32()),
        ("history", pa.float32()),
    ]
)
OF_WINDOWS = pa.schema(
    [
        ("window", pa.int8()),
        *(CHAINS.field(name) for name in ["problem", "chain", "step", "right", "read", "text"]),
    ]
)


class Tables(NamedTuple):
    """The two tables of a record."""

    chains: pa.Table
    windows: pa.Table

    def save(self, folder: Path) -> None:
        """Write ``chains.parquet`` and ``windows.parquet``; equal tables become equal bytes."""
        for name, table in self._asdict().items():
            with whole(Path(folder) / f"{name}.parquet") as part:
                packed = table.combine_chunks()
                pq.write_table(packed, part, compression="zstd", compression_level=19)


def draw_block(
    lm,
    judges: Mapping[str, Judge],
    task: Task,
    problems: Sequence[str],
    n: int,
    rng: np.random.Generator,
    *,
    first: int = 0,
    window: int = 1,
    at_once: int = 256,
    compared: Mapping[str, Any] = WINDOWS,
) -> Tables:
    """Draw the record of some problems, of which the first has the number ``first``.

    Parameters
    ----------
    judges : mapping of str to Judge
        One for each of :data:`SCORES`.
    window : int
        Attempts that the reviser reads before the next.
    at_once : int
        Attempts in a batch.
    compared : mapping
        As :data:`WINDOWS`: which windows are compared, on how many chains and steps.
    """
    own, other = rng.spawn(2)
    options = {"at_once": at_once}
    found = draw_chains(lm, task, problems, n, chain_steps(n), own, window=window, **options)
    scores = {name: final_scores(judges[name], task, problems, found) for name in SCORES}
    columns = _columns(task, found, first)
    there = found.written > 0
    for name, values in scores.items():
        columns[name] = values[there].astype(np.float32).round(4)
    chains = pa.table({name: columns[name] for name in CHAINS.names}, CHAINS)
    parts = []
    size = compared["chains"], compared["steps"]
    for each, luck in zip(compared["windows"], other.spawn(len(compared["windows"])), strict=True):
        columns = _columns(
            task, draw_chains(lm, task, problems, *size, luck, window=each, **options), first
        )
        columns["window"] = np.full(len(columns["text"]), each)
        parts.append(pa.table({name: columns[name] for name in OF_WINDOWS.names}, OF_WINDOWS))
    return Tables(chains, pa.concat_tables(parts))


def _columns(task: Task, found: Chains, first: int) -> dict[str, Any]:
    """Flatten chains to columns, problem by problem and chain by chain."""
    there = found.written > 0
    problem, chain, step = np.nonzero(there)
    texts = found.attempts[there].tolist()
    said = [task.answer(text) for text in texts]
    return {
        "problem": problem + first,
        "chain": chain,
        "step": step,
        "text": texts,
        # a model may write any number of digits
        "answer": [None if answer is None else min(answer, 2**31 - 1) for answer in said],
        "right": found.right[there],
        "read": found.read[there],
        "written": found.written[there],
    }


def draw_record(
    load: Callable[[], tuple[Any, Mapping[str, Judge]]],
    task: Task,
    problems: Sequence[str],
    n: int,
    seed: int,
    work: Path,
    *,
    block: int = 50,
    n_jobs: int | None = None,
    progress: bool = True,
    **options,
) -> Tables:
    """Draw a record block by block, or go on where that was stopped.

    Parameters
    ----------
    load : callable
        ``load()`` returns the reviser and its judges; a function of a module (or a partial one), so
        that another process finds it, and one that remembers what it has loaded.
    work : Path
        Folder of the blocks that are drawn. Other models need another folder.
    block : int
        Problems that a process draws at a time.
    n_jobs : int, optional
        Processes, −1 for one on each core. By default what ``joblib.parallel_config`` says, else 1.
    **options
        Of :func:`draw_block`.

    Raises
    ------
    ValueError
        If n is no power of two, or there is no problem.
    """
    chain_steps(n)
    if not len(problems):
        raise ValueError("problems is empty; it must hold at least one")
    work = Path(work)
    work.mkdir(parents=True, exist_ok=True)
    plan = {}
    for number, first in enumerate(range(0, len(problems), whole_number("block", block))):
        mine = tuple(problems[first : first + block])
        depends = json.dumps([mine, first, n, seed, number, options], sort_keys=True)
        plan[hashlib.sha256(depends.encode()).hexdigest()[:24]] = mine, first, number
    landed = {key: unseal(work / key, key) for key in plan}
    left = [key for key, parts in landed.items() if parts is None]
    parallel = Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
    jobs = (delayed(_carry_out)(key, load, task, n, seed, *plan[key], options) for key in left)
    with tqdm(total=len(plan), initial=len(plan) - len(left), disable=not progress) as bar:
        for key, written in parallel(jobs):
            seal(work / key, written, key)
            landed[key] = written
            bar.update()
    parts = [_unpacked(landed[key]) for key in plan]
    chains, windows = (pa.concat_tables(tables) for tables in zip(*parts, strict=True))
    order = [(name, "ascending") for name in ("window", "problem", "chain", "step")]
    return Tables(chains, windows.sort_by(order))


def _carry_out(key, load, task, n, seed, problems, first, number, options) -> tuple[str, bytes]:
    import torch

    torch.set_num_threads(1)  # many processes with many threads would wait for each other
    lm, judges = load()
    rng = np.random.default_rng([seed, number])
    tables = draw_block(lm, judges, task, problems, n, rng, first=first, **options)
    return key, _packed(tables)


def _packed(tables: Tables) -> bytes:
    parts = []
    for table in tables:
        file = io.BytesIO()
        pq.write_table(table, file, compression="zstd")
        parts.append(file.getvalue())
    return len(parts[0]).to_bytes(8, "big") + parts[0] + parts[1]


def _unpacked(written: bytes) -> Tables:
    size = int.from_bytes(written[:8], "big")
    parts = written[8 : 8 + size], written[8 + size :]
    return Tables(*(pq.read_table(io.BytesIO(part)) for part in parts))
