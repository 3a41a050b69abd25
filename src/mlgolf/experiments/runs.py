"""A run from the request to its plans: freeze the code, draw the seeds, lay out every trial."""

import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.competition import Competition, load_hardware
from mlgolf.core.errors import RulesError, SubmissionError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.plan import Ruleset, SandboxLevel, TrialPlan
from mlgolf.core.protocols import Engine
from mlgolf.core.registry import load_workload
from mlgolf.core.trial import Trial, TrialKey
from mlgolf.experiments.run_data import RunData, new_data, recorded_data
from mlgolf.referee.calibration import Calibration, calibrate
from mlgolf.referee.evaluate import evaluator_for
from mlgolf.referee.fork_server import fork_server_for
from mlgolf.referee.freeze import (
    Source,
    check_package,
    find_submission,
    freeze,
    identity,
    package_fingerprint,
)
from mlgolf.referee.inspection import Inspection
from mlgolf.referee.players import player_cores
from mlgolf.results.files import scratch_folder
from mlgolf.results.run_folder import RunFolder, create_run, reopen_run
from mlgolf.results.trial_folder import is_finished
from mlgolf.tuning.optlist import OptList
from mlgolf.tuning.quasirandom import points
from mlgolf.tuning.space import SearchSpace, parse_search_space, read_search_space


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a person asks of `mlgolf run`. None: as the competition says, or drawn."""

    submissions: tuple[str, ...]
    competition: Competition
    framework: str = "torch"
    ruleset: Ruleset = "external"
    trials: int | None = None
    studies: int | None = None
    seed: int | None = None
    sandbox: SandboxLevel = "process"
    shares_the_machine: bool = False  # with other trials of the run
    practice: bool = False  # on the held-out data of the published seed
    data_dir: Path
    out: Path
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that is ready to be played."""

    folder: RunFolder
    data: RunData
    calibration: Calibration | None  # how fast this machine is
    plans: tuple[TrialPlan, ...]
    notes: tuple[str, ...]  # what a person should know before it is played

    def waiting(self) -> list[TrialPlan]:
        """Plans whose trials have not ended for good."""
        return [plan for plan in self.plans if not is_finished(plan.folder)]


def open_run(request: RunRequest, tell: Callable[[str], None] = lambda _: None) -> Run:
    """Check everything that can be checked, then make or reopen the run folder.

    Small data that are missing are made; `tell` hears of it.
    Raises: MLGolfError for anything a person got wrong; nothing has been written then.
    """
    sources = _find_all(request)
    _check_models(request)
    hardware = load_hardware(request.competition.rules.hardware)
    fork_server_for(request.framework, hardware)  # imports the framework while we see to the data
    asked = _record(request, sources)  # the code is hashed before anything is drawn
    data = _data(request)
    try:
        fingerprints = data.ensure(tell)
        _warm_up(request, data)
        calibration = calibrate(hardware, player_cores(hardware))  # as the import goes on
        spaces = _search_spaces(request, sources, calibration.speed if calibration else 1.0)
        check_package(asked["package_sha256"])  # it is others' code that was looked over
        folder = _folder(request, {**asked, **data.record(), "data": fingerprints})
    except BaseException:
        data.discard()
        raise
    files = {
        source.name: freeze(source, folder.code_path(source.name)) for source in sources
    }
    return Run(
        folder=folder,
        data=data,
        calibration=calibration,
        plans=tuple(_plans(request, folder, files, spaces, data, calibration)),
        notes=(
            *_about_this_machine(hardware, calibration),
            *_shortfalls(spaces, folder.record["trials"]),
        ),
    )


def play_run(
    run: Run, engine: Engine, play: Callable[[TrialPlan], Trial],
    on_end: Callable[[Trial], None] = lambda _: None,
) -> dict[str, str]:
    """Play what is waiting. Returns: contracts broken, by submission.

    A crash is a result and the study goes on; a submission that breaks its contract would break it
    in every trial, so the rest of its trials are not played.
    """
    broken: dict[str, str] = {}

    def still_worth_playing() -> Iterator[TrialPlan]:
        for plan in run.waiting():
            if plan.key.submission not in broken:
                yield plan

    for trial in engine.run(still_worth_playing(), play):
        on_end(trial)
        if trial.header.get("broke_contract"):
            broken[trial.key.submission] = trial.reason
    if all(plan.key.submission in broken for plan in run.waiting()):
        run.data.show(run.folder)
    return broken


def replay_plan(
    run: RunFolder, trial: Trial, data: RunData, calibration: Calibration | None, folder: Path
) -> TrialPlan:
    """The plan of a recorded trial, to be evaluated at the recorded steps, written to `folder`.

    Raises: RunFolderError, DataError, UnknownName if something it depended on is gone or changed.
    """
    competition, header = run.competition, trial.header
    key = trial.key
    return TrialPlan(
        key=key,
        submission_file=run.code_path(key.submission).resolve()
        / run.record["submissions"][key.submission]["module"],
        submission_sha256=header["submission_sha256"],
        package_sha256=package_fingerprint(),
        rules=competition.rules,
        workload_rules=competition.workloads[key.workload],
        workload=competition.played_as(key.workload)[0],
        size=header["size"],
        ruleset=header["ruleset"],
        calibration=calibration.as_json() if calibration else None,
        hyperparameters=header["hyperparameters"],
        seed=trial.seed,
        data_folder=data.folder(key.workload).resolve(),
        data_dir=data.data_dir.resolve(),
        data_sha256=header["data_sha256"],
        held_out=data.kind(key.workload),
        sandbox="process",
        run_folder=run.path.resolve(),
        folder=folder.resolve(),
        unofficial="replayed",
        evaluate_at=tuple(int(step) for step in trial.steps),
    )


def _find_all(request: RunRequest) -> list[Source]:
    sources = [find_submission(text, request.framework) for text in request.submissions]
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise SubmissionError(
                f"two submissions are called {name!r}; rename the file or folder of one"
            )
    for source in sources:
        if source.is_folder and source.file.parent in [out := request.out.resolve(), *out.parents]:
            raise SubmissionError(
                f"--out {request.out} lies inside the submission {source.file.parent}, which is "
                "hashed as a whole. Give an --out elsewhere."
            )
    return sources


def _check_models(request: RunRequest) -> None:
    """Raises: SubmissionError for a workload that the framework has no model of."""
    for name in request.competition.workloads:
        workload, size = request.competition.played_as(name)
        load_workload(workload).size(size)
        offered = load_workload(workload).frameworks
        if request.framework not in offered:
            raise SubmissionError(
                f"workload {name} has no {request.framework} model; it has "
                f"{' and '.join(offered)}. Choose others with --workload."
            )


def _data(request: RunRequest) -> RunData:
    """The data of a run that is to be resumed, or a new draw of them."""
    if request.resume:
        return recorded_data(RunFolder(request.out), request.data_dir)
    return new_data(
        request.competition, request.data_dir, seed=request.seed, practice=request.practice
    )


def _search_spaces(
    request: RunRequest, sources: list[Source], speed: float
) -> dict[str, SearchSpace | None]:
    """Look every submission over, each in a sandbox, on a machine of this speed."""
    hardware = load_hardware(request.competition.rules.hardware)
    spaces: dict[str, SearchSpace | None] = {}
    for source in sources:
        if source.search_space is not None and request.ruleset == "external":
            spaces[source.name] = read_search_space(source.search_space)
    with scratch_folder("inspection") as scratch:
        copies = [freeze(source, scratch / source.name) for source in sources]
        hide = [request.data_dir.resolve()]
        inspections = [
            Inspection(copy, request.framework, request.ruleset, hardware, hide, speed)
            for copy in copies
        ]
        own = [(s, _outcome(i)) for s, i in zip(sources, inspections, strict=True)]
    for source, outcome in own:
        if isinstance(outcome, Exception):
            raise outcome
        if request.ruleset == "self":
            spaces[source.name] = None
        elif source.name not in spaces:
            spaces[source.name] = _own_space(source, outcome)
    return spaces


def _about_this_machine(
    hardware: HardwareClass, calibration: Calibration | None
) -> Iterator[str]:
    """How this machine compares, and what that means for budgets."""
    if calibration is not None and hardware.reference is not None:
        yield (
            f"this machine is {calibration.speed:.2f} times as fast as the reference machine of "
            f"{hardware.name} ({hardware.reference.machine}); a budget of 30 s there is "
            f"{30 / calibration.speed:.1f} s here"
        )


def _shortfalls(spaces: Mapping[str, SearchSpace | None], trials: int) -> Iterator[str]:
    """OptLists that have fewer points than there are trials."""
    for name, space in spaces.items():
        if isinstance(space, OptList) and (shortfall := space.shortfall(trials)):
            yield f"{name}: {shortfall}"


def _outcome(inspection: Inspection) -> Any:
    try:
        return inspection.search_space()
    except SubmissionError as error:
        return error


def _own_space(source: Source, declared: Any) -> SearchSpace:
    if declared is None:
        raise SubmissionError(
            f"{source.name}: external tuning needs a search space. Put a "
            "tuning_search_space.json beside its submission module, give from_optimizer a "
            "search_space, or run it with --tuning self."
        )
    return parse_search_space(declared, source=f"{source.file.name}: search_space")


def _warm_up(request: RunRequest, data: RunData) -> None:
    """Import the framework and open the held-out data."""
    competition = request.competition
    threads = load_hardware(competition.rules.hardware).threads
    for name in competition.workloads:
        folder, played = data.folder(name).resolve(), competition.played_as(name)
        evaluator = evaluator_for(*played, request.framework, folder, threads)
        metric = competition.workloads[name].metric
        if metric not in evaluator.metric_names:
            raise RulesError(
                f"{competition.name}: workloads.{name}.metric: found {metric!r}, the workload "
                f"measures {', '.join(evaluator.metric_names)}"
            )


def _record(request: RunRequest, sources: list[Source]) -> dict[str, Any]:
    """run.json, but for the data and the seed."""
    tuning = request.competition.rules.tuning.under(request.ruleset)
    return {
        "competition": request.competition.as_record(),
        "submissions": {s.name: identity(s, request.framework) for s in sources},
        "package_sha256": package_fingerprint(),
        "framework": request.framework,
        "ruleset": request.ruleset,
        "trials": request.trials or tuning.trials,
        "studies": request.studies or tuning.studies,
        "sandbox": request.sandbox,
        "unofficial": _why_unofficial(request),
    }


def _why_unofficial(request: RunRequest) -> str:
    """Empty if nothing is known that would make the run's trials unofficial."""
    if request.sandbox == "none":
        return "played without a sandbox"
    return "trials shared the machine" if request.shares_the_machine else ""


def _folder(request: RunRequest, record: Mapping[str, Any]) -> RunFolder:
    if request.resume:
        return _reopen(request, record)
    # Official seeds are drawn after the code is hashed; `record` holds the hashes.
    seed = secrets.randbits(32) if request.seed is None else request.seed
    return create_run(request.out, {**record, "seed": seed})


def _reopen(request: RunRequest, record: Mapping[str, Any]) -> RunFolder:
    asked = dict(record)
    if request.seed is not None:
        asked["seed"] = request.seed
    for name in ("trials", "studies"):
        if getattr(request, name) is None:
            del asked[name]  # not said again: as recorded
    return reopen_run(request.out, asked)


def _plans(
    request: RunRequest, folder: RunFolder, files: Mapping[str, Path],
    spaces: Mapping[str, SearchSpace | None], data: RunData, calibration: Calibration | None,
) -> Iterator[TrialPlan]:
    """Every trial of the run, studies outermost: a run cut short has whole studies to show."""
    record, competition = folder.record, request.competition
    same_points = competition.rules.tuning.external.same_points
    for study in range(record["studies"]):
        for name, file in files.items():
            for workload, workload_rules in competition.workloads.items():
                drawn_for = 0 if same_points else study
                draws = _draws(record, spaces[name], workload, drawn_for)
                for trial, hyperparameters in enumerate(draws, start=1):
                    key = TrialKey(
                        submission=name, framework=request.framework, workload=workload,
                        study=study, trial=trial,
                    )
                    yield TrialPlan(
                        key=key,
                        submission_file=file.resolve(),
                        submission_sha256=record["submissions"][name]["sha256"],
                        package_sha256=record["package_sha256"],
                        rules=competition.rules,
                        workload_rules=workload_rules,
                        workload=competition.played_as(workload)[0],
                        size=competition.played_as(workload)[1],
                        ruleset=request.ruleset,
                        calibration=calibration.as_json() if calibration else None,
                        hyperparameters=hyperparameters,
                        seed=_seed(record["seed"], workload, study, trial),
                        data_folder=data.folder(workload).resolve(),
                        data_dir=request.data_dir.resolve(),
                        data_sha256=record["data"][workload],
                        held_out=data.kind(workload),
                        sandbox=request.sandbox,
                        run_folder=folder.path.resolve(),
                        folder=folder.trial_path(key).resolve(),
                        unofficial=record["unofficial"],
                    )


def _draws(
    record: Mapping[str, Any], space: SearchSpace | None, workload: str, study: int
) -> list[dict[str, Any] | None]:
    """The hyperparameters of a study's trials: the same points for every submission's order."""
    if space is None:
        return [None]
    seed = _seed(record["seed"], workload, study, 0)
    return list(points(space, record["trials"], seed))


def _seed(seed: int, workload: str, study: int, trial: int) -> int:
    """A seed for each place of a run, the same on every machine and for every submission."""
    entropy = [seed, zlib.crc32(workload.encode()), study, trial]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])


