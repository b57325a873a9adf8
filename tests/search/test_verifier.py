"""The verifier's reader: every score as if the whole text were read, every step read once."""

import functools
import itertools
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from letters import search_on
from tiny_transformers import full_forward
from tiny_transformers import tiny as tiny_transformer
from tiny_verifiers import NETS, full_score, opinion, tiny_verifier
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ttclib.lm import samplers
from ttclib.lm.sequences import PAID
from ttclib.particles.islands import within
from ttclib.particles.smc import keep_all, resample, run
from ttclib.search import verifier as module
from ttclib.search.mcts import TreeSearch, uct
from ttclib.search.protocols import Reading
from ttclib.search.selections import beam, rebase, trees
from ttclib.search.verifier import CachedReader, RewardModel, Trie, so_far

LM = tiny_transformer("llama", letters="abcdefg", context=40)
PROMPTS = ["a", "gfedcba", "cc"]
SELECTIONS = {
    "best of n": keep_all,
    "particles": within(3, resample("multinomial")),
    "beam": within(3, beam(4)),
    "trees": within(3, trees(2)),
    "rebase": within(3, rebase(0.05)),
}


def longer(log_law):
    """A law that seldom ends a text."""
    return samplers.renormalise(log_law - 3 * (np.arange(len(LM.vocabulary)) == LM.vocabulary.end))


def model(prompt=PROMPTS, verifier=None, **options):
    """Steps end with a or b, so they are of very different lengths."""
    options = {"until": "ab", "max_tokens": 16, "sampler": longer} | options
    return search_on(LM, prompt, verifier or tiny_verifier(LM), **options)


def history(search, select, seed, n=12):
    return run(search, n, select, np.random.default_rng(seed))


@functools.cache
def law_after(text):
    """Log law of the next token, by the library's plain forward."""
    return full_forward(LM, text)


def own_surprise(text, begin):
    """Log probability and entropy at every token from ``begin`` on."""
    laws = [law_after(text[:i]) for i in range(begin, len(text))]
    return np.array(
        [[law[text[begin + i]], -(np.exp(law) * law).sum()] for i, law in enumerate(laws)]
    )


def greedy(prefix, steps, pauses, room):
    """The likeliest continuation by some steps."""
    text = list(prefix)
    while steps and room:
        text.append(int(longer(law_after(tuple(text))[None]).argmax()))
        room -= 1
        if text[-1] == LM.vocabulary.end:
            break
        steps -= bool(pauses[text[-1]])
    return text


def assert_read_right(search, populations):
    """Each score is that of a full forward, and each different beginning was paid for once; return
    what was read.
    """
    known, read = {}, set()
    for population in populations:
        p = population.particles
        for i in range(len(population)):
            scored = not np.isnan(p.scores[i, population.t])
            ended = (
                population.t
                and populations[population.t - 1].particles.finished[population.ancestors[i]]
            )
            assert scored != bool(ended)
            if not scored:
                continue
            prompt, room = search.prompts[p.prompt[i]], search.max_tokens - p.lengths[i]
            text = (*prompt, *p.tokens[i, : p.lengths[i]].tolist())
            read.add((p.prompt[i], p.begun[i], text))
            if search.lookahead and not p.finished[i]:
                # the continuation is written greedily, read once in its generation, and forgotten
                key = (p.prompt[i], text, "ahead")
                if key not in known:
                    known[key] = tuple(greedy(text, search.lookahead, search.pauses, room))
                ahead = known[key]
                read.add((p.prompt[i], len(text) - len(prompt), ahead, "ahead"))
                text = ahead
            key = (p.prompt[i], text)
            if key not in known:
                per_token = own_surprise(text, len(prompt))
                known[key] = full_score(search.verifier, prompt, text[len(prompt) :], per_token)
            assert p.scores[i, population.t] == pytest.approx(known[key], abs=1e-5)
    beginnings = {
        (i, tuple(prompt[:k]))
        for i, prompt in enumerate(search.prompts)
        for k in range(1, len(prompt) + 1)
    }
    for prompt, begun, text, *ahead in read:
        generation = (int(begun), *ahead) if ahead else ()
        for k in range(len(search.prompts[prompt]) + int(begun), len(text)):
            beginnings.add((int(prompt), text[: k + 1], *generation))
    cost = populations[-1].cost
    assert cost.verifier_positions == len(beginnings)
    contexts = sum(len(text) for _, text, *_ in beginnings)
    assert cost.verifier_flops == search.verifier.flops(cost.verifier_positions, contexts)
    return known


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("name", SELECTIONS)
def test_scores_are_those_of_a_full_forward(name, seed):
    """After generations of forks and drops, in steps of different lengths, of three problems."""
    search = model()
    populations = history(search, SELECTIONS[name], seed)
    assert len(populations) > 3
    p = populations[0].particles
    assert len(set(p.lengths.tolist())) > 2
    assert len(assert_read_right(search, populations)) > 12


@pytest.mark.parametrize("options", [{"kind": kind} for kind in NETS] + [{"seed": 3}])
@pytest.mark.parametrize("prompt", ["gfe", PROMPTS])
def test_other_verifiers_and_prompts(prompt, options, seed):
    search = model(prompt, tiny_verifier(LM, **options))
    assert_read_right(search, history(search, resample() if prompt == "gfe" else keep_all, seed))


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("name", ["best of n", "beam"])
def test_looking_ahead_is_read_and_forgotten(name, k, seed):
    search = model(lookahead=k)
    assert_read_right(search, history(search, SELECTIONS[name], seed))


def test_texts_that_wait_are_read_on_from_where_they_stand(seed):
    """In tree search a text may grow generations after it was read."""
    search = model(kind=TreeSearch)
    populations = history(search, within(3, uct(2, 0.5, 0.5)), seed)
    waited = 0
    for population in populations[1:]:
        p = population.particles
        grown = np.flatnonzero(~np.isnan(p.scores[:, -1]))
        assert (grown == np.flatnonzero(p.lengths > p.begun)).all()
        waited += np.isnan(p.scores[grown, -2]).sum()
        for i in grown:
            prompt = search.prompts[p.prompt[i]]
            text = (*prompt, *p.tokens[i, : p.lengths[i]].tolist())
            per_token = own_surprise(text, len(prompt))
            expected = full_score(search.verifier, prompt, text[len(prompt) :], per_token)
            assert p.scores[i, -1] == pytest.approx(expected, abs=1e-5)
    assert waited


def test_a_tree_holds_each_different_beginning_once(seed):
    """Texts of one token and of nine, with the same letters behind two pasts."""
    rng = np.random.default_rng(seed)
    counts = np.array([9, 1, 4, 9, 1, 7, 9, 3])
    past = rng.integers(0, 2, 8)
    tokens = rng.integers(0, 2, (8, 9))
    trie = Trie.of(past, tokens, counts)
    cells = [(i, j) for i in range(8) for j in range(counts[i])]
    beginning = {(i, j): (past[i], *tokens[i, : j + 1]) for i, j in cells}
    first = {}
    for cell in cells:
        first.setdefault(beginning[cell], cell)
    assert 9 < len(first) < len(cells)
    assert sorted(trie.first.tolist()) == sorted(9 * i + j for i, j in first.values())
    numbers = torch.arange(8 * 9.0).reshape(8, 9)
    to = rng.permutation(8)
    back = np.argsort(to)
    for found, sent in (
        (trie.spread(trie.fold(numbers)), numbers),
        (trie.moved(to).spread(trie.moved(to).fold(numbers[back]))[to], numbers),
    ):
        assert all(found[cell] == sent[first[beginning[cell]]] for cell in cells)


def test_a_plain_head_does_not_hear_the_surprise():
    for kind, net in NETS.items():
        hears = "writer" in net.get("hears", ("writer",))
        verifier = tiny_verifier(LM, kind)
        quiet = full_score(verifier, [0], [1, 2], np.zeros((2, 2)))
        loud = full_score(verifier, [0], [1, 2], np.full((2, 2), -3.0))
        assert (quiet != loud) == hears


def test_the_text_so_far_is_summed_up(seed):
    """Of each text alone, in packed rows and in two pieces."""
    rng = np.random.default_rng(seed)
    lengths = [5, 1, 7, 3]
    positions = np.concatenate([np.arange(k) for k in lengths])[None]
    per_token = np.stack([rng.uniform(-8, 0, (1, 16, 2)), rng.uniform(0, 3, (1, 16, 2))], axis=2)
    found = so_far(torch.tensor(per_token), torch.tensor(positions)).numpy()[0]
    for text in np.split(np.arange(16), np.cumsum(lengths)[:-1]):
        for j, here in enumerate(text):
            read = per_token[0, text[: j + 1]]
            assert found[here, :2] == pytest.approx(read[:, 0].sum(0) / 4)
            assert found[here, 2:] == pytest.approx(read.sum(1).min(0))
    halves = torch.tensor(per_token[:, 6:13]), torch.tensor(positions[:, 6:13])
    first = so_far(halves[0][:, :3], halves[1][:, :3])
    second = so_far(halves[0][:, 3:], halves[1][:, 3:], first[:, -1])
    assert torch.cat([first, second], 1)[0].numpy() == pytest.approx(found[6:13])


def test_log_probabilities_below_the_least_are_alike():
    verifier = tiny_verifier(LM)
    scores = {full_score(verifier, [0], [1], np.array([[low, 1.0]])) for low in (-8.0, -9.0, -80.0)}
    assert len(scores) == 1
    assert full_score(verifier, [0], [1], np.array([[-7.0, 1.0]])) not in scores
    # and so they are to a reader
    search = model("a", verifier)
    texts, _ = search.propose(0, None, 1, np.random.default_rng(0))
    read = []
    for low in (-8.0, -80.0, -7.0):
        texts.per_token[..., 0], texts.begun[:] = low, 0
        read.append(verifier.start(LM, search.task, ["a"], 40).read(texts, np.arange(1)).scores[0])
    assert read[0] == read[1] != read[2]


@pytest.mark.parametrize("name", SELECTIONS)
def test_the_generator_is_fed_each_token_once(name, seed):
    """A verifier changes nothing there: prompt, and each different beginning of a text once."""
    search = model()
    populations, fed = history(search, SELECTIONS[name], seed), set()
    written = 0
    for p in (population.particles for population in populations):
        for i in range(len(p)):
            text = p.tokens[i, : p.lengths[i]].tolist()
            fed |= {(p.prompt[i], *text[:j]) for j in range(1, len(text))}
        grown = ~np.isnan(p.scores[:, -1])
        written += (p.lengths - p.begun)[grown].sum()
    cost = populations[-1].cost
    assert cost.lm_positions == sum(map(len, search.prompts)) + len(fed)
    assert cost.lm_tokens == written


def test_finished_texts_are_never_read_again(seed, monkeypatch):
    asked, plain = Counter(), CachedReader.read

    def texts_of(p, which):
        return ((p.prompt[i], p.tokens[i, : p.lengths[i]].tobytes()) for i in which)

    def spy(self, texts, chosen, keep=False):
        asked.update(texts_of(texts, chosen))
        return plain(self, texts, chosen, keep)

    monkeypatch.setattr(CachedReader, "read", spy)
    final = history(model(max_tokens=24), keep_all, seed)[-1].particles
    assert final.finished.all()
    for text, copies in Counter(texts_of(final, range(len(final)))).items():
        assert asked[text] == copies


def test_the_dead_need_no_opinion(seed):
    """Texts that a potential forbids are not read."""
    from ttclib.course.smc_decoding.constraints import regex

    search = model(
        "a", potentials=[regex("[^c]*", LM.vocabulary)], proposal="bootstrap", max_tokens=8
    )
    proposed, _ = search.propose(0, None, 200, np.random.default_rng(seed))
    first, log_weights, cost = search.weigh(0, None, proposed)
    dead = log_weights == -np.inf
    assert 0 < dead.sum() < 200
    assert (np.isnan(first.scores[:, 0]) == dead).all()
    texts = {tuple(tokens[:k]) for tokens, k in zip(first.tokens, first.lengths, strict=True)}
    read = {text for text in texts if 2 not in text}
    beginnings = {text[:k] for text in read for k in range(1, len(text) + 1)}
    assert cost.verifier_positions == 1 + len(beginnings)


class Streams(np.random.Generator):
    """It deals texts the luck that they would have as every ``of``-th text, from one on."""

    def __init__(self, seed, first=0, of=1):
        super().__init__(np.random.PCG64(0))
        self.seeds = ((seed, first + of * i) for i in itertools.count())

    def spawn(self, n):
        return [np.random.default_rng(seed) for seed in itertools.islice(self.seeds, n)]


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize("name", ["best of n", "beam", "rebase"])
def test_a_problem_pays_what_it_alone_would_have(name, k, seed):
    """Three problems in one batch are three searches: their costs, and no others, add up."""
    select = {"best of n": keep_all, "beam": beam(4), "rebase": rebase(0.05)}[name]
    together = run(model(lookahead=k), 36, within(3, select), Streams(seed))
    paid = np.zeros((3, len(PAID)))
    for p in (population.particles for population in together):
        np.add.at(paid, p.prompt, p.paid)
    for i, prompt in enumerate(PROMPTS):
        alone = run(model(prompt, lookahead=k), 12, select, Streams(seed, i, 3))[-1].spent
        assert paid[i].tolist() == [getattr(alone, field) for field in PAID]
    spent = together[-1].spent
    assert paid.sum(0).tolist() == [getattr(spent, field) for field in PAID]


# ------------------------------------------------------ known mistakes of published systems


class KeyedBySuffix(CachedReader):
    """The cache is asked for the last token of a text, not for the text."""

    def _key(self, texts, i, length):
        return int(texts.prompt[i]), texts.tokens[i, max(0, length - 1) : length].tobytes()


class OneProblemForAll(CachedReader):
    """The cache is asked for the text, whatever problem it solves."""

    def _key(self, texts, i, length):
        return 0, texts.tokens[i, :length].tobytes()


class InterleavesProblems(CachedReader):
    """Scores come back problem by problem, texts stand in turn."""

    def read(self, texts, chosen, keep=False):
        scores, paid = super().read(texts, chosen, keep)
        return Reading(scores[np.argsort(texts.prompt[chosen], kind="stable")], paid)


class CountsNothing(CachedReader):
    """Positions are left at zero."""

    def _paid(self, trie, start):
        return np.zeros((len(start), 2))


class ForgetsThePrompts(CachedReader):
    """Only what follows the problem is counted."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._unpaid = {}


class CountsCopies(CachedReader):
    """Equal texts are read, and paid for, once each."""

    def read(self, texts, chosen, keep=False):
        scores, paid = super().read(texts, chosen, keep)
        paid[:, 0] = texts.lengths[chosen] - texts.begun[chosen]
        return Reading(scores, paid)


class ChargesWholeSteps(CachedReader):
    """Of steps that begin alike each is paid for as a whole."""

    def read(self, texts, chosen, keep=False):
        scores, paid = super().read(texts, chosen, keep)
        whole = texts.lengths[chosen] - texts.begun[chosen]
        return Reading(scores, np.where(paid > 0, np.maximum(paid, whole[:, None]), 0))


class MergesPasts(CachedReader):
    """Steps that begin alike are read once, whatever stands before them."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        trie = Trie.of(np.zeros_like(counts), tokens, counts)
        return super()._forward(tokens, per_token, start, counts, trie, before)


class LosesItsPlace(CachedReader):
    """New tokens are read as if the shortest text of the batch came before."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        return super()._forward(
            tokens, per_token, np.full_like(start, start.min()), counts, trie, before
        )


class IgnoresTheSurprise(CachedReader):
    """The generator's per_token is not handed on."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        return super()._forward(
            tokens, per_token if per_token is None else 0 * per_token, start, counts, trie, before
        )


class ForgetsWhatItRead(CachedReader):
    """Neither what the net expected next when a step ended, nor the text so far is remembered."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        return super()._forward(tokens, per_token, start, counts, trie)


class ForgetsItsLaw(CachedReader):
    """The net does not remember what it expected next when a step ended."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        if before is not None:
            before = before.clone()
            before[:, :-4] = 0
        return super()._forward(tokens, per_token, start, counts, trie, before)


class SumsUpThisStepOnly(CachedReader):
    """The sums of the text so far begin anew with every step."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        if before is not None:
            before = before.clone()
            before[:, -4:] = 0
        return super()._forward(tokens, per_token, start, counts, trie, before)


class TakesAnothersPast(CachedReader):
    """What is left of reading does not move with its text."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        before = before if before is None else before.roll(1, 0)
        return super()._forward(tokens, per_token, start, counts, trie, before)


class ReadsTheProblemAsWritten(CachedReader):
    """The problem's tokens count as the generator's."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        per_token = np.zeros((*tokens.shape, 2)) if per_token is None else per_token
        return super()._forward(tokens, per_token, start, counts, trie, before)


class LosesTheEnd(CachedReader):
    """The last token of a step is not read."""

    def _forward(self, tokens, per_token, start, counts, trie, before=None):
        return super()._forward(tokens, per_token, start, np.maximum(counts - 1, 1), trie, before)


MISTAKES = [
    KeyedBySuffix,
    OneProblemForAll,
    InterleavesProblems,
    CountsNothing,
    ForgetsThePrompts,
    CountsCopies,
    ChargesWholeSteps,
    MergesPasts,
    LosesItsPlace,
    IgnoresTheSurprise,
    ForgetsWhatItRead,
    ForgetsItsLaw,
    SumsUpThisStepOnly,
    TakesAnothersPast,
    ReadsTheProblemAsWritten,
    LosesTheEnd,
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_known_mistakes_are_noticed(mistake, seed, monkeypatch):
    monkeypatch.setattr(module, "CachedReader", mistake)
    search = model()
    with pytest.raises(AssertionError):
        assert_read_right(search, history(search, SELECTIONS["particles"], seed, 48))


# ---------------------------------------------------------------- files and figures


@pytest.mark.parametrize("kind", NETS)
def test_saved_and_loaded(kind, tmp_path, seed):
    verifier = tiny_verifier(LM, kind)
    verifier.save(tmp_path / "new" / "prm")
    assert {path.name for path in (tmp_path / "new" / "prm").iterdir()} == {
        "config.json",
        "model.safetensors",
    }
    loaded = RewardModel.load(tmp_path / "new" / "prm")
    assert loaded.texts == verifier.texts == list(LM.vocabulary.texts)
    assert loaded.context == verifier.context == 40
    for option in ("hears", "sums", "hidden"):
        assert getattr(loaded.net, option) == getattr(verifier.net, option)
    for (name, weight), (_, other) in zip(
        verifier.net.state_dict().items(), loaded.net.state_dict().items(), strict=True
    ):
        assert torch.equal(weight, other), name
    before, after = (history(model(verifier=v), keep_all, seed)[-1] for v in (verifier, loaded))
    assert np.array_equal(before.particles.scores, after.particles.scores, equal_nan=True)
    assert before.spent == after.spent


HARMS = {
    "missing": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "halved": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "of another verifier": lambda path: shutil.copy(path.parent.parent / "other" / path.name, path),
    "of no verifier": lambda path: path.write_bytes(b"[]"),
}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_verifier_is_said_in_one_line(tmp_path, name, harm):
    tiny_verifier(LM, "judge").save(tmp_path / "prm")
    tiny_verifier(LM, "tokens").save(tmp_path / "other")
    HARMS[harm](tmp_path / "prm" / name)
    with pytest.raises(ValueError) as caught:
        RewardModel.load(tmp_path / "prm")
    line = str(caught.value)
    assert line.startswith(f"the verifier {tmp_path / 'prm'} cannot be read (")
    assert line.endswith("get its config.json and model.safetensors again") and "\n" not in line


@pytest.mark.parametrize("kind", NETS)
def test_flops_are_two_a_weight_and_the_attention(kind):
    """The embedding is also the output of a body that predicts."""
    verifier = tiny_verifier(LM, kind)
    predicts = "body" in verifier.net.hears
    weights = verifier.net.named_parameters()
    matrices = [
        w.numel() for name, w in weights if w.ndim == 2 and (predicts or "embed" not in name)
    ]
    shape = verifier.net.body.shape
    assert verifier.flops(1, 0) == 2 * sum(matrices)
    assert verifier.flops(0, 1) == 4 * (shape.layers + bool(verifier.net.hidden)) * shape.width


@pytest.mark.parametrize("kind", NETS)
def test_what_is_charged_is_what_is_multiplied(kind):
    """Counted by torch: nothing is computed that nobody needs."""
    verifier = tiny_verifier(LM, kind)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        full_score(verifier, [0, 1], [2, 3, 4], np.zeros((3, 2)))
    # a whole text at once: the square of contexts is computed, of which a half is masked
    assert counter.get_total_flops() == verifier.flops(5, 25)


def test_an_untrained_verifier_has_no_opinion():
    from ttclib.lm.llama import Shape
    from ttclib.search.verifier import Net

    net = Net(Shape(len(LM.vocabulary), 16, 2, 2, 24, 40))
    final = history(model(verifier=RewardModel(net, LM.vocabulary.texts)), keep_all, 0)[
        -1
    ].particles
    assert (final.scores[~np.isnan(final.scores)] == 0.5).all()


def test_an_exact_verifier_sees_problem_and_text(seed):
    seen = {}

    def score(problem, text):
        seen[problem, text] = opinion(problem, text)
        return seen[problem, text]

    search = model(verifier=score)
    for population in history(search, SELECTIONS["beam"], seed):
        p = population.particles
        for i, text in enumerate(search.texts(p)):
            if not np.isnan(p.scores[i, population.t]):
                assert p.scores[i, population.t] == seen[PROMPTS[p.prompt[i]], text]
    assert population.cost.verifier_positions == population.cost.verifier_flops == 0
    assert {problem for problem, _ in seen} == set(PROMPTS)


OTHER = tiny_transformer("llama", letters="abcdefgh", context=40)
TURNED = tiny_transformer("llama", letters="gfedcba", context=40)


@pytest.mark.parametrize(
    ("verifier", "message"),
    [
        (
            tiny_verifier(OTHER),
            "the verifier reads 9 tokens of another tokenizer; the model's has 8",
        ),
        (tiny_verifier(TURNED), "the verifier reads 8 tokens of another tokenizer"),
        (tiny_verifier(LM, context=20), "the verifier reads 20 tokens; these texts may have 23"),
    ],
)
def test_verifiers_that_cannot_be(verifier, message):
    with pytest.raises(ValueError, match=message) as caught:
        history(model(verifier=verifier), keep_all, 0)
    assert "\n" not in str(caught.value)


def test_texts_as_long_as_the_context(seed):
    """Up to the last position of both models, beside short ones."""
    search = model(["a", "gfedcba"], max_tokens=33, until="a")
    populations = history(search, resample(), seed)
    assert_read_right(search, populations)
    assert all(len(a) == len(b) for a, b in itertools.pairwise(populations))
