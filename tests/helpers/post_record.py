"""A small record of post-training, whose numbers are written down by hand."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from ttclib.course.three_scaling_laws.post_training import Record

FIELDS = ("trained", "sampled", "taught")
# name, share, test, temperature, bill, right of 64 (or of 16) by problem, greedy by problem
RUNS = [
    ("lab-small", 0.0, "exam", 1.0, (0, 0, 0), [64, 32, 8, 1], [1, 1, 0, 0]),
    ("lab-small", 0.0, "exam", 0.5, (0, 0, 0), [64, 64, 4, 0], [1, 1, 0, 0]),
    ("lab-small", 0.0, "larger", 1.0, (0, 0, 0), [0, 0, 0, 0], [0, 0, 0, 0]),
    ("lab-small-more", 0.0, "exam", 1.0, (0, 0, 0), [64, 64, 64, 9], [1, 1, 1, 1]),
    ("lab-small-own", 0.0, "exam", 1.0, (0, 0, 0), [64, 64, 64, 1], [1, 1, 1, 0]),
    ("learns", 1.0, "exam", 1.0, (1000, 0, 0), [64, 64, 32, 8], [1, 1, 1, 0]),
    ("learns", 1.0, "larger", 1.0, (1000, 0, 0), [32, 32, 0, 0], [1, 1, 0, 0]),
    ("sharpens", 1.0, "exam", 1.0, (500, 1500, 0), [64, 64, 16, 0], [1, 1, 0, 0]),
    ("learns", 0.25, "exam", 1.0, (250, 0, 0), [16, 12, 4, 1], [1, 1, 0, 0]),
]


def write(folder, runs=RUNS):
    """Write a record as the tool does, and read it."""
    found = []
    columns = {"run": [], "problem": [], "right": [], "greedy": []}
    for i, (name, share, test, temperature, bill, right, greedy) in enumerate(runs):
        tokens = dict(zip(FIELDS, bill, strict=True))
        samples = 16 if share == 0.25 else 64
        run = {"name": name, "share": share, "test": test, "temperature": temperature}
        more = {"entropy": 0.1, "length": 50.0, "reward": [0.5, 0.75]}
        found.append({**run, "samples": samples, **tokens, **more})
        columns["run"] += [i] * len(right)
        columns["problem"] += range(len(right))
        columns["right"] += right
        columns["greedy"] += greedy
    (folder / "runs.json").write_text(json.dumps(found), encoding="utf-8")
    pq.write_table(pa.table(columns), folder / "solved.parquet")
    return Record(folder)
