"""A small sweep whose answers are known, in no order: what it holds is said by hand."""

from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ttclib.search.methods import Setting

SEEDS, PROBLEMS = (0, 1), 20
BEAMS = [Setting("beam", n, width=width) for n in (4, 8) for width in (2, 4)]
SETTINGS = [
    *(
        Setting("best of n", n, verifier=verifier)
        for n in (1, 2, 4, 8)
        for verifier in ("prm", "orm")
    ),
    *BEAMS,
    Setting("lookahead", 4, width=2, lookahead=1),
    Setting("rebase", 4),
    Setting("rebase", 4, balance=0.7),
    Setting("particles", 4),
    Setting("particles", 4, aggregate="product"),
]
HARD = np.arange(PROBLEMS) >= 12  # three bins of five are easy


def right(way, setting, seed, problem):
    """Best of N solves the easy problems and the beams solve the hard ones; the rest tell who is
    who.
    """
    if setting.method in ("beam", "dvts"):
        return bool(HARD[problem])
    if setting.method == "best of n":
        worth = setting.n >= 2 or way == "majority"
        return bool(not HARD[problem] and worth and setting.verifier == "prm")
    ways = {"lookahead": "weighted_last", "rebase": "weighted_last", "particles": "posterior"}
    usual = setting.balance == 0.1 and setting.aggregate == "last"
    return usual and way == ways[setting.method] and seed == 1 and problem == 3


def writer_rows():
    """A model that writes alone: its greedy text solves every second problem, 3 FLOPs a text."""
    for n, temperature in ((1, 0.0), (1, 1.0), (4, 1.0)):
        options = {"temperature": temperature, "model": "other", "verifier": "exact"}
        for seed in SEEDS:
            for problem in range(PROBLEMS):
                yield (
                    asdict(Setting("best of n", n))
                    | options
                    | {
                        "seed": seed,
                        "problem": problem,
                        "generations": n,
                        "passed": None,  # that is of answers which a verifier left over
                        "lm_flops": 3.0 * n + seed,
                    }
                )


def writer_samples():
    """A greedy text of each problem, right on every second; and four more, of which the third is
    the likeliest, and right on the hard problems.
    """
    for seed in SEEDS:
        for problem in range(PROBLEMS):
            yield {"model": "other", "temperature": 0.0, "seed": seed, "problem": problem} | {
                "sample": 0,
                "right": problem % 2 == 0,
                "log_prob": -1.0,
            }
            for j in range(4):
                yield {"model": "other", "temperature": 1.0, "seed": seed, "problem": problem} | {
                    "sample": j,
                    "right": bool(HARD[problem]) and j == 2,
                    "log_prob": -1.0 if j == 2 else -2.0 - j,
                }


def save_sweep(folder):
    """Write the tables of two seeds and twenty problems, in no order."""
    rows = [
        asdict(setting)
        | {"seed": seed, "problem": problem, "generations": setting.generations}
        | {
            f"{way}_right": right(way, setting, seed, problem)
            for way in ("majority", "weighted_last", "max_last", "posterior")
        }
        | {"lm_flops": 10.0 * setting.n + seed, "verifier_flops": 1.0 * setting.n}
        for setting in SETTINGS
        for seed in SEEDS
        for problem in range(PROBLEMS)
    ]
    for row in rows:
        row["passed"] = row["majority_right"]
    rows += [dict.fromkeys(rows[0]) | row for row in writer_rows()]
    rng = np.random.default_rng(0)
    pq.write_table(
        pa.Table.from_pylist([rows[i] for i in rng.permutation(len(rows))]),
        folder / "results.parquet",
    )
    samples = [
        {"model": "lab-small", "temperature": 1.0, "seed": seed, "problem": problem, "sample": j}
        | {
            "right": not HARD[problem] and j < 7,
            "prm_last": 1 - (problem + j / 100 + seed / 1000) / 100,
        }
        for seed in SEEDS
        for problem in range(PROBLEMS)
        for j in range(8)
    ]
    every = dict.fromkeys((*samples[0], "log_prob"))
    samples = [every | row for row in (*samples, *writer_samples())]
    mixed = [samples[i] for i in rng.permutation(len(samples))]
    pq.write_table(pa.Table.from_pylist(mixed), folder / "samples.parquet")
    return folder
