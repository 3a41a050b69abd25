"""The plans of a run: every trial, with everything that it depends on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.analysis.curves.study_points import tuned_trial
from mlgolf.core.plan import TrialPlan
from mlgolf.core.records import Calibration
from mlgolf.core.seeds import trial_seed
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.experiments.run_data import RunData
from mlgolf.referee.freeze import package_fingerprint
from mlgolf.referee.levels import default_level
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import is_finished
from mlgolf.tuning.quasirandom import points
from mlgolf.tuning.space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The plans of a run, as far as the points of its trials are known.

    Where the rules tune a row at another one, a study searches there, and trains the point that was
    best once at the row, as trial 1. That one is planned when the trials of the search have ended.
    """

    folder: RunFolder
    spaces: Mapping[str, SearchSpace | None]  # by submission
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
        for study in range(self.folder.record.studies):
            for workload in (*self._rows(searching=True), *self._rows(searching=False)):
                draws = {name: self._points(name, workload, study) for name in self.spaces}
                for trial in range(1, max(map(len, draws.values()), default=0) + 1):
                    for name in (name for name, drawn in draws.items() if trial <= len(drawn)):
                        key = self._key(name, workload, study, trial)
                        yield self._plan(key, draws[name][trial - 1])

    def to_come(self) -> list[TrialKey]:
        """Trials that are planned once a search has ended."""
        return [
            self._key(name, workload, study, 1) for name, workload, study in self._tuned_elsewhere()
            if not self._has_ended(name, self._tuned_at(workload), study)
        ]

    def without_a_point(self) -> Iterator[str]:
        """A sentence for each search that has ended and found nothing to train elsewhere."""
        searches = dict.fromkeys(
            (name, self._tuned_at(workload), study)
            for name, workload, study in self._tuned_elsewhere()
        )
        for name, at, study in searches:
            if self._has_ended(name, at, study) and self._chosen(name, at, study) is None:
                yield (
                    f"{name}/study_{study}: no trial ended as planned at {at}, so it has no point "
                    "to train at its other budgets"
                )

    def _rows(self, *, searching: bool) -> list[str]:
        rows = self.folder.competition.workloads
        return [name for name, row in rows.items() if (row.tuned_at is None) == searching]

    def _tuned_at(self, workload: str) -> str:
        """The row that chooses its points; itself if it searches."""
        return self.folder.competition.workloads[workload].tuned_at or workload

    def _tuned_elsewhere(self) -> Iterator[tuple[str, str, int]]:
        rows = self._rows(searching=False)
        return (
            (name, workload, study) for study in range(self.folder.record.studies)
            for workload in rows for name in self.spaces
        )

    def _key(self, name: str, workload: str, study: int, trial: int) -> TrialKey:
        return TrialKey(
            submission=name, framework=self.folder.record.framework or "", workload=workload,
            study=study, trial=trial,
        )

    def _points(self, name: str, workload: str, study: int) -> list[dict[str, Any] | None]:
        """The hyperparameters of a study's trials, as far as they are known."""
        at = self._tuned_at(workload)
        if at == workload:
            return self._draws(name, workload, study)
        if not self._has_ended(name, at, study):
            return []
        chosen = self._chosen(name, at, study)
        if chosen is None:
            return []
        return [None if self.spaces[name] is None else dict(chosen.hyperparameters)]

    def _draws(self, name: str, workload: str, study: int) -> list[dict[str, Any] | None]:
        """The same points for every submission's order, and at all budgets of a ladder."""
        space, record = self.spaces[name], self.folder.record
        if space is None:
            return [None]
        ladders = self.folder.competition.ladders.items()
        place = next((trained for trained, rows in ladders if workload in rows), workload)
        same = self.folder.competition.rules.tuning.same_points
        seed = trial_seed(record.seed or 0, place, 0 if same else study, 0)
        return list(points(space, record.trials, seed))

    def _search(self, name: str, at: str, study: int) -> list[Path]:
        """The folders of the trials of a search."""
        count = len(self._draws(name, at, study))
        return [
            self.folder.trial_path(self._key(name, at, study, trial))
            for trial in range(1, count + 1)
        ]

    def _has_ended(self, name: str, at: str, study: int) -> bool:
        return all(map(is_finished, self._search(name, at, study)))

    def _chosen(self, name: str, at: str, study: int) -> Trial | None:
        """Of a search that has ended."""
        trials = [*map(self.folder.trial_at, self._search(name, at, study))]
        return tuned_trial(trials, self.folder.competition.workloads[at])

    def _plan(self, key: TrialKey, hyperparameters: Mapping[str, Any] | None) -> TrialPlan:
        record = self.folder.record
        is_noisy = self.folder.competition.rules.weight_noise > 0
        return self.folder.plan(
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
    waited: frozenset[int],
) -> TrialPlan:
    """The plan of a recorded trial, to be evaluated at the recorded steps, written to `folder`.

    Args: waited: steps whose values were not told.

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
        evaluate_at=tuple(int(step) for step in trial.steps),
        waited=waited,
    )
