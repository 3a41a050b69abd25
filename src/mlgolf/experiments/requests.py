"""What a person asks of a run, and what can be said against it before anything is written."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError, SubmissionError
from mlgolf.core.hardware import HardwareClass, load_hardware
from mlgolf.core.quantities import quantity
from mlgolf.core.records import SHARED_MACHINE, Disclosure, SandboxLevel
from mlgolf.core.rules import Ruleset, Timing, paces_itself
from mlgolf.core.text import enumerated
from mlgolf.core.workload import SPLITS
from mlgolf.experiments.run_data import RunData
from mlgolf.referee.energy import find_counters, meter_for
from mlgolf.referee.evaluators import evaluator_for
from mlgolf.referee.freeze import DISCLOSURE, Source, find_submission

PAIRED_IS_NOT_ALLOWED = "timed beside other trials (paired), which the rules do not allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """None: as the competition says, or drawn."""

    submissions: tuple[str, ...]
    competition: Competition
    framework: str = "torch"
    ruleset: Ruleset = "external"
    trials: int | None = None
    studies: int | None = None
    seed: int | None = None
    sandbox: SandboxLevel | None = None  # the strongest that this machine gives
    shares_the_machine: bool = False  # with other trials of the run
    timing: Timing = "alone"
    practice: bool = False  # on the held-out data of the published seed
    data_dir: Path
    out: Path
    ledger: Path | None = None  # of the host: gets a line before the first trial
    public_value: str | None = None  # that the ledger named beforehand, where draws are fresh
    resume: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def hardware(self) -> HardwareClass:
        return load_hardware(self.competition.rules.hardware)

    def why_unofficial(self, begun: datetime | None) -> str:
        """Empty if nothing is known that would make the run's trials unofficial.

        Args: begun: when the run was; None where it did not write it down.
        """
        paired = self.timing == "paired"
        not_allowed = paired and "paired" not in self.competition.rules.timing
        return "; ".join(filter(None, [
            "" if begun is None else self.competition.why_not_open(begun),
            "played without a sandbox" if self.sandbox == "none" else "",
            SHARED_MACHINE if self.shares_the_machine and not paired else "",
            PAIRED_IS_NOT_ALLOWED if not_allowed else "",
        ]))  # fmt: skip


def checked_sources(request: RunRequest) -> list[Source]:
    """The submissions, if they can be found and told apart and every workload can be played.

    Raises: MLGolfError for anything a person got wrong.
    """
    sources = [find_submission(text, request.framework) for text in request.submissions]
    _check_names([source.name for source in sources])
    for source in sources:
        _check_that_out_is_elsewhere(request.out, source)
        check_source(source, request.competition)
    _check_workloads(request)
    _check_brought_models(request.competition)
    _check_timing(request)
    request.competition.check_pinned_model()
    metered = request.competition.rules.metered_quantities
    meter_for(request.hardware, metered, find_counters(request.hardware))
    return sources


def check_source(source: Source, competition: Competition) -> None:
    """What the rules say of code, read and not run. Raises: SubmissionError."""
    _check_contract(source, competition)
    _check_size(source, competition)
    _check_disclosure(source, competition)


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise SubmissionError(
                f"two submissions are called {name!r}; rename the file or folder of one"
            )


def _check_that_out_is_elsewhere(out: Path, source: Source) -> None:
    if source.is_folder and source.file.parent in [out.resolve(), *out.resolve().parents]:
        raise SubmissionError(
            f"--out {out} lies inside the submission {source.file.parent}, which is hashed as a "
            "whole. Give an --out elsewhere."
        )


def _check_contract(source: Source, competition: Competition) -> None:
    allowed = competition.rules.contracts
    if source.contract not in allowed:
        offers = {"entry": "an entry, with play(game)", "submission": "AlgoPerf's functions"}
        raise SubmissionError(
            f"{source.file.name} is {offers[source.contract]}; {competition.name} takes "
            f"{enumerated(map(offers.get, allowed), 'or')}"
        )
    left_open = _without_network(competition) if source.contract == "submission" else []
    if left_open:
        raise SubmissionError(
            f"{source.name}: workload {left_open[0]} has no network to train, the contestant "
            "brings one: write an entry, with play(game)"
        )


def _check_timing(request: RunRequest) -> None:
    """Raises: RulesError where nothing would be told by segments that are played alone."""
    if request.timing == "alone":
        return
    hardware, contracts = request.hardware, request.competition.rules.contracts
    if hardware.clock != "cpu":
        raise RulesError(
            f"--timing paired: the clock of the class {hardware.name} is wall time: trials side by "
            "side would wait for one another. Leave it out: trials are then played alone"
        )
    if any(map(paces_itself, contracts)):
        raise RulesError(
            f"--timing paired: {request.competition.name} takes entries, which submit when they "
            "like: segments between their evaluations do not compare. Leave it out"
        )


def _without_network(competition: Competition) -> list[str]:
    """Workloads whose model the contestant brings."""
    return [row for row in competition.workloads if competition.workload_of(row).brings_model]


def _check_size(source: Source, competition: Competition) -> None:
    allowed = competition.rules.code_bytes
    if allowed is not None and source.bytes > allowed:
        forbidden = competition.rules.pretraining == "forbidden"
        learned = "is not to be brought along" if forbidden else "counts, too"
        raise SubmissionError(
            f"{source.name}: its files have {source.bytes:,} bytes, {competition.name} allows "
            f"{allowed:,}: what was learned before {learned}. Remove what the program does not need"
        )


def _check_disclosure(source: Source, competition: Competition) -> None:
    """Raises: SubmissionError for one that the rules ask for and that says too little.

    And for parts that were learned elsewhere, where that is forbidden.
    """
    disclosure = source.disclosure
    if competition.rules.disclosures == "required":
        _check_that_it_is_complete(source, disclosure, competition.name)
    learned = disclosure.learned_components if disclosure else ()
    if learned and competition.rules.pretraining == "forbidden":
        raise SubmissionError(
            f"{source.name}: its {DISCLOSURE} says that it brings what was learned elsewhere "
            f"({', '.join(learned)}); {competition.name} has pretraining = \"forbidden\". "
            "Enter it without these parts, or where pre-training is allowed"
        )


def _check_that_it_is_complete(
    source: Source, disclosure: Disclosure | None, competition: str
) -> None:
    asked = f"{competition} has disclosures = \"required\""
    example = 'authors = ["Ada Example"], licence = "Apache-2.0", tuned_on = [] for nothing'
    if not source.is_folder:
        raise SubmissionError(
            f"{source.name}: {asked}, and a module that is given alone has no {DISCLOSURE} beside "
            "it. Put it into a folder as submission.py or entry.py, with that file, and give the "
            "folder"
        )
    if disclosure is None:
        raise SubmissionError(
            f"{source.name}: no {DISCLOSURE} in its folder; {asked}. Write one: {example}"
        )
    if disclosure.missing:
        raise SubmissionError(
            f"{source.file.with_name(DISCLOSURE)}: {enumerated(disclosure.missing)} not given; "
            f"{asked}. For instance {example}"
        )


def _check_workloads(request: RunRequest) -> None:
    """Raises: SubmissionError for one that the framework has no model of; UnknownName.

    WorkloadError for one without any model.
    """
    for row in request.competition.workloads:
        name, size = request.competition.played_as(row)
        workload = request.competition.workload_of(row)
        workload.size(size)
        if not workload.frameworks:
            workload.model(request.framework, workload.size(size))  # says what to write
        if request.framework not in workload.frameworks:
            raise SubmissionError(
                f"workload {name} has no {request.framework} model; it has "
                f"{enumerated(workload.frameworks)}. Choose others with --workload."
            )


def _check_brought_models(competition: Competition) -> None:
    """Raises: RulesError for rules that need the host's network where a workload has none."""
    rules = competition.rules
    for row in _without_network(competition):
        for name in sorted({*rules.used_quantities, *rules.recorded}):
            if quantity(name).measure is not None and not quantity(name).of_any_model:
                raise RulesError(
                    f"{competition.name}: {name} is not measured on models that contestants bring "
                    f"(workload {row}): a few additions shrink a norm to nothing. Use bits"
                )
        if rules.weight_noise:
            raise RulesError(
                f"{competition.name}: rules.weight_noise: the weights of models that contestants "
                f"bring (workload {row}) are not known; leave it out"
            )


def check_metrics(request: RunRequest, data: RunData) -> None:
    """Open the held-out data: nobody's clock shall wait for it.

    Raises: RulesError for a metric that its workload does not measure.
    """
    competition = request.competition
    for name, row in competition.workloads.items():
        evaluator = evaluator_for(
            *competition.played_as(name), request.framework, data.folder(name),
            competition.rules.hardware, json.dumps(row.definition),
        )
        if row.metric not in evaluator.metric_names:
            raise RulesError(
                f"{competition.name}: workloads.{name}.metric: found {row.metric!r}, the workload "
                f"measures {', '.join(evaluator.metric_names)}"
            )
        for used in sorted(competition.rules.used_quantities):
            split, _, column = quantity(used).column_for(row.metric).partition("/")
            if split in SPLITS and column not in evaluator.metric_names:
                raise RulesError(
                    f"{competition.name}: workload {name} does not measure {used}; of each split "
                    f"it measures {', '.join(evaluator.metric_names)}"
                )


