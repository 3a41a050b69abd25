"""Growing linear layers in PyTorch. See growing.py. The layers given stay as they are."""

import numpy as np
import torch
from torch import nn

from mlgolf.methods.growing import copies, noise_like


def widened(
    first: nn.Linear, second: nn.Linear, width: int, rng: np.random.Generator, noise: float = 0.0
) -> tuple[nn.Linear, nn.Linear]:
    """Two layers that follow one another, with `width` units between; the same function.

    Args: noise: see `Growing`; 0 is exact. Only an elementwise activation may stand between them.
    Raises: MethodError if they would shrink.
    """
    old = first.out_features
    sources, shares = copies(old, width, rng)
    leaving = second.weight.detach()[:, sources]
    leaving = leaving * torch.as_tensor(shares).to(leaving)
    leaving += torch.as_tensor(noise_like(leaving.cpu().numpy(), noise, old, rng)).to(leaving)
    bias = None if first.bias is None else first.bias.detach()[sources]
    return _linear(first.weight.detach()[sources], bias), _linear(leaving, second.bias)


def deepened(layer: nn.Linear) -> nn.Linear:
    """A layer to stand behind this one and its ReLU: the identity."""
    identity = torch.eye(layer.out_features).to(layer.weight)
    return _linear(identity, None if layer.bias is None else torch.zeros_like(layer.bias))


def _linear(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Linear:
    outputs, inputs = weight.shape
    layer = nn.Linear(inputs, outputs, bias=bias is not None, device="meta")  # draws nothing
    layer.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer
