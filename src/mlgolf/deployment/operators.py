"""Models of one operator each, to tell what operators take on a device: `--profile-device`."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import FrameworkMissing
from mlgolf.deployment.arrays import read_data
from mlgolf.deployment.asking import ask
from mlgolf.deployment.timing import profiled

SECONDS = 0.06  # of runs, for each
OPSET, IR_VERSION = 20, 10
UNARY = "Relu Sigmoid Tanh Erf Gelu Exp Sqrt Softmax".split()
BINARY = "Add Mul Sub Div".split()


def measure(threads: int, quick: bool = False) -> dict[str, Any]:
    """Rows as of a profile. Args: quick: a few operators, for tests."""
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise FrameworkMissing("golf", "onnx") from None
    rows = []
    for number, (model, feed) in enumerate(models()):
        if quick and number % 9:
            continue
        of_model = profiled(model, lambda _, held=feed: held, 1, threads, SECONDS)
        rows += [row for row in of_model if row["operator"] != "(run)"] + of_model[-1:]
    return {"operators": _once(rows)}


def rows_of_model(model: Path, data: Path, threads: int) -> list[dict[str, Any]]:
    """What the operators of a model take, in their own shapes."""
    ask("inspect", model=model)
    inputs, _ = read_data(data)
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / "inputs.npz"
        np.savez(held, **inputs)  # type: ignore[arg-type]
        return ask("profile", model=model, data=held, batch_size=1, threads=threads)["operators"]


def _once(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each operator of each shape by its fastest measurement; a run by the usual one."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        key = repr((row["operator"], row["dtype"], row["inputs"], row["outputs"]))
        found.setdefault(key, []).append({**row, "name": "", "count": 1})
    return [sorted(same, key=lambda row: row["seconds"])[len(same) // 2] for same in found.values()]


def models() -> Iterator[tuple[bytes, dict[str, NDArray]]]:
    """From small to large, so that a size between two of them can be told."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> NDArray:
        return rng.standard_normal(shape).astype("f4")

    for rows, inner, columns in (
        (1, 64, 64), (1, 256, 256), (1, 1024, 1024), (32, 64, 64), (32, 256, 256), (32, 512, 512),
        (128, 128, 128), (256, 256, 256), (256, 512, 512), (512, 512, 512),
    ):  # fmt: skip
        x, w = normal(rows, inner), normal(inner, columns)
        yield one("MatMul", {"x": x}, {"w": w})
        yield one("Gemm", {"x": x}, {"w": w, "b": normal(columns)})
    for channels, made, size, kernel, group in (
        (3, 8, 16, 3, 1), (3, 16, 32, 3, 1), (3, 32, 112, 3, 1), (8, 16, 16, 3, 1),
        (16, 16, 8, 3, 1), (16, 32, 32, 3, 1), (32, 64, 28, 3, 1), (64, 64, 56, 3, 1),
        (64, 128, 28, 1, 1), (128, 256, 14, 1, 1), (64, 64, 28, 3, 64),
    ):  # fmt: skip
        pad = kernel // 2
        yield one(
            "Conv", {"x": normal(1, channels, size, size)},
            {"w": normal(made, channels // group, kernel, kernel), "b": normal(made)},
            pads=[pad] * 4, group=group,
        )
    for count in (64, 1024, 16_384, 262_144):
        x = normal(16, count // 16)
        for name in UNARY:
            yield one(name, {"x": abs(x)})
        for name in BINARY:
            yield one(name, {"x": x, "y": normal(*x.shape)})
        yield one("ReduceMean", {"x": x}, {"axes": np.array([1])})
        yield one("Transpose", {"x": x}, perm=[1, 0])
        yield one("Concat", {"x": x, "y": x}, axis=0)
        yield one("Reshape", {"x": x}, {"shape": np.array([4, -1])})
        width = normal(x.shape[1])
        yield one("LayerNormalization", {"x": x}, {"scale": width, "bias": width})
    for channels, size in ((8, 8), (16, 32), (64, 56)):
        x, ones = normal(1, channels, size, size), np.ones(channels, "f4")
        yield one("MaxPool", {"x": x}, kernel_shape=[2, 2], strides=[2, 2])
        yield one("AveragePool", {"x": x}, kernel_shape=[2, 2], strides=[2, 2])
        yield one("GlobalAveragePool", {"x": x})
        yield one(
            "BatchNormalization", {"x": x}, {"s": ones, "b": ones, "m": ones, "v": ones}
        )
        yield one("Transpose", {"x": x}, perm=[0, 2, 3, 1])
    for rows, count in ((1000, 1), (1000, 64), (50_000, 256)):
        chosen = rng.integers(rows, size=count)
        yield one("Gather", {"i": chosen}, {"t": normal(rows, 64)}, first="t")


def one(
    operator: str, inputs: Mapping[str, NDArray], constants: Mapping[str, NDArray] | None = None,
    first: str = "", **attributes: Any,
) -> tuple[bytes, dict[str, NDArray]]:
    """A model of one operator, and what it is fed with."""
    import onnx
    from onnx import helper, numpy_helper

    held = dict(constants or {})
    names = [*inputs, *held]
    names.sort(key=lambda name: name != first)  # the others keep their order
    node = helper.make_node(operator, names, ["made"], **attributes)
    graph = helper.make_graph(
        [node], operator,
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            ) for name, array in inputs.items()
        ],
        [helper.make_tensor_value_info("made", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )  # fmt: skip
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    return model.SerializeToString(), dict(inputs)
