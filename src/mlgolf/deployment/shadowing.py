"""Scores of two models on the same requests, for a shadow comparison."""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.analysis.deployment.quality import measure_of, scores, with_targets
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import DeploymentError
from mlgolf.deployment.arrays import TABLES, read_data
from mlgolf.deployment.asking import ask

OLD, NEW = "old", "new"
BATCH = 32


def request_scores(new: Path, old: Path, data: Path) -> tuple[FloatArray, FloatArray]:
    """(requests,) each, of the old and of the new model: whether its decision was right.

    Raises: DeploymentError for data without targets, or whose targets are no classes.
    """
    inputs, targets = read_data(data)
    if targets is None:
        raise DeploymentError(
            f"{data}: found no array 'targets'; which of two models is right needs them"
        )
    found = []
    with tempfile.TemporaryDirectory() as name:
        held, to = Path(name) / "inputs.npz", Path(name) / "outputs.npz"
        np.savez(held, **inputs)  # type: ignore[arg-type]
        for model in (old, new):
            ask("inspect", model=model)
            told = ask("outputs", model=model, data=held, to=to, batch_size=BATCH, repeat=False)
            outputs = np.load(to)[told["outputs"][0]]
            if measure_of(outputs, targets) != "accuracy":
                raise DeploymentError(
                    f"{data}: targets are no classes; scores have to lie in [0, 1]. Give a table "
                    "of them by --requests, with the columns 'old' and 'new'"
                )
            rows = with_targets(targets)
            found.append(scores(outputs[rows], targets[rows]))
    return found[0], found[1]


def scores_of_table(path: Path) -> tuple[FloatArray, FloatArray]:
    """The columns "old" and "new", a row for each request in their order.

    Raises: DeploymentError.
    """
    if path.suffix not in TABLES:
        raise DeploymentError(
            f"{path}: found {path.suffix or 'no suffix'}, allowed are .csv and .parquet"
        )
    try:
        read = pl.read_csv if path.suffix == ".csv" else pl.read_parquet
        table = read(path.read_bytes())
    except OSError as error:
        raise DeploymentError(f"{path}: {error.strerror or error}") from None
    except pl.exceptions.PolarsError as error:
        raise DeploymentError(f"{path}: {str(error).splitlines()[0]}") from None
    for name in (OLD, NEW):
        if name not in table.columns or not (
            table.schema[name].is_numeric() or table.schema[name] == pl.Boolean
        ):
            raise DeploymentError(
                f"{path}: found the columns {', '.join(table.columns)}; give the numbers 'old' and "
                "'new', the score of each model on a request, from 0 to 1"
            )
        if table[name].null_count():
            line = int(table[name].is_null().arg_max() or 0) + 2
            raise DeploymentError(
                f"{path}, line {line}: {name}: found nothing, allowed is a number"
            )
    return tuple(table[name].cast(pl.Float64).to_numpy() for name in (OLD, NEW))  # type: ignore[return-value]
