"""A sweep on two worker processes, one of which is killed: complete, equal, and who did what."""

import pytest
from noisy_solver import load, load_slowly

pytest.importorskip("torch")
pytest.importorskip("distributed", reason="dask[distributed] is not installed")
from drawings import numbers_of

from ttclib.course.prm_search.sweep import sweep
from ttclib.course.your_own_model import cluster
from ttclib.lm.arithmetic import TASK
from ttclib.search.methods import Setting

SETTINGS = [Setting("rebase", 4, balance=0.1 + i / 10) for i in range(8)]
PROBLEMS = ["1+2*3", "(17-9)*12+45"]
AFTER = 4


def run(work, load):
    return sweep(SETTINGS, TASK, PROBLEMS, 2, work, load=load, progress=False)


def test_a_cluster_that_loses_a_worker_finds_the_same_and_says_who_did_what(tmp_path):
    here = run(tmp_path / "here", load)
    work = tmp_path / "there"
    landed = lambda: len([*work.glob("*")])  # noqa: E731
    found, line = cluster.with_a_death(lambda: run(work, load_slowly), landed, AFTER)
    assert found.results.equals(here.results)
    jobs = 2 * len(SETTINGS)
    assert landed() == jobs <= len(line.jobs)  # what the dead one had not handed over is done again
    assert 2 <= len(line.workers) <= 3 and line.killed in line.workers
    known = line.death + 0.5  # clocks of processes are compared over their messages
    assert all(job.end <= known for job in line.jobs if job.worker == line.killed)
    assert sum(job.end <= known for job in line.jobs) >= AFTER
    assert any(job.begin > line.death for job in line.jobs)


def test_the_picture_draws_every_job_and_the_death(monkeypatch):
    drawn = []
    make = cluster.figure
    monkeypatch.setattr(cluster, "figure", lambda *a, **k: drawn.append(make(*a, **k)) or drawn[0])
    ends = {"a": [(0, 1), (1, 2)], "b": [(0, 1.5)], "c": [(3, 4)]}
    jobs = [cluster.Job(name, *span) for name, spans in ends.items() for span in spans]
    jobs.sort(key=lambda job: job.end)
    shown = cluster.cluster_picture(cluster.Timeline(tuple(jobs), "b", 1.8))
    _, (above, below) = drawn[0]
    steps, mark = above.lines[0], below.lines[0]
    assert numbers_of(steps).tolist() == [[0, 0], [1, 1], [1.5, 2], [2, 3], [4, 4]]
    assert numbers_of(mark).tolist() == [[1.8, 1]]  # in the row of b
    bars = [len(rows.get_paths()) for rows in below.collections]
    assert bars == [2, 1, 1]
    assert "worker 2 is killed" in shown.text
