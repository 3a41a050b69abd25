"""What does the level bubblewrap cost, against process: to start a trial, and in each step?

Both levels take turns, and change who is first, so that whatever else the machine does hits both.
Aims: a start at most 0.15 s longer, time per step 1.00 +- 0.01.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common import print_machine, spread

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.messages import Ready
from mlgolf.core.plan import TrialPlan
from mlgolf.core.records import SandboxLevel
from mlgolf.core.registry import load_workload
from mlgolf.core.trial_key import TrialKey
from mlgolf.data import layout
from mlgolf.referee.fork_server import player_environment, python_folders
from mlgolf.referee.levels import check_level
from mlgolf.referee.orders import Order
from mlgolf.referee.players import ProcessPlayers
from mlgolf.referee.sandbox import HeldProcess

RULES = Path(__file__).parents[1] / "tests" / "end_to_end" / "linear.toml"
HARDWARE = load_hardware("one-thread-cpu")
LEVELS: tuple[SandboxLevel, SandboxLevel] = ("process", "bubblewrap")
SUBMISSION = """
import torch
from mlgolf.torch import from_optimizer
submission = from_optimizer(torch.optim.AdamW, search_space=[{"learning_rate": 0.01}])
"""
# Convolutions, a matrix product and an optimizer: calls of the kernel are few, as in any training.
TRAINING = """
import os, sys, torch
told, heard, steps = map(int, sys.argv[1:])
torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(),
    torch.nn.Linear(32 * 12 * 12, 10))
optimizer = torch.optim.AdamW(model.parameters())
images, labels = torch.randn(64, 3, 24, 24), torch.randint(10, (64,))
def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
train(10)
os.write(told, b"b"); os.read(heard, 1)
train(steps)
os.write(told, b"e"); os.read(heard, 1)
"""


def start_seconds(level: SandboxLevel, plan: TrialPlan) -> float:
    """Until the player has taken its assignment and is ready: all that comes before the clock."""
    began = time.perf_counter()
    player = ProcessPlayers(HARDWARE, level).start(plan, 1 << 16)
    try:
        while not isinstance(player.receive(30), Ready):
            pass
        return time.perf_counter() - began
    finally:
        player.stop()


def step_seconds(level: SandboxLevel, steps: int) -> float:
    """CPU seconds of a step."""
    (told, tell), (hear, say) = os.pipe(), os.pipe()
    order = Order(
        argv=[sys.executable, "-c", TRAINING, str(tell), str(hear), str(steps)],
        environment=player_environment(HARDWARE), inherit=[tell, hear], see=python_folders(),
        cores=[max(os.sched_getaffinity(0))], memory_bytes=HARDWARE.memory_bytes,
        walls=level == "bubblewrap",
    )
    held = HeldProcess(order)
    for descriptor in (tell, hear):
        os.close(descriptor)
    try:
        held.start()
        clock = []
        while os.read(told, 1):
            clock.append(held.cpu_seconds())
            os.write(say, b"g")
        assert len(clock) == 2, "the training ended early"
        return (clock[1] - clock[0]) / steps
    finally:
        held.stop()
        for descriptor in (told, say):
            os.close(descriptor)


def pairs(measure: Callable[[SandboxLevel], float], number: int) -> list[tuple[float, float]]:
    """(process, bubblewrap), measured in turns; the first of a pair changes."""
    found = []
    for pair in range(number):
        by_level = {level: measure(level) for level in (LEVELS if pair % 2 else LEVELS[::-1])}
        found.append((by_level["process"], by_level["bubblewrap"]))
    return found


def planned(scratch: Path) -> TrialPlan:
    """A trial of the one-second competition."""
    data = scratch / "data"
    workload = load_workload("linear")
    layout.make(workload, "mini", data)
    layout.prepare(workload, "mini", data)
    code = scratch / "run" / "code"
    code.mkdir(parents=True)
    (code / "adamw.py").write_text(SUBMISSION)
    competition = load_competition(RULES)
    key = TrialKey(submission="adamw", framework="torch", workload="linear", study=0, trial=1)
    return TrialPlan(
        key=key, submission_file=code / "adamw.py", run_folder=scratch / "run",
        submission_sha256="0", package_sha256="0", rules=competition.rules,
        workload_rules=competition.workloads["linear"], workload="linear", size="mini",
        ruleset="external", contract="submission", hyperparameters={"learning_rate": 0.01}, seed=1,
        data_folder=data / "linear" / "mini" / "prepared", data_dir=data, held_out="practice",
        calibration=None, data_sha256="0", sandbox="process", folder=scratch / "run" / "trial",
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=15)
    options.add_argument("--steps", type=int, default=200)
    asked = options.parse_args()
    print_machine()
    check_level("bubblewrap")
    with tempfile.TemporaryDirectory() as scratch:
        plan = planned(Path(scratch))
        for level in LEVELS:  # its fork server imports the framework, once for all trials
            start_seconds(level, plan)
        starts = pairs(lambda level: start_seconds(level, plan), asked.pairs)
    steps = pairs(lambda level: step_seconds(level, asked.steps), asked.pairs)
    print(f"start of a trial, process: {spread([one for one, _ in starts])} s")
    print(f"start of a trial, bubblewrap: {spread([other for _, other in starts])} s")
    print(f"bubblewrap takes longer by {spread([other - one for one, other in starts])} s")
    print(f"CPU time per step, process: {spread([one for one, _ in steps])} s")
    ratios = [other / one for one, other in steps]
    print(f"CPU time per step, bubblewrap to process: {spread(ratios)}")
    if len(ratios) > 1:
        error = statistics.stdev(ratios) / len(ratios) ** 0.5
        print(f"mean ratio {statistics.mean(ratios):.4f}, standard error {error:.4f}")


if __name__ == "__main__":
    main()
