"""A network as data: what goes in, the layers, the loss. Imports no framework.

A host writes it as `graph.toml`; model_torch.py and model_jax.py both compute it. Every shape is
inferred when a graph is read, so that a graph which exists can be computed.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, LiteralString, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError
from pydantic import model_validator as validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mlgolf.workloads.graph.layers import AnyLayer, Count, Layer, Misfit, Shape, TensorSpec

INPUTS = "inputs"


class Inputs(BaseModel):
    """One example of what the network is given: a shape without the batch, and a dtype."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: Annotated[tuple[Count, ...], Field(min_length=1)]
    dtype: Literal["float32", "int32"]


class Graph(BaseModel):
    """Layers in the order in which they are computed; the last one's output is the network's.

    Tensors are called "layer.tensor", as in "hidden.weight" or "mixing.query.bias".

    `loss`, of an example:
      cross_entropy: output (..., classes), integer targets (...); the mean over the positions whose
        target is not negative, 0 where there is none.
      squared_error, sigmoid_cross_entropy: targets as the output, float32; the mean over outputs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: Inputs
    layers: tuple[AnyLayer, ...]
    loss: Literal["cross_entropy", "squared_error", "sigmoid_cross_entropy"]

    @validator(mode="wrap")
    @classmethod
    def _can_be_computed(cls, record: Any, validate: ModelWrapValidatorHandler) -> "Graph":
        """Fields come first; where none is wrong, all that is wrong between layers is listed."""
        try:
            graph = validate(record)
        except ValidationError as error:
            raise _error([_in_layer(record, found) for found in error.errors()]) from None
        problems = list(_problems_of_layers(graph)) or list(_problems_of_the_whole(graph))
        if problems:
            raise _error(problems)
        return graph

    @cached_property
    def wiring(self) -> tuple[tuple[Layer, tuple[str, ...]], ...]:
        """Each layer with the names of what it takes, in order."""
        before = [INPUTS, *(layer.name for layer in self.layers)]
        return tuple(
            (layer, tuple(previous if n is None else n for n in layer.sources))
            for layer, previous in zip(self.layers, before, strict=False)
        )

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Shape of the output of each layer, and of "inputs", for one example."""
        shapes = {INPUTS: self.inputs.shape}
        for layer, sources in self.wiring:
            shapes[layer.name] = layer.output_shape(*(shapes[name] for name in sources))
        return shapes

    @property
    def output_shape(self) -> Shape:
        """Shape of the network's output for one example."""
        return self.shapes[self.layers[-1].name]

    @property
    def target_shape(self) -> Shape:
        """Shape of the targets of one example: integers for cross_entropy, else float32."""
        return self.output_shape[:-1] if self.loss == "cross_entropy" else self.output_shape

    @cached_property
    def tensor_specs(self) -> dict[str, TensorSpec]:
        return {
            f"{layer.name}.{name}": spec
            for layer, (source, *_) in self.wiring
            for name, spec in layer.tensors(self.shapes[source]).items()
        }

    @property
    def tensors(self) -> dict[str, Shape]:
        """Shape of every tensor that is learned, in the order of the layers."""
        return {name: spec.shape for name, spec in self.tensor_specs.items()}

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the weights: matrices, filters, and tables of embeddings and positions.

        Biases are none, nor is the scale of a layer norm: they have one axis.
        """
        return tuple(name for name, shape in self.tensors.items() if len(shape) > 1)

    def is_output(self, tensor: str) -> bool:
        """Whether a tensor is of the last layer that has any."""
        last = next(reversed(self.tensor_specs))
        return _layer_of(tensor) == _layer_of(last)


def initial_tensors(graph: Graph, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Values to train from, by name: the same bytes for both frameworks.

    Weights and biases are uniform within ±1 / sqrt(inputs of an output), as in torch's Linear;
    embeddings and positions normal with standard deviation 0.02; a layer norm is 1 and 0.
    """
    return {name: spec.draw(rng) for name, spec in graph.tensor_specs.items()}


def _layer_of(tensor: str) -> str:
    return tensor.partition(".")[0]


# --- what is wrong with a graph ---


class Problem(NamedTuple):
    place: tuple[int | str, ...]  # keys that lead to it: ("layers", 3, "units")
    message: str
    found: Any
    type: LiteralString = "graph"  # pydantic's name of the error


def _error(problems: list[Problem]) -> ValidationError:
    details = (
        InitErrorDetails(
            type=PydanticCustomError(problem.type, "{message}", {"message": problem.message}),
            loc=problem.place, input=problem.found,
        )
        for problem in problems
    )  # fmt: skip
    return ValidationError.from_exception_data("Graph", list(details))


def _in_layer(record: Any, error: Any) -> Problem:
    """A wrong field, with the name of its layer and without pydantic's name of the kind."""
    place, message, found, type = error["loc"], error["msg"], error["input"], error["type"]
    if place[:1] != ("layers",) or len(place) < 2:
        return Problem(place, message, found, type)
    table = record["layers"][place[1]]
    if type == "union_tag_invalid":
        place, found = (*place, "kind"), error["ctx"]["tag"]
        message = f"unknown kind; allowed: {error['ctx']['expected_tags']}"
    elif type == "union_tag_not_found":
        place, message, type = (*place, "kind"), "Field required", "missing"
    else:
        place = (*place[:2], *place[3:])
    name = table.get("name") if isinstance(table, Mapping) else None
    return Problem(place, f"layer {name!r}: {message}" if name else message, found, type)


def _problems_of_layers(graph: Graph) -> Iterator[Problem]:
    """Names, inputs and shapes that do not fit, one for each layer at most."""
    if not graph.layers:
        yield Problem(("layers",), "a graph has one layer or more", ())
    shapes: dict[str, Shape | None] = {INPUTS: graph.inputs.shape}  # None: not known
    for place, (layer, sources) in enumerate(graph.wiring):
        shape = None
        try:
            shape = _checked_shape(graph, layer, sources, shapes)
        except Misfit as misfit:
            found = sources[0] if misfit.field == "input" else getattr(layer, misfit.field)
            where, message = ("layers", place, misfit.field), f"layer {layer.name!r}: {misfit}"
            yield Problem(where, message, found)
        shapes[layer.name] = shape


def _checked_shape(
    graph: Graph, layer: Layer, sources: tuple[str, ...], shapes: Mapping[str, Shape | None]
) -> Shape | None:
    """Shape of a layer's output; None if one of its sources has a problem. Raises: Misfit."""
    field = "inputs" if layer.kind == "sum" else "input"
    if layer.name in shapes:
        raise Misfit("name", "this name is taken; give each layer one of its own")
    for name in sources:
        if name not in shapes:
            raise Misfit(field, f"{name!r} is no earlier layer; allowed: {', '.join(shapes)}")
        dtype = graph.inputs.dtype if name == INPUTS else "float32"
        if dtype != layer.takes:
            raise Misfit(
                field, f"{name!r} is {dtype}, but {layer.kind} takes {layer.takes}. Integer inputs "
                "go to an embedding, and nothing else does"
            )  # fmt: skip
    known = [shape for shape in map(shapes.get, sources) if shape is not None]
    return layer.output_shape(*known) if len(known) == len(sources) else None


def _problems_of_the_whole(graph: Graph) -> Iterator[Problem]:
    """What is wrong although each layer can be computed."""
    used = {name for _, sources in graph.wiring for name in sources}
    for place, layer in enumerate(graph.layers[:-1]):
        if layer.name not in used:
            message = f"layer {layer.name!r}: no later layer takes its output; connect or remove it"
            yield Problem(("layers", place, "name"), message, layer.name)
    if graph.loss == "cross_entropy" and graph.output_shape[-1] < 2:
        yield Problem(
            ("loss",), f"the last layer, {graph.layers[-1].name!r}, gives shape "
            f"{graph.output_shape}; cross_entropy needs two classes or more on the last axis",
            graph.loss,
        )  # fmt: skip
    if not graph.tensor_specs:
        names = [layer.name for layer in graph.layers]
        yield Problem(("layers",), "no layer has a tensor, so there is nothing to train", names)
