"""How much do the probe's readings around trials vary, on a quiet machine and beside a neighbour?

    probe_spread.py [--readings 100]

A reading is what `mlgolf run` takes before and after each trial; half a second lies between two.
Printed are, on the last core, with nothing else at work and while another process multiplies
matrices, or copies memory, on the first core:

- the readings over the calibration, as `disturbance.py` compares them: median, 95th percentile and
  the largest;
- the share of trials, of two readings in a row, that each value of `disturbed_above` flags by
  their probes: on a quiet machine few should be, beside a neighbour that costs more than that most;
- what a network's training step costs beside that neighbour, over what it costs without one.

The machine must be quiet by itself: look at the load average that is printed.
"""

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from common import print_machine

from mlgolf.core.disturbance import disturbance
from mlgolf.core.hardware import load_hardware
from mlgolf.core.records import Background, Calibration
from mlgolf.referee.calibration import calibrate, probe

HARDWARE = load_hardware("one-thread-cpu")
THRESHOLDS = (0.02, 0.03, 0.05, 0.1, 0.15, 0.2)
PAUSE_SECONDS = 0.5


def multiplies(core: int) -> None:
    os.sched_setaffinity(0, {core})
    matrix = np.random.default_rng(0).standard_normal((400, 400))
    while True:
        matrix.dot(matrix)


def copies(core: int) -> None:
    os.sched_setaffinity(0, {core})
    source = np.ones(50_000_000)
    copy = np.empty_like(source)
    while True:
        np.copyto(copy, source)


@contextmanager
def beside(work: Callable[[int], None] | None, core: int) -> Iterator[None]:
    if work is None:
        yield
        return
    neighbour = multiprocessing.get_context("spawn").Process(target=work, args=[core], daemon=True)
    neighbour.start()
    time.sleep(2)  # it imports numpy
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.join()


def training_seconds(core: int, steps: int = 300) -> float:
    """CPU seconds of a small convolution in torch, on one thread: no part of the probe."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(16 * 12 * 12, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters())
    images, labels = torch.randn(64, 3, 24, 24), torch.randint(10, (64,))
    began = 0.0
    for step in range(steps + 20):
        if step == 20:
            began = time.process_time()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    os.sched_setaffinity(0, before)
    return (time.process_time() - began) / steps


def readings(core: int, count: int) -> list[float]:
    found = []
    for _ in range(count):
        found.append(probe(HARDWARE, [core]))
        time.sleep(PAUSE_SECONDS)
    return found


def print_readings(found: list[float], calibration: Calibration) -> None:
    over = [100 * (seconds / calibration.seconds - 1) for seconds in found]
    high = float(np.quantile(over, 0.95))
    print(
        f"  over the calibration: median {statistics.median(over):+.1f}%, 95th percentile "
        f"{high:+.1f}%, largest {max(over):+.1f}% ({len(found)} readings)"
    )
    trials = [
        Background(before=before, after=after)
        for before, after in zip(found[::2], found[1::2], strict=False)
    ]
    shares = []
    for above in THRESHOLDS:
        flagged = sum(bool(disturbance(trial, calibration, above)) for trial in trials)
        shares.append(f"{above:g}: {flagged / len(trials):.0%}")
    print(f"  trials that disturbed_above flags: {', '.join(shares)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readings", type=int, default=100)
    asked = parser.parse_args()
    first, *_, last = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {first})
    print_machine()
    calibration = calibrate(HARDWARE, [last])
    assert calibration is not None
    began = time.monotonic()
    probe(HARDWARE, [last])
    print(f"one probe takes {time.monotonic() - began:.2f} s; two belong to a trial")
    quiet = training_seconds(last)
    for name, work in (("quiet", None), ("matrices", multiplies), ("copies", copies)):
        with beside(work, first):
            ratio = training_seconds(last) / quiet
            print(f"{name}: a training step takes {ratio:.3f} times as long")
            print_readings(readings(last, asked.readings), calibration)


if __name__ == "__main__":
    main()
