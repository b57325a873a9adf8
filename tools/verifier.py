"""The verifiers of notebooks 07 to 09, and the rollouts they learn from."""

import io
import json

import numpy as np

from tools.artefact import Artefact, digest, kept
from tools.lab import draw, fastest, packed_texts, progress, score
from ttclib.artefacts import sha256
from ttclib.lm import arithmetic

BASE = {
    "texts": {"problems": 360_000, "row": 256},
    "training": {"batch": 32, "steps": 2000, "learning_rate": 1.5e-3},
    "rounds": 2,  # of those steps: the learning rate begins anew (Loshchilov and Hutter 2017)
}


def train_base(job):
    """Let the generator read on: the same task, new texts; return the seconds of training."""
    from ttclib.lm import training
    from ttclib.lm.llama import Llama
    from ttclib.lm.pretrained import read_model, write_model

    model, words = read_model(job.needs["lab-small"])
    model = Llama.of(model).to(fastest())
    settings = job.settings["training"]
    texts = packed_texts(job)
    seconds = 0.0
    for number in range(job.settings["rounds"]):
        with progress(settings["steps"]) as report:
            seconds += training.train_lm(
                model,
                texts,
                **settings,
                seed=job.seeds["training"] + number,
                checkpoint=job.work / f"round-{number}.pt",
                compiled=True,
                report=report,
            )
    write_model(job.folder, model, words)
    return seconds


# ---- rollouts ----------------------------------------------------------------------------

ROLLOUTS = {"problems": 12_000, "samples": 8, "row": 256}
HELD_OUT = {"problems": 320, "samples": 64, "seed": 12}
LONGEST = 100  # tokens of a solution; longer ones have gone astray


def rollouts(job, split, settings, seed):
    """Return the packed rollouts of a split, labelled as the settings say; they are kept."""
    from ttclib.search import learning
    from ttclib.search.rollouts import Rollouts, shared_labels, step_ends

    lm = generator(job)
    problems = arithmetic.problems(split, settings["problems"], np.random.default_rng(seed))

    def make():
        rng = np.random.default_rng([seed, 1])
        what = f"rollouts, {split}"
        drawn = draw(lm, problems, settings["samples"], rng, what, max_tokens=LONGEST)
        file = io.BytesIO()
        np.savez_compressed(file, **vars(drawn))
        return file.getvalue()

    cache = job.work.parent / f"rollouts-{digest([settings, split, seed])}.npz"
    weights = sha256(job.needs["lab-small"] / "model.safetensors")
    owner = f"{cache.name} of {weights}, {LONGEST}"  # another model wrote other rollouts
    with np.load(io.BytesIO(kept(cache, owner, make))) as arrays:
        found = Rollouts(**arrays)
    chosen = job.settings["rollouts"].get("solutions") if split == "train" else None
    if chosen:  # whole problems, the first few
        found = found[found.problem < chosen // settings["samples"]]
    ends = step_ends(found.tokens, found.lengths, lm.vocabulary.containing(";"))
    labels = shared_labels(found, ends)
    if job.settings["labels"] == "final":
        ends = ends & (np.arange(ends.shape[1]) == found.lengths[:, None] - 1)
    prompts = [lm.vocabulary.encode(problem + "?") for problem in problems]
    answer = job.settings.get("answer", 1.0)
    rng = np.random.default_rng([seed, 2])
    return learning.pack_solutions(prompts, found, ends, labels, settings["row"], rng, answer)


def generator(job):
    """Load the model whose solutions are judged."""
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model

    return CausalLM(*read_model(job.needs["lab-small"]))


# ---- training ----------------------------------------------------------------------------


def train_verifier(job):
    """Train a verifier on rollouts; return the seconds of training."""
    from ttclib.lm.llama import Llama
    from ttclib.lm.pretrained import read_model
    from ttclib.search import learning
    from ttclib.search.verifier import Net, RewardModel

    settings = job.settings["training"]
    rows = rollouts(job, "train", ROLLOUTS, job.seeds["rollouts"])
    held_out = rollouts(
        job, "validation", HELD_OUT | {"row": ROLLOUTS["row"]}, job.seeds["rollouts"]
    )
    body = Llama.of(read_model(job.needs[job.settings["start"]])[0])
    net = Net(body.shape, job.settings["judge"], job.seeds["training"])
    net.body.load_state_dict(body.state_dict())
    with progress(settings["steps"]) as report:
        history, seconds = learning.train_verifier(
            net,
            rows,
            **settings,
            seed=job.seeds["training"],
            held_out=held_out,
            checkpoint=job.work / "checkpoint.pt",
            report=report,
        )
    RewardModel(net, generator(job).vocabulary.texts).save(job.folder)
    (job.folder / "history.json").write_text(json.dumps(history) + "\n", encoding="utf-8")
    return seconds


def score_verifier(job):
    """Measure a verifier on solutions of other problems."""
    from ttclib.course.process_reward_model.beliefs import at_ends, believe
    from ttclib.measure.calibration import auc_within, auroc, expected_calibration_error
    from ttclib.measure.votes import best_at_k
    from ttclib.search.aggregation import last
    from ttclib.search.rollouts import step_ends
    from ttclib.search.verifier import RewardModel

    lm = generator(job)
    net = RewardModel.load(job.folder).net
    samples = HELD_OUT["samples"]
    seed = HELD_OUT["seed"]
    problems = arithmetic.problems("validation", HELD_OUT["problems"], np.random.default_rng(seed))
    prompts = [lm.vocabulary.encode(problem + "?") for problem in problems]
    rng = np.random.default_rng([seed, 3])
    found = draw(lm, problems, samples, rng, "scoring", max_tokens=LONGEST)
    belief, _ = believe(net, prompts, found)
    ends = step_ends(found.tokens, found.lengths, lm.vocabulary.containing(";"))
    scores = at_ends(belief, ends)
    score = last(scores)
    right = found.right
    table = len(problems), samples
    place = np.arange(scores.shape[1])
    # behind the steps is the answer
    is_step = place < (~np.isnan(scores)).sum(axis=1, keepdims=True) - 1
    correct = place < found.correct_steps[:, None]
    within = auc_within(score.reshape(table), right.reshape(table))
    best = best_at_k(score.reshape(table), right.reshape(table), [1, 4, 16, 64])
    score = np.clip(score, 1e-9, 1 - 1e-9)
    entropy = -np.where(right, np.log(score), np.log(1 - score)).mean()
    return {
        "AUC within a problem": round(float(np.nanmean(within)), 4),
        "AUC of steps": round(float(auroc(scores[is_step], correct[is_step])), 4),
        "AUC of answers": round(float(auroc(score, right)), 4),
        "cross-entropy": round(float(entropy), 4),
        "calibration error": round(float(expected_calibration_error(score, right)), 4),
        "best of 1, 4, 16, 64": best.mean(axis=0).round(4).tolist(),
        "measured with": HELD_OUT,
    }


def verifier(
    name, what, labels, start="verifier-base", judge=32, solutions=None, answer=None, **training
):
    """Declare a verifier."""
    settings = {
        "rollouts": ROLLOUTS | ({"solutions": solutions} if solutions else {}),
        "labels": labels,
        "start": start,
        "judge": judge,
        "training": TRAINING | training,
    }
    if answer:
        settings["answer"] = answer
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
    verifier("prm", "the process reward model", "shared", answer=4, steps=1500),
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
