"""Layer freezing in JAX: gradients that stop at leaves of the tree. See layer_freezing.py.

A layer is a tuple of keys, ("Block_0", "Conv_1"): all but the last of the path of its leaves.
"""

from collections.abc import Callable, Collection
from typing import Any

import jax
import jax.numpy as jnp

Layer = tuple[str, ...]
Tree = Any


def layers_of(forward: Callable[[Tree], Any], params: Tree) -> list[Layer]:
    """Layers in the order in which the forward pass first uses them; those unused come last.

    A tree is sorted by its keys and says nothing of that order, so the pass is traced.
    Args: forward: of the parameters alone: lambda params: model.apply({"params": params}, inputs).
    """
    traced = jax.make_jaxpr(forward)(params).jaxpr
    first_use: dict[int, int] = {}
    for number, equation in enumerate(traced.eqns):
        for variable in equation.invars:
            first_use.setdefault(id(variable), number)
    places: dict[Layer, int] = {}
    for (path, _), variable in zip(_leaves(params), traced.invars, strict=True):
        use = first_use.get(id(variable), len(traced.eqns))
        places[path[:-1]] = min(use, places.get(path[:-1], use))
    return sorted(places, key=places.__getitem__)


def stopped(params: Tree, layers: Collection[Layer]) -> Tree:
    """The parameters, without gradients for those layers: for the loss to be computed with."""
    return _at_layers(jax.lax.stop_gradient, params, layers)


def held(updates: Tree, layers: Collection[Layer]) -> Tree:
    """Updates of an optimizer, 0 for those layers: decay and momentum move them neither."""
    return _at_layers(jnp.zeros_like, updates, layers)


def _at_layers(function: Callable[[Any], Any], tree: Tree, layers: Collection[Layer]) -> Tree:
    if not layers:
        return tree
    changed = [function(leaf) if path[:-1] in layers else leaf for path, leaf in _leaves(tree)]
    return jax.tree.unflatten(jax.tree.structure(tree), changed)


def _leaves(tree: Tree) -> list[tuple[Layer, Any]]:
    return [
        (tuple(str(getattr(key, "key", key)) for key in path), leaf)
        for path, leaf in jax.tree.leaves_with_path(tree)
    ]
