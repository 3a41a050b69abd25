"""One pass of training through a model, as numpy arrays, whichever the framework."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

from numpy.typing import NDArray

from mlgolf.core.arrays import map_arrays
from mlgolf.core.workload import Model


class TrainingPass(NamedTuple):
    outputs: Mapping[str, NDArray]  # "logits 0" and so on, and what `Model.loss` returned
    gradients: dict[str, NDArray]  # of the summed loss, by names as of `parameter_arrays`
    model_state: Any  # after the pass, which moves the statistics of batch norm


def training_pass(
    framework: str, model: Model, params: Any, model_state: Any, batch: Mapping[str, Any],
    key: Any, dropout_rate: float,
) -> TrainingPass:
    """Args: batch: as the framework's arrays."""
    module = import_module(f"mlgolf.testing.training_{framework}")
    logits, loss, gradients, after = module.passed(
        model, params, model_state, batch, key, dropout_rate
    )
    return TrainingPass(listed("logits", logits) | loss, gradients, after)


def listed(name: str, tree: Any) -> dict[str, NDArray]:
    """The arrays of a tree, by their place in it."""
    found: list[NDArray] = []
    map_arrays(found.append, tree)
    return {f"{name} {place}": array for place, array in enumerate(found)}
