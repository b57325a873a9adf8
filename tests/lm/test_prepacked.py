"""A Llama of ``transformers`` on our own page: the numbers of its forward pass, or a refusal."""

import inspect
import re
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_transformers import full_forward, letters_tokenizer, llama, tiny
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig
from transformers.models.llama import modeling_llama

from ttclib.lm import llama as page
from ttclib.lm import pretrained
from ttclib.lm.engine import CausalLM
from ttclib.lm.llama import Prepacked

KINDS = ["llama, shared keys", "llama, wide heads, own head"]
SIZE = 11
ROPE = {"rope_theta": 10_000.0}
needs_smollm2 = pytest.mark.skipif(pretrained.smollm2_fault(), reason=pretrained.HOW_TO_GET_IT)


def grouped(**options):
    """Return a random Llama of ``transformers`` whose heads share keys and values."""
    return of(llama(SIZE, 40, **{"num_key_value_heads": 2} | options))


def of(config):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


def walked(lm, rows, steps, rng):
    """Feed random tokens to rows that fork: texts, and log distributions of what follows each."""
    size = len(lm.vocabulary)
    texts = [list(text) for text in rng.integers(0, size, (rows, 3))]
    session = lm.start(texts, 3 + steps)
    for _ in range(steps):
        chosen = rng.integers(0, rows, rows)
        new = rng.integers(0, size, rows)
        fed, _ = session.feed(chosen, new)
        texts = [[*texts[row], token] for row, token in zip(chosen, new, strict=True)]
        order = np.argsort(fed)
        texts = [texts[i] for i in order]
        yield texts, session.log_probs


# ---------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("theta", [10_000.0, 100_000.0])
def test_token_by_token_it_is_the_model_of_the_library(kind, theta, rng):
    """In float32 to 1e-5; the largest error found is 1e-6."""
    lm = tiny(kind)
    lm.model.config.rope_parameters["rope_theta"] = theta
    lm = CausalLM(of(lm.model.config), letters_tokenizer("abcdefghij"))
    assert type(lm.next) is Prepacked
    for texts, found in walked(lm, 5, 12, rng):
        expected = np.array([full_forward(lm, text) for text in texts])
        assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("wrong", ["_normed", "_plus"])
def test_a_wrong_page_is_caught(wrong, monkeypatch, rng):
    plain = getattr(Prepacked, wrong)
    mutant = {
        "_normed": lambda self, x, weight: plain(self, x, torch.ones_like(weight)),
        "_plus": lambda self, x, y, weight: plain(self, 0 * x, y, weight),
    }
    lm = tiny(KINDS[0])
    with torch.no_grad():
        lm.model.model.norm.weight.mul_(2.0)
    monkeypatch.setattr(Prepacked, wrong, mutant[wrong])
    (texts, found), *_ = walked(lm, 5, 1, rng)
    expected = np.array([full_forward(lm, text) for text in texts])
    assert np.abs(found - expected).max() > 1e-3


def test_in_bfloat16_it_is_as_near_to_float32_as_the_library_is(rng):
    """Both round, in another order: on average neither is farther from the truth than half more."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no bfloat16")
    lm = tiny(KINDS[0], dtype=torch.bfloat16)
    exact = tiny(KINDS[0])
    exact.model.load_state_dict(lm.model.state_dict())
    far = []
    for texts, found in walked(lm, 8, 20, rng):
        true, theirs = (np.array([full_forward(m, text) for text in texts]) for m in (exact, lm))
        far.append([np.abs(found - true).mean(), np.abs(theirs - true).mean()])
    ours, theirs = np.mean(far, axis=0)
    assert type(lm.next) is Prepacked
    assert ours < 1.5 * theirs < 0.1


@needs_smollm2
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_smollm2_says_what_the_model_of_the_library_says(dtype, rng):
    """Total variation of the next token: float32 1e-5, bfloat16 0.1 (found: 4e-6 and 0.06)."""
    model, tokenizer = pretrained.load_smollm2(getattr(torch, dtype))
    lm = CausalLM(model, tokenizer)
    if dtype == "bfloat16" and Prepacked.refuses(model):
        pytest.skip("this processor has no bfloat16")
    ours = lm.start([lm.vocabulary.encode("The weather today is")] * 2, 12)
    theirs = CausalLM(model, tokenizer)
    theirs.__dict__["next"] = None  # as where the page refuses
    theirs = theirs.start([lm.vocabulary.encode("The weather today is")] * 2, 12)
    for tokens in rng.integers(3, 49_000, (6, 4)):
        for session in (ours, theirs):
            session.feed(np.array([0, 1, 1, 0]), tokens)
        gap = np.abs(np.exp(ours.log_probs) - np.exp(theirs.log_probs)).sum(axis=1) / 2
        assert 0 < gap.max() < (1e-5 if dtype == "float32" else 0.1)
        if dtype == "float32":
            assert (ours.log_probs.argmax(axis=1) == theirs.log_probs.argmax(axis=1)).all()


# ---------------------------------------------------------------- what it leaves alone


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_was_decoded_is_saved_as_before(kind, tmp_path, rng):
    lm = tiny(kind)
    lm.model.save_pretrained(tmp_path / "before")
    list(walked(lm, 3, 2, rng))
    assert type(lm.next) is Prepacked
    lm.model.save_pretrained(tmp_path / "after")
    names = sorted(path.name for path in (tmp_path / "before").iterdir())
    assert "model.safetensors" in names
    for name in names:
        before, after = ((tmp_path / folder / name) for folder in ("before", "after"))
        assert before.read_bytes() == after.read_bytes()
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "after")
    weights = again.state_dict()
    assert all((weights[name] == w).all() for name, w in lm.model.state_dict().items())


# ---------------------------------------------------------------- what it refuses


class Wrapped(nn.Module):
    """A linear layer inside another, as adapters make them."""

    def __init__(self, inside):
        super().__init__()
        self.base_layer = inside

    def forward(self, x):
        return 1.5 * self.base_layer(x)


def wrapped():
    model = grouped()
    attention = model.model.layers[0].self_attn
    attention.o_proj = Wrapped(attention.o_proj)
    return model


def biased_by_hand():
    model = grouped()
    model.model.layers[1].mlp.down_proj.bias = nn.Parameter(torch.ones(16))
    return model


def half_by_half():
    model = grouped()
    model.model.norm.weight = nn.Parameter(model.model.norm.weight.detach().to(torch.float64))
    return model


def with_a_head_less():
    """In its second layer: three heads in place of four."""
    model = grouped(num_key_value_heads=4)
    attention = model.model.layers[1].self_attn
    for name in ("q_proj", "k_proj", "v_proj"):
        layer = nn.Linear(16, 12, bias=False)
        layer.weight = nn.Parameter(getattr(attention, name).weight.detach()[:12])
        setattr(attention, name, layer)
    attention.o_proj = nn.Linear(12, 16, bias=False)
    return model


YARN = {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 20}
LLAMA3 = {"rope_type": "llama3", "factor": 2.0, "original_max_position_embeddings": 20}
LLAMA3 |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0}
LINEAR = {"rope_type": "linear", "factor": 2.0}
STRANGE = "its weights are not those that its configuration asks for"
OTHERS = {
    "attention biases": (lambda: grouped(attention_bias=True), "attention_bias is True"),
    "biases of the gated layer": (lambda: grouped(mlp_bias=True), "mlp_bias is True"),
    "a bias by hand": (biased_by_hand, STRANGE),
    "another activation": (lambda: grouped(hidden_act="gelu"), "hidden_act is gelu"),
    "scaled positions": (lambda: grouped(rope_parameters=ROPE | LINEAR), "rope_type is linear"),
    "yarn": (lambda: grouped(rope_parameters=ROPE | YARN), "rope_type is yarn"),
    "llama3": (lambda: grouped(rope_parameters=ROPE | LLAMA3), "rope_type is llama3"),
    "an adapter": (wrapped, STRANGE),
    "a layer with a head less": (with_a_head_less, STRANGE),
    "two number types": (half_by_half, "its weights are .*float64"),
    "another class": (
        lambda: of(MistralConfig(**llama(SIZE, 40).to_dict() | {"sliding_window": None})),
        "it is a MistralForCausalLM, no LlamaForCausalLM",
    ),
}
# those that the library itself can run with a cache of one shape
RUNS = [name for name in OTHERS if name not in ("two number types", "a layer with a head less")]


@pytest.mark.parametrize("name", OTHERS)
def test_a_model_of_another_kind_is_refused_in_one_line(name):
    make, line = OTHERS[name]
    said = Prepacked.refuses(make())
    assert re.search(line, said)
    assert "\n" not in said


@pytest.mark.parametrize("name", RUNS)
def test_what_is_refused_runs_as_the_library_runs_it(name, rng):
    lm = CausalLM(OTHERS[name][0](), letters_tokenizer("abcdefghij"))
    assert lm.ours is None or name == "another class"
    assert lm.ours or lm.next is None
    for texts, found in walked(lm, 4, 5, rng):
        expected = np.array([full_forward(lm, text) for text in texts])
        assert np.abs(found - expected).max() < 2e-5


def test_float16_a_large_model_and_a_torch_without_onednn_are_refused(monkeypatch):
    assert Prepacked.refuses(grouped()) is None
    assert "float16" in Prepacked.refuses(grouped().to(torch.float16))
    with monkeypatch.context() as patched:
        size = sum(weight.nbytes for weight in grouped().parameters())
        patched.setattr(page, "memory_limit", lambda: 8 * size)
        assert Prepacked.refuses(grouped()) is None
        patched.setattr(page, "memory_limit", lambda: 8 * size - 8)
        assert re.match("a second copy of its [0-9]+ MB is too much", Prepacked.refuses(grouped()))
    with monkeypatch.context() as patched:
        no = SimpleNamespace(_is_mkldnn_bf16_supported=lambda: False)
        patched.setattr(torch.ops, "mkldnn", no)
        assert Prepacked.refuses(grouped()) == "this PyTorch comes without oneDNN"
        no._linear_pointwise = None
        assert Prepacked.refuses(grouped()) is None
        assert "bfloat16" in Prepacked.refuses(grouped().to(torch.bfloat16))


def test_every_setting_that_the_library_reads_is_known():
    """Sizes, what is checked, what says nothing of the numbers; a new one fails here."""
    code = inspect.getsource(modeling_llama)
    read = {*re.findall(r"\bconfig\.(\w+)", code), *re.findall(r'\bconfig, "(\w+)"', code)}
    sizes = {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "head_dim"}
    sizes |= {"num_attention_heads", "num_key_value_heads", "max_position_embeddings"}
    checked = {"hidden_act", "attention_bias", "mlp_bias", "rope_parameters", "rms_norm_eps"}
    silent = {"attention_dropout", "pad_token_id", "_attn_implementation"}
    assert read == sizes | checked | silent
    assert LlamaConfig().attention_dropout == 0.0
