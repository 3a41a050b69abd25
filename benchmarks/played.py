"""Trials under the full referee, for benchmarks: any submission, any workload at mini size."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common import DATA_DIR

from mlgolf.core.competition import Competition, load_competition
from mlgolf.core.trial import Trial
from mlgolf.engines.local import local_engine
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run, play_run
from mlgolf.referee.trial import play_trial

RULES = Path(__file__).parents[1] / "tests" / "end_to_end" / "linear.toml"


def windows_of(workload: str, steps: int, count: int) -> Competition:
    """Rules of a trial that never reaches its target, and is evaluated `count` times.

    Args: steps: from one evaluation to the next.
    """
    competition = load_competition(RULES)
    row = competition.workloads["linear"].model_copy(
        update={
            "bounds": {"target": -1.0, "step_limit": steps * count, "budget_seconds": 600.0},
            "step_hint": steps * count, "eval_every_steps": steps,
        }
    )  # fmt: skip
    return competition.model_copy(update={"workloads": {workload: row}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    trial: Trial
    seconds: float  # of wall time, from its plan to its verdict

    @property
    def evaluating(self) -> float:
        """Share of that time in which the player did not train: stood still, or was started."""
        total = self.trial.verdict.total if self.trial.verdict else None
        assert total is not None
        return 1 - total.wall / self.seconds


def played(
    competition: Competition, submission: str = "nadamw", *, framework: str = "torch",
    studies: int = 1, seed: int = 1,
) -> Iterator[Played]:
    """Trials of self-tuning, one for each workload and study, as they end. Nothing is kept."""
    with tempfile.TemporaryDirectory() as scratch:
        request = RunRequest(
            submissions=(submission,), competition=competition, ruleset="self", studies=studies,
            seed=seed, framework=framework, data_dir=DATA_DIR, out=Path(scratch) / "run",
        )
        ended: list[Trial] = []
        with open_run(request) as run:
            began = [time.perf_counter()]

            def note(trial: Trial) -> None:
                ended.append(trial)
                began.append(time.perf_counter())

            play_run(run, local_engine(1), play_trial, note)
    for trial, start, end in zip(ended, began, began[1:], strict=False):
        yield Played(trial=trial, seconds=end - start)
