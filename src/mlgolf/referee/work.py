"""The work by which machines are compared: small networks trained in numpy, for a moment.

A perceptron on embeddings, a convolution and many small operations, at the sizes that mini
workloads have. A script that knows no framework: one figure serves all.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache

import numpy as np


def perceptron() -> Callable[[], None]:
    """A step on rows of embeddings: gather, two layers, their gradients, a scattered update."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((20_000, 16)).astype(np.float32)
    first, second = (rng.standard_normal(s).astype(np.float32) for s in ((128, 256), (256, 128)))
    ids = rng.integers(len(table), size=(256, 8))

    def step() -> None:
        inputs = table[ids].reshape(len(ids), -1)
        hidden = np.maximum(inputs @ first, 0)
        error = hidden @ second - inputs
        of_hidden = (error @ second.T) * (hidden > 0)
        second[:] -= 1e-9 * (hidden.T @ error)
        first[:] -= 1e-9 * (inputs.T @ of_hidden)
        np.subtract.at(table, ids[:, 0], 1e-9 * (of_hidden @ first.T)[:, :16])

    return step


def convolution() -> Callable[[], None]:
    """A step of a 3 x 3 convolution with its normalisation, as one product of unfolded images."""
    rng = np.random.default_rng(1)
    images = rng.standard_normal((32, 12, 22, 22)).astype(np.float32)
    kernel = rng.standard_normal((12 * 9, 24)).astype(np.float32)

    def step() -> None:
        unfolded = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(2, 3))
        columns = unfolded.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 12 * 9)
        outputs = columns @ kernel
        outputs -= outputs.mean(axis=0)
        outputs /= np.sqrt(outputs.var(axis=0) + 1e-5)
        kernel[:] -= 1e-9 * (columns.T @ np.maximum(outputs, 0))

    return step


def small_steps() -> Callable[[], None]:
    """Many operations on little data: what an interpreter and an optimizer cost."""
    rng = np.random.default_rng(2)
    parameters = [rng.standard_normal(500).astype(np.float32) for _ in range(60)]
    moments = [np.zeros_like(p) for p in parameters]

    def step() -> None:
        for parameter, moment in zip(parameters, moments, strict=True):
            moment *= 0.9
            moment += 0.1 * parameter
            parameter -= 1e-9 * moment / (np.sqrt(np.abs(moment)) + 1e-8)

    return step


KINDS = ((perceptron, 10), (convolution, 2), (small_steps, 36))  # each about a third of the time


CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}


@cache
def work() -> list[tuple[Callable[[], None], int]]:
    """Made once, so that all rounds of a process use the same memory."""
    return [(make(), times) for make, times in KINDS]


def rounds(count: int, clock: Callable[[], float] = time.process_time) -> list[float]:
    """Seconds of each round of all kinds of work; one more, before them, warms up."""
    seconds = []
    for _ in range(count + 1):
        began = clock()
        for step, times in work():
            for _ in range(times):
                step()
        seconds.append(clock() - began)
    return seconds[1:]


def main() -> None:
    """For each line of input, a JSON object of how many rounds, by which clock, on which cores."""
    work()
    for line in sys.stdin:
        asked = json.loads(line)
        os.sched_setaffinity(0, asked["cores"])
        print(json.dumps(rounds(asked["rounds"], CLOCKS[asked["clock"]])), flush=True)


if __name__ == "__main__":
    main()
