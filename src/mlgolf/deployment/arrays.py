"""Inputs, targets and outputs from files."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mlgolf.core.errors import DeploymentError
from mlgolf.core.text import enumerated

TARGETS = "targets"
TABLES = (".csv", ".parquet")
DATA = (".npz", ".npy", ".safetensors", *TABLES)
REFERENCE = (".npz", ".npy", ".safetensors", ".onnx")
Arrays = dict[str, NDArray]


def read_data(path: Path) -> tuple[Arrays, NDArray | None]:
    """Inputs by name, (examples, ...), and targets if there are any.

    Raises: DeploymentError for a file that has no such arrays.
    """
    arrays = read_arrays(path, DATA)
    targets = arrays.pop(TARGETS, None)
    if not arrays:
        raise DeploymentError(f"{path}: found no array besides {TARGETS!r}; give the inputs, too")
    named = arrays | ({} if targets is None else {TARGETS: targets})
    counts = {name: len(array) if array.ndim else 0 for name, array in named.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise DeploymentError(
            f"{path}: found {enumerated(f'{n} examples in {name!r}' for name, n in counts.items())}"
            "; give the same number, 1 or more, in each array"
        )
    return arrays, targets


def read_arrays(path: Path, allowed: Iterable[str]) -> Arrays:
    """Raises: DeploymentError naming the file and what it should be."""
    if path.suffix not in allowed:
        raise DeploymentError(
            f"{path}: found {path.suffix or 'no suffix'}, allowed are {enumerated(allowed, 'or')}"
        )
    try:
        if path.suffix in TABLES:
            found = _table(path)
        elif path.suffix == ".safetensors":
            found = load_file(path)
        else:
            loaded = np.load(path, allow_pickle=False)
            found = dict(loaded) if isinstance(loaded, Mapping) else {"data": loaded}
    except OSError as error:
        raise DeploymentError(f"{path}: {error.strerror or error}") from None
    except (
        ValueError, EOFError, zipfile.BadZipFile, SafetensorError, pl.exceptions.PolarsError
    ) as error:
        said = (str(error).splitlines() or ["it is damaged"])[0]
        raise DeploymentError(f"{path}: no {path.suffix} of plain arrays: {said}") from None
    strange = [name for name, array in found.items() if array.dtype.kind not in "fiub"]
    if strange:
        raise DeploymentError(
            f"{path}: array {strange[0]!r}: found the type {found[strange[0]].dtype}, allowed are "
            "numbers"
        )
    return found


def _table(path: Path) -> Arrays:
    """A row is an example: columns of numbers in their order, and one of targets."""
    table = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    text = [name for name, kind in table.schema.items() if not kind.is_numeric()]
    if text:
        raise DeploymentError(
            f"{path}: column {text[0]!r}: found {table.schema[text[0]]}, allowed are numbers"
        )
    gaps = [name for name in table.columns if table[name].null_count()]
    if gaps:
        line = int(table[gaps[0]].is_null().arg_max() or 0)
        place = f"line {line + 2}" if path.suffix == ".csv" else f"row {line + 1}"
        raise DeploymentError(f"{path}, {place}: column {gaps[0]!r}: found nothing, allowed is a "
                              "number")  # fmt: skip
    inputs = table.drop(TARGETS, strict=False)
    found: Arrays = {"data": inputs.to_numpy()} if inputs.width else {}
    if TARGETS in table.columns:
        found[TARGETS] = table[TARGETS].to_numpy()
    return found


def matched(reference: Arrays, outputs: Iterable[str], path: Path) -> Arrays:
    """The reference's arrays by the names of the model's outputs.

    Raises: DeploymentError if there is none for an output.
    """
    outputs = list(outputs)
    if len(outputs) == 1 and len(reference) == 1:
        return {outputs[0]: next(iter(reference.values()))}
    found = {name: reference[name] for name in outputs if name in reference}
    if not found:
        raise DeploymentError(
            f"{path}: found the arrays {enumerated(map(repr, reference))}; the model gives "
            f"{enumerated(map(repr, outputs))}. Name the reference's arrays so"
        )
    return found
