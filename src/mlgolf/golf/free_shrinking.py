"""Tensors that can be shrunk for free: a normalisation divides by what they were multiplied by.

Tried on models whose tensors are all of ordinary size, each tensor by itself, and together those
that a normalisation follows. What two layers can do together, one larger and one smaller, is left
alone: it changes norms and no function, and a player may use it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.text import enumerated
from mlgolf.golf.findings import Passed, Said
from mlgolf.golf.place import Place
from mlgolf.golf.trying import Arrays, Trying
from mlgolf.workloads.graph.graph import INPUTS, Graph

NORMALISES = ("layer_norm",)
MODELS = 2
FACTORS = (0.5, 0.1)
TOLERANCE = 1e-3  # of losses, absolute and relative
# A normalisation adds a small number to what it divides by, which matters where its input is small.
LARGE = 100.0


@dataclass(frozen=True, slots=True)
class _Group:
    tensors: tuple[str, ...]
    layer: str | None  # the normalisation that follows
    size: float = 1.0  # what tensors are multiplied by before anything is tried

    def __str__(self) -> str:
        return enumerated(self.tensors)


def free_shrinking(
    place: Place, trying: Trying, graph: Graph, inputs: NDArray
) -> Iterator[Said]:
    """Args: inputs: of the training data, which the sizes of tried tensors suit."""
    models = [ordinary_model(graph, inputs, seed) for seed in range(MODELS)]
    free: set[str] = set()
    found = False
    for group in _groups(graph):
        tried = _Tried(trying, models, group)
        known = free.issuperset(group.tensors)
        if known or not tried.shrinks() or not all(map(tried.is_unchanged, FACTORS)):
            continue
        free |= {*group.tensors}
        if tried.is_unchanged(0.0):
            yield Passed(f"scale: {group} changes no loss, so its best value is 0")
            continue
        found = True
        yield _finding(place, graph, group, tried)
    if not found:
        yield Passed(f"scale: none of {len(graph.tensors)} tensors can be shrunk for free")


def _finding(place: Place, graph: Graph, group: _Group, tried: "_Tried") -> Said:
    by = f"layer {group.layer!r} normalises what they give. " if group.layer else ""
    names = [layer.name for layer in graph.layers]
    keys = ("layers", names.index(group.layer)) if group.layer else ("layers",)
    return place.of_file(
        "graph", keys, f"{by}The losses of all examples stay as they are when {group} are "
        f"multiplied by {FACTORS[-1]:g}, and {enumerated(tried.shrinks())} shrinks for free. "
        "Remove the normalisation, or score something that does not depend on scale"
    )  # fmt: skip


class _Tried:
    """Models with one group of tensors multiplied by factors, beside what they were."""

    def __init__(self, trying: Trying, models: Sequence[Arrays], group: _Group) -> None:
        self._trying, self._group = trying, group
        self._models = [_scaled(model, group, group.size) for model in models]

    @cached_property
    def _losses(self) -> list[NDArray]:
        return [self._trying.losses(model) for model in self._models]

    def is_unchanged(self, factor: float) -> bool:
        """Whether all losses of all models stay as they are."""
        models = (_scaled(model, self._group, factor) for model in self._models)
        return all(
            np.allclose(self._trying.losses(model), plain, TOLERANCE, TOLERANCE)
            for model, plain in zip(models, self._losses, strict=True)
        )

    def shrinks(self) -> list[str]:
        """What the rules measure of a model that falls with the group."""
        before, after = (
            self._trying.measures(m)
            for m in (self._models[0], _scaled(self._models[0], self._group, FACTORS[0]))
        )
        return [name.partition("/")[2] for name in before if after[name] < before[name]]


def _scaled(model: Arrays, group: _Group, factor: float) -> Arrays:
    changed = {n: (model[n] * factor).astype(model[n].dtype) for n in group.tensors}
    return {**model, **changed}


def ordinary_model(graph: Graph, inputs: NDArray, seed: int) -> dict[str, NDArray]:
    """Normal numbers, so large that what each layer gives has a standard deviation of about 1."""
    rng = np.random.default_rng(seed)
    of_inputs = {layer.name for layer, sources in graph.wiring if INPUTS in sources}
    spread = float(np.sqrt(np.square(inputs.astype(np.float64)).mean())) or 1.0
    model = {}
    for name, shape in graph.tensors.items():
        layer = name.partition(".")[0]
        # An embedding has no inputs to add up, so its first row is as large as any.
        adds = len(shape) > 1 and graph.tensor_specs[name].initial == "uniform"
        size = np.prod(shape[1:]) ** -0.5 if adds else 1.0
        size /= spread if adds and layer in of_inputs else 1.0
        model[name] = (size * rng.standard_normal(shape)).astype(np.float32)
    return model


# --- what a normalisation follows ---


def _groups(graph: Graph) -> Iterator[_Group]:
    """Together what each normalisation follows; then every tensor by itself."""
    kinds = {layer.name: layer.kind for layer in graph.layers}
    sources = {layer.name: taken for layer, taken in graph.wiring}
    for layer in graph.layers:
        if layer.kind in NORMALISES:
            tensors = _before(graph, sources[layer.name][0], kinds, sources)
            if tensors:
                yield _Group(tuple(sorted(tensors)), layer.name, LARGE)
    for name in graph.tensors:
        yield _Group((name,), _next_norm(graph, name.partition(".")[0], kinds, sources))


def _before(
    graph: Graph, layer: str, kinds: Mapping[str, str], sources: Mapping[str, tuple[str, ...]]
) -> set[str] | None:
    """The tensors by whose common factor a layer's output is multiplied; None if there are none."""
    if layer == INPUTS:
        return None
    own = {n for n in graph.tensors if n.partition(".")[0] == layer}
    match kinds[layer]:
        case "dense" | "convolution" | "embedding" | "layer_norm":
            return own
        case "attention":  # linear in what it gives out, and in nothing else
            return {name for name in own if name.startswith(f"{layer}.output.")}
        case "relu" | "sum" | "flatten" | "mean_pool" | "max_pool" | "mean" | "positions":
            parts = [_before(graph, source, kinds, sources) for source in sources[layer]]
            known = [part for part in parts if part is not None]
            return own.union(*known) if len(known) == len(parts) else None
        case _:
            return None


def _next_norm(
    graph: Graph, layer: str, kinds: Mapping[str, str], sources: Mapping[str, tuple[str, ...]]
) -> str | None:
    """The first normalisation that a layer's output goes into, directly or not."""
    reached = {layer}
    for later in graph.layers:
        if reached & {*sources[later.name]}:
            if later.kind in NORMALISES:
                return later.name
            reached.add(later.name)
    return None
