"""Loading: a checkpoint comes back as the same model, once, and what is missing is said in one
line.
"""

import shutil
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch")

from tiny_transformers import full_forward, tiny
from transformers.utils import logging

from ttclib import artefacts
from ttclib.lm import models, pretrained, samplers
from ttclib.lm.decoding import sample
from ttclib.lm.engine import CausalLM
from ttclib.lm.vocabulary import Vocabulary
from ttclib.search.models import load_verifier

fresh = models.load.__wrapped__  # without the memory


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Save a model where the lab's models are looked for."""

    def save(lm):
        lm.model.save_pretrained(tmp_path)
        lm.vocabulary.tokenizer.save_pretrained(tmp_path)
        monkeypatch.setattr(models, "path", lambda name: tmp_path)
        return lm

    return save


@pytest.mark.parametrize("kind", ["llama", "llama, shared keys", "gpt2"])
def test_a_saved_model_comes_back(kind, saved):
    lm = saved(tiny(kind))
    again = fresh("lab-small")
    assert again.vocabulary == lm.vocabulary
    assert again.context == lm.context
    assert again.flops == lm.flops
    assert (again.ours is None) == (lm.ours is None)
    assert not again.model.training
    assert (
        np.abs(again.start([[1, 2, 3]], 10).log_probs[0] - full_forward(lm, [1, 2, 3])).max() < 1e-5
    )


@pytest.mark.parametrize("shown", [True, False])
def test_loading_is_silent_and_leaves_progress_bars_as_they_were(shown, saved, capfd):
    saved(tiny())
    before = logging.is_progress_bar_enabled()
    (logging.enable_progress_bar if shown else logging.disable_progress_bar)()
    try:
        capfd.readouterr()
        fresh("lab-large")
        assert logging.is_progress_bar_enabled() == shown
        assert capfd.readouterr() == ("", "")
    finally:
        (logging.enable_progress_bar if before else logging.disable_progress_bar)()


def test_the_lab_model_writes_and_is_loaded_once():
    lm = models.load("lab-small")
    assert models.load("lab-small") is lm
    assert lm.ours is not None
    assert lm.vocabulary == Vocabulary.characters()
    greedy = sample(lm, "3+4=", 1, np.random.default_rng(0), sampler=samplers.greedy, max_tokens=20)
    assert greedy.particles.finished.all()
    assert greedy.particles.log_probs[0] > -20  # it knows what it writes: 60 if it guessed


@pytest.mark.parametrize("name", models.LAB)
def test_a_lab_model_is_what_the_library_reads(name, seed):
    """Read by our own reader and by the library's: the same numbers, to the last bit."""
    lm = fresh(name)
    library = CausalLM(*pretrained.read_model(artefacts.path(name)))
    assert lm.vocabulary == library.vocabulary
    assert (lm.context, lm.flops, lm.kept) == (library.context, library.flops, library.kept)
    rng = np.random.default_rng(seed)
    prompts = rng.integers(2, len(lm.vocabulary), (4, 9)).tolist()
    ours, theirs = (model.start(prompts, 12) for model in (lm, library))
    assert (ours.log_probs == theirs.log_probs).all()
    for session in (ours, theirs):
        session.feed(np.array([0, 2, 2]), np.array([3, 4, 5]))
    assert (ours.log_probs == theirs.log_probs).all()
    weights = library.model.state_dict()
    exported = lm.model.state_dict()
    assert exported.keys() == weights.keys()
    assert all((exported[key] == weight).all() for key, weight in weights.items())
    left = {"_name_or_path", "architectures", "dtype", "transformers_version"}
    mine, its = (model.config.to_dict() for model in (lm.model, library.model))
    assert {k: mine[k] for k in mine.keys() - left} == {k: its[k] for k in its.keys() - left}


def test_a_lab_model_decodes_without_the_models_of_the_library():
    code = (
        "import sys, numpy as np\n"
        "from ttclib.lm.decoding import sample\n"
        "from ttclib.lm.models import load\n"
        "from ttclib.search.models import load_verifier\n"
        "from ttclib.lm.arithmetic import Arithmetic\n"
        "lm = load('lab-small')\n"
        "sample(lm, '3+4=', 4, np.random.default_rng(0), max_tokens=20)\n"
        "load_verifier('prm').start(lm, Arithmetic(), ['3+4'], 30)\n"
        "heavy = {'transformers.modeling_utils', 'sympy', 'torch._dynamo'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
        "lm.model\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    # the second line: what the first would say if the test were blind
    assert run.stdout.splitlines() == [
        "[]",
        "['sympy', 'torch._dynamo', 'transformers.modeling_utils']",
    ]


def test_the_pretrained_model_is_asked_for_by_name(monkeypatch):
    lm = tiny()
    monkeypatch.setattr(pretrained, "load_smollm2", lambda: (lm.model, lm.vocabulary.tokenizer))
    loaded = fresh("smollm2")
    assert isinstance(loaded, CausalLM)
    assert loaded.model is lm.model


@pytest.mark.parametrize("name", ["lab", "", "gpt2", None, 3])
def test_there_is_no_other_model(name):
    with pytest.raises(
        ValueError, match=r"model is .*; it must be one of lab-small, .*, lab-large, smollm2"
    ):
        models.load(name)


def test_what_is_missing_or_damaged_is_said_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(models, "path", lambda name: artefacts.path(name, tmp_path))
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"data/lab-small is not there; build it with: python3 course\.py"
    ):
        fresh("lab-small")


def flip_a_bit(path, seed):
    data = bytearray(path.read_bytes())
    data[np.random.default_rng(seed).integers(len(data))] ^= 1
    path.write_bytes(data)


def other(path):
    """The file of another model that has the same name."""
    name = {"lab-small": "lab-large", "prm": "prm-tokens"}[path.parent.name]
    return artefacts.data_folder() / name / path.name


DAMAGES = {
    "missing": lambda path, seed: path.unlink(),
    "emptied": lambda path, seed: path.write_bytes(b""),
    "halved": lambda path, seed: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "flipped": flip_a_bit,
    "of another model": lambda path, seed: shutil.copy(other(path), path),
}
CASES = [
    pytest.param(name, file.name, damage, id=f"{name} {file.name} {damage}")
    for name in ("lab-small", "prm")
    for file in sorted((artefacts.data_folder() / name).iterdir())
    for damage in DAMAGES
    if damage != "of another model" or other(file).read_bytes() != file.read_bytes()
]


@pytest.mark.parametrize(("name", "file", "damage"), CASES)
def test_no_model_is_loaded_from_damaged_files(tmp_path, monkeypatch, seed, name, file, damage):
    data = artefacts.data_folder()
    shutil.copy(data / "manifest.json", tmp_path)
    shutil.copytree(data / name, tmp_path / name)
    DAMAGES[damage](tmp_path / name / file, seed)
    monkeypatch.setenv("TTC_DATA", str(tmp_path))
    with pytest.raises(ValueError) as caught:
        (load_verifier.__wrapped__ if name == "prm" else fresh)(name)
    line = str(caught.value)
    assert line.startswith(f"data/{name}/{file} is ") and "\n" not in line
    assert line.endswith(f"rebuild it with: python3 course.py data {name}")
