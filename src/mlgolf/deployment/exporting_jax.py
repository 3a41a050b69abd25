"""Networks in JAX as ONNX, by jax2onnx."""

from importlib import import_module
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from mlgolf.deployment.exporting import Arrays, Network


def outputs(network: Network, inputs: Arrays) -> NDArray:
    return np.asarray(jax.jit(network)(inputs))


def write(network: Network, inputs: Arrays, file: Path, batch_size: int) -> bool:
    """See `Exporter.write`."""
    try:
        _export(network, inputs, file, "batch")
    except Exception:  # a step of the network whose shape jax2onnx wants as a number
        _export(network, inputs, file, batch_size)
        return False
    return True


def _export(network: Network, inputs: Arrays, file: Path, batch: int | str) -> None:
    names = list(inputs)
    taken = [
        jax.ShapeDtypeStruct((batch, *array.shape[1:]), jnp.asarray(array).dtype)
        for array in inputs.values()
    ]
    made = import_module("jax2onnx").to_onnx(
        lambda *arrays: network(dict(zip(names, arrays, strict=True))), taken,
        input_names=names, output_names=[network.output],
    )
    file.write_bytes(made.SerializeToString())
