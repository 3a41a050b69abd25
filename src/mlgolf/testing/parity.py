"""Whether the two models of a workload compute the same, from the same arrays on the same batch.

    def test_torch_and_jax_compute_the_same():
        assert_parity(WORKLOAD, WORKLOAD.size("mini"), batch, jax_arrays)

Compared are a training pass without dropout (logits, losses, gradients, the moved statistics of
batch norm) and an evaluation after it (predictions, losses, metrics).
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Size, Workload
from mlgolf.testing.training import listed, training_pass

Arrays = Mapping[str, NDArray]
ToJax = Callable[[Arrays], Arrays]
FLOOR = 1e-3  # of the largest value of all arrays: what any array's largest counts for at least
AT_ONCE = 2**24  # numbers that are compared together
MOVED = 0.05  # standard deviation of what is added to initial values: zeros would hide much


def assert_parity(
    workload: Workload, size: Size, batch: Batch, to_jax: ToJax, *, tolerance: float = 1e-4,
    flipped: float = 0.0,
) -> None:
    """Fails where the frameworks differ.

    Args:
      batch: of data.py, or made up; with `weights` it shows that both leave padding out.
      to_jax: from arrays by the names of the torch model to the same arrays by the names of the JAX
        model, such as "Dense_0/kernel", in its layout. It is given all that the torch backend's
        `named_arrays` has, and the gradients, which are of parameters alone.
      tolerance: how far apart values may be, as a share of the largest of their array. An array
        that is small beside the others (gradients, or parameters with statistics) is held to a
        thousandth of the largest of all: what cancels out in it is rounded as they are.
      flipped: the share of a gradient's entries that may be further apart: where a unit of a deep
        network gets next to 0, rounding decides whether it passes a gradient on.
    """
    # A full-size table of embeddings takes 2 GB, so each part lets go of its copies as it ends.
    ours = _Side("torch", workload, size)
    theirs = _Side("jax", workload, size)
    _start_alike(ours, theirs, to_jax)
    _assert_same_training(ours, theirs, batch, to_jax, tolerance, flipped)
    _assert_close("after training", to_jax(ours.arrays()), theirs.arrays(), tolerance)
    (evaluated, metrics), (their_evaluated, their_metrics) = (
        side.evaluate(batch) for side in (ours, theirs)
    )
    _assert_close("evaluation", evaluated, their_evaluated, tolerance, apart=True)
    _assert_close("metrics", metrics, their_metrics, tolerance, apart=True)


def _start_alike(ours: "_Side", theirs: "_Side", to_jax: ToJax) -> None:
    start = _moved(ours.arrays(), ours.parameter_names)
    ours.load(start)
    # Copies: a framework may keep what it is given, and change it.
    theirs.load({name: np.array(array) for name, array in to_jax(start).items()})


def _assert_same_training(
    ours: "_Side", theirs: "_Side", batch: Batch, to_jax: ToJax, tolerance: float, flipped: float
) -> None:
    (outputs, gradients), (their_outputs, their_gradients) = (
        side.train(batch) for side in (ours, theirs)
    )
    _assert_close("training", outputs, their_outputs, tolerance, apart=True)
    _assert_close("gradients", to_jax(gradients), their_gradients, tolerance, flipped=flipped)


class _Side:
    """One framework's model, its parameters and its state."""

    def __init__(self, framework: str, workload: Workload, size: Size) -> None:
        self._framework, self._workload, self._size = framework, workload, size
        self._backend = load_backend(framework)
        self._model = workload.model(framework, size)
        self._params, self._state = self._model.init(self._backend.key(0))

    @property
    def parameter_names(self) -> set[str]:
        return set(self._backend.parameter_arrays(self._params))

    def arrays(self) -> Arrays:
        return self._backend.named_arrays(self._params, self._state)

    def load(self, arrays: Arrays) -> None:
        self._params, self._state = self._backend.load_arrays(self._params, self._state, arrays)

    def train(self, batch: Batch) -> tuple[Arrays, Arrays]:
        """Outputs and gradients; the state moves on."""
        passed = training_pass(
            self._framework, self._model, self._params, self._state,
            self._backend.to_device(batch), self._backend.key(1), dropout_rate=0.0,
        )
        self._state = passed.model_state
        return passed.outputs, passed.gradients

    def evaluate(self, batch: Batch) -> tuple[Arrays, Arrays]:
        """Outputs by place, and metrics."""
        outputs = self._backend.evaluate(self._model, self._params, self._state, batch)
        metrics = self._workload.metrics(self._size)
        metrics.update(outputs, batch)
        values = {name: np.asarray(value) for name, value in metrics.result().items()}
        return listed("output", outputs), values


def _moved(arrays: Arrays, names: set[str]) -> Arrays:
    """Copies, those of these names moved at random."""
    rng = np.random.default_rng(0)
    return {
        name: array + MOVED * rng.standard_normal(array.shape, np.float32)
        if name in names
        else array.copy()
        for name, array in arrays.items()
    }


def _assert_close(
    what: str, ours: Arrays, theirs: Arrays, tolerance: float, *, apart: bool = False,
    flipped: float = 0.0,
) -> None:
    """Args: apart: whether arrays have nothing in common that sets the scale of a small one."""
    assert ours.keys() == theirs.keys(), (what, sorted(ours.keys() ^ theirs.keys()))
    largest = {name: _largest(array) for name, array in ours.items()}
    least = 0.0 if apart else FLOOR * max(largest.values())
    for name, array in ours.items():
        other = theirs[name]
        assert other.shape == array.shape, (what, name, array.shape, other.shape)
        assert what == "metrics" or np.isfinite(largest[name]), f"{what}: {name} is not finite"
        allowed = tolerance * max(largest[name], least)
        parts = [*zip(_parts(other), _parts(array), strict=True)]
        far = sum(
            np.count_nonzero(~np.isclose(found, expected, rtol=tolerance, atol=allowed))
            for found, expected in parts
        )
        if far > flipped * array.size:
            for found, expected in parts:
                np.testing.assert_allclose(
                    found, expected, rtol=tolerance, atol=allowed, err_msg=f"{what}: {name}"
                )


def _largest(array: NDArray) -> float:
    """NaN if it holds one."""
    return float(np.max([np.abs(part).max() for part in _parts(array)], initial=0.0))


def _parts(array: NDArray) -> list[NDArray]:
    """Its numbers, in parts so small that what is computed of one needs little memory."""
    numbers = np.asarray(array).reshape(-1)
    return [numbers[first : first + AT_ONCE] for first in range(0, numbers.size, AT_ONCE)]
