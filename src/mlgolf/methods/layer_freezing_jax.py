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

    A tree is sorted by its keys and says nothing of that order, so the pass is traced, not run.
    Args: forward: of the parameters alone: lambda params: model.apply({"params": params}, inputs).
      Without mixed precision, which casts all parameters before the first layer.
    """
    used = _in_order_of_use(jax.make_jaxpr(forward)(params).jaxpr)
    paths = [path[:-1] for path, _ in _leaves(params)]
    unused = [path for place, path in enumerate(paths) if place not in set(used)]
    return list(dict.fromkeys([*(paths[place] for place in used), *unused]))


def _in_order_of_use(traced: Any) -> list[int]:
    """Places of the inputs of what was traced; what is compiled inside it is looked into."""
    places = {id(variable): place for place, variable in enumerate(traced.invars)}
    used: dict[int, None] = {}
    for equation in traced.eqns:
        given, inner = equation.invars, getattr(equation.params.get("jaxpr"), "jaxpr", None)
        if inner is not None and len(inner.invars) == len(given):
            given = [given[place] for place in _in_order_of_use(inner)]
        used |= {places[id(v)]: None for v in given if id(v) in places}
    return list(used)


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
