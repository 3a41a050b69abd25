"""The plans of a run: every trial, with everything that it depends on."""

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.plan import TrialPlan
from mlgolf.core.records import Calibration
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.experiments.run_data import RunData
from mlgolf.referee.freeze import package_fingerprint
from mlgolf.results.run_folder import RunFolder
from mlgolf.tuning.quasirandom import points
from mlgolf.tuning.space import SearchSpace


def planned_trials(
    folder: RunFolder, spaces: Mapping[str, SearchSpace | None], data: RunData,
    calibration: Calibration | None, package_sha256: str,
) -> Iterator[TrialPlan]:
    """Every trial of the run, studies outermost: a run cut short has whole studies to show.

    Submissions take turns, trial by trial: what makes the machine slow for a while, such as other
    programs or heat, then slows all of them and not one.

    Args: package_sha256: of mlgolf as it is now, which may not be what the run was begun with.
    """
    record, competition = folder.record, folder.competition
    same_points = competition.rules.tuning.same_points
    for study in range(record.studies):
        for workload in competition.workloads:
            draws = {
                name: _draws(folder, space, workload, 0 if same_points else study)
                for name, space in spaces.items()
            }
            for trial in range(1, max(map(len, draws.values()), default=0) + 1):
                for name in (name for name, drawn in draws.items() if trial <= len(drawn)):
                    key = TrialKey(
                        submission=name, framework=record.framework or "", workload=workload,
                        study=study, trial=trial,
                    )
                    yield _plan(
                        folder, data, calibration, package_sha256, key, draws[name][trial - 1]
                    )


def _plan(
    folder: RunFolder, data: RunData, calibration: Calibration | None, package_sha256: str,
    key: TrialKey, hyperparameters: Mapping[str, Any] | None,
) -> TrialPlan:
    record = folder.record
    return folder.plan(
        key,
        submission_sha256=record.submissions[key.submission].sha256,
        package_sha256=package_sha256,
        calibration=calibration,
        hyperparameters=hyperparameters,
        seed=_seed(record.seed or 0, key.workload, key.study, key.trial),
        data_folder=data.folder(key.workload),
        data_dir=data.data_dir,
        data_sha256=record.data[key.workload],
        held_out=data.kind(key.workload, is_noisy=folder.competition.rules.weight_noise > 0),
        noise_key=data.noise_key,
        sandbox=record.sandbox,
        timing=record.timing,
        unofficial=record.unofficial,
    )


def replay_plan(
    run: RunFolder, trial: Trial, data: RunData, calibration: Calibration | None, folder: Path,
    waited: frozenset[int], until: int | None = None,
) -> TrialPlan:
    """The plan of a recorded trial, to be evaluated at the recorded steps, written to `folder`.

    Args:
      waited: steps whose values were not told.
      until: the step at which it is to end, and whose model is kept; None: as it was recorded.
    Raises: RunFolderError, DataError, UnknownName if something it depended on is gone or changed.
    """
    facts = trial.facts
    return run.plan(
        trial.key,
        submission_sha256=facts.submission_sha256,
        package_sha256=package_fingerprint(),
        calibration=calibration,
        hyperparameters=None if run.record.ruleset == "self" else dict(trial.hyperparameters),
        seed=trial.seed,
        data_folder=data.folder(trial.key.workload),
        data_dir=data.data_dir,
        data_sha256=facts.data_sha256,
        held_out=data.kind(
            trial.key.workload, is_noisy=run.competition.rules.weight_noise > 0
        ),
        noise_key=data.noise_key,
        sandbox="process",
        folder=folder.resolve(),
        unofficial="replayed",
        evaluate_at=tuple(int(s) for s in trial.steps if until is None or s <= until),
        keep_step=until,
        waited=waited,
    )


def _draws(
    folder: RunFolder, space: SearchSpace | None, workload: str, study: int
) -> list[dict[str, Any] | None]:
    """The hyperparameters of a study's trials: the same points for every submission's order."""
    if space is None:
        return [None]
    seed = _seed(folder.record.seed or 0, workload, study, 0)
    return list(points(space, folder.record.trials, seed))


def _seed(seed: int, workload: str, study: int, trial: int) -> int:
    """A seed for each place of a run, the same on every machine and for every submission."""
    entropy = [seed, zlib.crc32(workload.encode()), study, trial]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])
