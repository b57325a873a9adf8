"""Adam, a step at a time, without PyTorch's compiler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim.adam import adam


class Adam:
    """Moves weights down their slopes, with averages over steps of 0.9 and 0.98.

    An optimizer of PyTorch would load its compiler, 40 MB; the function that it calls does not.

    Parameters
    ----------
    weights : iterable of torch.nn.Parameter
        Changed in place.
    """

    def __init__(self, weights: Iterable[nn.Parameter]):
        self.weights = list(weights)
        self._moments = [[torch.zeros_like(weight) for weight in self.weights] for _ in range(2)]
        self._counters = [torch.zeros(()) for _ in self.weights]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Take one step at a learning rate; each weight has its slope."""
        adam(
            self.weights,
            [cast(Tensor, weight.grad) for weight in self.weights],
            *self._moments,
            [],
            self._counters,
            fused=True,
            lr=rate,
            beta1=0.9,
            beta2=0.98,
            eps=1e-8,
            weight_decay=0.0,
            amsgrad=False,
            maximize=False,
        )
