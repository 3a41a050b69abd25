"""What does the timing loop of `mlgolf deploy` add to ONNX Runtime's own runs of the same model?

Both have the same session, inputs and outputs bound once. The bare loop calls the session and
nothing else; ours reads the clock after each run and keeps it. They take turns on one thread; both
are compared by the CPU time of the process, which other processes disturb less. Models: one product
each, so that a run takes from some microseconds to milliseconds.
"""

import statistics
import time

import numpy as np
import onnxruntime as ort
from common import print_machine, spread

from mlgolf.deployment.operators import one
from mlgolf.deployment.sessions import open_session
from mlgolf.deployment.timing import Runner, bound, stamped, warm

SIZES = (16, 128, 512)
TURNS, SECONDS = 41, 0.03


def bare_seconds(session: ort.InferenceSession, binding: ort.IOBinding, runs: int) -> float:
    began = time.process_time()
    for _ in range(runs):
        session.run_with_iobinding(binding)
    return (time.process_time() - began) / runs


def our_seconds(once: Runner, runs: int) -> float:
    began = time.process_time()
    stamped(once, runs, time.perf_counter)
    return (time.process_time() - began) / runs


def measure(size: int) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal((size, size)).astype("f4") for _ in range(2))
    model, feed = one("MatMul", {"x": x}, {"w": w})
    session = open_session(model)
    once = bound(session, feed)
    binding = once.args[0]  # the same memory: where it lies makes a difference of some percent
    runs = max(20, int(SECONDS / warm(once)))
    bare_seconds(session, binding, runs)
    bare, ours = [], []
    for turn in range(TURNS):
        works = [
            lambda: bare.append(bare_seconds(session, binding, runs)),
            lambda: ours.append(our_seconds(once, runs)),
        ]
        for work in works if turn % 2 else reversed(works):
            work()
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    print(
        f"{size} x {size}: a bare run {1e6 * statistics.median(bare):.2f} µs, ours "
        f"{1e6 * statistics.median(ours):.2f} µs; ratio {spread(ratios)}; of the fastest turns "
        f"{min(ours) / min(bare):.4f}"
    )


if __name__ == "__main__":
    print_machine()
    for size in SIZES:
        measure(size)
