"""The chains of notebook 10: attempts and revisions, and two verifiers that score each of them."""

import functools

import joblib
import numpy as np

from tools.artefact import Artefact
from tools.lab import TEST, TEXTS_AT_ONCE
from tools.revision import reader
from tools.verifier import ANSWER, LONGEST, TRAINING, learn
from ttclib.course.revisions import record
from ttclib.course.revisions.attempts import revision_prompt
from ttclib.lm import arithmetic, tokenizer
from ttclib.search import rollouts

HISTORIES = {"problems": 6_000, "first": 2, "samples": 4}
HELD_OUT = {"problems": 320, "first": 4, "samples": 8, "seed": 12}
ROW = 512  # tokens
CHAINS = {"problems": 400, "attempts": 128, "window": 1}


class AfterAttempts(arithmetic.Arithmetic):
    """Problems with attempts before them: what is asked stands in the last line."""

    def reference(self, problem):
        """Return the value of what is asked."""
        return super().reference(asked(problem))

    def right_steps(self, problem, text):
        """Count its steps before the first wrong one."""
        return super().right_steps(asked(problem), text)


def asked(problem):
    """Return what is asked: the last line."""
    return problem.rsplit(arithmetic.END, 1)[-1]


# ---- a verifier that has the last attempt in its context ---------------------------------


def revisions(job, split, plan, seed):
    """Draw first attempts and revisions of them; return problems with a history, and rollouts."""
    lm = reader(job.needs["reviser"])
    problems = arithmetic.problems(split, plan["problems"], np.random.default_rng(seed))
    rng = np.random.default_rng([seed, 4])
    options = {"at_once": TEXTS_AT_ONCE, "max_tokens": LONGEST}
    first, _ = rollouts.draw(lm, arithmetic.TASK, problems, plan["first"], rng, **options)
    attempts = [
        lm.vocabulary.decode(tokens[:k]).removesuffix(arithmetic.END)
        for tokens, k in zip(first.tokens, first.lengths, strict=True)
    ]
    histories = [
        revision_prompt(arithmetic.TASK, problems[i], [attempt]).removesuffix("?")
        for i, attempt in zip(first.problem, attempts, strict=True)
        if tokenizer.PAD not in attempt
    ]
    found, _ = rollouts.draw(lm, AfterAttempts(), histories, plan["samples"], rng, **options)
    return histories, found


def packed(job, split, plan, seed):
    """Return labelled revisions in packed rows, each behind the attempt that was before it."""
    from ttclib.course.process_reward_model import learning
    from ttclib.course.process_reward_model.per_step import shared_labels

    histories, found = revisions(job, split, plan, seed)
    steps = np.array([text == ";" for text in tokenizer.VOCABULARY])
    ends = rollouts.step_ends(found.tokens, found.lengths, steps)
    labels = shared_labels(found, ends)
    prompts = [tokenizer.encode(arithmetic.TASK.prompt(text)) for text in histories]
    rng = np.random.default_rng([seed, 5])
    return learning.pack_solutions(prompts, found, ends, labels, ROW, rng, ANSWER)


def train_with_history(job):
    """Train a verifier of revisions that reads the attempt before; return the seconds."""
    rows = packed(job, "train", job.settings["histories"], job.seeds["rollouts"])
    held_out = packed(job, "validation", HELD_OUT, HELD_OUT["seed"])
    return learn(job, rows, held_out, reader(job.needs["reviser"]).vocabulary.texts)


# ---- the record --------------------------------------------------------------------------


@functools.cache
def load(folders):
    """Load the reviser and its judges, once in a process; ``folders``: pairs of name and folder.

    The fair verifier hears what the writer would have said; it is blind to the attempt before.
    """
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model
    from ttclib.search.verifier import RewardModel

    where = dict(folders)
    reviser = reader(where["reviser"])
    writer = CausalLM(*read_model(where["lab-small"]))
    return reviser, {
        "prm": record.Judge(RewardModel.load(where["prm"]), writer),
        "history": record.Judge(RewardModel.load(where["prm-history"]), reviser, 1),
    }


def draw_chains(job):
    """Draw the chains on all cores."""
    plan = job.settings
    problems = arithmetic.problems(
        "test", plan["problems"], np.random.default_rng(job.seeds["problems"])
    )
    tables = record.draw_record(
        functools.partial(load, tuple(job.needs.items())),
        arithmetic.TASK,
        problems,
        plan["attempts"],
        job.seeds["runs"],
        job.work / "parts",
        window=plan["window"],
        n_jobs=joblib.cpu_count(only_physical_cores=True),
    )
    tables.save(job.folder)


ARTEFACTS = (
    Artefact(
        "prm-history",
        "a verifier of revisions that reads the attempt before, on the body of the reviser",
        train_with_history,
        {
            "start": "reviser",
            "histories": HISTORIES,
            "training": TRAINING | {"batch": 16, "steps": 600, "every": 200},
        },
        {"rollouts": 10, "training": 2},
        ("reviser",),
    ),
    Artefact(
        "revision-chains",
        "400 problems: chains of the reviser, up to 128 attempts in a row or side by side",
        draw_chains,
        CHAINS,
        {"problems": TEST["seed"], "runs": 1},
        ("reviser", "lab-small", "prm", "prm-history"),
    ),
)
