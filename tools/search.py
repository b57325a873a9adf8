"""The results that notebooks 08 and 09 show: every method of search at every budget."""

import functools
import itertools

import joblib
import numpy as np
import pyarrow.parquet as pq

from tools.artefact import Artefact
from tools.lab import TEST
from ttclib.lm import arithmetic

ROOT_N = "√N"
SWEEP = {
    "problems": TEST["problems"],
    "budgets": [2**i for i in range(9)],
    "methods": [
        {"method": ["best of n"], "verifier": ["prm", "prm-weak", "orm"]},
        {"method": ["beam"], "width": [ROOT_N, 4]},
        {"method": ["beam"], "width": [4], "verifier": ["prm-weak"]},
        {"method": ["lookahead"], "width": [ROOT_N], "lookahead": [1]},
        {"method": ["lookahead"], "width": [ROOT_N, 4], "lookahead": [3]},
        {"method": ["dvts", "mcts"], "width": [4]},
        {"method": ["rebase", "particles", "annealed particles"]},
    ],
}


def settings(plan):
    """List the settings of a plan: each method at each budget of N · (k + 1) generations.

    A search of one text, or one whose width is 1, is best of N; so it is left out.
    """
    from ttclib.search.methods import BEST_OF_N, OWN, Setting, root_width

    found = {}
    for options in plan["methods"]:
        for values in itertools.product(*options.values(), plan["budgets"]):
            *chosen, budget = values
            chosen = dict(zip(options, chosen, strict=True))
            n = budget // (chosen.get("lookahead", 0) + 1)
            if n < 1 or (n == 1 and chosen["method"] != BEST_OF_N):
                continue
            if chosen.get("width") == ROOT_N:
                chosen["width"] = root_width(n)
            if chosen["method"] in OWN["width"] and not 1 < chosen["width"] <= n:
                continue
            found[Setting(n=n, **chosen)] = None  # an ordered set: at N = 16 the width √N is 4
    return list(found)


@functools.cache
def read(name, folder):
    """Read the language model or a verifier from its folder, once in a process."""
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model
    from ttclib.search.verifier import RewardModel

    return CausalLM(*read_model(folder)) if name == "lab-small" else RewardModel.load(folder)


def load(folders, name):
    """Load a model by its name; ``folders`` says where they are."""
    return read(name, folders[name])


def search(job):
    """Run the sweep on all cores; return the seconds of one core that it took, over all runs."""
    from ttclib.course.prm_search.sweep import sweep

    plan = job.settings
    problems = arithmetic.problems(
        "test", plan["problems"], np.random.default_rng(job.seeds["problems"])
    )
    found = sweep(
        settings(plan),
        arithmetic.TASK,
        problems,
        job.seeds["runs"],
        job.work / "parts",
        load=functools.partial(load, job.needs),
        n_jobs=joblib.cpu_count(only_physical_cores=True),
    )
    found.save(job.folder)
    return found.seconds


def search_score(job):
    """Measure the accuracy of best-of-N weighted for each method and verifier, by generations."""
    results = pq.read_table(job.folder / "results.parquet")
    by = ["method", "width", "lookahead", "verifier", "n", "generations"]
    ways = ["weighted_last_right", "passed"]
    means = results.group_by(by).aggregate([(way, "mean") for way in ways])
    found = {}
    for row in means.sort_by([(name, "ascending") for name in by]).to_pylist():
        if row["method"] == "best of n" and row["n"] in (1, max(job.settings["budgets"])):
            found[f"pass@{row['n']}"] = round(row["passed_mean"], 4)  # whatever the verifier says
        width = f" M={row['width']}" if row["width"] > 1 else ""
        ahead = f" k={row['lookahead']}" if row["lookahead"] else ""
        name = f"{row['method']}{width}{ahead}, {row['verifier']}"
        found.setdefault(name, {})[str(row["generations"])] = round(
            row["weighted_last_right_mean"], 4
        )
    return found


ARTEFACTS = (
    Artefact(
        "search-sweep",
        "200 problems: every method of search, at budgets of 1 to 256 generations",
        search,
        SWEEP,
        {"problems": TEST["seed"], "runs": 4},
        ("lab-small", "prm", "prm-weak", "orm"),
        search_score,
    ),
)
