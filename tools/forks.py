"""What notebook 14 shows of forks: seconds of a token and of a fork, inside the engine's loop."""

import json

import numpy as np

from tools.artefact import Artefact, write_rows

FORKS = {
    "names": ["attention", "grouped", "retention", "selective"],
    "sizes": {"width": 128, "layers": 4, "heads": 4, "hidden": 256, "state": 16},
    "contexts": [64, 256, 1024, 4096],
    "particles": 8,
    "tokens": 40,
    "rounds": 4,
}


def seconds(job):
    """Time each model at each context, in turns, with forks at every third token."""
    import torch

    from ttclib.course.what_a_token_costs.forks import rivals, seconds_a_token

    torch.set_num_threads(1)
    plan = job.settings
    n = plan["particles"]
    rows = []
    for context in plan["contexts"]:
        lms = rivals(plan["names"], context + plan["tokens"], plan["sizes"])
        for turn in range(plan["rounds"]):
            for name, lm in lms.items():
                rng = np.random.default_rng(turn)
                measured = seconds_a_token(lm, "1" * context, n, plan["tokens"], rng)
                fixed = {"name": name, "context": context, "round": turn}
                rows += [
                    fixed | {"forks": bool(copied), "seconds": float(took)}
                    for took, copied in zip(*measured, strict=True)
                    if copied in (0, n // 2)
                ]
    write_rows(job.folder / "seconds.parquet", rows)
    models = {"particles": n, "sizes": plan["sizes"]}
    (job.folder / "models.json").write_text(json.dumps(models) + "\n", encoding="utf-8")


ARTEFACTS = (
    Artefact(
        "forks",
        "seconds of a token with and without forks, in attention and with a fixed state",
        seconds,
        FORKS,
    ),
)
