"""What the revisers learn from is chosen as it should be, written as it is read, packed whole."""

import functools
from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st
from outcomes import outcomes

from tools import revision
from tools.artefact import Job
from ttclib import artefacts
from ttclib.course.revisions.attempts import CONTEXT, WINDOW, revision_prompt
from ttclib.lm import tokenizer, training
from ttclib.lm.arithmetic import END, TASK
from ttclib.lm.models import load

LETTERS = st.text("12+", max_size=9)
RIGHT = ["1+1=2;#2", "1+1=2;#02"]
WRONG = ["1+1=3;#3", "#9", "1+1=22;#22", "1-1=0;#0", "7", "8"]


@functools.cache
def by_definition(a, b):
    """Levenshtein's recursion."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        by_definition(a[1:], b) + 1,
        by_definition(a, b[1:]) + 1,
        by_definition(a[1:], b[1:]) + (a[0] != b[0]),
    )


@given(LETTERS, LETTERS)
def test_edit_distance_is_levenshteins(a, b):
    assert revision.edit_distance(a, b) == by_definition(a, b)


def test_long_texts_do_not_overflow():
    assert revision.edit_distance("1" * 300, "2" * 200 + "1" * 50) == 250


def test_wrong_attempts_then_a_right_one_as_in_the_paper():
    """Every path through the random choices, for a problem with three wrong solutions."""
    counts = np.zeros(WINDOW + 1)
    wrong = WRONG[:3]
    for probability, (texts, learned) in outcomes(
        lambda rng: revision.wrong_then_right(RIGHT[:1], wrong, rng)
    ):
        *before, goal = texts
        assert goal == RIGHT[0]
        assert learned == [False] * len(before) + [True]
        assert set(before) <= set(wrong)
        if before:
            nearest = min(revision.edit_distance(text, goal) for text in wrong)
            assert revision.edit_distance(before[-1], goal) == nearest
        counts[len(before)] += probability
    # 0 to 4, uniformly; there are only three
    assert counts == pytest.approx([0.2, 0.2, 0.2, 0.4, 0.0])


def test_a_text_like_a_chain_is_learned_where_it_keeps_or_mends():
    """Every path, for a problem with a right and a wrong solution."""
    right, wrong = RIGHT[0], WRONG[0]
    spoiled = righted = total = 0.0
    for probability, (texts, learned) in outcomes(
        lambda rng: revision.like_a_chain([right], [wrong], rng)
    ):
        assert len(texts) == WINDOW + 1
        assert learned == [True] + [text == right for text in texts[1:]]
        total += probability
        spoiled += probability * (texts[0] == right and texts[1] == wrong)
        righted += probability * (texts[0] == wrong and texts[1] == right)
    assert total == pytest.approx(1)
    slip = revision.SLIPS
    assert spoiled == pytest.approx(0.5 * slip[True] * 0.5)
    again = slip[False] * (revision.SAME_AGAIN + (1 - revision.SAME_AGAIN) * 0.5)
    assert righted == pytest.approx(0.5 * (1 - again))


def test_another_right_text_after_a_right_one_is_not_learned(seed):
    texts, learned = revision.like_a_chain(RIGHT, WRONG, np.random.default_rng(seed))
    for before, text, learn in zip(texts, texts[1:], learned[1:], strict=False):
        assert learn == (text in RIGHT and (before not in RIGHT or text == before))


@pytest.mark.parametrize("choose", sorted(revision.STAND_ALONE))
def test_without_a_right_solution_the_attempt_stands_alone(choose, seed):
    """Else the first attempts would be those of easier problems."""
    texts, learned = revision.CHOICES[choose]([], WRONG, np.random.default_rng(seed))
    assert len(texts) == 1
    assert texts[0] in WRONG
    assert learned == [True]


def test_a_first_attempt_is_learned_as_it_came():
    """Every path: it is right as often as the writer, and what comes of it is always right."""
    first = Counter()
    for probability, (texts, learned) in outcomes(
        lambda rng: revision.mend_itself(RIGHT[:1], WRONG[:3], rng)
    ):
        assert texts[1] == RIGHT[0]
        assert learned == [True, True]
        first[texts[0]] += probability
    assert first == pytest.approx(dict.fromkeys([RIGHT[0], *WRONG[:3]], 1 / 4))


def test_what_is_learned_is_written_as_it_will_be_read():
    tokens, learn = revision.written("1+1", ["#3", "#4", "#2"], [False, False, True])
    prompt = revision_prompt(TASK, "1+1", ["#3", "#4"])
    answer = "#2" + END
    assert tokens == tokenizer.encode(prompt + answer)
    assert learn == [False] * len(prompt) + [True] * len(answer)


def test_of_long_texts_the_first_attempts_are_left_out():
    long = "1" * 120
    tokens, learn = revision.written("1+1", [long] * 5, [True] * 5)
    each = len("1+1?") + len(long) + 1
    assert len(tokens) == len(learn) == revision.ROW // each * each


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_packed_texts_are_whole_and_learn_what_they_should(sizes, random):
    texts = []
    for number, size in enumerate(sizes):
        learn = [random.random() < 0.5 for _ in range(size)]
        texts.append(([number * 20 + i for i in range(size)], learn))
    rows = revision.pack(texts, 20)
    found = []
    for row in range(len(rows)):
        for k in range(rows.texts[row].max() + 1):
            inside = np.flatnonzero(rows.texts[row] == k)
            tokens = rows.tokens[row, inside].tolist()
            mine, learn = texts[tokens[0] // 20]
            assert tokens == mine
            assert rows.positions[row, inside].tolist() == list(range(len(mine)))
            wanted = [
                t if fine else training.IGNORE for t, fine in zip(mine[1:], learn[1:], strict=True)
            ]
            assert rows.targets[row, inside].tolist() == [*wanted, training.IGNORE]
            found.append(tokens[0] // 20)
    assert sorted(found) == list(range(len(texts)))
    # no two rows would have fitted into one: each is filled with the longest that fits
    fill = (rows.texts >= 0).sum(axis=1)
    assert np.count_nonzero(2 * fill <= 20) <= 1


def test_problems_without_a_right_solution_teach_nothing(seed):
    right = np.array([[True, False], [False, False]])
    texts = revision.revision_texts(
        ["1+1", "2+2"],
        [["#2", "#3"], ["#5", "#6"]],
        right,
        "keep or mend",
        3,
        2,
        np.random.default_rng(seed),
    )
    assert len(texts) == 5
    assert all(tokens[:4] == tokenizer.encode("1+1?") for tokens, _ in texts)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A reviser of a few solutions and a few steps: the writer's, then its own."""
    folder = tmp_path_factory.mktemp("revisers")
    few = {"batch": 2, "steps": 2, "learning_rate": 1e-3}
    plan = {"problems": 12, "samples": 4}
    stages = [
        revision.stage("lab-small", plan, ("keep or mend", 2), 256, 0, 0.0),
        revision.stage("own", plan, ("like a chain", 2), revision.ROW, 0, 0.0),
    ]
    stages = [stage | {"training": few} for stage in stages]
    settings = {"start": "lab-small", "stages": stages, "temperature": 1.0, "window": 2}
    needs = {"lab-small": artefacts.path("lab-small")}
    job = Job(settings, revision.SEEDS, folder / "reviser", folder / "parts" / "work", needs)
    job.folder.mkdir()
    job.work.mkdir(parents=True)
    assert revision.train_reviser(job) > 0
    return job


def test_a_reviser_is_lab_small_with_room_for_attempts(trained):
    lm = revision.reader(trained.folder)
    before = load("lab-small").model
    assert lm.context == CONTEXT
    assert sum(w.numel() for w in lm.model.parameters()) == sum(
        w.numel() for w in before.parameters()
    )
    assert not torch.equal(lm.model.model.norm.weight, before.model.norm.weight)


def test_a_killed_training_goes_on_from_what_it_has(trained, monkeypatch):
    before = (trained.folder / "model.safetensors").read_bytes()

    def never(*args, **options):
        raise AssertionError("it is kept")

    monkeypatch.setattr(revision, "draw", never)
    revision.train_reviser(trained)
    assert (trained.folder / "model.safetensors").read_bytes() == before


def test_a_cooler_model_is_the_same_with_larger_logits(trained, tmp_path):
    """Dividing by 0.7 comes after the training, so it changes one weight and no other."""
    from ttclib.lm.llama import Llama
    from ttclib.lm.pretrained import read_model

    model, words = read_model(trained.folder)
    model = Llama.of(model)
    for temperature in (0.7, 1.0):  # what is saved does not change what goes on learning
        revision.save(model, words, tmp_path / str(temperature), temperature)
    states = [revision.reader(tmp_path / name).model.state_dict() for name in ("1.0", "0.7")]
    for name, weight in states[0].items():
        factor = 0.7 if name == "model.norm.weight" else 1.0
        assert torch.allclose(weight, states[1][name] * factor)


def test_a_reviser_is_scored_along_chains(trained, monkeypatch):
    monkeypatch.setattr(revision, "TEST", {"problems": 3, "chains": 2, "steps": 3, "seed": 2})
    found = revision.score_reviser(trained)
    assert len(found["by step"]) == 3
    assert len(found["gain over the first"]) == 2
    assert found["first attempt"] == found["by step"][0]


def test_a_summary_of_chains_by_hand():
    right = np.array([[[0, 1, 1], [0, 0, 1]], [[1, 0, 0], [0, 0, 0]]], dtype=bool)
    found = revision.along_a_chain(right)
    assert found["by step"] == [0.25, 0.25, 0.5]
    assert [gain[0] for gain in found["gain over the first"]] == [0.0, 0.25]
    # of six wrong attempts that were followed by another two were righted
    assert found["wrong to right"] == pytest.approx(2 / 6, abs=1e-4)
    assert found["right to wrong"] == pytest.approx(1 / 2, abs=1e-4)


def test_every_reviser_says_what_it_is_made_from():
    for artefact in revision.ARTEFACTS:
        assert artefact.settings["start"] in artefact.needs
        for stage in artefact.settings["stages"]:
            assert stage["writer"] in (*artefact.needs, "own")
            assert stage["row"] <= CONTEXT
            assert stage["texts"]["choose"] in revision.CHOICES
