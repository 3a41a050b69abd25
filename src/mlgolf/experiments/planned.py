"""The plans of a run: every trial, with everything that it depends on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.plan import TrialPlan
from mlgolf.core.records import Calibration
from mlgolf.core.seeds import trial_seed
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.experiments.points import Points
from mlgolf.experiments.run_data import RunData
from mlgolf.referee.freeze import package_fingerprint
from mlgolf.referee.levels import default_level
from mlgolf.results.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The plans of a run, as far as the points of its trials are known.

    Where the rules tune a row at another one, a study searches there, and trains the point that was
    best once at the row, as trial 1. That one is planned when the trials of the search have ended.
    """

    points: Points
    data: RunData
    calibration: Calibration | None
    package_sha256: str  # of mlgolf as it is now, which may not be what the run was begun with

    def __iter__(self) -> Iterator[TrialPlan]:
        """Studies outermost: a run cut short has whole studies to show.

        Submissions take turns, trial by trial: what makes the machine slow for a while, such as
        other programs or heat, then slows all of them and not one.

        Rows that search come first in a study, so who plays each plan before asking for the next
        gets all of them in one pass.
        """
        points = self.points
        for study in range(points.folder.record.studies):
            for workload in (*self._rows(searching=True), *self._rows(searching=False)):
                draws = {name: points.of(name, workload, study) for name in points.spaces}
                for trial in range(1, max(map(len, draws.values()), default=0) + 1):
                    for name in (name for name, drawn in draws.items() if trial <= len(drawn)):
                        key = points.key(name, workload, study, trial)
                        yield self._plan(key, draws[name][trial - 1])

    def to_come(self) -> list[TrialKey]:
        """Trials that are planned once a search has ended."""
        points = self.points
        return [
            points.key(name, workload, study, 1)
            for name, workload, study in self._tuned_elsewhere()
            if not points.has_ended(name, points.tuned_at(workload), study)
        ]

    def without_a_point(self) -> Iterator[str]:
        """A sentence for each search that has ended and found nothing to train elsewhere."""
        points = self.points
        searches = dict.fromkeys(
            (name, points.tuned_at(workload), study)
            for name, workload, study in self._tuned_elsewhere()
        )
        for name, at, study in searches:
            if points.has_ended(name, at, study) and points.chosen(name, at, study) is None:
                yield (
                    f"{name}/study_{study}: no trial ended as planned at {at}, so it has no point "
                    "to train at its other budgets"
                )

    def _rows(self, *, searching: bool) -> list[str]:
        rows = self.points.folder.competition.workloads
        return [name for name, row in rows.items() if (row.tuned_at is None) == searching]

    def _tuned_elsewhere(self) -> Iterator[tuple[str, str, int]]:
        rows = self._rows(searching=False)
        return (
            (name, workload, study) for study in range(self.points.folder.record.studies)
            for workload in rows for name in self.points.spaces
        )

    def _plan(self, key: TrialKey, hyperparameters: Mapping[str, Any] | None) -> TrialPlan:
        folder = self.points.folder
        record, is_noisy = folder.record, folder.competition.rules.weight_noise > 0
        return folder.plan(
            key,
            submission_sha256=record.submissions[key.submission].sha256,
            package_sha256=self.package_sha256,
            calibration=self.calibration,
            hyperparameters=hyperparameters,
            seed=trial_seed(record.seed or 0, key.workload, key.study, key.trial),
            data_folder=self.data.folder(key.workload),
            data_dir=self.data.data_dir,
            data_sha256=record.data[key.workload],
            held_out=self.data.kind(key.workload, is_noisy=is_noisy),
            noise_key=self.data.noise_key,
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
        sandbox=default_level(),
        folder=folder.resolve(),
        unofficial="replayed",
        evaluate_at=tuple(int(s) for s in trial.steps if until is None or s <= until),
        keep_step=until,
        waited=waited,
    )
