"""Sweeps: the same rows in whatever order and on whatever machine, also after the power
went off.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from joblib import parallel_config
from noisy_solver import NoisySolver, load, load_slowly

from ttclib.course.prm_search.sweep import Job, jobs, sweep
from ttclib.lm import arithmetic
from ttclib.lm.arithmetic import TASK
from ttclib.lm.sequences import PAID
from ttclib.measure import votes
from ttclib.particles.islands import within
from ttclib.particles.smc import smc
from ttclib.search.methods import METHODS, Setting, search_for, select_for

ROOT = Path(__file__).resolve().parents[3]
PROBLEMS = arithmetic.problems("test", 4, np.random.default_rng(0))
SETTINGS = (
    *(
        Setting("best of n", n, verifier=verifier)
        for n in (1, 2, 8)
        for verifier in ("prm", "prm-tokens")
    ),
    Setting("beam", 4, width=2),
    Setting("beam", 8, width=4, verifier="prm-tokens", aggregate="min"),
    Setting("lookahead", 4, width=2, lookahead=1),
    Setting("dvts", 8, width=4),
    Setting("rebase", 4, balance=0.2),
    Setting("particles", 8, aggregate="product"),
    Setting("annealed particles", 4, temperature=1.5),
    Setting("mcts", 8, width=2, exploration=0.5),
)
# sixteen tasks of at least a tenth of a second: enough to be stopped in the middle
MANY = [
    Setting("best of n", n, verifier=verifier)
    for n in (1, 2, 4)
    for verifier in ("prm", "prm-tokens")
]
MANY += [Setting("rebase", 4, balance=0.1 + i / 10) for i in range(7)]
TASKS = 16
CHILD = """
import sys
from joblib import parallel_config
from noisy_solver import load_slowly
from tests.course.prm_search.test_sweep import MANY, PROBLEMS
from ttclib.lm.arithmetic import TASK
from ttclib.course.prm_search.sweep import sweep

work, scheduler = sys.argv[1:]
if scheduler:
    from distributed import Client
    Client(scheduler, set_as_default=True)
with parallel_config("dask" if scheduler else "loky", n_jobs=2):
    sweep(MANY, TASK, PROBLEMS, 2, work, load=load_slowly, progress=False)
"""


def run(settings, work, **options):
    return sweep(settings, TASK, PROBLEMS, 2, work, progress=False, **{"load": load} | options)


def saved(found, folder):
    """The bytes that a sweep is saved as."""
    folder.mkdir()
    found.save(folder)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def rows(found, **where):
    """Rows of the results in which the columns have these values."""
    return [row for row in found.results.to_pylist() if where.items() <= row.items()]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return run(SETTINGS, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the sweep that others kill comes to when nobody does."""
    folder = tmp_path_factory.mktemp("calm")
    return saved(run(MANY, folder / "work"), folder / "saved")


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"method": "beam", "n": 6, "width": 4}, "N is 6 and M is 4; N must be a multiple of M"),
        ({"method": "beam", "n": 2, "width": 4}, "M is 4 and N is 2; M must be at most N"),
        (
            {"method": "lookahead", "n": 4, "lookahead": -1},
            "lookahead k is -1; it must be a whole number of at least 0",
        ),
        ({"method": "best of n", "n": 0}, "N is 0; it must be a whole number of at least 1"),
        ({"method": "bean", "n": 4}, f"method is 'bean'; it must be one of {', '.join(METHODS)}"),
        (
            {"method": "beam", "n": 4, "aggregate": "sum"},
            "aggregate is 'sum'; it must be one of last, min, product, mean",
        ),
        ({"method": "rebase", "n": 4, "width": 2}, "width is no option of 'rebase'"),
        ({"method": "beam", "n": 4, "exploration": 1}, "exploration is no option of 'beam'"),
        (
            {"method": "mcts", "n": 4, "exploration": -1},
            "exploration c is -1; it must be a finite number of at least 0",
        ),
        ({"method": "beam", "n": 4, "lookahead": 1}, "lookahead is no option of 'beam'"),
        (
            {"method": "rebase", "n": 4, "balance": 0},
            "balance is 0; it must be a finite number above 0",
        ),
        (
            {"method": "best of n", "n": 4, "temperature": -1},
            "temperature is -1; it must be a finite number of at least 0",
        ),
    ],
)
def test_a_bad_setting_is_one_line(options, line):
    with pytest.raises(ValueError) as error:
        Setting(**options)
    assert str(error.value) == line


def test_a_sweep_over_nothing_and_a_problem_that_is_none_are_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"^a sweep over 0 settings and 4 problems does nothing$"):
        run([], tmp_path)
    with pytest.raises(ValueError, match=r"^'1\+' lacks a number at its end$"):
        sweep(SETTINGS, TASK, ["1+"], 1, tmp_path, load=load)


# ---- tasks ---------------------------------------------------------------------------------------


def test_tasks_hold_every_setting_seed_and_problem_once_and_fit_into_memory():
    plan = jobs([*SETTINGS, SETTINGS[0]], PROBLEMS, seeds=3, at_once=16)
    assert all(one.n * len(one.problems) <= 16 for one in plan)
    parts = [(s, one.seed, p) for one in plan for s in one.settings for p in one.problems]
    assert len(parts) == len(set(parts)) == len(SETTINGS) * 3 * len(PROBLEMS)
    assert [one.work for one in plan] == sorted([one.work for one in plan], reverse=True)
    assert all(len(one.problems) == 1 for one in jobs(SETTINGS, PROBLEMS, 1, at_once=1))


def test_the_key_of_a_task_is_all_it_depends_on():
    one = Job((SETTINGS[0],), 0, 0, 0, ("1+2+3",))
    changes = [
        {"settings": (SETTINGS[1],)},
        {"seed": 1},
        {"block": 1},
        {"first": 1},
        {"problems": ("1+2+4",)},
    ]
    assert len({one.key, *(replace(one, **change).key for change in changes)}) == 1 + len(changes)


# ---- rows ----------------------------------------------------------------------------------------


def test_there_is_a_row_for_each_setting_seed_and_problem(found):
    keys = [tuple(row[name] for name in found.results.column_names[:13]) for row in rows(found)]
    assert len(keys) == len(set(keys)) == len(SETTINGS) * 2 * len(PROBLEMS)
    assert keys == sorted(keys)
    for row in rows(found):
        assert row["expression"] == PROBLEMS[row["problem"]]
        assert row["value"] == arithmetic.value(arithmetic.parse(row["expression"]))
        assert row["generations"] == row["n"] * (row["lookahead"] + 1)


@pytest.mark.parametrize("setting", SETTINGS[6:], ids=lambda setting: setting.method)
def test_a_row_is_what_the_search_itself_says(found, setting):
    """The sweep's batch again, by hand: counted from its record instead of row by row."""
    lm, k = load("lab-small"), len(PROBLEMS)
    search = search_for(setting, lm, TASK, PROBLEMS, load(setting.verifier))
    select = within(k, select_for(setting))
    run = list(smc(search, setting.n * k, select, np.random.default_rng([1, 0])))
    texts, mine = (
        search.texts(run[-1].particles),
        rows(found, method=setting.method, n=setting.n, seed=1),
    )
    values = np.nanmin(run[-1].particles.scores, axis=1)
    for i, row in enumerate(mine):
        given = [arithmetic.answer(text) for text in texts[i::k]]
        assert row["majority"] == votes.majority(given)
        assert row["weighted_min"] == votes.weighted_majority(given, values[i::k])
        assert row["max_min"] == votes.best_of(values[i::k], given)
        assert row["posterior"] == votes.weighted_majority(given, np.exp(run[-1].log_weights[i::k]))
        assert row["passed"] == (row["value"] in given)
        assert all(
            row[f"{way}_right"] == (row[way] == row["value"]) for way in ("majority", "max_min")
        )
        assert row["mean_length"] == np.mean([len(text) + 1 for text in texts[i::k]])
    spent = run[-1].spent
    ahead = sum(row["ahead_tokens"] for row in mine)
    assert (ahead > 0) == (setting.lookahead > 0)
    assert sum(row["lm_tokens"] for row in mine) + ahead == spent.lm_tokens
    for name in PAID[1:]:
        assert sum(row[name] for row in mine) == getattr(spent, name)


def test_tokens_are_those_of_the_problem_itself(found):
    """A text of the noisy solver is as long as the solution: so all can be counted without it."""
    for row in rows(found, method="particles") + rows(found, method="dvts"):
        steps = arithmetic.solve(arithmetic.parse(row["expression"])).count(";") + 1
        longest = len(arithmetic.solve(arithmetic.parse(row["expression"]))) + 1
        assert steps > 2
        assert row["lm_tokens"] == row["n"] * longest


def test_a_smaller_best_of_n_is_the_first_of_the_same_samples(found):
    samples = found.samples.to_pylist()
    assert len(samples) == 8 * 2 * len(PROBLEMS)
    for row in rows(found, method="best of n"):
        mine = [s for s in samples if (s["seed"], s["problem"]) == (row["seed"], row["problem"])]
        mine = mine[: row["n"]]
        assert [s["sample"] for s in mine] == list(range(row["n"]))
        given = [s["answer"] for s in mine]
        assert row["majority"] == votes.majority(given)
        assert row["passed"] == any(s["right"] for s in mine)
        assert row["lm_tokens"] == sum(s["length"] for s in mine)
        for name in ("last", "min", "product", "mean"):
            scores = [s[f"{row['verifier']}_{name}"] for s in mine]
            if len(set(scores)) == len(scores):  # rounding makes no two of them equal
                assert row[f"max_{name}"] == votes.best_of(scores, given)
        # each beginning is fed once: all but the last token, behind the problem
        beginnings = {s["text"][:i] for s in mine for i in range(1, s["length"])}
        assert row["lm_positions"] == len(row["expression"]) + 1 + len(beginnings)


def test_every_verifier_has_read_every_sample_step_by_step(found):
    for sample in found.samples.to_pylist()[::5]:
        problem, text = PROBLEMS[sample["problem"]], sample["text"]
        ends = [i + 1 for i, letter in enumerate(text) if letter == ";"] + [len(text)]
        for verifier in ("prm", "prm-tokens"):
            scores = [load(verifier).score(problem, text[:end]) for end in ends]
            assert sample[f"{verifier}_last"] == pytest.approx(scores[-1], abs=1e-4)
            assert sample[f"{verifier}_min"] == pytest.approx(min(scores), abs=1e-4)
            assert sample[f"{verifier}_product"] == pytest.approx(np.prod(scores), abs=1e-4)
            assert sample[f"{verifier}_mean"] == pytest.approx(np.mean(scores), abs=1e-4)


def test_reductions(found, tmp_path):
    """Of one budget and seed, methods that are the same in a limit have the same rows."""
    same = [
        Setting("best of n", 4),
        Setting("beam", 4),
        Setting("dvts", 4),
        Setting("lookahead", 4),
    ]
    same += [
        Setting("beam", 4, width=4),
        Setting("lookahead", 4, width=4),
        Setting("dvts", 4, width=4),
    ]
    limits = run(same, tmp_path)
    said = [
        [
            {name: value for name, value in row.items() if name not in ("method", "width")}
            for row in rows(limits, method=setting.method, width=setting.width)
        ]
        for setting in same
    ]
    assert said[0] == said[1] == said[2] == said[3]
    assert said[4] == said[5] == said[6]
    assert said[1] != said[4]


def exact(problem, text):
    """Whether all steps so far are right, and the answer."""
    checked = arithmetic.check_solution(problem, text)
    return float(all(checked.correct) and (checked.right or not checked.finished))


def test_a_plain_function_verifies_for_nothing(tmp_path):
    """Also where it gives every text of a problem up: then there is no answer."""
    settings = [Setting("beam", 4, width=2), Setting("lookahead", 4, width=2, lookahead=1)]
    settings += [Setting("best of n", n) for n in (1, 4)]
    settings += [Setting("rebase", 4), Setting("particles", 4), Setting("dvts", 4, width=2)]
    found = run(settings, tmp_path, load=lambda name: exact if name == "prm" else load(name))
    assert len(rows(found)) == len(settings) * 2 * len(PROBLEMS)
    for row in rows(found):
        assert row["verifier_positions"] == row["verifier_flops"] == 0
        assert row["lm_positions"] > len(row["expression"])
        assert row["weighted_last_right"] == row["passed"] == row["max_last_right"]
        assert row["weighted_last"] in (row["value"], None)
    assert {row["passed"] for row in rows(found)} == {True, False}


def test_a_majority_counts_the_texts_that_its_verifier_gives_no_weight(tmp_path):
    """So it is the same under every verifier that read the same samples."""
    settings = [Setting("best of n", n, verifier=name) for n in (1, 8) for name in ("prm", "all")]
    found = run(settings, tmp_path, load=lambda name: exact if name == "all" else load(name))
    said = {
        name: [(row["majority"], row["majority_right"]) for row in rows(found, verifier=name)]
        for name in ("prm", "all")
    }
    assert said["all"] == said["prm"]
    # the verifier does leave texts out: of those it leaves the majority would be another
    assert any(row["weighted_last"] != row["majority"] for row in rows(found, verifier="all"))


def test_at_temperature_0_the_model_of_the_setting_is_greedy(tmp_path):
    settings = [Setting("best of n", 2, temperature=0.0, model="other"), Setting("best of n", 2)]
    models = {"other": NoisySolver(), "lab-small": Boaster()}
    found = run(settings, tmp_path, load=lambda name: models.get(name) or load(name))
    assert all(row["majority_right"] for row in rows(found, temperature=0.0, model="other"))
    for row in rows(found, model="other"):
        beginnings = len(arithmetic.solve(arithmetic.parse(row["expression"])))
        assert row["lm_positions"] == len(row["expression"]) + 1 + beginnings
        assert row["lm_tokens"] == 2 * (beginnings + 1)
    assert {row["majority"] for row in rows(found, model="lab-small")} == {2**31 - 1}


class Boaster(NoisySolver):
    """Its answers are a twenty-digit number."""

    def _distribution(self, prefix):
        written = self.vocabulary.decode(prefix).partition("?")[2]
        law, rest = np.full(len(self.vocabulary), 1e-12), ("#" + "9" * 20)[len(written) :]
        law[arithmetic.ALPHABET.index(rest[0]) if rest else self.vocabulary.end] += 1.0
        return law / law.sum()


def test_an_answer_of_any_length_fits_into_the_file(tmp_path):
    found = run(
        [Setting("beam", 1)], tmp_path, load=lambda name: Boaster() if name != "prm" else load(name)
    )
    assert {row["majority"] for row in rows(found)} == {2**31 - 1}
    assert not any(row["majority_right"] for row in rows(found))


class InWords:
    """Arithmetic whose answers are tuples of words: those of a sweep are not always numbers."""

    step_end = TASK.step_end
    prompt = staticmethod(TASK.prompt)
    right_steps = staticmethod(TASK.right_steps)

    def answer(self, text):
        return self.canonical(TASK.answer(text))

    def canonical(self, answer):
        return (str(answer),) if isinstance(answer, int) else answer

    def reference(self, problem):
        return self.canonical(TASK.reference(problem))

    def right(self, problem, answer):
        return answer == self.reference(problem)


def test_answers_that_are_no_numbers_are_told_apart(found, tmp_path):
    words = sweep(list(SETTINGS), InWords(), PROBLEMS, 2, tmp_path, load=load, progress=False)
    name_of = {}
    for number, word in zip(rows(found), words.results.to_pylist(), strict=True):
        assert number["problem"] == word["problem"]
        for way in ("value", "majority", "weighted_last", "posterior"):
            assert name_of.setdefault(number[way], word[way]) == word[way]
        assert number["majority_right"] == word["majority_right"]
        assert number["passed"] == word["passed"]
    assert name_of.pop(None, None) is None
    assert len(set(name_of.values())) == len(name_of) > 5


# ---- order, processes, and the power going off ---------------------------------------------------


def test_the_same_bytes_whatever_the_order_and_the_processes(found, tmp_path):
    here = saved(found, tmp_path / "here")
    assert set(here) == {"results.parquet", "samples.parquet"}
    with parallel_config("loky"):
        there = run(SETTINGS[::-1], tmp_path / "work", n_jobs=2)
    assert saved(there, tmp_path / "there") == here
    assert pq.read_table(tmp_path / "here" / "results.parquet").equals(there.results)
    assert there.seconds > 0


def parts(work):
    return {file: file.stat().st_mtime_ns for file in work.glob("*[0-9a-f]")}


def start_child(work, scheduler=""):
    """Run the sweep in a process group of its own."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests/helpers")])
    command = [sys.executable, "-c", CHILD, str(work), scheduler]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, start_new_session=True)


def kill_in_the_middle(child, work, how=signal.SIGKILL, group=True):
    """Kill a child when three tasks have landed; return those, with their times.

    Whatever it has started ends with it, also if the signal goes to the child alone.
    """
    deadline = time.monotonic() + 300
    while len(parts(work)) < 3:
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    started = psutil.Process(child.pid).children(recursive=True)
    (os.killpg if group else os.kill)(child.pid, how)
    child.wait()
    assert psutil.wait_procs(started, timeout=60)[1] == []
    landed = parts(work)
    assert 3 <= len(landed) < TASKS
    return landed


@pytest.mark.parametrize(
    ("how", "group"),
    [(signal.SIGKILL, True), (signal.SIGKILL, False), (signal.SIGTERM, False)],
    ids=["SIGKILL to all", "SIGKILL", "SIGTERM"],
)
def test_a_killed_sweep_goes_on_where_it_was(how, group, expected, tmp_path):
    work = tmp_path / "work"
    landed = kill_in_the_middle(start_child(work), work, how, group)
    assert saved(run(MANY, work), tmp_path / "saved") == expected
    assert landed.items() <= parts(work).items()  # none of them was done again
    assert len(parts(work)) == TASKS  # and none has another name in another process


SPOIL = {
    "emptied": lambda content, other: b"",
    "halved": lambda content, other: content[: len(content) // 2],
    "one byte flipped": lambda content, other: (
        content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
    ),
    "another's": lambda content, other: other,
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_a_part_that_is_spoilt_is_told_and_done_again(spoil, found, tmp_path, capsys):
    """Whichever it is; another's is the whole part of another task."""
    before = saved(found, tmp_path / "before")
    work = tmp_path / "work"
    run(SETTINGS, work)
    contents = {file: file.read_bytes() for file in parts(work)}
    for (file, content), other in zip(contents.items(), [*contents.values()][::-1], strict=True):
        assert spoil(content, other) != content
        file.write_bytes(spoil(content, other))
    capsys.readouterr()
    assert saved(run(SETTINGS, work), tmp_path / "saved") == before
    said = capsys.readouterr().out.splitlines()
    line = "{} is damaged, or belongs to other work: it is dropped."
    assert sorted(said) == sorted(line.format(file) for file in contents)


def test_half_a_file_is_not_taken_for_a_whole_one(expected, tmp_path):
    (one,) = [
        one
        for one in jobs(MANY, PROBLEMS, 2, 1024)
        if one.settings[0] == MANY[-1] and one.seed == 0
    ]
    work = tmp_path / "work"
    work.mkdir()
    (work / f"{one.key}.part").write_bytes(b"PAR1")  # what a kill leaves behind
    assert saved(run(MANY, work), tmp_path / "saved") == expected


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


def test_a_dask_cluster_gives_the_same_also_when_a_worker_is_killed(cluster, expected, tmp_path):
    from distributed import Client

    work = tmp_path / "work"
    with Client(cluster, set_as_default=True) as client, parallel_config("dask"):
        pids = client.run(os.getpid)
        assert len(set(pids.values()) - {os.getpid()}) == 2

        def kill_one():
            while len(parts(work)) < 3:
                time.sleep(0.01)
            os.kill(next(iter(pids.values())), signal.SIGKILL)
            killed.append(len(parts(work)))

        killed = []
        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        found = run(MANY, work, load=load_slowly)
        killer.join()
        assert killed and killed[0] < TASKS
    assert saved(found, tmp_path / "saved") == expected


def test_a_dask_cluster_goes_on_after_its_client_was_killed(cluster, expected, tmp_path):
    from distributed import Client

    work = tmp_path / "work"
    landed = kill_in_the_middle(start_child(work, cluster.scheduler_address), work)
    with Client(cluster, set_as_default=True), parallel_config("dask"):
        found = run(MANY, work, load=load_slowly)
    assert saved(found, tmp_path / "saved") == expected
    assert landed.items() <= parts(work).items()
    assert len(parts(work)) == TASKS
