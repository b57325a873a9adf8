"""A language model behind a serving engine: log probabilities over an OpenAI-compatible endpoint.

A large model runs on a machine of its own, in an engine made for serving. It is asked for one token
at a time (``max_tokens`` = 1), and for the log probabilities of the likeliest ones. The draw, the
potentials and the search stay here. What the engines' pages and code say (read in 2026):

- A prompt may be a list of token numbers, and a request may hold many prompts: vLLM
  (``completion/protocol.py``), SGLang (``serving_completions.py``), llama.cpp
  (``tools/server/README.md``, POST /completion).
- ``logprobs`` = k asks for the k likeliest. vLLM gives 20 at most, or what ``--max-logprobs`` says.
- They are the model's own, before temperature and penalties: vLLM by default (``--logprobs-mode``),
  llama.cpp unless it is asked for ``post_sampling_probs``.
- Tokens come as numbers from llama.cpp, and from vLLM where ``return_tokens_as_token_ids`` is set;
  else as texts, and a text that several tokens have says nothing.

Two servers will not do: that of ``llama-cpp-python`` takes one text a request and has no name for
the end, and ``transformers serve`` gives no log probabilities.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ttclib.inputs import short, whole_number
from ttclib.lm.vocabulary import Vocabulary

IMPOSSIBLE = -9999.0  # what OpenAI and vLLM write for −inf, which JSON does not have
PAUSE = 0.5  # seconds until a request is tried again; then twice as long


@dataclass
class Usage:
    """What an endpoint was asked so far, and what its answers left out.

    Attributes
    ----------
    requests, rows : int
        Requests answered, and the texts in them.
    sent : int
        Tokens of those texts: what a server without a prefix cache feeds.
    cached : int
        Those of them that the server says it had in its prefix cache; many do not say.
    lost, worst : float
        Mass of the tokens that were not returned: its mean over the rows, and its largest.
    """

    requests: int = 0
    rows: int = 0
    sent: int = 0
    cached: int = 0
    lost: float = 0.0
    worst: float = 0.0

    def add(self, prompts: Sequence[Sequence[int]], lost: np.ndarray, reported: dict) -> None:
        """Add a request and its answer's ``usage``."""
        self.requests += 1
        self.lost += (lost.sum() - len(lost) * self.lost) / (self.rows + len(lost))
        self.rows += len(lost)
        self.worst = max(self.worst, float(lost.max()))
        self.sent += sum(map(len, prompts))
        self.cached += (reported.get("prompt_tokens_details") or {}).get("cached_tokens") or 0


class Endpoint:
    """A model that is served elsewhere, as a :class:`ttclib.lm.protocols.LanguageModel`.

    It is the served model cut to its ``top`` likeliest tokens and renormalised, as a top-k sampler
    would: other tokens have log probability −inf. :attr:`usage` says how much mass that lost.

    Costs count as if the server kept what it has read: each token is fed once. Whether it does is
    the server's business (prefix caching); ``usage.sent`` is the other end.

    Parameters
    ----------
    url : str
        Where the API begins: ``http://localhost:8000/v1``.
    model : str
        The model's name there.
    vocabulary : Vocabulary
        Of its tokenizer: ``Vocabulary.of(AutoTokenizer.from_pretrained(…))``.
    context : int
        The most tokens of a prompt and its text together.
    top : int
        How many tokens to ask for. 20 is what a server gives that was not told otherwise.
    parameters : int
        Of the model, for the cost: a position counts 2 FLOPs for each, without attention. By
        default FLOPs count as 0, for they are not known.
    timeout : float
        Seconds to wait for an answer.
    tries : int
        How often a request is sent at most, if no answer comes or the server is busy.
    key : str
        For servers that want one.

    Raises
    ------
    ConnectionError
        In use, if no answer comes.
    ValueError
        In use, if the server refuses, or answers without log probabilities.
    """

    def __init__(
        self,
        url: str,
        model: str,
        vocabulary: Vocabulary,
        context: int,
        *,
        top: int = 20,
        parameters: int = 0,
        timeout: float = 60.0,
        tries: int = 3,
        key: str = "",
    ):
        self.url = url.rstrip("/") + "/completions"
        self.model = model
        self.vocabulary = vocabulary
        self.context = whole_number("context", context)
        self.top = min(whole_number("top", top), len(vocabulary))
        self.parameters = whole_number("parameters", parameters, 0)
        self.timeout = timeout
        self.tries = whole_number("tries", tries)
        self.usage = Usage()
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    def start(self, prompts: Sequence[Sequence[int]], length: int) -> Rows:
        """Send the prompts, for texts of at most ``length`` tokens with them.

        Raises
        ------
        ValueError
            If a prompt is empty, or ``length`` is beyond the context.
        """
        if not len(prompts) or not all(map(len, prompts)):
            raise ValueError("a prompt is empty; it must hold at least one token")
        whole_number("length", length, 1, self.context)
        return Rows(self, [[*map(int, prompt)] for prompt in prompts])

    def log_probs(self, prompts: list[list[int]]) -> np.ndarray:
        """Ask for the log probabilities of the token after each prompt: shape (prompts, V)."""
        asked = {"model": self.model, "prompt": prompts, "logprobs": self.top}
        # at temperature 0 the token that is drawn is among the likeliest, and none comes on top
        asked |= {"max_tokens": 1, "temperature": 0, "return_tokens_as_token_ids": True}
        answer = self._post(asked)
        choices = sorted(answer.get("choices", ()), key=lambda choice: choice.get("index", 0))
        if len(choices) != len(prompts):
            raise ValueError(f"{self.url} gave {len(choices)} answers to {len(prompts)} prompts")
        found = np.full((len(prompts), len(self.vocabulary)), -np.inf)
        for row, choice in zip(found, choices, strict=True):
            for token, log_prob in self._pairs(choice):
                if log_prob > IMPOSSIBLE:
                    row[token] = log_prob
        kept = np.exp(found).sum(axis=1)
        if not kept.all():
            raise ValueError(f"{self.url} names no token of this vocabulary; is it the model's?")
        self.usage.add(prompts, np.maximum(0.0, 1.0 - kept), answer.get("usage") or {})
        return found - np.log(kept)[:, None]

    def _pairs(self, choice: dict) -> Iterator[tuple[int, float]]:
        """Yield tokens and their log probabilities, from any of the three ways of writing them."""
        said = choice.get("logprobs") or {}
        if said.get("content"):  # llama.cpp
            pairs = [(top["id"], top["logprob"]) for top in said["content"][0]["top_logprobs"]]
        elif said.get("top_logprobs"):
            pairs = [(self._number(name), log) for name, log in said["top_logprobs"][0].items()]
        else:
            raise ValueError(
                f"{self.url} gives no log probabilities of {self.model!r}; "
                "search needs a server that answers logprobs"
            )
        most = len(self.vocabulary) - 1
        for token, log_prob in pairs:
            if token is not None:
                yield whole_number("a token of the server", token, 0, most), log_prob

    def _number(self, name: str) -> int | None:
        """The token of a name, None if it is nobody's or several tokens'."""
        number = name.removeprefix("token_id:")
        return self._token.get(name) if number == name else int(number)

    @cached_property
    def _token(self) -> dict[str, int]:
        """The tokens that a text names: those that say what no other says."""
        said = spoken(self.vocabulary)
        times = Counter(said)
        return {text: token for token, text in enumerate(said) if text and times[text] == 1}

    def _post(self, asked: dict) -> dict:
        """Send a request, again if need be, and return the answer; what goes wrong is one line."""
        request = urllib.request.Request(self.url, json.dumps(asked).encode(), self._headers)
        for attempt in range(self.tries):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                why = f"it says {error.code}, {_message(error)}"
                if error.code == 404:
                    raise ValueError(f"{self.url} has no model {self.model!r}: {why}") from None
                if error.code < 500 and error.code != 429:
                    raise ValueError(f"{self.url} refuses: {why}") from None
            except TimeoutError:
                why = f"nothing within {self.timeout:g} s"
            except OSError as error:  # no server, or one that hangs up
                why = f"{getattr(error, 'reason', error)}; is the server running?"
            except ValueError:
                raise ValueError(f"{self.url} answers, but not in JSON") from None
        raise ConnectionError(f"no answer from {self.url} in {self.tries} tries: {why}")


def spoken(vocabulary: Vocabulary) -> list[str]:
    """Write each token as servers do that give no numbers: the end has a name, others have none."""
    said = [text or "" for text in vocabulary.texts]
    if vocabulary.tokenizer:
        said[vocabulary.end] = vocabulary.tokenizer.eos_token
    return said


def _message(error: urllib.error.HTTPError) -> str:
    """Find what a server says of an error, in the ways that they say it."""
    try:
        said = json.load(error)
        said = said.get("error", said)
        return short(said if isinstance(said, str) else said.get("message", said))
    except (OSError, ValueError, AttributeError):
        return error.reason


class Rows:
    """Texts under way on an endpoint, as a :class:`ttclib.lm.protocols.Session`.

    A row is its text, which is sent whole: what was read before is in the server's cache, or not.
    """

    def __init__(self, lm: Endpoint, texts: list[list[int]]):
        self.lm = lm
        self.rows = np.arange(len(texts))
        self._ask(texts, np.array([len(text) for text in texts]))
        self.texts = texts

    def feed(
        self, rows: np.ndarray, tokens: np.ndarray, keep: Sequence[int] | np.ndarray = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Extend copies of rows by one token each: all of them in one request."""
        texts = [[*self.texts[row], int(token)] for row, token in zip(rows, tokens, strict=True)]
        self._ask(texts, np.ones(len(texts), dtype=int))
        self.texts = texts + [self.texts[row] for row in keep]
        return np.arange(len(texts)), np.arange(len(texts), len(self.texts))

    def _ask(self, texts: list[list[int]], fed: np.ndarray) -> None:
        self.log_probs = self.lm.log_probs(texts)
        self.positions = int(fed.sum())
        self.flops = 2.0 * self.lm.parameters * fed
