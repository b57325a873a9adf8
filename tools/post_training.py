"""What post-training makes of lab-small: each way at equal FLOPs, and measured alike."""

import functools
import io
import json
import time

import numpy as np

from tools.artefact import Artefact, digest, kept, kept_json
from tools.lab import TEST, draw, fastest, progress, training_problems, true_text
from ttclib.artefacts import sha256
from ttclib.course.three_scaling_laws import advantages, larger_numbers, policy_gradient
from ttclib.lm import arithmetic, samplers, tokenizer, training

ROW = 256
LONGEST = policy_gradient.LONGEST
BLOCK = 600  # problems are drawn so many at a time: of each number of operations as many


# ---- what is read ------------------------------------------------------------------------


def exam(n, rng, operations=arithmetic.MEASURED):
    """Draw training problems like those that models are measured on."""
    return arithmetic.problems("train", n, rng, operations)


def long_problems(n, rng):
    """Draw training problems of five to seven operations."""
    return exam(n, rng, range(5, 8))


def larger(n, rng):
    """Draw training problems of the shifted task."""
    return larger_numbers.problems("train", n, rng)


PROBLEMS = {
    "same": training_problems,
    "exam": exam,
    "long": long_problems,
    "larger": larger,
}


def until(enough, write, rng):
    """Collect texts, (tokens, given) each, block by block until they hold enough tokens."""
    texts = []
    total = 0
    while total < enough:
        block = write(rng)
        sizes = np.cumsum([len(tokens) for tokens, _ in block]) + total
        texts += block[: int(np.searchsorted(sizes, enough)) + 1]
        total = sum(len(tokens) for tokens, _ in texts)
    return texts, total


def true_texts(shares, rng):
    """Write a block of true solutions, of kinds of problems by their shares."""
    texts = []
    for kind, share in shares.items():
        for problem in PROBLEMS[kind](round(BLOCK * share), rng):
            texts.append(true_text(problem))
    return [texts[i] for i in rng.permutation(len(texts))]


def written_texts(lm, kind, number, samples, right_only, most, rng):
    """Write solutions of so many problems; return texts, and the tokens of all that was written.

    Parameters
    ----------
    right_only : bool
        Whether only what ends right is kept.
    most : int
        Different solutions of a problem that are kept.
    """
    problems = PROBLEMS[kind](number, rng)
    found = draw(lm, problems, samples, rng, "writing", max_tokens=LONGEST)
    prompts = [tokenizer.encode(problem + "?") for problem in problems]
    sampled = int(found.lengths.sum()) + samples * sum(map(len, prompts))
    kept_of = [{} for _ in problems]
    for i, tokens, k, right in zip(
        found.problem, found.tokens, found.lengths, found.right, strict=True
    ):
        if (right or not right_only) and len(kept_of[i]) < most:
            kept_of[i][tuple(tokens[:k].tolist())] = None
    texts = [
        ([*prompt, *solution], len(prompt))
        for prompt, mine in zip(prompts, kept_of, strict=True)
        for solution in mine
    ]
    return texts, sampled


# ---- ways to train -----------------------------------------------------------------------


def learn(job, model, rows, plan, name):
    """Read rows once."""
    steps = max(1, len(rows) // plan["batch"])
    with progress(steps) as report:
        training.train_lm(
            model,
            rows,
            batch=plan["batch"],
            steps=steps,
            learning_rate=plan["learning_rate"],
            seed=plan["seed"],
            checkpoint=cache(job, plan, f"{name}.pt"),
            report=report,
        )


def fine_tune(job, model, words, plan):
    """Read true solutions."""
    rng = np.random.default_rng([plan["seed"], 1])
    write = functools.partial(true_texts, plan["problems"])
    texts, trained = until(plan["tokens"], write, rng)
    learn(job, model, training.pack_texts(texts, ROW), plan, "fine")
    return {"trained": trained}


def distil(job, model, words, plan):
    """Read what the large model writes, or hear of every next token how likely it finds it."""
    from ttclib.course.small_models.distil import log_probs
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model

    teacher = CausalLM(*read_model(job.needs["lab-large"]))
    rng = np.random.default_rng([plan["seed"], 1])
    # a token of the teacher is read, and then trained
    per_token = 1 + teacher.flops[0] / (3 * model.shape.flops[0])
    enough = plan["tokens"] / per_token
    if plan["texts"] == "true":
        texts, trained = until(enough, functools.partial(true_texts, {"exam": 1}), rng)
    else:

        def write(rng):
            return written_texts(teacher, "exam", BLOCK, 1, False, 1, rng)[0]

        written = {key: plan[key] for key in ("tokens", "seed")}
        file = job.work.parent / f"post-training-teacher-{digest([written, teacher_of(job)])}.json"
        texts, trained = kept_json(file, lambda: until(enough, write, rng))
    rows = training.pack_texts(texts, ROW)
    if plan["soft"]:
        rows = training.TaughtTexts(**vars(rows), teacher=log_probs(teacher.ours, rows))
    learn(job, model, rows, plan, "distil")
    return {"trained": trained, "taught": trained}


def expert_iteration(job, model, words, plan):
    """Write, keep what ends right, read that: round by round."""
    from ttclib.lm.engine import CausalLM

    bill = {"trained": 0, "sampled": 0}
    for turn in range(plan["rounds"]):
        rng = np.random.default_rng([plan["seed"], 1, turn])

        enough = plan["tokens"] * (turn + 1) / plan["rounds"]

        def make(rng=rng, left=enough - bill["trained"] - bill["sampled"] / 3):
            lm = CausalLM(model, words)
            how = ("exam", plan["block"], plan["samples"], True, plan["most"], rng)
            texts = []
            sampled = 0
            # two operations a weight for a token that is written, six for one that is trained
            while sampled / 3 + sum(len(text) for text, _ in texts) < left:
                more, tokens = written_texts(lm, *how)
                texts += more
                sampled += tokens
            return texts, sampled

        texts, sampled = kept_json(cache(job, plan, f"texts-{turn}.json"), make)
        bill["sampled"] += sampled
        bill["trained"] += sum(len(text) for text, _ in texts)
        learn(job, model, training.pack_texts(texts, ROW), plan, f"round-{turn}")
    return bill


def policy_gradient_steps(job, model, words, plan):
    """Draw, check, and make what ended better likelier: step by step."""
    better = getattr(advantages, plan["advantages"])
    bill = {"trained": 0, "sampled": 0, "reward": []}

    def loss_at(step):
        rng = np.random.default_rng([plan["seed"], 1, step])
        problems = exam(plan["problems"], rng)
        loss, right, (sampled, trained) = policy_gradient.policy_step(
            model, words, problems, plan["samples"], better, rng
        )
        bill["reward"].append(float(right.mean()))
        bill["sampled"] += sampled
        bill["trained"] += trained
        return loss

    with progress(plan["steps"]) as bar:

        def report(step, loss):
            bar(step, bill["reward"][-1])

        training.descend(
            model,
            loss_at,
            steps=plan["steps"],
            learning_rate=plan["learning_rate"],
            checkpoint=cache(job, plan, "policy.pt"),
            owner=[plan["problems"], plan["samples"], plan["seed"]],
            notes=bill,
            report=report,
        )
    return bill


WAYS = {
    "fine-tune": fine_tune,
    "distil": distil,
    "expert iteration": expert_iteration,
    "policy gradient": policy_gradient_steps,
}


# ---- trained, and measured; each piece is kept -------------------------------------------


def weights_of(job):
    """Return the hash of the model that all begin with."""
    return sha256(job.needs["lab-small"] / "model.safetensors")


def teacher_of(job):
    """Return the hash of the teacher."""
    return sha256(job.needs["lab-large"] / "model.safetensors")


def cache(job, plan, what):
    """Name a file for a piece of the work; another plan has another."""
    whose = digest([plan, weights_of(job), teacher_of(job)])
    return job.work.parent / f"post-training-{whose}-{what}"


def trained(job, plan):
    """Return a model after a plan, its tokenizer, and what was spent: made once, then kept."""
    import torch

    from ttclib.lm.pretrained import read_ours

    model, words = read_ours(job.needs[plan.get("model", "lab-small")])
    if "way" not in plan:
        return model, words, {}

    def make():
        start = time.process_time()
        bill = WAYS[plan["way"]](job, model, words, plan)
        bill["seconds"] = time.process_time() - start
        file = io.BytesIO()
        torch.save({"model": model.state_dict(), "bill": bill}, file)
        return file.getvalue()

    file = cache(job, plan, "trained.pt")
    state = torch.load(io.BytesIO(kept(file, file.name, make)), weights_only=True)
    model.load_state_dict(state["model"])
    return model.eval(), words, state["bill"]


TESTS = {"exam": arithmetic.problems, "larger": larger_numbers.problems}


def measured(job, plan, test, samples, temperature=1.0):
    """Return what a trained model solves: right samples of each test problem, and the greedy text;
    how open its next token is (nats), and how long its texts are.
    """
    from ttclib.lm.engine import CausalLM

    number = job.settings["problems"]
    seed = job.seeds["measured"]

    def make():
        model, words, _ = trained(job, plan)
        start = time.process_time()
        lm = CausalLM(model.to(fastest()), words)
        problems = TESTS[test]("test", number, np.random.default_rng(job.seeds["problems"]))
        rng = np.random.default_rng(seed)
        options = {"max_tokens": LONGEST, "sampler": samplers.temperature(temperature)}
        found = draw(lm, problems, samples, rng, test, **options)
        options["sampler"] = samplers.greedy
        greedy = draw(lm, problems, 1, rng, "greedy", **options)
        written = np.arange(found.tokens.shape[1]) < found.lengths[:, None]
        return {
            "right": found.right.reshape(-1, samples).sum(axis=1).tolist(),
            "greedy": greedy.right.astype(int).tolist(),
            "entropy": float(found.per_token[..., 1][written].astype(float).mean()),
            "length": float(found.lengths.mean()),
            "seconds": time.process_time() - start,
        }

    how = [test, samples, temperature, number, job.seeds]
    return kept_json(cache(job, plan, f"measured-{digest(how)}.json"), make)


# ---- the plan ----------------------------------------------------------------------------

FULL = 1_000_000  # tokens: what it costs to train on so many pays for each way
SHARES = (0.25, 1.0)  # of that budget; each has a schedule of its own
FINE = {"batch": 16, "learning_rate": 5e-4, "seed": 7}
SAMPLES = (16, 64)  # of each test problem
TEMPERATURES = (0.4, 0.7, 1.4)


def reading(**problems):
    """Plan to read true solutions of kinds of problems, by their shares."""
    return {"way": "fine-tune", "problems": problems, **FINE}


def taught(texts, soft):
    """Plan to learn from the large model."""
    return {"way": "distil", "texts": texts, "soft": soft, **FINE}


def rewarded(advantages, problems, samples, *steps):
    """Plan to learn from checked answers; steps for each share of the budget."""
    groups = {"advantages": advantages, "problems": problems, "samples": samples}
    return {"way": "policy gradient", **groups, "steps": steps, "learning_rate": 1e-4, "seed": 7}


RUNS = {
    "more of the same": reading(same=1.0),
    "exam-like": reading(exam=1.0),
    "long": reading(long=1.0),
    "teacher's texts": taught("written", soft=False),
    "teacher's texts, soft": taught("written", soft=True),
    "true texts, soft": taught("true", soft=True),
    "expert iteration": {
        "way": "expert iteration",
        "rounds": 3,
        "block": 120,
        "samples": 4,
        "most": 2,
        **FINE,
    },
    "REINFORCE": rewarded("above_the_batch", 144, 1, 17, 67),
    "group-relative": rewarded("group_relative", 18, 8, 26, 105),
    "larger numbers": reading(larger=1.0),
    "larger numbers, replay": reading(larger=0.75, exam=0.25),
}
QUARTERED = ("exam-like", "teacher's texts, soft", "expert iteration", "group-relative")
SHIFTED = ("more of the same", "larger numbers", "larger numbers, replay")
BESIDE = ("lab-small-more", "lab-small-own")


def budgeted(plan, share):
    """Return a plan for a share of the budget."""
    if "steps" in plan:
        return plan | {"steps": plan["steps"][SHARES.index(share)]}
    return plan | {"tokens": round(FULL * share)}


def measurements(settings):
    """Yield all that is measured: name, plan, share, test, temperature, samples."""
    most = settings["samples"][-1]
    for temperature in (1.0, *settings["temperatures"]):
        yield "lab-small", {}, 0.0, "exam", temperature, most
    yield "lab-small", {}, 0.0, "larger", 1.0, most
    for name in settings["beside"]:
        yield name, {"model": name}, 0.0, "exam", 1.0, most
    for name, plan in settings["runs"].items():
        for share, samples in zip(SHARES, settings["samples"], strict=True):
            if share < 1 and name not in settings["quartered"]:
                continue
            for test in ("exam", "larger") if name in settings["shifted"] else ("exam",):
                yield name, budgeted(plan, share), share, test, 1.0, samples


def build(job):
    """Train, measure, and write the tables, from pieces that are kept; return their seconds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    runs = []
    seconds = {}
    columns = {"run": [], "problem": [], "right": [], "greedy": []}
    for name, plan, share, test, temperature, samples in measurements(job.settings):
        _, _, bill = trained(job, plan)
        found = measured(job, plan, test, samples, temperature)
        seconds[digest(plan)] = bill.get("seconds", 0.0)  # once, however often it is measured
        seconds[len(runs)] = found["seconds"]
        tokens = {kind: bill.get(kind, 0) for kind in ("trained", "sampled", "taught")}
        how = {"name": name, "share": share, "test": test, "temperature": temperature}
        more = {key: round(found[key], 5) for key in ("entropy", "length")}
        reward = {"reward": np.round(bill["reward"], 4).tolist()} if "reward" in bill else {}
        runs.append({**how, "samples": samples, **tokens, **more, **reward})
        number = len(found["right"])
        columns["run"] += [len(runs) - 1] * number
        columns["problem"] += range(number)
        columns["right"] += found["right"]
        columns["greedy"] += found["greedy"]
    (job.folder / "runs.json").write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    kinds = {"run": pa.int16(), "problem": pa.int16(), "right": pa.int16(), "greedy": pa.int8()}
    pq.write_table(pa.table(columns, schema=pa.schema(kinds)), job.folder / "solved.parquet")
    return sum(seconds.values())


def score(job):
    """Measure pass@1 and pass@k of each way at its full budget, and at temperature 1."""
    from ttclib.course.three_scaling_laws.post_training import Record

    record = Record(job.folder)
    found = {}
    for name in record.names:
        measured = record.at(name)
        first, last = measured.passes([1, measured.samples]).mean(axis=1)
        found[name] = [round(float(first), 4), round(float(last), 4)]
    return found


ARTEFACTS = (
    Artefact(
        "post-training",
        "400 problems: lab-small after each way of post-training, at equal FLOPs",
        build,
        {
            "problems": 400,
            "samples": list(SAMPLES),
            "temperatures": list(TEMPERATURES),
            "full": FULL,
            "runs": RUNS,
            "quartered": list(QUARTERED),
            "shifted": list(SHIFTED),
            "beside": list(BESIDE),
        },
        {"problems": TEST["seed"], "measured": 5},
        ("lab-small", "lab-large", *BESIDE),
        score,
    ),
)
