"""The baseline of a game: whether it is there, and whether a run of it keeps the bounds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from mlgolf.backends import require
from mlgolf.core.competition import Competition
from mlgolf.core.errors import FrameworkMissing, SubmissionError
from mlgolf.core.quantities import DIGITS
from mlgolf.core.rules import Rules, WorkloadRules
from mlgolf.core.trial import Trial
from mlgolf.engines.local import local_engine
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run, play_run
from mlgolf.golf.findings import Finding, Passed, Said
from mlgolf.golf.game_files import GameFiles
from mlgolf.referee.freeze import find_submission
from mlgolf.referee.trial import play_trial
from mlgolf.scoring.qualification import Qualification, qualification

FOLDER, PLACE = "baseline", "baseline/"
SEED = 1
HOSTS_PART = "or allow a longer budget, a larger network or a wider bound"


def presence(files: GameFiles) -> Iterator[Finding]:
    if not (files.folder / FOLDER).is_dir():
        yield Finding(
            PLACE, None, "no such folder; an entry or a submission that keeps the bounds is "
            "expected there, for others to start from"
        )  # fmt: skip
    elif not frameworks(files):
        yield Finding(
            PLACE, None, "found no entry.py and no submission.py; one of them is expected, or one "
            "for a framework, such as entry_torch.py"
        )  # fmt: skip


def frameworks(files: GameFiles) -> list[str]:
    """Those that there is a baseline for."""
    folder = files.folder / FOLDER
    return [f for f in ("torch", "jax") if folder.is_dir() and _is_for(folder, f)]


def _is_for(folder: Path, framework: str) -> bool:
    try:
        return find_submission(str(folder), framework) is not None
    except SubmissionError:
        return False


def installed_framework(files: GameFiles) -> str | None:
    """One that the baseline is for, if there is a baseline. None if it is not installed."""
    for framework in frameworks(files) or ("torch", "jax"):
        try:
            require(framework)
        except FrameworkMissing:
            continue
        return framework
    return None


def played(
    files: GameFiles, competition: Competition, framework: str, data_dir: Path
) -> Mapping[str, Trial]:
    """One trial on each workload, under the full rules. Nothing of the run is kept.

    Returns: by the row's name; without those that broke a contract before them.
    Raises: MLGolfError for all that `mlgolf run` would refuse.
    """
    with TemporaryDirectory(prefix="mlgolf_check_") as place:
        request = RunRequest(
            submissions=(str(files.folder / FOLDER),), out=Path(place) / "run",
            competition=competition, framework=framework, data_dir=data_dir, seed=SEED,
            ruleset=competition.rules.tuning.rulesets[0], trials=1, studies=1, practice=True,
        )
        trials: list[Trial] = []
        with open_run(request) as run:
            play_run(run, local_engine(1), play_trial, trials.append)
    return {trial.key.workload: trial for trial in trials}


def verdict(trial: Trial, rules: Rules, row: WorkloadRules) -> Said:
    """Whether the trial's best model keeps all bounds, with the margins; else what to change."""
    result = qualified(trial, rules, row)
    if result is None or result.value is None:
        change = f" To change: {result.to_change}; {HOSTS_PART}" if result else ""
        return Finding(
            PLACE, None, f"workloads.{trial.key.workload}: the baseline keeps not all bounds. The "
            f"trial ended {trial.status}: {trial.reason}.{change}"
        )  # fmt: skip
    reached = [f"{rules.objective} {rules.objective_quantity.given(result.value, DIGITS)}"]
    reached += [f"{m.quantity} {m.value:.3g} (allowed {m.bound:.3g})" for m in result.margins]
    return Passed(f"baseline: it keeps all bounds, with {', '.join(reached)}")


def qualified(trial: Trial, rules: Rules, row: WorkloadRules) -> Qualification | None:
    """What the trial came to; None if something outside cut it short."""
    factor = rules.tuning.under(rules.tuning.rulesets[0]).budget_factor
    return qualification(trial, rules, row, budget_factor=factor)
