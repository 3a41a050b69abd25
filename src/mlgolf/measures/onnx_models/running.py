"""Running a model on the host's inputs, by ONNX Runtime on one thread of the CPU.

What runs is decoded from the model's code, so it has nothing that the code length leaves out. It
runs as it is written: no optimisation of the graph, no fusion, no folding of constants, so a newer
runtime changes as little as can be. Memory of tensors is bounded, and a run that lasts too long is
ended between two nodes.

That is no sandbox. One node may take as long as it likes, and the runtime is a large program in
C++: attributes that the reader now refuses made it read foreign memory, or abort. So run other
people's models in a process that may be killed and that does not hold the labels; running needs
none.
"""

import itertools
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import FrameworkMissing, ModelError
from mlgolf.measures.label_bits import log_softmax
from mlgolf.measures.onnx_models.code import canonical, decode
from mlgolf.measures.onnx_models.graph import Model
from mlgolf.measures.onnx_models.onnx_file import OUTPUT, Input, onnx_file, value_name

MEMORY_BYTES = 1 << 31  # of all tensors of all models of this process at a time
# How far log probabilities (nats) may differ between two ways to batch the same examples: float32
# sums in another order move them by about 1e-6 of the logits.
BATCH_TOLERANCE = 1e-3  # absolute, and again relative


class OnnxModel:
    """A model of a game with these inputs, in order, and this number of classes."""

    def __init__(
        self, model: Model, inputs: Sequence[Input], num_classes: int, *, seconds: float = 60.0
    ) -> None:
        """Args: seconds: what one call of `logits` may take.

        Raises: ModelError if the model cannot take the inputs; FrameworkMissing.
        """
        if model.num_inputs != len(inputs):
            raise ModelError(
                f"the model has {model.num_inputs} inputs; the game hands over {len(inputs)}: "
                f"{_listed(inputs)}"
            )
        self._runtime = _runtime()
        self._inputs, self._num_classes, self._seconds = inputs, num_classes, seconds
        file = onnx_file(decode(canonical(model)), inputs)
        try:
            self._session = self._runtime.InferenceSession(
                file, session_options(self._runtime), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's have no class in common
            raise ModelError(
                f"the model cannot be loaded: {runtime_said(error)}. The game hands over "
                f"{_listed(inputs)}"
            ) from None

    def logits(self, batch: Sequence[NDArray]) -> NDArray[np.float32]:
        """What the model computes for one batch.

        Args: batch: one array for each input, (batch, *shape), of its type.
        Returns: (batch, classes).
        Raises: ModelError if the run fails, takes too long, or gives another shape or type.
        """
        options = self._runtime.RunOptions()
        options.log_severity_level = 4
        ended = threading.Timer(self._seconds, setattr, (options, "terminate", True))
        ended.daemon = True
        ended.start()
        feed = {value_name(n): array for n, array in enumerate(batch, 1)}
        try:
            (found,) = self._session.run([OUTPUT], feed, options)
        except Exception as error:
            if options.terminate:
                raise ModelError(
                    f"the model took more than {self._seconds:g} s for {len(batch[0])} examples; "
                    "make it smaller"
                ) from None
            raise ModelError(
                f"the model failed on a batch of {len(batch[0])} examples: {runtime_said(error)}. "
                "Batches have several sizes: export it with a dynamic batch axis"
            ) from None
        finally:
            ended.cancel()
        expected = (len(batch[0]), self._num_classes)
        if found.dtype != np.float32 or found.shape != expected:
            raise ModelError(
                f"the model gives {found.dtype} {found.shape} for {len(batch[0])} examples; give "
                f"logits, float32 {expected}"
            )
        return found


def log_probabilities(
    model: OnnxModel, examples: Sequence[NDArray], *, batch_size: int, seed: int
) -> NDArray[np.float64]:
    """Log probabilities (nats) of every example, which may not depend on the other examples.

    The examples are run twice: in order, `batch_size` at a time, and shuffled, in batches of other
    sizes. The seed should be one that the contestant cannot know. Of the two log probabilities of a
    class the smaller one counts, so that nothing is gained within the tolerance either.

    Args:
      examples: one array for each input, (examples, *shape).
    Returns: (examples, classes).
    Raises: ModelError if the two differ by more than BATCH_TOLERANCE.
    """
    total = len(examples[0])
    in_order = _run(model, examples, np.arange(total), itertools.repeat(batch_size))
    rng = np.random.default_rng(seed)
    most = max(1, min(2 * batch_size, total // 2))
    sizes = (int(rng.integers(1, most + 1)) for _ in itertools.count())
    shuffled = _run(model, examples, rng.permutation(total), sizes)
    same = np.isclose(
        in_order, shuffled, rtol=BATCH_TOLERANCE, atol=BATCH_TOLERANCE, equal_nan=True
    ).all(axis=1)
    if not same.all():
        worst = int(np.argmin(same))
        raise ModelError(
            f"the model gives {(~same).sum()} of {total} examples another probability when they "
            f"stand in other batches; the first is example {worst}. Compute each row from its own "
            "inputs alone: no statistics over the batch, no positions in it"
        )
    return np.minimum(in_order, shuffled)


def _run(
    model: OnnxModel, examples: Sequence[NDArray], order: NDArray, sizes: Iterator[int]
) -> NDArray[np.float64]:
    """Log probabilities in the examples' own order, run in the order and batch sizes given."""
    found = []
    at = 0
    while at < len(order):
        rows = order[at : at + next(sizes)]
        found.append(log_softmax(model.logits([array[rows] for array in examples])))
        at += len(rows)
    result = np.empty((len(order), found[0].shape[1]))
    result[order] = np.concatenate(found)
    return result


@lru_cache(maxsize=1)
def _runtime() -> ModuleType:
    """onnxruntime, with one arena of bounded size for the whole process."""
    try:
        import onnxruntime
    except ImportError:
        raise FrameworkMissing("golf", "onnxruntime") from None
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = onnxruntime.OrtArenaCfg(
        {"max_mem": MEMORY_BYTES, "arena_extend_strategy": 1, "initial_chunk_size_bytes": 1 << 16}
    )
    onnxruntime.create_and_register_allocator(memory, arena)
    return onnxruntime


def session_options(runtime: ModuleType) -> Any:
    """The settings under which models are judged."""
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.enable_mem_pattern = False  # plans for shapes seen before: batches differ
    options.log_severity_level = 4  # refusals are raised, not printed
    options.add_session_config_entry("session.use_env_allocators", "1")
    # A copy of a matrix for each node that multiplies by it: 12 GB for 3,000 uses of 4 MB.
    options.add_session_config_entry("session.disable_prepacking", "1")
    return options


def _listed(inputs: Sequence[Input]) -> str:
    return ", ".join(f"{i.dtype} (batch, {', '.join(map(str, i.shape))})" for i in inputs) or "none"


def runtime_said(error: Exception) -> str:
    """A runtime's message for a person: one line, short, harmless on a terminal."""
    text = " ".join(str(error).split())
    return ascii(text if len(text) <= 400 else text[:400] + "...")
