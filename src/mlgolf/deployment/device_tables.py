"""What operators take on a device, as a CSV that can be carried to another."""

import json
from pathlib import Path

import polars as pl

from mlgolf.analysis.deployment.device import DeviceTable, OperatorTime
from mlgolf.core.errors import DeploymentError

COLUMNS = {
    "device": pl.String, "threads": pl.Int64, "operator": pl.String, "dtype": pl.String,
    "inputs": pl.String, "outputs": pl.String, "microseconds": pl.Float64,
}  # fmt: skip


def write_table(path: Path, table: DeviceTable) -> None:
    """Raises: DeploymentError for a name that is no CSV."""
    if path.suffix != ".csv":
        raise DeploymentError(f"{path}: found {path.suffix or 'no suffix'}, allowed is .csv")
    rows = [
        (
            table.device, table.threads, row.operator, row.dtype, json.dumps(row.inputs),
            json.dumps(row.outputs), 1e6 * row.seconds,
        ) for row in table.rows
    ]  # fmt: skip
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_csv(path)


def read_table(path: Path) -> DeviceTable:
    """Raises: DeploymentError for a file that is no such table, naming its line and column."""
    remedy = "Write it by: mlgolf deploy --profile-device -o FILE.csv"
    try:
        table = pl.read_csv(path.read_bytes(), infer_schema=False)
    except OSError as error:
        raise DeploymentError(f"{path}: {error.strerror or error}") from None
    except pl.exceptions.PolarsError as error:
        raise DeploymentError(f"{path}: {str(error).splitlines()[0]}. {remedy}") from None
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking or table.is_empty():
        what = f"no column {', '.join(lacking)}" if lacking else "no rows"
        raise DeploymentError(f"{path}: found {what}. {remedy}")
    rows = tuple(
        _row(path, line, record) for line, record in enumerate(table.iter_rows(named=True), 2)
    )
    first = table.row(0, named=True)
    return DeviceTable(device=first["device"] or "", threads=int(first["threads"]), rows=rows)


def _row(path: Path, line: int, record: dict[str, str | None]) -> OperatorTime:
    try:
        seconds = 1e-6 * float(record["microseconds"] or "")
        inputs, outputs = (
            tuple(tuple(map(int, shape)) for shape in json.loads(record[name] or ""))
            for name in ("inputs", "outputs")
        )
        int(record["threads"] or "")
    except (ValueError, TypeError) as error:
        raise DeploymentError(f"{path}, line {line}: no row of operators: {error}") from None
    if not 0 < seconds < float("inf"):
        raise DeploymentError(
            f"{path}, line {line}: microseconds: found {record['microseconds']!r}, allowed is a "
            "number above 0"
        )
    return OperatorTime(
        operator=record["operator"] or "", dtype=record["dtype"] or "", inputs=inputs,
        outputs=outputs, seconds=seconds,
    )
