"""Verifiers that read letters: a language model as judge, and a reward model from the hub.

Each has a tokenizer of its own. So it reads a text's letters, whole and with the problem, again at
every step: nothing is kept from the step before, and the cost says so. Equal texts are read once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit, logsumexp
from torch import nn

from ttclib.files import reading_of
from ttclib.inputs import whole_number
from ttclib.lm.pretrained import quiet
from ttclib.lm.protocols import LanguageModel, Task
from ttclib.lm.sequences import Sequences
from ttclib.lm.vocabulary import Vocabulary
from ttclib.search.protocols import Reading

QUESTION = "Is this solution right so far? Answer Yes or No."


class TextVerifier(ABC):
    """A verifier of problems and texts as they are written, many at once.

    Parameters
    ----------
    at_once : int
        Texts in a batch: more are faster and take more memory.
    """

    def __init__(self, at_once: int):
        self.at_once = whole_number("at_once", at_once)

    @abstractmethod
    def score(self, problems: Sequence[str], texts: Sequence[str]) -> Reading:
        """Read a few texts, each as a solution of its problem so far."""

    def start(
        self, lm: LanguageModel, task: Task, problems: Sequence[str], length: int
    ) -> TextReader:
        """Return a reader for a run on ``lm``, whatever tokens that writes."""
        return TextReader(self, lm.vocabulary, list(problems))


@dataclass(frozen=True)
class TextReader:
    """A verifier of letters at work: it remembers nothing."""

    verifier: TextVerifier
    vocabulary: Vocabulary
    problems: list[str]

    def read(self, texts: Sequences, chosen: np.ndarray, keep: bool = False) -> Reading:
        """Score the chosen texts: see :class:`ttclib.search.protocols.Reader`."""
        problems = [self.problems[texts.prompt[i]] for i in chosen]
        written = [self.vocabulary.decode(texts.tokens[i, : texts.lengths[i]]) for i in chosen]
        first: dict[tuple[str, str], int] = {}  # each different one, and who pays for it
        pairs = enumerate(zip(problems, written, strict=True))
        which = [first.setdefault(pair, i) for i, pair in pairs]
        scores = np.empty(len(chosen))
        paid = np.zeros((len(chosen), 2))
        size = self.verifier.at_once
        different = list(first.values())
        for batch in (different[i : i + size] for i in range(0, len(different), size)):
            scores[batch], paid[batch] = self.verifier.score(
                [problems[i] for i in batch], [written[i] for i in batch]
            )
        return Reading(scores[which], paid)


class Judge(TextVerifier):
    """A language model as judge: the probability of "Yes" after a question.

    The score is P(Yes) / (P(Yes) + P(No)) for the next token, whatever else the model might say.
    The generative verifier of Zhang et al. 2024 is such a judge, trained to answer. One that was
    not trained may say the same of right and wrong solutions: look before you trust it.

    Parameters
    ----------
    lm : LanguageModel
        Any: the one that writes, another, or one behind an endpoint.
    question : str
        It stands after the problem and the text so far.
    yes, no : str
        The two answers. Each must be a token of the model, with or without a space before it; the
        ways of writing one add up.
    ask : callable, optional
        ``ask(problem, text)`` returns the whole prompt, instead of ours: problem, text and question
        on a line each, in the model's chat template if it has one.
    at_once : int
        Texts in a batch.

    Raises
    ------
    ValueError
        If no token says ``yes`` or ``no``. In use, if an endpoint's likeliest tokens hold neither.
    """

    def __init__(
        self,
        lm: LanguageModel,
        question: str = QUESTION,
        *,
        yes: str = "Yes",
        no: str = "No",
        ask: Callable[[str, str], str] | None = None,
        at_once: int = 16,
    ):
        super().__init__(at_once)
        self.lm = lm
        self.question = question
        self.ask = ask or self.prompt
        self.yes, self.no = (self._saying(answer) for answer in (yes, no))

    def prompt(self, problem: str, text: str) -> str:
        """Ask about a text, as a chat if the model's tokenizer has a template for one."""
        request = f"{problem}\n{text}\n{self.question}"
        tokenizer = self.lm.vocabulary.tokenizer
        if not getattr(tokenizer, "chat_template", None):
            return request + "\n"
        said = [{"role": "user", "content": request}]
        return tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)

    def score(self, problems: Sequence[str], texts: Sequence[str]) -> Reading:
        """Ask about a few texts at once; each pays for all tokens of its prompt."""
        prompts = [self.ask(*pair) for pair in zip(problems, texts, strict=True)]
        tokens = [self.lm.vocabulary.encode(prompt) for prompt in prompts]
        positions = np.array([len(prompt) for prompt in tokens])
        session = self.lm.start(tokens, int(positions.max()))
        log_probs = session.log_probs[session.rows]
        with np.errstate(invalid="ignore"):
            for_yes, for_no = (logsumexp(log_probs[:, one], axis=1) for one in (self.yes, self.no))
            scores = expit(for_yes - for_no)
        if np.isnan(scores).any():
            raise ValueError("the judge's likeliest tokens hold neither answer; ask for more (top)")
        flops = np.broadcast_to(session.flops, len(tokens))
        return Reading(scores, np.column_stack([positions, flops]))

    def _saying(self, answer: str) -> np.ndarray:
        """The tokens that say an answer."""
        texts = self.lm.vocabulary.texts
        found = [token for token, text in enumerate(texts) if text and text.strip() == answer]
        if not found:
            raise ValueError(f"the judge has no token {answer!r}; name its answers: yes=…, no=…")
        return np.array(found)


class HubRewardModel(TextVerifier):
    """A reward model in the hub's format: a transformer with one number for its head.

    Such a model is trained on pairs of answers so that σ(r − r′) is the probability that the one
    with reward r is the better (Bradley and Terry 1952; Ouyang et al. 2022). The score is σ(r): the
    probability to beat an answer of reward 0. It is a weight from 0 to 1, in the order of the
    rewards. Where rewards lie far below 0 it is nearly e^r; far above, all weigh nearly 1. Pairs
    fix no zero, so it is yours to move: ``even``.

    Most were trained on whole answers. Asked in the middle of one, they judge it as if it ended
    there.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        For sequence classification, with one label.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its chat template writes the problem as the user's and the text as the assistant's; without
        one, the two are given as a pair of sentences.
    even : float
        The reward that scores one half.
    at_once : int
        Texts in a batch.

    Raises
    ------
    ValueError
        If the model has more than one number for a text.
    """

    def __init__(self, model: Any, tokenizer: Any, *, even: float = 0.0, at_once: int = 16):
        super().__init__(at_once)
        if model.config.num_labels != 1:
            raise ValueError(
                f"this model gives {model.config.num_labels} numbers for a text (num_labels); "
                "a reward model gives 1"
            )
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.even = even
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        model.config.pad_token_id = tokenizer.pad_token_id  # so it finds the last token of a row
        # as for any language model, 2 FLOPs for each weight of a matrix, and attention
        layers = [part for part in model.modules() if not isinstance(part, nn.Embedding)]
        weights = [weight for part in layers for weight in part.parameters(recurse=False)]
        self._per_token = 2 * sum(weight.numel() for weight in weights if weight.ndim > 1)
        shape = model.config
        head = getattr(shape, "head_dim", None) or shape.hidden_size // shape.num_attention_heads
        self._per_context = 4 * shape.num_hidden_layers * shape.num_attention_heads * head

    @classmethod
    def load(
        cls, source: Path | str, dtype="float32", *, local: bool = False, **options
    ) -> HubRewardModel:
        """Read a reward model and its tokenizer from a folder, or by its name on the hub.

        Parameters
        ----------
        source : path or str
            ``"Skywork/Skywork-Reward-Llama-3.1-8B-v0.2"``, say, or where it lies.
        dtype : torch.dtype or str
            Number type to compute in.
        local : bool
            Whether to look on this machine only.
        **options
            Of :class:`HubRewardModel`.

        Raises
        ------
        ValueError
            If it is no reward model, or a file is missing or damaged: one line.
        """
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        with quiet(), reading_of(f"the reward model {source}", "get its files again"):
            model, found = AutoModelForSequenceClassification.from_pretrained(
                source, dtype=dtype, local_files_only=local, output_loading_info=True
            )
            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
        if missing := min(found["missing_keys"], default=None):
            raise ValueError(
                f"{source} is no reward model: it has no {missing}; ask a language model with Judge"
            )
        return cls(model, tokenizer, **options)

    def score(self, problems: Sequence[str], texts: Sequence[str]) -> Reading:
        """Read a few texts at once; each pays for all its tokens, the problem's included."""
        inputs = self._tokens(problems, texts).to(self.model.device)
        with torch.inference_mode():
            rewards = self.model(**inputs).logits[:, 0].double().cpu().numpy()
        positions = inputs["attention_mask"].sum(1).cpu().numpy()
        contexts = positions * (positions + 1) / 2
        flops = self._per_token * positions + self._per_context * contexts
        return Reading(expit(rewards - self.even), np.column_stack([positions, flops]))

    def _tokens(self, problems: Sequence[str], texts: Sequence[str]) -> Any:
        """Write problems and texts as the model was trained to read them."""
        form = {"padding": True, "padding_side": "right", "return_tensors": "pt"}
        if not self.tokenizer.chat_template:
            return self.tokenizer(list(problems), list(texts), **form)
        chats = [
            [{"role": "user", "content": problem}, {"role": "assistant", "content": text}]
            for problem, text in zip(problems, texts, strict=True)
        ]
        written = self.tokenizer.apply_chat_template(chats, tokenize=False)
        return self.tokenizer(written, add_special_tokens=False, **form)
