"""What is written down of runs and trials: the records of run.json, trial.json and verdict.json.

A record is written without what is as by default, so a field that comes later, with a default,
changes no file of before. Other changes of what a file means take a new SCHEMA_VERSION, and a
function in `results/upgrades.py`.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from mlgolf.core.competition import Competition
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.rules import Contract, Ruleset, Timing
from mlgolf.core.status import Status
from mlgolf.core.toml_files import check_keys
from mlgolf.core.trial_key import TrialKey

SCHEMA_VERSION = 3
SandboxLevel = Literal["none", "process", "bubblewrap", "imported"]  # the last: not by us
SHARED_MACHINE = "trials shared the machine"  # why they are unofficial


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


_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=_ONE_LINE)]
_MUST_BE_SAID = ("authors", "licence", "tuned_on", "learned_components")  # "nothing" is said by []


class Disclosure(Record):
    """submission.toml beside a submission: what its authors say of it.

    Nobody can check it. A board says that tuning outside the budget is unbounded.
    """

    authors: tuple[Words, ...] = ()
    # Of the code, and of what it brings along.
    licence: str = Field(default="", max_length=200, pattern=_ONE_LINE)
    based_on: tuple[Words, ...] = ()  # papers, packages, other submissions
    tuned_on: tuple[Words, ...] = ()  # data sets and workloads
    tuned: tuple[Words, ...] = ()  # what was tuned there
    runs: int | None = Field(default=None, ge=0)  # how many that took
    learned_components: tuple[Words, ...] = ()  # learned elsewhere, such as stored weights
    notes: str = Field(default="", max_length=2000)

    @model_validator(mode="before")
    @classmethod
    def _is_written_as_asked(cls, table: Any) -> Any:
        check_keys(table, cls.model_fields)
        for key, value in table.items() if isinstance(table, dict) else ():
            if isinstance(value, str) and cls.model_fields[key].default == ():
                raise ValueError(f"{key}: found {value!r}, allowed is a list: [{value!r}]")
        return table

    @property
    def missing(self) -> list[str]:
        """Keys that are not given, of those that rules may ask for."""
        return [key for key in _MUST_BE_SAID if key not in self.model_fields_set]


class SubmissionRecord(Record):
    """A submission of a run: what was frozen, or who was imported."""

    framework: str | None = None
    sha256: str = ""
    module: str = ""  # in the folder of its frozen code
    contract: Contract = "submission"
    disclosure: Disclosure | None = None
    imported: bool = False

    @model_validator(mode="before")
    @classmethod
    def _of_today(cls, fields: Any) -> Any:
        """Disclosures were once called declarations, and had fewer fields."""
        if not (isinstance(fields, dict) and isinstance(fields.get("declared"), dict)):
            return fields
        declared = dict(fields["declared"])
        if "learned" in declared:
            declared["learned_components"] = declared.pop("learned")
        others = {key: value for key, value in fields.items() if key != "declared"}
        return {**others, "disclosure": declared}


class DrawRecord(Record):
    """Which held-out data a run is played on. The draw itself is told when the run has ended."""

    run: str  # the run's name for its draw; empty for practice
    is_known: bool  # whether a submission may know the draw already
    sha256: str  # of the draw


class FreshDraw(Record):
    """By which value, fixed before code was taken in, a run's seed and held-out data were drawn."""

    line: int  # of the host's ledger, which commits to the value
    value_sha256: str = ""  # of a secret value; it is shown when the run has ended
    public: str = ""  # where a public value was to stand, in words


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
    fresh: FreshDraw | None = None  # None: the host drew
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
    unofficial: str = ""  # why it cannot be official, as far as known beforehand
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


class Background(Record):
    """What else the machine did while a trial was played."""

    # Seconds of the class's probe, before the player was started and once it had been stopped.
    before: float | None = Field(default=None, gt=0)
    after: float | None = Field(default=None, gt=0)
    problem: str = ""  # why one that should be there is not
    wall_seconds: float = 0.0  # between the two
    # Of that time on the player's cores, the share that a virtual machine was not given.
    stolen: float = 0.0
    others: float = 0.0  # cores that other programs kept busy meanwhile, on average
    other_cores: int = 0  # besides the player's; all, where it has all
    beside_trials: bool = False  # others of the run were played there, so nothing is told by it


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
    background: Background | None = None
    disturbed: str = ""  # why its seconds may be too many, by the rules; empty if nothing says so
    to_repeat: bool = False  # for that reason, and whatever it came to
    repeated: int = 0  # how many attempts before it were set aside for that reason
    versions: dict[str, str] = Field(default_factory=dict)
    total: ClockTotal | None = None
    charged_seconds: float = 0.0  # of evaluations and of answers, on top of its own
    # What of the workload, or of the game, the contestant looked up, and how often: told by its own
    # process, so no evidence.
    touched: dict[str, int] = Field(default_factory=dict)
    problems: list[str] = Field(default_factory=list)  # of an import: what was not read
