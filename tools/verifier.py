"""The verifiers of notebooks 07 to 09, and the rollouts they learn from."""

import io
import json

import numpy as np

from tools.artefact import Artefact, digest, kept
from tools.lab import LABS, draw, fastest, lab_of, packed_texts, progress, score
from ttclib.artefacts import sha256

TRUE = {
    "texts": {"problems": 360_000, "row": 256},
    "training": {"batch": 32, "steps": 4000, "learning_rate": 1.5e-3, "compiled": True},
}
OWN = {"rollouts": {"each": 2}, "training": TRUE["training"]}
SECOND = {
    "task": "countdown",
    "rollouts": {"each": 4},
    "training": TRUE["training"] | {"steps": 1500},
}


def read_on(job):
    """Let the writer read on, true solutions or its own right ones; return the seconds."""
    from ttclib.lm import training
    from ttclib.lm.llama import Llama
    from ttclib.lm.pretrained import read_model, write_model

    model, words = read_model(job.needs[lab_of(job).writer])
    model = Llama.of(model).to(fastest())
    texts = packed_texts(job) if "texts" in job.settings else right_rollouts(job)
    settings = job.settings["training"]
    with progress(settings["steps"]) as report:
        seconds = training.train_lm(
            model,
            texts,
            **settings,
            seed=job.seeds["training"],
            checkpoint=job.work / "checkpoint.pt",
            report=report,
        )
    write_model(job.folder, model, words)
    return seconds


def right_rollouts(job):
    """Return different right solutions, a few of each problem: a hard one counts as an easy one."""
    from ttclib.lm import training

    lm = generator(job)
    problems, found = drawn(job, lm, "train", rollouts_of(job))
    chosen = job.settings["rollouts"]
    prompt_of = lab_of(job).task.prompt
    texts = []
    kept_of = {}
    for i in np.flatnonzero(found.right & (found.problem < chosen.get("problems", np.inf))):
        mine = kept_of.setdefault(int(found.problem[i]), set())
        solution = tuple(found.tokens[i, : found.lengths[i]].tolist())
        if len(mine) < chosen["each"] and solution not in mine:
            mine.add(solution)
            prompt = lm.vocabulary.encode(prompt_of(problems[found.problem[i]]))
            texts.append(([*prompt, *solution], len(prompt)))
    return training.pack_texts(texts, ROLLOUTS["row"])


# ---- rollouts ----------------------------------------------------------------------------

ROLLOUTS = {"problems": 48_000, "samples": 8, "row": 256}
FEWER = ROLLOUTS | {"problems": 18_000}  # there are some 10,000 of three numbers
HELD_OUT = {"problems": 320, "samples": 64, "seed": 12}
LONGEST = 100  # tokens of a solution; longer ones have gone astray


def rollouts_of(job):
    """Return how many rollouts are drawn for all artefacts of the same task."""
    return FEWER if "task" in job.settings else ROLLOUTS


def drawn(job, lm, split, settings):
    """Return the problems of a split and their rollouts, drawn once for all artefacts."""
    from ttclib.search.rollouts import Rollouts

    lab = lab_of(job)
    seed = job.seeds["rollouts"]
    problems = lab.problems(split, settings["problems"], np.random.default_rng(seed))

    def make():
        rng = np.random.default_rng([seed, 1])
        what = f"rollouts, {split}"
        samples = settings["samples"]
        found = draw(lm, problems, samples, rng, what, lab.task, max_tokens=LONGEST)
        file = io.BytesIO()
        np.savez_compressed(file, **vars(found))
        return file.getvalue()

    which = [job.settings[name] for name in ("task",) if name in job.settings]
    cache = job.work.parent / f"rollouts-{digest([settings, split, seed, *which])}.npz"
    weights = sha256(job.needs[lab.writer] / "model.safetensors")
    owner = f"{cache.name} of {weights}, {LONGEST}"  # another model wrote other rollouts
    with np.load(io.BytesIO(kept(cache, owner, make))) as arrays:
        return problems, Rollouts(**arrays)


def rollouts(job, split, settings):
    """Return the packed rollouts of a split, labelled as the settings say."""
    from ttclib.course.process_reward_model import learning
    from ttclib.course.process_reward_model.per_step import shared_labels
    from ttclib.search.rollouts import step_ends

    lm = generator(job)
    problems, found = drawn(job, lm, split, settings)
    if split == "train":  # whole problems, the first few
        chosen = job.settings["rollouts"]["solutions"]
        found = found[found.problem < chosen // settings["samples"]]
    task = lab_of(job).task
    ends = step_ends(found.tokens, found.lengths, lm.vocabulary.containing(task.step_end))
    labels = shared_labels(found, ends)
    if job.settings["labels"] == "final":
        ends = ends & (np.arange(ends.shape[1]) == found.lengths[:, None] - 1)
    prompts = [lm.vocabulary.encode(task.prompt(problem)) for problem in problems]
    rng = np.random.default_rng([job.seeds["rollouts"], 2])
    row = settings["row"]
    return learning.pack_solutions(prompts, found, ends, labels, row, rng, ANSWER)


def generator(job):
    """Load the model whose solutions are judged."""
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model

    return CausalLM(*read_model(job.needs[lab_of(job).writer]))


# ---- training ----------------------------------------------------------------------------


def train_verifier(job):
    """Train a verifier on rollouts; return the seconds of training."""
    rows = rollouts(job, "train", rollouts_of(job))
    held_out = rollouts(job, "validation", HELD_OUT | {"row": ROLLOUTS["row"]})
    return learn(job, rows, held_out, generator(job).vocabulary.texts, **job.settings["net"])


def learn(job, rows, held_out, texts, **options):
    """Train a verifier on packed solutions, from the body of a model; return the seconds.

    Parameters
    ----------
    texts : sequence of (str or None)
        What each token says.
    **options
        Of :class:`ttclib.search.verifier.Net`.
    """
    from ttclib.course.process_reward_model import learning
    from ttclib.lm.llama import Llama
    from ttclib.lm.pretrained import read_model
    from ttclib.search.verifier import Net, RewardModel

    settings = job.settings["training"]
    body = Llama.of(read_model(job.needs[job.settings["start"]])[0])
    net = Net(body.shape, **options, seed=job.seeds["training"])
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
    RewardModel(net, texts).save(job.folder)
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
    lab = lab_of(job)
    net = RewardModel.load(job.folder).net
    samples = HELD_OUT["samples"]
    seed = HELD_OUT["seed"]
    problems = lab.problems("validation", HELD_OUT["problems"], np.random.default_rng(seed))
    prompts = [lm.vocabulary.encode(lab.task.prompt(problem)) for problem in problems]
    rng = np.random.default_rng([seed, 3])
    found = draw(lm, problems, samples, rng, "scoring", lab.task, max_tokens=LONGEST)
    belief, _ = believe(net, prompts, found)
    ends = step_ends(found.tokens, found.lengths, lm.vocabulary.containing(lab.task.step_end))
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


def verifier(name, what, start, solutions=96_000, labels="shared", net=None, task=None, **training):
    """Declare a verifier; of arithmetic, if no other task is named."""
    settings = {
        "rollouts": (FEWER if task else ROLLOUTS) | {"solutions": solutions},
        "labels": labels,
        "start": start,
        "net": net or {},
        "training": TRAINING | training,
    }
    settings |= {"task": task} if task else {}
    needs = tuple(dict.fromkeys((LABS[task or "arithmetic"].writer, start)))
    return Artefact(name, what, train_verifier, settings, SEEDS, needs, score_verifier)


def body(name, what, settings, seeds):
    """Declare the writer after it has read on."""
    writer = LABS[settings.get("task", "arithmetic")].writer
    return Artefact(name, what, read_on, settings, seeds, (writer,), score)


SEEDS = {"rollouts": 10, "training": 2}
ANSWER = 4.0  # how much more than that of a step the label of an answer counts
TRAINING = {"batch": 32, "steps": 800, "learning_rate": 1e-2, "every": 200}
PLAIN = {"hears": []}
SLOW = {"steps": 400, "learning_rate": 2e-3, "every": 100}  # the whole body learns
FEW = {"rollouts": OWN["rollouts"] | {"problems": 12_000}, "training": OWN["training"]}

# each is given more than the one before
ARTEFACTS = (
    body(
        "lab-small-some",
        "lab-small after reading some of its own right solutions",
        FEW | {"training": FEW["training"] | {"steps": 80}},
        SEEDS,
    ),
    body("lab-small-own", "lab-small after reading its own right solutions", OWN, SEEDS),
    body(
        "lab-small-more",
        "lab-small after reading more true solutions",
        TRUE,
        {"texts": 3, "training": 1},
    ),
    verifier(
        "prm-plain",
        "a verifier to be fooled: a plain head, 4,000 solutions",
        "lab-small",
        4_000,
        net=PLAIN,
        **SLOW,
    ),
    verifier(
        "prm-tokens",
        "it hears the writer's surprise, token by token; 4,000 solutions",
        "lab-small",
        4_000,
        net={"hears": ["writer"], "sums": False, "judge": 32},
        batch=16,
        learning_rate=2e-3,
        steps=350,
        every=350,
    ),
    verifier(
        "prm-surprise",
        "it hears the writer's surprise in the text so far",
        "lab-small",
        net={"hears": ["writer"]},
    ),
    verifier(
        "prm-some",
        "the fair verifier with a quarter of the rollouts and a fiftieth of the reading",
        "lab-small-some",
    ),
    verifier(
        "prm",
        "the process reward model, fair: the writer, and what it learned from its own rollouts",
        "lab-small-own",
    ),
    verifier(
        "orm",
        "the outcome reward model: the same, trained on final answers only",
        "lab-small-own",
        labels="final",
    ),
    verifier("prm-more", "a verifier whose body has read more true solutions", "lab-small-more"),
    verifier("prm-plain-more", "a plain head on that body", "lab-small-more", net=PLAIN, **SLOW),
    body(
        "countdown-own",
        "countdown-small after reading its own right solutions",
        SECOND,
        SEEDS,
    ),
    verifier(
        "countdown-prm",
        "the fair process reward model of Countdown",
        "countdown-own",
        task="countdown",
    ),
    verifier(
        "countdown-plain",
        "a verifier of Countdown to be fooled: a plain head, 4,000 solutions",
        "countdown-small",
        4_000,
        net=PLAIN,
        task="countdown",
        **SLOW,
    ),
)
