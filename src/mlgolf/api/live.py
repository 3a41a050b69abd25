"""Live progress of a run: how many trials, what the one under way does, when all will be over."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from mlgolf.api.ladder_trials import LadderTrials
from mlgolf.api.notebook import Area, in_notebook
from mlgolf.api.remaining import Remaining
from mlgolf.core.competition import Competition
from mlgolf.core.disturbance import MEANING
from mlgolf.core.errors import RulesError, RunFolderError, SubmissionError
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Play, Reading, Row, measured
from mlgolf.core.quantities import DIGITS, quantity
from mlgolf.core.status import Status
from mlgolf.core.target import Goal
from mlgolf.core.text import from_the_disk, number_of, printable
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.engines.local import local_engine
from mlgolf.experiments.elsewhere import play_plan
from mlgolf.experiments.replay import Replay
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import Run, open_run, play_run
from mlgolf.referee.trial import play_trial
from mlgolf.results.plan_file import write_plan
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import is_finished
from mlgolf.scoring.objective import objective_goal
from mlgolf.scoring.qualification import Qualification, qualification

FAILED = (Status.CRASHED, Status.HUNG, Status.OUT_OF_MEMORY, Status.DISQUALIFIED)


def play(request: RunRequest, console: Console, *, parallel: int = 1, resume: str) -> list[Trial]:
    """Open the run and play it; say how each trial ended. Returns: the trials that were played.

    Args: resume: what a person gives to continue a run: "--resume", "resume=True".
    Raises: SubmissionError at the end if a submission broke its contract; RunFolderError if the
      disk did not take what was to be written; KeyboardInterrupt once the trial is marked.
    """
    try:
        return _opened_and_played(request, parallel, console, resume)
    except OSError as error:
        refused = from_the_disk(error)
        if refused is None or not (request.out / "run.json").exists():
            raise
        raise RunFolderError(
            f"{refused}, then continue with the same command and {resume}. Trials that have "
            "ended are kept; the one under way is repeated."
        ) from None


def write_plans(
    request: RunRequest, console: Console, show: Callable[[str], None] = lambda _: None
) -> list[Trial]:
    """Open the run and write down what is waiting, to be played elsewhere. Returns: no trials.

    Args: show: gets the path of each plan.
    """
    tell = partial(say, console)
    if request.timing == "paired":
        raise RulesError(
            "--timing paired: trials are priced beside others of one machine, and plans are played "
            "one by one wherever somebody takes them. Leave out one of --timing and --plan-only"
        )
    with open_run(request, tell) as run:
        waiting, later = run.waiting(), run.to_come()
        if waiting:
            run.data.keep_for_plans(run.folder)
        for plan in waiting:
            show(printable(str(write_plan(plan))))
    tell(
        "next: mlgolf play-trial PLAN for each; then this command with --resume" if waiting
        else "nothing is waiting to be played"
    )
    if later:
        tell(
            f"{_waits(len(later))} Then the same command with --resume plays them, or plans them "
            "with --plan-only"
        )
    return []


def play_planned(plan: TrialPlan, console: Console) -> Trial:
    """Play one planned trial, and say how it goes; say so if it has ended before."""
    tell = partial(say, console)
    if is_finished(plan.folder):
        trial = play_plan(plan)
        tell(f"{trial.key} has ended before: {trial.status}, {trial.reason}")
        return trial
    tell("checking the plan, its code and its data")
    display = _display_of_one(plan, console)
    with _shown(display, console):
        trial = play_plan(plan, partial(_watched, display))
        display.ended(trial)
    if trial.unofficial:
        tell(f"unofficial: {trial.unofficial}")
    if trial.disturbed:
        tell(f"disturbed: {MEANING}")
    return trial


def shown_while(replay: Callable[[Play], Replay], console: Console) -> Replay:
    """What `replay` returns; it is handed what plays a plan, and shows how that goes."""
    checking, shown = console.status("checking the trial and its data"), shown_play(console)

    def play(plan: TrialPlan) -> Trial:
        checking.stop()
        return shown(plan)

    with checking:
        return replay(play)


def shown_play(console: Console) -> Play:
    """What plays a plan, and shows how that goes."""

    def play(plan: TrialPlan) -> Trial:
        display = _display_of_one(plan, console)
        with _shown(display, console):
            return _watched(display, plan)

    return play


def _display_of_one(plan: TrialPlan, console: Console) -> "Display":
    return Display([plan], [plan], [], RunFolder(plan.run_folder).competition, console)


def shortfall(trials: Sequence[Trial], resume: str, run: RunFolder) -> str:
    """What keeps these trials of a run from being results, in a sentence; empty if nothing does.

    What was judged before a crash counts.
    """
    cut_short = [t for t in trials if t.status is not None and not t.status.is_final]
    if cut_short:
        count = number_of(len(cut_short), "trial")
        return f"{count} cut short by a signal; {resume} repeats what is not finished."
    if trials and all(_failed(trial, run) for trial in trials):
        return "no trial trained to an end: see the reasons above and each log.txt"
    return ""


def _failed(trial: Trial, run: RunFolder) -> bool:
    """One of a ladder, whose trials are points of curves: whether it is none."""
    if trial in (ladders := LadderTrials(run.competition)):
        return bool(ladders.why_no_point(trial))
    return trial.status in FAILED and not _counts(trial, run)


def _counts(trial: Trial, run: RunFolder) -> bool:
    competition, row = run.competition, run.competition.workloads[trial.key.workload]
    factor = competition.rules.tuning.under(run.record.ruleset).budget_factor
    judged = qualification(trial, competition.rules, row, budget_factor=factor)
    return judged is not None and judged.qualified


def _opened_and_played(
    request: RunRequest, parallel: int, console: Console, resume: str
) -> list[Trial]:
    tell = partial(say, console)
    announce = _Once(tell, f"{'continuing' if request.resume else 'writing to'} {request.out}")
    with console.status("checking submissions and data"):
        run = open_run(request, announce)
    announce()
    with run:
        _tell_about(run, tell)
        try:
            return _play(run, parallel, console)
        except KeyboardInterrupt:
            tell(f"stopped; what is finished is kept. Continue with the same command and {resume}.")
            raise


class _Once:
    """Tells what it is given, with a heading before the first: what is refused has none."""

    def __init__(self, tell: Callable[[str], None], heading: str) -> None:
        self._tell, self._heading = tell, heading

    def __call__(self, *texts: str) -> None:
        if self._heading:
            self._tell(self._heading)
            self._heading = ""
        for text in texts:
            self._tell(text)


def _tell_about(run: Run, tell: Callable[[str], None]) -> None:
    """What a person should know before it is played."""
    waiting, later = len(run.waiting()), len(run.to_come())
    waiting, total = waiting + later, len(run.plans) + later
    tell(
        f"{total} trial{'s' * (total > 1)}, {total - waiting} done before, seed "
        f"{run.folder.record.seed}"
        + (f"; unofficial: {reason}" if (reason := run.folder.record.unofficial) else "")
    )
    for note in run.notes:
        tell(note)


def say(console: Console, text: str, *, wrapped: bool = True) -> None:
    """On a terminal in lines that end between words, unless they are not to be `wrapped`."""
    console.print(printable(text), soft_wrap=not (wrapped and console.is_terminal))


def _play(run: Run, parallel: int, console: Console) -> list[Trial]:
    ended: list[Trial] = []
    waiting = run.waiting()
    done = run.folder.trials() if len(waiting) < len(run.plans) else []
    competition = run.folder.competition
    display = Display(waiting, run.plans, done, competition, console, parallel, run.to_come())
    with _shown(display, console):

        def on_end(trial: Trial) -> None:
            ended.append(trial)
            display.ended(trial)

        engine = local_engine(parallel)
        # A watcher cannot look into other processes.
        play: Play = play_trial if engine.shares_the_machine else partial(_watched, display)
        broken = play_run(run, engine, play, on_end, display.taken)
    if disturbed := sum(bool(trial.disturbed) for trial in ended):
        say(console, f"{number_of(disturbed, 'trial')} disturbed: {MEANING}")
    all_ended = [*(trial for trial in done if trial.status is not None), *ended]
    for said in (*run.planned.without_a_point(), *LadderTrials(competition).left_out(all_ended)):
        say(console, said)
    elsewhere = run.elsewhere()
    if elsewhere and not ended:
        raise RunFolderError("\n".join(["nothing was played:", *elsewhere]))
    for said in elsewhere:
        say(console, said)
    if elsewhere and (later := run.to_come()):
        say(console, _waits(len(later)))
    if broken:
        heard = "" if console.quiet else "refused, for the reason above"
        raise SubmissionError("\n".join(f"{name}: {heard or why}" for name, why in broken.items()))
    return ended


def _waits(count: int) -> str:
    """Of trials to come, below the ones that choose their points."""
    return (
        f"{number_of(count, 'further trial')} can be played once these have ended, with the points "
        "that were best in them."
    )


def _watched(display: "Display", plan: TrialPlan) -> Trial:
    display.begin(plan)
    return play_trial(plan, watcher=display)


@contextmanager
def _shown(display: "Display", console: Console) -> Iterator[None]:
    """Three lines that are kept up to date, where that is possible; a line for each trial."""
    if in_notebook() and not console.quiet:
        with Area(display.lines) as area:
            display.changed = area.refresh
            yield
    elif console.is_terminal:
        with Live(get_renderable=display.shown, console=console, transient=True):
            yield
    else:
        yield


class Display:
    """Watches the trials of a run."""

    def __init__(
        self, waiting: Sequence[TrialPlan], plans: Sequence[TrialPlan], done: Sequence[Trial],
        competition: Competition, console: Console, parallel: int = 1,
        to_come: Mapping[TrialKey, float] = MappingProxyType({}),
    ) -> None:
        """Args:
          plans: all of the run, but for those `to_come`, with the seconds that each may take.
          done: trials of it that ended before.
        """
        self._console, self._parallel = console, parallel
        self._rules = rules = competition.rules
        self._ladders = LadderTrials(competition)
        self._total, self._done = len(plans) + len(to_come), len(plans) - len(waiting)
        self._plans = {plan.key: plan for plan in plans}
        self._has_targets = rules.objective_quantity.accumulates
        self._hits = sum(map(self._is_hit, done))
        budgets = {plan.key: plan.budget_seconds for plan in waiting}
        self._remaining = Remaining({**budgets, **to_come}, parallel)
        self._began = time.monotonic()
        self._plan: TrialPlan | None = None
        self._reached = self._metric = ""
        self._best: float | None = None  # that keeps all bounds, of the trial under way
        self.changed: Callable[[], None] = lambda: None

    def taken(self, plan: TrialPlan) -> None:
        """Perhaps it could not be planned before."""
        self._plans[plan.key] = plan

    def begin(self, plan: TrialPlan) -> None:
        self._plan, self._reached, self._metric, self._best = plan, "starting", "", None
        self.changed()

    def tick(self, step: int, reading: Reading) -> None:
        assert self._plan is not None
        budget = self._plan.budget_seconds
        bounded = "" if math.isinf(budget) else f" of {budget:.4g}"
        self._reached = f"step {step}, {reading.seconds:.1f}{bounded} s"
        self.changed()

    def row(self, row: Row) -> None:
        assert self._plan is not None
        workload_rules = self._plan.workload_rules
        followed = self._plan.rules.followed
        value = row.metrics.get(followed.column_for(workload_rules.metric), math.nan)
        value *= followed.factor
        target = self._plan.rules.asked(followed.name, workload_rules)
        asked = "" if target is None else f" (target {followed.given(target.value)})"
        what = workload_rules.metric if followed.goal is None else followed.noun
        found = followed.given(value, DIGITS)
        self._metric = f", {what} {found}{asked}{self._best_so_far(row, value)}"

    def again(self, disturbed: str) -> None:
        plan = self._plan
        assert plan is not None
        say(self._console, f"{plan.key} is played again, disturbed: {disturbed}", wrapped=False)
        self.begin(plan)

    def _best_so_far(self, row: Row, value: float) -> str:
        """The best value that keeps the bounds, where a trial goes on for a better one."""
        plan = self._plan
        if self._has_targets or plan is None:
            return ""
        metric, rules = plan.workload_rules.metric, plan.rules
        found = measured(row.step, row.reading, row.metrics)
        bounds = rules.targets(
            plan.workload_rules, budget_factor=plan.budget_factor, speed=plan.speed
        )
        columns = {bound: quantity(bound.metric).column_for(metric) for bound in bounds}
        if all(bound.met(found.get(name, math.nan)) for bound, name in columns.items()):
            pick = min if objective_goal(rules, plan.workload_rules) is Goal.MINIMISE else max
            self._best = value if self._best is None else pick(self._best, value)
        if self._best is None:
            return ", no valid model yet"
        return f", best valid {rules.followed.given(self._best, DIGITS)}"

    def _judged(self, trial: Trial) -> Qualification | None:
        """What it came to, where a trial goes on for a better value; None elsewhere.

        That of a ladder is a point of a curve, or none: no bound judges it.
        """
        if self._has_targets or trial in self._ladders:
            return None
        plan = self._plans[trial.key]
        return qualification(
            trial, plan.rules, plan.workload_rules, budget_factor=plan.budget_factor
        )

    def _is_hit(self, trial: Trial) -> bool:
        if trial in self._ladders:
            return not self._ladders.why_no_point(trial)
        judged = self._judged(trial)
        return trial.status is Status.TARGET_REACHED if judged is None else judged.qualified

    def ended(self, trial: Trial) -> None:
        assert trial.status is not None
        self._done += 1
        self._hits += self._is_hit(trial)
        self._remaining.ended(trial.key, time.monotonic() - self._began)
        if trial.broke_contract:
            self._remaining.dropped(trial.key.submission)
        self._plan = None
        say(self._console, self._line(trial), wrapped=False)

    def _line(self, trial: Trial) -> str:
        """One line; on a terminal that is too narrow for it the reason has a second one."""
        mark, judged = "✓" if self._is_hit(trial) else "·", self._judged(trial)
        seconds, came_to = trial.total_seconds or 0.0, str(trial.status)
        reason = " ".join(trial.reason.split())
        if trial in self._ladders:
            came_to = self._ladders.came_to(trial)
        if judged is not None:
            came_to = str(judged.verdict)
            if judged.value is not None:
                objective = self._rules.objective_quantity
                came_to += f"  {objective.name} {objective.given(judged.value, DIGITS)}"
            reason += f"; to change: {judged.to_change}" if judged.to_change else ""
        if trial.disturbed:
            reason += f"; disturbed: {trial.disturbed}"
        if trial.repeated:
            reason += f"; attempt {trial.repeated + 1}, those before were disturbed"
        head = f"[{self._done}/{self._total}] {mark} {trial.key}  {came_to}  {seconds:.2f} s"
        narrow = self._console.is_terminal and len(head) + len(reason) + 2 > self._console.width
        return f"{head}\n    {reason}" if narrow else f"{head}  {reason}"

    def lines(self) -> list[str]:
        """How many of how many, how many hits, how long still; then the trial under way."""
        count = f"trial {min(self._done + 1, self._total)} of {self._total}"
        if self._parallel > 1:
            count = f"{self._done} of {self._total} trials ended"
        what = "reached the target" if self._has_targets else "qualified"
        hits = f"{self._hits} {'are points of curves' if self._ladders else what}"
        left = self._remaining.in_words(time.monotonic() - self._began)
        lines = [" · ".join(part for part in (count, hits, left) if part)]
        if plan := self._plan:
            lines += [str(plan.key), self._reached + self._metric]
        return [printable(line) for line in lines]

    def shown(self) -> Group:
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in self.lines()))
