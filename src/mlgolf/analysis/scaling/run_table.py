"""Runs of ours for a scaling law: parameters, tokens and the validation loss when training ended.

Tokens are what steps of the workload's own batch have seen: the player's count of steps is a claim,
and a submission that asks for other batches is not told apart. So a table of one's own is better
where that matters.
"""

import math
from collections import Counter
from pathlib import Path

import polars as pl

from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.table import ScalingTable
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RunFolderError
from mlgolf.core.quantities import MODEL
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import exclusion_notes
from mlgolf.scoring.sources import Source

PARAMS, LOSS = f"{MODEL}/params", "validation/loss"
AS_PLANNED = (Status.FINISHED, Status.TARGET_REACHED)
SCHEMA = {
    "submission": pl.String, "workload": pl.String, "study": pl.Int64, "params": pl.Float64,
    "tokens": pl.Float64, "unique_tokens": pl.Float64, "loss": pl.Float64,
}  # fmt: skip


def runs_of_folders(path: Path, source: Source) -> tuple[ScalingTable, pl.DataFrame]:
    """Returns: the runs, and the same as a table that `mlgolf fit` reads.

    Args: path: for errors. Raises: RunFolderError if no trial tells its parameters and its loss.
    """
    competition = source.as_played()
    found = source.admitted(competition, official_first=False)
    why_not = {trial.key: _why_not(trial) for trial in found.trials}
    rows = [
        _row(competition, trial) for trial in found.trials if not why_not[trial.key]
    ]
    notes = (*exclusion_notes(Counter(filter(None, why_not.values()))), *found.notes)
    if not rows:
        raise RunFolderError(
            f"{path}: no trial ended as planned with its {LOSS} and {PARAMS}. {'; '.join(notes)}. "
            'Rules that say recorded = ["params"] have it: mlgolf competitions show lm-scaling'
        )
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    tokens, unique = table["tokens"].to_numpy(), table["unique_tokens"].to_numpy()
    runs = ScalingRuns(
        params=table["params"].to_numpy(), tokens=tokens, loss=table["loss"].to_numpy(),
        unique_tokens=None if (unique == tokens).all() else unique,
    )
    lines = range(1, len(table) + 1)
    return ScalingTable(path=path, runs=runs, lines=[*lines], notes=notes), table


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
