"""The engine against the plain model: same distributions whatever happens to the rows, and nothing
fed twice.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters_weighed import prefer

torch = pytest.importorskip("torch")

from tiny_transformers import KINDS, full_forward, tiny
from transformers import DynamicCache

from ttclib.cost import Cost
from ttclib.course.small_language_model.flops import sequence_flops
from ttclib.course.smc_decoding.constraints import regex
from ttclib.lm import decoding, engine
from ttclib.lm.decoding import Decoder, sample
from ttclib.particles.resampling import UNBIASED
from ttclib.particles.smc import keep_all, resample, run, smc, when_ess_below

TOLERANCE = 2e-5  # of log probabilities in float32; the largest error in 40 walks is 3e-6
PROMPTS = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 9, 0], [1, 2, 4]]
LETTERS = 10


@pytest.fixture(scope="module", params=KINDS)
def lm(request):
    return tiny(request.param)


@pytest.fixture(scope="module")
def small():
    return tiny()


def gap(lm, session, texts, rows):
    """Largest error of the log distributions of some rows."""
    return max(np.abs(session.log_probs[row] - full_forward(lm, texts[row])).max() for row in rows)


def walk(lm, rng, steps=12, most=9):
    """Fork, keep and forget rows at random: yield the session and the text of each of its rows.

    After the first, also the rows that were fed and how many tokens these held before.
    """
    session = lm.start(PROMPTS, lm.context)
    texts = [list(prompt) for prompt in PROMPTS]
    yield session, texts, range(len(texts)), None
    for _ in range(steps):
        m = rng.integers(1, most)
        rows, tokens = rng.integers(len(texts), size=m), rng.integers(LETTERS, size=m)
        keep = np.flatnonzero(rng.random(len(texts)) < 0.3)
        fed, kept = session.feed(rows, tokens, keep)
        assert sorted([*fed, *kept]) == list(range(m + len(keep)))
        before = [texts[row] for row in rows]
        new = dict(
            zip(
                fed,
                ([*text, token] for text, token in zip(before, tokens, strict=True)),
                strict=True,
            )
        )
        new |= zip(kept, (texts[row] for row in keep), strict=True)
        texts = [new[row] for row in range(m + len(keep))]
        yield session, texts, fed, [len(text) for text in before]


# ---------------------------------------------------------------- the same distributions


def test_which_models_run_on_our_own_page():
    ours = {kind: tiny(kind).ours is not None for kind in KINDS}
    assert ours == {kind: kind == "llama" for kind in KINDS}


def test_every_row_has_the_distribution_of_its_text(lm, seed):
    for session, texts, rows, _ in walk(lm, np.random.default_rng(seed)):
        assert session.log_probs.shape == (len(rows), LETTERS + 1)
        assert gap(lm, session, texts, rows) < TOLERANCE


@pytest.mark.parametrize("few", [1, 2, 3])
def test_room_grows_as_it_is_written_and_prompts_are_fed_in_pieces(lm, few, monkeypatch, seed):
    """Rows that hold one to three positions at first, and prompts cut to as many tokens."""
    monkeypatch.setattr(engine, "_ROOM", few)
    monkeypatch.setattr(engine, "_PIECE", few)
    rooms = set()
    for session, texts, rows, _ in walk(lm, np.random.default_rng(seed)):
        assert gap(lm, session, texts, rows) < TOLERANCE
        longest = max(len(texts[row]) for row in rows)
        rooms.add(session._cache._data.shape[4])
        assert longest <= max(rooms) <= max(2 * longest, 2 * max(map(len, PROMPTS)))
    assert len(rooms) > 1


def test_texts_are_the_same_whatever_room_they_begin_with(small, monkeypatch, seed):
    options = {"per_token": True, "until": "cde"}
    whole = sample(small, ["abc", "d"], 12, np.random.default_rng(seed), **options).particles
    for room in (1, 2, 5):
        monkeypatch.setattr(decoding, "FIRST_ROOM", room)
        last = sample(small, ["abc", "d"], 12, np.random.default_rng(seed), **options).particles
        written = last.tokens.shape[1]
        assert last.lengths.max() <= written <= max(room, 2 * last.lengths.max())
        assert (last.tokens == whole.tokens[:, :written]).all()
        assert (last.per_token == whole.per_token[:, :written]).all()
        assert (last.lengths == whole.lengths).all() and last.lengths.max() > room


def test_other_prefixes_have_other_distributions(small):
    """Power of the comparison: the nearest distribution of any other text is a thousand times
    further off.
    """
    texts = [[a, b, c] for a in range(4) for b in range(4) for c in range(4)]
    distributions = np.array([full_forward(small, text) for text in texts])
    distance = np.abs(distributions[:, None] - distributions).max(axis=2)
    assert distance[~np.eye(len(texts), dtype=bool)].min() > 1e3 * TOLERANCE


@pytest.mark.parametrize("kind", ["llama", "llama, shared keys", "gpt2"])
def test_a_model_that_came_with_another_attention(kind, seed):
    """A mask of yes and no would be added to the scores there, which nobody would notice."""
    lm = tiny(kind, attn_implementation="eager")
    for session, texts, rows, _ in walk(lm, np.random.default_rng(seed), steps=2):
        assert gap(lm, session, texts, rows) < TOLERANCE


def test_in_double_precision_only_rounding_is_left(seed):
    """Learned positions: the angles of rotary ones are single precision all the same."""
    lm = tiny("gpt2", dtype=torch.float64)
    for session, texts, rows, _ in walk(lm, np.random.default_rng(seed), steps=6):
        assert gap(lm, session, texts, rows) < 1e-12


def test_the_plain_model_goes_on_working(lm):
    """The engine leaves the model as it was: its own cache still gives its own distributions."""
    lm.start(PROMPTS, 20).feed([0, 0], [1, 2])
    cache = DynamicCache(config=lm.model.config)
    with torch.no_grad():
        lm.model(torch.tensor([[1, 2, 3]]), past_key_values=cache)
        logits = lm.model(torch.tensor([[4]]), past_key_values=cache).logits[0, -1]
    distribution = torch.log_softmax(logits, -1).numpy()
    assert np.abs(distribution - full_forward(lm, [1, 2, 3, 4])).max() < TOLERANCE


def test_sessions_do_not_know_each_other(small):
    one, other = small.start([[1, 2]], 20), small.start([[3, 4, 5]], 20)
    one.feed([0, 0], [6, 7])
    other.feed([0], [8])
    one.feed([1], [9])
    assert gap(small, other, [[3, 4, 5, 8]], [0]) < TOLERANCE
    assert gap(small, one, [[1, 2, 7, 9]], [0]) < TOLERANCE


# ---------------------------------------------------------------- what it costs


def test_positions_and_flops_are_those_of_the_tokens_fed(lm, seed):
    cost = lambda start, stop: sequence_flops(lm.model.config, start, stop)  # noqa: E731
    steps = walk(lm, np.random.default_rng(seed))
    session, *_ = next(steps)
    assert session.positions == sum(map(len, PROMPTS))
    assert session.flops.tolist() == [cost(0, len(prompt)) for prompt in PROMPTS]
    for session, _, fed, before in steps:
        assert session.positions == len(fed)
        assert session.flops.tolist() == [cost(length, length + 1) for length in before]


def nodes(decoder, history):
    """Every (prompt, beginning) of a run that somebody extended, with its length: the
    trie, inside.
    """
    found = set()
    for particles in (population.particles for population in history):
        for tokens, length, prompt in zip(
            particles.tokens, particles.lengths, particles.prompt, strict=True
        ):
            found |= {(int(prompt), *tokens[:k].tolist()) for k in range(1, length)}
    return [len(decoder.prompts[prompt]) + len(text) for prompt, *text in found]


def assert_paid_once(lm, decoder, history):
    cost, fed = history[-1].cost, nodes(decoder, history)
    prompts = sum(map(len, decoder.prompts))
    assert cost.lm_positions == prompts + len(fed)
    assert cost.lm_positions <= prompts + cost.lm_tokens
    assert cost.lm_tokens == sum(extended(population) for population in history)
    one = lambda length: sequence_flops(lm.model.config, length - 1, length)  # noqa: E731
    whole = sum(sequence_flops(lm.model.config, 0, len(prompt)) for prompt in decoder.prompts)
    assert cost.lm_flops == pytest.approx(whole + sum(map(one, fed)), rel=1e-12)


def extended(population):
    """Tokens that the last generation wrote: one for each text that was not finished before."""
    return np.count_nonzero(population.particles.lengths == population.t + 1)


SELECTIONS = {name: resample(name) for name in UNBIASED} | {
    "adaptive": when_ess_below(0.6, resample("systematic")),
    "keep all": keep_all,
    "shrink": resample("multinomial", n=7),
    "grow": resample("systematic", n=60),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_no_prefix_of_a_population_is_fed_twice(small, name, seed):
    """And after every resampling each row still has its own distribution."""
    checks = DistributionCheck(
        small, ["abc", "d", "jjihg"], [prefer("ab", 0.8, small.vocabulary)], max_tokens=12
    )
    history = run(checks, 24, SELECTIONS[name], np.random.default_rng(seed))
    assert checks.worst < TOLERANCE
    assert_paid_once(small, checks, history)


@pytest.mark.parametrize("kind", ["llama, shared keys", "gpt2"])
def test_nor_on_the_library_s_own_page(kind, seed):
    lm = tiny(kind)
    checks = DistributionCheck(lm, ["abc", "d"], [regex("[^a]*", lm.vocabulary)], max_tokens=8)
    history = run(checks, 12, resample(), np.random.default_rng(seed))
    assert checks.worst < TOLERANCE
    assert_paid_once(lm, checks, history)


def test_a_generation_may_be_a_stretch(small, seed):
    """Texts that wait for the others keep their row, and nothing is fed twice."""
    potentials = [prefer("ab", 0.8, small.vocabulary)]
    checks = DistributionCheck(small, ["abc", "d"], potentials, max_tokens=20, until="cdef")
    history = run(checks, 24, resample(), np.random.default_rng(seed))
    assert checks.worst < TOLERANCE
    cost, fed = history[-1].cost, nodes(checks, history)
    assert cost.lm_positions == 4 + len(fed) <= 4 + cost.lm_tokens
    assert len(history) < 20  # or it was no stretch


class DistributionCheck(Decoder):
    """Compare the distribution that each text is extended by with the plain model's."""

    worst = 0.0

    def _next_tokens(self, new, active, greedy):
        for i in active:
            text = [*self.prompts[new.prompt[i]], *new.tokens[i, : new.lengths[i]]]
            distribution = new.run.session.log_probs[new.rows[i]]
            self.worst = max(self.worst, np.abs(distribution - full_forward(self.lm, text)).max())
        return super()._next_tokens(new, active, greedy)


# Mutants of the cost: each published somewhere, each caught by the very same assertion.


class CountsNothing(DistributionCheck):
    """Costs stay at zero after the prompt."""

    def _feed(self, new, active):
        super()._feed(new, active)
        return Cost()


class FeedsEveryCopy(DistributionCheck):
    """Forget that texts are shared: feed a row for each."""

    def _feed(self, new, active):
        session = new.run.session
        waiting = np.setdiff1d(np.flatnonzero(~new.finished), active)
        keep, kept_for = np.unique(new.rows[waiting], return_inverse=True)
        fed, kept = session.feed(new.rows[active], new.last[active], keep)
        new.rows[active], new.rows[waiting] = fed, kept[kept_for]
        return Cost(lm_positions=session.positions, lm_flops=session.flops.sum())


@pytest.mark.parametrize("mutant", [CountsNothing, FeedsEveryCopy])
def test_wrong_counts_are_caught(small, mutant, seed):
    checks = mutant(small, ["abc"], max_tokens=8)
    history = run(checks, 24, resample(), np.random.default_rng(seed))
    with pytest.raises(AssertionError):
        assert_paid_once(small, checks, history)


# ---------------------------------------------------------------- the rows


@given(st.data())
@settings(max_examples=300)
def test_contents_follow_their_rows(data):
    """``arrange`` as a whole: fed rows in front, kept ones behind, each with what it held."""
    have = data.draw(st.integers(1, 7))
    lengths = np.array(data.draw(st.lists(st.integers(1, 5), min_size=have, max_size=have)))
    cache = engine.Rows((1, 4, 4), have, 5, torch.float32, "cpu")
    cache.lengths = lengths.copy()
    for row in range(have):
        cache._data[:, :, row] = row
    for _ in range(data.draw(st.integers(1, 3))):
        before, before_lengths = cache._data[0, 0, :, 0, 0, 0].clone(), cache.lengths.copy()
        rows = st.integers(0, have - 1)
        first = np.array(data.draw(st.lists(rows, min_size=1, max_size=10)))
        then = np.array(data.draw(st.lists(rows, unique=True, max_size=have)), dtype=int)
        fed, kept = cache.arrange(first, then)
        assert sorted(fed) == list(range(len(first)))
        assert sorted(kept) == list(range(len(first), len(first) + len(then)))
        for old, new in zip([*first, *then], [*fed, *kept], strict=True):
            assert cache.lengths[new] == before_lengths[old]
            held = cache._data[:, :, new, :, : cache.lengths[new]]
            assert (held == before[old]).all()
        have = len(first) + len(then)


def test_as_few_rows_move_as_can_be():
    cache = engine.Rows((2, 4, 4), 6, 5, torch.float32, "cpu")
    fed, kept = cache.arrange(np.array([2, 0, 2, 1]), np.array([4, 5]))
    assert fed.tolist() == [2, 0, 3, 1]  # only the second copy of row 2
    assert kept.tolist() == [4, 5]


def test_room_grows_with_the_population(small):
    session = small.start([[1, 2, 3], [4]], 12)
    texts = [[1, 2, 3], [4]]
    for m in (1, 3, 4, 9, 40, 2, 100):
        rows, tokens = np.arange(m) % len(texts), np.arange(m) % LETTERS
        fed, _ = session.feed(rows, tokens)
        new = {f: [*texts[row], token] for f, row, token in zip(fed, rows, tokens, strict=True)}
        texts = [new[row] for row in range(m)]
        assert gap(small, session, texts, range(m)) < TOLERANCE
    assert len(session._cache.lengths) >= 100


def test_rows_fork_after_their_room_has_grown():
    """Room for positions doubles within a forward pass; rows are moved between two of them."""
    small = tiny(context=4 * engine._ROOM)
    session = small.start([[1, 2, 3], [4]], 3 * engine._ROOM)
    texts = [[1, 2, 3], [4]]
    for t in range(2 * engine._ROOM):
        fed, _ = session.feed(np.array([0, 0]), np.array([t % LETTERS, (t + 1) % LETTERS]))
        new = {f: [*texts[0], (t + i) % LETTERS] for i, f in enumerate(fed)}
        texts = [new[row] for row in range(2)]
    assert session._cache._data.shape[4] > 2 * engine._ROOM
    assert gap(small, session, texts, range(2)) < TOLERANCE


def moves_nothing(self, first, then):
    before = self._data.clone()
    target = engine_arrange(self, first, then)
    self._data[:, :, : before.shape[2]] = before
    return target


def moves_one_by_one(self, first, then):
    """Rows that change places are written before they are read."""
    before = self._data.clone()
    target = engine_arrange(self, first, then)
    self._data[:, :, : before.shape[2]] = before
    for to, of in zip(np.concatenate(target), np.concatenate([first, then]), strict=True):
        self._data[:, :, to] = self._data[:, :, of]
    return target


def moves_the_neighbour(self, first, then):
    fed, kept = engine_arrange(self, first, then)
    rows = np.arange(len(first) + len(then))
    self._data[:, :, rows] = self._data[:, :, np.roll(rows, 1)]
    return fed, kept


def keeps_lengths(self, first, then):
    lengths = self.lengths.copy()
    target = engine_arrange(self, first, then)
    self.lengths[: len(lengths)] = lengths
    return target


def forgets_the_last_position(self, first, then):
    """As a cache that is copied before the newest entry is written."""
    target = engine_arrange(self, first, then)
    for row in np.concatenate(target):
        self._data[:, :, row, :, self.lengths[row] - 1] = 0
    return target


engine_arrange = engine.Rows.arrange
BROKEN = [
    moves_nothing,
    moves_one_by_one,
    moves_the_neighbour,
    keeps_lengths,
    forgets_the_last_position,
]


def test_room_that_grows_and_forgets_is_caught(small, monkeypatch, seed):
    def grow(self, rows, positions):
        grown(self, rows, positions)
        self._data[:, :, 0] = 0

    grown = engine.Rows._grow
    monkeypatch.setattr(engine.Rows, "_grow", grow)
    with pytest.raises(AssertionError):
        test_room_grows_as_it_is_written_and_prompts_are_fed_in_pieces(small, 2, monkeypatch, seed)


@pytest.mark.parametrize("mutant", BROKEN, ids=lambda mutant: mutant.__name__)
def test_a_cache_that_returns_another_prefix_is_caught(small, mutant, monkeypatch, seed):
    monkeypatch.setattr(engine.Rows, "arrange", mutant)
    with pytest.raises(AssertionError):
        test_every_row_has_the_distribution_of_its_text(small, seed)


# ---------------------------------------------------------------- what goes wrong


def test_a_full_row_is_refused(small):
    session = small.start([[1, 2, 3], [4]], 4)
    session.feed([0], [5], keep=[1])
    with pytest.raises(ValueError, match="a row is full; it holds 4 tokens"):
        session.feed([0, 1], [6, 6])


def test_a_context_may_be_used_to_its_last_token(small, seed):
    session = small.start([[1, 2, 3]], small.context)
    text = [1, 2, 3]
    for token in np.random.default_rng(seed).integers(LETTERS, size=small.context - 3):
        session.feed([0], [token])
        text.append(token)
    assert gap(small, session, [text], [0]) < TOLERANCE
    with pytest.raises(ValueError, match="full"):
        session.feed([0], [0])


@pytest.mark.parametrize(
    ("prompts", "length", "message"),
    [
        ([[1], []], 10, "a prompt is empty"),
        ([], 10, "a prompt is empty"),
        ([[1] * 41], 41, "a prompt has 41 tokens; the model's context holds 40"),
        ([[1] * 4], 41, "length is 41; the model's context holds 40"),
        ([[1] * 4], 3, "length is 3; it must be a whole number of at least 4"),
        ([[1]], 0, "length is 0"),
        ([[1]], 2.5, "length is 2.5"),
    ],
)
def test_sessions_that_cannot_be(small, prompts, length, message):
    with pytest.raises(ValueError, match=message):
        small.start(prompts, length)


def test_texts_that_were_extended_before_are_refused(small):
    """Their rows now hold what the later texts have read."""
    decoder, rng = Decoder(small, "abc", max_tokens=6), np.random.default_rng(0)
    populations = list(smc(decoder, 4, keep_all, rng))
    for old in populations[:-1]:
        with pytest.raises(ValueError, match="these texts were extended before"):
            decoder.propose(old.t + 1, old.particles, 4, rng)
        with pytest.raises(ValueError, match="these texts were extended before"):
            decoder.propose(old.t + 1, old.particles[[0, 0]], 2, rng)


def test_samples_do_not_change_when_others_are_drawn_beside_them(small, seed):
    """Row by row the same numbers, up to rounding: the log probabilities of the same texts."""
    prompts = ["abc", "d", "jjihg"]
    together = sample(small, prompts, 12, np.random.default_rng(seed), max_tokens=10).particles
    for i, tokens in enumerate(together.tokens[:, : together.tokens.shape[1]]):
        text = list(Decoder(small, prompts).prompts[together.prompt[i]])
        total = 0.0
        for token in tokens[: together.lengths[i]]:
            total += full_forward(small, text)[token]
            text.append(token)
        assert together.log_probs[i] == pytest.approx(total, abs=10 * TOLERANCE)
