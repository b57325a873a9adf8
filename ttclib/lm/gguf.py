"""Reading a Llama model out of a GGUF file, the format of llama.cpp.

Its matrices are stored in blocks of 32 weights. With four bits a weight (type Q4_1) a block has a
scale d and a shift m, each of 16 bits, and a weight is d · q + m with q from 0 to 15. Three things
differ from the library's own format: the names, the order of the rows that rotary positions turn,
and the place of the configuration, which is in the same file.
"""

from __future__ import annotations

from pathlib import Path

from ttclib.files import reading_of

_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "blk": "model.layers",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def read_llama(file: Path):
    """Read a model with tied embeddings, every weight as float32.

    Returns
    -------
    transformers.LlamaForCausalLM, transformers.PreTrainedTokenizerFast
        The tokenizer reads digits one by one (llama.cpp calls that ``smollm``).

    Raises
    ------
    ValueError
        If the file is not a GGUF file of a Llama model with such a tokenizer, or a weight is
        missing.
    """
    with reading_of(file, "get it again with: python3 course.py smollm2"):
        return _read(file)


def _read(file: Path):
    import torch
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
    from transformers.integrations.gguf import GgufHeader, load_gguf_state_dict, read_gguf_metadata
    from transformers.integrations.gguf.dequant import GGML_BLOCK, dequantize

    config = _config(read_gguf_metadata(str(file))[0])
    tokenizer = PreTrainedTokenizerFast.from_pretrained(file.parent, gguf_file=file.name)
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(True), ByteLevel(add_prefix_space=False)]
    )
    tokenizer.model_max_length = config.max_position_embeddings

    weights = {}
    for name, stored in load_gguf_state_dict(GgufHeader.from_file(str(file))).items():
        weight = stored[...]
        if stored.ggml_type in GGML_BLOCK:
            width = config.intermediate_size if "ffn_down" in name else config.hidden_size
            weight = dequantize(weight, stored.ggml_type).view(-1, width)
        if "attn_q" in name or "attn_k" in name:
            weight = _halves(weight, config.head_dim)
        weights[".".join(_NAMES.get(part, part) for part in name.split("."))] = weight
    with torch.device("meta"):  # names and shapes, without memory
        model = LlamaForCausalLM(config)
    missing, unknown = model.load_state_dict(weights, strict=False, assign=True)
    if unknown or missing != ["lm_head.weight"]:
        raise ValueError(
            f"{file.name} does not hold the weights of a Llama model with tied embeddings"
        )
    model.tie_weights()
    return model, tokenizer


def _halves(weight, head_dim: int):
    """Reorder the rows of each head from pairs (0, 1), (2, 3), … to halves (0, half), (1, half +
    1), …

    Rotary positions turn pairs of rows; llama.cpp puts the two side by side.
    """
    rows, width = weight.shape
    return (
        weight.view(rows // head_dim, head_dim // 2, 2, width).transpose(1, 2).reshape(rows, width)
    )


def _config(metadata: dict):
    """Return the ``transformers.LlamaConfig`` that the file's metadata describe."""
    from transformers import LlamaConfig

    kind = metadata["general.architecture"], metadata.get("tokenizer.ggml.pre")
    if kind != ("llama", "smollm"):
        raise ValueError(
            f"the file holds a model of kind {kind}; only ('llama', 'smollm') can be read"
        )
    llama = {key.removeprefix("llama."): value for key, value in metadata.items()}
    return LlamaConfig(
        vocab_size=llama["vocab_size"],
        hidden_size=llama["embedding_length"],
        intermediate_size=llama["feed_forward_length"],
        num_hidden_layers=llama["block_count"],
        num_attention_heads=llama["attention.head_count"],
        num_key_value_heads=llama["attention.head_count_kv"],
        max_position_embeddings=llama["context_length"],
        rms_norm_eps=llama["attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": llama["rope.freq_base"]},
        tie_word_embeddings=True,
        bos_token_id=metadata["tokenizer.ggml.bos_token_id"],
        eos_token_id=metadata["tokenizer.ggml.eos_token_id"],
        pad_token_id=metadata["tokenizer.ggml.padding_token_id"],
    )
