"""The honest submission of the attack suite in JAX: a trick takes it and changes one function."""

from typing import Any

import optax

from mlgolf.backends.training_jax import compiled_step
from mlgolf.testing.attacks.honest import HonestInAnyFramework


class Honest(HonestInAnyFramework):
    """Gradient descent with momentum. What it uses is public."""

    def init_optimizer_state(
        self, workload: Any, model_params: Any, model_state: Any, hyperparameters: Any, rng: Any
    ) -> Any:
        optimizer = optax.sgd(0.03, momentum=0.9)
        return optimizer.init(model_params), compiled_step(workload, optimizer, {})

    def update_params(self, **given: Any) -> tuple[Any, Any, Any]:
        """One step. `given` are AlgoPerf's arguments, by their names."""
        state, step = given["optimizer_state"]
        state, params, model_state = step(
            state, given["current_param_container"], given["model_state"], given["batch"],
            given["rng"],
        )  # fmt: skip
        return (state, step), params, model_state
