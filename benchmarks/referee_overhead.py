"""What does the referee add to a step, over the same loop without it?

    referee_overhead.py [WORKLOAD ...] [--framework torch jax]      all of mini, in both, by default

Both live on the player's core, in the player's environment, and take turns: whenever the referee
has frozen the player to evaluate it, the bare loop runs as many steps as lie between two
evaluations, and waits again. So a noisy neighbour meets both alike. The referee's figure is time on
its clock from one evaluation to the next, the hand-over included.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import DATA_DIR, print_machine, spread
from played import windows_of

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.registry import load_workload
from mlgolf.core.workload import FRAMEWORKS
from mlgolf.data import layout
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run
from mlgolf.referee.cores import kept_off, taken_cores
from mlgolf.referee.fork_server import player_environment
from mlgolf.referee.trial import play_trial

HERE = Path(__file__).parent
SMALLEST = "linear"  # a workload of tests, of steps that take next to nothing
WINDOW, ITS_WINDOW = 100, 2000  # steps from one evaluation to the next: of mini; of the smallest
COUNT = 20  # windows, and half as many again under self-tuning
WARM_UP = 2  # of them


class BareLoop:
    """A watcher of the trial that lets the other loop run while the player is frozen."""

    def __init__(self, workload: str, framework: str, cores: tuple[int, ...]) -> None:
        folder = layout.prepared_folder(load_workload(workload), "mini", DATA_DIR) / "train"
        self._process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, cores)), sys.executable,
             str(HERE / f"bare_loop_{framework}.py"), workload, str(folder),
             str(window_of(workload))],
            env=player_environment(load_hardware("one-thread-cpu")), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.seconds: list[float] = []

    def tick(self, step: int, reading: Reading) -> None:
        pass

    def again(self, disturbed: str) -> None:
        raise AssertionError("these rules repeat nothing")

    def row(self, row: Row) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        print("go", file=stdin, flush=True)
        self.seconds.append(float(stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


def window_of(workload: str) -> int:
    return ITS_WINDOW if workload == SMALLEST else WINDOW


def windows(
    workload: str, framework: str, out: Path
) -> tuple[list[float], list[float], float]:
    """Seconds per step of each window, with the referee and bare, and what evaluations cost.

    The last is the share of the clock that was charged for evaluations: nothing, for honest
    training at the interval of the rules.
    """
    request = RunRequest(
        submissions=(str(HERE / "plain"),), framework=framework,
        competition=windows_of(workload, window_of(workload), COUNT), ruleset="self", studies=1,
        seed=1, data_dir=DATA_DIR, out=out,
    )
    ended = []
    taken = taken_cores(load_hardware("one-thread-cpu"))
    with open_run(request) as run, taken as cores, kept_off(cores.numbers):
        bare = BareLoop(workload, framework, cores.numbers)
        for plan in run.plans:
            ended.append(play_trial(plan, cores=cores, watcher=bare))
        bare.close()
    (trial,) = ended
    clock = [b - a for a, b in zip(trial.seconds, trial.seconds[1:], strict=False)]
    # The bare loop has its turn after an evaluation, so its first window has no counterpart.
    pairs = list(zip(clock, bare.seconds[1:], strict=True))[WARM_UP:]
    ours, theirs = zip(*pairs, strict=True)
    steps = window_of(workload)
    assert trial.charged_seconds is not None
    charged = float(trial.charged_seconds.sum() / trial.seconds[-1])
    return [s / steps for s in ours], [s / steps for s in theirs], charged


def told(ours: list[float], theirs: list[float], charged: float) -> str:
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    added = [1e6 * (a - b) for a, b in zip(ours, theirs, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return (
        f"referee / bare loop = {middle:.3f} (quartiles {low:.3f} to {high:.3f}, {len(ratios)} "
        f"windows); bare {spread([1e3 * t for t in theirs])} ms a step, "
        f"{statistics.median(added):+.1f} µs with the referee; charged for evaluations: "
        f"{charged:.2%} of the clock"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*")
    parser.add_argument("--framework", nargs="+", default=FRAMEWORKS)
    asked = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as scratch:
        for workload in asked.workloads or [SMALLEST, *load_competition("mini").workloads]:
            for framework in asked.framework:
                found = windows(workload, framework, Path(scratch, workload, framework))
                print(f"{workload} in {framework}: {told(*found)}", flush=True)


if __name__ == "__main__":
    main()
