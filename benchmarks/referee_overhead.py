"""What does the referee add to a step, over the same loop without it?

Both run alone on the player's core, in the player's environment, one after the other in turn. The
referee's figure is time on the clock between two evaluations, hand-overs included.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import DATA_DIR, print_machine, spread

from mlgolf.core.competition import Competition, load_competition, load_hardware
from mlgolf.core.registry import load_workload
from mlgolf.data import layout
from mlgolf.engines.local import OneAtATime, kept_off
from mlgolf.engines.runs import RunRequest, open_run, play_run
from mlgolf.referee.players import player_cores, player_environment
from mlgolf.referee.trial import play_trial

HERE = Path(__file__).parent
RULES = HERE.parent / "tests" / "end_to_end" / "linear.toml"
REPETITIONS = 5
CASES = {"linear": (2000, 12000), "criteo1tb": (100, 500)}  # steps skipped, steps in all


def rules_for(workload: str, skip: int, steps: int) -> Competition:
    """Never reach the target; evaluate at `skip`, then every `skip` steps as a real trial would."""
    competition = load_competition(RULES)
    numbers = competition.workloads["linear"].model_copy(
        update={
            "target": -1.0, "step_hint": steps, "step_limit": steps, "eval_every_steps": skip,
            "budget_seconds": 600.0,
        }
    )
    return competition.model_copy(update={"workloads": {workload: numbers}})


def with_referee(workload: str, skip: int, steps: int, out: Path) -> float:
    """Seconds on the clock per step."""
    request = RunRequest(
        submissions=(str(HERE / "plain_submission.py"),),
        competition=rules_for(workload, skip, steps), ruleset="self", studies=1, seed=1,
        data_dir=DATA_DIR, out=out,
    )
    run = open_run(request)
    cores = player_cores(load_hardware("one-thread-cpu"))
    with kept_off(cores):
        ended = []
        play_run(run, OneAtATime(), lambda plan: play_trial(plan, cores=cores), ended.append)
    (trial,) = ended
    last = trial.steps.tolist().index(steps)  # self-tuning goes on beyond
    return float(trial.seconds[last] - trial.seconds[0]) / (steps - skip)


def bare(workload: str, skip: int, steps: int) -> float:
    """CPU seconds per step."""
    hardware = load_hardware("one-thread-cpu")
    folder = layout.prepared_folder(load_workload(workload), "mini", DATA_DIR) / "train"
    (core,) = player_cores(hardware)
    done = subprocess.run(
        ["taskset", "-c", str(core), sys.executable, str(HERE / "bare_loop.py"), workload,
         str(folder), str(skip), str(steps)],
        env=player_environment(hardware), capture_output=True, text=True, check=True,
    )
    return float(done.stdout) / (steps - skip)


def main() -> None:
    print_machine()
    with tempfile.TemporaryDirectory() as scratch:
        for workload, (skip, steps) in CASES.items():
            ours, theirs = [], []
            for number in range(REPETITIONS):
                theirs.append(bare(workload, skip, steps))
                out = Path(scratch, f"{workload}{number}")
                ours.append(with_referee(workload, skip, steps, out))
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            added = 1e6 * (statistics.median(ours) - statistics.median(theirs))
            print(
                f"{workload}: referee / bare loop = {spread(ratios)}; bare "
                f"{spread([1e3 * t for t in theirs])} ms a step, {added:+.1f} µs with the referee"
            )


if __name__ == "__main__":
    main()
