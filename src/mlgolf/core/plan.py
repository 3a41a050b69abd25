"""The plan of a trial: everything it depends on, fixed before the player starts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.records import Calibration, SandboxLevel
from mlgolf.core.rules import Contract, Rules, Ruleset, Timing, WorkloadRules, paces_itself
from mlgolf.core.target import Target
from mlgolf.core.trial_key import TrialKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    key: TrialKey
    submission_file: Path  # the frozen copy's module, inside the run folder
    submission_sha256: str  # of every file beside it
    package_sha256: str  # of mlgolf itself, which the player runs too
    rules: Rules
    workload_rules: WorkloadRules
    workload: str  # what is played: the key says what its row of the competition is called
    size: str
    ruleset: Ruleset
    contract: Contract  # what the contestant is
    calibration: Calibration | None  # how fast this machine is; None if nothing is compared
    hyperparameters: Mapping[str, Any] | None  # None in self-tuning
    seed: int
    data_folder: Path  # prepared, in data_dir: one folder per split
    data_dir: Path  # all data of this machine: the player sees its training split alone
    data_sha256: str
    sandbox: SandboxLevel
    timing: Timing = "alone"
    run_folder: Path  # whole, with everybody's code and trials: the player cannot write to it
    folder: Path  # where this trial is written down: in the run, but for a replay
    held_out: str  # how its validation and test splits came to be: secret, practice, published
    # What noise on weights is drawn by, beside model and seed: nobody can look for one it spares.
    noise_key: str = ""
    unofficial: str = ""  # why its result is no official one, as far as known beforehand
    evaluate_at: tuple[int, ...] | None = None  # a replay evaluates at the recorded steps
    waited: frozenset[int] = frozenset()  # those of them whose values were not told
    keep_step: int | None = None  # keep the model of this step, not the best one

    @property
    def paces_itself(self) -> bool:
        """Whether the contestant drives its own training, and submits when it likes."""
        return paces_itself(self.contract)

    @property
    def speed(self) -> float:
        """Times as fast as the reference machine of the hardware class."""
        return self.calibration.speed if self.calibration else 1.0

    @property
    def budget_seconds(self) -> float:
        """Of this machine's clock, by the tuning rules; inf if nothing in seconds is bounded."""
        return self.rules.seconds_allowed(
            self.workload_rules, budget_factor=self.budget_factor, speed=self.speed
        )

    @property
    def told_rules(self) -> WorkloadRules:
        """What the submission learns: its seconds are those of this machine's clock."""
        told, every = self.workload_rules, self.workload_rules.eval_every_seconds
        seconds = self.rules.seconds_allowed(told, speed=self.speed)
        if not math.isinf(seconds):
            told = told.with_bounds(budget_seconds=seconds)
        if every is not None:
            told = told.model_copy(update={"eval_every_seconds": every / self.speed})
        return told

    @property
    def asked(self) -> list[Target]:
        """What the contestant learns of its bounds, and of AlgoPerf's two targets.

        They are resolved, as what declares the quantities may not be installed where it runs.
        """
        bounds = self.rules.targets(
            self.workload_rules, budget_factor=self.budget_factor, speed=self.speed
        )
        names = {"validation_metric", "test_metric"} - {target.metric for target in bounds}
        others = (self.rules.asked(name, self.workload_rules) for name in sorted(names))
        return [*bounds, *(target for target in others if target is not None)]

    @property
    def budget_factor(self) -> float:
        return self.rules.tuning.under(self.ruleset).budget_factor
