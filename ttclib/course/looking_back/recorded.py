"""The budgets of notebooks 05 to 15, read from what the course has measured.

Most losses are shares of the same 400 problems that are not solved. What is paid is in the unit of
the budget, or in floating-point operations (FLOPs) where the rival pays in another one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ttclib import artefacts
from ttclib.course.looking_back.budgets import Budget, Rival, Setting, measured, tried
from ttclib.measure import bootstrap, folds
from ttclib.measure.votes import best_at_k, pass_at_k, weighted_majority
from ttclib.search import results
from ttclib.search.results import MAJORITY, WEIGHTED, Results

REPLICATES = 399
UNSOLVED = "share not solved"
CUTS = 32  # random halves for a choice by two folds
_POWERS = 2 ** np.arange(9)  # generations of the sweep
LEARN = 6  # FLOPs to learn from a token, for each weight


def _counts(problems: int) -> np.ndarray:
    return bootstrap.counts(problems, REPLICATES, np.random.default_rng((15, problems)))


def weights(made: dict, name: str) -> int:
    """Weights in the matrices of a lab model, from the shape that the manifest declares."""
    shape = made[name]["settings"]["shape"]
    config = json.loads((artefacts.path(name) / "config.json").read_text(encoding="utf-8"))
    block = 4 * shape["width"] ** 2 + 3 * shape["width"] * shape["hidden"]
    return shape["layers"] * block + config["vocab_size"] * shape["width"]


def tokens_trained(made: dict, name: str, row: int | None = None) -> int:
    """Tokens that one training of the manifest went through; ``row`` are those of a row."""
    settings = made[name]["settings"]
    row = row or settings["texts"]["row"]
    return settings["training"]["batch"] * settings["training"]["steps"] * row


class Sweep:
    """The record of notebooks 08, 09 and 11, read once.

    Attributes
    ----------
    prm, nines : Results
        Every method under the fair verifier, and under casting out nines.
    right, answers : numpy.ndarray, shape (problems, 256)
        Of single samples.
    scores : dict of str to numpy.ndarray, shape (problems, 256)
        Of each rung of the ladder of verifiers.
    bins : numpy.ndarray, shape (problems,)
        Fifths, by the share of right samples.
    """

    LADDER = ("prm-tokens", "prm-plain", "prm-surprise", "prm-some", "prm")

    def __init__(self) -> None:
        self.folder = artefacts.path("search-sweep")
        self.prm = results.read_results(self.folder)
        self.nines = results.read_results(self.folder, "nines")
        columns = ("right", *(f"{name}_last" for name in self.LADDER))
        right, *scores = (drawn[0] for drawn in results.read_drawn(self.folder, *columns))
        self.right = right
        self.scores = dict(zip(self.LADDER, scores, strict=True))
        self.bins = folds.difficulty_bins(right.mean(axis=1))
        self.counts = _counts(len(right))
        self.greedy = {name: self._greedy(name) for name in ("lab-small-own", "lab-small-more")}

    def _greedy(self, name: str) -> np.ndarray:
        """Which problems one greedy text of a writer solves."""
        drawn = results.read_drawn(self.folder, "right", model=name, temperature=0.0)
        return drawn[0][0, :, 0].astype(float)

    def writer(self, name: str, price: float) -> Rival:
        """One greedy text of a model of the writer's size."""
        loss = np.array([1 - self.greedy[name].mean()])
        return Rival(f"one greedy text of {name}", np.array([price]), loss)

    def unsolved(self, found: Results, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Budgets at which a method ran, what it leaves of each problem, and mean FLOPs."""
        at = found.row(name)
        ran = ~np.isnan(found.accuracy[at]).any(axis=1)
        flops = found.paid(flops=True)[at, ran].mean(axis=(1, 2))
        return found.budgets[ran], 1 - found.accuracy[at, ran], flops


def _by_choice(right: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Choose a setting for each bin by two folds: how often each problem is solved, (problems,)."""
    ran = right[~np.isnan(right).any(axis=1)]
    fold = folds.halves(bins, np.random.default_rng(15), CUTS)
    chosen = folds.two_fold(ran, bins, fold)
    return ran[chosen, np.arange(ran.shape[1])].mean(axis=0)


def of_samples(sweep: Sweep, post: Post) -> list[Budget]:
    """Notebook 05: more samples, for a vote and for somebody who knows."""
    n, cells, flops = sweep.unsolved(sweep.prm, MAJORITY)
    greedy = 1 - post.at("lab-small")[1].mean()
    alone = Rival("one greedy text of lab-small", flops[:1], np.array([greedy]))
    vote = measured(
        ("05", "samples, majority", "samples", UNSOLVED),
        n,
        cells,
        sweep.counts,
        price=flops,
        rival=alone,
    )
    known = 1 - np.asarray(pass_at_k(sweep.right, _POWERS)).T
    better = results.read_drawn(sweep.folder, "right", model="lab-small-own")[0][0]
    ks = _POWERS[:5]
    own = 1 - np.asarray(pass_at_k(better, ks)).mean(axis=0)
    return [
        vote,
        measured(
            ("05", "samples, pass@k", "samples", UNSOLVED),
            _POWERS,
            known,
            sweep.counts,
            rival=Rival("samples of lab-small-own", ks.astype(float), own),
        ),
    ]


def of_constraints() -> list[Budget]:
    """Notebook 06: particles under casting out nines."""
    folder = artefacts.path("small-against-large")
    with open(folder / "problems.csv", encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["model"] == "lab-small"]
    with open(folder / "runs.csv", encoding="utf-8", newline="") as stream:
        spent = [row for row in csv.DictReader(stream) if row["model"] == "lab-small"]
    found = {}
    for method in ("nines SMC", "nines votes"):
        cells = []
        flops = []
        for n in (4, 16, 64):
            mine = [r for r in rows if (r["method"], int(r["n"])) == (method, n)]
            right = np.zeros(1 + max(int(r["problem"]) for r in mine))
            for r in mine:
                right[int(r["problem"])] += float(r["right"])
            runs = len(mine) / len(right)
            cells.append(1 - right / runs)
            bills = [
                float(r["lm_flops"]) for r in spent if (r["method"], int(r["n"])) == (method, n)
            ]
            flops.append(np.mean(bills) / len(right))
        found[method] = np.array(cells), np.array(flops)
    votes, price = found["nines votes"]
    rival = Rival("the same check, at the end", price, votes.mean(axis=1))
    cells, flops = found["nines SMC"]
    names = ("06", "SMC particles", "particles", UNSOLVED)
    counts = _counts(cells.shape[1])
    return [measured(names, (4, 16, 64), cells, counts, price=flops, rival=rival)]


def of_verifiers(sweep: Sweep, made: dict) -> list[Budget]:
    """Notebook 07: rollouts for a label, and what a verifier read."""
    n = _POWERS[:8]
    samples = sweep.right.astype(float)
    drawn = samples[:, :128]
    judge = samples[:, 128:]
    # the other half of the samples says what is true; its own noise is taken off
    truth = judge.mean(axis=1)
    noise = judge.var(axis=1, ddof=1) / judge.shape[1]
    labels = [drawn.reshape(len(drawn), -1, k).mean(axis=2) for k in n]
    cells = [((each - truth[:, None]) ** 2).mean(axis=1) - noise for each in labels]
    off = np.sqrt(np.mean((sweep.scores["prm"][:, 0] - truth) ** 2 - noise))
    score = Rival("one score of the prm, once it is trained", np.array([2.0]), np.array([off]))
    rollouts = measured(
        ("07", "rollouts for a label", "rollouts", "RMS error of a label"),
        n,
        np.array(cells),
        sweep.counts,
        rival=score,
        root=True,
    )
    tokens = []
    unsolved = []
    for name in sweep.LADDER:
        settings = made[name]["settings"]
        row = settings["rollouts"]["row"]
        body = settings["start"]
        learned = tokens_trained(made, name, row)
        if body != "lab-small":
            learned += tokens_trained(made, body, row)
        tokens.append(learned)
        unsolved.append(1 - np.asarray(best_at_k(sweep.scores[name], sweep.right, 16)))
    reading = float(tokens_trained(made, "lab-small-own", row))
    trained = measured(
        ("07", "reading of a verifier", "tokens", f"{UNSOLVED}, best of 16"),
        tokens,
        np.array(unsolved),
        sweep.counts,
        rival=sweep.writer("lab-small-own", reading),
    )
    return [rollouts, trained]


def of_searches(sweep: Sweep) -> tuple[list[Budget], list[Setting]]:
    """Notebook 08: generations under a verifier; how wide a beam is, and how far it looks."""
    one = sweep.unsolved(sweep.prm, MAJORITY)[2][0]
    found = []
    checked = sweep.unsolved(sweep.nines, "rebase")
    nines = Rival("the same under casting out nines", checked[2], checked[1].mean(axis=1))
    for name, method, rival in (
        ("best-of-N weighted", WEIGHTED, sweep.writer("lab-small-own", one)),
        ("REBASE", "rebase", nines),
    ):
        n, cells, flops = sweep.unsolved(sweep.prm, method)
        names = ("08", name, "generations", UNSOLVED)
        found.append(measured(names, n, cells, sweep.counts, price=flops, rival=rival))
    settings = []
    for name, budget, ways in (
        ("lookahead k of a beam", 64, {0: "beam M = √N", 1: "lookahead k = 1 M = √N"}),
        ("width M of a beam", 256, {4: "beam M = 4", 16: "beam M = √N"}),
    ):
        if budget == 64:
            ways[3] = "lookahead k = 3 M = √N"
        cells = np.array([1 - sweep.prm.solved(method, budget) for method in ways.values()])
        names = ("08", name, f"{UNSOLVED}, {budget} generations")
        settings.append(tried(names, ways, cells, sweep.counts))
    return found, settings


def of_choices(sweep: Sweep) -> list[Budget]:
    """Notebook 09: a method for each difficulty, and texts until the verifier is sure."""
    right = sweep.prm.accuracy
    everybody = np.zeros_like(sweep.bins)
    cells, one = (
        np.array([1 - _by_choice(right[:, j], bins) for j in range(len(sweep.prm.budgets))])
        for bins in (sweep.bins, everybody)
    )
    n = sweep.prm.budgets
    blind = Rival("one method for all", n.astype(float), one.mean(axis=1))
    chosen = measured(
        ("09", "method by difficulty", "generations", UNSOLVED),
        n,
        cells,
        sweep.counts,
        rival=blind,
    )
    score = sweep.scores["prm"][:, :64]
    solved = sweep.right[:, :64].astype(float)
    texts = []
    left = []
    for threshold in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98):
        taken = np.minimum(score, threshold).argmax(axis=1)  # the first of those that reach it
        sure = np.take_along_axis(score, taken[:, None], axis=1)[:, 0] >= threshold
        texts.append(np.where(sure, taken + 1, score.shape[1]).mean())
        left.append(1 - solved[np.arange(len(taken)), taken])
    stopping = measured(
        ("09", "texts until sure", "texts", UNSOLVED),
        texts,
        np.array(left),
        sweep.counts,
        rival=sweep.writer("lab-small-own", 1.0),
    )
    return [chosen, stopping]


def _votes(answers: np.ndarray, scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether the answer with the largest sum of scores is right, for each problem."""
    found = []
    for mine, weight, fine in zip(answers, scores, right, strict=True):
        won = weighted_majority(mine.tolist(), weight)
        found.append(won is not None and bool(fine[mine == won].any()))
    return np.array(found, dtype=float)


def of_revisions(sweep: Sweep) -> tuple[list[Budget], list[Setting]]:
    """Notebook 10: attempts in a row, by the last of them and by a judge; in a row or not."""
    columns = ("chain", "step", "answer", "right", "read", "prm")
    table = results.read(artefacts.path("revision-chains"), "chains", columns)
    problems = len(sweep.right)
    chain, step = (table[name].reshape(problems, -1)[0] for name in ("chain", "step"))
    answer, right, read, prm = (table[name].reshape(problems, -1) for name in columns[2:])

    def of(values: np.ndarray, chains: int, steps: int) -> np.ndarray:
        return values[:, (chain < chains) & (step < steps)]

    n = _POWERS[:7]
    fine = of(right, 2, 64).reshape(problems, 2, 64).mean(axis=1)
    fed = of(read, 2, 64).reshape(problems, 2, 64).mean(axis=(0, 1)).cumsum()
    last = measured(
        ("10", "in a row, the last counts", "attempts", UNSOLVED),
        n,
        1 - fine.T[n - 1],
        sweep.counts,
        price=fed[n - 1],
        rival=_keeper(of(right, 128, 1), of(prm, 128, 1), of(read, 128, 1).mean()),
    )
    longer = _POWERS[:8]
    judged = []
    for k in longer:
        parts = (of(values, 1, int(k)) for values in (answer, prm, right))
        judged.append(1 - _votes(*parts))
    chosen = measured(
        ("10", "in a row, a judge chooses", "attempts", UNSOLVED),
        longer,
        np.array(judged),
        sweep.counts,
        rival=sweep.writer("lab-small-own", 1.0),
    )
    cells = []
    for k in longer:
        parts = (of(values, 128 // int(k), int(k)) for values in (answer, prm, right))
        cells.append(1 - _votes(*parts))
    names = ("10", "in a row, of 128 attempts", UNSOLVED)
    return [last, chosen], [tried(names, longer.tolist(), np.array(cells), sweep.counts)]


def _keeper(right: np.ndarray, score: np.ndarray, fed: float) -> Rival:
    """Fresh samples, kept from a score of a half on: what they leave, and positions fed."""
    passes = score >= 0.5
    f = passes.mean(axis=1)
    g = (passes & right).mean(axis=1)
    kept = np.zeros_like(f)
    again = np.ones_like(f)  # the chance that nothing was kept so far
    left = []
    paid = []
    for _ in range(8):
        left.append(1 - (kept + again * right.mean(axis=1)).mean())
        paid.append(2 * fed * again.mean())  # written, and read by the judge
        kept = kept + again * g
        again = again * (1 - f)
    return Rival("keep or redraw, by the prm", np.cumsum(paid), np.array(left))


def of_sizes(sweep: Sweep, post: Post, made: dict) -> list[Budget]:
    """Notebook 11: FLOPs of an answer, for search with a small model and for a large one."""
    beside = artefacts.path("exchange")
    columns = ("problem", "temperature", "n", "lm_flops", "verifier_flops")
    columns += ("majority_right", "weighted_last_right")
    rows = results.read(beside, columns=columns)
    greedy = results.where(rows, temperature=0.0)
    large = [greedy["lm_flops"].mean()], [1 - greedy["majority_right"].mean()]
    for n in (2, 4, 8, 16):
        here = results.where(rows, temperature=0.7, n=n)
        large[0].append((here["lm_flops"] + here["verifier_flops"]).mean())
        large[1].append(1 - here["weighted_last_right"].mean())
    right, flops = _settings(sweep)
    caps = flops.min() * 2.0 ** np.arange(int(np.log2(flops.max() / flops.min())) + 1)
    everybody = np.zeros_like(sweep.bins)
    cells = [1 - _by_choice(right[flops <= cap * (1 + 1e-9)], everybody) for cap in caps]
    names = ("11", "FLOPs of search", "FLOPs", UNSOLVED)
    rival = Rival("a model 14 times larger, prm or none", *map(np.array, large))
    searching = measured(names, caps, np.array(cells), sweep.counts, rival=rival)
    sizes = [weights(made, name) for name in ("lab-small", "lab-large")]
    paid = [
        LEARN * size * tokens_trained(made, name)
        for size, name in zip(sizes, ("lab-small", "lab-large"), strict=True)
    ]
    order = np.argsort(greedy["problem"], kind="stable")
    cells = [1 - post.at("lab-small")[1], 1 - greedy["majority_right"][order].astype(float)]
    longer = tokens_trained(made, "lab-small") + tokens_trained(made, "lab-small-more")
    larger = measured(
        ("11", "weights of the writer", "weights", UNSOLVED),
        sizes,
        np.array(cells),
        sweep.counts,
        price=paid,
        rival=sweep.writer("lab-small-more", LEARN * sizes[0] * longer),
    )
    return [searching, larger]


def _settings(sweep: Sweep) -> tuple[np.ndarray, np.ndarray]:
    """Every method at every budget: who is solved, (settings, problems), and mean FLOPs."""
    found = sweep.prm
    ran = ~np.isnan(found.accuracy).any(axis=2)
    flops = found.paid(flops=True).mean(axis=(2, 3))[ran]
    order = np.argsort(flops, kind="stable")  # of equals the cheapest
    return found.accuracy[ran][order], flops[order]


class Post:
    """What post-training made of lab-small, on the same 400 problems."""

    def __init__(self) -> None:
        folder = artefacts.path("post-training")
        runs = json.loads((folder / "runs.json").read_text(encoding="utf-8"))
        table = results.read(folder, "solved")
        self._found: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
        self._runs: dict[tuple, dict[str, Any]] = {}
        for i, run in enumerate(runs):
            if run["test"] == "exam":
                mine = table["run"] == i
                key = run["name"], run["share"], run["temperature"]
                passed = np.arange(run["samples"]) < table["right"][mine][:, None]
                self._found[key] = passed, table["greedy"][mine].astype(float)
                self._runs[key] = run

    def at(self, name: str, share: float = 0.0, temperature: float = 1.0):
        """Return who of the samples is right, sorted, (problems, samples); and greedy's."""
        return self._found[name, share, temperature]

    def learned(self, name: str, share: float) -> int:
        """Tokens that a way of post-training learned from."""
        return self._runs[name, share, 1.0]["trained"]

    def temperatures(self) -> list[float]:
        """Temperatures at which lab-small was sampled, rising."""
        return sorted({key[2] for key in self._runs if key[0] == "lab-small"})


def of_temperatures(post: Post, counts: np.ndarray) -> list[Setting]:
    """Notebook 05: the temperature, for one sample and for many."""
    at = post.temperatures()
    found = []
    for k in (1, 64):
        cells = [1 - pass_at_k(post.at("lab-small", temperature=t)[0], k) for t in at]
        names = ("05", f"temperature, for {k} sample{'s' * (k > 1)}", f"{UNSOLVED} (pass@{k})")
        found.append(tried(names, at, np.array(cells), counts))
    return found


def of_laws(post: Post, made: dict, counts: np.ndarray) -> tuple[list[Budget], list[Setting]]:
    """Notebook 12: training FLOPs, the size at equal FLOPs, and what was read after training."""
    table = results.read(artefacts.path("pretraining"), "losses")
    entropy = made["pretraining"]["score"]["entropy"]
    trunk = results.where(table, schedule="trunk", batch=128, depth=2)
    fresh = results.where(trunk, text="fresh")
    even = results.where(trunk, text="even")
    flops = LEARN * fresh["parameters"] * fresh["letters"]
    caps = LEARN * 2.0 ** np.arange(26, 37)
    seeds = np.unique(fresh["seed"])
    cells = [
        [np.min(fresh["loss"][(fresh["seed"] == s) & (flops <= cap)]) - entropy for s in seeds]
        for cap in caps
    ]
    paid = LEARN * even["parameters"] * even["letters"]
    at = np.unique(paid)
    spread = np.array([even["loss"][paid == each].mean() - entropy for each in at])
    few = bootstrap.counts(len(seeds), REPLICATES, np.random.default_rng(15))
    training = measured(
        ("12", "training FLOPs", "FLOPs", "loss above the entropy, nats"),
        caps,
        np.array(cells),
        few,
        rival=Rival("words drawn evenly, one size", at.astype(float), spread),
    )
    names = ("12", "parameters, for equal training FLOPs", "loss above the entropy, nats")
    sizes = tried(names, *_equal_flops(fresh, entropy, 31), few)
    shares = (0.25, 1.0)
    amounts = [post.learned("exam-like", share) for share in shares]
    left = [1 - post.at("exam-like", share)[0].mean(axis=1) for share in shares]
    more = np.array([float(tokens_trained(made, "lab-small-more"))])
    longer = np.array([1 - post.at("lab-small-more")[0].mean()])
    further = measured(
        ("12", "exam-like tokens", "tokens", "share not solved by a sample"),
        amounts,
        np.array(left),
        counts,
        rival=Rival("reading as before, for longer", more, longer),
    )
    return [training, further], [sizes]


def _equal_flops(fresh: dict, entropy: float, power: int) -> tuple[list[int], np.ndarray]:
    """Sizes, and the excess of each seed at LEARN · 2^power FLOPs, between two measured letters."""
    sizes = []
    cells = []
    for size in np.unique(fresh["parameters"]):
        at = np.log(2.0**power / size)
        mine = results.where(fresh, parameters=size)
        letters = np.unique(mine["letters"])
        if np.log(letters[0]) - 0.05 <= at <= np.log(letters[-1]) + 0.05:
            each = [results.where(mine, seed=s) for s in np.unique(mine["seed"])]
            orders = [np.argsort(one["letters"], kind="stable") for one in each]
            lines = [one["loss"][order] for one, order in zip(each, orders, strict=True)]
            cells.append([np.interp(at, np.log(letters), line) - entropy for line in lines])
            sizes.append(int(size))
    return sizes, np.array(cells)


def of_small_models(made: dict) -> list[Budget]:
    """Notebook 13: bits, weights that are kept, and tokens of healing."""
    folder = artefacts.path("quantization")
    runs = results.read(folder, "runs")
    answers = results.read(folder, "answers", ("run", "right"))

    def rows(model: str, bits: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Bytes, and who is solved, of a model by GPTQ with a grid for 32 weights."""
        for b in bits:
            mine = (runs["model"] == model) & (runs["method"] == "GPTQ") & (runs["bits"] == b)
            i = int(np.flatnonzero(mine & (runs["sharing"] == "32"))[0])
            yield int(runs["nbytes"][i]), answers["right"][answers["run"] == i].astype(float)

    size, right = zip(*rows("lab-large", (2, 3, 4, 6, 8)), strict=True)
    small, theirs = zip(*rows("lab-small-more", (2, 3, 4, 8)), strict=True)
    longer = Rival("lab-small-more in few bits", np.array(small), 1 - np.mean(theirs, axis=1))
    counts = _counts(len(right[0]))
    bits = measured(
        ("13", "bytes, 2 to 8 bits", "bytes", UNSOLVED),
        size,
        1 - np.array(right),
        counts,
        rival=longer,
    )
    thin = results.read(artefacts.path("pruned-once"), "pruned")
    whole = weights(made, "lab-large")
    shape = made["lab-large"]["settings"]["shape"]
    kept = []
    left = []
    for i in np.flatnonzero((thin["random"] == 0) & np.isnan(thin["heads"].astype(float))):
        others = [thin[part][i] for part in ("layers", "width")]
        if np.isnan(np.array(others, dtype=float)).all():
            hidden = thin["hidden"][i]
            gone = 0 if np.isnan(hidden) else shape["hidden"] - hidden
            kept.append(whole - shape["layers"] * 3 * shape["width"] * gone)
            left.append(1 - np.array(thin["right"][i], dtype=float))
    order = np.argsort(kept, kind="stable")
    gptq = Rival("2 bits a weight, by GPTQ", np.array([whole * 2 / 32]), 1 - np.mean(right[:1], 1))
    pruned = measured(
        ("13", "weights kept", "weights", UNSOLVED),
        np.array(kept)[order],
        np.array(left)[order],
        _counts(len(left[0])),
        rival=gptq,
    )
    return [bits, pruned, _healing(made)]


def _healing(made: dict) -> Budget:
    """Tokens that half of the large model read, and what they cost with its help."""
    curves = results.read(artefacts.path("recovery-half"), "curves")
    found = {}
    for name in ("pruned", "pruned, taught"):
        mine = (curves["run"] == name) & (curves["tokens"] > 0)
        left = np.array([1 - np.array(each, dtype=float) for each in curves["right"][mine]])
        a_token = LEARN * curves["weights"][mine][0]
        if name == "pruned, taught":  # the large model reads every token, too
            a_token += 2 * weights(made, "lab-large")
        found[name] = curves["tokens"][mine], left, a_token * curves["tokens"][mine].astype(float)
    tokens, left, flops = found["pruned"]
    _, theirs, price = found["pruned, taught"]
    rival = Rival("the same with a teacher", price, theirs.mean(axis=1))
    names = ("13", "tokens of healing", "tokens", UNSOLVED)
    return measured(names, tokens, left, _counts(left.shape[1]), price=flops, rival=rival)


def of_features(made: dict) -> tuple[list[Budget], list[Setting]]:
    """Notebook 15: training steps, and how much of a world is not what one wants to know."""
    table = results.read(artefacts.path("feature-border"), "narrow")
    plan = made["feature-border"]["settings"]["narrow"]
    usual = results.where(table, rate=plan["rate"])

    def left(how: str, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Return steps, and what is not known of the position after them, (steps, seeds)."""
        mine = results.where(usual, how=how, share=share, persistence=0.5)
        steps = np.unique(mine["step"])
        rows = [results.where(mine, step=step) for step in steps]
        order = [np.argsort(row["seed"], kind="stable") for row in rows]
        known = [row["position"][at] for row, at in zip(rows, order, strict=True)]
        return steps, 1 - np.array(known)

    unknown = "share of a position that is not known"
    steps, cells = left("features", 0.5)
    others, theirs = left("pixels", 0.5)
    # so many steps of the rival cost as much as all of these
    price = others * (steps[-1] / others[-1])
    counts = bootstrap.counts(cells.shape[1], REPLICATES, np.random.default_rng(15))
    training = measured(
        ("15", "training steps, features", "steps", unknown),
        steps,
        cells,
        counts,
        rival=Rival("predicting pixels", price, theirs.mean(axis=1)),
    )
    shares = np.unique(results.where(usual, how="features", persistence=0.5)["share"])
    few = made["feature-border"]["settings"]["fewer seeds"]
    ends = np.array([left("features", share)[1][-1, :few] for share in shares])
    names = ("15", "share of a world that is not its state", unknown)
    return [training], [
        tried(
            names,
            shares.tolist(),
            ends,
            bootstrap.counts(few, REPLICATES, np.random.default_rng(15)),
        )
    ]


EXPERT_WIDTH = 32  # of a token that the layers of notebook 14's experts read
HEADS, HEAD_SIZE = 4, 8  # of its trained mixers
QUESTIONS = 8  # at the end of a text that is to be recalled


def of_experts(made: dict) -> tuple[list[Budget], list[Setting]]:
    """Notebook 14: how many experts a layer has, and how hard their load is evened out.

    The rival is a dense layer, from the one that costs as many FLOPs a token as two experts to the
    one that has as many weights as sixteen.
    """
    plan = made["experts"]["settings"]
    runs = results.read(artefacts.path("experts"), "runs")
    sizes = results.where(runs, part="sizes")
    above = "nats above the entropy"
    many = np.array(plan["counts"])

    def left(kind: str) -> np.ndarray:
        rows = [results.where(sizes, kind=kind, of=count) for count in many]
        return np.array([row["excess"][np.argsort(row["seed"], kind="stable")] for row in rows])

    def flops(hidden: np.ndarray) -> np.ndarray:
        return 4.0 * EXPERT_WIDTH * hidden

    # a router of E experts costs as much as E / 2 hidden numbers
    lean, large = (plan["hidden"] * times + many / 2 for times in (1, many))
    dense = np.concatenate([left("equal FLOPs"), left("equal parameters")]).mean(axis=1)
    counts = bootstrap.counts(plan["seeds"], REPLICATES, np.random.default_rng((15, 14)))
    experts = measured(
        ("14", "experts of a layer", "experts", above),
        many,
        left("mixture"),
        counts,
        price=flops(lean),
        rival=Rival("a dense layer", flops(np.concatenate([lean, large])), dense),
    )
    even = results.where(runs, part="collapse", shared=0.0)
    alphas = np.unique(even["balance"])
    cells = np.array([results.where(even, balance=alpha)["excess"] for alpha in alphas])
    names = ("14", "weight of the balance loss", above)
    return [experts], [tried(names, alphas.tolist(), cells, counts)]


def of_trained_memories(made: dict) -> list[Budget]:
    """Notebook 14: what a trained state of fixed size recalls of 16 pairs, beside attention."""
    table = results.read(artefacts.path("mixer-tasks"), "answers")
    pairs = 16

    def lost(mixers: str, state: int) -> np.ndarray:
        mine = results.where(table, task="recall", mixers=mixers, state=state, size=pairs)
        return 1 - mine["right"][np.argsort(mine["seed"], kind="stable")]

    alone = table["mixers"] == "selective"
    states = np.unique(table["state"][alone & (table["task"] == "recall")])
    tokens = 2 * pairs + QUESTIONS
    row = 2.0 * HEADS * HEAD_SIZE * tokens  # a key and a value of every token
    theirs = lost("attention", HEAD_SIZE).mean(keepdims=True)
    every = Rival("attention, which keeps every token", np.array([row]), theirs)
    seeds = made["mixer-tasks"]["settings"]["seeds"]
    names = ("14", "size of a trained state", "numbers", f"share of {pairs} pairs not recalled")
    return [
        measured(
            names,
            HEADS * HEAD_SIZE * states,
            np.array([lost("selective", int(state)) for state in states]),
            bootstrap.counts(seeds, REPLICATES, np.random.default_rng((15, 15))),
            rival=every,
        )
    ]


def budgets() -> tuple[list[Budget], list[Setting]]:
    """All of them, in the order of the notebooks."""
    made = artefacts.manifest()
    sweep = Sweep()
    post = Post()
    searches, beams = of_searches(sweep)
    revisions, ratios = of_revisions(sweep)
    laws, sizes = of_laws(post, made, sweep.counts)
    experts, evened = of_experts(made)
    features, worlds = of_features(made)
    found = [
        *of_samples(sweep, post),
        *of_constraints(),
        *of_verifiers(sweep, made),
        *searches,
        *of_choices(sweep),
        *revisions,
        *of_sizes(sweep, post, made),
        *laws,
        *of_small_models(made),
        *of_trained_memories(made),
        *experts,
        *features,
    ]
    return found, [*of_temperatures(post, sweep.counts), *beams, *ratios, *sizes, *evened, *worlds]
