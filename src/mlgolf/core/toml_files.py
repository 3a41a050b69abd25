"""Records from TOML files, those that ship among them, with errors that name file and key."""

import json
import tomllib
from collections.abc import Collection
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mlgolf.core.errors import RulesError, did_you_mean
from mlgolf.core.text import enumerated, invalid

SHIPPED = files("mlgolf") / "competitions"
Record = TypeVar("Record", bound=BaseModel)


def read_toml(path: Traversable | Path, kind: type[Record]) -> Record:
    """Raises: RulesError naming file, key, what was found and what is allowed."""
    return validated(read_table(path), kind, path)


def validated(table: dict[str, Any], kind: type[Record], path: Traversable | Path) -> Record:
    """The record that a table from a file is. Raises: RulesError, as `read_toml`."""
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        raise RulesError("\n".join(f"{path}: {invalid(e)}" for e in error.errors())) from None


def read_table(path: Traversable | Path) -> dict[str, Any]:
    """Raises: RulesError for a file that is not there, or no TOML."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{path}: not TOML: {error}") from None


def read_text(path: Traversable | Path) -> str:
    """Raises: RulesError for a file that is not there, or no UTF-8."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise RulesError(
            f"{path}: {error.strerror}. Give a competition's name, folder or file."
        ) from None
    except UnicodeDecodeError as error:
        raise RulesError(f"{path}, byte {error.start}: no UTF-8; save it as that") from None


def check_keys(table: Any, known: Collection[str]) -> None:
    """Raises: ValueError naming a key that a record does not have, and those that it has."""
    for key in table if isinstance(table, dict) else ():
        if key not in known:
            raise ValueError(
                f"{key}: there is no such key. {did_you_mean(key, known)}Allowed are "
                f"{enumerated(known)}"
            )


def toml_string(text: str) -> str:
    """A text in quotes, as it stands in a TOML file."""
    # JSON's escapes are TOML's, but for this one character that TOML wants escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
