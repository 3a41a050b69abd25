"""What does `--timing paired` save, and how well does it price trials beside others?

    paired_timing.py [--repeats 10] [--workload criteo1tb] [--trials 3] [--studies 3]

Two submissions with the same number of steps, nadamw and nesterov. Printed are:

- the wall time of submissions x studies x trials, alone one after the other, and paired on all
  cores, in turns;
- the ratio of the two submissions' seconds under one seed, again and again: alone on a quiet
  machine, alone beside a busy neighbour, paired on a quiet machine, and paired beside a busy
  neighbour, each with its spread (CV);
- how often the interval of a paired ratio holds the median ratio of the quiet machine.

The neighbour multiplies matrices on one core, for a second or two at a time. Steps are the same
each time, and only seconds differ.
"""

import argparse
import itertools
import json
import math
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from common import DATA_DIR, print_machine, spread, variation

import mlgolf
from mlgolf.core.competition import load_competition
from mlgolf.results.run_folder import RunFolder

SUBMISSIONS = ("nadamw", "nesterov")
LIMIT = 1.96  # of the normal distribution, at 95%


def busy(core: int) -> None:
    """Half of the time, in stretches of up to two seconds."""
    os.sched_setaffinity(0, {core})
    matrix = np.random.default_rng(0).standard_normal((400, 400))
    while True:
        until = time.monotonic() + random.uniform(0.2, 2)
        while time.monotonic() < until:
            matrix @ matrix
        time.sleep(random.uniform(0.2, 2))


def rules(folder: Path, workload: str) -> Path:
    """The mini competition with a target that nobody reaches, so that steps are the same."""
    competition = load_competition("mini").select([workload])
    row = competition.workloads[workload]
    assert row.step_hint is not None
    target = 0.0 if row.goal == "minimise" else 1.0
    text = f"""
schema_version = 2
name = "timed"
title = "The same steps, timed"
size = "mini"

[rules]
objective = "time"
constraints = [
  {{ quantity = "validation_metric", bound = "target" }},
  {{ quantity = "steps", bound = "step_limit" }},
]
hardware = "one-thread-cpu"
timing = ["alone", "paired"]

[rules.tuning.external]
trials = 3
studies = 3

[workloads.{workload}]
metric = "{row.metric}"
goal = "{row.goal}"
bounds = {{ target = {target}, step_limit = {row.step_hint // 4} }}
step_hint = {row.step_hint}
eval_every_steps = 25
provenance = "made by benchmarks/paired_timing.py"
"""
    file = folder / "timed.toml"
    file.write_text(text)
    return file


def played(folder: Path, competition: Path, timing: str, *, trials: int, studies: int) -> float:
    """How many seconds a run took."""
    began = time.monotonic()
    mlgolf.run(
        SUBMISSIONS, competition=competition, timing=timing, seed=1, data_dir=DATA_DIR,
        out=folder, trials=trials, studies=studies, progress=False,
    )  # fmt: skip
    return time.monotonic() - began


def ratio(folder: Path, competition: Path, timing: str) -> tuple[float, float]:
    """(log of the ratio of seconds of the two, its standard error by the pairs)."""
    played(folder, competition, timing, trials=1, studies=1)
    seconds, errors = {}, []
    for trial in RunFolder(folder).trials():
        seconds[trial.key.submission] = float(trial.seconds[-1])
        verdict = json.loads((RunFolder(folder).trial_path(trial.key) / "verdict.json").read_text())
        errors.append(verdict["clock"].get("paired", {}).get("error", math.nan))
    one, other = (seconds[name] for name in SUBMISSIONS)
    return math.log(one / other), math.hypot(*errors)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--workload", default="criteo1tb")
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--studies", type=int, default=3)
    asked = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        competition = rules(folder, asked.workload)
        walls = {
            timing: played(
                folder / timing, competition, timing, trials=asked.trials, studies=asked.studies
            )
            for timing in ("alone", "paired")
        }
        print(
            f"wall time of {len(SUBMISSIONS)} submissions x {asked.studies} studies x "
            f"{asked.trials} trials: alone {walls['alone']:.0f} s, paired {walls['paired']:.0f} s; "
            f"alone / paired = {walls['alone'] / walls['paired']:.2f}", flush=True,
        )
        print_ratios(folder, competition, asked.repeats)


def print_ratios(folder: Path, competition: Path, repeats: int) -> None:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for machine, timing in itertools.product(("quiet", "busy neighbour"), ("alone", "paired")):
        neighbour = None
        if machine != "quiet":
            core = min(os.sched_getaffinity(0))
            context = multiprocessing.get_context("spawn")
            neighbour = context.Process(target=busy, args=(core,))
            neighbour.start()
        try:
            found[machine, timing] = [
                ratio(folder / f"{machine} {timing} {number}", competition, timing)
                for number in range(repeats)
            ]
        finally:
            if neighbour is not None:
                neighbour.kill()
        ratios = [math.exp(log) for log, _ in found[machine, timing]]
        print(
            f"{machine}, {timing}: ratio {spread(ratios)}, spread (CV) {variation(ratios):.1f}%",
            flush=True,
        )
    truth = statistics.median(log for log, _ in found["quiet", "alone"])
    for machine in ("quiet", "busy neighbour"):
        held = [
            abs(log - truth) <= LIMIT * error for log, error in found[machine, "paired"]
            if not math.isnan(error)
        ]
        widths = [100 * LIMIT * error for _, error in found[machine, "paired"]]
        print(
            f"{machine}: {sum(held)} of {len(held)} intervals of paired ratios hold the quiet "
            f"machine's {math.exp(truth):.3f}; half a width is {spread(widths)}%", flush=True,
        )


if __name__ == "__main__":
    main()
