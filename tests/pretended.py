"""Trials that are written down and not played, for tests of what is planned and in which order."""

from collections.abc import Iterable, Iterator

from mlgolf.core.hardware import load_hardware
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Play, Reading, Row
from mlgolf.core.records import TrialHeader, VerdictRecord
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.results.trial_folder import TrialFolder, read_trial


class AllAtOnce:
    """Asks for every plan before any trial has ended, as many workers may."""

    shares_the_machine = True

    def run(self, plans: Iterable[TrialPlan], play: Play) -> Iterator[Trial]:
        for plan in [*plans]:
            yield play(plan)


class Stopped(Exception):
    pass


class Pretended:
    """Plays nothing, and writes what a trial would: the last trial of a search is its best one."""

    def __init__(self, status: Status = Status.FINISHED, stop_after: int | None = None) -> None:
        self._status, self._left = status, stop_after
        self.played: list[TrialPlan] = []

    def __call__(self, plan: TrialPlan) -> Trial:
        if self._left is not None and len(self.played) >= self._left:
            raise Stopped
        self.played.append(plan)
        store = TrialFolder(plan.folder)
        given = plan.hyperparameters
        store.begin(TrialHeader(
            key=plan.key, seed=plan.seed, ruleset=plan.ruleset,
            hyperparameters=None if given is None else dict(given),
            hardware=load_hardware(plan.rules.hardware),
        ))  # fmt: skip
        store.append(Row(
            step=10, reading=Reading(1.0, 1.0, 1.0), model_sha256="",
            metrics={"validation/loss": 1.0 / plan.key.trial},
        ))  # fmt: skip
        store.finish(VerdictRecord(status=self._status, reason=""))
        return read_trial(plan.folder)

    def places(self, row: str) -> list[tuple[str, int, int]]:
        keys = [plan.key for plan in self.played if plan.key.workload == row]
        return sorted((key.submission, key.study, key.trial) for key in keys)

    def points(self, row: str, submission: str, study: int) -> list[dict]:
        return [
            dict(plan.hyperparameters or {}) for plan in self.played
            if (plan.key.workload, plan.key.submission, plan.key.study)
            == (row, submission, study)
        ]
