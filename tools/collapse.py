"""What notebook 15 shows of features that collapse: training with each cure, over seeds."""

import itertools

import numpy as np

from tools.artefact import Artefact, write_rows
from tools.small import in_parts

# of the two numbers' module, which brings SciPy; a test holds them equal
NEITHER, STOP, MOMENTUM, BOTH = "neither", "stop-gradient", "momentum", "both"
ADAM, GRADIENT = "Adam", "gradient descent"
PLAN = {
    "seeds": 10,
    "runs": [
        {"how": [NEITHER, STOP], "momentum": [0.0], "optimiser": [ADAM]},
        {"how": [MOMENTUM, BOTH], "momentum": [0.99, 0.999], "optimiser": [ADAM]},
        {"how": [NEITHER], "momentum": [0.0], "optimiser": [GRADIENT]},
        {"how": [MOMENTUM], "momentum": [0.99], "optimiser": [GRADIENT]},
    ],
}


def runs(plan):
    """List the runs of a plan, as dictionaries: all of a seed, then those of the next."""
    kinds = [
        dict(zip(grid, values, strict=True))
        for grid in plan["runs"]
        for values in itertools.product(*grid.values())
    ]
    return [kind | {"seed": seed} for seed in range(plan["seeds"]) for kind in kinds]


def watched(run):
    """Train once; return a row for each step at which the encoder was looked at."""
    import torch

    from ttclib.course.predicting_features import collapse

    torch.set_num_threads(1)
    shots = collapse.watched(run["how"], run["seed"], run["momentum"], run["optimiser"])
    rows = []
    for shot in shots:
        measures = {name: float(np.float32(getattr(shot, name))) for name in collapse.MEASURES}
        rows.append(run | {"step": shot.step} | measures)
    return rows


def rival(seed):
    """Train a model that predicts pixels; return what a probe reads off its features."""
    import torch

    from ttclib.course.predicting_features import collapse

    torch.set_num_threads(1)
    position, velocity = collapse.pixels_read(seed)
    return {"seed": seed, "position": position, "velocity": velocity}


def build(job):
    """Train all; return the seconds."""
    found, seconds = in_parts(job, watched, runs(job.settings), "feature collapse")
    write_rows(job.folder / "runs.parquet", list(itertools.chain(*found)))
    rivals, more = in_parts(job, rival, range(job.settings["seeds"]), "pixels")
    write_rows(job.folder / "pixels.parquet", rivals)
    return seconds + more


def raw(job):
    """Let a probe read the pixels themselves, beside the best that a linear one can."""
    from ttclib.course.predicting_features import collapse

    rows = zip(("read", "best"), (collapse.raw_read(), collapse.best_linear_read()), strict=True)
    found = [{"how": how, "position": r2[0], "velocity": r2[1]} for how, r2 in rows]
    write_rows(job.folder / "pixels.parquet", found)


def score(job):
    """Say of how many seeds the features collapse, and the median spread in the end."""
    from ttclib.course.predicting_features import collapse

    record = collapse.read(job.folder)
    found = {}
    for run in runs(job.settings | {"seeds": 1}):
        kind = run["how"], run["momentum"], run["optimiser"]
        spread = record.run(*kind)["spread"]
        name = f"{run['how']} {run['momentum']:g} {run['optimiser']}"
        found[f"{name}, collapsed"] = int(record.collapsed(*kind).sum())
        found[f"{name}, spread left"] = round(float(np.median(spread[:, -1] / spread[:, 0])), 4)
    return found


ARTEFACTS = (
    Artefact(
        "feature-collapse",
        "encoders that predict features, with each cure against collapse alone, over ten seeds",
        build,
        PLAN,
        {},
        score=score,
    ),
    Artefact(
        "pixel-probe",
        "what a linear probe reads off the pixels of clips, and the most that one can",
        raw,
    ),
)
