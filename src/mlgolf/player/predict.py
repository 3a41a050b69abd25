"""What contestants' models predict for the host's inputs, in a process that may be killed.

An ONNX runtime is a large program that other people's files have made read foreign memory. So it
runs in a sandbox like everything of theirs, and is given no label.
"""

import json
import mmap
import os
import socket
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import MLGolfError
from mlgolf.measures.onnx_models import Input, OnnxModel, log_probabilities, read_model

LONGEST_REQUEST = 1 << 16


def predict(requests: int, model: int, answers: int, *rest: Any) -> None:
    """Serve one trial, until the referee hangs up.

    Args:
      requests: a socket of JSON datagrams; an answer has the key "error" where a model fails.
      model: memory that holds a model's file. answers: memory for log probabilities, float64
        (examples, classes). Both are descriptors.
      rest: for each split a descriptor of the memory of its inputs; then the task as JSON.
    """
    *inputs, text = rest
    task = json.loads(text)
    runner = _Runner(task, dict(zip(task["examples"], inputs, strict=True)), model, answers)
    connection = socket.socket(fileno=requests)
    connection.send(b"{}")  # it is there
    while data := connection.recv(LONGEST_REQUEST):
        try:
            runner.run(**json.loads(data))
            answer: dict[str, str] = {}
        except (MLGolfError, MemoryError) as error:
            answer = {"error": str(error) or "the model needs too much memory"}
        connection.send(json.dumps(answer)[:LONGEST_REQUEST].encode())


class _Runner:
    def __init__(
        self, task: Mapping[str, Any], inputs: Mapping[str, int], model: int, answers: int
    ) -> None:
        self._task, self._model = task, _shared(model)
        self._answers = np.frombuffer(_shared(answers), np.float64)
        self._inputs = {
            split: np.frombuffer(_shared(memory), task["dtype"])[: count * _size(task)].reshape(
                count, *task["shape"]
            )
            for (split, memory), count in zip(
                inputs.items(), task["examples"].values(), strict=True
            )
        }
        self._loaded: tuple[bytes, OnnxModel] | None = None

    def run(self, length: int, split: str, seed: int) -> None:
        """Write the log probabilities of a split, by the model in memory, into the answers.

        Raises: ModelError.
        """
        found = self._run(self._model[:length], self._inputs[split], seed)
        self._answers[: found.size] = found.ravel()

    def _run(self, file: bytes, inputs: NDArray, seed: int) -> NDArray[np.float64]:
        task = self._task
        if self._loaded is None or self._loaded[0] != file:
            taken = Input(task["dtype"], tuple(task["shape"]))
            model = OnnxModel(
                read_model(file, max_bytes=len(file)), [taken], task["classes"],
                seconds=task["seconds_per_batch"],
            )
            self._loaded = file, model
        return log_probabilities(
            self._loaded[1], [inputs], batch_size=task["batch_size"], seed=seed
        )


def _shared(memory: int) -> mmap.mmap:
    return mmap.mmap(memory, os.fstat(memory).st_size)


def _size(task: Mapping[str, Any]) -> int:
    """Numbers of one example."""
    return int(np.prod(task["shape"], dtype=np.int64))
