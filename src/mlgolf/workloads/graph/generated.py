"""Examples that a host's program makes: `file = "generate.py"` in data.toml.

The host is trusted, so the referee runs it, while it prepares data and never in a player's process.
Its hash is part of the rules, as that of any file of examples.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import DataError

SUFFIX = ".py"
PLAIN = "biuf"  # kinds of arrays: truth values and numbers


def generated(path: Path, seed: list[int]) -> dict[str, NDArray]:
    """What its `generate(rng)` returns, by name; `rng` is NumPy's Generator of the seed.

    Raises: DataError with the line where it fails; if it returns something else than arrays of
      numbers by name, or other ones from the same seed.
    """
    generate = _function(path)
    first, second = (_arrays(path, generate, np.random.default_rng(seed)) for _ in range(2))
    for name in first:
        if name not in second or not np.array_equal(first[name], second[name], equal_nan=True):
            raise DataError(
                f"{path}: the array {name!r} differs from call to call: take all random numbers "
                "from the rng that generate(rng) is given, so that a run can be replayed"
            )
    return first


def _function(path: Path) -> Callable[[np.random.Generator], Any]:
    names: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    try:
        exec(compile(path.read_bytes(), path, "exec"), names)
    except Exception as error:
        raise _at_its_line(path, error) from error
    found = names.get("generate")
    if not callable(found):
        raise DataError(
            f"{path} has no function generate(rng); it takes a numpy.random.Generator and returns "
            "arrays by name"
        )
    return found


def _arrays(
    path: Path, generate: Callable[[np.random.Generator], Any], rng: np.random.Generator
) -> dict[str, NDArray]:
    try:
        found = generate(rng)
    except Exception as error:
        raise _at_its_line(path, error) from error
    if not isinstance(found, Mapping):
        raise DataError(
            f"{path}: generate(rng) returned {type(found).__name__}, expected arrays by name"
        )
    for name, array in found.items():
        if not isinstance(array, np.ndarray) or not array.ndim or array.dtype.kind not in PLAIN:
            raise DataError(
                f"{path}: generate(rng) returned no array of numbers, with a row for each example, "
                f"as {name!r}"
            )
    return dict(found)


def _at_its_line(path: Path, error: Exception) -> DataError:
    own = [line.lineno for line in extract_tb(error.__traceback__) if line.filename == str(path)]
    line = own[-1] if own else getattr(error, "lineno", None)
    return DataError(f"{path}, line {line or '?'}: {type(error).__name__}: {error}")
