"""Wrong use of the seams gets one clear line; what a plain function is told is the whole
problem.
"""

import warnings

import numpy as np
import pytest
from enumerated import ABC, tiny
from letters import Letters, search_on

from ttclib.course.small_language_model.beams import beam_search
from ttclib.lm.arithmetic import TASK
from ttclib.lm.decoding import Decoder, sample
from ttclib.particles.smc import keep_all, run
from ttclib.search.scoring import Scoring
from ttclib.search.search import Search, conclude, given

RNG = np.random.default_rng


def one_line(error, call):
    with pytest.raises(error) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_raw_transformers_model_is_told_how_to_be_wrapped():
    pytest.importorskip("torch")
    from tiny_transformers import tiny as transformer

    raw = transformer("llama").model
    line = one_line(TypeError, lambda: Decoder(raw, "ab"))
    assert "LlamaForCausalLM of transformers; wrap it: CausalLM(model, tokenizer)" in line
    assert "has a vocabulary" in one_line(TypeError, lambda: Decoder(object(), "ab"))


def test_a_tokenizer_without_an_end_is_refused_and_one_without_padding_is_not():
    pytest.importorskip("torch")
    from tiny_transformers import letters_tokenizer
    from tiny_transformers import tiny as transformer

    from ttclib.lm.engine import CausalLM

    lm = transformer("llama")
    tokenizer = letters_tokenizer("abcdefghij")
    assert tokenizer.pad_token is None and tokenizer.bos_token is None
    again = CausalLM(lm.model, tokenizer)
    last = sample(again, ["ab", "abcde"], 4, RNG(0), max_tokens=3)
    assert len(Decoder(again, "ab").texts(last.particles)) == 4
    tokenizer.eos_token = None
    line = one_line(ValueError, lambda: CausalLM(lm.model, tokenizer))
    assert line == "the tokenizer names no end token; set its eos_token to one"


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("Mistral", {"sliding_window": 8}, "mistral has layers with sliding_attention"),
        ("Gemma2", {}, "gemma2 has layers with sliding_attention"),
        ("Jamba", {}, "jamba has layers with linear_attention"),
    ],
)
def test_a_model_whose_attention_is_partial_is_refused(kind, options, said):
    pytest.importorskip("torch")
    import transformers

    from ttclib.lm.engine import CausalLM

    config = getattr(transformers, f"{kind}Config")(**options)
    model = type("Model", (), {"config": config})
    line = one_line(ValueError, lambda: CausalLM(model, None))
    assert said in line and "full_attention, such as Llama" in line


def test_a_verifier_that_is_neither_a_reader_nor_a_function_is_refused():
    line = one_line(TypeError, lambda: search_on(ABC, "a", 0.5))
    assert "verifier is a float; it must have start(" in line
    assert "task is a str" in one_line(TypeError, lambda: Search(ABC, "abc", "a", lambda *_: 1.0))


def test_a_function_is_told_the_problem_and_not_the_prompt_around_it():
    """Also where the prompt holds the end token, as the system prompts of chat models do."""

    class Chat(Letters):
        def prompt(self, problem):
            return f"a{problem}"

    seen = set()

    def score(problem, text):
        seen.add(problem)
        return 0.5

    run(Search(ABC, Chat("a"), ["bc", "cb"], score, max_tokens=6), 4, keep_all, RNG(0))
    assert seen == {"bc", "cb"}


def test_a_batch_of_texts_is_scored_in_one_call():
    calls = []

    def scores(problems, texts):
        calls.append(len(texts))
        return [len(text) / 20 for text in texts]

    batch = search_on(ABC, "a", Scoring(scores, batch=True), until="ab", max_tokens=7)
    alone = search_on(ABC, "a", lambda problem, text: len(text) / 20, until="ab", max_tokens=7)
    histories = [run(search, 12, keep_all, RNG(0)) for search in (batch, alone)]
    assert len(calls) == len(histories[0]) and calls[0] == 12
    for one, other in zip(*histories, strict=True):
        assert np.array_equal(one.particles.scores, other.particles.scores, equal_nan=True)
    wrong = search_on(ABC, "a", Scoring(lambda problems, texts: [0.5], batch=True), until="ab")
    assert "scores for 3 texts" in one_line(ValueError, lambda: run(wrong, 3, keep_all, RNG(0)))


def test_a_step_end_that_never_comes_is_warned_of():
    lm = tiny("x", "y", seed=3)
    lm.context = 200
    lm.distribution = lambda prefix: np.array([0.5, 0.5, 0.0])  # it never ends
    with pytest.warns(UserWarning, match="no step has ended after 100 tokens: none of 3 texts"):
        run(Decoder(lm, "x", until=";", max_tokens=120), 3, keep_all, RNG(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(Decoder(lm, "x", until="y", max_tokens=120), 3, keep_all, RNG(0))
        run(Decoder(lm, "x", until=";", max_tokens=99), 3, keep_all, RNG(0))


def test_a_step_end_with_a_space_in_it_would_make_every_word_a_step():
    """Its letters are alternatives, and words begin with a space in large vocabularies."""
    lm = tiny(" x", "y", seed=3)
    with pytest.warns(UserWarning, match="every word would be a step"):
        Decoder(lm, "y", until=". ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Decoder(lm, "y", until=".")
        Decoder(tiny("x", "y", seed=3), "y", until=". ")  # here no word brings a space


def test_the_name_of_another_model_is_told_how_it_is_loaded():
    pytest.importorskip("torch")
    from ttclib.lm.models import load

    line = one_line(ValueError, lambda: load("gpt2"))
    assert "it must be one of lab-small, " in line
    assert "any other is CausalLM(*read_model(name, local=False))" in line


@pytest.mark.parametrize(
    "enter",
    [
        lambda lm, prompt: Decoder(lm, prompt),
        lambda lm, prompt: Decoder(lm, ["a", prompt]),
        lambda lm, prompt: sample(lm, prompt, 2, RNG(0), max_tokens=2),
        lambda lm, prompt: beam_search(lm, prompt, 2, max_tokens=2),
        lambda lm, prompt: search_on(lm, prompt, lambda *_: 0.5, until="a"),
    ],
)
def test_a_prompt_that_ends_with_a_space_is_warned_of_where_words_bring_theirs(enter):
    words = tiny("a", " b", " ", "c", seed=1)
    with pytest.warns(UserWarning, match="ends with a space") as caught:
        enter(words, "a b ")
    assert len(caught) == 1 and "\n" not in str(caught[0].message)
    letters = tiny("a", "b", " ", "c", seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        enter(words, "a b")
        enter(letters, "a b ")  # here a space is a letter as any other


def test_answers_that_all_parse_to_nothing_are_warned_of():
    search = search_on(tiny("u", "v", seed=1), "u", lambda *_: 0.5, until="v", max_tokens=4)
    last = run(search, 6, keep_all, RNG(0))[-1]
    texts = search.texts(last.particles)
    with pytest.warns(UserWarning, match="none of 6 finished texts has an answer"):
        assert conclude(TASK, last, texts) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one that can be read is enough
        assert given(TASK, last, [*texts[:-1], "#7"])[-1] == 7
