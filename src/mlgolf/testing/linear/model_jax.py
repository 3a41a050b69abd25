"""A linear map, and its squared error, in JAX."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.parts.losses_jax import masked_losses


class Model:
    def __init__(self, size: Size) -> None:
        self._dimensions, self._scale = size.model.dimensions, size.model.initial_scale

    def init(self, rng: Array) -> tuple[dict[str, Any], None]:
        kernel = jax.random.normal(rng, (self._dimensions, 1)) * self._dimensions**-0.5
        return {"Dense_0": {"kernel": kernel * self._scale, "bias": jnp.zeros(1)}}, None

    def apply(
        self, params: Any, batch: Mapping[str, Any], model_state: None, mode: ForwardPassMode,
        rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Array, None]:
        dense = params["Dense_0"]
        return batch["inputs"] @ dense["kernel"] + dense["bias"], None

    def loss(
        self, label_batch: Array, logits_batch: Array, mask_batch: Array | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Array]:
        return masked_losses(jnp.square(logits_batch - label_batch), mask_batch)

    def is_output(self, key: str) -> bool:
        return True
