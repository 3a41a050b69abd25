"""Runs of ours for a scaling law: parameters, tokens and the validation loss when training ended.

Tokens are what steps of the workload's own batch have seen: the player's count of steps is a claim,
and a submission that asks for other batches is not told apart. So a table of one's own is better
where that matters.
"""

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl

from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.table import ALL, Choice, Notes, ScalingTable
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RunFolderError
from mlgolf.core.quantities import MODEL
from mlgolf.core.status import Status
from mlgolf.core.text import enumerated
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import exclusion_notes
from mlgolf.scoring.sources import Source

PARAMS, LOSS = f"{MODEL}/params", "validation/loss"
AS_PLANNED = (Status.FINISHED, Status.TARGET_REACHED)
SCHEMA = {
    "submission": pl.String, "workload": pl.String, "study": pl.Int64, "params": pl.Float64,
    "tokens": pl.Float64, "unique_tokens": pl.Float64, "loss": pl.Float64,
}  # fmt: skip
CHOOSABLE = ("submission", "workload", "study")


def runs_of_folders(
    path: Path, source: Source, choice: Choice = ALL, *, repeats: bool | None = None
) -> ScalingTable:
    """Args:
      path: for errors.
      choice: by the columns that are `CHOOSABLE`.
      repeats: whether data that are seen again are wanted; None: if there are any.
    Raises: RunFolderError if no trial tells its parameters and its loss.
    """
    rows, notes = _table_of(path, source)
    for column, value in choice.columns:
        if column not in CHOOSABLE or not value:
            raise RunFolderError(
                f"{path}: runs are chosen by {column!r}, allowed in a folder is "
                f"{enumerated((f'{name}=VALUE' for name in CHOOSABLE), 'or')}"
            )
    rows, left_out = choice.of(path, rows)
    runs = ScalingRuns(
        params=rows["params"].to_numpy(), tokens=rows["tokens"].to_numpy(),
        loss=rows["loss"].to_numpy(), unique_tokens=rows["unique_tokens"].to_numpy(),
    )
    once = runs.seen_once
    if repeats is False and not once.all():
        left_out += (f"{(~once).sum()} of {len(once)} runs left out: they saw tokens again",)
        runs = runs.of(once)
    if repeats and once.all():
        raise RunFolderError(
            f"{path}: found no run that saw a token twice, which data_constrained is about. Leave "
            "the form out, or play longer, or on a part of the data"
        )
    if runs.seen_once.all():
        runs = replace(runs, unique_tokens=None)
    return ScalingTable(path=path, runs=runs, notes=(*notes, *left_out))


def _table_of(path: Path, source: Source) -> tuple[pl.DataFrame, Notes]:
    """A row per trial that ended as planned, and what is to be said of the others."""
    competition = source.as_played()
    found = source.admitted(competition, official_first=False)
    why_not = {trial.key: _why_not(trial) for trial in found.trials}
    rows = [
        _row(competition, trial) for trial in found.trials if not why_not[trial.key]
    ]
    notes = (*exclusion_notes(Counter(filter(None, why_not.values()))), *found.all_notes)
    if not rows:
        raise RunFolderError(
            f"{path}: no trial ended as planned with its {LOSS} and {PARAMS}. {'; '.join(notes)}. "
            'Rules that say recorded = ["params"] have it: mlgolf competitions show lm-scaling'
        )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row"), notes


def _why_not(trial: Trial) -> str:
    if trial.status not in AS_PLANNED:
        return f"{trial.status}, before its budget was used"
    for column in (LOSS, PARAMS):
        values = trial.metrics.get(column)
        if values is None or not len(values) or not math.isfinite(values[-1]):
            return f"without a finite {column} at the end"
    return ""


def _row(competition: Competition, trial: Trial) -> tuple:
    name = trial.key.workload
    workload = competition.workload_of(name)
    size = workload.size(competition.played_as(name)[1])
    per_example = math.prod(size.data.shapes["targets"])
    tokens = float(trial.steps[-1]) * size.batch_size * per_example
    there_are = float(size.examples["train"]) * size.data_fraction * per_example
    return (
        trial.key.submission, name, trial.key.study, float(trial.metrics[PARAMS][-1]), tokens,
        min(tokens, there_are), float(trial.metrics[LOSS][-1]),
    )
