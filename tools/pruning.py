"""Pruning of the large lab model, and how what is left recovers, with a teacher and without."""

import functools
import io
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq

from tools.artefact import Artefact, digest, kept, kept_json, write_rows
from tools.lab import greedy, progress, true_text
from tools.post_training import PROBLEMS
from ttclib import artefacts
from ttclib.course.small_models import distil, prune
from ttclib.files import unseal
from ttclib.lm import arithmetic, training

LARGE = "lab-large"
ROW = 256
SEEDS = {"texts": 21, "random": 22, "training": 5}
CALIBRATION = {"problems": 100, "seed": 23}
HELD_OUT = {"problems": 86, "seed": 24}
TEST = {"problems": 400, "seed": 2}
ROWS_AT_ONCE = 512  # that the teacher reads, and that are kept
WORTH_COMPILING = 100  # steps: compiling takes as long as a few dozen


def packed(split, problems, seed):
    """Return true solutions of problems in packed rows."""
    return pack(arithmetic.problems(split, problems, np.random.default_rng(seed)))


def pack(problems):
    """Return their true solutions in packed rows."""
    return training.pack_texts(list(map(true_text, problems)), ROW)


def load(job):
    """Return the large model, its tokenizer, and its importance on the calibration texts."""
    from ttclib.lm.pretrained import read_ours

    model, words = read_ours(job.needs[LARGE])
    return model, words, prune.importance(model, packed("train", **CALIBRATION))


@functools.cache
def test_problems():
    """Return the problems of the test split that every model is asked."""
    return arithmetic.problems("test", TEST["problems"], np.random.default_rng(TEST["seed"]))


class Examiner:
    """Measures a model: its distance from the teacher, and which test problems it solves."""

    def __init__(self, teacher, words):
        self.words = words
        self.rows = packed("validation", **HELD_OUT)
        self.says = distil.log_probs(teacher, self.rows)

    def distance(self, model):
        """Return the distance as a dictionary."""
        return distil.distance(model, self.rows, self.says)._asdict()

    def solved(self, model, number=TEST["problems"]):
        """Return the greedy text of the first test problems, and whether its answer is right."""
        from ttclib.lm.engine import CausalLM

        lm = CausalLM(model, self.words)
        found = greedy(lm, test_problems()[:number])
        texts = [
            lm.vocabulary.decode(tokens[:k]).removesuffix(arithmetic.END)
            for tokens, k in zip(found.tokens, found.lengths, strict=True)
        ]
        return {"right": found.right.tolist(), "texts": texts}

    def measure(self, model, number=TEST["problems"]):
        """Return both."""
        return self.distance(model) | self.solved(model, number)


# ---- pruning alone -----------------------------------------------------------------------


def prune_once(job):
    """Prune each kind of part to several sizes, by importance and at random; measure the rest."""
    model, words, scores = load(job)
    examiner = Examiner(model, words)
    rng = np.random.default_rng(job.seeds["random"])
    random = [prune.at_random(model.shape, rng) for _ in range(job.settings["random"])]
    lines = []
    for plan in [{}, *job.settings["plans"]]:
        for number, chosen in enumerate([scores, *random] if plan else [scores]):
            thin = prune.switched_off(model, prune.keep(chosen, **plan))

            def measure(thin=thin, number=number):
                asked = job.settings["asked"]  # of the controls the distance says enough
                answers = {"right": None} if number else examiner.solved(thin, asked)
                return examiner.distance(thin) | answers

            found = kept_json(job.work / f"{digest([plan, number])}.json", measure)
            found.pop("texts", None)
            lines.append({**dict.fromkeys(prune.PARTS), **plan, "random": number, **found})
    write_rows(job.folder / "pruned.parquet", lines)


# ---- recovery ----------------------------------------------------------------------------


def some(rows, chosen):
    """Return some of the rows."""
    parts = {k: v[chosen] if isinstance(v, np.ndarray) else v for k, v in vars(rows).items()}
    return type(rows)(**parts)


def to_read(job, teacher):
    """Return the training rows with what the teacher says: it reads each once, parts are kept."""
    settings, seed = job.settings, job.seeds["texts"]
    what = [settings["problems"], settings.get("kind", "exam"), seed]
    rows = pack(PROBLEMS[what[1]](what[0], np.random.default_rng(seed)))
    number = settings["batch"] * settings["steps"] // settings.get("epochs", 1)
    says = []
    for first in range(0, number, ROWS_AT_ONCE):
        part = some(rows, slice(first, first + ROWS_AT_ONCE))

        def make(part=part):
            file = io.BytesIO()
            np.save(file, distil.log_probs(teacher, part, mixed=True))
            return file.getvalue()

        owner = digest([*what, first, len(part)])
        says.append(np.load(io.BytesIO(kept(job.work.parent / f"said-{owner}.npy", owner, make))))
    taught = training.TaughtTexts(**vars(rows), teacher=np.concatenate(says))
    return some(taught, slice(number))


def piece(job, plan, what):
    """Name a file for a piece of a run: other runs of the artefact may change, and it stays."""
    of = ("problems", "kind", "batch", "steps", "epochs", "looks")
    read = {name: job.settings.get(name) for name in of}
    teacher = artefacts.sha256(job.needs[LARGE] / "model.safetensors")
    texts = [CALIBRATION, HELD_OUT, TEST]
    return job.work.parent / f"recovery-{digest([plan, read, job.seeds, texts, teacher])}-{what}"


def recover(job):
    """Train every run, stage by stage, and measure it on the way; return the seconds."""
    teacher, words, scores = load(job)
    rows = to_read(job, teacher)
    examiner = Examiner(teacher, words)
    curves = []
    texts = []
    seconds = 0.0
    for name, plan in job.settings["runs"].items():

        def make(plan=plan):
            return train_run(job, plan, rows, teacher, scores, examiner)

        lines, took = kept_json(piece(job, plan, "run.json"), make)
        seconds += took
        texts += [{"run": name, "text": text} for text in lines[-1]["texts"]]
        curves += [
            {"run": name} | {k: v for k, v in line.items() if k != "texts"} for line in lines
        ]
    rivals = [{"run": name, **rival(job, name, examiner)} for name in job.settings["rivals"]]
    for table, lines in (("curves", curves), ("texts", texts), ("rivals", rivals)):
        if lines:
            write_rows(job.folder / f"{table}.parquet", lines)
    return seconds


def rival(job, name, examiner):
    """Measure a model of the course as the runs are measured."""
    from ttclib.lm.pretrained import read_ours

    model, _ = read_ours(job.needs[name])
    return kept_json(job.work / f"{name}.json", lambda: examiner.measure(model))


def start_of(job, plan, shape, model, scores):
    """Return what a stage begins with: new weights, or what is left of a larger model."""
    from ttclib.lm.llama import Llama

    if plan["start"] == "scratch":
        return Llama(replace(model.shape, **shape), job.seeds["training"])
    if plan["start"] == "random":
        scores = prune.at_random(model.shape, np.random.default_rng(job.seeds["random"]))
    return prune.cut_out(model, prune.keep(scores, **shape))


def looks_at(job, plan, stage, steps):
    """Return the steps of a stage at which a run is measured, and a file for each."""
    looks = [steps >> k for k in range(plan.get("looks", job.settings["looks"]))]
    files = {step: piece(job, plan, f"{stage}-{step}.json") for step in (0, *looks[::-1])}
    if stage == 0:  # how they go on does not change what they begin with
        begin = {name: plan.get(name) for name in ("start", "shapes", "asked")}
        files[0] = piece(job, begin | {"shapes": plan["shapes"][:1]}, "start.json")
    return files


def train_run(job, plan, rows, teacher, scores, examiner):
    """Train a run stage by stage; return what was measured along it, and the seconds."""
    settings = job.settings
    steps = settings["steps"] // len(plan["shapes"])
    asked = plan.get("asked", TEST["problems"])
    rows = replace(rows, share=0.0) if plan["teacher"] is None else replace(rows, **plan["teacher"])
    model = teacher
    lines = []
    seconds = 0.0
    for stage, shape in enumerate(plan["shapes"]):
        if stage:
            scores = prune.importance(model, packed("train", **CALIBRATION))
        model = start_of(job, plan, shape, model, scores)
        mine = len(rows) // len(plan["shapes"])  # what a stage reads
        seen = looks_at(job, plan, stage, steps)

        def look(step, model=model, seen=seen):
            if step in seen:
                was = model.training
                kept_json(seen[step], lambda: examiner.measure(model, asked))
                model.train(was)

        look(0)
        with progress(steps) as bar:

            def report(step, loss, look=look, bar=bar):
                look(step)
                bar(step, loss)

            seconds += training.train_lm(
                model,
                some(rows, slice(stage * mine, (stage + 1) * mine)),
                batch=settings["batch"],
                steps=steps,
                learning_rate=plan["learning_rate"],
                seed=job.seeds["training"],
                compiled=steps >= WORTH_COMPILING,
                mixed=True,
                checkpoint=piece(job, plan, f"{stage}.pt"),
                report=report,
            )
        for step, path in seen.items():
            line = {
                "stage": stage,
                "step": step,
                "tokens": step * settings["batch"] * ROW,
                "weights": model.shape.flops[0] // 2,
                "taught": plan["teacher"] is not None,
            }
            if "epochs" in settings:  # the teacher reads each token once
                line["heard"] = min(line["tokens"], mine * ROW)
            lines.append(line | json.loads(unseal(path, path.name)))
    return lines, seconds


def score(job):
    """Say what share of the test problems each run solves in the end."""
    lines = pq.read_table(job.folder / "curves.parquet").to_pylist()
    return {line["run"]: round(float(np.mean(line["right"])), 4) for line in lines}


EVENLY = {"width": 128, "heads": 4, "hidden": 384, "layers": 7}
HALF = {"width": 192, "heads": 6, "hidden": 120, "layers": 7}  # nearer to the whole than EVENLY
BETWEEN = HALF | {"hidden": 240}
SMALL = {"width": 64, "heads": 2, "hidden": 192, "layers": 4}
SOFT = {"temperature": 1.0, "share": 1.0}


def run(start, teacher, *shapes, learning_rate, **measured):
    """Declare a run: what it starts from, how it hears the teacher, its shapes one by one.

    Of ``looks`` and ``asked`` it may have its own: how often it is measured, on how many problems.
    """
    return {
        "start": start,
        "teacher": teacher,
        "shapes": list(shapes),
        "learning_rate": learning_rate,
        **measured,
    }


def two_by_two(shape, learning_rate, **new):
    """Declare four runs: new weights or pruned ones, true tokens or the teacher's soft ones."""
    rate = {"learning_rate": learning_rate}
    return {
        "scratch": run("scratch", None, shape, **rate, **new),
        "scratch, taught": run("scratch", SOFT, shape, **rate, **new),
        "pruned": run("importance", None, shape, **rate),
        "pruned, taught": run("importance", SOFT, shape, **rate),
    }


def other_ways(shape, between, learning_rate):
    """Declare runs that differ in one thing each: the temperature, the parts, or the pruning."""
    how = {"learning_rate": learning_rate, "looks": 1}
    return {
        "T = 2": run("importance", SOFT | {"temperature": 2.0}, shape, **how),
        "T = 4": run("importance", SOFT | {"temperature": 4.0}, shape, **how),
        "random parts": run("random", None, shape, **how),
        "two steps": run("importance", None, between, shape, **how),
    }


def other_rates(shape, rates, **measured):
    """Declare the pruned run at other learning rates: its own must be the best."""
    return {
        f"rate {rate:g}": run("importance", None, shape, learning_rate=rate, looks=1, **measured)
        for rate in rates
    }


PLANS = [
    *({"hidden": count} for count in (420, 360, 240, 120, 60)),
    *({"heads": count} for count in (5, 4, 3, 2)),
    *({"layers": count} for count in (6, 5, 4, 3)),
    *({"width": count} for count in (176, 160, 128, 96)),
    EVENLY,
    SMALL,
]
READ = {"problems": 23_000, "batch": 16}
RIVALS = ["lab-small", "lab-small-more"]
ARTEFACTS = (
    Artefact(
        "pruned-once",
        "the large model with parts switched off, the least important or any",
        prune_once,
        {"plans": PLANS, "random": 2, "asked": 100},
        SEEDS,
        (LARGE,),
    ),
    Artefact(
        "recovery-half",
        "half of its weights, and how they heal: with its help or without",
        recover,
        READ
        | {
            "steps": 24,
            "looks": 3,
            "rivals": [LARGE],
            # new weights write to the end of their context and solve nothing: few problems do
            "runs": two_by_two(HALF, 5e-4, asked=50)
            | other_ways(HALF, BETWEEN, 5e-4)
            | other_rates(HALF, (2.5e-4, 1e-3, 2e-3), asked=50),
        },
        SEEDS,
        (LARGE,),
        score,
    ),
    Artefact(
        "recovery-small",
        "as few weights as the small model has: new or pruned, with its help or without",
        recover,
        READ
        | {
            "steps": 192,
            "looks": 4,
            "rivals": RIVALS,
            "runs": two_by_two(SMALL, 4e-3),
        },
        SEEDS,
        (LARGE, *RIVALS),
        score,
    ),
    Artefact(
        "distillation",
        "as few weights as the small model has, after a third of its reading: taught, or not",
        recover,
        {
            "problems": 72_000,
            "kind": "same",  # as the small model's: easy ones, too
            "batch": 16,
            "steps": 1152,
            "epochs": 3,  # so the teacher reads a third
            "looks": 2,
            "rivals": [],
            "runs": {
                "pruned": run("importance", None, SMALL, learning_rate=4e-3),
                "pruned, taught": run("importance", SOFT, SMALL, learning_rate=4e-3),
            },
        },
        SEEDS,
        (LARGE,),
        score,
    ),
)
