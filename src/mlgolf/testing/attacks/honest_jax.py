"""The honest submission of the attack suite in JAX: a trick takes it and changes one function."""

from typing import Any

import optax

from mlgolf.backends.training_jax import compiled_step


class Honest:
    """Gradient descent with momentum. What it uses is public."""

    def get_batch_size(self, workload_name: str) -> int:
        return 32

    def init_optimizer_state(
        self, workload: Any, model_params: Any, model_state: Any, hyperparameters: Any, rng: Any
    ) -> Any:
        optimizer = optax.sgd(0.03, momentum=0.9)
        return optimizer.init(model_params), compiled_step(workload, optimizer, {})

    def data_selection(self, workload: Any, input_queue: Any, *_: Any) -> Any:
        return next(input_queue)

    def update_params(self, **given: Any) -> tuple[Any, Any, Any]:
        """One step. `given` are AlgoPerf's arguments, by their names."""
        state, step = given["optimizer_state"]
        state, params, model_state = step(
            state, given["current_param_container"], given["model_state"], given["batch"],
            given["rng"],
        )  # fmt: skip
        return (state, step), params, model_state

    def prepare_for_eval(self, **given: Any) -> tuple[Any, Any, Any]:
        return given["optimizer_state"], given["current_param_container"], given["model_state"]
