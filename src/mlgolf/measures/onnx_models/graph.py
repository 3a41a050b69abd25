"""A model as a straight-line program whose order the graph itself fixes.

The order is that of a walk from the output: what a node uses comes before it, its first input
first. It depends neither on names nor on the order in a file, and it passes over what the output
does not depend on.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import ModelError
from mlgolf.measures.onnx_models.tensors import shown

# An int, bytes (a text, or float32 numbers), ints, or texts; a tensor is the number of its value.
Attribute = int | bytes | tuple[int, ...] | tuple[bytes, ...]


class Node(NamedTuple):
    """One operator on numbered values."""

    operator: str
    inputs: tuple[int, ...]
    num_outputs: int
    attributes: tuple[tuple[str, Attribute], ...]  # in order of name


@dataclass(frozen=True, slots=True)
class Model:
    """A graph that computes one output.

    Each step makes values: a constant (an array) makes one, a node its outputs. Values have
    numbers: 0 is none (an optional input that is not given), then come the inputs, then what the
    steps make, in order. A step uses values with smaller numbers; no two constants are equal.
    """

    opset: int
    num_inputs: int
    steps: tuple[NDArray | Node, ...]
    output: int


class NamedNode(NamedTuple):
    """A node as a file has it: values by name, tensors of attributes as arrays."""

    where: str  # for messages
    operator: str
    inputs: list[bytes]
    outputs: list[bytes]
    attributes: dict[str, Attribute | NDArray]


class Draft:
    """A graph by names, while it is read."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._inputs: list[bytes] = []
        self._constants: dict[bytes, NDArray] = {}
        self._aliases: dict[bytes, bytes] = {}
        self._makers: dict[bytes, NamedNode] = {}

    def add_input(self, name: bytes) -> None:
        self._define(name, "an input")
        self._inputs.append(name)

    def add_constant(self, name: bytes, array: NDArray) -> None:
        self._define(name, "a constant")
        self._constants[name] = array

    def add_alias(self, name: bytes, same_as: bytes) -> None:
        self._define(name, "an identity")
        self._aliases[name] = same_as

    def add_node(self, node: NamedNode) -> None:
        for name in filter(None, node.outputs):
            self._define(name, f"an output of {node.where}")
            self._makers[name] = node

    def is_constant(self, name: bytes) -> bool:
        return name in self._constants

    def _define(self, name: bytes, what: str) -> None:
        if not name or name in self._known:
            raise ModelError(
                f"the name {shown(name)} of {what} is {'taken' if name else 'empty'}; "
                "give each value a name of its own"
            )
        self._known.add(name)

    def model(self, opset: int, output: bytes) -> Model:
        """What the output depends on.

        Raises: ModelError if a value that is used is not there, or depends on itself.
        """
        numbers = {name: number for number, name in enumerate(self._inputs, 1)}
        steps: list[NDArray | Node] = []
        made = len(numbers)  # the number of the last value
        equal: dict[tuple[str, tuple[int, ...], bytes], int] = {}  # constants
        opened: set[int] = set()

        def add_constant(array: NDArray) -> int:
            nonlocal made
            key = (array.dtype.str, array.shape, array.tobytes())
            if key not in equal:
                steps.append(array)
                equal[key] = made = made + 1
            return equal[key]

        output = self._source(output, "the output")
        ahead = [output]
        while ahead:
            name = ahead[-1]
            node = self._makers.get(name)
            if name in numbers or node is None:
                if name not in numbers:
                    numbers[name] = add_constant(self._constants[name])
                ahead.pop()
                continue
            used = [name and self._source(name, node.where) for name in node.inputs]
            missing = [name for name in used if name and name not in numbers]
            if missing and id(node) in opened:
                raise ModelError(f"the graph has a cycle through {node.where}; remove it")
            if missing:
                opened.add(id(node))
                ahead.extend(reversed(missing))
                continue
            attributes = tuple(
                (key, add_constant(value) if isinstance(value, np.ndarray) else value)
                for key, value in sorted(node.attributes.items())
            )
            inputs = tuple(numbers[name] if name else 0 for name in used)
            steps.append(Node(node.operator, inputs, len(node.outputs), attributes))
            numbers.update((name, made + n) for n, name in enumerate(node.outputs, 1) if name)
            made += len(node.outputs)
        return Model(opset, len(self._inputs), tuple(steps), numbers[output])

    def _source(self, name: bytes, user: str) -> bytes:
        """The name of what a value is, past all identities."""
        path = []
        while name in self._aliases:
            path.append(name)
            name = self._aliases[name]
            if len(path) > len(self._aliases):
                raise ModelError(f"the graph has a cycle through {shown(name)}; remove it")
        if name not in self._known:
            raise ModelError(f"{user} uses {shown(name)}, which nothing in the graph gives")
        self._aliases.update(dict.fromkeys(path, name))  # so that long chains are walked once
        return name
