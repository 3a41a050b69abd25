"""A run from the request to its trials: freeze the code, draw the seeds, lay out every trial."""

import math
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from mlgolf.core.hardware import HardwareClass
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Engine, Play
from mlgolf.core.records import Calibration, RunRecord, SandboxLevel, SubmissionRecord
from mlgolf.core.text import enumerated
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.experiments.planned import Plans
from mlgolf.experiments.points import Points
from mlgolf.experiments.requests import RunRequest, check_metrics, checked_sources
from mlgolf.experiments.resume import begun, fresh_draws, run_data, run_folder, sandbox_level
from mlgolf.experiments.run_data import RunData
from mlgolf.experiments.search_spaces import search_spaces, shortfalls, single_points
from mlgolf.referee.calibration import calibrate
from mlgolf.referee.cores import taken_cores
from mlgolf.referee.fork_server import fork_server_for
from mlgolf.referee.freeze import Source, check_package, fingerprint, freeze, package_fingerprint
from mlgolf.referee.levels import bubblewrap_problem
from mlgolf.results.bundles.fresh_draws import Drawn
from mlgolf.results.bundles.ledger import Ledger
from mlgolf.results.bundles.starting import write_start
from mlgolf.results.run_folder import RunFolder, RunLock, check_that_it_is_free
from mlgolf.results.trial_folder import is_finished
from mlgolf.results.trial_lock import holder
from mlgolf.tuning.space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that is ready to be played, and that nobody else can play until it is closed."""

    folder: RunFolder
    lock: RunLock
    data: RunData
    calibration: Calibration | None  # how fast this machine is
    planned: Plans
    notes: tuple[str, ...]  # what a person should know before it is played

    @property
    def plans(self) -> tuple[TrialPlan, ...]:
        """Those whose points are known by now."""
        return tuple(self.planned)

    def waiting(self) -> list[TrialPlan]:
        """Plans whose trials have not ended for good."""
        return [plan for plan in self.planned if not is_finished(plan.folder)]

    def to_come(self) -> dict[TrialKey, float]:
        """Trials whose points are still to be chosen, with the seconds that each may take."""
        competition = self.folder.competition
        factor = competition.rules.tuning.under(self.folder.record.ruleset).budget_factor
        speed = self.calibration.speed if self.calibration else 1.0
        return {
            key: competition.rules.seconds_allowed(
                competition.workloads[key.workload], budget_factor=factor, speed=speed
            )
            for key in self.planned.to_come()
        }

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
    ledger = None if request.ledger is None else Ledger(request.ledger)
    if not request.resume:
        check_that_it_is_free(request.out)
    level = sandbox_level(request)
    request = replace(request, sandbox=level)
    # It imports the framework while we go on.
    fork_server_for(request.framework, hardware, level, [request.data_dir])
    package = package_fingerprint()  # all code is hashed before anything is drawn
    submissions = {source.name: _identity(source, request.framework) for source in sources}
    fresh = fresh_draws(request, ledger, submissions)
    data = run_data(request, fresh)
    made_before = data.made()
    try:
        with taken_cores(hardware) as cores:
            calibration = calibrate(hardware, cores.numbers)
        # What contestants got wrong is told before data are made, which may take long.
        speed = calibration.speed if calibration else 1.0
        spaces = search_spaces(request, sources, speed, level)
        check_package(package)  # it is others' code that was looked over
        fingerprints = data.ensure(tell)
        check_metrics(request, data)
        record = _record(
            request, submissions, fresh, package_sha256=package, data=fingerprints,
            held_out=data.record(), hardware=hardware, calibration=calibration, sandbox=level,
        )
        folder, lock = run_folder(request, record)
    except BaseException:
        data.discard(but=made_before)  # what another run of this seed may need
        raise
    try:
        if ledger is not None:
            write_start(ledger, folder)
        for source in sources:
            freeze(source, folder.code_path(source.name))
        return Run(
            folder=folder,
            lock=lock,
            data=data,
            calibration=calibration,
            planned=Plans(
                points=Points(folder, spaces), data=data, calibration=calibration,
                package_sha256=package,
            ),
            notes=(
                *_about_this_machine(hardware, calibration, folder.record),
                *_about_this_sandbox(level),
                *_about_this_package(folder.record, package),
                *shortfalls(spaces, folder.record.trials),
                *_about_tuning_once(folder.record, spaces),
            ),
        )
    except BaseException:
        lock.release()
        raise


def play_run(
    run: Run, engine: Engine, play: Play, on_end: Callable[[Trial], None] = lambda _: None,
    on_taken: Callable[[TrialPlan], None] = lambda _: None,
) -> dict[str, str]:
    """Play what is waiting, and what gets its point by that. Returns: contracts broken, by name.

    A crash is a result and the study goes on; a submission that breaks its contract would break it
    in every trial, so the rest of its trials are not played. Those that somebody else is playing
    are passed over.
    """
    broken: dict[str, str] = {}
    taken: set[TrialKey] = set()

    def still_worth_playing() -> Iterator[TrialPlan]:
        for plan in run.planned:
            passed_over = plan.key in taken or plan.key.submission in broken
            if not passed_over and not is_finished(plan.folder) and not holder(plan.folder):
                taken.add(plan.key)
                on_taken(plan)
                yield plan

    before = -1
    while len(taken) > before:  # perhaps what has ended has chosen the points of further trials
        before = len(taken)
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
        contract=source.contract, disclosure=source.disclosure,
    )


def _record(
    request: RunRequest, submissions: dict[str, SubmissionRecord], fresh: Drawn | None,
    **measured: Any,
) -> RunRecord:
    """run.json. Official seeds are drawn here, after the code was hashed."""
    seed = fresh.seed if fresh else request.seed
    tuning = request.competition.rules.tuning.under(request.ruleset)
    received = begun(request)
    return RunRecord(
        competition=request.competition,
        submissions=submissions,
        framework=request.framework,
        ruleset=request.ruleset,
        trials=request.trials or tuning.trials,
        studies=request.studies or tuning.studies,
        timing=request.timing,
        seed=secrets.randbits(32) if seed is None else seed,
        fresh=fresh and fresh.record,
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


def _about_tuning_once(
    record: RunRecord, spaces: Mapping[str, SearchSpace | None]
) -> Iterator[str]:
    if at := record.competition.tuned_at:
        yield (
            f"points are searched at {enumerated(at)} alone; then each study trains its best one "
            "at its other budgets"
        )
        yield from single_points(spaces, record.trials)


def _about_this_sandbox(level: SandboxLevel) -> Iterator[str]:
    if level == "process":
        lacking = bubblewrap_problem()
        yield (
            "the sandbox level process is for your own code; other people's needs bubblewrap"
            + (f", which this machine does not give: {lacking}" if lacking else "")
        )


def _about_this_package(record: RunRecord, package: str) -> Iterator[str]:
    if record.package_sha256 != package:
        yield (
            "the run was begun with another version of mlgolf, or its files were changed since; "
            "each trial records the files that it was played with"
        )
