"""The verifiers of notebooks 07 to 09, and the rollouts they learn from."""

import dataclasses
import json

import numpy as np
from tqdm import tqdm

from tools.artefact import Artefact, digest
from tools.lab import packed_texts, progress, score
from ttclib.lm import task

BASE = {
    "texts": {"problems": 360_000, "row": 256},
    "training": {"batch": 32, "steps": 2000, "learning_rate": 1.5e-3},
}


def train_base(job):
    """Let the generator read on: the same task, new texts; return the seconds of training."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from ttclib.lm import training
    from ttclib.lm.llama import Llama

    folder = job.needs["lab-small"]
    start = Llama.of(AutoModelForCausalLM.from_pretrained(folder))
    settings = job.settings["training"]
    with progress(settings["steps"]) as report:
        model, seconds = training.train(
            start.shape,
            packed_texts(job),
            **settings,
            seed=job.seeds["training"],
            start=start,
            checkpoint=job.work / "checkpoint.pt",
            device="cuda" if torch.cuda.is_available() else "cpu",
            compiled=True,
            report=report,
        )
    words = AutoTokenizer.from_pretrained(folder)
    words.save_pretrained(job.folder)
    special = {"pad_token_id": words.pad_token_id, "eos_token_id": words.eos_token_id, "bos_token_id": None}
    model.cpu().export(**special).save_pretrained(job.folder)
    return seconds


# ---- rollouts --------------------------------------------------------------------------------------

ROLLOUTS = {"problems": 12_000, "samples": 8, "row": 256}
HELD_OUT = {"problems": 320, "samples": 64, "seed": 12}
AT_ONCE = 1024  # texts


def in_batches(problems, samples, what):
    """Yield the problems a batch at a time, with a progress bar."""
    step = max(1, AT_ONCE // samples)
    for first in tqdm(range(0, len(problems), step), what):
        yield problems[first : first + step]


def rollouts(job, split, settings, seed):
    """Return the packed rollouts of a split, labelled as the settings say; the rollouts are kept."""
    from ttclib.search import learning
    from ttclib.search.rollouts import Rollouts, collect, exact_labels, shared_labels, step_ends

    lm = generator(job)
    problems = task.problems(split, settings["problems"], np.random.default_rng(seed))
    names = [field.name for field in dataclasses.fields(Rollouts)]
    cache = job.work.parent / f"rollouts-{digest([settings, split, seed])}.npz"
    if not cache.exists():
        rng, parts, first = np.random.default_rng([seed, 1]), [], 0
        for block in in_batches(problems, settings["samples"], f"rollouts, {split}"):
            part, _ = collect(lm, block, settings["samples"], rng, max_tokens=LONGEST)
            parts.append(dataclasses.replace(part, problem=part.problem + first))
            first += len(block)
        merged = {name: _stack([getattr(part, name) for part in parts]) for name in names}
        part = cache.with_suffix(".part")
        with open(part, "wb") as file:
            np.savez_compressed(file, **merged)
        part.replace(cache)
    with np.load(cache) as arrays:
        found = Rollouts(*(arrays[name] for name in names))
    chosen = job.settings["rollouts"].get("solutions") if split == "train" else None
    if chosen:  # whole problems, the first few
        found = found[found.problem < chosen // settings["samples"]]
    ends = step_ends(found.tokens, found.lengths, lm.vocabulary.containing(";"))
    labels = {"shared": shared_labels, "exact": exact_labels, "final": shared_labels}[job.settings["labels"]](
        found, ends
    )
    if job.settings["labels"] == "final":
        ends = ends & (np.arange(ends.shape[1]) == found.lengths[:, None] - 1)
    prompts = [lm.vocabulary.encode(problem + "?") for problem in problems]
    return learning.pack(prompts, found, ends, labels, settings["row"], np.random.default_rng([seed, 2]))


LONGEST = 100  # tokens of a solution; longer ones have gone astray


def _stack(arrays):
    """Stack arrays (m, longest, …) of different lengths; −1 marks tokens that are not there."""
    if arrays[0].ndim == 1:
        return np.concatenate(arrays)
    longest = max(array.shape[1] for array in arrays)
    fill = -1 if arrays[0].dtype == np.int16 else 0
    pad = [(0, 0), (0, 0), (0, 0)]
    return np.concatenate(
        [
            np.pad(a, [(0, 0), (0, longest - a.shape[1]), *pad[2 : a.ndim]], constant_values=fill)
            for a in arrays
        ]
    )


def generator(job):
    """Load the model whose solutions are judged."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from ttclib.lm.engine import CausalLM

    folder = job.needs["lab-small"]
    return CausalLM(AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder))


# ---- training --------------------------------------------------------------------------------------


def train_verifier(job):
    """Train a verifier on rollouts; return the seconds of training."""
    from transformers import AutoModelForCausalLM

    from ttclib.lm.llama import Llama
    from ttclib.search import learning
    from ttclib.search.verifier import Net, Verifier

    settings, start = job.settings["training"], job.settings["start"]
    rows = rollouts(job, "train", ROLLOUTS, job.seeds["rollouts"])
    held_out = rollouts(job, "validation", HELD_OUT | {"row": ROLLOUTS["row"]}, job.seeds["rollouts"])
    body = Llama.of(AutoModelForCausalLM.from_pretrained(job.needs[start]))
    net = Net(body.shape, job.settings["judge"], job.seeds["training"])
    net.body.load_state_dict(body.state_dict())
    with progress(settings["steps"]) as report:
        net, history, seconds = learning.train(
            net,
            rows,
            **settings,
            seed=job.seeds["training"],
            held_out=held_out,
            checkpoint=job.work / "checkpoint.pt",
            report=report,
        )
    Verifier(net, generator(job).vocabulary.texts).save(job.folder)
    (job.folder / "history.json").write_text(json.dumps(history) + "\n", encoding="utf-8")
    return seconds


def score_verifier(job):
    """Measure a verifier on solutions of other problems."""
    from ttclib.calibration import auroc, expected_calibration_error
    from ttclib.lm.decoding import sample
    from ttclib.search.reading import rescore
    from ttclib.search.verifier import Verifier

    lm, verifier = generator(job), Verifier.load(job.folder)
    problems = task.problems("validation", HELD_OUT["problems"], np.random.default_rng(HELD_OUT["seed"]))
    rng, n = np.random.default_rng([HELD_OUT["seed"], 3]), HELD_OUT["samples"]
    within, best, final, steps = [], [], [], []
    for block in in_batches(problems, n, "scoring"):
        prompts = [problem + "?" for problem in block]
        texts = sample(lm, prompts, n * len(block), rng, surprise=True, max_tokens=LONGEST).particles
        scores, _ = rescore(verifier, lm, prompts, texts)
        last = scores[np.arange(len(scores)), (~np.isnan(scores)).sum(axis=1) - 1]
        checks = [
            task.check_solution(block[i % len(block)], lm.vocabulary.decode(tokens[:k]))
            for i, (tokens, k) in enumerate(zip(texts.tokens, texts.lengths, strict=True))
        ]
        right = np.array([check.right for check in checks])
        for i, check in enumerate(checks):
            steps += zip(scores[i], check.correct, strict=False)
        final.append((last, right))
        for i in range(len(block)):
            mine, truth = last[i :: len(block)], right[i :: len(block)]
            best.append([truth[np.argmax(mine[:k])] for k in (1, 4, 16, 64)])
            if truth.any() and not truth.all():
                within.append(auroc(mine, truth))
    score, right = (np.concatenate(part) for part in zip(*final, strict=True))
    score = np.clip(score, 1e-9, 1 - 1e-9)
    entropy = -np.where(right, np.log(score), np.log(1 - score)).mean()
    return {
        "AUC within a problem": round(float(np.mean(within)), 4),
        "AUC of steps": round(float(auroc(*map(np.array, zip(*steps, strict=True)))), 4),
        "AUC of answers": round(float(auroc(score, right)), 4),
        "cross-entropy": round(float(entropy), 4),
        "calibration error": round(float(expected_calibration_error(score, right)), 4),
        "best of 1, 4, 16, 64": np.mean(best, axis=0).round(4).tolist(),
        "measured with": HELD_OUT,
    }


def verifier(name, what, labels, start="verifier-base", judge=32, solutions=None, **training):
    """Declare a verifier."""
    settings = {
        "rollouts": ROLLOUTS | ({"solutions": solutions} if solutions else {}),
        "labels": labels,
        "start": start,
        "judge": judge,
        "training": TRAINING | training,
    }
    needs = ("lab-small",) if start == "lab-small" else ("lab-small", start)
    return Artefact(
        name, what, train_verifier, settings, {"rollouts": 10, "training": 2}, needs, score_verifier
    )


TRAINING = {"batch": 32, "steps": 1000, "learning_rate": 2e-3, "every": 125}

ARTEFACTS = (
    Artefact(
        "verifier-base",
        "lab-small after reading on: what the verifiers start from",
        train_base,
        BASE,
        {"texts": 3, "training": 1},
        ("lab-small",),
        score,
    ),
    verifier("prm", "the process reward model", "shared"),
    verifier("orm", "the outcome reward model: the same, trained on final answers only", "final"),
    verifier(
        "prm-weak",
        "a verifier to be fooled: a plain head, little data",
        "shared",
        start="lab-small",
        judge=0,
        solutions=4_000,
        steps=400,
        every=100,
    ),
)
