"""Whether a training step does what it is for, at any size: also the published one."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Size, Workload
from mlgolf.testing.training import training_pass

STEP_LENGTH = 0.1  # how far a step moves all parameters together


def assert_step_lowers_the_loss(
    workload: Workload, size: Size, framework: str, batch: Batch
) -> None:
    """One step of gradient descent on a batch, without dropout; then the loss on it is lower."""
    backend, model = load_backend(framework), workload.model(framework, size)
    tensors = backend.to_device(batch)
    params, model_state = model.init(backend.key(0))

    def passed():
        return training_pass(
            framework, model, params, model_state, tensors, backend.key(1), dropout_rate=0.0
        )

    before = passed()
    summed = float(before.outputs["summed"])
    arrays = descended(backend.named_arrays(params, before.model_state), before.gradients)
    params, model_state = backend.load_arrays(params, before.model_state, arrays)
    assert float(passed().outputs["summed"]) < summed


def descended(
    arrays: Mapping[str, NDArray], gradients: Mapping[str, NDArray]
) -> dict[str, NDArray]:
    """All arrays, those that have a gradient a short way down along it."""
    norm = np.sqrt(sum(float(np.square(slope).sum()) for slope in gradients.values()))
    rate = STEP_LENGTH / max(norm, 1.0)
    return {
        name: array - np.float32(rate) * gradients[name] if name in gradients else array.copy()
        for name, array in arrays.items()
    }
