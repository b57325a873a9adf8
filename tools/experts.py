"""What notebook 14 shows of experts: small models of a language of dialects, over ten seeds."""

import itertools
import time

import numpy as np

from tools.artefact import Artefact, digest, kept_json, write_rows

PLAN = {
    "seeds": 10,
    "rate seeds": [100, 101],
    "rates": [0.01, 0.02, 0.04, 0.08],
    "counts": [2, 4, 8, 16],
    "shared": [0.0, 3.0, 6.0],
    "balances": [0.0, 0.01, 0.1, 1.0],
    "capacities": [1.0, 1.25],
    "hidden": 12,
    "experts": 8,
    "balance": 0.1,
    "steps": 600,
    # of each kind the best of the rates, for the size of eight experts and with other seeds
    "rate": {"mixture": 0.02, "equal FLOPs": 0.04, "equal parameters": 0.04},
}
WIDEST, SLACK = 16, [1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 8.0]  # letters of a text; capacity factors


def sizes(plan, experts):
    """Return the layers that are compared at a number of experts, by kind.

    A router of E experts costs as much as E / 2 hidden units, in FLOPs as in parameters.
    """
    hidden, router = plan["hidden"], experts // 2
    return {
        "mixture": {"experts": experts, "hidden": hidden, "balance": plan["balance"]},
        "equal FLOPs": {"experts": 1, "hidden": hidden + router, "balance": 0.0},
        "equal parameters": {"experts": 1, "hidden": hidden * experts + router, "balance": 0.0},
    }


def runs(plan):
    """List the runs: the part of the record, the kind, the size it is compared at, its plan."""
    usual = sizes(plan, plan["experts"])
    fixed = {"of": plan["experts"], "steps": plan["steps"]}
    many = range(plan["seeds"])
    found = []
    for (kind, size), rate, seed in itertools.product(
        usual.items(), plan["rates"], plan["rate seeds"]
    ):
        found.append(fixed | size | {"part": "rates", "kind": kind, "rate": rate, "seed": seed})
    for count in plan["counts"]:
        for (kind, size), seed in itertools.product(sizes(plan, count).items(), many):
            mine = {"part": "sizes", "kind": kind, "of": count, "rate": plan["rate"][kind]}
            found.append(fixed | size | mine | {"seed": seed})
    mixture = fixed | usual["mixture"] | {"kind": "mixture", "rate": plan["rate"]["mixture"]}
    for shared, balance, seed in itertools.product(plan["shared"], plan["balances"], many):
        more = {"part": "collapse", "balance": balance, "seed": seed}
        found.append(mixture | more | ({"shared": shared} if shared else {}))
    for capacity, seed in itertools.product(plan["capacities"], many):
        found.append(mixture | {"part": "capacity", "capacity": capacity, "seed": seed})
    return found


def one(plan):
    """Train a model as a plan says; measure it."""
    import torch

    from ttclib.course.what_a_token_costs import dialects

    torch.set_num_threads(1)
    start = time.process_time()
    language = dialects.Dialects()
    model = dialects.train(language, dialects.Plan(**plan))
    table = dialects.routing(model, language)
    found = {
        "excess": dialects.excess(model, language),
        "effective": dialects.effective(table.mean(axis=0)),
        "purity": dialects.purity(table),
        "table": table.tolist(),
    }
    for name, length in (("texts", WIDEST), ("letters", 1)):
        rng = np.random.default_rng([plan["seed"], 2])
        found[f"dropped, {name}"] = [
            dialects.overflow(model, language, capacity, length, rng) for capacity in SLACK
        ]
    return found, time.process_time() - start


def train_all(job):
    """Train every run, write what was measured; return the seconds."""
    rows = []
    seconds = 0.0
    for number, run in enumerate(runs(job.settings)):
        plan = {name: run[name] for name in run if name not in ("part", "kind", "of")}
        file = job.work.parent / "experts-runs" / f"{digest(plan)}.json"
        found, took = kept_json(file, lambda plan=plan: one(plan))
        seconds += took
        rows.append({"shared": 0.0, "capacity": None} | run | found)
        print(number, run["part"], run["kind"], round(found["excess"], 4), flush=True)
    write_rows(job.folder / "runs.parquet", rows)
    return seconds


def score(job):
    """Say the mean excess of each kind at eight experts."""
    from ttclib.search import results

    rows = results.read(job.folder, "runs", ("part", "kind", "of", "excess"))
    mine = (rows["part"] == "sizes") & (rows["of"] == job.settings["experts"])
    return {
        f"nats above the entropy, {kind}": round(
            float(rows["excess"][mine & (rows["kind"] == kind)].mean()), 4
        )
        for kind in job.settings["rate"]
    }


ARTEFACTS = (
    Artefact(
        "experts",
        "mixtures of experts and dense layers that learned a language of dialects",
        train_all,
        PLAN,
        {"language": 0},
        score=score,
    ),
)
