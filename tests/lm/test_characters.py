"""A character may be several tokens: it counts when the last one is there, and is never half."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_lm import TinyLM

from ttclib.lm.decoding import Decoder, sample
from ttclib.lm.vocabulary import Vocabulary

pytest.importorskip("tokenizers")

from tiny_transformers import byte_tokenizer, fallback_tokenizer

CORPUS = ["don't stop, won't stop", "a naïve café · 你好 🙂🙃", "x = 1\n\n\ty"]
VOCABULARIES = {
    "bytes": Vocabulary.of(byte_tokenizer(CORPUS)),
    "letters, else bytes": Vocabulary.of(fallback_tokenizer(CORPUS)),
}
LETTERS = "abst ,'·ïé你好吗🙂🙃😀👩\u200d🚀\u0301ß→\ufffd"
EVERY = pytest.mark.parametrize("kind", VOCABULARIES)


def writer(vocabulary, tokens):
    """A model that writes these tokens whatever it is asked, and then its end."""
    lm = TinyLM(0)
    lm.vocabulary, script = vocabulary, [*tokens, vocabulary.end]
    lm.distribution = lambda prefix: np.eye(len(vocabulary))[script[len(prefix) - 1]]
    return lm


def written(lm, stop):
    """What it writes after a prompt of one token."""
    last = sample(lm, "a", 1, np.random.default_rng(0), stop=stop)
    return last.particles.tokens[0, : last.particles.lengths[0]].tolist()


@EVERY
def test_some_characters_are_several_tokens(kind):
    vocabulary = VOCABULARIES[kind]
    for letter in "😀👩":
        tokens = vocabulary.encode(letter)
        assert len(tokens) > 1 and all(vocabulary.texts[token] is None for token in tokens)


@EVERY
@given(st.text(LETTERS, min_size=1, max_size=12))
def test_tokens_are_bytes_of_their_text(kind, text):
    vocabulary = VOCABULARIES[kind]
    spelt = "".join(vocabulary.in_bytes.texts[token] for token in vocabulary.encode(text))
    assert spelt.encode("latin-1") == text.encode()


@EVERY
@given(st.text(LETTERS, min_size=1, max_size=12))
def test_no_text_ends_with_half_a_character(kind, text):
    vocabulary = VOCABULARIES[kind]
    tokens = vocabulary.encode(text)
    for k in range(len(tokens) + 1):
        assert text.startswith(vocabulary.decode(tokens[:k]))
    assert vocabulary.decode(tokens) == text


@EVERY
@given(st.data())
def test_a_text_ends_with_the_token_that_completes_a_stop_string(kind, data):
    vocabulary = VOCABULARIES[kind]
    text = data.draw(st.text(LETTERS.replace("\ufffd", ""), min_size=1, max_size=12))
    begin = data.draw(st.integers(0, len(text) - 1))
    stop = text[begin : data.draw(st.integers(begin + 1, len(text)))]
    tokens = vocabulary.encode(text)
    said = [vocabulary.tokenizer.decode(tokens[:k]) for k in range(len(tokens) + 1)]
    first = next(k for k, beginning in enumerate(said) if stop in beginning)
    other = data.draw(st.sampled_from(["好吗?", "🙃🙃", "zz"]))
    assert written(writer(vocabulary, tokens), stop) == tokens[:first]
    if other not in text:
        assert written(writer(vocabulary, tokens), [other, stop]) == tokens[:first]
        assert written(writer(vocabulary, tokens), other) == [*tokens, vocabulary.end]


def test_bytes_of_another_character_are_no_stop_string():
    """The last bytes of 🙂 and of 😂 are the same; only the whole character counts."""
    vocabulary = VOCABULARIES["bytes"]
    for text, stop in (("a😂b", "🙂"), ("吗b", "你"), ("é", "\u00a9"), ("\u00a9", "é")):
        tokens = vocabulary.encode(text)
        assert written(writer(vocabulary, tokens), stop) == [*tokens, vocabulary.end]


@pytest.mark.parametrize("stop", ["END", "1END", ["1", "END"], "\n", "é", "😀", "x" * 9_000])
def test_a_stop_that_no_tokens_can_complete_is_refused(stop):
    lab = TinyLM(0)
    lab.vocabulary = Vocabulary.characters()
    with pytest.raises(
        ValueError, match=r"^stop is '.*; the tokens of this model cannot write it$"
    ) as error:
        Decoder(lab, "1+2?", stop=stop)
    assert len(str(error.value)) < 130
    Decoder(lab, "1+2?", stop=[";", "#1", "-1+"])
