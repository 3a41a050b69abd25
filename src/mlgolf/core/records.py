"""What is written down of runs and trials: the records of run.json, trial.json and verdict.json.

A record is written without what is as by default, so a field that comes later, with a default,
changes no file of before. Other changes of what a file means take a new SCHEMA_VERSION, and a
function in `results/upgrades.py`.
"""

import math
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mlgolf.core.competition import Competition
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.rules import Contract, Ruleset, Timing
from mlgolf.core.status import Status
from mlgolf.core.trial_key import TrialKey

SCHEMA_VERSION = 3
SandboxLevel = Literal["none", "process", "bubblewrap", "imported"]  # the last: not by us


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        """As `model_validate` takes it back."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Calibration(Record):
    """What the probe took on a machine, beside what it takes on the class's reference machine."""

    seconds: float = Field(gt=0)  # median of the rounds
    spread: float  # between the quartiles of the rounds, as a share of the median
    reference_seconds: float = Field(gt=0)

    @property
    def speed(self) -> float:
        """Times as fast as the reference machine."""
        return self.reference_seconds / self.seconds


class Declared(Record):
    """declared.toml beside a program: what it brings from runs that no budget counted.

    Nobody can check it. A board says that tuning outside the budget is unbounded.
    """

    tuned: tuple[str, ...] = ()  # what was tuned on the data of the game
    runs: int | None = Field(default=None, ge=0)  # how many that took
    learned: tuple[str, ...] = ()  # parts that were learned elsewhere, such as stored weights
    licence: str = ""  # of those


class SubmissionRecord(Record):
    """A submission of a run: what was frozen, or who was imported."""

    framework: str | None = None
    sha256: str = ""
    module: str = ""  # in the folder of its frozen code
    contract: Contract = "submission"
    declared: Declared | None = None
    imported: bool = False


class DrawRecord(Record):
    """Which held-out data a run is played on. The draw itself is told when the run has ended."""

    run: str  # the run's name for its draw; empty for practice
    is_known: bool  # whether a submission may know the draw already
    sha256: str  # of the draw


class RunRecord(Record):
    """run.json: what was asked for, fixed before the first trial."""

    competition: Competition
    ruleset: Ruleset
    submissions: dict[str, SubmissionRecord]
    framework: str | None = None
    trials: int
    studies: int
    sandbox: SandboxLevel
    timing: Timing = "alone"
    seed: int | None = None
    begun: AwareDatetime | None = None  # when its submissions were received
    unofficial: str = ""  # why none of its trials is an official one
    package_sha256: str = ""  # of mlgolf itself when the run was begun
    data: dict[str, str] = Field(default_factory=dict)  # row of the competition -> SHA-256
    held_out: DrawRecord | None = None  # None: it was imported
    hardware: HardwareClass | None = None
    calibration: Calibration | None = None  # of the machine that began it
    left_out: list[str] = Field(default_factory=list)  # of an import: a sentence each

    def as_json(self) -> dict[str, Any]:
        return {**super().as_json(), "competition": self.competition.as_record()}


class TrialFacts(Record):
    """What else is known of a trial before it starts. Of logs of other programs it is little."""

    ruleset: str | None = None  # of logs whatever they say
    size: str = ""
    submission_sha256: str = ""
    package_sha256: str = ""
    data_sha256: str = ""
    held_out: str = ""  # how its held-out data came to be: secret, practice, published
    hardware: HardwareClass | None = None
    machine: dict[str, Any] = Field(default_factory=dict)
    calibration: Calibration | None = None
    mlgolf_version: str = ""
    imported_from: str = ""
    flags: dict[str, Any] = Field(default_factory=dict)  # of AlgoPerf's logs
    meta: dict[str, Any] = Field(default_factory=dict)

    @property
    def speed(self) -> float:
        """Times as fast as its class's reference machine its own was; 1 where nobody measured."""
        return self.calibration.speed if self.calibration else 1.0

    @property
    def dollars_per_second(self) -> float:
        """On the clock of its machine, by the price of its class then; NaN where none is known."""
        return self.hardware.dollars_per_second(self.speed) if self.hardware else math.nan


UNKNOWN = TrialFacts()


class TrialHeader(TrialFacts):
    """trial.json."""

    key: TrialKey
    seed: int
    hyperparameters: dict[str, Any] | None  # None in self-tuning
    unofficial: str = ""


class PlanRecord(Record):
    """plan.json: a trial to be played, with paths relative to its run and to the data."""

    key: TrialKey
    seed: int
    hyperparameters: dict[str, Any] | None
    submission_sha256: str
    package_sha256: str
    data: str  # the prepared data of its workload, in the folder of data
    data_sha256: str
    held_out: str
    sandbox: SandboxLevel
    noise_key: str = ""
    unofficial: str = ""


class ClockTotal(Record):
    """Where the clocks stood when a trial was over, in seconds, and the meter in joules."""

    seconds: float
    cpu: float
    wall: float
    joules: float | None = None  # None: nothing counted them


class VerdictRecord(Record):
    """verdict.json: how a trial ended, and how it was held."""

    status: Status
    reason: str
    broke_contract: bool = False
    unofficial: str = ""
    sandbox: dict[str, Any] = Field(default_factory=dict)
    clock: dict[str, Any] = Field(default_factory=dict)
    load_average: list[float] = Field(default_factory=list)
    versions: dict[str, str] = Field(default_factory=dict)
    total: ClockTotal | None = None
    charged_seconds: float = 0.0  # of evaluations and of answers, on top of its own
    problems: list[str] = Field(default_factory=list)  # of an import: what was not read
