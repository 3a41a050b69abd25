"""Play runs, and replay their trials."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from mlgolf.api.live import play, play_planned, say, shortfall, shown_while, write_plans
from mlgolf.api.notebook import in_notebook
from mlgolf.backends import load_backend
from mlgolf.core.competition import load_competition
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import RulesError, SubmissionError, UnknownName
from mlgolf.core.records import SandboxLevel
from mlgolf.core.rules import Ruleset
from mlgolf.core.trial import Trial
from mlgolf.data.layout import default_data_dir
from mlgolf.engines.local import local_engine
from mlgolf.experiments.ladders import check_tuned_at
from mlgolf.experiments.ladders import ladder as at_budgets
from mlgolf.experiments.replay import Replay, replay_trial
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.targets import SHARE_OF_STEPS, FoundTarget, find_target
from mlgolf.golf.contradictions import contradictions
from mlgolf.referee.evaluators import evaluator_for
from mlgolf.referee.freeze import find_submission
from mlgolf.results.places import check_that_it_is_a_trial
from mlgolf.results.plan_file import read_plan
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.run_names import latest_run, new_run_folder
from mlgolf.results.trial_folder import read_trial
from mlgolf.scoring.sources import as_ruleset

if TYPE_CHECKING:  # the command needs nothing of it, and it takes a second
    from mlgolf.api.results import AnyPath, Run

RESUME = "resume=True"
PLAYED_AT = ("none", "process", "bubblewrap")


@contextmanager
def not_again() -> Iterator[None]:
    """A worker that imports the script which began it plays nothing; `SideBySide` says so there."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # as multiprocessing asks
        raise SystemExit(1)
    yield


@not_again()
@disk_errors_told()
def run(
    submissions: "AnyPath | Sequence[AnyPath]", *, competition: "AnyPath" = "mini",
    workloads: str | Sequence[str] | None = None, framework: str = "torch",
    tuning: str | None = None, trials: int | None = None, studies: int | None = None,
    ladder: Sequence[float] = (), tune_at: float | None = None, seed: int | None = None,
    sandbox: SandboxLevel | None = None,
    practice: bool = False, data_dir: "AnyPath | None" = None, out: "AnyPath | None" = None,
    ledger: "AnyPath | None" = None, public_value: str | None = None,
    resume: bool = False, parallel: int | None = None, timing: str = "alone",
    plan_only: bool = False, progress: bool = True,
) -> "Run":
    """Train submissions under the referee and write everything down. Lasts as long as the trials.

    Args:
      submissions: algorithms by name, folders or modules by path: one, or several.
      competition: by name, file or folder.
      workloads: play these only.
      tuning: "external" or "self"; None: the first of them that the competition knows.
      trials: per study. trials, studies: None for as many as the competition says.
      ladder: multiples of the step hint; each workload is trained for each of them, with a
        schedule of that length, and what counts is the validation metric at the end.
      tune_at: the one of these multiples at which all points are tried; each study then trains
        its best one alone at the others. None: all points are tried at each of them.
      seed: of points and trials; None to draw one.
      sandbox: "bubblewrap" for anybody's code, "process" for your own, "none" for a debugger; None
        for the strongest that this machine gives, or that of the run to `resume`.
      practice: play on the published held-out data; not official.
      data_dir: where datasets lie; None for $MLGOLF_DATA_DIR or ~/.cache/mlgolf/data. Small data
        that are missing are made.
      out: the run folder to make, or to `resume`; None for runs/DATE-NAMES, or the latest run.
      ledger: the folder of a host's ledger, which gets a line before the first trial.
      public_value: that the ledger named beforehand, where the rules say draws = "fresh".
      parallel: trials at a time; None for 1, or for as many as there are cores where they are
        "paired". Above 1 the run is not official unless they are.
      timing: "alone", or "paired": trials play side by side, and each has the machine alone for a
        segment now and then, which prices its CPU time. Official where the rules allow it.
      plan_only: write down what `play_trial` is to play elsewhere, and play nothing.
      progress: whether to say how it goes: below the cell in a notebook, on stderr elsewhere.
    Returns: the run, also if trials failed: a crash is a result.
    Raises: MLGolfError for anything that a person got wrong, SubmissionError if a submission broke
      its contract, KeyboardInterrupt if it is stopped; what had ended is kept.
    """
    from mlgolf.api.results import Run

    names = _names(submissions)
    _check_choice("framework", framework, ("torch", "jax"))
    _check_choice("sandbox", sandbox, (None, *PLAYED_AT))
    _check_choice("timing", timing, ("alone", "paired"))
    counts = (("trials", trials, 1), ("studies", studies, 1), ("seed", seed, 0))
    for what, number, least in (*counts, ("parallel", parallel, 1)):
        _check_count(what, number, least)
    parallel = trials_at_a_time(parallel, timing)
    chosen = [workloads] if isinstance(workloads, str) else workloads
    chosen = [str(name) for name in chosen or ()]
    console = console_for(progress)

    def play_it(request: RunRequest) -> list[Trial]:
        if plan_only:
            return write_plans(request, console)
        with settings_kept(framework):
            return play(request, console, parallel=parallel, resume=RESUME)

    path, played = play_in_folder(
        names, None if out is None else Path(out), play_it, resume=resume,
        competition=str(competition), workloads=chosen, ladder=ladder, tune_at=tune_at,
        tell=partial(say, console),
        framework=framework, ruleset=as_ruleset(tuning), trials=trials, studies=studies, seed=seed,
        sandbox=sandbox, timing=timing, practice=practice, parallel=parallel,
        ledger=None if ledger is None else Path(ledger), public_value=public_value,
        data_dir=default_data_dir() if data_dir is None else Path(data_dir),
    )
    if lacking := shortfall(played, RESUME, RunFolder(path)):
        say(console, lacking)
    return Run(path)


def trials_at_a_time(asked: int | None, timing: str) -> int:
    """Where nobody says how many: one, or as many as there are cores if that disturbs nothing."""
    if asked is not None:
        return asked
    return len(os.sched_getaffinity(0)) if timing == "paired" else 1


def play_in_folder(
    submissions: Sequence[str], out: Path | None, play_it: Callable[[RunRequest], list[Trial]], *,
    competition: str, workloads: Sequence[str], resume: bool, ruleset: Ruleset | None,
    trials: int | None, tell: Callable[[str], None], ladder: Sequence[float] = (),
    tune_at: float | None = None, parallel: int = 1, **asked: Any,
) -> tuple[Path, list[Trial]]:
    """Play a request in the folder that was given; else in a new one, or the latest to continue.

    Args:
      competition: by name, file or folder. workloads: those that are played; empty: all.
      ruleset: of tuning; None: the first that the competition knows.
      tell: hears what is doubtful in the rules.
      ladder: budgets, as multiples of the step hint; empty: as the competition says. tune_at: the
        one of them at which points are searched; None: at each.
      parallel: how many trials `play_it` plays at a time.
      asked: further fields of the request.
    Returns: the folder, and the trials that were played now.
    Raises: RulesError for rules that no model fulfils, unless the run began under them.
    """
    played = load_competition(competition).select([*workloads] or None)
    chosen = ruleset or played.rules.tuning.rulesets[0]
    if tune_at is not None:
        check_tuned_at(tune_at, ladder)
        if (trials or played.rules.tuning.under(chosen).trials) == 1:
            tell("--tune-at changes nothing: a study has one trial, so there is nothing to choose")
            tune_at = None
    if ladder:
        played = at_budgets(played, ladder, tune_at=tune_at)
    for doubt in [] if resume else contradictions(competition, played):
        tell(f"look at these rules again: {doubt}")
    if chosen == "self" and trials not in (None, 1):
        raise RulesError(f"trials: found {trials}, but a study of self-tuning is one trial")
    with _run_folder(submissions, asked["framework"], out, resume=resume) as folder:
        request = RunRequest(
            submissions=tuple(submissions), competition=played, out=folder, resume=resume,
            shares_the_machine=local_engine(parallel).shares_the_machine,
            ruleset=chosen, trials=trials if chosen == "external" else 1, **asked,
        )
        return folder, play_it(request)


def _run_folder(
    submissions: Sequence[str], framework: str, out: Path | None, *, resume: bool
) -> AbstractContextManager[Path]:
    if out is not None:
        return nullcontext(out)
    names = [find_submission(text, framework).name for text in submissions]
    return nullcontext(latest_run()) if resume else new_run_folder(names)


def _names(submissions: Any) -> list[str]:
    several = submissions if isinstance(submissions, Sequence) else [submissions]
    given = [submissions] if isinstance(submissions, str) else several
    for submission in given:
        if not isinstance(submission, str | PathLike):
            raise SubmissionError(
                f"found an object of type {type(submission).__name__}; a submission is given by "
                "the name of an algorithm or the path of its file, since its code is copied and "
                "hashed before it runs. Put the lines that make it into a file such as "
                "my_adamw.py and give that path."
            )
    if not given:
        raise SubmissionError("no submission was given. Give a name such as 'nadamw', or a path.")
    return [str(submission) for submission in given]


def _check_choice(what: str, found: Any, allowed: Sequence[str | None]) -> None:
    if found not in allowed:
        raise UnknownName(what, str(found), known=[name for name in allowed if name])


def _check_count(what: str, found: Any, least: int) -> None:
    whole = isinstance(found, int) and not isinstance(found, bool)
    if found is not None and (not whole or found < least):
        raise RulesError(f"{what}: found {found!r}, allowed is a whole number from {least}")


def console_for(progress: bool) -> Console:
    if in_notebook():
        return Console(
            file=sys.stdout, force_jupyter=False, force_terminal=False, highlight=False,
            markup=False, emoji=False, quiet=not progress,
        )
    return Console(stderr=True, highlight=False, markup=False, emoji=False, quiet=not progress)


@contextmanager
def settings_kept(framework: str) -> Iterator[None]:
    """The referee evaluates in this process: it sets threads and determinism, and puts them back.

    An evaluator that was made under other settings might round otherwise, so none is taken over.
    """
    evaluator_for.cache_clear()
    with load_backend(framework).settings_kept():
        yield


@not_again()
@disk_errors_told()
def replay(
    trial: "AnyPath", *, competition: "AnyPath | None" = None, data_dir: "AnyPath | None" = None,
    progress: bool = True,
) -> Replay:
    """Repeat a trial under its seed and compare every value exactly; see `.confirmed`.

    Args:
      trial: its folder, inside its run.
      competition: the folder of its competition, where data that are drawn anew need its files.
      progress: whether to show how it goes, on a terminal or in a notebook.
    Raises: RunFolderError if it is no trial of a run, has no rows, or its code or data changed.
    """
    path = Path(trial)
    check_that_it_is_a_trial(path)
    with settings_kept(read_trial(path).key.framework):
        replayed = partial(
            replay_trial, path, default_data_dir() if data_dir is None else Path(data_dir),
            None if competition is None else Path(competition),
        )
        return shown_while(replayed, console_for(progress))


@not_again()
@disk_errors_told()
def find_targets(
    workloads: str | Sequence[str], out: "AnyPath", *, competition: "AnyPath" = "mini",
    algorithm: str = "nadamw", trials: int = 12, seeds: int = 5, seed: int = 0, parallel: int = 2,
    share: float | None = None, data_dir: "AnyPath | None" = None,
) -> list[FoundTarget]:
    """A target for each workload: what an algorithm's best point reaches, the median over seeds.

    Args:
      out: folder for the runs; what is there already is continued.
      trials: points to search. seeds: repetitions of the best one.
      parallel: trials at a time: a target is found by steps, so seconds count for the budget alone.
      share: of the step hint, after which the target is what was reached; None: 3/4.
    Raises: MLGolfError for anything that a person got wrong, ScoringError if no trial got there.
    """
    rules = load_competition(str(competition))
    return [
        find_target(
            rules, name, algorithm=algorithm, trials=trials, seeds=seeds, seed=seed,
            parallel=parallel, out=Path(out), share=share or SHARE_OF_STEPS,
            data_dir=default_data_dir() if data_dir is None else Path(data_dir),
        )
        for name in ([workloads] if isinstance(workloads, str) else workloads)
    ]


@not_again()
@disk_errors_told()
def play_trial(
    plan: "AnyPath", *, data_dir: "AnyPath | None" = None, progress: bool = True
) -> Trial:
    """Play one trial that was planned, wherever its run and its data have been copied to.

    Args:
      plan: a plan.json inside its run. data_dir: where the data lie here.
      progress: whether to say how it goes.
    Returns: the trial; one that has ended is not played again.
    Raises: RunFolderError, DataError, SubmissionError if anything it needs is not there, or not
      what it was when it was planned.
    """
    planned = read_plan(Path(plan), default_data_dir() if data_dir is None else Path(data_dir))
    with settings_kept(planned.key.framework):
        return play_planned(planned, console_for(progress))
