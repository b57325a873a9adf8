"""Many trainings, and one table of their exact losses.

They run through ``joblib``: in processes on a laptop, on a cluster inside
``parallel_config("dask")``. Each lands in a file of its own, so what was stopped goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from joblib import Parallel, delayed
from tqdm import tqdm

from ttclib.cost import stopwatch
from ttclib.course.three_scaling_laws.language import ELSEWHERE, Words
from ttclib.course.three_scaling_laws.letter_model import beyond_letters, size
from ttclib.course.three_scaling_laws.training import Run, train
from ttclib.files import seal, unseal, whole

_WHOLE = ("hidden", "depth", "parameters", "beyond_letters", "horizon", "batch", "seed", "letters")
_REAL = ("amount", "loss", "undecayed", "elsewhere")
TABLE = pa.schema(
    [(name, pa.string()) for name in ("schedule", "text")]
    + [(name, pa.int64()) for name in _WHOLE]
    + [(name, pa.float64()) for name in _REAL]
)


class Grid(NamedTuple):
    """What trainings measured.

    Attributes
    ----------
    table : pyarrow.Table
        A row for each budget of each run: the run, the parameters of its model (all, and without
        those that belong to letters), and its exact losses in nats a letter: at the end of the
        branch, on the trunk, and in another language.
    seconds : float
        Of all runs together, on one core each.
    """

    table: pa.Table
    seconds: float

    def save(self, folder: Path) -> None:
        """Write ``losses.parquet``; equal tables become equal bytes."""
        with whole(Path(folder) / "losses.parquet") as part:
            pq.write_table(self.table, part, compression="zstd", compression_level=9)


def draw(
    runs: Iterable[Run], work: Path, *, n_jobs: int | None = None, progress: bool = True
) -> Grid:
    """Carry out runs, or go on where that was stopped.

    Parameters
    ----------
    work : Path
        Folder of what is done so far: a file for each run.
    n_jobs : int, optional
        Processes, −1 for one on each core. By default what ``joblib.parallel_config`` says, else 1.
    progress : bool
        Whether to show a bar with the time left.

    Raises
    ------
    ValueError
        If there is no run.
    """
    plan = {_key(run): run for run in runs}
    if not plan:
        raise ValueError("runs is empty; it must hold at least one")
    work = Path(work)
    work.mkdir(parents=True, exist_ok=True)
    landed = {key: unseal(work / key, key) for key in plan}
    left = [key for key, written in landed.items() if written is None]
    works = {key: size(run.hidden, run.depth) * max(run.letters) for key, run in plan.items()}
    total = sum(works.values())
    old = total - sum(works[key] for key in left)
    parallel = Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
    with tqdm(total=total, initial=old, unit="weights × letters", disable=not progress) as bar:
        for key, written in parallel(delayed(_carry_out)(key, plan[key]) for key in left):
            seal(work / key, written, key)
            landed[key] = written
            bar.update(works[key])
    return _merge(landed.values())


def _key(run: Run) -> str:
    return hashlib.sha256(json.dumps(asdict(run)).encode()).hexdigest()[:24]


def _carry_out(key: str, run: Run) -> tuple[str, bytes]:
    with stopwatch() as clock:
        found = train(run, Words(), Words(exponent=ELSEWHERE))
    shape = run.hidden, run.depth
    what = asdict(run) | {"parameters": size(*shape), "beyond_letters": beyond_letters(*shape)}
    return key, json.dumps([[what | row for row in found], clock[0]]).encode()


def _merge(parts: Iterable[bytes]) -> Grid:
    found = [json.loads(part) for part in parts]
    table = pa.Table.from_pylist([row for rows, _ in found for row in rows], TABLE)
    order = [name for name in TABLE.names if name not in ("loss", "undecayed", "elsewhere")]
    table = table.sort_by([(name, "ascending") for name in order]).combine_chunks()
    return Grid(table, sum(seconds for _, seconds in found))
