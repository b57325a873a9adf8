"""The verifier: a small transformer that reads a solution and says, at the end of every step, how
likely it is to end right.

A process reward model (PRM; Lightman et al. 2023) is asked after every step, an outcome reward model
(ORM; Cobbe et al. 2021) was trained on whole solutions only. Both have the generator's architecture
with one number for its head, and read one thing more: how surprised the generator was by each of its
own tokens. It computed that anyway.

A *reader* is a verifier at work on one search. It keeps keys and values of what it has read, as the
decoding engine does, so that no position is read twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ttclib.cost import Cost
from ttclib.lm.engine import Rows
from ttclib.lm.flops import coefficients
from ttclib.lm.llama import Llama, Shape

LEAST = -8.0  # log probabilities below it count as this


class Net(nn.Module):
    """A Llama with a scalar head, and two more numbers for each token.

    Parameters
    ----------
    shape : Shape
    seed : int
        Of the initial weights.
    surprised : bool
        Whether it reads the generator's surprise; without it the net is a *plain head*.
    """

    def __init__(self, shape: Shape, seed: int = 0, surprised: bool = True):
        super().__init__()
        self.body, self.surprised = Llama(shape, seed), surprised
        self.surprise = nn.Linear(2, shape.width, bias=False)
        self.head = nn.Linear(shape.width, 1)
        nn.init.normal_(self.surprise.weight, 0.0, 0.5, generator=torch.Generator().manual_seed(seed))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens, surprise, positions, mask, cache=None):
        """Return logits (rows, length) of ending right, one at every token.

        Parameters
        ----------
        tokens, positions : int tensors, shape (rows, length)
        surprise : tensor, shape (rows, length, 2)
            Log probability of the token under the generator, at least −8, and the entropy (nats) of
            the law it was drawn from; zeros for the problem, which nobody generated.
        mask, cache
            As for :meth:`ttclib.lm.llama.Llama.stream`.
        """
        extra = self.surprise(surprise) if self.surprised else None
        return self.head(self.body.stream(tokens, positions, mask, cache, extra))[..., 0]


class Verifier:
    """A trained net and the vocabulary that it reads.

    Parameters
    ----------
    net : Net
    characters : sequence of str
        Text of each token; those of a model that it judges must be the same.
    """

    def __init__(self, net: Net, texts: Sequence[str | None]):
        self.net, self.texts, self.context = net.eval(), list(texts), net.body.shape.context
        width, vocabulary = net.body.shape.width, net.body.shape.vocabulary
        per_token, self._per_context = coefficients(net.body.shape.config())
        # a head of one number instead of one for each token, and two numbers more to read
        self._per_token = per_token - 2 * width * vocabulary + 2 * width + 4 * width * net.surprised

    def start(self, lm, prompts: Sequence[Sequence[int]], length: int) -> Reader:
        """Read the prompts of a search on ``lm``, whose texts have at most ``length`` tokens.

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
            raise ValueError(f"the verifier reads {self.context} tokens; these texts may have {length}")
        return Reader(self, prompts, length)

    def flops(self, positions: int, contexts: int) -> float:
        """FLOPs of reading ``positions`` tokens that look at ``contexts`` positions in all."""
        return float(self._per_token * positions + self._per_context * contexts)

    def save(self, folder: Path) -> None:
        """Write ``config.json`` and ``model.safetensors``."""
        from dataclasses import asdict

        from safetensors.torch import save_file

        folder = Path(folder)
        config = {"shape": asdict(self.net.body.shape), "surprised": self.net.surprised, "texts": self.texts}
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        save_file(self.net.state_dict(), folder / "model.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Verifier:
        """Read what :meth:`save` wrote."""
        from safetensors.torch import load_file

        folder = Path(folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        net = Net(Shape(**config["shape"]), surprised=config["surprised"])
        net.load_state_dict(load_file(folder / "model.safetensors"))
        return cls(net, config["texts"])


class Reader:
    """A verifier at work: it reads texts as they grow, each position once.

    What was read is found by the whole text, from the first token on.
    """

    def __init__(self, verifier: Verifier, prompts: Sequence[Sequence[int]], length: int):
        self.verifier, self.prompts = verifier, [np.asarray(prompt) for prompt in prompts]
        shape = verifier.net.body.shape
        # room for what pads a short step beside a long one
        self._cache = Rows(shape.config(), len(prompts), 2 * length, torch.float32, "cpu")
        self._rows: dict[tuple[int, bytes], int] = {}
        longest = max(map(len, self.prompts))
        tokens = np.zeros((len(prompts), longest), dtype=np.int64)
        for row, prompt in enumerate(self.prompts):
            tokens[row, : len(prompt)] = prompt
            self._rows[row, b""] = row
        counts = np.array([len(prompt) for prompt in prompts])
        self._forward(tokens, np.zeros((*tokens.shape, 2)), np.zeros_like(counts), counts)
        self._unpaid = self._cost(counts, np.zeros_like(counts))

    def read(self, texts, chosen: np.ndarray, keep: bool = False) -> tuple[np.ndarray, Cost]:
        """Score the chosen texts at their ends.

        Parameters
        ----------
        texts : ttclib.lm.decoding.Sequences
            Each has grown by what is after ``begun``; all before was read by an earlier call.
        chosen : numpy.ndarray of int, shape (m,)
            Texts that nobody chooses are forgotten.
        keep : bool
            Whether to remember the earlier texts instead of the new ones.

        Returns
        -------
        (scores, cost) : tuple of numpy.ndarray, shape (m,), and Cost
            Probabilities in (0, 1); equal texts are read once.
        """
        groups: dict[tuple[int, bytes], int] = {}
        which = np.array([groups.setdefault(self._key(texts, i, texts.lengths[i]), i) for i in chosen])
        new = np.array(list(groups.values()), dtype=int)
        if not len(new):
            return np.empty(0), Cost()
        old = np.array([self._rows[self._key(texts, i, texts.begun[i])] for i in new])
        known = list(self._rows.items()) if keep else []
        fed, kept = self._cache.arrange(old, np.array([row for _, row in known], dtype=int))
        start, counts = self._cache.lengths[: len(new)].copy(), np.empty(len(new), dtype=int)
        counts[fed] = texts.lengths[new] - texts.begun[new]
        tokens = np.zeros((len(new), counts.max()), dtype=np.int64)
        surprise = np.zeros((*tokens.shape, 2))
        for row, i in zip(fed, new, strict=True):
            grown = slice(texts.begun[i], texts.lengths[i])
            tokens[row, : counts[row]] = texts.tokens[i, grown]
            surprise[row, : counts[row]] = texts.surprise[i, grown]
        logits = self._forward(tokens, surprise, start, counts)
        if keep:
            self._rows = {key: row for (key, _), row in zip(known, kept, strict=True)}
        else:
            self._rows = dict(zip(groups, fed, strict=True))
        score = dict(zip(new, 1 / (1 + np.exp(-logits[fed])), strict=True))
        cost, self._unpaid = self._unpaid + self._cost(counts, start), Cost()
        return np.array([score[i] for i in which]), cost

    def _key(self, texts, i, length):
        return int(texts.prompt[i]), texts.tokens[i, :length].tobytes()

    def _cost(self, counts, start) -> Cost:
        contexts = counts * start + counts * (counts + 1) // 2
        positions = int(counts.sum())
        flops = self.verifier.flops(positions, int(contexts.sum()))
        return Cost(verifier_positions=positions, verifier_flops=flops)

    @torch.inference_mode()
    def _forward(self, tokens, surprise, start, counts) -> np.ndarray:
        """Read new tokens (m, k), of which ``counts`` count; return the logits (m,) after the last."""
        m, k = tokens.shape
        positions = start[:, None] + np.arange(k)
        self._cache.expect(start, k)
        seen = np.arange(start.max() + k) <= positions[:, :, None]
        surprise = np.column_stack([np.maximum(surprise[..., 0], LEAST).ravel(), surprise[..., 1].ravel()])
        logits = self.verifier.net(
            torch.from_numpy(tokens),
            torch.from_numpy(surprise.reshape(m, k, 2)).float(),
            torch.from_numpy(positions),
            torch.from_numpy(seen)[:, None],
            self._cache,
        )
        self._cache.lengths[:m] = start + counts
        return logits.double().numpy()[np.arange(m), counts - 1]


class Exact:
    """A verifier that is told what is right: a function of the problem and the text so far.

    Parameters
    ----------
    score : callable
        ``score(problem, text) → number`` from 0 to 1. It is no model, and costs nothing.
    """

    def __init__(self, score: Callable[[str, str], float]):
        self.score = score

    def start(self, lm, prompts, length):
        """Return a reader of the texts themselves."""
        return _Examiner(self.score, lm.vocabulary, [lm.vocabulary.decode(prompt) for prompt in prompts])


class _Examiner:
    def __init__(self, score, vocabulary, problems):
        self.score, self.vocabulary, self.problems = score, vocabulary, problems

    def read(self, texts, chosen, keep=False):
        decode = self.vocabulary.decode
        scores = [
            self.score(self.problems[texts.prompt[i]], decode(texts.tokens[i, : texts.lengths[i]]))
            for i in chosen
        ]
        return np.array(scores, dtype=float), Cost()
