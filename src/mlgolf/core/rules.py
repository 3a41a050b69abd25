"""Rules: minimise one quantity subject to bounds on others. Plain data, read from TOML.

Every competition is this sentence; the code that plays and scores one asks the rules and never
what kind of competition it is.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mlgolf.core.errors import RulesError
from mlgolf.core.quantities import Bound, Quantity, quantity
from mlgolf.core.target import Goal, Target


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _declared(name: str) -> str:
    try:
        return quantity(name).name
    except RulesError as error:
        raise ValueError(str(error)) from None


class Constraint(_Frozen):
    """A bound on a quantity: a number, or the name of the number each workload gives for it."""

    quantity: str
    bound: float | Bound

    _known = field_validator("quantity")(_declared)


class ExternalTuning(_Frozen):
    """A tuner outside the submission: points from its search space, best of `trials` a study."""

    trials: int = Field(ge=1)
    studies: int = Field(ge=1)
    budget_factor: float = Field(default=1.0, gt=0)
    # Whether each study draws its own points, or trial i has the same one in all of them.
    points: Literal["own", "same"] = "own"

    @property
    def same_points(self) -> bool:
        return self.points == "same"


class SelfTuning(_Frozen):
    """The submission tunes itself: one trial a study, with a longer budget."""

    studies: int = Field(ge=1)
    budget_factor: float = Field(gt=0)
    trials: Literal[1] = 1


class Tuning(_Frozen):
    external: ExternalTuning
    self_: SelfTuning = Field(alias="self")

    def under(self, ruleset: str) -> ExternalTuning | SelfTuning:
        return self.external if ruleset == "external" else self.self_


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
    tau_max: float = Field(default=4.0, gt=1)
    never_beyond: float | None = Field(default=None, ge=1)  # times the best: slower is never
    interpretations: Interpretations = Interpretations()


class Rules(_Frozen):
    objective: str
    constraints: tuple[Constraint, ...]
    trial_chosen_by: tuple[Constraint, ...] = ()  # the first to satisfy these; empty: the above
    frameworks: Literal["apart", "together"] = "apart"  # whether their times are compared
    hardware: str
    pretraining: Literal["forbidden", "declared"] = "forbidden"
    tuning: Tuning
    aggregation: Aggregation = Aggregation()

    _known = field_validator("objective")(_declared)

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Rules":
        """What only grows is least at the first evaluation, unless something must be reached."""
        bounded = [quantity(constraint.quantity) for constraint in self.constraints]
        if self.objective_quantity.accumulates and all(q.accumulates for q in bounded):
            raise ValueError(
                f"the objective {self.objective!r} only grows, so something must be reached: add "
                'a constraint such as { quantity = "validation_metric", bound = "target" }'
            )
        return self

    @property
    def objective_quantity(self) -> Quantity:
        return quantity(self.objective)

    def bound_on(self, name: str) -> Constraint | None:
        """The constraint on a quantity, or None."""
        return next((c for c in self.constraints if c.quantity == name), None)


class WorkloadRules(_Frozen):
    """The numbers of one workload in one competition: each stands here and nowhere else."""

    metric: str  # a name that the workload's metrics.py computes
    goal: Goal
    target: float
    test_target: float | None = None
    budget_seconds: float = Field(gt=0)
    step_hint: int = Field(ge=1)
    step_limit: int | None = Field(default=None, ge=1)
    eval_every_steps: int | None = Field(default=None, ge=1)
    eval_every_seconds: float | None = Field(default=None, gt=0)
    held_out_of: str | None = None  # a variant that counts only by striking out this workload
    incumbent: float | None = None  # the objective's value that the reference submission reached
    provenance: str

    @model_validator(mode="after")
    def _is_evaluated_in_one_way(self) -> "WorkloadRules":
        if (self.eval_every_steps is None) == (self.eval_every_seconds is None):
            raise ValueError("give one of eval_every_steps and eval_every_seconds")
        return self

    @property
    def evaluation_steps(self) -> int:
        """Steps from one evaluation to the next. Raises: RulesError if the clock says when."""
        if self.eval_every_steps is None:
            raise RulesError(
                f"evaluations every {self.eval_every_seconds:g} s of the clock can be scored but "
                "not yet played; give eval_every_steps to play"
            )
        return self.eval_every_steps

    def number(self, bound: float | str) -> float | None:
        """A constraint's bound as a number; None where this workload leaves it open."""
        return getattr(self, bound) if isinstance(bound, str) else bound


def constraint_target(
    constraint: Constraint, numbers: WorkloadRules, *, budget_factor: float = 1.0,
    speed: float = 1.0, interpretation: Literal["met", "beaten"] = "met",
) -> Target | None:
    """A constraint of the rules as a decision on measured values, or None if it bounds nothing.

    The budget factor of the tuning rules stretches bounds on what accumulates while a trial runs.
    Bounds in seconds are of the reference machine: one that is `speed` times as fast gets fewer.
    The interpretation says whether the others must be beaten; a budget may always be used up.
    """
    value = numbers.number(constraint.bound)
    if value is None:
        return None
    bounded = quantity(constraint.quantity)
    factor = budget_factor if bounded.accumulates else 1.0
    factor /= speed if bounded.unit == "s" else 1.0
    return Target(
        metric=bounded.name, value=value * factor, goal=bounded.goal or numbers.goal,
        strict=interpretation == "beaten" and not bounded.accumulates,
    )
