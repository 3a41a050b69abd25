"""The baseline of a game: whether it is there, and whether a run of it keeps the bounds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mlgolf.backends import require
from mlgolf.core.competition import Competition
from mlgolf.core.errors import FrameworkMissing, SubmissionError
from mlgolf.core.quantities import quantity
from mlgolf.core.rules import Rules, WorkloadRules
from mlgolf.core.target import Goal, Target
from mlgolf.core.trial import Trial
from mlgolf.engines.local import local_engine
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run, play_run
from mlgolf.golf.findings import Finding, Passed, Said
from mlgolf.golf.game_files import GameFiles
from mlgolf.referee.freeze import find_submission
from mlgolf.referee.trial import play_trial
from mlgolf.scoring.objective import row_that_counts

FOLDER, PLACE = "baseline", "baseline/"
SEED = 1


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
    """Whether the trial's best model keeps all bounds, with the margin."""
    bounds = _bounds(trial, rules, row)
    best = row_that_counts(trial, bounds, rules, row)
    if best is None:
        what = f"workloads.{trial.key.workload}: the baseline keeps not all bounds. "
        return Finding(PLACE, None, what + _closest(trial, bounds, row))
    reached = [f"{rules.objective} {_values(trial, rules.objective, row)[best]:.4g}"]
    reached += [
        f"{b.metric} {_values(trial, b.metric, row)[best]:.3g} (allowed {b.value:.3g})"
        for b in bounds
    ]
    return Passed(f"baseline: it keeps all bounds, with {', '.join(reached)}")


def best_objective(trial: Trial, rules: Rules, row: WorkloadRules) -> float | None:
    """Of the model that counts; None if none does."""
    best = row_that_counts(trial, _bounds(trial, rules, row), rules, row)
    return None if best is None else float(_values(trial, rules.objective, row)[best])


def _bounds(trial: Trial, rules: Rules, row: WorkloadRules) -> list[Target]:
    factor = rules.tuning.under(rules.tuning.rulesets[0]).budget_factor
    return rules.targets(row, budget_factor=factor, speed=trial.speed)


def _values(trial: Trial, name: str, row: WorkloadRules) -> np.ndarray:
    return trial.values(name, row.metric)


def _closest(trial: Trial, bounds: list[Target], row: WorkloadRules) -> str:
    """What the model that misses least has for the bounds that it misses."""
    if len(trial.steps) == 0:
        return f"No model of it was judged: {trial.status}, {trial.reason}"
    missed = [(b, _beyond(b, _values(trial, b.metric, row))) for b in bounds]
    total = np.sum([m / max(abs(b.value), 1e-12) for b, m in missed], axis=0)
    closest = int(np.argmin(np.where(np.isnan(total), np.inf, total)))
    said = [
        f"{b.metric} {_values(trial, b.metric, row)[closest]:.4g} is {beyond[closest]:.3g} "
        f"{quantity(b.metric).unit} beyond {b.value:.4g}".replace(" 1 beyond", " beyond")
        for b, beyond in missed if not b.met(_values(trial, b.metric, row)[closest])
    ]
    status = f" The trial ended {trial.status}: {trial.reason}" if trial.status else ""
    return f"Of its {len(trial.steps)} models, the closest: {', '.join(said)}.{status}"


def _beyond(bound: Target, values: np.ndarray) -> np.ndarray:
    """How far values are on the wrong side."""
    excess = values - bound.value if bound.goal is Goal.MINIMISE else bound.value - values
    return np.maximum(excess, 0.0)
