"""What notebook 13 shows: models in few bits, memories of random facts, and kernels of int8."""

import functools
import itertools
import time

import joblib
import numpy as np

from tools.artefact import Artefact, digest, kept_json, write_rows
from tools.lab import TEST, greedy, true_text
from ttclib.course.small_models.record import FULL, HALF
from ttclib.lm import arithmetic

ROW = 256  # tokens
GRIDS = ("runs", "hidden", "offered", "exposures")  # more of these leave what is done as it is
NEAREST, GPTQ = "round to nearest", "GPTQ"
BITS = [8, 6, 4, 3, 2]
QUANTIZATION = {
    "problems": 200,
    "calibration": 96,  # texts
    "runs": [
        {"model": ["lab-large"], "method": [FULL, HALF]},
        {
            "model": ["lab-large"],
            "method": [NEAREST],
            "sharing": ["matrix", "row", "32"],
            "bits": BITS,
        },
        {
            "model": ["lab-large"],
            "method": [GPTQ],
            "sharing": ["row", "32"],
            "bits": BITS,
            "calibration": [5],
        },
        {
            "model": ["lab-large"],
            "method": [GPTQ],
            "sharing": ["row", "32"],
            "bits": [2],
            "calibration": [6, 7],
        },
        {"model": ["lab-small", "lab-small-more"], "method": [FULL]},
        {
            "model": ["lab-small", "lab-small-more"],
            "method": [GPTQ],
            "sharing": ["32"],
            "bits": [8, 4, 3, 2],
            "calibration": [5],
        },
        {"model": ["lab-small"], "method": [NEAREST], "sharing": ["32"], "bits": [8]},
    ],
}
KNOWLEDGE = {
    "hidden": [10, 20, 40],
    "offered": [1.0, 2.0, 4.0],  # bits a parameter
    "exposures": [100, 1000],
    "memories": 3,
    "bits": [8, 7, 6, 5, 4, 3, 2],
}
KERNELS = {"widths": [64, 128, 192, 256, 512, 1024], "tokens": [1, 64], "rounds": 7}


def in_parts(job, make, settings, what):
    """Return ``make(setting)`` of all settings and the seconds it took; a kill loses one at most.

    All cores work. The seconds are those of one core, over all runs.
    """
    fixed = {name: value for name, value in job.settings.items() if name not in GRIDS}
    owner = digest([what, fixed, job.seeds])

    def timed(setting):
        start = time.monotonic()
        found = make(setting)
        return found, time.monotonic() - start

    def part(setting):
        file = job.work / "parts" / f"{digest(setting)}.json"
        return kept_json(file, lambda: timed(setting), owner)

    jobs = joblib.cpu_count(only_physical_cores=True)
    parts = joblib.Parallel(jobs, verbose=1)(joblib.delayed(part)(s) for s in settings)
    return [found for found, _ in parts], sum(seconds for _, seconds in parts)


# ---- models in few bits ------------------------------------------------------------------


def runs(plan):
    """List the runs of a plan, as dictionaries."""
    usual = {"sharing": "", "bits": 0, "calibration": 0}
    found = []
    for options in plan:
        for values in itertools.product(*options.values()):
            found.append(usual | dict(zip(options, values, strict=True)))
    return found


def packed(split, n, seed):
    """Draw problems, and pack them with their true solutions; return both."""
    from ttclib.lm import training

    problems = arithmetic.problems(split, n, np.random.default_rng(seed))
    return problems, training.pack_texts(list(map(true_text, problems)), ROW)


@functools.cache
def full(folder, problems, seed):
    """Load a model once in a process: its words, what is asked, what it says, its moments."""
    import torch

    from ttclib.course.small_models import distil, quantize
    from ttclib.lm.pretrained import read_ours

    torch.set_num_threads(1)
    model, words = read_ours(folder)
    asked, rows = packed("test", problems, seed)
    said = distil.log_probs(model, rows, np.float32)
    return model, words, asked, rows, said, quantize.second_moments(model, rows)


@functools.cache
def calibrated(folder, texts, seed, problems, of):
    """Moments of a model's inputs on texts of the training split."""
    from ttclib.course.small_models import quantize

    return quantize.second_moments(full(folder, problems, of)[0], packed("train", texts, seed)[1])


def measured(needs, plan, seed, run):
    """Measure a run: its bytes, what it answers, how far its tokens are, and each layer's error."""
    from ttclib.course.small_models import distil, quantize
    from ttclib.lm.engine import CausalLM

    folder = dict(needs)[run["model"]]
    model, words, asked, rows, said, unseen = full(folder, plan["problems"], seed)
    small, size, layers = model, quantize.size_in_bytes(model), []
    if run["method"] == HALF:
        small, size = quantize.as_bfloat16(model), quantize.size_in_bytes(model, 2)
    elif run["method"] != FULL:
        moments = None
        if run["method"] == GPTQ:
            key = plan["calibration"], run["calibration"], plan["problems"], seed
            moments = calibrated(folder, *key)
        sharing = run["sharing"]
        sharing = int(sharing) if sharing.isdecimal() else sharing
        shrunk = quantize.shrink(model, run["bits"], sharing, moments)
        small, size = shrunk.model, shrunk.nbytes
        for name, part in quantize.matrices(model).items():
            weight = part.weight.detach().double().numpy()
            error = quantize.output_error(weight, shrunk.layers[name].weight, unseen[name])
            signal = quantize.output_error(weight, 0 * weight, unseen[name])
            layers.append({"layer": name, "error": error, "signal": signal})
    right = greedy(CausalLM(small, words), asked).right
    after = distil.log_probs(small, rows, np.float32)
    nats, tokens = by_text(rows, distil.divergence(rows, said, after))
    answers = [
        {"right": bool(r), "nats": float(np.float32(d)), "tokens": int(t)}
        for r, d, t in zip(right, nats, tokens, strict=True)
    ]
    return {"run": run | {"nbytes": size}, "layers": layers, "answers": answers}


def by_text(rows, values):
    """Sum the values of learned tokens over each text: sums and counts, in the texts' order."""
    from ttclib.lm.training import IGNORE

    learned = rows.targets != IGNORE
    text = (rows.texts + np.arange(len(rows))[:, None] * ROW)[learned]
    _, which = np.unique(text, return_inverse=True)
    return np.bincount(which, values), np.bincount(which)


def quantization(job):
    """Measure all runs; return the seconds."""
    needs = tuple(job.needs.items())
    make = functools.partial(measured, needs, job.settings, job.seeds["problems"])
    found, seconds = in_parts(job, make, runs(job.settings["runs"]), "quantization")
    write_rows(job.folder / "runs.parquet", [part["run"] for part in found])
    for name in ("answers", "layers"):
        rows = [{"run": i, **row} for i, part in enumerate(found) for row in part[name]]
        write_rows(job.folder / f"{name}.parquet", rows)
    return seconds


def quantization_score(job):
    """Say of each run of the large model, with the first calibration, what it solves and its KL."""
    from ttclib.course.small_models.record import chosen, read_runs

    found = {}
    for run in chosen(read_runs(job.folder), model="lab-large"):
        name = f"{run.method} {run.bits} {run.sharing}".replace(" 0 ", "")
        said = {"solved": round(float(run.right.mean()), 4), "KL": round(run.divergence, 6)}
        found.setdefault(name, said | {"bytes": run.nbytes})
    return found


# ---- memories ----------------------------------------------------------------------------


def remembered(plan, seed, setting):
    """Let memories learn facts; count what each holds, also after its weights were rounded."""
    import torch

    from ttclib.course.small_models import knowledge

    torch.set_num_threads(1)
    hidden, offered, exposures = setting
    count = knowledge.facts_for(hidden, offered)
    facts = knowledge.draw_facts(count, plan["memories"], np.random.default_rng(seed))
    memories = knowledge.Memories(hidden, plan["memories"], seed)
    knowledge.learn(memories, facts, exposures, seed=seed)
    fixed = {"hidden": hidden, "parameters": memories.size, "facts": count}
    fixed |= {"offered": offered, "exposures": exposures}
    forms = {32: memories} | {b: knowledge.rounded(memories, b) for b in plan["bits"]}
    return [
        fixed | {"bits": b, "memory": i, "stored": float(stored)}
        for b, form in forms.items()
        for i, stored in enumerate(knowledge.stored_bits(knowledge.losses(form, facts)))
    ]


def knowledge_runs(job):
    """Let all memories learn; return the seconds."""
    plan = job.settings
    grid = [plan[name] for name in ("hidden", "offered", "exposures")]
    make = functools.partial(remembered, plan, job.seeds["facts"])
    # the largest first: they take longest
    settings = sorted(itertools.product(*grid), key=lambda s: -s[0] * s[1] * s[2])
    found, seconds = in_parts(job, make, settings, "knowledge")
    names = ("hidden", "offered", "exposures", "bits", "memory")
    rows = sorted(itertools.chain(*found), key=lambda row: tuple(row[name] for name in names))
    write_rows(job.folder / "memories.parquet", rows)
    return seconds


def knowledge_score(job):
    """Say how many bits a parameter the largest memories hold where most is offered."""
    from ttclib.search import results

    rows = results.read(job.folder, "memories")
    plan = job.settings
    found = {}
    for exposures, bits in itertools.product(plan["exposures"], (32, 8, 4)):
        mine = (rows["exposures"] == exposures) & (rows["bits"] == bits)
        mine &= rows["hidden"] == max(plan["hidden"])
        mine &= rows["offered"] == max(plan["offered"])
        held = (rows["stored"][mine] / rows["parameters"][mine]).mean()
        found[f"bits a parameter, {exposures} exposures, {bits} bit weights"] = round(held, 4)
    return found


# ---- kernels -----------------------------------------------------------------------------


def kernels(job):
    """Time layers and models, in float32, bfloat16 and int8."""
    import torch

    from ttclib.course.small_models.kernels import layer_seconds, model_seconds
    from ttclib.lm.pretrained import read_ours

    torch.set_num_threads(1)
    plan = job.settings
    rows = []

    def note(what, width, tokens, seconds):
        for kind, values in seconds.items():
            for turn, value in enumerate(values):
                fixed = {"what": what, "width": width, "tokens": tokens, "kind": kind}
                rows.append(fixed | {"round": turn, "seconds": float(value)})

    for tokens in plan["tokens"]:
        for width in plan["widths"]:
            note("layer", width, tokens, layer_seconds(width, tokens, plan["rounds"]))
        for name, folder in job.needs.items():
            model, _ = read_ours(folder)
            seconds = model_seconds(model, tokens, plan["rounds"])
            note(name, model.shape.width, tokens, seconds)
    write_rows(job.folder / "seconds.parquet", rows)


ARTEFACTS = (
    Artefact(
        "quantization",
        "models in 8 to 2 bits, rounded to nearest and by GPTQ: what they solve, and how far off",
        quantization,
        QUANTIZATION,
        {"problems": TEST["seed"]},
        ("lab-large", "lab-small", "lab-small-more"),
        quantization_score,
    ),
    Artefact(
        "knowledge",
        "small networks that learned random facts: bits stored, also with rounded weights",
        knowledge_runs,
        KNOWLEDGE,
        {"facts": 13},
        score=knowledge_score,
    ),
    Artefact(
        "kernels",
        "seconds of layers and models in float32, bfloat16 and int8",
        kernels,
        KERNELS,
        needs=("lab-large", "lab-small"),
    ),
)
