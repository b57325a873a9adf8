"""The revisers of notebook 10: models that read their last attempts and write another."""

import bisect
import io
from dataclasses import replace

import numpy as np

from tools.artefact import Artefact, kept
from tools.lab import draw, fastest, progress
from tools.verifier import LONGEST, ROLLOUTS, drawn
from ttclib.course.revisions.attempts import CONTEXT, WINDOW, draw_chains
from ttclib.course.revisions.checks import edit_distance
from ttclib.course.revisions.reader import read_reader
from ttclib.course.revisions.turns import turns
from ttclib.lm import arithmetic, tokenizer, training
from ttclib.measure import bootstrap

ROW = 512  # tokens; of longer texts the first attempts are left out
LONG_ROW = 640  # holds nearly every problem with five attempts
SLIPS = {True: 0.2, False: 0.7}  # chance that what follows a right, a wrong attempt is not taught
SAME_AGAIN = 0.5  # share of slips after a wrong attempt that repeat it
OWN = {"problems": 24_000, "samples": 8}
PART = 1000  # problems: so many are drawn at once, and kept
SEEDS = {"rollouts": 10, "own": 99, "texts": 11, "training": 3}
TEST = {"problems": 400, "chains": 2, "steps": 8, "seed": 2}
TEMPERATURE = 0.7  # of the writer: learning from its texts takes some of its sharpness back


# ---- what they learn from ----------------------------------------------------------------


def take(items, k, rng):
    """Draw up to ``k`` items, none twice, in any order."""
    left = list(items)
    return [left.pop(int(rng.choice(len(left)))) for _ in range(min(k, len(left)))]


def happens(chance, rng):
    """Return whether what has this chance happens."""
    return rng.choice(2, p=[chance, 1 - chance]) == 0


def wrong_then_right(right, wrong, rng):
    """Choose attempts as in the paper: 0 to 4 wrong ones and a right one, which alone is learned.

    The last wrong one is the nearest to it by edit distance (Snell et al. 2024, section 6.1).
    """
    (goal,) = take(right, 1, rng)
    chosen = take(wrong, int(rng.choice(WINDOW + 1)), rng)
    if chosen:
        chosen[-1] = min(wrong, key=lambda text: edit_distance(text, goal))
    return [*chosen, goal], [False] * len(chosen) + [True]


def keep_or_mend(right, wrong, rng):
    """Choose an attempt and what comes of it: a right one again, of a wrong one the nearest right.

    What is right is learned. The model reads a single attempt.
    """
    (before,) = take([*right, *wrong], 1, rng)
    return [before, kept_or_mended(before, right)], [before in right, True]


def kept_or_mended(attempt, right):
    """Return an attempt if it is right, else the nearest right one."""
    return min(right, key=lambda text: edit_distance(text, attempt))


def mend_itself(right, wrong, rng):
    """Choose an attempt as it came, and what comes of it; both are learned.

    So the first attempt stays the writer's, with its mistakes: nothing but the revision gets
    better. Of a problem without a right solution the attempt stands alone.
    """
    (before,) = take([*right, *wrong], 1, rng)
    if not right:
        return [before], [True]
    return [before, kept_or_mended(before, right)], [True, True]


def like_a_chain(right, wrong, rng):
    """Choose attempts as a chain writes them: kept or mended, but also spoiled, or wrong again.

    The first is learned as it came; a later one where it keeps a right one, and where it is right
    after a wrong one. Of a problem without a right solution the first attempt stands alone.
    """
    everything = [*right, *wrong]
    texts = take(everything, 1, rng)
    learned = [True]
    while right and len(texts) <= WINDOW:
        last = texts[-1]
        was_right = last in right
        if happens(SLIPS[was_right], rng):
            again = not was_right and happens(SAME_AGAIN, rng)
            text = last if again else take(everything, 1, rng)[0]
        else:
            text = kept_or_mended(last, right)
        texts.append(text)
        learned.append(text in right and (not was_right or text == last))
    return texts, learned


CHOICES = {
    "mend itself": mend_itself,
    "like a chain": like_a_chain,
    "wrong then right": wrong_then_right,
    "keep or mend": keep_or_mend,
}


STAND_ALONE = {"mend itself", "like a chain"}  # these learn from problems without a right solution


def written(problem, attempts, learned, room=ROW):
    """Write the last attempts at a problem that have room: tokens, and which are to be learned."""
    tokens = []
    targets = []
    for attempt, learn in list(zip(attempts, learned, strict=True))[::-1]:
        ask = tokenizer.encode(arithmetic.TASK.prompt(problem))
        answer = tokenizer.encode(attempt + arithmetic.END)
        room -= len(ask) + len(answer)
        if room < 0:
            break
        tokens = ask + answer + tokens
        targets = [False] * len(ask) + [learn] * len(answer) + targets
    return tokens, targets


def pack(texts, length=ROW):
    """Pack texts, none longer than a row: the longest that is left, then what fits behind it."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i][0]))
    sizes = [len(texts[i][0]) for i in order]
    rows = []
    while order:
        room = length
        while at := bisect.bisect_right(sizes, room):
            room -= sizes.pop(at - 1)
            rows.append(texts[order.pop(at - 1)])
    packed, places = training.side_by_side([tokens for tokens, _ in rows], length)
    targets = np.full_like(packed.tokens, training.IGNORE)
    for (tokens, learn), (row, place) in zip(rows, places, strict=True):
        wanted = np.where(learn[1:], tokens[1:], training.IGNORE)
        targets[row, place.start : place.stop - 1] = wanted
    return training.PackedTexts(**vars(packed), targets=targets)


def revision_texts(problems, solutions, right, choose, each, singles, rng, row=ROW):
    """Write the training texts: attempts at each problem that has a right one, and plain texts.

    Parameters
    ----------
    solutions : sequence of sequences of str
        Of each problem its sampled solutions.
    right : numpy.ndarray of bool, shape (problems, samples)
    choose : str
        A key of :data:`CHOICES`.
    each, singles : int
        Texts of attempts of a problem, and texts of a right solution alone.
    """
    texts = []
    for problem, samples, good in zip(problems, solutions, right, strict=True):
        mine = [text for text, fine in zip(samples, good, strict=True) if fine]
        others = [text for text, fine in zip(samples, good, strict=True) if not fine]
        others = [text for text in others if tokenizer.PAD not in text]  # which cannot be typed
        if not others + mine if choose in STAND_ALONE else not mine:
            continue
        for _ in range(each):
            texts.append(written(problem, *CHOICES[choose](mine, others, rng), row))
        for _ in range(singles):
            texts.append(written(problem, take(mine, 1, rng), [True], row))
    return texts


# ---- training ----------------------------------------------------------------------------


def reader(folder):
    """Load a model that reads attempts, where it is fastest."""
    return read_reader(folder, fastest())


def solutions(job, number, model, words):
    """Return training problems, solutions of each, and which are right; drawn once for a stage.

    They are the rollouts that the verifiers learn from too, or the reviser's own.
    """
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model

    stage = job.settings["stages"][number]
    plan = stage["solutions"]
    if stage["writer"] == "own":
        folder = job.work / f"writer-{number}"
        save(model, words, folder, job.settings["temperature"])
        problems = arithmetic.problems(
            "train", plan["problems"], np.random.default_rng(job.seeds["rollouts"])
        )
        parts = in_parts(job, f"own-{number}", reader(folder), problems, plan["samples"])
    else:
        lm = CausalLM(*read_model(job.needs[stage["writer"]]))
        problems, found = drawn(job, lm, "train", plan)
        parts = [vars(found)]
    return problems, *by_problem(parts, plan["samples"])


def in_parts(job, name, lm, problems, samples):
    """Draw solutions by a model, so many problems at once, and keep them: a list of arrays."""
    return [one_part(job, name, lm, problems, samples, i) for i in range(0, len(problems), PART)]


def one_part(job, name, lm, problems, samples, first):
    """Return the solutions of the problems from ``first`` on, as arrays."""
    mine = problems[first : first + PART]

    def make():
        rng = np.random.default_rng([job.seeds["own"], first])
        found = draw(lm, mine, samples, rng, f"from {first}", max_tokens=LONGEST)
        file = io.BytesIO()
        np.savez_compressed(file, **vars(found))
        return file.getvalue()

    cache = job.work / f"{name}-{first}.npz"
    with np.load(io.BytesIO(kept(cache, cache.name, make))) as arrays:
        return dict(arrays)


def by_problem(parts, samples):
    """Return the solutions of each problem, lists of texts, and which are right."""
    letters = np.array(list(tokenizer.VOCABULARY), dtype=object)
    texts = [
        "".join(letters[tokens[:k]]).removesuffix(arithmetic.END)
        for part in parts
        for tokens, k in zip(part["tokens"], part["lengths"], strict=True)
    ]
    right = np.concatenate([part["right"] for part in parts]).reshape(-1, samples)
    return [texts[i : i + samples] for i in range(0, len(texts), samples)], right


def save(model, words, folder, temperature):
    """Write a model down, with the logits of a temperature, as the writer is: see tools/lab.py."""
    import torch

    from ttclib.lm.pretrained import write_model

    weight = model.norm.weight
    before = weight.detach().clone()
    with torch.no_grad():
        weight /= temperature
        write_model(folder, model, words)
        weight.copy_(before)


def train_reviser(job):
    """Train a reviser stage by stage; return the seconds of training."""
    from ttclib.lm.llama import Llama
    from ttclib.lm.pretrained import read_model

    model, words = read_model(job.needs[job.settings["start"]])
    model = Llama.of(model).to(fastest())
    model.shape = replace(model.shape, context=CONTEXT)
    seconds = 0.0
    for number, stage in enumerate(job.settings["stages"]):
        found = solutions(job, number, model, words)
        rng = np.random.default_rng(job.seeds["texts"])
        texts = revision_texts(*found, **stage["texts"], rng=rng, row=stage["row"])
        rows = pack(texts, stage["row"])
        with progress(stage["training"]["steps"]) as report:
            seconds += training.train_lm(
                model,
                rows,
                **stage["training"],
                seed=job.seeds["training"],
                checkpoint=job.work / f"checkpoint-{number}.pt",
                report=report,
            )
    save(model, words, job.folder, job.settings["temperature"])
    return seconds


def score_reviser(job):
    """Measure a reviser along chains on problems that nobody learned from."""
    problems = arithmetic.problems("test", TEST["problems"], np.random.default_rng(TEST["seed"]))
    found = draw_chains(
        reader(job.folder),
        arithmetic.TASK,
        problems,
        TEST["chains"],
        TEST["steps"],
        np.random.default_rng([TEST["seed"], 1]),
        window=job.settings["window"],
    )
    return along_a_chain(found.right) | {"measured with": TEST}


def along_a_chain(right):
    """Summarise chains, bool (problems, chains, steps): shares by step, gains, turns."""
    by_problem = right.mean(axis=1)
    gains = (by_problem[:, 1:] - by_problem[:, :1]).T
    counts = bootstrap.counts(len(right), 1999, np.random.default_rng(0))
    mean, low, high = bootstrap.mean_interval(gains, counts)
    step = turns(right)
    return {
        "first attempt": round(float(by_problem[:, 0].mean()), 4),
        "last attempt": round(float(by_problem[:, -1].mean()), 4),
        "by step": by_problem.mean(axis=0).round(4).tolist(),
        "gain over the first": [
            [round(float(value), 4) for value in row] for row in zip(mean, low, high, strict=True)
        ],
        "wrong to right": round(step.righted, 4),
        "right to wrong": round(step.spoiled, 4),
    }


def stage(writer, plan, texts, row, steps, learning_rate):
    """Declare a stage of training: whose solutions, and what is made of them."""
    choose, each = texts
    return {
        "writer": writer,
        "solutions": plan,
        "texts": {"choose": choose, "each": each, "singles": 0},
        "row": row,
        "training": {
            "batch": 16,
            "steps": steps,
            "learning_rate": learning_rate,
            "compiled": True,
        },
    }


def reviser(name, what, *stages, window=1, temperature=TEMPERATURE):
    """Declare a reviser that grows out of the writer, and how many attempts it is to read."""
    settings = {
        "start": "lab-small",
        "stages": list(stages),
        "temperature": temperature,
        "window": window,
    }
    return Artefact(name, what, train_reviser, settings, SEEDS, ("lab-small",), score_reviser)


ARTEFACTS = (
    reviser(
        "reviser-paper",
        "lab-small after reading wrong attempts, then a right one",
        stage("lab-small", ROLLOUTS, ("wrong then right", 3), ROW, 400, 3e-3),
        window=WINDOW,
    ),
    reviser(
        "reviser",
        "the reviser: lab-small, whose first attempts stay as they are",
        stage("lab-small", ROLLOUTS, ("mend itself", 3), 256, 3200, 3e-3),
        stage("lab-small", ROLLOUTS, ("like a chain", 1), LONG_ROW, 500, 1.5e-3),
        temperature=1.0,  # its own texts are learned as they come, and so its temperature
        window=WINDOW,
    ),
    reviser(
        "reviser-both",
        "the same from texts in which right first attempts are learned too",
        stage("lab-small", ROLLOUTS, ("keep or mend", 3), 256, 3200, 3e-3),
    ),
)
