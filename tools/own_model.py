"""What notebook 16 measured with SmolLM2 and a task of its own: its texts, their bills, a judge."""

import functools
import json
import time

import numpy as np
from tqdm import tqdm

from tools.artefact import Artefact, kept_json
from ttclib.lm.sequences import PAID
from ttclib.particles.islands import within
from ttclib.particles.smc import keep_all, run

SETTINGS = {
    "changes": [1, 2, 3],  # in a story
    "stories": 12,  # of each
    "at once": 4,
    "temperature": 0.7,
    "max_tokens": 72,
    "judged": 16,  # samples of each story
    "runs": [  # method, texts, and the plain function that weighs the steps
        ["greedy", 1, "sums"],
        ["best of n", 16, "sums"],
        ["beam", 4, "numbers"],
        ["particles", 4, "numbers"],
        ["beam", 16, "numbers"],
        ["particles", 16, "numbers"],
    ],
}


def problems_of(settings, seed):
    """Return stories of each length, no two alike."""
    from ttclib.course.your_own_model.stories import story

    found = []
    for changes in settings["changes"]:
        rng = np.random.default_rng([seed, changes])
        told = {}
        while len(told) < settings["stories"]:
            told[story(changes, rng)] = True
        found += told
    return found


def selection(method):
    """Return the selection of a method."""
    from ttclib.search.methods import Setting, select_for

    if method == "greedy":
        return keep_all
    return select_for(Setting(method, 4, width=4) if method == "beam" else Setting(method, 4))


def write(lm, problems, method, n, verifier, settings, seed):
    """Run a method on some problems; return for each its texts, their scores, and the bill."""
    from ttclib.course.your_own_model.stories import VERIFIERS, Stories
    from ttclib.lm import samplers
    from ttclib.search.search import Search

    cold = samplers.temperature(settings["temperature"])
    search = Search(
        lm,
        Stories(),
        problems,
        VERIFIERS[verifier],
        sampler=samplers.greedy if method == "greedy" else cold,
        max_tokens=settings["max_tokens"],
        stop="\n",
    )
    k = len(problems)
    history = run(search, n * k, within(k, selection(method)), np.random.default_rng(seed))
    last = history[-1]
    texts = search.texts(last.particles)
    paid = np.sum([population.particles.paid for population in history], axis=0)
    finished = last.particles.finished & (last.log_weights > -np.inf)
    return [
        {
            "problem": problem,
            "method": method,
            "n": n,
            "verifier": verifier,
            "texts": [
                text if ok else "" for text, ok in zip(texts[i::k], finished[i::k], strict=True)
            ],
            # what text j added to those before it, where nobody is selected
            "paid": [dict(zip(PAID[:3], row, strict=False)) for row in paid[i::k].tolist()],
        }
        for i, problem in enumerate(problems)
    ]


def judged(lm, problem, texts):
    """Return what the model itself says of the texts, and what it read for that."""
    from ttclib.course.your_own_model.stories import question
    from ttclib.course.your_own_model.verifiers import Judge

    reading = Judge(lm, ask=question).score([problem] * len(texts), texts)
    positions, flops = reading.paid.sum(axis=0).tolist()
    return {"yes": np.round(reading.scores, 4).tolist(), "positions": positions, "flops": flops}


def build(job):
    """Write and judge, block by block; return the seconds of all."""
    from ttclib.lm.models import load

    settings = job.settings
    lm = load("smollm2")
    problems = problems_of(settings, job.seeds["problems"])
    step = settings["at once"]
    records = []
    seconds = 0.0

    def timed(make):
        start = time.monotonic()
        made = make()
        return [made, time.monotonic() - start]

    def part(name, make, *arguments):
        """Keep what is made in a file of its own, with the seconds that it took."""
        file = job.work / f"{name}.json"
        made = functools.partial(timed, functools.partial(make, lm, *arguments))
        return kept_json(file, made, f"{job.work.name} {file.name}")

    plan = [(*way, first) for way in settings["runs"] for first in range(0, len(problems), step)]
    for method, n, verifier, first in tqdm(plan, "writing"):
        way = (problems[first : first + step], method, n, verifier, settings, job.seeds["luck"])
        found, took = part(f"{method} {n} {verifier} {first}", write, *way)
        records += found
        seconds += took
    samples = [record for record in records if record["method"] == "best of n"]
    for i, record in enumerate(tqdm(samples, "judging")):
        texts = record["texts"][: settings["judged"]]
        record["judge"], took = part(f"judged {i}", judged, record["problem"], texts)
        seconds += took
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (job.folder / "results.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8", newline="\n")
    return seconds


def score(job):
    """Measure how often the model is right at once, and in 16 tries."""
    from ttclib.course.your_own_model.stories import Stories

    task = Stories()
    records = json.loads((job.folder / "results.json").read_text(encoding="utf-8"))
    found = {"greedy": [], "best of n": []}
    for record in records:
        if record["method"] in found:
            right = [task.right(record["problem"], task.answer(t)) for t in record["texts"]]
            found[record["method"]].append(right)
    greedy, samples = map(np.array, found.values())
    return {
        "greedy": round(float(greedy.mean()), 4),
        "pass@1": round(float(samples.mean()), 4),
        "pass@16": round(float(samples.any(axis=1).mean()), 4),
    }


ARTEFACTS = [
    Artefact(
        "own-model",
        "stories with numbers, solved by SmolLM2: sampled, searched, and judged by itself",
        build,
        settings=SETTINGS,
        seeds={"problems": 16, "luck": 1},
        score=score,
    )
]
