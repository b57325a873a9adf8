"""FLOPs from a configuration, against torch's own count of what was multiplied."""

import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, MixtralConfig

from ttclib.course.small_language_model.flops import sequence_flops
from ttclib.lm.flops import coefficients
from ttclib.lm.llama import Shape


def llama(**options):
    shape = {"vocab_size": 31, "hidden_size": 48, "intermediate_size": 40, "num_hidden_layers": 3}
    return LlamaConfig(
        **shape | {"num_attention_heads": 4, "bos_token_id": 1, "eos_token_id": 2} | options
    )


CONFIGS = {
    "llama": llama(),
    "llama tied": llama(tie_word_embeddings=True),
    "llama with shared keys": llama(num_key_value_heads=2),
    "llama with one key head": llama(num_key_value_heads=1, tie_word_embeddings=True),
    "llama with wide heads": llama(num_key_value_heads=2, head_dim=16),
    # no gate, biases, learned positions, matrices stored the other way round
    "gpt2": GPT2Config(
        vocab_size=31, n_embd=48, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2
    ),
}
ROWS, PROMPT = 2, 10


def token_flops(config, context):
    a, b = coefficients(config)
    return a + b * context


@pytest.fixture(params=CONFIGS, scope="module")
def config(request):
    return CONFIGS[request.param]


@pytest.fixture(scope="module")
def model(config):
    # eager: torch's counter does not see the fused attention of a CPU
    return AutoModelForCausalLM.from_config(config, attn_implementation="eager")


def counted(run):
    with FlopCounterMode(display=False) as counter:
        result = run()
    return counter.get_total_flops(), result


def tokens(length):
    return torch.randint(0, 31, (ROWS, length), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_prompt_and_one_more_token(config, model):
    flops, result = counted(lambda: model(tokens(PROMPT)))
    # the dense kernel multiplies the whole square of scores: every token pays for the full context
    assert flops == ROWS * PROMPT * token_flops(config, PROMPT)
    flops, _ = counted(lambda: model(tokens(1), past_key_values=result.past_key_values))
    assert flops == ROWS * token_flops(config, PROMPT + 1)


@torch.no_grad()
def test_one_token_at_a_time_is_the_sequence(config, model):
    def decode():
        past = None
        for _ in range(6):
            past = model(tokens(1), past_key_values=past).past_key_values

    flops, _ = counted(decode)
    assert flops == ROWS * sequence_flops(config, 0, 6)


def test_training_is_three_times_the_forward_pass(config, model):
    def step():
        model(tokens(PROMPT), labels=tokens(PROMPT)).loss.backward()

    flops, _ = counted(step)
    # again the whole square: length · token(length) in place of the sum over contexts
    _, per_position = coefficients(config)
    unused = ROWS * per_position * PROMPT * (PROMPT - 1) // 2
    assert flops == 3 * (ROWS * sequence_flops(config, 0, PROMPT) + unused)


def test_a_tied_output_layer_costs_the_same_and_the_embedding_nothing():
    assert coefficients(CONFIGS["llama"]) == coefficients(CONFIGS["llama tied"])
    a, _ = coefficients(llama(vocab_size=131))
    assert a - coefficients(llama())[0] == 2 * 100 * 48


def test_shared_keys_make_smaller_matrices_and_the_same_attention():
    (many, attention), (few, same) = (
        coefficients(CONFIGS[name]) for name in ("llama", "llama with shared keys")
    )
    assert attention == same == 4 * 3 * 48
    assert many - few == 2 * 3 * 2 * 48 * 24  # layers, keys and values, width, two heads less


def test_a_lab_model_by_hand():
    width, layers, hidden, vocabulary = 64, 4, 192, 21
    shape = Shape(vocabulary=vocabulary, width=width, layers=layers, heads=4, hidden=hidden)
    matrices = layers * (4 * width**2 + 3 * width * hidden) + vocabulary * width
    by_hand = (2 * matrices, 4 * layers * width)
    assert coefficients(shape.config()) == shape.flops == by_hand
    norms = (2 * layers + 1) * width
    assert matrices == shape.parameters - norms


def test_a_changed_configuration_is_counted_anew():
    config = llama()
    before = token_flops(config, 5)
    config.num_hidden_layers = 6
    assert token_flops(config, 5) > 1.5 * before


def test_a_sequence_is_the_sum_of_its_tokens():
    config = llama()
    for start, stop in ((0, 7), (3, 9), (4, 4)):
        assert sequence_flops(config, start, stop) == sum(
            token_flops(config, t + 1) for t in range(start, stop)
        )
    assert sequence_flops(config, 0, 9) == sequence_flops(config, 0, 3) + sequence_flops(
        config, 3, 9
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sequence_flops(llama(), 0, 1.5), "stop is 1.5; it must be a whole number"),
        (lambda: sequence_flops(llama(), [1, 2], 3), "start is "),
        (
            lambda: sequence_flops(llama(), 3, 2),
            "stop is 2; it must be a whole number of at least 3",
        ),
        (lambda: sequence_flops(llama(), -1, 2), "start is -1"),
    ],
)
def test_bad_input_gets_one_line(call, says):
    with pytest.raises(ValueError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_mixture_of_experts_is_refused():
    config = MixtralConfig(
        vocab_size=31,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    with pytest.raises(ValueError, match="mixtral is no stack of plain matrices"):
        coefficients(config)
