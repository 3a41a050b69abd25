"""All trials as arrays, with axes for submission, workload, study and trial.

Scores, resampling and diagnostics start from these arrays. The objective value of a trial comes
from `objective.py`; `studies.py` selects the best trial of each study.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray, IntArray
from mlgolf.core.trial_key import TrialKey
from mlgolf.scoring.objective import TrialResult

# What stands where there is no trial.
EMPTY = {
    "objective": math.inf, "seconds": math.inf, "choice": math.inf, "evaluation": math.inf,
    "spent": 0.0, "ended": False, "bits": math.inf, "joules": math.inf,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What each trial reached. The arrays have shape (submissions, workloads, studies, trials).

    `objective` is the objective value, smaller is better: what is maximised is negated. It is inf
    where the constraints never held, and where there is no trial.
    """

    submissions: tuple[str, ...]
    workloads: tuple[str, ...]
    played: BoolArray  # there is a trial, and it counts
    objective: FloatArray
    seconds: FloatArray  # on the clock when `objective` was measured; inf where never
    choice: FloatArray  # a study selects the trial with the smallest; inf where never
    evaluation: FloatArray  # index of the one at which `choice` was measured; inf where never
    spent: FloatArray  # seconds on the clock in all; 0 where there is no trial
    ended: BoolArray  # there is a trial, perhaps one that is left out: it is not missing
    bits: FloatArray  # of the model that reached `objective`; inf where not measured
    joules: FloatArray  # of the meter when `objective` was measured; inf where not measured

    def place(self, key: TrialKey) -> tuple[int, int, int, int] | None:
        """Where a trial lies in the arrays; None if it is not there."""
        if key.submission not in self.submissions or key.workload not in self.workloads:
            return None
        row, column = self.submissions.index(key.submission), self.workloads.index(key.workload)
        at = (row, column, key.study, key.trial - 1)
        inside = all(index < size for index, size in zip(at, self.played.shape, strict=True))
        return at if inside and self.played[at] else None

    def select(self, submissions: Sequence[str]) -> "Pool":
        """The same with some of the submissions, in the order given."""
        rows = [self.submissions.index(name) for name in submissions]
        changed = {name: getattr(self, name)[rows] for name in ("played", *EMPTY)}
        return replace(self, submissions=tuple(submissions), **changed)

    def flattened(self) -> "Pool":
        """The same with all trials of a submission on a workload as one study."""
        flat = {
            name: (array := getattr(self, name)).reshape(*array.shape[:2], -1)
            for name in ("played", *EMPTY)
        }
        return replace(self, **flat)


def make_pool(
    results: Iterable[TrialResult], submissions: Sequence[str], workloads: Sequence[str],
    studies: int,
) -> Pool:
    """Results as arrays. `studies` is the number that the rules ask for; there may be more.

    Raises: KeyError for a submission or workload that is not named.
    """
    rows = list(results)
    columns = {
        name: np.array([getattr(row, name) for row in rows], dtype=float) for name in EMPTY
    }
    row_of = {name: row for row, name in enumerate(submissions)}
    column_of = {name: column for column, name in enumerate(workloads)}
    places = np.array(
        [(row_of[r.submission], column_of[r.workload], r.study, r.trial - 1) for r in rows],
        dtype=int,
    ).reshape(len(rows), 4)
    counts = np.array([row.counts for row in rows], dtype=bool)
    return lay_out(places, columns, counts, submissions, workloads, studies)


def lay_out(
    places: IntArray, columns: Mapping[str, FloatArray], counts: BoolArray,
    submissions: Sequence[str], workloads: Sequence[str], studies: int,
) -> Pool:
    """A pool from columns with one entry per trial.

    Args:
      places: (trials, 4), indices of submission, workload, study and trial, all from 0.
      columns: by the names of EMPTY; one that is not there is empty throughout.
      counts: (trials,), whether each counts or was left out.
    """
    most = places.max(axis=0, initial=0) + 1
    shape = (len(submissions), len(workloads), max(studies, most[2]), most[3])
    at = tuple(places.T)
    played = np.zeros(shape, dtype=bool)
    played[at] = counts
    arrays = {name: np.full(shape, empty) for name, empty in EMPTY.items()}
    for name, column in columns.items():
        arrays[name][at] = column
    return Pool(
        submissions=tuple(submissions), workloads=tuple(workloads), played=played, **arrays
    )
