"""The revisers of notebook 10: models that read their last attempts and write another."""

import bisect
import io
from dataclasses import replace

import numpy as np

from tools.artefact import Artefact, digest, kept
from tools.lab import draw, fastest, progress
from ttclib.artefacts import sha256
from ttclib.course.revisions.attempts import CONTEXT, WINDOW, draw_chains
from ttclib.course.revisions.turns import turns
from ttclib.lm import arithmetic, tokenizer, training
from ttclib.measure import bootstrap

ROW = 512  # tokens
LONGEST = 100  # tokens of a sampled solution; longer ones have gone astray
SAMPLES = {"problems": 12_000, "samples": 8}
CHAINS = {"problems": 12_000, "chains": 2, "steps": WINDOW + 1}
SEEDS = {"solutions": 10, "texts": 11, "training": 3}
TEST = {"problems": 400, "chains": 4, "steps": 8, "seed": 2}
PROBLEMS_AT_ONCE = 256
TEMPERATURE = 0.7  # of the writer: learning from its texts takes some of its sharpness back


# ---- what they learn from ----------------------------------------------------------------


def edit_distance(a, b):
    """Count the letters to insert, delete or replace between two texts (Levenshtein 1966).

    A column of the table at once, in the bits of two integers: where it grows downwards by one, and
    where it falls (Myers 1999; Hyyrö 2003).
    """
    if not a:
        return len(b)
    places = {}
    for i, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << i
    full = (1 << len(a)) - 1
    bottom = 1 << len(a) - 1
    grows = full
    falls = 0
    distance = len(a)
    for letter in b:
        equal = places.get(letter, 0)
        diagonal = (((equal & grows) + grows) ^ grows) | equal | falls
        up = (falls | ~(diagonal | grows)) & full
        down = grows & diagonal
        distance += bool(up & bottom) - bool(down & bottom)
        up = (up << 1 | 1) & full
        down = (down << 1) & full
        grows = (down | ~(diagonal | up)) & full
        falls = up & diagonal
    return distance


def take(items, k, rng):
    """Draw up to ``k`` items, none twice, in any order."""
    left = list(items)
    return [left.pop(int(rng.choice(len(left)))) for _ in range(min(k, len(left)))]


def wrong_then_right(right, wrong, rng):
    """Choose attempts as in the paper: 0 to 4 wrong ones and a right one, which alone is learned.

    The last wrong one is the nearest to it by edit distance (Snell et al. 2024, section 6.1).
    """
    (goal,) = take(right, 1, rng)
    chosen = take(wrong, int(rng.choice(WINDOW + 1)), rng)
    if chosen:
        chosen[-1] = min(wrong, key=lambda text: edit_distance(text, goal))
    return [*chosen, goal], [False] * len(chosen) + [True]


def as_they_come(right, wrong, rng):
    """Choose attempts in any order, of which a random one is right; all right ones are learned."""
    marked = [(text, True) for text in right] + [(text, False) for text in wrong]
    goal = marked.pop(int(rng.choice(len(right))))
    chosen = take(marked, WINDOW, rng)
    chosen.insert(int(rng.choice(len(chosen) + 1)), goal)
    texts, learned = zip(*chosen, strict=True)
    return list(texts), list(learned)


def keep_or_mend(right, wrong, rng):
    """Choose an attempt and what comes of it: a right one again, of a wrong one the nearest right.

    What is right is learned. The model reads a single attempt.
    """
    before = take([*right, *wrong], 1, rng)[0]
    if before in right:
        return [before, before], [True, True]
    return [before, min(right, key=lambda text: edit_distance(text, before))], [False, True]


CHOICES = {
    "wrong then right": wrong_then_right,
    "as they come": as_they_come,
    "keep or mend": keep_or_mend,
}


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
    for problem, drawn, good in zip(problems, solutions, right, strict=True):
        mine = [text for text, fine in zip(drawn, good, strict=True) if fine]
        others = [text for text, fine in zip(drawn, good, strict=True) if not fine]
        others = [text for text in others if tokenizer.PAD not in text]  # which cannot be typed
        if not mine:
            continue
        for _ in range(each):
            texts.append(written(problem, *CHOICES[choose](mine, others, rng), row))
        for _ in range(singles):
            texts.append(written(problem, take(mine, 1, rng), [True], row))
    return texts


def chain_texts(problems, attempts, right, each, singles, rng, row=ROW):
    """Write chains that a reviser drew, as they came, and plain texts of right attempts of them.

    Of a chain without a right attempt there is nothing to learn.

    Parameters
    ----------
    attempts, right : numpy.ndarray, shape (problems, chains, steps)
        Of :class:`ttclib.course.revisions.attempts.Chains`.
    """
    texts = []
    for problem, rows, fine in zip(problems, attempts, right, strict=True):
        mine = rows[fine].tolist()
        for chain, learned in zip(rows.tolist(), fine.tolist(), strict=True):
            readable = all(tokenizer.PAD not in text for text in chain)
            if any(learned) and readable:
                texts += [written(problem, chain, learned, row)] * each
        for _ in range(singles if mine else 0):
            texts.append(written(problem, take(mine, 1, rng), [True], row))
    return texts


# ---- training ----------------------------------------------------------------------------


def reader(folder):
    """Load a model that reads attempts: positions turn, so a longer context needs no weights."""
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model

    model, words = read_model(folder)
    model.config.max_position_embeddings = CONTEXT
    return CausalLM(model.to(fastest()), words)


def sampled(job):
    """Return training problems, solutions of each, and which are right; drawn once for all."""
    plan = job.settings["samples"]
    writer = job.needs[job.settings["writer"]]
    seed = job.seeds["solutions"]
    problems = arithmetic.problems("train", plan["problems"], np.random.default_rng(seed))
    lm = reader(writer)

    def make():
        rng = np.random.default_rng([seed, 1])
        found = draw(lm, problems, plan["samples"], rng, "solutions", max_tokens=LONGEST)
        file = io.BytesIO()
        np.savez_compressed(file, tokens=found.tokens, lengths=found.lengths, right=found.right)
        return file.getvalue()

    cache = job.work.parent / f"solutions-{digest([plan, seed])}.npz"
    owner = f"{cache.name} of {sha256(writer / 'model.safetensors')}"
    with np.load(io.BytesIO(kept(cache, owner, make))) as arrays:
        found = dict(arrays)
    texts = [
        lm.vocabulary.decode(tokens[:k])
        for tokens, k in zip(found["tokens"], found["lengths"], strict=True)
    ]
    each = plan["samples"]
    solutions = [texts[i : i + each] for i in range(0, len(texts), each)]
    return problems, solutions, found["right"].reshape(-1, each)


def drawn_chains(job):
    """Let the model that is to learn revise training problems, once; return its chains."""
    plan = job.settings["chains"]
    seed = job.seeds["solutions"]
    problems = arithmetic.problems("train", plan["problems"], np.random.default_rng(seed))
    problems.sort(key=len)  # so that a batch has prompts of like length
    start = job.needs[job.settings["start"]]

    def make():
        rng = np.random.default_rng([seed, 2])
        found = draw_chains(
            reader(start),
            arithmetic.TASK,
            problems,
            plan["chains"],
            plan["steps"],
            rng,
            at_once=PROBLEMS_AT_ONCE,
        )
        file = io.BytesIO()
        np.savez_compressed(file, attempts=found.attempts.astype(str), right=found.right)
        return file.getvalue()

    cache = job.work / "chains.npz"
    owner = f"{digest([plan, seed])} of {sha256(start / 'model.safetensors')}"
    with np.load(io.BytesIO(kept(cache, owner, make))) as arrays:
        return problems, arrays["attempts"], arrays["right"]


def train_reviser(job):
    """Train a reviser stage by stage; return the seconds of training."""
    import torch

    from ttclib.lm.llama import Llama
    from ttclib.lm.pretrained import read_model, write_model

    model, words = read_model(job.needs[job.settings["start"]])
    model = Llama.of(model).to(fastest())
    model.shape = replace(model.shape, context=CONTEXT)
    rng = np.random.default_rng(job.seeds["texts"])
    seconds = 0.0
    own = "chains" in job.settings
    found = drawn_chains(job) if own else sampled(job)
    write_texts = chain_texts if own else revision_texts
    for number, stage in enumerate(job.settings["stages"]):
        rows = pack(write_texts(*found, **stage["texts"], rng=rng, row=stage["row"]), stage["row"])
        with progress(stage["training"]["steps"]) as report:
            seconds += training.train_lm(
                model,
                rows,
                **stage["training"],
                seed=job.seeds["training"] + number,
                checkpoint=job.work / f"checkpoint-{number}.pt",
                report=report,
            )
    with torch.no_grad():  # as the writer was: see tools/lab.py
        model.norm.weight /= job.settings["temperature"]
    write_model(job.folder, model, words)
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
        at_once=PROBLEMS_AT_ONCE,
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


def stage(texts, row, batch, steps, learning_rate):
    """Declare a stage of training; ``texts`` are options of what writes them."""
    return {
        "texts": texts,
        "row": row,
        "training": {
            "batch": batch,
            "steps": steps,
            "learning_rate": learning_rate,
            "compiled": True,
        },
    }


def reviser(name, what, start, stages, temperature=1.0, **source):
    """Declare a reviser: its texts are solutions by ``writer``, or chains of its own."""
    needs = tuple(dict.fromkeys((start, *filter(None, [source.get("writer")]))))
    settings = {"start": start, "stages": stages, "temperature": temperature, **source}
    return Artefact(name, what, train_reviser, settings, SEEDS, needs, score_reviser)


PAPER = {"choose": "wrong then right", "each": 4, "singles": 1}
ONE = {"choose": "keep or mend", "each": 4, "singles": 0}
FIVE = {"choose": "as they come", "each": 2, "singles": 2}
ARTEFACTS = (
    reviser(
        "reviser-paper",
        "lab-small after reading wrong attempts, then a right one",
        "lab-small",
        [stage(PAPER, ROW, 16, 400, 3e-3)],
        TEMPERATURE,
        writer="lab-small",
        samples=SAMPLES,
    ),
    reviser(
        "reviser",
        "lab-small after reading attempts to keep or to mend",
        "lab-small",
        [stage(ONE, 256, 16, 800, 3e-3)],
        TEMPERATURE,
        writer="lab-small",
        samples=SAMPLES,
    ),
    reviser(
        "reviser-own",
        "that reviser after reading attempts of its own",
        "reviser",
        [stage(ONE, 256, 16, 800, 1.5e-3)],
        writer="reviser",
        samples=SAMPLES,
    ),
    reviser(
        "reviser-four",
        "that one after reading chains of its own, up to four attempts in context",
        "reviser-own",
        [stage({"each": 1, "singles": 1}, ROW, 16, 800, 1e-3)],
        chains=CHAINS,
    ),
)
