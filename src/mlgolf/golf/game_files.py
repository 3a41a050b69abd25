"""The TOML files of a competition's folder as they stand, however wrong, and where each key is."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlgolf.core.competition import FILE, competition_names
from mlgolf.core.errors import UnknownName
from mlgolf.core.toml_files import SHIPPED
from mlgolf.golf.findings import Finding
from mlgolf.golf.toml_lines import line_of, lines_of_keys

_KEYS = re.compile(r"((?:#?[\w-]+\.)*#?[\w-]+): ")  # at the start of a message, as `key_in_words`


class GameFiles:
    """Each file is read when it is first asked for."""

    def __init__(self, rules: Path) -> None:
        """Args: rules: the file with the rules."""
        self.rules, self.folder = rules.name, rules.parent
        self._texts: dict[str, str | Finding] = {}

    def table(self, name: str) -> Mapping[str, Any] | None:
        """None for a file that is not there, or no TOML."""
        text = self._text(name)
        try:
            return tomllib.loads(text) if isinstance(text, str) else None
        except tomllib.TOMLDecodeError:
            return None

    def fault(self, name: str) -> Finding | None:
        """Why there is no table."""
        text = self._text(name)
        if isinstance(text, Finding):
            return text
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            last = text.count("\n") + 1
            return Finding(name, int(line[1]) if line else last, f"not TOML: {error}")
        return None

    def finding(self, name: str, keys: Sequence[str | int], what: str) -> Finding:
        text = self._text(name)
        lines = lines_of_keys(text) if isinstance(text, str) else {}
        return Finding(name, line_of(lines, keys), what)

    def findings_of(self, message: str) -> Iterator[Finding]:
        """A line each of a message about the rules, which may begin with the keys it is about."""
        for line in message.split("\n"):
            yield self.finding(self.rules, keys_of(line), line)

    def definitions(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The workloads that the rules declare: name of the row -> its definition as written."""
        rows = (self.table(self.rules) or {}).get("workloads")
        for name, row in rows.items() if isinstance(rows, Mapping) else ():
            if isinstance(row, Mapping) and isinstance(row.get("definition"), Mapping):
                yield name, row["definition"]

    def named(self, definition: Mapping[str, Any]) -> dict[str, str]:
        """The files that a definition names, by key."""
        return {
            key: value for key, value in definition.items()
            if isinstance(value, str) and value.endswith(".toml")
        }  # fmt: skip

    def _text(self, name: str) -> str | Finding:
        if name not in self._texts:
            self._texts[name] = _read(self.folder / name)
        return self._texts[name]


def _read(path: Path) -> str | Finding:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        return Finding(path.name, None, f"{error.strerror}; a file of that name is expected")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return Finding(path.name, line, f"not TOML: {error.reason}; it is text in UTF-8")


def game_files(name: str) -> GameFiles:
    """By the name of a competition that ships, or the path of a folder or of a TOML file.

    Raises: UnknownName.
    """
    path, shipped = Path(name), Path(str(SHIPPED))
    if path.is_dir():
        return GameFiles(path / FILE)
    if path.is_file():
        return GameFiles(path)
    if name not in competition_names():
        raise UnknownName(
            "game", name, known=competition_names(), remedy="If it is yours, give its folder."
        )
    own = shipped / name
    return GameFiles(own / FILE if own.is_dir() else shipped / f"{name}.toml")


def keys_of(message: str) -> tuple[str | int, ...]:
    """The keys that a message begins with: "rules.constraints.#1: ..." -> rules, constraints, 0."""
    found = _KEYS.match(message)
    keys = found[1].split(".") if found else []
    return tuple(int(key[1:]) - 1 if key.startswith("#") else key for key in keys)
