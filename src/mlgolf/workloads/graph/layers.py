"""The kinds of layers that a graph may have: fields, shapes and tensors of each. No framework.

Shapes are those of one example, without the batch: (width,) vectors, (T, width) sequences,
(C, H, W) images. What a kind computes stands under its name in model_torch.py and model_jax.py, in
the order of this file. Batch norm is left out on purpose: what a network makes of an example must
not depend on the other examples of its batch.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictBool

Shape = tuple[int, ...]
Count = Annotated[int, Field(strict=True, ge=1)]
Window = tuple[Count, Count]  # rows, columns
Name = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")]  # no dot: tensors have them

EMBEDDING_STDDEV = 0.02
NORM_EPSILON = 1e-5


class Misfit(Exception):
    """A layer that cannot take what it is given. `field` is the key to look at."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Shape of a tensor, and the values that training starts from."""

    shape: Shape
    initial: Literal["uniform", "normal", "constant"]
    scale: float  # uniform in +-scale, normal with mean 0 and this stddev, or this very value

    def draw(self, rng: np.random.Generator) -> NDArray[np.float32]:
        match self.initial:
            case "uniform":
                values = rng.uniform(-self.scale, self.scale, self.shape)
            case "normal":
                values = rng.normal(0.0, self.scale, self.shape)
            case "constant":
                values = np.full(self.shape, self.scale)
        return values.astype(np.float32)


Tensors = Mapping[str, TensorSpec]  # by name within the layer: "weight", "query.bias"


class Layer(BaseModel):
    """What all kinds share: a name, and by default a shape that stays and no tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    takes: ClassVar[str] = "float32"

    name: Name
    kind: str

    @property
    def sources(self) -> tuple[str | None, ...]:
        """The layers whose outputs it takes; None is the layer before."""
        raise NotImplementedError

    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of its output, by the shapes of its sources. Raises: Misfit."""
        return shapes[0]

    def tensors(self, shape: Shape) -> Tensors:
        """What it learns, by the shape of its source, for which `output_shape` has no complaint."""
        return {}


class OneInput(Layer):
    input: str | None = None  # an earlier layer, or "inputs"; None is the layer before

    @property
    def sources(self) -> tuple[str | None, ...]:
        return (self.input,)


class Dense(OneInput):
    """x W^T + bias, on the last axis. weight (units, width), bias (units,)."""

    kind: Literal["dense"]
    units: Count
    bias: StrictBool = True

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def tensors(self, shape: Shape) -> Tensors:
        return _linear((self.units, shape[-1]), self.bias)


class Convolution(OneInput):
    """Cross-correlation of an image. weight (filters, C, rows, columns), bias (filters,).

    With padding "same" an image of n rows becomes one of ceil(n / stride); where the number of zero
    rows that this takes is odd, the larger half is below (and to the right).
    """

    kind: Literal["convolution"]
    filters: Count
    size: Window
    stride: Window = (1, 1)
    padding: Literal["same", "valid"] = "same"
    bias: StrictBool = True

    def output_shape(self, shape: Shape) -> Shape:
        _check_axes(shape, "(C, H, W)")
        if self.padding == "same":
            rows, columns = (-(-n // step) for n, step in zip(shape[1:], self.stride, strict=True))
            return (self.filters, rows, columns)
        return (self.filters, *_windows(shape[1:], self.size, self.stride))

    def tensors(self, shape: Shape) -> Tensors:
        return _linear((self.filters, shape[0], *self.size), self.bias)

    def pads(self, image: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """Zeros (above, below), (left, right) of an image of (rows, columns)."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        totals = [
            max(0, (-(-n // step) - 1) * step + size - n)
            for n, size, step in zip(image, self.size, self.stride, strict=True)
        ]
        rows, columns = ((total // 2, total - total // 2) for total in totals)
        return rows, columns


class Embedding(OneInput):
    """A vector for each id: adds a last axis. weight (entries, width); ids are below entries."""

    takes: ClassVar[str] = "int32"
    kind: Literal["embedding"]
    entries: Count
    width: Count

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape, self.width)

    def tensors(self, shape: Shape) -> Tensors:
        return {"weight": TensorSpec((self.entries, self.width), "normal", EMBEDDING_STDDEV)}


class Positions(OneInput):
    """Adds a learned vector for each position of a sequence. weight (T, width)."""

    kind: Literal["positions"]

    def output_shape(self, shape: Shape) -> Shape:
        return _check_axes(shape, "(T, width)")

    def tensors(self, shape: Shape) -> Tensors:
        return {"weight": TensorSpec(shape, "normal", EMBEDDING_STDDEV)}


class Attention(OneInput):
    """Self-attention over the positions of a sequence, softmax(Q K^T / sqrt(width / heads)) V.

    query, key, value and output each have a weight (width, width) and a bias (width,). A causal one
    sees no later positions.
    """

    kind: Literal["attention"]
    heads: Count
    causal: StrictBool = False
    bias: StrictBool = True

    def output_shape(self, shape: Shape) -> Shape:
        _, width = _check_axes(shape, "(T, width)")
        if width % self.heads:
            allowed = ", ".join(str(n) for n in range(1, width + 1) if width % n == 0)
            raise Misfit(
                "heads", f"{self.heads} heads do not divide a width of {width}; allowed: {allowed}"
            )
        return shape

    def tensors(self, shape: Shape) -> Tensors:
        return {
            f"{part}.{name}": spec
            for part in ("query", "key", "value", "output")
            for name, spec in _linear((shape[-1], shape[-1]), self.bias).items()
        }


class LayerNorm(OneInput):
    """(x - mean) / sqrt(variance + 1e-5) * weight + bias, on the last axis. Both are (width,)."""

    kind: Literal["layer_norm"]

    def tensors(self, shape: Shape) -> Tensors:
        return {
            "weight": TensorSpec(shape[-1:], "constant", 1.0),
            "bias": TensorSpec(shape[-1:], "constant", 0.0),
        }


class Activation(OneInput):
    """Elementwise; gelu is the exact one, by the error function."""

    kind: Literal["relu", "gelu", "tanh", "sigmoid"]


class Sum(Layer):
    """The sum of two or more outputs of one shape: `inputs`, where others have `input`."""

    kind: Literal["sum"]
    inputs: Annotated[tuple[str, ...], Field(min_length=2)]

    @property
    def sources(self) -> tuple[str, ...]:
        return self.inputs

    def output_shape(self, *shapes: Shape) -> Shape:
        if len(set(shapes)) > 1:
            given = ", ".join(f"{n!r} {s}" for n, s in zip(self.inputs, shapes, strict=True))
            raise Misfit("inputs", f"the shapes of what it sums differ: {given}")
        return shapes[0]


class Flatten(OneInput):
    """All axes as one, the last axis fastest."""

    kind: Literal["flatten"]

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


class Pool(OneInput):
    """Mean or maximum of the windows that lie within an image; without a stride they tile it."""

    kind: Literal["mean_pool", "max_pool"]
    size: Window
    stride: Window | None = None

    @property
    def steps(self) -> Window:
        return self.stride or self.size

    def output_shape(self, shape: Shape) -> Shape:
        _check_axes(shape, "(C, H, W)")
        return (shape[0], *_windows(shape[1:], self.size, self.steps))


class Mean(OneInput):
    """The mean over the positions of a sequence: (T, width) to (width,)."""

    kind: Literal["mean"]

    def output_shape(self, shape: Shape) -> Shape:
        return _check_axes(shape, "(T, width)")[1:]


AnyLayer = Annotated[
    Dense | Convolution | Embedding | Positions | Attention | LayerNorm | Activation | Sum
    | Flatten | Pool | Mean,
    Field(discriminator="kind"),
]


def _linear(shape: Shape, bias: bool) -> Tensors:
    """A weight and the bias of its outputs, within +-1 / sqrt(inputs) as in torch's Linear."""
    bound = math.prod(shape[1:]) ** -0.5
    weight = {"weight": TensorSpec(shape, "uniform", bound)}
    return weight | {"bias": TensorSpec(shape[:1], "uniform", bound)} if bias else weight


def _check_axes(shape: Shape, expected: str) -> Shape:
    if len(shape) != len(expected.split(",")):
        raise Misfit("input", f"it is given shape {shape}; allowed is a shape {expected}")
    return shape


def _windows(image: Shape, size: Window, stride: Window) -> Shape:
    """How many windows fit, by rows and columns."""
    if any(n < width for n, width in zip(image, size, strict=True)):
        raise Misfit("size", f"a window of {size} does not fit into an image of {image}")
    return tuple((n - w) // s + 1 for n, w, s in zip(image, size, stride, strict=True))
