"""A pass of training through a model in JAX."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from mlgolf.backends import load_backend
from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Model

# What runs once compiles in half the time without optimizations.
QUICKLY_COMPILED = {"xla_backend_optimization_level": 0}


def passed(
    model: Model, params: Any, model_state: Any, batch: Mapping[str, Any], key: Any,
    dropout_rate: float,
) -> tuple[Any, dict[str, NDArray], dict[str, NDArray], Any]:
    """Logits, losses, gradients and model state of `training.training_pass`."""

    def summed(params: Any, model_state: Any, batch: Mapping[str, Any], key: Any) -> Any:
        mode = ForwardPassMode.TRAIN
        logits, after = model.apply(params, batch, model_state, mode, key, True, dropout_rate)
        loss = model.loss(batch["targets"], logits, batch.get("weights"))
        return loss["summed"], (logits, loss, after)

    compiled = jax.jit(jax.grad(summed, has_aux=True), compiler_options=QUICKLY_COMPILED)
    gradients, (logits, loss, after) = compiled(params, model_state, dict(batch), key)
    named = load_backend("jax").parameter_arrays(gradients)
    logits, losses = jax.tree.map(np.asarray, (logits, dict(loss)))
    return logits, losses, named, after
