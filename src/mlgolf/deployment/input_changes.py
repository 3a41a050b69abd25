"""Changes to inputs that undo usual faults of preprocessing, and turned axes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Function = Callable[[NDArray], NDArray]
# Of the most used normalisation of images, from pixels in [0, 1]; red, green, blue.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
COLOURS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    fault: str
    says: str
    name: str  # of the input
    function: Function

    def applied(self, feed: Mapping[str, NDArray]) -> dict[str, NDArray]:
        return {**feed, self.name: np.ascontiguousarray(self.function(feed[self.name]))}


def input_changes(feed: Mapping[str, NDArray]) -> Iterator[Change]:
    for name, array in feed.items():
        for fault, says, function in _changes(array):
            yield Change(fault=fault, says=f"input {name!r} {says}", name=name, function=function)
    yield from _swapped(feed)


def _changes(array: NDArray) -> Iterator[tuple[str, str, Function]]:
    if array.dtype.kind == "f" and array.size:
        yield from _scales(array)
    yield from _orders(array)


def _scales(array: NDArray) -> Iterator[tuple[str, str, Function]]:
    kind = array.dtype
    for says, scale, shift in (
        ("divided by 255", 1 / 255, 0.0), ("multiplied by 255", 255.0, 0.0),
        ("scaled from [0, 1] to [-1, 1]", 2.0, -1.0), ("scaled from [-1, 1] to [0, 1]", 0.5, 0.5),
        ("scaled from [0, 255] to [-1, 1]", 2 / 255, -1.0),
        ("scaled from [-1, 1] to [0, 255]", 127.5, 127.5), ("with the other sign", -1.0, 0.0),
        ("as 1 - x", -1.0, 1.0), ("as 255 - x", -1.0, 255.0),
    ):  # fmt: skip
        yield "preprocessing", says, lambda x, s=scale, t=shift: (s * x + t).astype(kind)
    for axes, of in _normalised_over(array):
        mean, std = array.mean(axis=axes, keepdims=True), array.std(axis=axes, keepdims=True)
        std = np.where(std > 0, std, 1.0)
        yield (
            "preprocessing", f"normalised by {of} of these examples",
            lambda x, m=mean, s=std: ((x - m) / s).astype(kind),
        )
    for axis in _channel_axes(array):
        shape = [COLOURS if at == axis else 1 for at in range(array.ndim)]
        mean, std = (np.reshape(v, shape) for v in (IMAGENET_MEAN, IMAGENET_STD))
        for size, of in ((1.0, "[0, 1]"), (255.0, "[0, 255]")):
            yield (
                "preprocessing", f"normalised from {of} by ImageNet's mean and deviation",
                lambda x, m=mean, s=std, z=size: ((x / z - m) / s).astype(kind),
            )
            yield (
                "preprocessing", f"without ImageNet's mean and deviation, in {of}",
                lambda x, m=mean, s=std, z=size: ((x * s + m) * z).astype(kind),
            )


def _normalised_over(array: NDArray) -> Iterator[tuple[tuple[int, ...], str]]:
    every = tuple(range(array.ndim))
    yield every, "mean and deviation"
    if array.ndim == 2:
        yield (0,), "mean and deviation of each feature"
    for axis in sorted({1, array.ndim - 1}) if array.ndim > 2 else ():
        rest = tuple(at for at in every if at != axis)
        yield rest, f"mean and deviation of each channel (axis {axis})"
    yield every[1:], "mean and deviation of each example"


def _channel_axes(array: NDArray) -> list[int]:
    if array.ndim < 3:
        return []
    return [axis for axis in sorted({1, array.ndim - 1}) if array.shape[axis] == COLOURS]


def _orders(array: NDArray) -> Iterator[tuple[str, str, Function]]:
    for axis in _channel_axes(array):
        yield (
            "preprocessing", f"with its channels (axis {axis}) in reverse, as between RGB and BGR",
            lambda x, a=axis: np.flip(x, a),
        )
    for axis in range(1, array.ndim):
        if axis not in _channel_axes(array) and array.shape[axis] > 1:
            yield "preprocessing", f"with axis {axis} in reverse", lambda x, a=axis: np.flip(x, a)
    axes = tuple(range(1, array.ndim))
    if len(axes) > 3:
        return
    for order in permutations(axes):
        if order == axes:
            continue
        if tuple(array.shape[a] for a in order) == array.shape[1:]:
            yield (
                "transposed axis", f"with its axes in the order {(0, *order)}",
                lambda x, o=order: x.transpose(0, *o),
            )
        # Reshaped where it should have been transposed: undone by the reverse.
        shape, back = tuple(array.shape[a] for a in order), np.argsort(order)
        if shape == array.shape[1:] or 1 in shape:  # then both are the same
            continue
        yield (
            "transposed axis",
            f"read as {shape} and transposed: it was reshaped to {array.shape[1:]} where it should "
            "have been transposed",
            lambda x, s=shape, b=back: x.reshape(len(x), *s).transpose(0, *(b + 1)),
        )


def _swapped(feed: Mapping[str, NDArray]) -> Iterator[Change]:
    names = list(feed)
    for at, name in enumerate(names):
        for other in names[at + 1:]:
            if feed[name].shape == feed[other].shape and feed[name].dtype == feed[other].dtype:
                yield _Swap(
                    fault="preprocessing", says=f"inputs {name!r} and {other!r} swapped", name=name,
                    function=lambda x: x, other=other,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Swap(Change):
    other: str = ""

    def applied(self, feed: Mapping[str, NDArray]) -> dict[str, NDArray]:
        return {**feed, self.name: feed[self.other], self.other: feed[self.name]}
