"""Sessions of ONNX Runtime as a device has them: all optimisations, so many threads, the CPU."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import DeploymentError, FrameworkMissing
from mlgolf.measures.onnx_models.running import runtime_said

# What ONNX Runtime calls a type of tensor.
TYPES = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16",
    "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(int16)": "int16",
    "tensor(int8)": "int8", "tensor(uint8)": "uint8", "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32", "tensor(uint64)": "uint64", "tensor(bool)": "bool",
}  # fmt: skip


def runtime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise FrameworkMissing("golf", "onnxruntime") from None
    return onnxruntime


def open_session(
    model: str | Path | bytes, threads: int = 1, *, optimised: bool = True, profile: str = "",
    name: str = "",
) -> Any:
    """Args: profile: the beginning of a file's name, to time each operator.

    Raises: DeploymentError with what the runtime says.
    """
    ort = runtime()
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # refusals are raised, not printed
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    try:
        held = model if isinstance(model, bytes) else str(model)
        return ort.InferenceSession(held, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's have no class in common
        raise DeploymentError(
            f"{name or model if isinstance(model, str | Path) else 'the model'}: ONNX Runtime "
            f"{ort.__version__} cannot load it: {runtime_said(error)}. Export it again, for an "
            "opset that this version knows"
        ) from None


def feed_of(session: Any, data: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The arrays by the names of the model's inputs, in its types.

    Raises: DeploymentError for arrays that the model cannot take.
    """
    wanted = session.get_inputs()
    if len(data) == 1 and len(wanted) == 1:
        data = {wanted[0].name: next(iter(data.values()))}
    lacking = [one.name for one in wanted if one.name not in data]
    if lacking:
        raise DeploymentError(
            f"the data have the arrays {', '.join(map(repr, data)) or 'none'}; the model takes "
            f"{', '.join(repr(one.name) for one in wanted)}. Name them so in the .npz"
        )
    return {one.name: _as_input(one, data[one.name]) for one in wanted}


def _as_input(wanted: Any, array: NDArray) -> NDArray:
    dtype = np.dtype(TYPES.get(wanted.type, "object"))
    shape = [size if isinstance(size, int) else None for size in wanted.shape]
    if array.ndim == 2 and len(shape) > 2 and None not in shape[1:]:
        size = int(np.prod([s or 1 for s in shape[1:]]))
        if array.shape[1] == size:  # a table has no axes: rows are examples
            array = array.reshape(len(array), *[s or 1 for s in shape[1:]])
    fits = array.ndim == len(shape) and all(
        size is None or size == found
        for size, found in zip(shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        raise DeploymentError(
            f"input {wanted.name!r}: found the shape {_shape(array.shape[1:])} of an example, the "
            f"model takes {_shape(shape[1:])}.{_transposed(array.shape[1:], shape[1:])}"
        )
    same_kind = array.dtype.kind == dtype.kind or (array.dtype.kind in "iub" and dtype.kind == "f")
    if not same_kind and not (array.dtype.kind in "iu" and dtype.kind in "iu"):
        raise DeploymentError(
            f"input {wanted.name!r}: found numbers of type {array.dtype}, the model takes "
            f"{dtype}. Convert the data as the source framework does"
        )
    return np.ascontiguousarray(array, dtype=dtype)


def _transposed(found: Sequence[int], wanted: Sequence[int | None]) -> str:
    if len(found) == len(wanted) and None not in wanted and sorted(found) == sorted(wanted):  # type: ignore[type-var]
        return " The sizes are the same in another order: an axis is transposed"
    return " Give the data in the shape that the model was exported for"


def _shape(sizes: Sequence[int | None]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in sizes)})"


def fixed_batch(session: Any) -> int | None:
    """The only batch that the model takes; None: any."""
    first = [one.shape[0] for one in session.get_inputs() if one.shape]
    sizes = [size for size in first if isinstance(size, int)]
    return sizes[0] if sizes else None


def run_all(
    session: Any, feed: Mapping[str, NDArray], batch_size: int, names: Sequence[str] | None = None,
) -> dict[str, NDArray]:
    """Outputs of all examples, in batches; the last is filled up with its own first example.

    Raises: DeploymentError with what the runtime says.
    """
    fixed = fixed_batch(session)
    size, total = fixed or batch_size, len(next(iter(feed.values())))
    wanted = list(names) if names else [one.name for one in session.get_outputs()]
    parts: list[list[NDArray]] = []
    for at in range(0, total, size):
        batch = {name: array[at:at + size] for name, array in feed.items()}
        lacking = size - min(size, total - at) if fixed else 0
        if lacking:
            batch = {
                name: np.concatenate([array, np.repeat(array[:1], lacking, axis=0)])
                for name, array in batch.items()
            }
        made = run(session, wanted, batch)
        count = min(size, total - at)
        for name, array in zip(wanted, made, strict=True):
            if array.ndim == 0 or len(array) != count + lacking:
                raise DeploymentError(
                    f"output {name!r} has the shape {array.shape} for {count + lacking} examples; "
                    "its first axis has to be that of the batch. Leave it out of the model, or "
                    "export with a batch axis"
                )
        parts.append([array[:count] for array in made])
    whole = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    return dict(zip(wanted, whole, strict=True))


def run(session: Any, names: Sequence[str], batch: Mapping[str, NDArray]) -> list[NDArray]:
    options = runtime().RunOptions()
    options.log_severity_level = 4
    try:
        return session.run(list(names), dict(batch), options)
    except Exception as error:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in batch.items())
        raise DeploymentError(
            f"the model failed on {shapes}: {runtime_said(error)}. If it takes one batch size "
            "only, export it with a dynamic batch axis"
        ) from None
