"""A run from the request to its trials: freeze the code, draw the seeds, lay out every trial."""

import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from mlgolf.core.hardware import HardwareClass
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Engine, Play
from mlgolf.core.records import Calibration, RunRecord, SubmissionRecord
from mlgolf.core.trial import Trial
from mlgolf.experiments.planned import planned_trials
from mlgolf.experiments.requests import RunRequest, check_metrics, checked_sources
from mlgolf.experiments.resume import begun, run_data, run_folder
from mlgolf.experiments.run_data import RunData
from mlgolf.experiments.search_spaces import search_spaces, shortfalls
from mlgolf.referee.calibration import calibrate
from mlgolf.referee.cores import taken_cores
from mlgolf.referee.fork_server import fork_server_for
from mlgolf.referee.freeze import Source, check_package, fingerprint, freeze, package_fingerprint
from mlgolf.results.run_folder import RunFolder, RunLock, check_that_it_is_free
from mlgolf.results.trial_folder import is_finished
from mlgolf.results.trial_lock import holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that is ready to be played, and that nobody else can play until it is closed."""

    folder: RunFolder
    lock: RunLock
    data: RunData
    calibration: Calibration | None  # how fast this machine is
    plans: tuple[TrialPlan, ...]
    notes: tuple[str, ...]  # what a person should know before it is played

    def waiting(self) -> list[TrialPlan]:
        """Plans whose trials have not ended for good."""
        return [plan for plan in self.plans if not is_finished(plan.folder)]

    def elsewhere(self) -> list[str]:
        """A sentence about each trial that somebody else is playing now."""
        return [said for plan in self.waiting() if (said := holder(plan.folder))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def open_run(request: RunRequest, tell: Callable[[str], None] = lambda _: None) -> Run:
    """Check everything that can be checked, then make or reopen the run folder, and lock it.

    Small data that are missing are made; `tell` hears of it.
    Raises: MLGolfError for anything a person got wrong; nothing has been written then.
    """
    sources, hardware = checked_sources(request), request.hardware
    if not request.resume:
        check_that_it_is_free(request.out)
    fork_server_for(request.framework, hardware)  # imports the framework while we go on
    package = package_fingerprint()  # all code is hashed before anything is drawn
    submissions = {source.name: _identity(source, request.framework) for source in sources}
    data = run_data(request)
    made_before = data.made()
    try:
        with taken_cores(hardware) as cores:
            calibration = calibrate(hardware, cores.numbers)
        # What contestants got wrong is told before data are made, which may take long.
        spaces = search_spaces(request, sources, calibration.speed if calibration else 1.0)
        check_package(package)  # it is others' code that was looked over
        fingerprints = data.ensure(tell)
        check_metrics(request, data)
        record = _record(
            request, submissions, package_sha256=package, data=fingerprints,
            held_out=data.record(), hardware=hardware, calibration=calibration,
        )
        folder, lock = run_folder(request, record)
    except BaseException:
        data.discard(but=made_before)  # what another run of this seed may need
        raise
    try:
        for source in sources:
            freeze(source, folder.code_path(source.name))
        return Run(
            folder=folder,
            lock=lock,
            data=data,
            calibration=calibration,
            plans=tuple(planned_trials(folder, spaces, data, calibration, package)),
            notes=(
                *_about_this_machine(hardware, calibration, folder.record),
                *_about_this_package(folder.record, package),
                *shortfalls(spaces, folder.record.trials),
            ),
        )
    except BaseException:
        lock.release()
        raise


def play_run(
    run: Run, engine: Engine, play: Play, on_end: Callable[[Trial], None] = lambda _: None
) -> dict[str, str]:
    """Play what is waiting. Returns: contracts broken, by submission.

    A crash is a result and the study goes on; a submission that breaks its contract would break it
    in every trial, so the rest of its trials are not played. Those that somebody else is playing
    are passed over.
    """
    broken: dict[str, str] = {}

    def still_worth_playing() -> Iterator[TrialPlan]:
        for plan in run.waiting():
            if plan.key.submission not in broken and not holder(plan.folder):
                yield plan

    for trial in engine.run(still_worth_playing(), play):
        on_end(trial)
        if trial.broke_contract:
            broken[trial.key.submission] = trial.reason
    if all(plan.key.submission in broken for plan in run.waiting()):
        run.data.show(run.folder)
    return broken


def _identity(source: Source, framework: str) -> SubmissionRecord:
    """What a run records of a submission before its first trial."""
    return SubmissionRecord(
        framework=framework, sha256=fingerprint(source), module=source.file.name,
        contract=source.contract, declared=source.declared,
    )


def _record(
    request: RunRequest, submissions: dict[str, SubmissionRecord], **measured: Any
) -> RunRecord:
    """run.json. Official seeds are drawn here, after the code was hashed."""
    tuning = request.competition.rules.tuning.under(request.ruleset)
    received = begun(request)
    return RunRecord(
        competition=request.competition,
        submissions=submissions,
        framework=request.framework,
        ruleset=request.ruleset,
        trials=request.trials or tuning.trials,
        studies=request.studies or tuning.studies,
        sandbox=request.sandbox,
        timing=request.timing,
        seed=secrets.randbits(32) if request.seed is None else request.seed,
        begun=received,
        unofficial=request.why_unofficial(received),
        **measured,
    )


def _about_this_machine(
    hardware: HardwareClass, calibration: Calibration | None, record: RunRecord
) -> Iterator[str]:
    """How this machine compares, and what that means for the budget of a workload."""
    if calibration is not None and hardware.reference is not None:
        compared = (
            f"this machine is {calibration.speed:.2f} times as fast as the reference machine of "
            f"{hardware.name} ({hardware.reference.machine})"
        )
        rules = record.competition.rules
        factor = rules.tuning.under(record.ruleset).budget_factor
        for name, row in record.competition.workloads.items():
            budget = rules.seconds_allowed(row, budget_factor=factor)
            if budget < math.inf:  # one serves as an example
                here = f"{budget / calibration.speed:.4g} s here"
                yield f"{compared}; the budget of {name}, {budget:.4g} s there, is {here}"
                return
        yield compared


def _about_this_package(record: RunRecord, package: str) -> Iterator[str]:
    if record.package_sha256 != package:
        yield (
            "the run was begun with another version of mlgolf, or its files were changed since; "
            "each trial records the files that it was played with"
        )
