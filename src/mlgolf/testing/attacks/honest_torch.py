"""The honest submission of the attack suite: a trick takes it and changes one function."""

from typing import Any

import torch

from mlgolf.backends.training_torch import gradients
from mlgolf.testing.attacks.honest import HonestInAnyFramework


class Honest(HonestInAnyFramework):
    """Gradient descent with momentum. What it uses is public."""

    def init_optimizer_state(
        self, workload: Any, model_params: Any, model_state: Any, hyperparameters: Any, rng: Any
    ) -> Any:
        return torch.optim.SGD(model_params.parameters(), lr=0.03, momentum=0.9)

    def update_params(self, **given: Any) -> tuple[Any, Any, Any]:
        """One step. `given` are AlgoPerf's arguments, by their names."""
        params, optimizer = given["current_param_container"], given["optimizer_state"]
        _, slopes, model_state = gradients(
            given["workload"], params, given["model_state"], given["batch"], given["rng"], {}
        )
        for parameter, slope in zip(params.parameters(), slopes, strict=True):
            parameter.grad = slope
        optimizer.step()
        return optimizer, params, model_state
