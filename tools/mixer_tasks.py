"""What notebook 14 shows of small models that copy, copy selectively, and recall: ten of each."""

import functools
import itertools

import numpy as np

from tools.artefact import Artefact, write_rows
from tools.small import in_parts

ATTENTION, SELECTIVE = "attention", "selective"
PAIR = [[kind] * 2 for kind in (ATTENTION, SELECTIVE, "retention", "time-invariant")]
MIXER_TASKS = {
    "texts": 256,  # that each model answers, of each size
    "runs": [
        {
            "task": "recall",
            "sizes": [4, 8, 16],
            "tests": [2, 4, 8, 16],
            "steps": 800,
            "stacks": [[[ATTENTION], 8], *([[SELECTIVE], state] for state in (1, 2, 8))],
        },
        {
            "task": "selective copying",
            "sizes": [24],
            "tests": [24, 48],
            "steps": 600,
            "stacks": [[kinds, 8] for kinds in PAIR],
        },
        {
            "task": "copying",
            "sizes": [4, 8, 16, 24],
            "tests": [4, 8, 16, 24, 32],
            "steps": 800,
            "stacks": [[[ATTENTION], 8], [[SELECTIVE], 8]],
        },
        {
            "task": "recall",
            "sizes": [4, 8, 16],
            "tests": [2, 4, 8, 16],
            "steps": 400,
            "stacks": [[[SELECTIVE] * 4, 2], [[ATTENTION] + [SELECTIVE] * 3, 2]],
        },
    ],
    "seeds": 10,
}


def trained(texts, seed, setting):
    """Train a model; return a row for each size of texts that it answers."""
    import torch

    from ttclib.course.what_a_token_costs import training
    from ttclib.course.what_a_token_costs.tasks import TASKS

    torch.set_num_threads(1)
    task, sizes, tests, steps, (kinds, state), model_seed = setting
    model = training.build(kinds, state, model_seed)
    draw = TASKS[task]
    for _ in training.learning(model, draw, sizes, steps, model_seed):
        pass
    fixed = {"task": task, "mixers": "+".join(kinds), "state": state, "seed": model_seed}
    fixed |= {"parameters": sum(weight.numel() for weight in model.parameters())}
    return [
        fixed
        | {"size": size}
        | {"right": float(training.right(model, draw(size, texts, rng)).mean())}
        for size, rng in zip(tests, np.random.default_rng(seed).spawn(len(tests)), strict=True)
    ]


def settings_of(plan):
    """List the trainings of a plan, all of the first seed first."""
    return [
        (run["task"], run["sizes"], run["tests"], run["steps"], stack, seed)
        for seed in range(plan["seeds"])
        for run in plan["runs"]
        for stack in run["stacks"]
    ]


def mixer_tasks(job):
    """Train all models; return the seconds."""
    make = functools.partial(trained, job.settings["texts"], job.seeds["texts"])
    found, seconds = in_parts(job, make, settings_of(job.settings), "mixer-tasks")
    write_rows(job.folder / "answers.parquet", list(itertools.chain(*found)))
    return seconds


def mixer_tasks_score(job):
    """Say which share of the largest texts each stack answers, in the mean over seeds."""
    from ttclib.search import results

    table = results.read(job.folder, "answers")
    found = {}
    for run in job.settings["runs"]:
        for kinds, state in run["stacks"]:
            name = "+".join(kinds)
            mine = (table["task"] == run["task"]) & (table["mixers"] == name)
            mine &= (table["state"] == state) & (table["size"] == max(run["tests"]))
            said = f"{run['task']} of {max(run['tests'])}, {name}, state {state}"
            found[said] = round(float(table["right"][mine].mean()), 4)
    return found


ARTEFACTS = (
    Artefact(
        "mixer-tasks",
        "small stacks of mixers that copy, copy selectively and recall: what they answer",
        mixer_tasks,
        MIXER_TASKS,
        {"texts": 14},
        score=mixer_tasks_score,
    ),
)
