"""Options that several commands share, and how results are printed as JSON."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

SCHEMA_VERSION = 1  # of what --json prints: rises if a key changes its meaning or goes


def _default_data_dir() -> Path:
    from mlgolf.data.layout import default_data_dir

    return default_data_dir()


DataDir = Annotated[
    Path,
    typer.Option(
        default_factory=_default_data_dir, envvar="MLGOLF_DATA_DIR",
        help="Where datasets lie, raw and prepared.", show_default="~/.cache/mlgolf/data",
    ),
]
Rulings = Annotated[
    Path | None,
    typer.Option(
        help="A folder of a jury's rulings, a .toml each: of runs, what is disqualified is left "
        "out.",
        show_default="rulings/ of the competition's folder",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Value = TypeVar("Value")


def by_name(option: str, pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """What a repeated option says of each name. Raises: BadParameter for one name twice."""
    found: dict[str, Value] = {}
    for name, value in pairs:
        if name in found:
            raise typer.BadParameter(f"{option}: found {name} twice, allowed is once. Keep one")
        found[name] = value
    return found


def print_json(record: Mapping[str, Any]) -> None:
    """One JSON object with its `schema_version`, which every parser reads.

    Null for NaN and infinities, \\udc80 for stray bytes.
    """
    versioned = {"schema_version": SCHEMA_VERSION, **record}
    typer.echo(json.dumps(_valid(versioned), indent=1, allow_nan=False))


def _valid(value: Any) -> Any:
    match value:
        case dict():
            return {_valid(name): _valid(part) for name, part in value.items()}
        case list() | tuple():
            return [_valid(part) for part in value]
        case str():
            return re.sub("[\ud800-\udfff]", lambda c: f"\\u{ord(c[0]):x}", str(value))
        case float() if not math.isfinite(value):
            return None
    return value
