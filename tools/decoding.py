"""The results that notebook 06 shows: SmolLM2 under constraints, and a small model against a large
one.
"""

import csv
import functools
import json
import time

import numpy as np
from tqdm import tqdm

from tools.artefact import Artefact, digest, kept
from ttclib.artefacts import sha256
from ttclib.cost import Cost
from ttclib.lm import arithmetic
from ttclib.measure import votes
from ttclib.measure.calibration import auroc, expected_calibration_error
from ttclib.particles.islands import split, within
from ttclib.particles.smc import keep_all, resample, run, when_ess_below

SELECT = when_ess_below(0.5, resample("systematic"))

# ---- SmolLM2 under constraints -----------------------------------------------------------

CONSTRAINTS = {
    "requests": ["Tell me something about a dog.", "Tell me something about music."],
    # the last one is Cyrillic: with the Latin ones alone forbidden, the model found it
    "constraints": {"no e": "eéèêë\u0435", "short words": 5, "must mention": ["joy", "world"]},
    "bonus": 5.0,
    "particles": 16,
    "temperature": 0.7,
    "tokens": [8, 24],
}


def potentials(settings, vocabulary):
    """Return the potentials of each constraint; the first is none."""
    from ttclib.course.smc_decoding.constraints import length, mentions, without, words_at_most

    kinds = {"no e": without, "short words": words_at_most, "must mention": mentions}
    limits = length(*settings["tokens"], vocabulary)
    found = {"none": [limits]}
    for name, value in settings["constraints"].items():
        options = {"bonus": settings["bonus"]} if name == "must mention" else {}
        found[name] = [kinds[name](value, vocabulary, **options), limits]
    return found


def satisfies(text, name, value):
    """Say whether a text fits a constraint, from its letters, whatever the decoder thinks."""
    words = "".join(letter if letter.isalpha() else " " for letter in text.lower()).split()
    if name == "no e":
        return not set(value) & set(text.lower())
    return (
        all(len(word) <= value for word in words)
        if name == "short words"
        else set(value) <= set(words)
    )


def number(value):
    """Return a number for JSON, which knows no infinity."""
    return round(float(value), 4) if np.isfinite(value) else None


def constrain(job):
    """Decode under each constraint: freely, with the mask alone, with SMC; return all runs'
    seconds.
    """
    from ttclib.lm import samplers
    from ttclib.lm.decoding import Decoder
    from ttclib.lm.models import load
    from ttclib.lm.pretrained import chat

    settings = job.settings
    lm = load("smollm2")
    constraints = potentials(settings, lm.vocabulary)
    # freely under no constraint; under each constraint with the mask alone and with selection
    plan = [
        (request, name, method, seed)
        for seed in job.seeds.values()
        for request in settings["requests"]
        for name in constraints
        for method in (["free"] if name == "none" else ["masked", "SMC"])
    ]

    def write(request, name, method, seed):
        decoder = Decoder(
            lm,
            chat(request),
            constraints[name],
            sampler=samplers.temperature(settings["temperature"]),
            max_tokens=settings["tokens"][1],
            stop=".",
        )
        start = time.monotonic()
        select = SELECT if method == "SMC" else keep_all
        last = run(decoder, settings["particles"], select, np.random.default_rng(seed))[-1]
        record = {"request": request, "constraint": name, "method": method, "seed": seed}
        record |= {
            key: getattr(last.cost, key) for key in ("lm_tokens", "lm_positions", "lm_flops")
        }
        record["log_evidence"] = number(last.log_evidence)
        columns = decoder.texts(last.particles), last.particles.log_probs, last.particles.lengths
        record["texts"] = [
            {"text": text, "log_prob": number(p), "tokens": int(k), "log_weight": number(w)}
            for text, p, k, w in zip(*columns, last.log_weights, strict=True)
        ]
        return json.dumps([record, time.monotonic() - start]).encode()

    written = {}
    for one in tqdm(plan, "decoding"):
        request, name, method, seed = one
        file = job.work / f"{name} {method} {settings['requests'].index(request)} {seed}.json"
        owner = f"{job.work.name} {file.name}"
        written[file] = json.loads(kept(file, owner, functools.partial(write, *one)))
    found = [written[file] for file in sorted(written)]
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record, _ in found)
    (job.folder / "results.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8", newline="\n")
    return sum(seconds for _, seconds in found)


def constrain_score(job):
    """Measure the share of free texts that fit, and the mean log probability of the others."""
    records = json.loads((job.folder / "results.json").read_text(encoding="utf-8"))
    free = [row["text"] for r in records if r["method"] == "free" for row in r["texts"]]
    fit = {
        name: round(float(np.mean([satisfies(text, name, value) for text in free])), 4)
        for name, value in job.settings["constraints"].items()
    }
    fits_all = all(
        satisfies(row["text"], r["constraint"], job.settings["constraints"][r["constraint"]])
        for r in records
        if r["method"] != "free"
        for row in r["texts"]
        if row["log_weight"] is not None
    )
    return {"free texts that fit": fit, "all others fit": fits_all}


# ---- a small model against a large one ---------------------------------------------------

CLAIM = {
    "problems": 200,
    "split": "test",
    "penalty": 4.0,
    "max_tokens": 100,  # the longest of these solutions has 85
    "methods": {
        "lab-small": {"greedy": [1]}
        | {m: [4, 16, 64] for m in ("majority", "SMC p^2", "SMC p^4", "nines votes", "nines SMC")},
        "lab-large": {"greedy": [1], "majority": [4, 16], "nines SMC": [4, 16]},
    },
}
AT_ONCE = 640  # texts
PER_PROBLEM = [
    "model",
    "method",
    "n",
    "seed",
    "problem",
    "right",
    "confidence",
    "distinct",
    "entropy",
]
PER_RUN = ["model", "method", "n", "seed", "lm_tokens", "lm_positions", "lm_flops"]


def decoder_of(lm, prompts, method, settings):
    """Return the decoder of a method, and its selection."""
    from ttclib.course.smc_decoding.doubt import doubt
    from ttclib.lm import samplers
    from ttclib.lm.decoding import Decoder

    # the law p^α is left as it is, not made to sum to one: its sum is the weight
    powers = {"SMC p^2": lambda log_law: 2 * log_law, "SMC p^4": lambda log_law: 4 * log_law}
    plain = {"greedy": samplers.greedy, "majority": samplers.plain}
    potentials = []
    until = None
    if method in ("nines votes", "nines SMC"):  # a generation is a step
        potentials = [doubt(lm.vocabulary, settings["penalty"])]
        until = ";"
    decoder = Decoder(
        lm,
        prompts,
        potentials,
        sampler=(powers | plain).get(method, samplers.plain),
        max_tokens=settings["max_tokens"],
        until=until,
    )
    return decoder, SELECT if "SMC" in method else keep_all


def judge(texts, weights, log_probs, truth, single):
    """Return what a weighted set of solutions says, and how sure it is of it."""
    given = [arithmetic.answer(text) for text in texts]
    if not weights.any():  # every solution has died: nothing is said, with no confidence
        return {"right": 0, "confidence": 0.0, "distinct": 0, "entropy": 0.0}
    shares = votes.votes(given, weights / weights.sum())
    winner = votes.weighted_majority(given, weights)
    sure = np.exp(log_probs[0]) if single else shares[winner]
    spread = np.array([share for share in shares.values() if share > 0])
    return {
        "right": int(winner == truth),
        "confidence": round(min(float(sure), 1.0), 3),
        "distinct": sum(share > 0 for answer, share in shares.items() if answer is not None),
        "entropy": round(abs(float(-(spread * np.log(spread)).sum())), 2),
    }


def compete(job):
    """Solve the problems with every method; return the seconds it took, over all runs.

    What a model has done is kept, by the hash of its weights: if the other model is replaced, only
    that one has to solve them again.
    """
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model

    settings = job.settings
    tables = ([], [])
    seconds = 0.0
    problems = arithmetic.problems(
        settings["split"], settings["problems"], np.random.default_rng(job.seeds["problems"])
    )
    common = {name: value for name, value in settings.items() if name != "methods"}
    for model, folder in job.needs.items():
        made = digest([sha256(folder / "model.safetensors"), common, job.seeds["problems"]])
        lm = CausalLM(*read_model(folder))
        plan = [
            (method, n, seed)
            for seed in range(job.seeds["runs"])
            for method, sizes in settings["methods"][model].items()
            for n in sizes
        ]
        for method, n, seed in tqdm(plan, model):
            key = f"{model} {made} {method} {n} {seed}"
            file = job.work.parent / "small-against-large" / f"{key}.json"
            work = kept(
                file, key, functools.partial(timed, lm, problems, method, n, seed, settings)
            )
            each, cost, took = json.loads(work)
            seconds += took
            names = {"model": model, "method": method, "n": n, "seed": seed}
            tables[0].extend(names | {"problem": i} | row for i, row in enumerate(each))
            tables[1].append(names | cost)
    for name, columns, rows in zip(
        ("problems", "runs"), (PER_PROBLEM, PER_RUN), tables, strict=True
    ):
        with open(job.folder / f"{name}.csv", "w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return seconds


def timed(*arguments):
    """Return what ``solve`` returns, and the seconds it took, as JSON."""
    start = time.monotonic()
    solved = solve(*arguments)
    return json.dumps([*solved, time.monotonic() - start]).encode()


def solve(lm, problems, method, n, seed, settings):
    """Solve all problems with one method; return what it says of each, and the cost of all."""
    rng = np.random.default_rng((seed, n))
    rows = []
    cost = Cost()
    step = max(1, AT_ONCE // n)
    for first in range(0, len(problems), step):
        some = problems[first : first + step]
        decoder, select = decoder_of(lm, [problem + "?" for problem in some], method, settings)
        last = run(decoder, n * len(some), within(len(some), select), rng)[-1]
        cost += last.spent
        for problem, island in zip(some, split(last, len(some)), strict=True):
            texts = decoder.texts(island.particles)
            truth = arithmetic.value(arithmetic.parse(problem))
            single = method == "greedy"
            rows.append(judge(texts, island.weights, island.particles.log_probs, truth, single))
    return rows, {name: getattr(cost, name) for name in PER_RUN[4:]}


def compete_score(job):
    """Measure accuracy and what confidence is worth, for each method."""
    with open(job.folder / "problems.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    found = {}
    for row in rows:
        found.setdefault(f"{row['model']}, {row['method']} {row['n']}", []).append(row)
    scores = {}
    for name, mine in found.items():
        right = np.array([int(row["right"]) for row in mine])
        sure = np.array([float(row["confidence"]) for row in mine])
        scores[name] = {
            "accuracy": round(float(right.mean()), 4),
            "AUROC": round(auroc(sure, right), 4),
            "ECE": round(expected_calibration_error(sure, right), 4),
        }
    return scores


ARTEFACTS = (
    Artefact(
        "smollm2-constraints",
        "texts by SmolLM2 under constraints: free, masked, SMC",
        constrain,
        CONSTRAINTS,
        {f"run {i}": i for i in range(4)},
        score=constrain_score,
    ),
    Artefact(
        "small-against-large",
        "200 problems: the small model with SMC, the large one without",
        compete,
        CLAIM,
        {"problems": 6, "runs": 4},
        ("lab-small", "lab-large"),
        compete_score,
    ),
)
