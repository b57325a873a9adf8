"""What notebook 12 shows of pretraining: letter models of many sizes, on texts of many lengths."""

import joblib
import numpy as np
import pyarrow.parquet as pq

from tools.artefact import Artefact
from ttclib.course.three_scaling_laws.training import Run, budgets

# neurons a layer; parameters about 2^10, 2^11, …, 2^18
SIZES = [5, 15, 31, 54, 91, 143, 215, 322, 470]
FIRST, LAST = 14, 23  # powers of two: the fewest and the most letters
MOST = 36  # power of two: parameters times letters
GRID = {
    "sizes": SIZES,
    "letters": [FIRST, LAST],
    "most": MOST,
    "cosine seeds": 3,  # of the same sizes, planned for the most letters
    "middle": 91,  # neurons of the model that reads other texts, in other shapes and batches
    "middle letters": [17, 19],
    "texts": {
        "even": [0.0],
        "noise": [0.03, 0.1, 0.3],
        "epochs": [2, 4, 8, 16],
        "primer": [0.25],
        "common first": [0.0],
        "rare first": [0.0],
    },
    "shapes": [[194, 1], [70, 3], [60, 4]],
    "batches": [32, 64, 256, 512],
}


def runs(plan, seeds):
    """List all trainings, those of the first seed first."""
    found = []
    for seed in range(seeds):
        found += grid_runs(plan, seed)
        found += grid_runs(plan, seed, cosine=True) if seed < plan["cosine seeds"] else []
        found += middle_runs(plan, seed)
    return found


def grid_runs(plan, seed, cosine=False):
    """List the sizes, each with as many letters as its parameters leave it."""
    first, last = plan["letters"]
    how = {"schedule": "cosine", "horizon": 2**last} if cosine else {}
    found = []
    for i, hidden in enumerate(plan["sizes"]):
        most = min(last, plan["most"] - 10 - i)
        found.append(Run(hidden, budgets(first, most), seed, **how))
    return found


def middle_runs(plan, seed):
    """List what a model of one size does with other texts, shapes and batches."""
    hidden = plan["middle"]
    letters = tuple(2**k for k in plan["middle letters"])
    found = [Run(wide, letters, seed, depth) for wide, depth in plan["shapes"]]
    found += [Run(hidden, letters, seed, batch=batch) for batch in plan["batches"]]
    for text, amounts in plan["texts"].items():
        for amount in amounts:
            found += [Run(hidden, (n,), seed, text=text, amount=amount) for n in letters]
    return found


def train_all(job):
    """Carry out all trainings on all cores; return the seconds of one core that they took."""
    from ttclib.course.three_scaling_laws.grid import draw

    plan = runs(job.settings, job.seeds["runs"])
    found = draw(plan, job.work / "parts", n_jobs=joblib.cpu_count(only_physical_cores=True))
    found.save(job.folder)
    return found.seconds


def score(job):
    """Measure the excess over the entropy of each size at its largest budget, mean over seeds."""
    from ttclib.course.three_scaling_laws.language import Words

    table = pq.read_table(job.folder / "losses.parquet").to_pylist()
    entropy = Words().entropy
    found = {"entropy": round(entropy, 6)}
    for hidden in job.settings["sizes"]:
        rows = [row for row in table if row["hidden"] == hidden and row["text"] == "fresh"]
        rows = [row for row in rows if (row["schedule"], row["batch"]) == ("trunk", 128)]
        most = max(row["letters"] for row in rows)
        losses = [row["loss"] for row in rows if row["letters"] == most]
        found[f"excess of {hidden} neurons"] = round(float(np.mean(losses)) - entropy, 5)
    return found


ARTEFACTS = (
    Artefact(
        "pretraining",
        "letter models of 9 sizes on up to 8 M letters: exact losses, three seeds",
        train_all,
        GRID,
        {"runs": 3},
        (),
        score,
    ),
)
