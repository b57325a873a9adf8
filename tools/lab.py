"""The lab models: a small one that is right now and then, and a large one for comparison.

The small one stops early, so that some problems are easy for it, some hard, and some in between:
that is what makes it worth searching with.
"""

import contextlib
import functools
import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from tools.artefact import Artefact, digest, kept
from ttclib.course.prm_search import rules
from ttclib.course.your_own_model import countdown
from ttclib.lm import arithmetic, samplers, tokenizer
from ttclib.lm.protocols import Task

TEXTS = {"problems": 180_000, "row": 256}
SMALL = {
    "shape": {"width": 64, "layers": 4, "heads": 4, "hidden": 192},
    "training": {"batch": 32, "steps": 2000, "learning_rate": 6e-3, "compiled": True},
    # Stopped this early it wanders on easy problems too. What is temperature 0.7 to the trained
    # model is temperature 1 to the saved one: easy problems become easy, hard ones stay hard.
    "temperature": 0.7,
}
LARGE = {
    "shape": {"width": 192, "layers": 7, "heads": 6, "hidden": 480},
    "training": {
        "batch": 32,
        "steps": 1500,
        "learning_rate": 2e-3,
        "compiled": True,
        "mixed": True,  # two thirds of the time
    },
    "temperature": 1.0,
}
SEEDS = {"texts": 1, "training": 0}
TEST = {"problems": 200, "samples": 256, "seed": 2}
COUNTDOWN = {
    "task": "countdown",
    "texts": {"problems": 520_000, "row": 256},
    "shape": SMALL["shape"],
    "training": SMALL["training"] | {"steps": 2500},
    "temperature": 0.7,
}
TEXTS_AT_ONCE = 1024  # while sampling: half a gigabyte of cache for the large model


def save_tokenizer(job):
    """Write the character tokenizer in the library's format."""
    tokenizer.build().save_pretrained(job.folder)


def training_problems(n, rng):
    """Draw ``n`` problems to learn from: of one operation too, and short ones again and again.

    The largest size of a problem's numbers is drawn first, and each size up to it is as likely as
    the others. So problems with small numbers only are common, as they are among what people ask.
    """
    found = []

    def sizes():
        return range(1, int(rng.choice(arithmetic.DIGITS)) + 1)

    for text in arithmetic.drawn("train", n, rng, arithmetic.OPERATIONS, sizes, found):
        found.append(text)
    return found


def true_text(problem):
    """Return the tokens of a problem with its true solution, and how many of them are given."""
    return tokenizer.encode(arithmetic.example(problem)), len(problem) + 1


def arithmetic_texts(n, rng):
    """Yield the texts of ``n`` problems to learn from, as :func:`true_text` does."""
    return map(true_text, training_problems(n, rng))


def countdown_texts(n, rng):
    """Yield the same for Countdown: each problem with the solution that it was made from."""
    for problem, solution in countdown.examples(n, rng):
        prompt = countdown.TASK.prompt(problem)
        yield tokenizer.encode(prompt + solution), len(prompt)


class Lab(NamedTuple):
    """A task of the lab: what is trained and swept alike whatever the task.

    Attributes
    ----------
    task : Task
    problems : callable
        ``problems(split, n, rng)`` draws problems to measure on.
    texts : callable
        ``texts(n, rng)`` draws what to learn from: (tokens, how many of them are given) of each.
    size, sizes : callable and sequence of int
        How large a problem is, and the sizes that are measured.
    by : str
        What that size is.
    rules : dict of str to callable
        Verifiers that learned nothing.
    writer : str
        The artefact that writes the solutions.
    """

    task: Task
    problems: Callable
    texts: Callable
    size: Callable
    sizes: tuple
    by: str
    rules: dict
    writer: str


LABS = {
    "arithmetic": Lab(
        arithmetic.TASK,
        arithmetic.problems,
        arithmetic_texts,
        lambda problem: sum(problem.count(sign) for sign in "+-*"),
        tuple(arithmetic.MEASURED),
        "by operations",
        rules.RULES,
        "lab-small",
    ),
    "countdown": Lab(
        countdown.TASK,
        countdown.problems,
        countdown_texts,
        lambda problem: problem.count(";") + 1,
        countdown.COUNTS,
        "by numbers",
        countdown.RULES,
        "countdown-small",
    ),
}


def lab_of(job):
    """Return the task of an artefact: arithmetic, if its settings name no other."""
    return LABS[job.settings.get("task", "arithmetic")]


def packed_texts(job):
    """Return the training texts in packed rows; they are kept, because both models read them."""
    from ttclib.lm import training

    settings, seed = job.settings["texts"], job.seeds["texts"]
    which = [job.settings["task"]] if "task" in job.settings else []

    def make():
        drawn = lab_of(job).texts(settings["problems"], np.random.default_rng(seed))
        texts = list(tqdm(drawn, "writing texts", settings["problems"]))
        file = io.BytesIO()
        np.savez(file, **vars(training.pack_texts(texts, settings["row"])))
        return file.getvalue()

    cache = job.work.parent / f"texts-{digest([settings, seed, *which])}.npz"
    with np.load(io.BytesIO(kept(cache, cache.name, make))) as arrays:
        return training.PackedTexts(**arrays)


@contextlib.contextmanager
def progress(steps):
    """Show a bar of training steps; yield the function that reports one."""
    with tqdm(total=steps, desc="training", unit="step") as bar:

        def report(step, loss):
            if bar.n == 0:
                bar.initial = bar.n = bar.last_print_n = step - 1  # what an earlier run did
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()

        yield report


def fastest():
    """Return the device to compute on: a graphics card if there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def train(job):
    """Train a model, save it with its tokenizer; return the seconds of training."""
    import torch
    from transformers import AutoTokenizer

    from ttclib.lm import training
    from ttclib.lm.llama import Llama, Shape
    from ttclib.lm.pretrained import write_model

    shape = Shape(len(tokenizer.VOCABULARY), **job.settings["shape"])
    seed, settings = job.seeds["training"], job.settings["training"]
    model = Llama(shape, seed).to(fastest())
    with progress(settings["steps"]) as report:
        seconds = training.train_lm(
            model,
            packed_texts(job),
            **settings,
            seed=seed,
            checkpoint=job.work / "checkpoint.pt",
            report=report,
        )
    with torch.no_grad():
        model.norm.weight /= job.settings["temperature"]  # logits are linear in this weight
    write_model(job.folder, model, AutoTokenizer.from_pretrained(job.needs["lab-tokenizer"]))
    return seconds


def draw(lm, problems, samples, rng, what, task=arithmetic.TASK, **options):
    """Draw solutions of all problems, with a progress bar; options are those of a decoder."""
    from ttclib.search import rollouts

    watch = functools.partial(tqdm, desc=what)
    return rollouts.draw(lm, task, problems, samples, rng, TEXTS_AT_ONCE, watch, **options)[0]


def greedy(lm, problems, **options):
    """Draw the greedy text of each problem."""
    rng = np.random.default_rng(0)  # which is not asked
    return draw(lm, problems, 1, rng, "greedy", sampler=samplers.greedy, **options)


def summary(problems, right, lab=LABS["arithmetic"]):
    """Return pass@1 (the share of right samples): of all, by size, by quintile of difficulty.

    The first half of the samples sorts the problems from easy to hard and the second half is
    counted: one half for both would count a problem's good luck as ease.
    """
    size = np.array([lab.size(problem) for problem in problems])
    sorting, counting = np.array_split(right, 2, axis=1)
    from_easy = np.argsort(-sorting.mean(axis=1), kind="stable")
    return {
        "pass@1": round(float(right.mean()), 4),
        lab.by: {str(k): round(float(right[size == k].mean()), 3) for k in lab.sizes},
        "by difficulty": [
            round(float(counting[quintile].mean()), 3) for quintile in np.array_split(from_easy, 5)
        ],
    }


def score(job):
    """Measure a saved model on problems of the test split."""
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model

    model, words = read_model(job.folder)
    lm = CausalLM(model.to(fastest()), words)
    lab = lab_of(job)
    n, samples, seed = TEST.values()
    problems = lab.problems("test", n, np.random.default_rng(seed))
    drawn = draw(lm, problems, samples, np.random.default_rng(seed), "sampling", lab.task)
    return summary(problems, drawn.right.reshape(n, samples), lab) | {
        "greedy": round(float(greedy(lm, problems, task=lab.task).right.mean()), 4),
        "measured with": TEST,
    }


def model(name, what, settings):
    """Declare a lab model."""
    return Artefact(
        name, what, train, {"texts": TEXTS} | settings, SEEDS, ("lab-tokenizer",), score
    )


ARTEFACTS = (
    Artefact(
        "lab-tokenizer", "the tokenizer of the lab models: one character, one token", save_tokenizer
    ),
    model("lab-small", "the lab model, stopped early", SMALL),
    model("lab-large", "its larger sibling, trained on the same texts", LARGE),
    model("countdown-small", "the same model, trained on the second task: Countdown", COUNTDOWN),
)
