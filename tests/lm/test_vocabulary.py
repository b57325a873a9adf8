"""Vocabularies: the text of every token, there and back."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_transformers import byte_tokenizer

from ttclib.lm import arithmetic, tokenizer
from ttclib.lm.vocabulary import Vocabulary

CORPUS = [
    "the horse raced past the barn",
    "don't stop, won't stop",
    "a naïve café · 你好 🙂🙃",
    "x = 1\n\n\ty",
]


@pytest.fixture(scope="module")
def byte_level():
    return byte_tokenizer(CORPUS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The lab tokenizer as it comes back from its files."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("lab")
    tokenizer.build().save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def test_the_lab_vocabulary_is_that_of_its_saved_files(saved):
    lab = Vocabulary.characters()
    assert lab == Vocabulary.of(saved)
    assert lab.texts[lab.end] is None and lab.texts[0] is None
    assert "".join(text for text in lab.texts if text) == arithmetic.ALPHABET


@given(st.text(arithmetic.ALPHABET, min_size=1))
@settings(deadline=None)
def test_lab_texts_come_back(text):
    lab = Vocabulary.characters()
    assert lab.encode(text) == tokenizer.encode(text)
    assert lab.decode(lab.encode(text)) == text


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@settings(deadline=None)
def test_byte_level_texts_come_back(byte_level, text):
    vocabulary = Vocabulary.of(byte_level)
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_byte_level_tokens_keep_their_space(byte_level):
    vocabulary = Vocabulary.of(byte_level)
    assert " the" in vocabulary.texts and "the" in vocabulary.texts
    for line in CORPUS[:2]:
        tokens = vocabulary.encode(line)
        assert len(tokens) < len(line)
        assert "".join(vocabulary.texts[token] for token in tokens) == line


def test_pieces_of_a_character_and_special_tokens_have_no_text(byte_level):
    vocabulary = Vocabulary.of(byte_level)
    pieces = vocabulary.encode("\U0001f9ed")  # no token holds all its four bytes
    assert len(pieces) > 1 and all(vocabulary.texts[token] is None for token in pieces)
    assert vocabulary.decode(pieces) == "\U0001f9ed"
    for name in ("<|start|>", "<|end|>"):
        assert vocabulary.texts[byte_level.convert_tokens_to_ids(name)] is None
    names = byte_level.convert_ids_to_tokens(list(range(len(vocabulary))))
    bytes_of = {name: i for i, name in enumerate(names) if len(name) == 1}
    assert vocabulary.texts[bytes_of["é"]] is None  # the name of byte 0xE9, half of something
    assert vocabulary.texts[bytes_of["Ġ"]] == " "


def test_decoding_stops_before_the_end(byte_level):
    for vocabulary, text in (
        (Vocabulary.characters(), "1+1"),
        (Vocabulary.of(byte_level), "the barn"),
    ):
        tokens = vocabulary.encode(text)
        assert vocabulary.decode(np.array([*tokens, vocabulary.end, *tokens])) == text
        assert vocabulary.decode([]) == vocabulary.decode([vocabulary.end]) == ""


def test_a_model_may_have_more_tokens_than_its_tokenizer(saved):
    vocabulary = Vocabulary.of(saved, size=32)
    assert len(vocabulary) == 32 and vocabulary.texts[21:] == (None,) * 11


@pytest.mark.parametrize("text", ["12x", "x12", "1 2", "<"])
def test_an_unknown_character_is_named(saved, text):
    (unknown,) = set(text) - set(arithmetic.ALPHABET)
    for vocabulary in (Vocabulary.characters(), Vocabulary.of(saved)):
        with pytest.raises(ValueError, match=f"^'{unknown}' is not in the vocabulary") as caught:
            vocabulary.encode(text)
        assert "\n" not in str(caught.value)


def test_an_empty_text_is_refused(saved):
    for vocabulary in (Vocabulary.characters(), Vocabulary.of(saved)):
        with pytest.raises(ValueError, match="the text is empty"):
            vocabulary.encode("")


def test_words_bring_their_space_and_the_longest_is_taken():
    vocabulary = Vocabulary.words(["the", "there", "barn"])
    assert vocabulary.texts == (" the", " there", " barn", None) and vocabulary.end == 3
    assert vocabulary.encode(" there the barn") == [1, 0, 2]
    with pytest.raises(ValueError, match=r"^' ' is not in the vocabulary"):
        vocabulary.encode(" the house")


def test_tokens_that_contain_a_letter(byte_level):
    assert np.flatnonzero(Vocabulary.characters().containing(";=")).tolist() == [18, 19]
    vocabulary = Vocabulary.of(byte_level)
    found = {vocabulary.texts[token] for token in np.flatnonzero(vocabulary.containing("p"))}
    assert {"p", " past"} <= found and all("p" in text for text in found)


def test_the_end_must_be_a_token_without_text(saved):
    for end in (3, -1, 0):
        with pytest.raises(ValueError, match=r"^end is"):
            Vocabulary(["a", "b", None], end)
    saved.eos_token = None
    with pytest.raises(ValueError, match="names no end token"):
        Vocabulary.of(saved)


@given(st.lists(st.none() | st.text(min_size=1, max_size=5), min_size=1))
def test_spelling_spells_every_token(texts):
    vocabulary = Vocabulary([*texts, None], len(texts))
    letters, order, columns = vocabulary.spelling
    spelt = [""] * len(order)
    for column in columns:
        for j, letter in enumerate(column):
            spelt[j] += letters[letter]
    assert dict(zip(order.tolist(), spelt, strict=True)) == {i: t for i, t in enumerate(texts) if t}


def test_constraints_and_exact_answers_do_not_need_torch():
    modules = (
        "lm.vocabulary",
        "lm.potentials",
        "course.smc_decoding.exact",
        "course.smc_decoding.markov_lm",
    )
    code = "".join(f"import ttclib.{name}\n" for name in modules)
    code += "import sys\nassert not {'torch', 'transformers'} & sys.modules.keys()"
    subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True, timeout=60
    )


@pytest.mark.parametrize("form", [list, tuple, np.array, torch.tensor, iter])
def test_tokens_come_in_any_form(form):
    words = Vocabulary.characters()
    assert words.decode(form(words.encode("1+2?"))) == "1+2?"
