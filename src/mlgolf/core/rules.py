"""Rules: minimise one quantity subject to bounds on others. Plain data, read from TOML.

Every competition is this sentence; the code that plays and scores one asks the rules and never
what kind of competition it is.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator

from mlgolf.core.errors import MLGolfError, RulesError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.quantities import REGULARISER, Quantity, quantity
from mlgolf.core.target import Goal, Target
from mlgolf.core.text import enumerated

Ruleset = Literal["external", "self"]
# Whether a trial has its machine to itself, or is priced by segments that do (referee/pairing.py).
Timing = Literal["alone", "paired"]
# What a contestant offers: AlgoPerf's functions, or `play(game)`, which drives its own training.
Contract = Literal["submission", "entry"]


def paces_itself(contract: Contract) -> bool:
    """Whether a contestant drives its own training, and submits when it likes."""
    return contract == "entry"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _declared(name: str) -> str:
    try:
        return quantity(name).name
    except MLGolfError as error:
        raise ValueError(str(error)) from None


class Constraint(_Frozen):
    """A bound on a quantity: a number, or the name of the number each workload gives for it."""

    quantity: str
    bound: float | str

    _known = field_validator("quantity")(_declared)

    @property
    def bounded(self) -> Quantity:
        return quantity(self.quantity)

    @property
    def is_target(self) -> bool:
        """Whether each workload gives a value to reach, not one to stay within."""
        return isinstance(self.bound, str) and self.bounded.is_target


class ExternalTuning(_Frozen):
    """A tuner outside the submission: points from its search space, best of `trials` a study."""

    trials: int = Field(ge=1)
    studies: int = Field(ge=1)
    budget_factor: float = Field(default=1.0, gt=0)
    # Whether each study draws its own points, or trial i has the same one in all of them.
    points: Literal["own", "same"] = "own"


class SelfTuning(_Frozen):
    """The submission tunes itself: one trial a study, with a longer budget."""

    studies: int = Field(ge=1)
    budget_factor: float = Field(gt=0)
    trials: Literal[1] = 1


class Tuning(_Frozen):
    """The two kinds of tuning, of which rules may leave one out."""

    external: ExternalTuning | None = None
    self_: SelfTuning | None = Field(default=None, alias="self")

    @model_validator(mode="after")
    def _allows_something(self) -> "Tuning":
        if not self.rulesets:
            raise ValueError("found neither external nor self; give one of them, or both")
        return self

    @property
    def rulesets(self) -> tuple[Ruleset, ...]:
        """Those that the rules know; the first is played where nobody says which."""
        external: tuple[Ruleset, ...] = ("external",) if self.external else ()
        return (*external, "self") if self.self_ else external

    def stands_alone(self, ruleset: str) -> bool:
        """Whether a study has one trial, so that each trial is a result by itself."""
        return self.under(ruleset).trials == 1

    @property
    def same_points(self) -> bool:
        """Whether trial i has the same point in all studies."""
        return self.external is not None and self.external.points == "same"

    def under(self, ruleset: str) -> ExternalTuning | SelfTuning:
        """Raises: RulesError for tuning that these rules do not know."""
        tuning = self.external if ruleset == "external" else self.self_
        if tuning is None:
            raise RulesError(
                f"tuning: found {ruleset!r}, these rules know {enumerated(self.rulesets)}"
            )
        return tuning


class Interpretations(_Frozen):
    """How ambiguous rules are applied: where the text allows two, or a benchmark's code differs.

    Each has a name, so that a board can say which one it follows and what another would change.
    The defaults follow the text of the rules.
    """

    trial: Literal["fastest", "earliest_evaluation"] = Field(
        default="fastest", description="the trial that a study counts"
    )
    tie: Literal["fastest", "slowest"] = Field(
        default="fastest", description="tie-break between trials"
    )
    unevaluated: Literal["never", "left_out"] = Field(
        default="never", description="trials without an evaluation; never: target not reached"
    )
    missing_studies: Literal["left_out", "never"] = Field(
        default="left_out", description="in the median over studies; never: target not reached"
    )
    integral: Literal["exact", "grid"] = Field(
        default="exact", description="area under the profile; grid: at 100 values of tau"
    )
    target: Literal["met", "beaten"] = Field(
        default="met", description="met: a value equal to the target reaches it"
    )


class Aggregation(_Frozen):
    """How many trials become one score: over trials, then studies, then workloads."""

    trials: Literal["best"] = "best"
    studies: Literal["median"] = "median"
    workloads: Literal["performance_profile", "geometric_mean_ratio"] = "performance_profile"
    # Of a submission's studies on a workload, the share that must reach it: with fewer none counts.
    # The median asks for half of them anyway.
    reached_share: float = Field(default=0.0, ge=0, le=1)
    tau_max: float = Field(default=4.0, gt=1)
    never_beyond: float | None = Field(default=None, ge=1)  # times the best: slower is never
    interpretations: Interpretations = Interpretations()


class RecordRules(_Frozen):
    """What the best of a board must show against the next to be a record."""

    level: float = Field(default=0.05, gt=0, le=1)  # of the exact one-sided test over runs
    minimum_gain: float = Field(default=0.005, ge=0)  # as a share of the other's median


class PinnedModel(_Frozen):
    """Pre-training of one model and no other, by its hash. The compute behind it is unbounded."""

    model: str  # what it is called, or the file in the competition's folder
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class NamedData(_Frozen):
    """Pre-training on one set of data, and the host's words on how it relates to the training data.

    likely_inputs: unlabelled examples of the kind. past_outputs: what was produced before, without
    its inputs. input_output_pairs: further examples with their targets.
    """

    data: str  # what it is, and where it lies
    relation: Literal["likely_inputs", "past_outputs", "input_output_pairs"]
    words: str  # of the host


# "declared": any, and boards say that somebody declared it.
Pretraining = Literal["forbidden", "declared"] | PinnedModel | NamedData


class Rules(_Frozen):
    contracts: tuple[Contract, ...] = ("submission",)  # what contestants may be
    objective: str
    constraints: tuple[Constraint, ...]
    trial_chosen_by: tuple[Constraint, ...] = ()  # the first to satisfy these; empty: the above
    # Every split is measured at each evaluation of this number, and when a trial ends; at the
    # others only what the rules need.
    every_split_at: int = Field(default=10, ge=1)
    # What a contestant learns of an evaluation while it runs: of these splits, and of "model", what
    # is computed from its parameters. By default all that AlgoPerf tells.
    feedback: tuple[Literal["train", "validation", "test", "model"], ...] = (
        "train", "validation", "test",
    )
    # Bounds must hold, too, for weights that are each changed by so large a share of them (standard
    # deviation of a normal distribution): numbers do not hide what a model does not know.
    weight_noise: float = Field(default=0.0, ge=0)
    # Which of a model's arrays its quantities are measured on: all that are trained, or those of
    # two axes and more, without biases and scales.
    scored: Literal["all", "weights"] = "all"
    # Quantities of the model that are measured beside, where every split is: nothing rests on them.
    recorded: tuple[str, ...] = ()
    regulariser: str | None = None  # the host's measure: the text of its regulariser.py
    # Whether the best model of each trial that keeps the bounds stays in the trial's folder.
    keep_model: bool = False
    # Where seed and held-out data come from: the host, or all code and a value fixed before it.
    draws: Literal["host", "fresh"] = "host"
    frameworks: Literal["apart", "together"] = "apart"  # whether their times are compared
    hardware: str
    timing: tuple[Timing, ...] = ("alone",)  # how official trials may be timed
    # A trial is flagged as disturbed where its machine was slower by more than this share of the
    # time (`disturbance.py`; 0: nobody looks), and played again at most so many times.
    disturbed_above: float = Field(default=0.1, ge=0)
    repeat_disturbed: int = Field(default=0, ge=0, le=10)
    pretraining: Pretraining = "forbidden"
    # Whether each submission must come with a submission.toml that says who made it, under which
    # licence, what it was tuned on and what was learned elsewhere.
    disclosures: Literal["optional", "required"] = "optional"
    # What the files of a program may have in all: weights that it brings along count towards it.
    code_bytes: int | None = Field(default=None, ge=1)
    # Ceiling of the energy: this power times the budget. It stands in the record and nobody checks
    # it; what is to be measured is a bound on the quantity energy.
    watts: float | None = Field(default=None, gt=0)
    tuning: Tuning
    aggregation: Aggregation = Aggregation()
    record: RecordRules = RecordRules()

    _known = field_validator("objective")(_declared)

    @field_validator("recorded")
    @classmethod
    def _are_of_the_model(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in map(_declared, names):
            if quantity(name).measure is None and name != REGULARISER:
                raise ValueError(
                    f"{name} is recorded anyway; give quantities that are measured of the model"
                )
        return names

    @model_validator(mode="after")
    def _has_the_measure_that_it_uses(self) -> "Rules":
        used = REGULARISER in {*self.used_quantities, *self.recorded}
        if used != (self.regulariser is not None):
            found, missing = (REGULARISER, "file") if used else ("a file", "quantity")
            raise ValueError(
                f"found {found} and no {missing}: where the quantity {REGULARISER!r} is used, give "
                'regulariser = "regulariser.py", and nowhere else'
            )
        return self

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Rules":
        """What only grows is least at the first evaluation, unless something must be reached."""
        bounded = [constraint.bounded for constraint in self.constraints]
        if self.objective_quantity.accumulates and all(q.accumulates for q in bounded):
            raise ValueError(
                f"the objective {self.objective!r} only grows, so something must be reached: add "
                'a constraint such as { quantity = "validation_metric", bound = "target" }'
            )
        return self

    @model_validator(mode="after")
    def _has_a_price_where_it_counts(self) -> "Rules":
        for name in sorted(self.used_quantities):
            if quantity(name).priced and math.isnan(self.dollars_per_second()):
                raise ValueError(
                    f"{name}: the hardware class {self.hardware!r} has no price: give it "
                    "dollars_per_hour"
                )
        return self

    @property
    def admits_own_pace(self) -> bool:
        """Whether contestants may drive their own training, and submit when they like."""
        return any(map(paces_itself, self.contracts))

    @property
    def objective_quantity(self) -> Quantity:
        return quantity(self.objective)

    @property
    def told(self) -> tuple[str, ...]:
        """`feedback` without the test split where the objective is measured on it."""
        decides = self.objective_quantity.column.partition("/")[0]
        return tuple(split for split in self.feedback if not split == decides == "test")

    @property
    def followed(self) -> Quantity:
        """What curves show of a trial: what is minimised, or what it trains towards."""
        objective = self.objective_quantity
        if not objective.accumulates:
            return objective
        reached = [c.bounded for c in self.constraints if c.bounded.is_target]
        of_workloads = not reached or any(q.goal is None for q in reached)
        return quantity("validation_metric") if of_workloads else reached[0]

    def bound_on(self, name: str) -> Constraint | None:
        """The constraint on a quantity, or None."""
        return next((c for c in self.constraints if c.quantity == name), None)

    @property
    def used_quantities(self) -> set[str]:
        """Names of all that is minimised or bounded."""
        constraints = (*self.constraints, *self.trial_chosen_by)
        return {self.objective, *(constraint.quantity for constraint in constraints)}

    @property
    def metered_quantities(self) -> list[str]:
        """Those of the used ones that need a meter on the machine."""
        return sorted(name for name in self.used_quantities if quantity(name).is_of_a_meter)

    def dollars_per_second(self, speed: float = 1.0) -> float:
        """As the hardware class says, which NaN stands for if it has no price. Reads its file."""
        return load_hardware(self.hardware).dollars_per_second(speed)

    def scale(self, declared: Quantity, speed: float = 1.0) -> float:
        """What makes a quantity of its column, on a machine of the class."""
        return declared.scale(self.dollars_per_second(speed) if declared.priced else math.nan)

    def target(
        self, constraint: Constraint, workload_rules: "WorkloadRules", *,
        budget_factor: float = 1.0, speed: float = 1.0,
    ) -> Target | None:
        """A constraint as a decision on measured values; None if the workload leaves it open.

        The budget factor of the tuning rules stretches bounds on what accumulates while a trial
        runs. Bounds in seconds are of the reference machine: one that is `speed` times as fast
        gets fewer. Whether the others must be beaten is an interpretation; a budget may always be
        used up.
        """
        value = workload_rules.number(constraint.bound)
        if value is None:
            return None
        bounded = constraint.bounded
        factor = budget_factor if bounded.accumulates else 1.0
        factor /= speed if bounded.unit == "s" else 1.0
        return Target(
            metric=bounded.name, value=value * factor, goal=bounded.goal or workload_rules.goal,
            strict=self.aggregation.interpretations.target == "beaten" and bounded.is_target,
        )

    def asked(self, name: str, workload_rules: "WorkloadRules") -> Target | None:
        """What a workload asks of a quantity, bounded by the rules or not; None if nothing.

        Where the rules bound it otherwise than by the customary name, that is what is asked.
        """
        usual = quantity(name).usual_bound
        constraint = self.bound_on(name) or Constraint(quantity=name, bound=usual)
        return self.target(constraint, workload_rules)

    def targets(
        self, workload_rules: "WorkloadRules", constraints: Iterable[Constraint] | None = None, *,
        budget_factor: float = 1.0, speed: float = 1.0,
    ) -> list[Target]:
        """What must hold on a workload, by all constraints or by those given; as `target` says."""
        found = (
            self.target(c, workload_rules, budget_factor=budget_factor, speed=speed)
            for c in (self.constraints if constraints is None else constraints)
        )
        return [target for target in found if target is not None]

    def due_after(
        self, step: int, workload_rules: "WorkloadRules", *, budget_factor: float = 1.0
    ) -> int | None:
        """The step of the evaluation that follows one at `step`; None where steps do not say.

        Where steps are bounded training ends at the bound, and not at the next multiple.
        """
        every = workload_rules.eval_every_steps
        if every is None:
            return None
        bounds = self.targets(workload_rules, budget_factor=budget_factor)
        last = [int(bound.value) for bound in bounds if bound.metric == "steps"]
        return min([step + every, *(bound for bound in last if bound > step)])

    def seconds_allowed(
        self, workload_rules: "WorkloadRules", *, budget_factor: float = 1.0, speed: float = 1.0
    ) -> float:
        """The least bound on what a clock counts, in seconds of that clock.

        Where the rules bound nothing of the kind it is what the workload gives for its budget, as
        far as it does: no trial goes on for ever. Else inf.
        """
        targets = self.targets(workload_rules, budget_factor=budget_factor, speed=speed)
        timed = [
            target.value / self.scale(quantity(target.metric), speed)
            for target in targets if quantity(target.metric).is_of_a_clock
        ]
        given = workload_rules.number(quantity("time").usual_bound)
        usual = math.inf if given is None else given * budget_factor / speed
        return min(timed, default=usual)


class Par(_Frozen):
    """The best value of the objective that is known for a workload, and how it is known."""

    value: FiniteFloat
    provenance: str


class WorkloadRules(_Frozen):
    """The numbers of one workload in one competition: each stands here and nowhere else.

    `bounds` are by name: `target`, `budget_seconds`, or what constraints of the rules call them.
    """

    workload: str | None = None  # what is played; None: what the row is called
    variant: str | None = None  # a row of the workload's spec.py, such as "embed_init"
    data_fraction: float | None = Field(default=None, gt=0, le=1)  # of the training examples
    definition: dict[str, Any] | None = None  # data and network of a workload that is declared here
    metric: str  # a name that the workload's metrics.py computes
    goal: Goal
    bounds: dict[str, FiniteFloat] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict)  # of bounds whose source is not below
    step_hint: int | None = Field(default=None, ge=1)  # steps that a schedule is made for
    eval_every_steps: int | None = Field(default=None, ge=1)
    eval_every_seconds: float | None = Field(default=None, gt=0)
    held_out_of: str | None = None  # a variant that counts only by striking out this workload
    # The row whose search chooses the point of each study: one trial is played here, with that one.
    tuned_at: str | None = None
    par: Par | None = None
    incumbent: float | None = None  # the objective's value that the reference submission reached
    provenance: str

    @model_validator(mode="after")
    def _is_evaluated_in_one_way(self) -> "WorkloadRules":
        if (self.eval_every_steps is None) == (self.eval_every_seconds is None):
            raise ValueError("give one of eval_every_steps and eval_every_seconds")
        return self

    @model_validator(mode="after")
    def _declares_its_data_in_one_place(self) -> "WorkloadRules":
        if self.definition is not None and self.data_fraction is not None:
            raise ValueError(
                "data_fraction: the data are declared in this competition, so say there how many "
                "examples are trained on: train in data.toml"
            )
        return self

    def number(self, bound: float | str) -> float | None:
        """A constraint's bound as a number; None where this workload leaves it open."""
        return self.bounds.get(bound) if isinstance(bound, str) else bound

    def trials_of(self, searched: int) -> int:
        """How many trials a study has here. Args: searched: where it searches."""
        return searched if self.tuned_at is None else 1

    def unit(self, name: str) -> str:
        """Of a quantity on this workload, by the loss of the network that is declared here."""
        network = (self.definition or {}).get("graph")
        loss = network.get("loss") if isinstance(network, Mapping) else None
        return quantity(name).unit_under(loss)

    def with_bounds(self, **changes: float) -> "WorkloadRules":
        """The same with other numbers for some bounds."""
        return self.model_copy(update={"bounds": {**self.bounds, **changes}})
