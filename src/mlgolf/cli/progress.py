"""Live progress of a run: which trial, its step, the clock of its budget, the metric."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from mlgolf.core.competition import load_hardware
from mlgolf.core.errors import SubmissionError
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.engines.local import OneAtATime, SideBySide, kept_off
from mlgolf.engines.runs import Run, RunRequest, open_run, play_run
from mlgolf.referee.players import player_cores
from mlgolf.referee.trial import play_trial

FAILED = (Status.CRASHED, Status.HUNG, Status.OUT_OF_MEMORY, Status.DISQUALIFIED)


def play_with_progress(request: RunRequest, parallel: int) -> None:
    """Open the run, play it, say how each trial ended and what to do next.

    Raises: SubmissionError at the end if a submission broke its contract.
    """
    console = Console(stderr=True, highlight=False)
    with console.status("checking submissions and data"):
        run = open_run(request)
    waiting, total = len(run.waiting()), len(run.plans)
    console.print(
        f"{run.folder.path}: {total} trials, {total - waiting} done before, seed "
        f"{run.folder.record['seed']}"
        + (f"; unofficial: {reason}" if (reason := run.folder.record["unofficial"]) else "")
    )
    for note in run.notes:
        console.print(note)
    try:
        with run.folder.locked():
            trials = _play(run, parallel, console, done=total - waiting)
    except KeyboardInterrupt:
        console.print("stopped; what is finished is kept. Continue with the same command and "
                      "--resume.")
        sys.exit(130)
    cut_short = [t for t in trials if t.status is not None and not t.status.is_final]
    if cut_short:
        console.print(f"{len(cut_short)} trials were cut short by a signal; --resume repeats them.")
        raise typer.Exit(1)
    if trials and all(trial.status in FAILED for trial in trials):
        console.print("no trial trained to an end: see the reasons above and each log.txt")
        raise typer.Exit(1)
    console.print(f"next: mlgolf score {request.out}  or  mlgolf report {request.out} -o r.html")


def _play(run: Run, parallel: int, console: Console, done: int) -> list[Trial]:
    ended: list[Trial] = []
    with _bar(console, len(run.plans), done) as bar:

        def on_end(trial: Trial) -> None:
            ended.append(trial)
            bar.ended(trial)

        if parallel > 1:
            broken = play_run(run, SideBySide(parallel), play_trial, on_end)
        else:
            cores = player_cores(load_hardware(run.folder.competition.rules.hardware))
            with kept_off(cores):
                broken = play_run(run, OneAtATime(), partial(_watched, bar, cores), on_end)
    if broken:
        raise SubmissionError("\n".join(f"{name}: {why}" for name, why in broken.items()))
    return ended


def _watched(bar: "Bar", cores: Sequence[int], plan: TrialPlan) -> Trial:
    bar.begin(plan)
    return play_trial(plan, watcher=bar, cores=cores)


class Bar:
    """Watches one trial after the other."""

    def __init__(self, progress: Progress, total: int, done: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, completed=done, shown="")
        self._plan: TrialPlan | None = None
        self._metric = ""
        self._last_shown = -1.0

    def begin(self, plan: TrialPlan) -> None:
        self._plan, self._metric, self._last_shown = plan, "", -1.0
        self._show("starting")

    def _show(self, shown: str) -> None:
        name = str(self._plan.key) if self._plan else ""
        self._progress.update(self._task, description=name, shown=shown)

    def tick(self, step: int, reading: Reading) -> None:
        if reading.wall - self._last_shown < 0.2 or self._plan is None:
            return
        self._last_shown = reading.wall
        budget = self._plan.numbers.budget_seconds * self._plan.budget_factor
        self._show(f"step {step}  {reading.seconds:.1f} of {budget:g} s  {self._metric}")

    def row(self, row: Row) -> None:
        assert self._plan is not None
        numbers = self._plan.numbers
        value = row.metrics.get(f"validation/{numbers.metric}", float("nan"))
        self._metric = f"{numbers.metric} {value:.4g}, target {numbers.target:g}"

    def ended(self, trial: Trial) -> None:
        assert trial.status is not None
        seconds = trial.header["total"]["seconds"]
        mark = "✓" if trial.status is Status.TARGET_REACHED else "·"
        self._progress.console.print(
            f"{mark} {trial.key}  {trial.status}  {seconds:.2f} s  {trial.reason}", soft_wrap=True
        )
        self._progress.advance(self._task)


@contextmanager
def _bar(console: Console, total: int, done: int) -> Iterator[Bar]:
    columns = (
        BarColumn(20), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(),
        TextColumn("{task.description}  {task.fields[shown]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Bar(progress, total, done)
