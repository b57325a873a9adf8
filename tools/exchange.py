"""What notebook 11 shows of the large model: its greedy text, and votes among its samples."""

import pyarrow.parquet as pq

from tools.artefact import Artefact
from tools.lab import TEST
from tools.search import SWEEP, search

LARGE = "lab-large"
# lab-small has its temperature of 0.7 in its weights, so its sibling is sampled both ways
EXCHANGE = {
    "problems": SWEEP["problems"],
    "methods": [
        {
            "method": ["best of n"],
            "model": [LARGE],
            "temperature": [0.0],
            "verifier": ["prm"],
            "budget": [1],
        },
        {
            "method": ["best of n"],
            "model": [LARGE],
            "temperature": [0.7, 1.0],
            "verifier": ["prm"],
            "budget": [1, 2, 4, 8, 16],
        },
    ],
}


def score(job):
    """Measure the share of problems that the greedy text solves, a single sample, and a vote."""
    table = pq.read_table(job.folder / "results.parquet")
    by = ["temperature", "n"]
    ways = {"majority": "majority_right", "weighted": "weighted_last_right"}
    means = table.group_by(by).aggregate([(way, "mean") for way in ways.values()])
    found = {}
    for row in means.sort_by([(name, "ascending") for name in by]).to_pylist():
        if row["temperature"] == 0:
            found["greedy"] = round(row["majority_right_mean"], 4)
            continue
        for name, way in ways.items():
            which = f"{name} of {row['n']} at temperature {row['temperature']:g}"
            found[which] = round(row[f"{way}_mean"], 4)
    return found


ARTEFACTS = (
    Artefact(
        "exchange",
        "the problems of the sweep, solved by the large model: greedy, and 16 samples",
        search,
        EXCHANGE,
        {"problems": TEST["seed"], "runs": 1},
        (LARGE, "prm"),
        score,
    ),
)
