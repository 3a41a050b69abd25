"""From an assignment to the end of training: what every player of ours does, in any process."""

import gc
import mmap
import os
import random
import re
import socket
import traceback
from pathlib import Path

import numpy as np

from mlgolf.backends import load_backend
from mlgolf.core.messages import Assignment, Begin, Failed, Ready
from mlgolf.core.protocols import Backend
from mlgolf.core.registry import load_workload
from mlgolf.core.rules import WorkloadRules
from mlgolf.player.channel import Board, Channel
from mlgolf.player.handover import Handover
from mlgolf.player.harness import Harness, Stopped
from mlgolf.player.submission import as_hyperparameters, asked_batch_size, load_submission
from mlgolf.player.workload import WorkloadFacade


def play_over(channel: int, board: int, mapping: int) -> None:
    """Serve one assignment over inherited descriptors, which nothing it starts inherits."""
    for descriptor in (channel, board, mapping):
        os.set_inheritable(descriptor, False)
    shared = memoryview(mmap.mmap(mapping, os.fstat(mapping).st_size))
    play(Channel(socket.socket(fileno=channel)), Board(board), shared)


def play(channel: Channel, board: Board, mapping: memoryview) -> None:
    """Serve one assignment. Whatever goes wrong is told to the referee, with its traceback."""
    try:
        assignment = channel.receive()
        assert isinstance(assignment, Assignment), assignment
        backend = load_backend(assignment.framework)
        backend.configure(assignment.threads)
        seed_libraries(assignment.seed)
        _train(assignment, backend, channel, board, mapping)
    except Stopped:
        return
    except EOFError:
        return  # the referee is gone, and with it everybody who could care
    except (Exception, SystemExit) as error:
        text, trace = str(error)[:4000], traceback.format_exc()[-8000:]
        failed = Failed(board.step, type(error).__name__, text, trace, _peak_address_space())
        channel.send(failed)


def _peak_address_space() -> int:
    """Bytes, by /proc; 0 where there is none."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmPeak:\s+(\d+) kB", status)
    return 1024 * int(found[1]) if found else 0


def seed_libraries(seed: int) -> None:
    """Fix the generators that a submission may use without being handed a key."""
    random.seed(seed)
    np.random.seed(seed % (1 << 32))


def _train(
    assignment: Assignment, backend: Backend, channel: Channel, board: Board, mapping: memoryview
) -> None:
    workload = load_workload(assignment.workload)
    size = workload.size(assignment.size)
    workload_rules = WorkloadRules.model_validate(assignment.workload_rules)
    file = Path(assignment.submission_file)
    _, optimizer_key, model_key, loop_key = backend.split(backend.key(assignment.seed), 4)
    facade = WorkloadFacade(workload, size, workload_rules, backend)
    split = workload.data().open_split(Path(assignment.train_folder), size, "train")
    harness = Harness(
        facade, backend, as_hyperparameters(assignment.hyperparameters), optimizer_key, loop_key,
        channel, board, Handover(mapping),
    )
    harness.build(model_key)
    gc.collect()
    gc.freeze()  # what was made off the clock is not searched for garbage on it
    channel.send(Ready(backend.versions()))
    assert isinstance(channel.receive(), Begin)
    # On the clock from here: importing the submission is part of what it costs.
    submission = load_submission(file)
    asked = asked_batch_size(submission, workload.name, size.published_batch_size)
    batches = split.train_batches(size.scale_batch_size(asked), assignment.seed)
    harness.train(submission, map(backend.to_device, batches))
