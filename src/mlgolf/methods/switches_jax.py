"""The switches in JAX, for a workload of AlgoPerf's kind or any function. See switches.py.

    forward = switched(methods, apply, cast=("params", "inputs"))   # your own loop
    workload = switched_workload(methods, workload)                 # a submission

Compilation is `jax.jit` of the whole step, which `mlgolf.jax.compiled_step` does for you.
"""

from collections.abc import Callable, Collection
from typing import Any

import jax
import jax.numpy as jnp

from mlgolf.core.errors import MethodError
from mlgolf.methods.composition import Methods
from mlgolf.methods.switched_workload import SwitchedWorkload
from mlgolf.methods.switches import Compile, MixedPrecision

OF_A_WORKLOAD = ("params", "augmented_and_preprocessed_input_batch")


def compiled(methods: Methods, step: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """`jax.jit` of a step with those options; the step as it is without `compile`."""
    return jax.jit(step, **options) if methods.get(Compile) else step


def switched(
    methods: Methods, forward: Callable[..., Any], cast: Collection[str]
) -> Callable[..., Any]:
    """The same forward pass, where the named arguments `cast` are bfloat16 in mixed precision.

    What it returns is float32 again: logits, and statistics of batch norm, which are not cast.
    Raises, when it is traced: MethodError for a network that bfloat16 does not go through.
    """
    if not methods.get(MixedPrecision):
        return forward

    def switched_forward(**named: Any) -> Any:
        half = {name: _as(jnp.bfloat16, jnp.float32, named[name]) for name in cast}
        try:
            outputs = forward(**{**named, **half})
        except (TypeError, ValueError) as error:
            raise MethodError(
                f"mixed_precision: the network fails on bfloat16 parameters and inputs: {error} "
                "If it has constants in float32, make them of the type of what they meet "
                "(x.dtype), or leave mixed_precision out."
            ) from error
        return _as(jnp.float32, jnp.bfloat16, outputs)

    return switched_forward


def switched_workload(methods: Methods, workload: Any) -> Any:
    """A workload whose `model_fn` is switched; the same one where nothing is to be switched."""
    if not methods.get(MixedPrecision):
        return workload
    return SwitchedWorkload(workload, switched(methods, workload.model_fn, OF_A_WORKLOAD))


def _as(dtype: Any, found: Any, tree: Any) -> Any:
    """The tree with its arrays of the type `found` as `dtype`."""
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if getattr(leaf, "dtype", None) == found else leaf, tree
    )
