"""Weight averaging in PyTorch, by `torch.optim.swa_utils`. See weight_averaging.py.

    averages = Averages(EMA(half_life=200), model)
    averages.update(step, progress)          # after each step of the optimizer
    evaluate(averages.evaluated(progress))   # the model itself where there is no average yet
"""

from collections import deque
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mlgolf.methods.weight_averaging import EMA, LAWA, WeightAveraging


class Averages:
    """The average of one model's weights and buffers, kept beside it."""

    def __init__(self, method: WeightAveraging, model: nn.Module) -> None:
        self._method, self._model = method, model
        self._kept = _KINDS[type(method)](method)

    def update(self, step: int, progress: float) -> None:
        """Take the model's weights in, where one is due. Args: step: how many there have been."""
        if self._method.is_due(progress, step):
            self._kept.add(self._model)

    def evaluated(self, progress: float) -> nn.Module:
        """A module of its own with the average; the model itself outside the window.

        Go on training the model: the one returned is overwritten by later averages.
        """
        if not self._method.is_active(progress):
            return self._model
        return self._kept.average() or self._model


class _Exponential:
    def __init__(self, method: EMA) -> None:
        self._decay = method.decay
        self._averaged: AveragedModel | None = None

    def add(self, model: nn.Module) -> None:
        if self._averaged is None:
            average = get_ema_multi_avg_fn(self._decay)
            self._averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        self._averaged.update_parameters(model)

    def average(self) -> nn.Module | None:
        return None if self._averaged is None else self._averaged.module


class _Latest:
    def __init__(self, method: LAWA) -> None:
        self._checkpoints: deque[list[Tensor]] = deque(maxlen=method.checkpoints)
        self._module: nn.Module | None = None

    def add(self, model: nn.Module) -> None:
        if self._module is None:
            self._module = deepcopy(model)
        self._checkpoints.append([tensor.detach().clone() for tensor in _tensors(model)])

    @torch.no_grad()
    def average(self) -> nn.Module | None:
        if self._module is None:
            return None
        for place, tensor in enumerate(_tensors(self._module)):
            latest = [checkpoint[place] for checkpoint in self._checkpoints]
            is_count = not tensor.is_floating_point()
            tensor.copy_(latest[-1] if is_count else torch.stack(latest).mean(dim=0))
        return self._module


_KINDS = {EMA: _Exponential, LAWA: _Latest}


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
