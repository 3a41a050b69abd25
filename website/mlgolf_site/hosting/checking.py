"""All that is wrong with a folder that a host uploaded, before anything of it is believed.

The check itself is `mlgolf game check --no-play`, in a process of its own: it tries models, which
takes a framework and seconds. What would have it read other files of this machine, or run the
host's own programs, is looked for first.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlgolf.core.errors import RulesError
from mlgolf.core.text import printable

CHECK_SECONDS = 180
NOT_CHECKED = "everything else: it is checked when what stands above is gone"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "MLGOLF_DATA_DIR", "MLGOLF_LOCK_DIR")


def check_folder(folder: Path, *, may_bring_programs: bool) -> dict[str, Any]:
    """What `mlgolf game check --json` says of it; `findings` with `file`, `line` and `what`.

    Args: may_bring_programs: whether a program that makes examples, or a measure of the host's own,
      may be there: both run outside of the sandbox.
    Raises: RulesError if the check itself cannot be made.
    """
    if dangers := list(_dangers(folder, may_bring_programs)):
        return {"findings": dangers, "checked": [], "skipped": [NOT_CHECKED]}
    found = run_json(["game", "check", str(folder), "--no-play"], folder.parent, CHECK_SECONDS)
    for finding in found["findings"]:
        finding["what"] = finding["what"].replace(f"{folder}/", "").replace(str(folder), "it")
    return found


def run_json(command: list[str], place: Path, seconds: float) -> dict[str, Any]:
    """A command of mlgolf that prints JSON, with no secret of the site.

    Raises: RulesError with what it said, where it printed none, or took too long.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mlgolf.cli.main", *command, "--json"], cwd=place,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=seconds, env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
    except subprocess.TimeoutExpired:
        raise RulesError(
            f"mlgolf {' '.join(command[:2])} took more than {seconds:.0f} s here. Try it on your "
            "own machine"
        ) from None
    try:
        return json.loads(done.stdout)
    except ValueError:
        said = done.stderr.rpartition("mlgolf: ")[2].strip()
        raise RulesError(printable(said)[:2000] or "the check ended without a word") from None


def _dangers(folder: Path, may_bring_programs: bool) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.rglob("*.toml")):
        try:
            text = file.read_text(encoding="utf-8")
            table = tomllib.loads(text)
        except (UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue  # said by the check, with its line
        for keys, value in _strings(table):
            what = _danger(keys[-1], value, may_bring_programs)
            if what:
                lines = text.splitlines()
                line = next((n for n, one in enumerate(lines, 1) if value in one), None)
                yield {
                    "file": str(file.relative_to(folder)), "line": line,
                    "what": f"{'.'.join(keys)}: {what}",
                }


def _danger(key: str, value: str, may_bring_programs: bool) -> str:
    """Why a value is not looked at any further; empty if it is harmless."""
    is_path = not re.search(r"\s|://", value)
    if is_path and (value.startswith(("/", "~")) or ".." in re.split(r"[/\\]", value)):
        return (
            f"found {printable(value)[:100]!r}, which leads out of the folder. Put the file into "
            "the folder, and name it there"
        )
    if not may_bring_programs and key == "regulariser":
        return (
            "a measure of your own runs outside of the sandbox, so only an administrator may "
            "bring one. Ask for it, or minimise a quantity that mlgolf knows"
        )
    if not may_bring_programs and is_path and value.endswith(".py"):
        return (
            f"found {printable(value)[:100]!r}: a program that makes examples runs outside of the "
            "sandbox, so only an administrator may bring one. Ask for it, or bring the examples"
        )
    return ""


def _strings(
    table: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in table.items():
        for number, one in enumerate(value if isinstance(value, list) else [value], 1):
            keys = (*above, key, f"#{number}") if isinstance(value, list) else (*above, key)
            if isinstance(one, Mapping):
                yield from _strings(one, keys)
            elif isinstance(one, list):
                yield from _strings({str(n): item for n, item in enumerate(one, 1)}, keys)
            elif isinstance(one, str):
                yield keys, one
