"""The points of a run: the hyperparameters of each trial, as far as they are known.

They follow from the seed and the search space. Where the rules tune a row at another one, a study
searches there, and its one trial at the row has the point that was best in the search.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlgolf.analysis.curves.study_points import tuned_trial
from mlgolf.core.seeds import trial_seed
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import is_finished
from mlgolf.tuning.quasirandom import points
from mlgolf.tuning.space import SearchSpace

Point = dict[str, Any] | None  # None: the submission tunes itself, or has no space
Search = tuple[str, str, int]  # submission, row, study


@dataclass(frozen=True, slots=True)
class Points:
    folder: RunFolder
    spaces: Mapping[str, SearchSpace | None]  # by submission
    _found: dict[Search, Trial | None] = field(  # of searches that have ended
        default_factory=dict, init=False, repr=False, compare=False
    )

    def of(self, name: str, workload: str, study: int) -> list[Point]:
        """Of a study's trials. Empty until the search that chooses them has ended."""
        at = self.tuned_at(workload)
        if at == workload:
            return self._drawn(name, workload, study)
        chosen = self.chosen(name, at, study) if self.has_ended(name, at, study) else None
        if chosen is None:
            return []
        return [None if self.spaces[name] is None else dict(chosen.hyperparameters)]

    def tuned_at(self, workload: str) -> str:
        """The row that chooses its points; itself if it searches."""
        return self.folder.competition.workloads[workload].tuned_at or workload

    def key(self, name: str, workload: str, study: int, trial: int) -> TrialKey:
        return TrialKey(
            submission=name, framework=self.folder.record.framework or "", workload=workload,
            study=study, trial=trial,
        )

    def has_ended(self, name: str, at: str, study: int) -> bool:
        """Whether all trials of a search have."""
        found = self._found
        return (name, at, study) in found or all(map(is_finished, self._search(name, at, study)))

    def chosen(self, name: str, at: str, study: int) -> Trial | None:
        """Of a search that has ended, which is read once: nothing of it changes any more."""
        search = name, at, study
        if search not in self._found:
            trials = [*map(self.folder.trial_at, self._search(*search))]
            self._found[search] = tuned_trial(trials, self.folder.competition.workloads[at])
        return self._found[search]

    def _drawn(self, name: str, workload: str, study: int) -> list[Point]:
        """By one seed for all submissions, and for all budgets of a ladder."""
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
        count = len(self._drawn(name, at, study))
        return [
            self.folder.trial_path(self.key(name, at, study, trial))
            for trial in range(1, count + 1)
        ]
