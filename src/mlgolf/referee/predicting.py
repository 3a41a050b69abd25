"""The referee's end of `player/predict.py`: log probabilities by a model that it does not trust."""

import contextlib
import json
import mmap
import os
import select
import socket
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import ModelError, SandboxError
from mlgolf.core.hardware import HardwareClass
from mlgolf.player.channel import anonymous_memory
from mlgolf.player.predict import LONGEST_REQUEST
from mlgolf.referee.fork_server import fork_server_for
from mlgolf.referee.levels import default_level
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess

START_SECONDS = 60.0
SLACK_SECONDS = 20.0  # of the whole pass, beside what batches may take


class Predictor:
    """One process in a sandbox, which holds the inputs of every split and no targets."""

    def __init__(
        self, framework: str, hardware: HardwareClass, inputs: Mapping[str, NDArray], *,
        classes: int, max_bytes: int, batch_size: int, seconds_per_batch: float,
    ) -> None:
        """Start it, and wait until it is there.

        Args: inputs: split -> (examples, ...). Raises: SandboxError.
        """
        self._examples = {split: len(array) for split, array in inputs.items()}
        self._classes, self._batch_size = classes, batch_size
        self._seconds_per_batch = seconds_per_batch
        first = next(iter(inputs.values()))
        task = {
            "examples": self._examples, "shape": first.shape[1:], "dtype": first.dtype.name,
            "classes": classes, "batch_size": batch_size, "seconds_per_batch": seconds_per_batch,
        }  # fmt: skip
        most = max(self._examples.values())
        with contextlib.ExitStack() as theirs:
            self._requests, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            theirs.enter_context(other)
            self._model, model = _memory("mlgolf-model", max_bytes, theirs)
            self._answers, answers = _memory("mlgolf-answers", most * classes * 8, theirs)
            memories = [_filled(array, theirs) for array in inputs.values()]
            order = Order(
                argv=["predict", json.dumps(task)],
                inherit=[other.fileno(), model, answers, *memories],
                cores=sorted(os.sched_getaffinity(0)), memory_bytes=hardware.memory_bytes,
                walls=(level := default_level()) == "bubblewrap",
            )
            try:
                server = fork_server_for(framework, hardware, level)
                self._held = HeldProcess(order, launch=server.launch)
            except OSError as error:
                self._requests.close()
                raise SandboxError(f"the models' sandbox could not be made: {error}") from error
        self._spent: float | None = None  # once it has ended
        self._held.start()
        try:
            self._await(START_SECONDS, "is not there yet")
        except ModelError:
            raise SandboxError(
                f"the process that runs models was not ready after {START_SECONDS:g} s"
            ) from None

    @property
    def has_ended(self) -> bool:
        return self._spent is not None

    def cpu_seconds(self) -> float:
        return self._held.cpu_seconds() if self._spent is None else self._spent

    def log_probabilities(self, file: bytes, split: str, seed: int) -> NDArray[np.float64]:
        """Of every example of a split, by a model's file: (examples, classes), nats.

        Raises: ModelError for a model that fails, lasts too long, or ends its process.
        """
        self._model[: len(file)] = file
        request = {"length": len(file), "split": split, "seed": seed}
        examples = self._examples[split]
        batches = 3 * -(-examples // self._batch_size)  # in order, and shuffled in smaller ones
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # told by what comes next
            self._requests.send(json.dumps(request).encode())
        answer = self._await(
            SLACK_SECONDS + batches * self._seconds_per_batch, "took too long, or ended its process"
        )
        if "error" in answer:
            raise ModelError(str(answer["error"]))
        found = np.frombuffer(self._answers, np.float64, examples * self._classes)
        return found.reshape(examples, self._classes).copy()

    def _await(self, seconds: float, otherwise: str) -> dict[str, Any]:
        """Its next answer. Whatever else it sends, or no answer, ends it."""
        ready = select.select([self._requests], [], [], seconds)[0]
        try:
            answer = answer_in(self._requests.recv(LONGEST_REQUEST)) if ready else None
        except OSError:
            answer = None
        if answer is None:
            self.stop()
            raise ModelError(f"the model {otherwise}; make it smaller, or export it another way")
        return answer

    def stop(self) -> None:
        if self._spent is None:
            self._spent = self._held.cpu_seconds()
        self._held.stop()
        self._requests.close()


def answer_in(data: bytes) -> dict[str, Any] | None:
    """The answer of a process that is not trusted; None for what is none."""
    try:
        answer = json.loads(data)
    except (RecursionError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _memory(name: str, size: int, until: contextlib.ExitStack) -> tuple[mmap.mmap, int]:
    """Shared memory, and a descriptor of it that is closed in the end."""
    descriptor = anonymous_memory(name, max(size, mmap.PAGESIZE))
    until.callback(os.close, descriptor)
    return mmap.mmap(descriptor, os.fstat(descriptor).st_size), descriptor


def _filled(array: NDArray, until: contextlib.ExitStack) -> int:
    memory, descriptor = _memory("mlgolf-inputs", array.nbytes, until)
    memory[: array.nbytes] = np.ascontiguousarray(array).tobytes()
    memory.close()
    return descriptor
