"""What does `mlgolf.observe` add to a step, and how long does `mlgolf diagnose` take?

    diagnose_speed.py [WORKLOAD ...]     by default three workloads of mini

A step adds the same whatever it does, so it is timed around steps that do nothing, in turns with
the same without a watch, and around an optimizer of one number, whose hooks are all that is added
in PyTorch: first without them, then with them, as they stay. CPU time.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from common import print_machine, spread

import mlgolf
from mlgolf.diagnosis.observe import StepWatch, Wish

STEPS, REPETITIONS = 20_000, 9
WORKLOADS = ("criteo1tb", "imagenet_resnet", "finewebedu_lm")
MOST = 0.01  # of a step


def added(plain: Callable[[], object], watched: Callable[[], object], steps: int) -> list[float]:
    """Microseconds of CPU time that a step takes more, one figure for each repetition."""
    return [1e6 * (_cpu_seconds(watched) - _cpu_seconds(plain)) / steps
            for _ in range(REPETITIONS)]  # fmt: skip


def _cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def by_watch(file: Path) -> list[float]:
    def plain() -> None:
        for _ in range(STEPS):
            pass

    def watched() -> None:
        watch = StepWatch(range(STEPS), Wish(file=file, steps=STEPS + 1))
        for _ in watch:
            with watch.step():
                pass

    return added(plain, watched, STEPS)


def by_hooks() -> list[float]:
    """First without hooks, then with them: they are on all optimizers and stay."""
    from mlgolf.diagnosis.probe_torch import TorchProbe

    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    optimizer = torch.optim.SGD([weight], lr=1e-9)

    def steps() -> None:
        for _ in range(STEPS // 10):
            optimizer.step()

    steps()
    without = [_cpu_seconds(steps) for _ in range(REPETITIONS)]
    TorchProbe().begin()
    with_hooks = [_cpu_seconds(steps) for _ in range(REPETITIONS)]
    return [1e6 * (after - before) / (STEPS // 10)
            for before, after in zip(without, with_hooks, strict=True)]  # fmt: skip


def main(workloads: list[str]) -> None:
    print_machine()
    with tempfile.TemporaryDirectory() as folder:
        watch, hooks = by_watch(Path(folder) / "steps.json"), by_hooks()
    shortest = (median(watch) + median(hooks)) / MOST / 1e3
    print(
        f"added to a step: {spread(watch)} µs by the watch, {spread(hooks)} µs by hooks on the "
        f"optimizer; at most {MOST:.0%} of steps from {shortest:.2g} ms on"
    )
    for name in workloads or WORKLOADS:
        began = time.perf_counter()
        found = mlgolf.diagnose(name)
        took = time.perf_counter() - began
        print(f"diagnose {name}: {took:.0f} s, bottleneck {found.bottleneck}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
