"""What a token costs: floating-point operations from a model's configuration.

Feeding one token multiplies it with every weight matrix, 2 operations a weight, and lets it look at
every position of its context. So a token costs a + b · context (Kaplan et al. 2020, §2.1 and table
1; Hoffmann et al. 2022, appendix F). A multiplication and an addition are two operations. What is
no matrix product is left out, as it is there: norms, softmax, rotary angles, and looking up
embeddings.
"""

from __future__ import annotations

import json
from functools import lru_cache

from ttclib.inputs import short


def coefficients(config) -> tuple[int, int]:
    """Return (a, b): a token at a given context length costs a + b · context.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
        Of a causal language model with dense layers and full attention.

    Returns
    -------
    a : int
        2 · weights in matrices. The output layer is one of them, also where it is tied to the
        embedding; the embedding itself is looked up, which is free.
    b : int
        4 · layers · heads · head width: scores and mixture take 2 each. Heads that share keys and
        values (grouped-query attention) save memory and weights, not these operations.

    Raises
    ------
    ValueError
        If a token does not go through every weight matrix just once, as in a mixture of experts.
    """
    if not hasattr(config, "to_json_string") or isinstance(config, type):
        raise TypeError(f"config is {short(config)}; it must be a PreTrainedConfig of transformers")
    return _coefficients(config.__class__, config.to_json_string())


@lru_cache(maxsize=64)
def _coefficients(kind, text: str) -> tuple[int, int]:
    """The same, remembered: a configuration is mutable, its text is not."""
    import torch
    from torch import nn
    from transformers import AutoModelForCausalLM

    config = kind.from_dict(json.loads(text))
    with torch.device("meta"):  # shapes without memory
        model = AutoModelForCausalLM.from_config(config)
    layers = [module for module in model.modules() if not isinstance(module, nn.Embedding)]
    weights = [
        weight for layer in layers for weight in layer.parameters(recurse=False) if weight.ndim > 1
    ]
    if any(weight.ndim > 2 for weight in weights):
        raise ValueError(
            f"{config.model_type} is no stack of plain matrices; its tokens are not counted here"
        )
    heads = config.num_attention_heads
    head_width = getattr(config, "head_dim", None) or config.hidden_size // heads
    a = 2 * sum(weight.numel() for weight in weights)
    b = 4 * config.num_hidden_layers * heads * head_width
    return a, b
