"""What does handing a model over cost, against a plain copy of the same bytes in memory?"""

import mmap
import os
import time
from collections.abc import Callable

import numpy as np
from common import print_machine, spread

from mlgolf.player.channel import anonymous_memory
from mlgolf.player.handover import Handover

TENSORS, REPETITIONS = 50, 15


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - began)


def measure(parameters: int) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        f"layer_{n}": rng.standard_normal(parameters // TENSORS, dtype=np.float32)
        for n in range(TENSORS)
    }
    size = 4 * parameters + (1 << 16)
    descriptor = anonymous_memory("benchmark", size)
    ours, theirs = mmap.mmap(descriptor, size), mmap.mmap(descriptor, size, prot=mmap.PROT_READ)
    handover = Handover(memoryview(ours))
    first = milliseconds(lambda: handover.write(arrays))
    length = handover.write(arrays)
    copies = {name: np.empty_like(array) for name, array in arrays.items()}

    def plain_copy() -> None:
        for name, array in arrays.items():
            np.copyto(copies[name], array)

    plain_copy()
    writes, plain, ratios, reads = [], [], [], []
    for _ in range(REPETITIONS):  # interleaved, so that both see the same neighbours
        writes.append(milliseconds(lambda: handover.write(arrays)))
        plain.append(milliseconds(plain_copy))
        ratios.append(writes[-1] / plain[-1])
        reads.append(milliseconds(lambda: theirs[:length]))
    print(
        f"{parameters / 1e6:g} M float32: hand-over / plain copy = {spread(ratios)}; hand-over "
        f"{spread(writes)} ms, first {first:.1f} ms; plain copy {spread(plain)} ms; the referee's "
        f"copy {spread(reads)} ms, not on the clock"
    )
    os.close(descriptor)


if __name__ == "__main__":
    print_machine()
    for parameters in (1_000_000, 25_000_000):
        measure(parameters)
