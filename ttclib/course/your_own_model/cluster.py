"""A cluster that loses a worker: which one did what, and when.

Two worker processes of this machine stand for two machines. Dask (``distributed``) gives each job
to one that is free, notices when one is gone, gives its jobs to another, and starts a new process.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joblib import parallel_config

from ttclib.show.style import BAD, COLORS, GOOD, MUTED, Picture, figure, ink


@dataclass(frozen=True)
class Job:
    """A job that came to its end: who did it, and from when to when (seconds)."""

    worker: str
    begin: float
    end: float


@dataclass(frozen=True)
class Timeline:
    """What a cluster did.

    Attributes
    ----------
    jobs : tuple of Job
        All that came to an end, in the order of their ends. Time 0 is the first one's begin.
    killed : str
        The worker that was killed.
    death : float
        When (seconds).
    """

    jobs: tuple[Job, ...]
    killed: str
    death: float

    @property
    def workers(self) -> list[str]:
        """All workers, in the order in which they began."""
        first = sorted(self.jobs, key=lambda job: job.begin)
        return list(dict.fromkeys([job.worker for job in first] + [self.killed]))


def with_a_death(work: Callable[[], Any], landed: Callable[[], int], after: int) -> tuple:
    """Do some work on a cluster of two workers, and kill one when ``after`` jobs have landed.

    Parameters
    ----------
    work : callable
        What to do: it runs its jobs through joblib, as a sweep does.
    landed : callable
        How many jobs have landed.
    after : int
        How many there are when one of the workers is killed, in the middle of a job.

    Returns
    -------
    (found, Timeline)
        What ``work`` returned, and who did what.
    """
    from distributed import Client, LocalCluster, get_task_stream

    def kill() -> None:
        while landed() < after:
            time.sleep(0.01)
        address, pid = next(iter(pids.items()))
        os.kill(pid, signal.SIGKILL)
        death.append((address, time.time()))

    death: list[tuple[str, float]] = []
    two = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        LocalCluster(**two, silence_logs=logging.CRITICAL) as cluster,  # a death is what we want
        Client(cluster, set_as_default=True) as client,
        get_task_stream(client) as stream,
        parallel_config("dask"),
    ):
        pids = client.run(os.getpid)
        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        found = work()
        killer.join()
    done = [
        (task["worker"], part["start"], part["stop"])
        for task in stream.data
        for part in task["startstops"]
        if part["action"] == "compute"
    ]
    zero = min(begin for _, begin, _ in done)
    jobs = [Job(worker, begin - zero, end - zero) for worker, begin, end in done]
    ((killed, when),) = death
    return found, Timeline(tuple(sorted(jobs, key=lambda job: job.end)), killed, when - zero)


def cluster_picture(line: Timeline) -> Picture:
    """Draw how many jobs were done, and each job where and when it was done."""
    fig, (above, below) = figure(2, size=(7.6, 4.2), sharex=True, height_ratios=(3, 2))
    ends = [job.end for job in line.jobs]
    above.step([0, *ends], range(len(ends) + 1), where="post", color=GOOD)
    above.set(ylabel="jobs done", ylim=(0, None))
    for row, worker in enumerate(line.workers):
        mine = [job for job in line.jobs if job.worker == worker]
        spans = [(job.begin, job.end - job.begin) for job in mine]
        color = COLORS[row % len(COLORS)]
        below.broken_barh(spans, (row - 0.3, 0.6), facecolor=color, edgecolor="white")
    names = [f"worker {row + 1}" for row in range(len(line.workers))]
    below.set_yticks(range(len(names)), names)
    below.set(xlabel="seconds since the first job began", ylim=(len(names) - 0.4, -0.6))
    below.grid(axis="y", visible=False)
    row = line.workers.index(line.killed)
    below.plot(line.death, row, "X", color="black", markersize=9, zorder=3)
    below.annotate(
        "killed",
        (line.death, row),
        (12, 0),
        textcoords="offset points",
        va="center",
        color=ink(BAD),
    )
    for ax in (above, below):
        ax.axvline(line.death, color=MUTED, linestyle=":")
    last = f"worker {row + 1} is killed in the middle of a job, and none is missing in the end"
    return Picture(fig, f"jobs of a sweep on two workers; {last}")
