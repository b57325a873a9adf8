"""Random verifiers: a number for each text without a net, and a net of a few thousand weights."""

import random

import numpy as np
import torch

from ttclib.lm.llama import Shape
from ttclib.search.verifier import Net, RewardModel


def opinion(problem, text):
    """A number strictly between 0 and 1, another one for every text."""
    return random.Random(f"{problem}|{text}").uniform(0.05, 0.95)


NETS = {  # of every kind
    "linear": {},
    "plain": {"hears": ()},
    "body": {"hears": ("body",)},
    "judge": {"judge": 12},
    "tokens": {"hears": ("writer",), "sums": False, "judge": 12},
}


def tiny_verifier(lm, kind="judge", seed=0, context=40):
    """A verifier with random weights, its head included."""
    shape = Shape(len(lm.vocabulary), width=16, layers=2, heads=2, hidden=24, context=context)
    net = Net(shape, **NETS[kind], seed=seed)
    with torch.no_grad():
        net.head.weight.normal_(generator=torch.Generator().manual_seed(seed))
    return RewardModel(net, lm.vocabulary.texts)


@torch.no_grad()
def full_score(verifier, prompt, tokens, surprise):
    """What the verifier says of one text, read as a whole and without a cache."""
    text = torch.tensor([[*prompt, *map(int, tokens)]])
    extra = np.concatenate([np.zeros((len(prompt), 2)), surprise])
    length = text.shape[1]
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    place = torch.arange(length)[None]
    logits, _ = verifier.net(
        text, torch.tensor(extra[None]).float(), place >= len(prompt), place, mask
    )
    return torch.sigmoid(logits[0, -1].double()).item()
