"""How much does a verdict vary, quiet and beside a busy neighbour, by CPU time and by wall time?

One submission is judged again and again under one seed, so steps to target are the same each time
and only seconds differ.
"""

import dataclasses
import multiprocessing
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import DATA_DIR, print_machine, spread, variation

from mlgolf.core.competition import load_competition
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run
from mlgolf.referee.trial import play_trial

TIMES = 10
WORKLOAD = "criteo1tb"


def busy(core: int) -> None:
    os.sched_setaffinity(0, {core})
    matrix = np.random.default_rng(0).standard_normal((400, 400))
    while True:
        matrix @ matrix


def judge(out: Path, times: int) -> list[tuple[float, float]]:
    """(CPU, wall) seconds to the last evaluation of each trial."""
    request = RunRequest(
        submissions=("nadamw",), competition=load_competition("mini").select([WORKLOAD]),
        ruleset="self", studies=1, seed=1, data_dir=DATA_DIR, out=out,
    )
    found = []
    for number in range(times):
        with open_run(dataclasses.replace(request, out=out / str(number))) as run:
            for plan in run.plans:
                trial = play_trial(plan)
                found.append((float(trial.cpu_seconds[-1]), float(trial.wall_seconds[-1])))
    return found


def main(times: int) -> None:
    print_machine()
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        results["quiet"] = judge(Path(scratch, "quiet"), times)
        other = min(os.sched_getaffinity(0))
        neighbour = multiprocessing.get_context("spawn").Process(target=busy, args=(other,))
        neighbour.start()
        try:
            results["busy neighbour"] = judge(Path(scratch, "busy"), times)
        finally:
            neighbour.kill()
    for name, pairs in results.items():
        for rule, values in zip(("cpu", "wall"), zip(*pairs, strict=True), strict=True):
            print(f"{name}, {rule}: {spread(values)} s, spread (CV) {variation(values):.1f}%")
    for index, rule in enumerate(("cpu", "wall")):
        medians = {n: statistics.median(p[index] for p in pairs) for n, pairs in results.items()}
        print(f"busy / quiet under {rule} = {medians['busy neighbour'] / medians['quiet']:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TIMES)
