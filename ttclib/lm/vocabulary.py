"""Vocabulary: what each token of a language model says.

A language model knows numbers; a constraint is about letters. This module stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ttclib.inputs import checked, short, whole_number

_BROKEN = "\ufffd"  # what a decoder writes for bytes that are no whole character


class Spelling(NamedTuple):
    """The letters of all tokens that have a text, position by position.

    Attributes
    ----------
    letters : tuple of str
        The different characters, sorted.
    order : numpy.ndarray
        The tokens that have a text, longest first.
    columns : list of numpy.ndarray
        ``columns[i][j]`` is the index in ``letters`` of character i of token ``order[j]``; each
        column ends where the tokens are too short.
    """

    letters: tuple[str, ...]
    order: np.ndarray
    columns: list[np.ndarray]


@checked
@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a language model.

    Parameters
    ----------
    texts : sequence of (str or None)
        What each token adds to a text. None if that is no text of its own: a special token, or
        some bytes of a character that needs several tokens.
    end : int
        The token that ends a text; it has no text itself.
    tokenizer : optional
        A tokenizer of ``transformers`` that cuts and joins texts. Without one, a text is cut from
        left to right, always taking the longest token that fits.

    Raises
    ------
    ValueError
        If ``end`` is not a token, or has a text.
    """

    texts: Sequence[str | None]
    end: int
    tokenizer: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "texts", tuple(self.texts))
        object.__setattr__(self, "end", whole_number("end", self.end, 0))
        if self.end >= len(self) or self.texts[self.end] is not None:
            raise ValueError(
                f"end is {self.end}; it must be a token below {len(self)} without a text"
            )

    @classmethod
    def of(cls, tokenizer: Any, size: int = 0) -> Vocabulary:
        """Read the vocabulary of a ``transformers`` tokenizer.

        Parameters
        ----------
        size : int
            Number of tokens of the model, where it has more than its tokenizer.

        Raises
        ------
        ValueError
            If the tokenizer names no end token.
        """
        end = tokenizer.eos_token_id
        if end is None:
            raise ValueError("the tokenizer names no end token; set its eos_token to one")
        # Alone, a token may lose its leading space, so each is read behind another one.
        before = tokenizer.encode("0", add_special_tokens=False)[-1:]
        pairs = [[*before, token] for token in range(len(tokenizer))]
        *texts, alone = tokenizer.batch_decode([*pairs, before], clean_up_tokenization_spaces=False)
        silent = _special(tokenizer) | {end}
        texts = [
            None if token in silent or _BROKEN in text else text[len(alone) :] or None
            for token, text in enumerate(texts)
        ]
        return cls(texts + [None] * (size - len(texts)), end, tokenizer)

    @classmethod
    def characters(cls) -> Vocabulary:
        """Return the vocabulary of the lab models: one character, one token."""
        from ttclib.lm.arithmetic import END
        from ttclib.lm.tokenizer import PAD, VOCABULARY

        return cls([None if text in (PAD, END) else text for text in VOCABULARY], VOCABULARY[END])

    @classmethod
    @checked
    def words(cls, words: Iterable[str]) -> Vocabulary:
        """Return a vocabulary of whole words and, last, the end.

        As in the vocabularies of large models, a word brings the space before it.
        """
        words = [" " + word for word in words]
        return cls([*words, None], len(words))

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens, end={self.end})"

    @checked
    def encode(self, text: str) -> list[int]:
        """Cut a text into tokens.

        Raises
        ------
        ValueError
            If the text is empty, or holds a character that the vocabulary cannot write.
        """
        if not text:
            raise ValueError("the text is empty; it must hold at least one character")
        if self.tokenizer is None:
            return self._cut(text)
        tokens = self._tokenize(text)
        if not self._writes(tokens, text):
            wrong = [c for c in text if not self._writes(self._tokenize(c), c)]
            raise self._unknown(wrong[0] if wrong else text)
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """Join tokens into a text, up to the end token if there is one.

        Where the last tokens say half a character, the text ends before it.

        Raises
        ------
        ValueError
            If they are no tokens of this vocabulary.
        """
        try:
            known = [*(tokens.tolist() if hasattr(tokens, "tolist") else tokens)]
        except TypeError:
            raise ValueError(f"tokens is {short(tokens)}; it must be a list of numbers") from None
        last = len(self) - 1
        if known and ({*map(type, known)} != {int} or min(known) < 0 or max(known) > last):
            known = [whole_number("one of tokens", token, 0, last) for token in known]
        if self.end in known:
            known = known[: known.index(self.end)]
        if self.tokenizer is None:
            return "".join(self.texts[token] or "" for token in known)
        text = self.tokenizer.decode(known, clean_up_tokenization_spaces=False)
        if text.endswith(_BROKEN):
            tail = "".join(self.in_bytes.texts[token] or "" for token in known[-3:])
            return text if tail.endswith(in_bytes(_BROKEN)) else text.rstrip(_BROKEN)
        return text

    @checked
    def containing(self, letters: str) -> np.ndarray:
        """Return which tokens contain one of the letters: bool, shape (V,)."""
        return np.array(
            [text is not None and not set(letters).isdisjoint(text) for text in self.texts]
        )

    @cached_property
    def spelling(self) -> Spelling:
        """The letters of all tokens, as arrays."""
        lengths = np.array([len(text or "") for text in self.texts])
        order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
        joined = "".join(text or "" for text in self.texts)
        codes, letters = np.unique(
            np.array([ord(c) for c in joined], dtype=int), return_inverse=True
        )
        start = (lengths.cumsum() - lengths)[order]
        columns = [
            letters[start[: np.count_nonzero(lengths > i)] + i]
            for i in range(lengths.max(initial=0))
        ]
        return Spelling(tuple(map(chr, codes)), order, columns)

    @cached_property
    def in_bytes(self) -> Vocabulary:
        """The same tokens, with a letter for each byte of UTF-8: see :func:`in_bytes`.

        So tokens that say half a character have a text too, if the tokenizer tells their bytes.
        """
        texts = [text and in_bytes(text) for text in self.texts]
        if self.tokenizer is not None:
            special = _special(self.tokenizer) | {self.end}
            pieces = self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
            for token, piece in enumerate(pieces):
                if texts[token] is None and token not in special:
                    texts[token] = _bytes_of(piece)
        return Vocabulary(texts, self.end)

    def _cut(self, text: str) -> list[int]:
        """Take the longest token that fits, again and again."""
        if rest := self._pieces.sub("", text):
            raise self._unknown(rest[0])
        return [self._token[piece] for piece in self._pieces.findall(text)]

    def _tokenize(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def _writes(self, tokens: list[int], text: str) -> bool:
        """Whether no special token stands in for a character that the tokenizer does not know."""
        special = _special(self.tokenizer).intersection(tokens)
        return all(name in text for name in self.tokenizer.convert_ids_to_tokens(list(special)))

    def _unknown(self, text: str) -> ValueError:
        known = "".join(t for t in self.texts if t)
        return ValueError(
            f"{short(text)} is not in the vocabulary" + (f" ({known})" if len(known) < 80 else "")
        )

    @cached_property
    def _token(self) -> dict[str, int]:
        return {text: token for token, text in enumerate(self.texts) if text}

    @cached_property
    def _pieces(self) -> re.Pattern:
        longest_first = sorted(self._token, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def integer_type(largest: int) -> np.dtype:
    """Return the smallest type of 16 bits or more that holds ``largest`` and −1 − ``largest``."""
    return np.promote_types(np.int16, np.min_scalar_type(-1 - largest))


def in_bytes(text: str) -> str:
    """Return a text whose letters are the bytes of this one in UTF-8."""
    return text.encode(errors="surrogatepass").decode("latin-1")


def _bytes_of(piece: str) -> str | None:
    """Read the bytes of a token, a letter each, in either of the two ways that they are written."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    if found := re.fullmatch("<0x([0-9A-F]{2})>", piece):
        return chr(int(found[1], 16))
    byte_of = {letter: chr(byte) for byte, letter in bytes_to_unicode().items()}
    return "".join(map(byte_of.__getitem__, piece)) if byte_of.keys() >= {*piece} else None


def _special(tokenizer: Any) -> set[int]:
    """Tokens that steer the model and are no text."""
    added = {token for token, entry in tokenizer.added_tokens_decoder.items() if entry.special}
    return added | set(tokenizer.all_special_ids)
