"""What is lost, wrong or left over when 200 short trials meet a fault each?

    faults.py [--trials 200] [--seed 0] [--minutes 30] [--only "disk full" ...]

Each trial meets one fault at a random moment; in between runs are killed where they begin. Then
the same command with --resume completes the run, and every trial is compared with that of a run
without faults:

    lost        a row that was on disk or that the player was told of, and that is nowhere; a trial
                that ends otherwise, or with other rows than without the fault
    wrong       clocks that go back; CPU time that is not that of the trial without a fault (half to
                twice as much, as far as a busy machine explains); wall time above what passed
    left over   processes, files in /tmp, /dev/shm and the home folder, segments of System V,
                control groups (those of a killed referee once the next one has ended); temporary
                files and claims in the run; data that were drawn

A disk is full because a file takes all of it, and stalls because its file system is frozen
(FIFREEZE): both are real, on a small disk of its own. Memory runs short in a control group. The
clock of the day is the one thing that is not really changed, as the machine has only one: in the
referee's process Python's time.time() jumps by up to thirty years at each look. What reads the
clock below Python, such as the time stamps of files, does not jump.

Exit code 1 if anything was lost, wrong or left over, or a fault met fewer than three in four
of its trials (a fast machine may end one first). As root on Linux; others do without faults of
memory and a disk that stalls.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from common import print_machine
from faults_kinds import FAULTS, JUMPING, JUMPS, PLAYER, Fault, Scene
from faults_world import INSIDE, World, enter, reap

from mlgolf.core.registry import load_workload
from mlgolf.core.status import Status
from mlgolf.data.layout import make, prepare
from mlgolf.results.trial_folder import read_rows, read_verdict

HERE = Path(__file__).parent
MLGOLF = Path(sys.executable).parent / "mlgolf"
RULES = HERE.parent / "tests" / "end_to_end" / "linear.toml"
PER_RUN = 20  # trials
ROWS, STEPS = 20, 50  # evaluations of a trial, and steps from one to the next
MOST_STARTS = 3 * PER_RUN  # of one run, until it is complete
SLACK_SECONDS = 0.1
WITNESS = '''
import torch
from mlgolf.torch import from_optimizer

adamw = from_optimizer(
    torch.optim.AdamW, search_space=[{"learning_rate": 0.01}], schedule="constant"
)
search_space, get_batch_size = adamw.search_space, adamw.get_batch_size
init_optimizer_state, data_selection = adamw.init_optimizer_state, adamw.data_selection
told = 0

def update_params(*, eval_results, **rest):
    """What it is told of goes into its log at once."""
    global told
    for step, _ in eval_results[told:]:
        print("told of step", step)
    told = len(eval_results)
    return adamw.update_params(eval_results=eval_results, **rest)
'''


@dataclass(frozen=True, slots=True)
class Due:
    """A fault, and when it comes: after so many rows, and a while."""

    fault: Fault
    rows: int
    delay: float


@dataclass(slots=True)
class Met:
    """A trial of a run, what it met, and what was seen of it from outside."""

    folder: Path
    due: Due | None
    hit: bool = False
    lines: set[str] = field(default_factory=set)  # of evals.jsonl, that were on disk
    rows: int = 0  # of this attempt
    began: float = 0.0  # while it is played
    spans: list[float] = field(default_factory=list)  # seconds for which it was played

    def look(self) -> int:
        """Returns: how many rows are on disk."""
        try:
            whole = (self.folder / "evals.jsonl").read_text().split("\n")[:-1]
        except FileNotFoundError:
            return 0
        self.lines |= {*whole}
        return len(whole)

    def follow(self, before: float) -> None:
        """Note whether it is being played. Args: before: when it was looked at last."""
        played = (self.folder / "claim.json").exists()
        if played and not self.began:
            self.began = before
        if self.began:
            self.rows = self.look()
            if not played:
                self.end()

    def is_due(self) -> bool:
        return (
            self.began > 0 and not self.hit and self.due is not None
            and self.rows >= self.due.rows
        )

    def end(self) -> None:
        """It is played no longer, or its referee is gone."""
        if self.began:
            self.spans.append(time.monotonic() - self.began)
        self.began, self.rows = 0.0, 0

    def attempts(self) -> list[Path]:
        """The earlier ones, in their order."""
        return sorted(self.folder.glob("attempt_*"), key=lambda path: int(path.name[8:]))


@dataclass(slots=True)
class Tally:
    """What became of the trials that met one fault."""

    ended: Counter = field(default_factory=Counter)
    hit: int = 0
    late: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # over that of the trial without a fault

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.wrong or self.left)


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """The same run without faults: by trial its rows, and its CPU seconds."""

    rows: list[list[tuple]]
    cpu: list[float]
    data: set[Path]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="after which no run begins")
    parser.add_argument("--only", nargs="+", choices=[fault.name for fault in (*FAULTS, JUMPS)])
    asked = parser.parse_args()
    if INSIDE not in os.environ:
        sys.exit(enter())
    print_machine()
    world = World([HERE.parent, Path(sys.prefix), Path(sys.base_prefix)])
    try:
        faults = Faults(world, asked.seed, asked.only)
        sys.exit(0 if faults.play(asked.trials, 60 * asked.minutes) else 1)
    finally:
        world.close()


class Faults:
    """Runs with faults, one after the other."""

    def __init__(self, world: World, seed: int, only: list[str] | None) -> None:
        self._world, self._rng = world, random.Random(seed)
        self._said = world.scratch / "said"
        self._tallies = {fault.name: Tally() for fault in (*FAULTS, JUMPS)}
        self._starts = Tally()  # of runs, where they are killed as they begin
        self._only = only
        rules = world.scratch / "rules.toml"
        rules.write_text(
            RULES.read_text().replace("target = 0.02", "target = 0.0")
            .replace("step_limit = 4000", f"step_limit = {STEPS * ROWS}")
            .replace("eval_every_steps = 100", f"eval_every_steps = {STEPS}")
        )
        self._submission = world.scratch / "witness.py"
        self._submission.write_text(WITNESS)
        self._arguments = [
            "run", self._submission, "--competition", rules, "--trials", 1, "--studies", PER_RUN,
            "--seed", 1,
        ]  # fmt: skip
        data = world.disk / "data"
        make(load_workload("linear"), "mini", data)
        prepare(load_workload("linear"), "mini", data)

    def play(self, trials: int, seconds: float) -> bool:
        """Returns: whether nothing was lost, wrong or left over.

        Args: seconds: after which no run begins.
        """
        began = time.monotonic()
        undisturbed = self._undisturbed()
        for number, faults in enumerate(self._drawn(trials)):
            if time.monotonic() - began < seconds:
                self._play_run(number, faults, undisturbed)
        self._print(time.monotonic() - began)
        tallies = [*self._tallies.values(), self._starts]
        return all(tally.is_clean and tally.hit >= 3 * tally.late for tally in tallies)

    def _drawn(self, trials: int) -> list[list[Fault]]:
        """The faults of each run: as many of each kind, in any order; clocks jump in runs apart."""
        kinds = [
            fault for fault in (*FAULTS, JUMPS)
            if fault.needs(self._world) and (self._only is None or fault.name in self._only)
        ]
        if not kinds:
            sys.exit("none of these faults can happen here: they need root and control groups")
        drawn = [kinds[number % len(kinds)] for number in range(trials)]
        jumps = [fault for fault in drawn if fault is JUMPS]
        others = [fault for fault in drawn if fault is not JUMPS]
        self._rng.shuffle(others)
        return [
            part[first : first + PER_RUN]
            for part in (jumps, others) for first in range(0, len(part), PER_RUN)
        ]

    def _undisturbed(self) -> Undisturbed:
        run = self._world.disk / "undisturbed"
        referee = self._started(run, "process")
        if code := referee.wait():
            sys.exit(f"the run without faults ended with {code}: {self._said.read_text()}")
        if left := self._world.left_over():
            sys.exit(f"the run without faults left {left}")
        folders = [trial_of(run, number) for number in range(PER_RUN)]
        return Undisturbed(
            rows=[what_was_measured(folder) for folder in folders],
            cpu=[read_rows(folder)[-1]["cpu_seconds"] for folder in folders],
            data=files_in(self._world.disk / "data"),
        )

    def _started(self, run: Path, level: str, *, jumping: bool = False) -> subprocess.Popen:
        resume = ["--resume"] if (run / "run.json").exists() else []
        words = [*self._arguments, "--sandbox", level, "--out", run, *resume]
        command = [sys.executable, "-c", JUMPING] if jumping else [str(MLGOLF)]
        return self._world.start([*command, *map(str, words)], self._said)

    def _play_run(self, number: int, faults: list[Fault], undisturbed: Undisturbed) -> None:
        """One run until it is complete, and what came of it."""
        run, level = self._world.disk / f"run_{number}", ("bubblewrap", "process")[number % 2]
        jumping = faults[0] is JUMPS
        trials = [Met(trial_of(run, place), self._due(fault)) for place, fault in enumerate(faults)]
        trials += [Met(trial_of(run, n), None) for n in range(len(trials), PER_RUN)]
        starts, code = 0, None if jumping else self._killed_at_its_start(run, level)
        while code != 0:
            starts += 1
            if starts > MOST_STARTS:
                self._starts.lost.append(f"{run.name} is not complete after {starts} starts")
                break
            referee = self._started(run, level, jumping=jumping)
            met = self._watch(referee, trials)
            code = referee.wait()
            self._note(met, code, f"{run.name}, start {starts}")
        for place, trial in enumerate(trials):
            if trial.due is not None and (run / "run.json").exists():
                self._judge(trial, undisturbed.rows[place], undisturbed.cpu[place])
        hidden = {path for path in run.rglob("*") if is_temporary(path)}
        data = files_in(self._world.disk / "data") - undisturbed.data
        self._starts.left += map(str, hidden | data)
        print(f"{run.name}: {len(faults)} trials, {level}, {starts} starts", flush=True)

    def _due(self, fault: Fault) -> Due:
        rows = self._rng.choice([0, *range(ROWS * 3 // 4)])  # a fast machine soon does the rest
        return Due(fault, rows, self._rng.uniform(0.0, 0.03 if rows else 0.5))

    def _killed_at_its_start(self, run: Path, level: str) -> int:
        """Where the folder of the run has just been made."""
        referee = self._started(run, level)
        while not run.exists() and referee.poll() is None:
            time.sleep(0.0005)
        time.sleep(self._rng.choice([0.0, self._rng.uniform(0.0, 0.02)]))
        referee.kill()
        code = referee.wait()
        self._starts.hit += 1
        self._starts.ended["no run yet" if not (run / "run.json").exists() else "begun"] += 1
        self._starts.left += self._world.left_over(killed=True)
        return code

    def _watch(self, referee: subprocess.Popen, trials: list[Met]) -> list[Met]:
        """Inject what is due until the referee ends. Returns: the trials that met a fault."""
        met: list[Met] = []
        scene = Scene(self._world, referee, self._rng)
        looked = time.monotonic()
        while referee.poll() is None:
            before, looked = looked, time.monotonic()
            for trial in trials:
                trial.follow(before)
                if trial.is_due():
                    self._inject(trial, scene)
                    met += [trial] if trial.hit else []
            reap(but=referee.pid)
            time.sleep(0.005)
        for trial in trials:
            trial.look()
            trial.end()
        return met

    def _inject(self, trial: Met, scene: Scene) -> None:
        assert trial.due is not None
        time.sleep(trial.due.delay)
        if len(players := scene.some(PLAYER)) > 1:
            self._tallies[trial.due.fault.name].left.append(f"players {players}")
        trial.hit = trial.due.fault.inject(scene)  # or else once more: it has not begun yet

    def _note(self, met: list[Met], code: int, where: str) -> None:
        """How a referee ended, and what it left; blamed on the fault that it met last."""
        last = met[-1].due.fault if met and met[-1].due else None
        tally = self._starts if last is None else self._tallies[last.name]
        allowed = {code for trial in met if trial.due for code in trial.due.fault.exits} or {0, 1}
        said = self._said.read_text()
        if code not in allowed or "Traceback" in said:
            tally.lost.append(f"{where}: the referee ended with {code}:\n{said}")
        self._said.write_text("")
        left = self._world.left_over(killed=code == -signal.SIGKILL)
        tally.left += [f"{where}: {thing}" for thing in left]

    def _judge(self, trial: Met, expected: list[tuple], cpu: float) -> None:
        assert trial.due is not None
        fault, tally = trial.due.fault, self._tallies[trial.due.fault.name]
        tally.hit += trial.hit
        tally.late += not trial.hit
        where = "/".join(trial.folder.parts[-4:])
        attempts = [*trial.attempts(), trial.folder]
        verdicts = [read_verdict(folder) for folder in attempts]
        final = verdicts[-1]
        statuses = [verdict.status if verdict else None for verdict in verdicts]
        tally.ended[" then ".join(status or "cut short" for status in statuses)] += 1
        tally.lost += [
            f"{where}: {verdict.reason}" for verdict in verdicts
            if verdict is not None and verdict.status not in fault.attempt
        ]
        if final is None or final.status not in fault.ends:
            tally.lost.append(f"{where} has ended as {statuses[-1]}")
        kept = [line for folder in attempts for line in lines_of(folder)]
        tally.lost += [f"{where}: a row was seen, and is gone: {x}" for x in trial.lines - {*kept}]
        for folder in attempts:
            rows = what_was_measured(folder)
            tally.lost += lost_in(folder, rows, expected, where)
            tally.wrong += wrong_in(folder, max(trial.spans, default=0.0), where)
        if statuses[-1] is Status.FINISHED:
            if rows != expected:
                tally.lost.append(f"{where}: {len(rows)} rows of {len(expected)}")
            tally.cpu.append(read_rows(trial.folder)[-1]["cpu_seconds"] / cpu)
            if not 0.5 <= tally.cpu[-1] <= 2.0:
                tally.wrong.append(f"{where}: {tally.cpu[-1]:.2f} times the CPU time")

    def _print(self, seconds: float) -> None:
        print(f"\n{'fault':24}{'met':>4}{'late':>5}{'lost':>5}{'wrong':>6}{'left':>5}  "
              f"{'CPU time':13} how the trials ended")  # fmt: skip
        tallies = {**self._tallies, "referee killed at start": self._starts}
        for name, tally in tallies.items():
            cpu = f"{min(tally.cpu):.2f} to {max(tally.cpu):.2f}" if tally.cpu else ""
            ended = ", ".join(f"{how} {count}" for how, count in tally.ended.most_common())
            print(f"{name:24}{tally.hit:4}{tally.late:5}{len(tally.lost):5}{len(tally.wrong):6}"
                  f"{len(tally.left):5}  {cpu:13} {ended}")  # fmt: skip
        for name, tally in tallies.items():
            for what in ("lost", "wrong", "left"):
                for told in getattr(tally, what):
                    print(f"{name}: {what}: {told}")
        print(f"CPU time is over that without a fault; {seconds:.0f} s in all")


def trial_of(run: Path, number: int) -> Path:
    return run / "witness" / f"study_{number}" / "linear_torch" / "trial_1"


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def is_temporary(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "claim.json"


def lines_of(folder: Path) -> list[str]:
    file = folder / "evals.jsonl"
    return file.read_text().split("\n")[:-1] if file.exists() else []


def what_was_measured(folder: Path) -> list[tuple]:
    """Rows without their seconds."""
    return [(row["step"], row["model_sha256"], row["metrics"]) for row in read_rows(folder)]


def lost_in(folder: Path, rows: list[tuple], expected: list[tuple], where: str) -> list[str]:
    """Rows that the player was told of and that are not there, or that are others."""
    log = folder / "log.txt"
    told = log.read_text().split("\n")[:-1] if log.exists() else []
    steps = {int(line.removeprefix("told of step ")) for line in told if line.startswith("told")}
    missing = steps - {step for step, _, _ in rows}
    found = [f"{where}: told of step {step}, which has no row" for step in missing]
    if rows != expected[: len(rows)]:
        found.append(f"{where}: other rows in {folder.name}")
    return found


def wrong_in(folder: Path, most: float, where: str) -> list[str]:
    """Clocks that go back or ahead. Args: most: seconds for which the trial was played."""
    rows, found = read_rows(folder), []
    for clock in ("seconds", "cpu_seconds", "wall_seconds"):
        values = [0.0, *(row[clock] for row in rows)]
        if values != sorted(values):
            found.append(f"{where}: {clock} goes back: {values}")
    if rows and most and rows[-1]["wall_seconds"] > most + SLACK_SECONDS:
        found.append(f"{where}: {rows[-1]['wall_seconds']:.2f} s in {most:.2f} s")
    found += [
        f"{where}: more CPU time than wall time: {row}" for row in rows
        if row["cpu_seconds"] > row["wall_seconds"] + SLACK_SECONDS
    ]
    return found


if __name__ == "__main__":
    main()
