"""The results that notebooks 08 and 09 show: every method of search at every budget."""

import functools
import itertools

import joblib
import numpy as np
import pyarrow.parquet as pq

from tools.artefact import Artefact
from tools.lab import LABS, TEST, lab_of
from ttclib.search.models import LADDER

ROOT_N = "√N"
SEARCHED = ["prm-tokens", "prm-some", "prm", "prm-more"]  # the rungs under every kind of search
BESIDE = ["orm", "prm-plain-more"]
RULED = ["nines", "exact"]  # verifiers that learned nothing
WRITERS = ["lab-small-own", "lab-small-more"]  # bodies of verifiers that write themselves
BUDGETS = [2**i for i in range(9)]
SWEEP = {
    "problems": 400,
    "methods": [
        {"method": ["best of n"], "verifier": [*LADDER, *BESIDE, *RULED], "budget": BUDGETS},
        {"method": ["beam"], "width": [ROOT_N, 4], "verifier": SEARCHED, "budget": BUDGETS},
        {"method": ["rebase", "particles"], "verifier": SEARCHED, "budget": BUDGETS},
        {"method": ["beam"], "width": [4], "verifier": RULED, "budget": BUDGETS},
        {"method": ["rebase"], "verifier": RULED, "budget": BUDGETS},
        {"method": ["lookahead"], "width": [ROOT_N], "lookahead": [1], "budget": BUDGETS},
        {"method": ["lookahead"], "width": [ROOT_N, 4], "lookahead": [3], "budget": BUDGETS},
        {"method": ["dvts", "mcts"], "width": [4], "budget": BUDGETS},
        {"method": ["annealed particles"], "budget": BUDGETS},
        {
            "method": ["best of n"],
            "model": WRITERS,
            "temperature": [0.0],
            "verifier": ["exact"],
            "budget": [1],
        },
        {
            "method": ["best of n"],
            "model": WRITERS,
            "verifier": ["exact"],
            "budget": [1, 2, 4, 8, 16],
        },
    ],
}
SECOND = {"model": ["countdown-small"]}
JUDGES = ["countdown-prm", "exact", "true"]
SEARCHES = SECOND | {"verifier": JUDGES, "budget": BUDGETS[:7]}
COUNTDOWN = {
    "task": "countdown",
    "problems": 300,
    "methods": [
        {
            "method": ["best of n"],
            **SECOND,
            "verifier": [*JUDGES, "countdown-plain"],
            "budget": BUDGETS[:8],
        },
        {"method": ["beam"], "width": [ROOT_N, 4], **SEARCHES},
        {"method": ["rebase", "particles"], **SEARCHES},
        {"method": ["dvts"], "width": [4], **SEARCHES},
        {
            "method": ["lookahead"],
            "width": [ROOT_N],
            "lookahead": [1, 3],
            **SEARCHES,
            "verifier": ["countdown-prm"],
        },
        {
            "method": ["best of n"],
            "model": ["countdown-small", "countdown-own"],
            "temperature": [0.0],
            "verifier": ["exact"],
            "budget": [1],
        },
        {
            "method": ["best of n"],
            "model": ["countdown-own"],
            "verifier": ["exact"],
            "budget": [1, 4, 16],
        },
    ],
}


def settings(plan):
    """List the settings of a plan: each method at each of its budgets of N · (k + 1) generations.

    A search of one text, or one whose width is 1, is best of N; so it is left out.
    """
    from ttclib.search.methods import BEST_OF_N, OWN, Setting, root_width

    found = {}
    for options in plan["methods"]:
        for values in itertools.product(*options.values()):
            chosen = dict(zip(options, values, strict=True))
            n = chosen.pop("budget") // (chosen.get("lookahead", 0) + 1)
            if n < 1 or (n == 1 and chosen["method"] != BEST_OF_N):
                continue
            if chosen.get("width") == ROOT_N:
                chosen["width"] = root_width(n)
            if chosen["method"] in OWN["width"] and not 1 < chosen["width"] <= n:
                continue
            found[Setting(n=n, **chosen)] = None  # an ordered set: at N = 16 the width √N is 4
    return list(found)


@functools.cache
def load(folders, task, name):
    """Load a model or a verifier, once in a process; ``folders`` holds pairs of name and folder.

    A verifier that learned nothing is one of the task's rules.
    """
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model
    from ttclib.search.verifier import RewardModel

    if name in LABS[task].rules:
        return LABS[task].rules[name]
    folder = dict(folders)[name]
    writes = (folder / "tokenizer.json").exists()
    return CausalLM(*read_model(folder)) if writes else RewardModel.load(folder)


def search(job):
    """Run the sweep on all cores; return the seconds of one core that it took, over all runs."""
    from ttclib.course.prm_search.sweep import sweep

    plan = job.settings
    lab = lab_of(job)
    rng = np.random.default_rng(job.seeds["problems"])
    found = sweep(
        settings(plan),
        lab.task,
        lab.problems("test", plan["problems"], rng),
        job.seeds["runs"],
        job.work / "parts",
        load=functools.partial(load, tuple(job.needs.items()), plan.get("task", "arithmetic")),
        n_jobs=joblib.cpu_count(only_physical_cores=True),
    )
    found.save(job.folder)
    return found.seconds


def search_score(job):
    """Measure the accuracy of best-of-N weighted for each method and verifier, by generations; and
    what each writer does without one, by its answers: how often one of the first n is right.
    """
    from ttclib.search.results import read_drawn

    results = pq.read_table(job.folder / "results.parquet")
    by = ["model", "temperature", "method", "width", "lookahead", "verifier", "n", "generations"]
    means = results.group_by(by).aggregate([("weighted_last_right", "mean")])
    writer = lab_of(job).writer
    most = max(results["n"].to_pylist())
    found = {}
    for row in means.sort_by([(name, "ascending") for name in by]).to_pylist():
        model, t, n = row["model"], row["temperature"], row["n"]
        kind = "greedy" if t == 0 else f"pass@{n}"
        kind = f"{model}, {kind}" if model != writer else kind
        drawn = row["method"] == "best of n" and (model != writer or n in (1, most))
        if drawn and kind not in found:  # whatever the verifier says
            right, *_ = read_drawn(job.folder, "right", model=model, temperature=t)
            found[kind] = round(right[..., :n].any(axis=-1).mean().item(), 4)
        if model != writer or t == 0:
            continue
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
        "400 problems: every method of search, at budgets of 1 to 256 generations",
        search,
        SWEEP,
        {"problems": TEST["seed"], "runs": 1},
        ("lab-small", *WRITERS, *LADDER, *BESIDE),
        search_score,
    ),
    Artefact(
        "countdown-sweep",
        "300 problems of Countdown: methods of search, at budgets of 1 to 64 generations",
        search,
        COUNTDOWN,
        {"problems": TEST["seed"], "runs": 1},
        ("countdown-small", "countdown-own", "countdown-prm", "countdown-plain"),
        search_score,
    ),
)
