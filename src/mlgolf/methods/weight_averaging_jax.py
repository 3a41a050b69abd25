"""Weight averaging in JAX, by `optax.incremental_update`. See weight_averaging.py.

    averages = Averages(EMA(half_life=200))
    averages.update((params, model_state), step, progress)       # after each step of the optimizer
    params, model_state = averages.evaluated((params, model_state), progress)

What is kept are copies: a compiled step may give the arrays up that it was called with.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from mlgolf.methods.weight_averaging import EMA, LAWA, WeightAveraging

Tree = Any


class Averages:
    """The average of one tree of arrays, kept beside it."""

    def __init__(self, method: WeightAveraging) -> None:
        self._method = method
        self._kept = _KINDS[type(method)](method)

    def update(self, tree: Tree, step: int, progress: float) -> None:
        """Take a tree in, where one is due. Args: step: how many there have been."""
        if self._method.is_due(progress, step):
            self._kept.add(tree)

    def evaluated(self, tree: Tree, progress: float) -> Tree:
        """The average; the tree given outside the window, and before anything was taken in.

        Go on training the tree given.
        """
        if not self._method.is_active(progress):
            return tree
        average = self._kept.average()
        return tree if average is None else average


class _Exponential:
    def __init__(self, method: EMA) -> None:
        self._decay = method.decay
        self._average: Tree | None = None

    def add(self, tree: Tree) -> None:
        if self._average is None:
            self._average = jax.tree.map(jnp.copy, tree)
        else:
            self._average = _moved(tree, self._average, 1 - self._decay)

    def average(self) -> Tree | None:
        # A copy: who gets it may hand it to a step that gives it up.
        return None if self._average is None else jax.tree.map(jnp.copy, self._average)


class _Latest:
    def __init__(self, method: LAWA) -> None:
        self._checkpoints: deque[Tree] = deque(maxlen=method.checkpoints)

    def add(self, tree: Tree) -> None:
        self._checkpoints.append(jax.tree.map(jnp.copy, tree))

    def average(self) -> Tree | None:
        return _mean(tuple(self._checkpoints)) if self._checkpoints else None


_KINDS = {EMA: _Exponential, LAWA: _Latest}
_moved = jax.jit(optax.incremental_update, donate_argnums=1)


@jax.jit
def _mean(trees: Sequence[Tree]) -> Tree:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves).mean(axis=0), *trees)
