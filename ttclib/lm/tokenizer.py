"""The lab tokenizer: one character, one token; a real tokenizer that ``AutoTokenizer`` loads."""

from __future__ import annotations

from ttclib.inputs import checked
from ttclib.lm.arithmetic import ALPHABET, END

PAD = "<pad>"
VOCABULARY = {token: i for i, token in enumerate([PAD, END, *ALPHABET])}


@checked
def encode(text: str) -> list[int]:
    """Return token ids.

    Raises
    ------
    ValueError
        If a character is not in the vocabulary.
    """
    for character in text:
        if character not in VOCABULARY:
            raise ValueError(
                f"{character!r} is not in the vocabulary; it holds {ALPHABET} and the newline"
            )
    return [VOCABULARY[character] for character in text]


def build():
    """Return the tokenizer as a ``transformers.PreTrainedTokenizerFast``."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, clean_up_tokenization_spaces=False
    )
