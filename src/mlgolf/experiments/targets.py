"""Setting a target by script: what a tuned algorithm reaches in a share of the steps.

It is the dual competition with a bound on steps: search points of the algorithm's space once, then
repeat the best point over seeds; the median of what they end at is the target. Both runs are kept.
Source: Dahl et al. (2023), arXiv:2306.07179, section 4 (there 200 points, 20 seeds and 3/4 of the
steps).
"""

import json
import math
import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError, ScoringError
from mlgolf.core.rules import Constraint, Rules
from mlgolf.core.target import Goal
from mlgolf.core.trial import Trial
from mlgolf.engines.local import SideBySide
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run, play_run
from mlgolf.referee.freeze import find_submission
from mlgolf.referee.trial import play_trial

SHARE_OF_STEPS = 0.75
BUDGET = 1.25  # times what the algorithm takes for the step hint: others have dearer steps


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTarget:
    """A target with where it comes from."""

    workload: str
    metric: str
    target: float
    test_target: float
    budget_seconds: float  # of the reference machine
    reached: tuple[float, ...]  # by each seed, the validation metric at the last step
    seconds: tuple[float, ...]
    hyperparameters: dict[str, Any]
    provenance: str

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def as_toml(self) -> str:
        return (
            f"[workloads.{self.workload}]\nbounds.target = {self.target:.6g}\n"
            f"bounds.test_target = {self.test_target:.6g}\n"
            f"bounds.budget_seconds = {self.budget_seconds:.2g}\n"
            f"provenance = {json.dumps(self.provenance)}"
        )


def find_target(
    competition: Competition, workload: str, *, algorithm: str, trials: int, seeds: int,
    seed: int, parallel: int, data_dir: Path, out: Path, share: float = SHARE_OF_STEPS,
) -> FoundTarget:
    """Search, repeat, take the median. Runs in `out` are continued if they are there.

    Args: share: of the step hint, after which the target is what was reached.
    """
    rules = by_steps(competition.select([workload]), share)
    workload_rules = rules.workloads[workload]
    step_hint = competition.workloads[workload].step_hint or 0
    search = RunRequest(
        submissions=(algorithm,), competition=rules, trials=trials, studies=1, seed=seed,
        shares_the_machine=True, data_dir=data_dir, out=out / f"{workload}_search",
        resume=(out / f"{workload}_search").exists(),
    )
    name = f"validation/{workload_rules.metric}"
    best = _best(_played(search, parallel), name, workload_rules.goal)
    fixed = _fixed_point(algorithm, dict(best.hyperparameters), out / f"{workload}_{algorithm}")
    repeat = RunRequest(
        submissions=(str(fixed),), competition=rules, trials=1, studies=seeds, seed=seed + 1,
        shares_the_machine=True, data_dir=data_dir, out=out / f"{workload}_repeat",
        resume=(out / f"{workload}_repeat").exists(),
    )
    repeats = _played(repeat, parallel)
    reached = [float(trial.metrics[name][-1]) for trial in repeats]
    test = [float(trial.metrics[f"test/{workload_rules.metric}"][-1]) for trial in repeats]
    steps = int(rules.workloads[workload].bounds["step_limit"])
    return FoundTarget(
        workload=workload,
        metric=workload_rules.metric,
        target=statistics.median(reached),
        test_target=statistics.median(test),
        budget_seconds=BUDGET * step_hint * statistics.median(map(_seconds_per_step, repeats)),
        reached=tuple(reached),
        seconds=tuple(float(trial.seconds[-1]) for trial in repeats),
        hyperparameters=dict(best.hyperparameters),
        provenance=(
            f"mlgolf targets set {workload} --trials {trials} --seeds {seeds} --share {share:g} "
            f"--parallel {parallel}: best of {trials} points of {algorithm} (seed {seed}) after "
            f"{steps} of {step_hint} steps, median of {seeds} seeds; the budget is {BUDGET:g} "
            "times what it takes for all; point " + json.dumps(dict(best.hyperparameters))
        ),
    )


def _seconds_per_step(trial: Trial) -> float:
    """Of the reference machine."""
    return float(trial.seconds[-1] / trial.steps[-1]) * trial.speed


def by_steps(competition: Competition, share: float = SHARE_OF_STEPS) -> Competition:
    """The best validation metric after a share of the step hint; schedules end there too."""
    rules = competition.rules.model_dump(by_alias=True)
    rules["objective"] = "validation_metric"
    rules["constraints"] = [Constraint(quantity="steps", bound="step_limit").model_dump()]
    workloads = {}
    for name, workload_rules in competition.workloads.items():
        every = workload_rules.eval_every_steps
        if workload_rules.step_hint is None or every is None:
            raise RulesError(
                f"{competition.name}: workloads.{name}: found no step_hint or no eval_every_steps; "
                "a target is set by both"
            )
        steps = every * max(1, round(share * workload_rules.step_hint / every))
        bounded = workload_rules.with_bounds(step_limit=steps)
        workloads[name] = bounded.model_copy(update={"step_hint": steps})
    changed = {
        "name": f"{competition.name}-targets",
        "rules": Rules.model_validate(rules),
        "workloads": workloads,
    }
    return competition.model_copy(update=changed)


def _played(request: RunRequest, parallel: int) -> list[Trial]:
    with open_run(request) as run:
        play_run(run, SideBySide(parallel), play_trial)
        return run.folder.trials()


def _best(trials: list[Trial], metric: str, goal: Goal) -> Trial:
    sign = 1.0 if goal is Goal.MINIMISE else -1.0
    finished = [t for t in trials if metric in t.metrics and math.isfinite(t.metrics[metric][-1])]
    if not finished:
        raise ScoringError(f"no trial of the search ended with a finite {metric}; see its log.txt")
    return min(finished, key=lambda trial: sign * float(trial.metrics[metric][-1]))


def _fixed_point(algorithm: str, hyperparameters: dict[str, Any], folder: Path) -> Path:
    """A copy of the algorithm whose OptList has this one point."""
    source = find_submission(algorithm, "torch").file.parent
    shutil.copytree(
        source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "tuning_search_space.json").write_text(json.dumps([hyperparameters]) + "\n")
    return folder
