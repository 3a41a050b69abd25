"""The operations of `arrays.py` in PyTorch."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mlgolf.core.arrays import IntArray


def take(array: Tensor, indices: Any, axis: int) -> Tensor:
    return array.index_select(axis, torch.as_tensor(indices, device=array.device))


def resized(images: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(
        images, (height, width), mode="bilinear", align_corners=False, antialias=True
    )


def blanked(images: Tensor, tops: IntArray, lefts: IntArray, height: int, width: int) -> Tensor:
    rows = _inside(images.shape[2], tops, height, images.device)
    columns = _inside(images.shape[3], lefts, width, images.device)
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def _inside(size: int, starts: IntArray, length: int, device: torch.device) -> Tensor:
    """(B, size), whether a place lies in the interval of each image."""
    offsets = torch.arange(size, device=device) - torch.as_tensor(starts, device=device)[:, None]
    return (offsets >= 0) & (offsets < length)


def blended(array: Tensor, partners: IntArray, share: float) -> Tensor:
    return torch.lerp(take(array, partners, 0), array, share)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    return F.one_hot(labels.long(), classes).float()


def is_integer(array: Tensor) -> bool:
    return not (array.is_floating_point() or array.is_complex())


def highest(scores: Tensor, noise: NDArray[np.float32], power: float, count: int) -> Tensor:
    ranks = scores.argsort(stable=True).argsort()
    shares = (ranks + 0.5) / len(scores)
    noisy = power * shares.log() + torch.as_tensor(noise, device=scores.device)
    return noisy.topk(count).indices.sort().values
