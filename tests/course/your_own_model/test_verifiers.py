"""Verifiers that read letters: what they say, by one plain forward of the library, and what it
costs.
"""

import json

import numpy as np
import pytest
from letters import Letters

from ttclib.particles.smc import keep_all, resample, smc
from ttclib.search.search import Search
from ttclib.search.selections import beam
from ttclib.testing import check_verifier

torch = pytest.importorskip("torch")
from tiny_transformers import KINDS, byte_tokenizer, full_forward, letters_tokenizer, tiny
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
)

from ttclib.course.your_own_model.verifiers import QUESTION, HubRewardModel, Judge
from ttclib.lm import pretrained
from ttclib.lm.engine import CausalLM
from ttclib.lm.flops import coefficients
from ttclib.lm.sequences import NONE

ALPHABET = "abcY N?\n"
TEMPLATE = "{% for m in messages %}{{ m['role'][0] }}:{{ m['content'] }};{% endfor %}"
PROBLEMS, TEXTS = ["ab", "c", "ab", "c"], ["a;", "abc;b", "", "abcabcabc"]


@pytest.fixture(scope="module")
def judge():
    """A random model as judge, which says Y or N."""
    lm = tiny(letters=ALPHABET, seed=4)
    return Judge(lm, "Y N?", yes="Y", no="N", at_once=3)


# ---- a language model as judge -------------------------------------------------------------------


def yes_by_hand(lm, prompt, yes, no):
    p = np.exp(full_forward(lm, lm.vocabulary.encode(prompt)))
    return p[yes].sum() / (p[yes].sum() + p[no].sum())


def test_the_score_is_the_share_of_yes_after_a_plain_forward(judge):
    texts = ["a", "abc", "", "abcabcabc"]
    said = judge.score(PROBLEMS, texts)
    index = ALPHABET.index
    for score, problem, text in zip(said.scores, PROBLEMS, texts, strict=True):
        by_hand = yes_by_hand(judge.lm, f"{problem}\n{text}\nY N?\n", [index("Y")], [index("N")])
        assert score == pytest.approx(by_hand, abs=1e-6)
    assert np.ptp(said.scores) > 0.01


def test_all_ways_of_writing_an_answer_add_up():
    tokenizer = byte_tokenizer(["Yes, Yes No, No"] * 9)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(KINDS["gpt2"](len(tokenizer), 60))
    lm = CausalLM(model, tokenizer)
    texts = lm.vocabulary.texts
    yes, no = ([i for i, text in enumerate(texts) if text in (w, f" {w}")] for w in ("Yes", "No"))
    assert len(yes) == len(no) == 2
    (score,), _ = Judge(lm).score(["1"], ["2"])
    assert score == pytest.approx(yes_by_hand(lm, f"1\n2\n{QUESTION}\n", yes, no), abs=1e-6)


def test_a_judge_pays_for_every_token_that_it_reads(judge):
    said = judge.score(PROBLEMS, ["a", "abc", "", "abcabcabc"])
    lengths = np.array([2 + 1 + k + 1 + 5 for k in (1, 2, 0, 8)])  # c is shorter than ab
    a, b = judge.lm.flops
    assert said.paid[:, 0].tolist() == lengths.tolist()
    assert said.paid[:, 1].tolist() == (a * lengths + b * lengths * (lengths + 1) // 2).tolist()


def test_a_judge_keeps_the_promises_of_a_verifier(judge):
    rng = np.random.default_rng(0)
    check_verifier(judge, judge.lm, Letters("b"), "ab", rng, max_tokens=8)


def test_a_question_of_one_s_own(judge):
    own = Judge(judge.lm, yes="Y", no="N", ask=lambda problem, text: f"{text}?{problem}")
    (score,), paid = own.score(["ab"], ["c"])
    by_hand = yes_by_hand(judge.lm, "c?ab", [ALPHABET.index("Y")], [ALPHABET.index("N")])
    assert score == pytest.approx(by_hand, abs=1e-6) and paid[0, 0] == 4


class Certain:
    """A judge's model that says one token only, as an endpoint with top=1."""

    def __init__(self, lm, token):
        self.vocabulary, self.context, self.lm, self.token = lm.vocabulary, lm.context, lm, token

    def start(self, prompts, length):
        session = self.lm.start(prompts, length)
        session.log_probs = np.where(np.arange(len(self.vocabulary)) == self.token, 0.0, -np.inf)
        session.log_probs = np.tile(session.log_probs, (len(prompts), 1))
        return session


@pytest.mark.parametrize(("answer", "score"), [("Y", 1.0), ("N", 0.0)])
def test_an_answer_that_is_out_of_sight_counts_as_impossible(judge, answer, score):
    lm = Certain(judge.lm, ALPHABET.index(answer))
    assert Judge(lm, "Y N?", yes="Y", no="N").score(["a"], ["b"]).scores.tolist() == [score]


def test_a_judge_that_cannot_answer_is_told_so(judge):
    with pytest.raises(ValueError, match=r"no token 'Yes'; name its answers: yes=…, no=…"):
        Judge(judge.lm)
    lm = Certain(judge.lm, ALPHABET.index("a"))
    with pytest.raises(ValueError, match="hold neither answer; ask for more"):
        Judge(lm, "Y N?", yes="Y", no="N").score(["a"], ["b"])


@pytest.mark.parametrize("select", [keep_all, beam(2), resample("systematic")])
def test_searches_run_under_a_judge(judge, select, seed):
    """Each text's last score is what the judge says of it alone."""
    search = Search(judge.lm, Letters("b"), ["ab", "c"], judge, max_tokens=10)
    *_, last = smc(search, 8, select, np.random.default_rng(seed))
    texts = last.particles
    problems = [search.problems[i] for i in texts.prompt]
    alone = judge.score(problems, search.texts(texts)).scores
    final = [row[~np.isnan(row)][-1] for row in texts.scores]
    assert final == pytest.approx(alone, abs=1e-5)
    assert last.spent.verifier_positions > 0 and last.spent.verifier_flops > 0


needs_smollm2 = pytest.mark.skipif(pretrained.smollm2_fault(), reason=pretrained.HOW_TO_GET_IT)


@needs_smollm2
def test_a_chat_model_is_asked_in_its_template():
    model, tokenizer = pretrained.load_smollm2(torch.float32)
    judge = Judge(CausalLM(model, tokenizer))
    prompt = judge.prompt("What is 2 + 3?", "2 + 3 = 5.")
    said = [{"role": "user", "content": f"What is 2 + 3?\n2 + 3 = 5.\n{QUESTION}"}]
    ids = tokenizer.apply_chat_template(said, add_generation_prompt=True, return_dict=False)
    assert judge.lm.vocabulary.encode(prompt) == ids and prompt.endswith("assistant\n")
    yes, no = (tokenizer.convert_tokens_to_ids([w, f"Ġ{w}"]) for w in ("Yes", "No"))
    (right, wrong), paid = judge.score(["What is 2 + 3?"] * 2, ["2 + 3 = 5.", "2 + 3 = 6."])
    assert right == pytest.approx(yes_by_hand(judge.lm, prompt, yes, no), abs=1e-4)
    assert 0 < right < 1 and 0 < wrong < 1 and paid[0, 0] == len(ids)


# ---- a reward model from the hub -----------------------------------------------------------------


def save(folder, kind="llama", template=None, labels=1, classify=True, **options):
    """Random weights and a tokenizer, as the hub has them."""
    tokenizer = letters_tokenizer("abcu:;")
    tokenizer.chat_template = template
    config = KINDS[kind](len(tokenizer), 60)
    config.num_labels = labels
    config.update(options)
    make = AutoModelForSequenceClassification if classify else AutoModelForCausalLM
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = make.from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@torch.no_grad()
def reward_by_hand(folder, written):
    """One text through the model that the files hold, without padding."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokens = torch.tensor([tokenizer.encode(written, add_special_tokens=False)])
    return model.eval()(tokens).logits.item(), tokens.shape[1]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("template", [None, TEMPLATE], ids=["pairs", "chat"])
def test_a_reward_model_says_what_a_plain_forward_says(kind, template, tmp_path):
    model = HubRewardModel.load(save(tmp_path, kind, template), even=0.3, at_once=3)
    said = model.score(PROBLEMS, TEXTS)
    for i, (problem, text) in enumerate(zip(PROBLEMS, TEXTS, strict=True)):
        written = f"u:{problem};a:{text};" if template else problem + text
        reward, length = reward_by_hand(tmp_path, written)
        assert said.scores[i] == pytest.approx(1 / (1 + np.exp(0.3 - reward)), abs=1e-6)
        assert said.paid[i, 0] == length
    assert np.ptp(said.scores) > 1e-3


def test_a_reward_model_costs_what_its_body_costs(tmp_path):
    model = HubRewardModel.load(save(tmp_path))
    a, b = coefficients(model.model.config)
    shape = model.model.config
    a -= 2 * (shape.vocab_size - 1) * shape.hidden_size  # one number in place of a vocabulary
    positions, flops = model.score(["ab"], ["abc"]).paid[0]
    assert flops == a * positions + b * positions * (positions + 1) / 2


@pytest.mark.parametrize("select", [keep_all, beam(2), resample("systematic")])
def test_searches_run_under_a_reward_model(select, tmp_path, seed):
    lm, model = tiny(letters="abc"), HubRewardModel.load(save(tmp_path))
    check_verifier(model, lm, Letters("b"), "ab", np.random.default_rng(seed), max_tokens=8)
    search = Search(lm, Letters("b"), "ab", model, max_tokens=10)
    *_, last = smc(search, 8, select, np.random.default_rng(seed))
    alone = model.score(["ab"] * 8, search.texts(last.particles)).scores
    final = [row[~np.isnan(row)][-1] for row in last.particles.scores]
    assert final == pytest.approx(alone, abs=1e-6)


def test_equal_texts_are_read_once_and_the_first_of_them_pays(judge):
    lm = tiny(letters="abc")
    texts = Search(lm, Letters("b"), ["ab", "c"], judge, max_tokens=4)
    (start, _) = texts.begin(np.array([0, 1, 0, 0, 1]), np.full((5, 4), NONE))
    start.tokens[:, :2] = [[0, 1], [0, 1], [0, 1], [1, 2], [0, 1]]
    start.lengths[:] = 2
    reader = judge.start(lm, Letters("b"), ["ab", "c"], 9)
    scores, paid = reader.read(start, np.arange(5))
    assert (scores[0], scores[1]) == (scores[2], scores[4])
    assert (paid[:, 0] > 0).tolist() == [True, True, False, True, False]
    assert len(reader.read(start, np.arange(0)).scores) == 0


WRONG = {
    "a language model": ({"classify": False}, "is no reward model: it has no score.weight; ask"),
    "two labels": (
        {"labels": 2},
        "gives 2 numbers for a text .num_labels.; a reward model gives 1",
    ),
}


@pytest.mark.parametrize(("options", "line"), WRONG.values(), ids=WRONG)
def test_what_is_no_reward_model_is_named(options, line, tmp_path):
    with pytest.raises(ValueError, match=line):
        HubRewardModel.load(save(tmp_path, **options))


def test_files_that_are_missing_or_damaged_are_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"the reward model .* cannot be read \(.*\); get its files"
    ):
        HubRewardModel.load(tmp_path, local=True)
    config = save(tmp_path) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"model_type": "?"}))
    with pytest.raises(ValueError, match="cannot be read") as caught:
        HubRewardModel.load(tmp_path, local=True)
    assert "\n" not in str(caught.value)
