"""How long does judging an ONNX model of 10 MB take, against only loading and running it?

Judging: read the file, write and compress its code, load what the code says, run all examples twice
in different batches, add up the bits of the labels. The alternative is onnxruntime alone with the
same settings: load the file, run all examples once. Both take turns. Weights are random numbers in
float32, which no compressor likes, or in four bits stored as int8: four times as many weights.
"""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import onnxruntime
from common import print_machine, spread

from mlgolf.measures.label_bits import label_bits
from mlgolf.measures.onnx_models import (
    Input,
    Model,
    Node,
    OnnxModel,
    code_bits,
    log_probabilities,
    read_model,
)
from mlgolf.measures.onnx_models.onnx_file import OUTPUT, onnx_file, value_name
from mlgolf.measures.onnx_models.running import session_options

REPETITIONS = 7
EXAMPLES, FEATURES, CLASSES, BATCH_SIZE = 1797, 64, 10, 256
INPUTS = [Input("float32", (FEATURES,))]


def float_model(rng: np.random.Generator) -> Model:
    """Three layers, 2.5 million weights."""
    sizes = (FEATURES, 1530, 1530, CLASSES)
    steps, value, following = [], 1, 2
    for fan_in, fan_out in pairwise(sizes):
        steps.append((rng.standard_normal((fan_in, fan_out)) / fan_in**0.5).astype("f4"))
        steps.append(Node("MatMul", (value, following), 1, ()))
        steps.append(Node("Relu", (following + 1,), 1, ()))
        value = following + 2
        following += 3
    return Model(20, 1, tuple(steps), value - 1)


def table_model(rng: np.random.Generator) -> Model:
    """One layer by a table of small integers, most of them not used: 10 million weights."""
    table = np.clip(np.round(2 * rng.standard_normal((10_000_000 // CLASSES, CLASSES))), -8, 7)
    rows = np.arange(FEATURES)
    steps = (
        table.astype("i1"),
        rows,
        Node("Gather", (2, 3), 1, ()),
        Node("Cast", (4,), 1, (("to", 1),)),
        Node("MatMul", (1, 5), 1, ()),
    )
    return Model(20, 1, steps, 6)


def parts_of_judging(file: bytes, examples: np.ndarray, targets: np.ndarray) -> list[float]:
    """Seconds of reading, of the code, of loading and running, and of the labels."""
    stamps = [time.perf_counter()]
    model = read_model(file, max_bytes=2 * len(file))
    stamps.append(time.perf_counter())
    code_bits(model)
    stamps.append(time.perf_counter())
    runner = OnnxModel(model, INPUTS, CLASSES)
    found = log_probabilities(runner, [examples], batch_size=BATCH_SIZE, seed=0)
    stamps.append(time.perf_counter())
    label_bits(found, targets)
    stamps.append(time.perf_counter())
    return list(np.diff(stamps))


def plain_run(file: bytes, examples: np.ndarray) -> None:
    session = onnxruntime.InferenceSession(file, session_options(onnxruntime))
    for at in range(0, EXAMPLES, BATCH_SIZE):
        session.run([OUTPUT], {value_name(1): examples[at : at + BATCH_SIZE]})


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(name: str, model: Model) -> None:
    rng = np.random.default_rng(0)
    examples = rng.standard_normal((EXAMPLES, FEATURES)).astype("f4")
    targets = rng.integers(CLASSES, size=EXAMPLES)
    file = onnx_file(model, INPUTS)
    parts_of_judging(file, examples, targets)
    parts, plain = [], []
    for _ in range(REPETITIONS):
        parts.append(parts_of_judging(file, examples, targets))
        plain.append(seconds(lambda: plain_run(file, examples)))
    judging = [sum(part) for part in parts]
    each = [statistics.median(part) for part in zip(*parts, strict=True)]
    print(
        f"{name}, {len(file) / 1e6:.1f} MB: judging {spread(judging)} s (reading {each[0]:.2f}, "
        f"code {each[1]:.2f}, running {each[2]:.2f}, labels {each[3]:.3f}); plain run "
        f"{spread(plain)} s; ratio {statistics.median(judging) / statistics.median(plain):.1f}; "
        f"code {code_bits(model) / 8e6:.2f} MB"
    )


if __name__ == "__main__":
    print_machine()
    measure("float32", float_model(np.random.default_rng(1)))
    measure("int8", table_model(np.random.default_rng(1)))
