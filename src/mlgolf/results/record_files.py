"""Records as JSON files, with the schema version that they are written in."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from mlgolf.core.errors import RunFolderError
from mlgolf.core.records import SCHEMA_VERSION, Record
from mlgolf.core.text import enumerated, invalid
from mlgolf.results.files import read_json, write_json
from mlgolf.results.upgrades import UPGRADES

_VERSION = "schema_version"
_WITHOUT_ONE = {"verdict.json": 2}  # files that did not say it, up to this version

Kind = TypeVar("Kind", bound=Record)


def write_record(path: Path, record: Record, *, synced: bool = True) -> None:
    """Whole or not at all. synced: it is on disk when this returns."""
    write_json(path, {_VERSION: SCHEMA_VERSION, **record.as_json()}, synced=synced)


def read_record(path: Path, kind: type[Kind]) -> Kind:
    """A record of this or an earlier version.

    Raises: RunFolderError naming file, key, what was found and what is allowed.
    """
    fields = read_json(path)
    if not isinstance(fields, dict):
        raise RunFolderError(f"{path}: found a {type(fields).__name__}, expected a JSON object")
    version, upgrades = fields.pop(_VERSION, _WITHOUT_ONE.get(path.name)), UPGRADES[path.name]
    while isinstance(version, int) and version in upgrades:
        fields, version = upgrades[version](fields), version + 1
    if version != SCHEMA_VERSION:
        raise RunFolderError(
            f"{path}: schema_version is {version}, this mlgolf reads "
            f"{enumerated([*upgrades, SCHEMA_VERSION])}"
        )
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        # What rules say against it may hold today and not when it was written.
        damaged = "" if first["type"] == "value_error" else "not as mlgolf writes it: "
        raise RunFolderError(f"{path}: {damaged}{invalid(first)}") from None
