"""What predicts features and what predicts pixels, in worlds more and less full of something else.

Each training is kept in a file of its own; those of the first seeds come first.
"""

from dataclasses import asdict, replace

import joblib
from joblib import Parallel, delayed

from tools.artefact import Artefact, digest, kept_json, write_rows

CORNERS = [[0.5, 0.5], [0.9, 0.5], [0.3, 0.99], [0.9, 0.99]]  # share and persistence
BORDER = {
    "narrow": {"steps": 300, "rate": 0.004},
    "patterns": 9,
    "corners": CORNERS,
    "along share": [[share, 0.5] for share in (0.2, 0.7, 0.95)],
    "along persistence": [[0.3, kept] for kept in (0.0, 0.9, 1.0)],
    "fewer seeds": 5,  # along, and of what is not in the theory
    "rates": [0.002, 0.008],
    "looks": 4,
    "numbers": 4,
    "shares": 25,
    "kept": [0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985]
    + [0.99, 0.995, 0.998, 1.0],
}
MASKED = {
    "recipe": {"steps": 1000, "batch": 32, "rate": 0.002},
    "worlds": [
        "white noise",
        "nine patterns that flicker",
        "flicker of the whole frame",
        "smooth noise",
        "faster distractors",
        "a texture that stays",
    ],
    "looks": 5,
}
EXAMINED = 990_000  # seed of the clips on which a model of seed 0 is examined


def narrow_plans(settings, seeds):
    """List the trainings of narrow networks: (recipe, world, seed)."""
    from ttclib.course.predicting_features import border as theory
    from ttclib.course.predicting_features.worlds import World

    def world(point):
        return World("flicker", *point, patterns=settings["patterns"])

    base = theory.Narrow(**settings["narrow"])
    recipes = {how: theory.for_the_same(base, how) for how in theory.HOWS}
    found = []
    for seed in range(seeds):
        for point in settings["corners"]:
            hows = theory.HOWS if seed < settings["fewer seeds"] else theory.HOWS[:2]
            found += [(recipes[how], world(point), seed) for how in hows]
        along = settings["along share"] + settings["along persistence"]
        for point in along if seed < settings["fewer seeds"] else []:
            found += [(recipes[how], world(point), seed) for how in ("features", "pixels")]
        if seed == 0:
            for point in settings["corners"][:3]:
                for rate in settings["rates"]:
                    found += [(replace(r, rate=rate), world(point), 0) for r in recipes.values()]
    return found


def narrow(recipe, world, seed, looks):
    """Train a narrow network and look at it on its way."""
    from ttclib.course.predicting_features import border as theory

    every = recipe.steps / looks
    steps = {round(every * (i + 1)) for i in range(looks)}
    rows = []

    def look(step, learner):
        if step in steps:
            position, background = theory.known(learner, world, EXAMINED + seed)
            rows.append({"step": step, "position": position, "background": background})

    theory.teach(recipe, world, seed, look)
    return rows


def carry_out(work, measure, recipe, world, seed, **more):
    """Carry out a training, or read what it measured; return its rows."""
    import time

    import torch

    what = {"kind": measure.__name__, **asdict(recipe), **asdict(world), "seed": seed}

    def make():
        torch.set_num_threads(1)
        start = time.process_time()
        found = measure(recipe, world, seed, **more)
        return [found, time.process_time() - start]

    rows, seconds = kept_json(work / f"features-{digest([what, more])}.json", make)
    return [what | row for row in rows], seconds


def masked_plans(settings, seeds):
    """List the trainings of the whole miniature: (recipe, world, seed), a seed after the other."""
    from ttclib.course.predicting_features import jepa
    from ttclib.course.predicting_features.masked import WORLDS

    features = jepa.Recipe(**settings["recipe"])
    both = (features, jepa.rival(features))
    return [
        (recipe, WORLDS[name], seed)
        for seed in range(seeds)
        for name in settings["worlds"]
        for recipe in both
    ]


def masked(recipe, world, seed, looks):
    """Train the whole miniature, and read off it on its way."""
    from ttclib.course.predicting_features import masked as miniature

    name = next(name for name, known in miniature.WORLDS.items() if known == world)
    return [{"world": name, **row} for row in miniature.taught(recipe, world, seed, looks)]


def miniature(job):
    """Train the whole miniature in several worlds; read the pixels of each, too."""
    from ttclib.course.predicting_features import masked as theory

    rows = [{"world": name, **theory.without_training(name)} for name in job.settings["worlds"]]
    write_rows(job.folder / "pixels.parquet", rows)
    plans = masked_plans(job.settings, job.seeds["networks"])
    return carry_out_all(job, masked, plans, looks=job.settings["looks"])


def exact(job):
    """Return the map of what the best linear encoders know."""
    import numpy as np

    from ttclib.course.predicting_features import border as theory

    settings = job.settings
    shares = np.linspace(0.02, 0.98, settings["shares"]).round(4).tolist()
    asked = (settings["patterns"], settings["numbers"], shares, settings["kept"])
    return kept_json(
        job.work.parent / f"features-{digest(asked)}.json", lambda: theory.exact_map(*asked)
    )


def carry_out_all(job, measure, plans, **more):
    """Carry out trainings on all cores and write their rows; return the seconds of one core."""
    cores = joblib.cpu_count(only_physical_cores=True)
    found = Parallel(cores)(
        delayed(carry_out)(job.work.parent, measure, *plan, **more) for plan in plans
    )
    rows = [_flat(row) for rows, _ in found for row in rows]
    write_rows(job.folder / f"{measure.__name__}.parquet", rows)
    return sum(seconds for _, seconds in found)


def border(job):
    """Compute the exact map, and train narrow networks."""
    write_rows(job.folder / "exact.parquet", exact(job))
    plans = narrow_plans(job.settings, job.seeds["networks"])
    return carry_out_all(job, narrow, plans, looks=job.settings["looks"])


def _flat(row):
    """Leave out what is not a number or a word."""
    return {name: value for name, value in row.items() if isinstance(value, int | float | str)}


ARTEFACTS = (
    Artefact(
        "feature-border",
        "what four numbers know that predict features or pixels: exactly, and of networks",
        border,
        BORDER,
        {"networks": 10},
    ),
    Artefact(
        "feature-worlds",
        "the whole masked miniature, which predicts features or pixels, in six worlds",
        miniature,
        MASKED,
        {"networks": 5},
    ),
)
