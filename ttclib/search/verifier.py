"""The verifier: a small transformer that reads a solution and says, at the end of every step, how
likely it is to end right.

A process reward model (PRM; Lightman et al. 2023) is asked after every step, an outcome reward
model (ORM; Cobbe et al. 2021) was trained on whole solutions only. Both have the generator's
architecture with one number for its head, and read one thing more: the log probability of each
token under the generator, and the entropy there (``per_token``). It computed them anyway. The
surprise at a token is −log p, so surprises above 8 nats count as 8.

A *reader* is a verifier at work on one search. Ours keeps keys and values of what it has read, as
the decoding engine does: when texts have grown by a step, it reads their steps, and what they have
in common once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from ttclib.files import reading_of
from ttclib.inputs import one_of
from ttclib.lm.engine import Rows
from ttclib.lm.llama import Llama, Shape
from ttclib.lm.protocols import LanguageModel, Task
from ttclib.lm.sequences import NONE, Sequences
from ttclib.search.protocols import Reading

LEAST = -8.0  # log probabilities below it count as this: the most surprise, with its sign changed


class Net(nn.Module):
    """A language model that is surprised, and a head that judges.

    The body *predicts* each next token, as the generator does. The head is told how probable the
    token that came was, to the generator and by those predictions, then and in the text so far
    (:func:`so_far`), and gives one number. So arithmetic is learned from texts, where it is easy to
    learn, and the labels of steps need to teach only what surprise means. (Cobbe et al. 2021, §4.2,
    train their verifier on both objectives too.)

    Parameters
    ----------
    shape : Shape
        Of the body.
    hears : sequence of str
        Whose surprise it is told: ``"writer"`` is the generator, ``"body"`` its own body. Nobody's:
        the *plain head* of most verifiers.
    sums : bool
        Whether it is told of the text so far, not only of the token that came.
    judge : int
        Hidden width of one more block before the head, which can look back. 0: there is none.
    seed : int
        Of the initial weights.

    Raises
    ------
    ValueError
        If it is to hear somebody else.
    """

    def __init__(
        self,
        shape: Shape,
        hears: Sequence[str] = ("writer", "body"),
        sums: bool = True,
        judge: int = 0,
        seed: int = 0,
    ):
        super().__init__()
        self.hears = tuple(one_of("hears", who, ("writer", "body")) for who in hears)
        self.sums = sums
        self.hidden = judge
        self.body = Llama(shape, seed)
        self.head = nn.Linear(shape.width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        if judge:
            # a body of one block, of which block and norm are used
            self.judge = Llama(replace(shape, layers=1, hidden=judge), seed)
            del self.judge.embed
        if self.hears:
            numbers = len(self.hears) * (4 if sums else 2)
            self.channels = nn.Linear(numbers, shape.width, bias=False)
            generator = torch.Generator().manual_seed(seed)
            nn.init.normal_(self.channels.weight, 0.0, 0.5 if judge else 0.1, generator=generator)

    def forward(
        self, tokens, per_token, written, positions, mask, cache=None, before=None, trie=None
    ):
        """Judge texts at every token.

        Parameters
        ----------
        tokens, positions : int tensors, shape (rows, length)
        per_token : tensor, shape (rows, length, 2)
            Log probability of the token under the generator, and the entropy (nats) of the
            distribution it was drawn from. Log probabilities below −8 count as −8.
        written : bool tensor, shape (rows, length)
            Whether the generator wrote the token. A problem, which it did not, surprises nobody.
        mask, cache
            As for :meth:`ttclib.lm.llama.Llama.stream`.
        before : tensor, shape (rows, left), optional
            What is left of reading the tokens before the first of these, if there are any:
            ``after`` at the last of them.
        trie : Trie, optional
            What the rows have in common, to be multiplied with the weights once.

        Returns
        -------
        (logits, after) : tuple of tensors
            Of ending right (rows, length), and (rows, length, left): the log distribution of each
            next token if its surprise is heard, then the text so far.
        """
        body = self.body
        fold, spread = (_as_it_is, _as_it_is) if trie is None else (trie.fold, trie.spread)
        x = body.through(body.embed(fold(tokens)), positions, mask, cache, trie=trie)
        log_p = x[..., :0]
        if "body" in self.hears:
            log_p = torch.log_softmax(F.linear(body.norm(x), body.embed.weight), -1)
        log_p = spread(log_p)
        norm, after = body.norm, log_p
        if self.hears:
            first, sums = (
                (None, None) if before is None else before.tensor_split([log_p.shape[-1]], -1)
            )
            told = {"writer": per_token}
            if "body" in self.hears:
                told["body"] = _of_each(log_p, tokens, first)
            heard = torch.stack([told[who] for who in self.hears], dim=-1)
            heard = (heard * written[..., None, None]).clamp(min=LEAST)  # entropies are positive
            sums = so_far(heard, positions, sums)
            parts = [heard.flatten(2), sums] if self.sums else [heard.flatten(2)]
            x = x + self.channels(fold(torch.cat(parts, dim=-1)))
            after = torch.cat([log_p, sums], dim=-1)
        if self.hidden:
            if cache is not None:
                cache = _Behind(cache, len(body.blocks))
            x = self.judge.through(x, positions, mask, cache, trie=trie)
            norm = self.judge.norm
        return spread(self.head(norm(x)))[..., 0], after


def _as_it_is(x):
    return x


@dataclass(frozen=True)
class Trie:
    """Rows of texts as paths through a trie, each node of which is computed once.

    A node is a beginning: a token and all those before it. Linear maps work on nodes, where nothing
    is twice and nothing is padding; attention works on rows, as each text has a past of its own.

    Attributes
    ----------
    path : int tensor, shape (rows, length)
        The node of each token; any node where a row has ended.
    first : int tensor, shape (nodes,)
        The first token of each node: row · length + place.
    """

    path: torch.Tensor
    first: torch.Tensor

    @classmethod
    def of(cls, past: np.ndarray, tokens: np.ndarray, counts: np.ndarray) -> Trie:
        """Find what texts (rows, length) have in common, given which ``past`` (rows,) each has."""
        if len(tokens) == 1:  # the usual case of a slider at its left end
            alone = torch.arange(tokens.shape[1])
            return cls(alone[None], alone)
        there = np.arange(tokens.shape[1]) < counts[:, None]
        texts = np.column_stack([past, np.where(there, tokens, NONE)])
        order = np.lexsort(texts.T[::-1])
        # in alphabetical order those that begin alike stand together: where one differs from the
        # one above, a node begins, and so do nodes behind it
        new = np.ones(texts.shape, dtype=bool)
        new[1:] = np.diff(texts[order], axis=0) != 0
        new = np.logical_or.accumulate(new, axis=1)
        number = np.empty(texts.shape, dtype=int)
        number[order] = np.maximum.accumulate(new * new.cumsum().reshape(new.shape), axis=0)
        path = np.zeros(tokens.shape, dtype=int)
        _, first, path[there] = np.unique(
            number[:, 1:][there], return_index=True, return_inverse=True
        )
        return cls(torch.from_numpy(path), torch.from_numpy(np.flatnonzero(there)[first]))

    def moved(self, to: np.ndarray) -> Trie:
        """Return the trie of the same texts where text j is in row ``to[j]``."""
        length = self.path.shape[1]
        row, place = np.divmod(self.first.numpy(), length)
        return Trie(self.path[np.argsort(to)], torch.from_numpy(to[row] * length + place))

    def fold(self, x: torch.Tensor) -> torch.Tensor:
        """Take what is at each token (rows, length, …) to the nodes: (1, nodes, …)."""
        return x.flatten(0, 1)[self.first][None]

    def spread(self, x: torch.Tensor) -> torch.Tensor:
        """Take what is at each node (1, nodes, …) to its tokens: (rows, length, …)."""
        return x[0][self.path]


class _Behind:
    """The layers of a cache behind the first few."""

    def __init__(self, cache, first):
        self.cache = cache
        self.first = first

    def update(self, keys, values, layer):
        return self.cache.update(keys, values, self.first + layer)


def _of_each(log_p, tokens, first):
    """Log probability and entropy of each token under the distribution before it."""
    first = torch.zeros_like(log_p[:, :1]) if first is None else first[:, None]
    before = torch.cat([first, log_p[:, :-1]], dim=1)
    entropy = -(before.exp() * before).sum(-1)
    found = before.gather(-1, tokens[..., None])[..., 0]
    return torch.stack([found, entropy], dim=-1)


def so_far(per_token: torch.Tensor, positions: torch.Tensor, before: torch.Tensor | None = None):
    """Sum up each text, from its first token to every one: how likely it is, and its worst slip.

    Attention takes means, so that a block would have to learn sums and minima from examples.

    Parameters
    ----------
    per_token : tensor, shape (rows, length, 2, readers)
        Log probability and entropy of each token, for each of some readers.
    positions : int tensor, shape (rows, length)
        A text begins at 0; a row may hold several.
    before : tensor, shape (rows, 2 · readers), optional
        Of the tokens before the first of these.

    Returns
    -------
    tensor, shape (rows, length, 2 · readers)
        For each reader the sum of log probabilities, in units of 4 nats; then the least log
        probability + entropy, which is zero on average and far below zero where a token was a slip.
    """
    log_p = per_token[:, :, 0] / 4
    excess = per_token.sum(2)
    begin = (torch.arange(positions.shape[1]) - positions).clamp(min=0)[..., None].expand_as(log_p)
    total = log_p.cumsum(1)
    total = total - (total - log_p).gather(1, begin)
    apart = 16.0 * (positions == 0).cumsum(1)[..., None]  # a new text is far below those beside it
    worst = (excess - apart).cummin(1).values + apart
    if before is not None:
        likely, slip = before[:, None].chunk(2, dim=-1)
        total = total + likely
        worst = torch.minimum(worst, slip)
    return torch.cat([total, worst], dim=-1)


class RewardModel:
    """A trained net and the vocabulary that it reads.

    Parameters
    ----------
    net : Net
    texts : sequence of (str or None)
        What each token says; those of a model that it judges must say the same.
    """

    def __init__(self, net: Net, texts: Sequence[str | None]):
        self.net = net.eval()
        self.texts = list(texts)
        shape = net.body.shape
        self.context = shape.context
        per_token, per_context = shape.flops
        if "body" not in net.hears:
            per_token -= 2 * shape.width * shape.vocabulary  # it predicts no token
        if net.hears:
            per_token += 2 * net.channels.weight.numel()
        if net.hidden:
            per_token += 8 * shape.width**2 + 6 * shape.width * net.hidden
            per_context += 4 * shape.width
        self._per_token = per_token + 2 * shape.width
        self._per_context = per_context

    def start(
        self, lm: LanguageModel, task: Task, problems: Sequence[str], length: int
    ) -> CachedReader:
        """Read the problems of a search on ``lm``, whose texts have at most ``length`` tokens.

        Raises
        ------
        ValueError
            If the verifier was made for another tokenizer, or for shorter texts.
        """
        if list(lm.vocabulary.texts) != self.texts:
            raise ValueError(
                f"the verifier reads {len(self.texts)} tokens of another tokenizer; "
                f"the model's has {len(lm.vocabulary)}, and both must be the same"
            )
        if length > self.context:
            raise ValueError(
                f"the verifier reads {self.context} tokens; these texts may have {length}"
            )
        prompts = [lm.vocabulary.encode(task.prompt(problem)) for problem in problems]
        return CachedReader(self, prompts, length)

    def flops(self, positions, contexts):
        """FLOPs of reading ``positions`` tokens that look at ``contexts`` positions in all: numbers
        or arrays.
        """
        return self._per_token * positions + self._per_context * contexts

    def save(self, folder: Path) -> None:
        """Write ``config.json`` and ``model.safetensors``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        shape = asdict(self.net.body.shape)
        net = {"hears": self.net.hears, "sums": self.net.sums, "judge": self.net.hidden}
        config = {"shape": shape, **net, "texts": self.texts}
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        save_file(self.net.state_dict(), folder / "model.safetensors")

    @classmethod
    def load(cls, folder: Path) -> RewardModel:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ValueError
            If a file is missing or damaged, or the two do not belong together: one line.
        """
        folder = Path(folder)
        with reading_of(
            f"the verifier {folder}", "get its config.json and model.safetensors again"
        ):
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            texts = config.pop("texts")
            net = Net(**config | {"shape": Shape(**config["shape"])})
            net.load_state_dict(load_file(folder / "model.safetensors"))
            return cls(net, texts)


class CachedReader:
    """A verifier at work: it reads texts as they grow, each different beginning once.

    What was read is found by the whole text, from the first token on.
    """

    def __init__(self, verifier: RewardModel, prompts: Sequence[Sequence[int]], length: int):
        self.verifier = verifier
        layers, heads, width = verifier.net.body.shape.kept
        kept = layers + bool(verifier.net.hidden), heads, width  # the judge's block is one more
        # room for what pads a short step beside a long one
        self._cache = Rows(kept, len(prompts), 2 * length, torch.float32, "cpu")
        self._rows: dict[tuple[int, bytes], int] = {}
        self._left: torch.Tensor  # what is left of reading each row: see Net.forward
        counts = np.array([len(prompt) for prompt in prompts])
        tokens = np.zeros((len(prompts), counts.max()), dtype=np.int64)
        for row, prompt in enumerate(prompts):
            tokens[row, : len(prompt)] = prompt
            self._rows[row, b""] = row
        start = np.zeros_like(counts)
        trie = Trie.of(np.arange(len(prompts)), tokens, counts)
        self._forward(tokens, None, start, counts, trie)
        self._unpaid = dict(enumerate(self._paid(trie, start)))

    def read(self, texts: Sequences, chosen: np.ndarray, keep: bool = False) -> Reading:
        """Score the chosen texts: see :class:`ttclib.search.protocols.Reader`.

        What texts have in common is read once. Texts that nobody chooses are forgotten, unless
        they wait; the bare problems never are. ``keep``: remember the earlier texts instead of the
        new ones.
        """
        groups: dict[tuple[int, bytes], int] = {}  # each different text, and the first that is it
        which = [groups.setdefault(self._key(texts, i, texts.lengths[i]), i) for i in chosen]
        new = np.array(list(groups.values()), dtype=int)
        if not len(new):
            return Reading(np.empty(0), np.zeros((0, 2)))
        old = np.array([self._rows[self._key(texts, i, texts.begun[i])] for i in new])
        waits = np.flatnonzero(~texts.finished & (texts.lengths == texts.begun))
        stay = {self._key(texts, i, texts.lengths[i]) for i in waits}
        known = {key: row for key, row in self._rows.items() if keep or not key[1] or key in stay}
        others = np.array(list(known.values()), dtype=int)
        counts = texts.lengths[new] - texts.begun[new]
        tokens = np.zeros((len(new), counts.max()), dtype=np.int64)
        per_token = np.zeros((*tokens.shape, 2))
        for j, i in enumerate(new):
            grown = slice(texts.begun[i], texts.lengths[i])
            tokens[j, : counts[j]] = texts.tokens[i, grown]
            per_token[j, : counts[j]] = texts.per_token[i, grown]
        trie = Trie.of(old, tokens, counts)
        price = dict(zip(new, self._paid(trie, self._cache.lengths[old]), strict=True))
        # The cache feeds its first rows, all at once. So rows that grow are copied to the front,
        # one for each new text even where several grew from the same beginning, and what is kept
        # stands behind them. To move little, a row that can stay does: new text j is in row fed[j].
        # What is left of reading moves along.
        fed, kept = self._cache.arrange(old, others)
        left = self._left[np.concatenate([old, others])]
        left[np.concatenate([fed, kept])] = left.clone()
        rows = np.argsort(fed)  # the new text of each row
        logits = self._forward(
            tokens[rows],
            per_token[rows],
            self._cache.lengths[: len(new)].copy(),
            counts[rows],
            trie.moved(fed),
            left[: len(new)],
        )
        self._left = torch.cat([self._left, left[len(new) :]])
        self._rows = dict(zip(known, kept, strict=True))
        if not keep:
            self._rows |= zip(groups, fed, strict=True)
        score = dict(zip(new, 1 / (1 + np.exp(-logits[fed])), strict=True))
        nothing = np.zeros(2)
        paid = [
            price.pop(i, nothing) + self._unpaid.pop(int(texts.prompt[i]), nothing) for i in which
        ]
        return Reading(np.array([score[i] for i in which]), np.array(paid))

    def _key(self, texts, i, length):
        return int(texts.prompt[i]), texts.tokens[i, :length].tobytes()

    def _paid(self, trie, start) -> np.ndarray:
        """Positions and FLOPs of reading texts behind ``start`` (m,) others: (m, 2)."""
        row, place = np.divmod(trie.first.numpy(), trie.path.shape[1])
        positions = np.bincount(row, minlength=len(start))
        contexts = np.bincount(row, start[row] + place + 1, len(start))
        return np.column_stack([positions, self.verifier.flops(positions, contexts)])

    @torch.inference_mode()
    def _forward(self, tokens, per_token, start, counts, trie, before=None) -> np.ndarray:
        """Read new tokens (m, k), of which ``counts`` count; return the logits (m,) after the last.

        Without notes they are a problem, which nobody wrote.
        """
        m, k = tokens.shape
        positions = start[:, None] + np.arange(k)
        self._cache.expect(start, k)
        seen = np.arange(start.max() + k) <= positions[:, :, None]
        written = torch.full((m, k), per_token is not None)
        per_token = np.zeros((m, k, 2)) if per_token is None else per_token
        logits, after = self.verifier.net(
            torch.from_numpy(tokens),
            torch.from_numpy(per_token).float(),
            written,
            torch.from_numpy(positions),
            # every layer would turn yes and no into numbers to add
            torch.where(torch.from_numpy(seen), 0.0, -torch.inf)[:, None],
            self._cache,
            before,
            trie if len(trie.first) < m * k else None,  # one text has all for itself
        )
        self._cache.lengths[:m] = start + counts
        last = torch.arange(m), torch.from_numpy(counts - 1)
        self._left = after[last]
        return logits[last].double().numpy()
