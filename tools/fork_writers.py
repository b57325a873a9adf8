"""What notebook 14 shows of search on a fixed state: two writers, and the sums they solve."""

import itertools
import json

import numpy as np

from tools.artefact import Artefact, write_rows

LEARNED = {"width": 48, "layers": 2, "heads": 4}
WRITERS = {
    "writers": {
        "selective": LEARNED | {"state": 16, "hidden": 128},
        "attention": LEARNED | {"state": 0, "hidden": 118},
    },
    "problems": 30_000,
    "operations": [1, 2, 3],
    "training": {"batch": 96, "steps": 1200, "learning_rate": 5e-3},
}
SEARCHES = {
    "problems": 100,
    "operations": [1, 2],
    "budgets": [1, 4, 16],
    "replicates": 10,
    "penalty": 4.0,
}


def train(job):
    """Train both writers on the same texts; keep their weights in 16 bits. Return the seconds."""
    import torch
    from safetensors.torch import save_file

    from ttclib.course.what_a_token_costs.writers import learn, small_sums, writer

    torch.set_num_threads(1)
    plan, seed = job.settings, job.seeds["texts"]
    rng = np.random.default_rng(seed)
    problems = small_sums("train", plan["problems"], rng, plan["operations"])
    took = 0.0
    for kind, sizes in plan["writers"].items():
        model = writer(kind, **sizes, seed=job.seeds["weights"])
        took += learn(
            model, problems, **plan["training"], checkpoint=job.work / f"{kind}.checkpoint"
        )
        weights = {name: w.detach().half() for name, w in model.state_dict().items()}
        save_file(weights, job.folder / f"{kind}.safetensors")
    text = json.dumps(plan["writers"]) + "\n"
    (job.folder / "sizes.json").write_text(text, encoding="utf-8")
    return took


def search(job):
    """Let both writers solve the same problems, by vote and under casting out nines."""
    import torch

    from ttclib.course.smc_decoding.doubt import doubt
    from ttclib.course.what_a_token_costs.writers import METHODS, load_writer, small_sums, solve
    from ttclib.particles.smc import keep_all, resample, when_ess_below

    torch.set_num_threads(1)
    plan = job.settings
    rng = np.random.default_rng(job.seeds["problems"])
    problems = small_sums("test", plan["problems"], rng, plan["operations"])
    rows = []
    for kind in WRITERS["writers"]:
        lm = load_writer(job.needs["fork-writers"], kind)
        nines = [doubt(lm.vocabulary, plan["penalty"])]
        half = when_ess_below(0.5, resample("systematic"))
        how = dict(zip(METHODS, (([], keep_all), (nines, keep_all), (nines, half)), strict=True))
        runs = itertools.product(METHODS, plan["budgets"], range(plan["replicates"]))
        for method, n, seed in runs:
            solved = solve(
                lm, problems, how[method][0], n, how[method][1], np.random.default_rng(seed)
            )
            fixed = {"model": kind, "method": method, "n": n, "seed": seed}
            fixed |= {"tokens": solved.tokens / len(problems)}
            rows += [fixed | {"problem": i, "right": bool(r)} for i, r in enumerate(solved.right)]
    write_rows(job.folder / "results.parquet", rows)


def search_score(job):
    """Say what each writer solves by each method, with one text and with the most."""
    from ttclib.course.what_a_token_costs.writers import METHODS, shares
    from ttclib.search import results

    columns = results.read(job.folder)
    budgets = [job.settings["budgets"][i] for i in (0, -1)]
    found = {}
    for kind, method in itertools.product(WRITERS["writers"], METHODS):
        for n, solved in zip(budgets, shares(columns, kind, method, budgets).mean(0), strict=True):
            found[f"{kind}, {method}, {n}"] = round(float(solved), 4)
    return found


ARTEFACTS = (
    Artefact(
        "fork-writers",
        "two small writers of short sums: one with a fixed state, one with attention",
        train,
        WRITERS,
        {"texts": 14, "weights": 0},
    ),
    Artefact(
        "fork-search",
        "100 short sums, solved by both writers: by vote, and under casting out nines",
        search,
        SEARCHES,
        {"problems": 15},
        ("fork-writers",),
        search_score,
    ),
)
