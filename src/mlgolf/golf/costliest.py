"""What a host learns of its data: which examples cost most to fit.

By the best model of each trial that kept the bounds, where the rules have it kept
(`keep_model = true`).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError, RunFolderError
from mlgolf.experiments.run_data import RunData, recorded_data
from mlgolf.golf.source_rows import line_of, source_file, source_rows
from mlgolf.referee.evaluators import evaluator_for
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleLosses:
    """Of one workload, costliest first."""

    game: Competition  # that was played
    workload: str
    file: str  # of the host's data; empty where they come from a library
    rows: IntArray  # (examples,): places in the host's data, from 0
    losses: FloatArray  # (examples,): in the unit, mean over models
    unit: str  # nats; empty for a squared error
    models: int

    def line(self, row: int) -> int | None:
        """Of the file, from 1, where it is a table under a line of names."""
        return line_of(self.file, row)

    def costliest(self, share: float) -> IntArray:
        """Rows of that share of the examples, at least one. Raises: RulesError if none is left."""
        if not 0 < share < 1:
            raise RulesError(
                f"a share of {share:g} was asked for; it is more than 0, and below 1: some are "
                "left to train on"
            )
        return self.rows[: max(1, round(share * len(self.rows)))]

    def share_of_loss(self, count: int) -> float:
        """How much of all loss the first `count` examples have."""
        return float(self.losses[:count].sum() / self.losses.sum())


def example_losses(
    run: RunFolder, data_dir: Path, files: Path | None = None
) -> list[ExampleLosses]:
    """By workload. Args: files: as of `recorded_data`.

    Raises: RunFolderError where no model was kept; DataError.
    """
    data = recorded_data(run, data_dir, files)
    data.ensure()
    kept: dict[str, list[tuple[str, bytes]]] = {}
    for trial in run.trials():
        file = run.trial_path(trial.key) / MODEL
        if file.exists():
            of_workload = kept.setdefault(trial.key.workload, [])
            of_workload.append((trial.key.framework, file.read_bytes()))
    if not kept:
        raise RunFolderError(
            f"{run.path} has no models: none kept the bounds, or its rules lack keep_model = true"
        )
    return [_losses(run, data, name, models) for name, models in kept.items()]


def _losses(
    run: RunFolder, data: RunData, workload: str, models: list[tuple[str, bytes]]
) -> ExampleLosses:
    competition = run.competition
    found, folder = [], data.folder(workload)
    for framework, model in models:
        evaluator = evaluator_for(
            *competition.played_as(workload), framework, folder, competition.rules.hardware,
            json.dumps(competition.workloads[workload].definition),
        )
        found.append(evaluator.losses(evaluator.read(model), "train"))
        evaluator.close()
    mean = np.mean(found, axis=0)
    order = np.argsort(-mean, kind="stable")
    rows = source_rows(folder / "train", len(mean))
    return ExampleLosses(
        game=competition, workload=workload,
        file=source_file(competition.workloads[workload]),
        rows=rows[order], losses=mean[order], models=len(models),
        unit=competition.workloads[workload].unit("train_loss").removesuffix("1"),
    )  # fmt: skip
