"""A graph in PyTorch: a function for each kind of layer, in the order of layers.py, and the losses.

`x` has the batch as its first axis.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.graph.graph import INPUTS, Graph, initial_tensors
from mlgolf.workloads.graph.layers import NORM_EPSILON, Attention, Convolution, Layer, Pool
from mlgolf.workloads.parts.losses_torch import masked_losses


class Model:
    """Params are the module, its parameters called as the graph's tensors; model_state is None."""

    def __init__(self, size: Size) -> None:
        self.graph: Graph = size.model

    def init(self, rng: Any) -> tuple[nn.Module, None]:
        """The same values as in JAX for the same two integers.

        Of one seed, the two frameworks make different keys.

        Args: rng: (2,) integers that are not negative.
        """
        generator = np.random.default_rng(np.asarray(rng, np.uint32))
        return Network(self.graph, initial_tensors(self.graph, generator)), None

    def apply(
        self, params: nn.Module, batch: Mapping[str, Any], model_state: None,
        mode: ForwardPassMode, rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Tensor, None]:
        """Outputs (B, *output_shape) of `inputs` (B, *inputs.shape), the same in both modes.

        There is no dropout, and no batch norm.
        """
        return params(batch["inputs"]), None

    def loss(
        self, label_batch: Tensor, logits_batch: Tensor, mask_batch: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Tensor]:
        """The graph's loss of (B, *target_shape) labels. Only cross_entropy smooths them."""
        per_example = LOSSES[self.graph.loss](label_batch, logits_batch, label_smoothing)
        return masked_losses(per_example, mask_batch)

    def is_output(self, key: str) -> bool:
        return self.graph.is_output(key)


class Network(nn.Module):
    """Tensors in modules nested by their names, and the layers computed one after the other."""

    def __init__(self, graph: Graph, tensors: Mapping[str, NDArray]) -> None:
        super().__init__()
        self.wiring, self.output = graph.wiring, graph.layers[-1].name
        for name, values in tensors.items():
            *path, leaf = name.split(".")
            module: nn.Module = self
            for part in path:
                # Not add_module: it refuses names that modules have methods of, as "train".
                inner = module._modules.setdefault(part, nn.Module())
                assert inner is not None
                module = inner
            module.register_parameter(leaf, nn.Parameter(torch.tensor(values)))

    def forward(self, inputs: Tensor) -> Tensor:
        values = {INPUTS: inputs}
        for layer, sources in self.wiring:
            compute, tensors = KINDS[layer.kind], self._modules.get(layer.name)
            values[layer.name] = compute(layer, tensors, *(values[name] for name in sources))
        return values[self.output]


# --- layers ---


def dense(layer: Layer, tensors: Any, x: Tensor) -> Tensor:
    return F.linear(x, tensors.weight, getattr(tensors, "bias", None))


def convolution(layer: Convolution, tensors: Any, x: Tensor) -> Tensor:
    rows, columns = layer.pads(tuple(x.shape[2:]))
    if any(rows + columns):
        x = F.pad(x, columns + rows)
    return F.conv2d(x, tensors.weight, getattr(tensors, "bias", None), layer.stride)


def embedding(layer: Layer, tensors: Any, x: Tensor) -> Tensor:
    return F.embedding(x, tensors.weight)


def positions(layer: Layer, tensors: Any, x: Tensor) -> Tensor:
    return x + tensors.weight


def attention(layer: Attention, tensors: Any, x: Tensor) -> Tensor:
    batch, length, width = x.shape
    heads = (batch, length, layer.heads, -1)
    query, key, value = (
        dense(layer, part, x).reshape(heads).transpose(1, 2)
        for part in (tensors.query, tensors.key, tensors.value)
    )
    scores = query @ key.transpose(2, 3) / math.sqrt(width / layer.heads)
    if layer.causal:
        is_later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        scores = scores.masked_fill(is_later, -math.inf)
    mixed = (scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(batch, length, width)
    return dense(layer, tensors.output, mixed)


def layer_norm(layer: Layer, tensors: Any, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], tensors.weight, tensors.bias, NORM_EPSILON)


def activation(function: Callable[[Tensor], Tensor], layer: Layer, _: Any, x: Tensor) -> Tensor:
    return function(x)


def sum_(layer: Layer, _: Any, x: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        x = x + other
    return x


def flatten(layer: Layer, _: Any, x: Tensor) -> Tensor:
    return x.flatten(1)


def mean_pool(layer: Pool, _: Any, x: Tensor) -> Tensor:
    return F.avg_pool2d(x, layer.size, layer.steps)


def max_pool(layer: Pool, _: Any, x: Tensor) -> Tensor:
    return F.max_pool2d(x, layer.size, layer.steps)


def mean(layer: Layer, _: Any, x: Tensor) -> Tensor:
    return x.mean(dim=1)


KINDS: dict[str, Callable[..., Tensor]] = {
    "dense": dense,
    "convolution": convolution,
    "embedding": embedding,
    "positions": positions,
    "attention": attention,
    "layer_norm": layer_norm,
    "relu": partial(activation, F.relu),
    "gelu": partial(activation, F.gelu),
    "tanh": partial(activation, torch.tanh),
    "sigmoid": partial(activation, torch.sigmoid),
    "sum": sum_,
    "flatten": flatten,
    "mean_pool": mean_pool,
    "max_pool": max_pool,
    "mean": mean,
}


# --- losses: (B,) of labels and logits ---


def cross_entropy(labels: Tensor, logits: Tensor, smoothing: float) -> Tensor:
    labels = labels.reshape(len(logits), -1).long()
    is_given = labels >= 0
    flat, classes = logits.reshape(-1, logits.shape[-1]), labels.clamp(min=0).flatten()
    if smoothing or flat.requires_grad:
        losses = F.cross_entropy(flat, classes, reduction="none", label_smoothing=smoothing)
    else:
        losses = _surprise(flat, classes)
    losses = losses.reshape(labels.shape)
    return (losses * is_given).sum(dim=1) / is_given.sum(dim=1).clamp(min=1)


def _surprise(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy of (N, classes): without gradients four times as fast as torch's own."""
    shifted = logits - logits.amax(dim=1, keepdim=True)
    return shifted.exp().sum(dim=1).log() - shifted.gather(1, classes[:, None])[:, 0]


def squared_error(labels: Tensor, logits: Tensor, _: float) -> Tensor:
    return (logits - labels.reshape(logits.shape)).square().flatten(1).mean(dim=1)


def sigmoid_cross_entropy(labels: Tensor, logits: Tensor, _: float) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(
        logits, labels.reshape(logits.shape), reduction="none"
    )
    return losses.flatten(1).mean(dim=1)


LOSSES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "cross_entropy": cross_entropy,
    "squared_error": squared_error,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
}
