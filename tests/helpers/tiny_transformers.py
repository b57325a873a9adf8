"""Random transformers of a few thousand weights, and a tokenizer of single letters for them."""

import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen2Config

from ttclib.lm.engine import CausalLM

IDS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
WIDE = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def llama(vocabulary, context, **options):
    shape = WIDE | {
        "vocab_size": vocabulary,
        "max_position_embeddings": context,
        "initializer_range": 0.25,
    }
    return LlamaConfig(
        **shape | {"tie_word_embeddings": True, "rms_norm_eps": 1e-6} | IDS | options
    )


def gpt2(vocabulary, context):
    shape = {"n_embd": 16, "n_layer": 2, "n_head": 4, "initializer_range": 0.25}
    return GPT2Config(vocab_size=vocabulary, n_positions=context, **shape, **IDS)


def qwen2(vocabulary, context):
    shape = WIDE | {
        "vocab_size": vocabulary,
        "max_position_embeddings": context,
        "initializer_range": 0.25,
    }
    return Qwen2Config(num_key_value_heads=2, **shape, **IDS)


KINDS = {
    "llama": llama,  # of our own page
    "llama, shared keys": lambda v, c: llama(v, c, num_key_value_heads=2),
    "llama, wide heads, own head": lambda v, c: llama(v, c, head_dim=6, tie_word_embeddings=False),
    "gpt2": gpt2,
    "qwen2": qwen2,
}


def letters_tokenizer(letters):
    """One letter, one token; the last token ends a text."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate([*letters, "<end>"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<end>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", clean_up_tokenization_spaces=False
    )


SPECIAL = ["<|start|>", "<|end|>"]


def byte_tokenizer(corpus):
    """A small tokenizer of the kind that large models have: bytes, and what they often join to."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=alphabet, special_tokens=SPECIAL, show_progress=False
    )
    bpe.train_from_iterator(corpus, trainer)
    return _with_ends(bpe)


def fallback_tokenizer(corpus):
    """The other kind: letters of the corpus, and bytes where these cannot write a text."""
    from tokenizers import Tokenizer, decoders, models

    letters = sorted(set("".join(corpus)))
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *letters, "st"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=[("s", "t")], byte_fallback=True))
    bpe.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return _with_ends(bpe)


def _with_ends(tokenizer):
    from transformers import PreTrainedTokenizerFast

    start, end = SPECIAL
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=start, eos_token=end)


def tiny(kind="llama", letters="abcdefghij", context=40, seed=0, dtype=torch.float32, **options):
    """Return a random model as a ``CausalLM``."""
    config = KINDS[kind](len(letters) + 1, context)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, dtype=dtype, **options)
    return CausalLM(model, letters_tokenizer(letters))


@torch.no_grad()
def full_forward(lm, tokens):
    """Log distribution of the token after ``tokens``, by the library's plain forward of one whole
    text.
    """
    logits = lm.model(torch.tensor([list(map(int, tokens))]), use_cache=False).logits[0, -1]
    return torch.log_softmax(logits, -1, dtype=torch.float64).numpy()


def generate(lm, prompt, **options):
    """The library's own decoding: new tokens of each sequence it returns."""
    end, prompt = lm.vocabulary.end, torch.tensor([lm.vocabulary.encode(prompt)])
    options = {
        "do_sample": False,
        "max_new_tokens": 12,
        "eos_token_id": end,
        "pad_token_id": end,
    } | options
    found = lm.model.generate(prompt, attention_mask=torch.ones_like(prompt), **options)
    return found[:, prompt.shape[1] :].tolist()
