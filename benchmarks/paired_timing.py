"""What does `--timing paired` save, and how well does it price trials beside others?

    paired_timing.py [--repeats 100] [--others 20] [--workload criteo1tb] [--trials 3] [--keep FILE]

Two submissions with the same number of steps, nadamw and nesterov. Printed are:

- the wall time of submissions x studies x trials, alone one after the other, and paired on all
  cores, in turns;
- the ratio of the two submissions' seconds under one seed, again and again, in turns: alone on a
  quiet machine, paired on one, alone beside a busy neighbour, and paired beside one, each with its
  spread (CV), and with either submission on the first core;
- how often the interval of a paired ratio holds the median ratio of the quiet machine.

The neighbour multiplies matrices on one core, for a second or two at a time. Steps are the same
each time, and only seconds differ.
"""

import argparse
import contextlib
import json
import math
import multiprocessing
import os
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import DATA_DIR, print_machine, spread, variation

import mlgolf
from mlgolf.core.competition import load_competition
from mlgolf.referee import kernel
from mlgolf.results.run_folder import RunFolder
from mlgolf.scoring.labels import half_width

SUBMISSIONS = ("nadamw", "nesterov")
EVALUATIONS = 16  # of a trial whose ratio is taken
QUIET, BUSY = "quiet", "busy neighbour"
CONDITIONS = ((QUIET, "alone"), (QUIET, "paired"), (BUSY, "alone"), (BUSY, "paired"))


def busy(core: int) -> None:
    """Half of the time, in stretches of up to two seconds."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # whoever kills us, it ends as well
    os.sched_setaffinity(0, {core})
    matrix = np.random.default_rng(0).standard_normal((400, 400))
    while True:
        until = time.monotonic() + random.uniform(0.2, 2)
        while time.monotonic() < until:
            matrix @ matrix
        time.sleep(random.uniform(0.2, 2))


def rules(folder: Path, workload: str, evaluations: int | None = None) -> Path:
    """The mini competition with a target that nobody reaches, so that steps are the same.

    Args: evaluations: of a trial; None: as many as in mini.
    """
    competition = load_competition("mini").select([workload])
    row = competition.workloads[workload]
    assert row.step_hint is not None
    assert row.eval_every_steps is not None
    steps = evaluations * row.eval_every_steps if evaluations else row.step_hint
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
bounds = {{ target = {target}, step_limit = {steps} }}
step_hint = {steps}
eval_every_steps = {row.eval_every_steps}
provenance = "made by benchmarks/paired_timing.py"
"""
    file = folder / f"timed-{steps}.toml"
    file.write_text(text)
    return file


def played(
    folder: Path, competition: Path, timing: str, *, trials: int, studies: int,
    submissions: Sequence[str] = SUBMISSIONS,
) -> float:
    """How many seconds a run took."""
    began = time.monotonic()
    mlgolf.run(
        submissions, competition=competition, timing=timing, seed=1, data_dir=DATA_DIR,
        out=folder, trials=trials, studies=studies, progress=False,
    )  # fmt: skip
    return time.monotonic() - began


class Ratio(NamedTuple):
    """Of seconds of the two submissions."""

    log: float
    half_width: float  # of the interval of the logarithm; NaN where there are no pairs
    is_swapped: bool  # the second submission was the first to take a core


def ratio(folder: Path, competition: Path, timing: str, *, is_swapped: bool) -> Ratio:
    order = SUBMISSIONS[::-1] if is_swapped else SUBMISSIONS
    played(folder, competition, timing, trials=1, studies=1, submissions=order)
    seconds, priced = {}, []
    for trial in RunFolder(folder).trials():
        seconds[trial.key.submission] = float(trial.seconds[-1])
        verdict = json.loads((RunFolder(folder).trial_path(trial.key) / "verdict.json").read_text())
        if "error" in (paired := verdict["clock"].get("paired", {})):
            priced.append(paired)
    one, other = (seconds[name] for name in SUBMISSIONS)
    known = half_width(priced) if len(priced) == len(SUBMISSIONS) else math.nan
    return Ratio(math.log(one / other), known, is_swapped)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--repeats", type=int, default=100, help="of paired ratios beside a busy neighbour"
    )
    parser.add_argument("--others", type=int, default=20, help="repeats of the other ratios")
    parser.add_argument("--workload", default="criteo1tb")
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--studies", type=int, default=3)
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="of ratios: a run that was cut short goes on"
    )
    asked = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if asked.trials:
            print_walls(folder, rules(folder, asked.workload), asked.trials, asked.studies)
        short = rules(folder, asked.workload, EVALUATIONS)
        print_ratios(measured(folder, short, asked.repeats, asked.others, asked.keep))


def print_walls(folder: Path, competition: Path, trials: int, studies: int) -> None:
    alone, paired = (
        played(folder / timing, competition, timing, trials=trials, studies=studies)
        for timing in ("alone", "paired")
    )
    print(
        f"wall time of {len(SUBMISSIONS)} submissions x {studies} studies x {trials} trials: alone "
        f"{alone:.0f} s, paired {paired:.0f} s; alone / paired = {alone / paired:.2f}", flush=True,
    )


def measured(
    folder: Path, competition: Path, repeats: int, others: int, kept: Path | None
) -> dict[tuple[str, str], list[Ratio]]:
    """Ratios by machine and timing, in turns, so that all of them see the same hours.

    Args: kept: a line for each ratio; those that are there already are not measured again.
    """
    found: dict[tuple[str, str], list[Ratio]] = {condition: [] for condition in CONDITIONS}
    if kept is not None and kept.exists():
        for line in map(json.loads, kept.read_text().splitlines()):
            found[line["machine"], line["timing"]].append(Ratio(**line["ratio"]))
    for number in range(repeats):
        for machine, timing in CONDITIONS:
            here = found[machine, timing]
            wanted = repeats if (machine, timing) == CONDITIONS[-1] else others
            if len(here) >= (number + 1) * wanted / repeats:
                continue
            with neighbour(machine):
                here.append(
                    ratio(
                        folder / f"{machine} {timing} {number}", competition, timing,
                        is_swapped=bool(len(here) % 2),
                    )
                )  # fmt: skip
            if kept is not None:
                row = {"machine": machine, "timing": timing, "ratio": here[-1]._asdict()}
                with kept.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    return found


@contextlib.contextmanager
def neighbour(machine: str) -> Iterator[None]:
    if machine == QUIET:
        yield
        return
    core = min(os.sched_getaffinity(0))
    process = multiprocessing.get_context("spawn").Process(target=busy, args=(core,))
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def print_ratios(found: dict[tuple[str, str], list[Ratio]]) -> None:
    for (machine, timing), measured_here in found.items():
        ratios = [math.exp(one.log) for one in measured_here]
        by_order = " and ".join(
            f"{math.exp(statistics.median(logs)):.3f}" for swapped in (False, True)
            if (logs := [r.log for r in measured_here if r.is_swapped == swapped])
        )  # fmt: skip
        print(
            f"{machine}, {timing}, {len(ratios)} times: ratio {spread(ratios)}, spread (CV) "
            f"{variation(ratios):.1f}%; by order {by_order}"
        )
    truth = statistics.median(one.log for one in found[QUIET, "alone"])
    for machine in (QUIET, BUSY):
        known = [one for one in found[machine, "paired"] if not math.isnan(one.half_width)]
        held = [abs(one.log - truth) <= one.half_width for one in known]
        widths = [100 * one.half_width for one in known]
        print(
            f"{machine}: {sum(held)} of {len(held)} intervals of paired ratios hold the quiet "
            f"machine's {math.exp(truth):.3f}; half a width is {spread(widths)}%"
        )


if __name__ == "__main__":
    main()
