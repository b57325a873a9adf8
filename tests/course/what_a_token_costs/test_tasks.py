"""Tasks of notebook 14: whoever reads the text can answer, and nobody else can."""

import numpy as np
import pytest

pytest.importorskip("torch")

from ttclib.course.what_a_token_costs import tasks


def read_by_hand(task, tokens):
    """The answers of one text, from its tokens alone."""
    if task == "copying":
        return tokens[: len(tokens) // 2]
    if task == "selective copying":
        return [t for t in tokens if t < tasks.LETTERS]
    told = dict(zip(tokens[:-8:2], tokens[1:-8:2], strict=True))
    return [told[key] for key in tokens[-8:]]


@pytest.mark.parametrize("task", tasks.TASKS)
@pytest.mark.parametrize("size", [4, 11, 16])
def test_answers_can_be_read_from_the_text(task, size, seed):
    texts = tasks.TASKS[task](size, 20, np.random.default_rng(seed))
    assert texts.tokens.min() >= 0 and texts.tokens.max() < tasks.VOCABULARY
    assert texts.answers.max() < tasks.LETTERS
    for tokens, answers in zip(texts.tokens.tolist(), texts.answers.tolist(), strict=True):
        assert read_by_hand(task, tokens) == answers
    assert texts.answers.shape == (20, len(texts.asked))
    assert texts.asked[-1] == texts.tokens.shape[1] - 1


def test_nothing_after_a_place_that_asks_says_the_answer_before():
    """In copying the answer of a place is the next token: a causal model must not see it."""
    texts = tasks.copying(6, 5, np.random.default_rng(0))
    after_sign = texts.tokens[:, texts.asked]
    assert (after_sign[:, 0] == tasks.BLANK).all()
    assert (after_sign[:, 1:] == texts.answers[:, :-1]).all()


def test_letters_stand_at_any_places_in_order(seed):
    texts = tasks.selective_copying(9, 4000, np.random.default_rng(seed))
    marked = (texts.tokens[:, :9] != tasks.BLANK).numpy()
    assert (marked.sum(axis=1) == tasks.MARKED).all()
    assert len({tuple(row) for row in marked.tolist()}) == 126  # 9 over 4
    asked = texts.tokens[:, 9:].numpy()
    assert (asked == tasks.BLANK + 1 + np.arange(tasks.MARKED)).all()


def test_no_key_is_told_twice(seed):
    texts = tasks.recall(16, 50, np.random.default_rng(seed))
    keys = np.sort(texts.tokens[:, :32:2].numpy(), axis=1)
    assert (keys == tasks.LETTERS + np.arange(16)).all()


def test_the_same_seed_draws_the_same_texts():
    for draw in tasks.TASKS.values():
        one, two = (draw(8, 3, np.random.default_rng(5)) for _ in range(2))
        assert (one.tokens == two.tokens).all() and (one.answers == two.answers).all()


@pytest.mark.parametrize(
    ("draw", "size", "line"),
    [
        (tasks.copying, 0, "letters is 0"),
        (tasks.selective_copying, 3, "length is 3; it must be a whole number of at least 4"),
        (tasks.recall, 17, "pairs is 17; it must be at most 16"),
    ],
)
def test_what_is_refused(draw, size, line):
    with pytest.raises(ValueError, match=line):
        draw(size, 2, np.random.default_rng(0))
