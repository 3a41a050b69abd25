"""What made data were made from, recorded beside them, so that no later change is missed.

    <folder>/raw.made_from.json, <folder>/prepared.made_from.json      field -> value

Fields are the numbers of spec.py, and the SHA-256 of the code that made them: data.py, and the
modules that it names as MADE_BY. A trial must not train on data of one version of the code and be
judged on data of another: held-out data are drawn by the one there is. Data without a record, or
without a field, were made before there were any, or published, and are taken as they are.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.errors import DataError
from mlgolf.core.text import enumerated
from mlgolf.core.workload import SPLITS, Size, Workload

CODE = "code"  # the name of the field with the SHA-256


def write(folder: Path, workload: Workload, size: Size) -> None:
    record = _fields(size) | _code(workload)
    _record_of(folder).write_text(json.dumps(record, indent=1) + "\n")


def copy(folder: Path, other: Path) -> None:
    """Say of `other` what is said of `folder`, or nothing."""
    _record_of(other).unlink(missing_ok=True)
    if _record_of(folder).exists():
        _record_of(other).write_bytes(_record_of(folder).read_bytes())


def check(folder: Path, workload: Workload, size: Size, *, remedy: str) -> None:
    """Raises: DataError naming each field that is not what the data there were made from."""
    record = _record_of(folder)
    if not (folder.exists() and record.exists()):
        return
    then, now = json.loads(record.read_text()), _fields(size)
    code = then.pop(CODE, None)
    changed = [
        f"{name} {_shown(then, name)} -> {_shown(now, name)}"
        for name in {**then, **now} if _shown(then, name) != _shown(now, name)
    ]
    if changed:
        raise DataError(
            f"{folder}: made from other numbers than spec.py has now: {', '.join(changed)}. "
            f"Run: {remedy}"
        )
    if code is not None and code != _code(workload)[CODE]:
        raise DataError(
            f"{folder}: made by other code than there is now in "
            f"{enumerated(map(str, workload.data_files))}. Run: {remedy}"
        )


def described(workload: Workload, size: Size) -> str:
    """What `write` would say, in one line."""
    return json.dumps(_fields(size) | _code(workload))


def _record_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.made_from.json")


def _shown(fields: Mapping[str, Any], name: str) -> str:
    return json.dumps(fields[name]) if name in fields else "nothing"


def _fields(size: Size) -> dict[str, Any]:
    """Its numbers by name, as JSON has them. eval_train is cut from train, and never made."""
    data = asdict(size.data) if is_dataclass(size.data) else {}  # type: ignore[arg-type]
    examples = {split: count for split, count in size.examples.items() if split in SPLITS}
    named = _flat({"examples": examples, "data": data})
    return json.loads(json.dumps(dict(named), default=lambda value: type(value).__qualname__))


def _code(workload: Workload) -> dict[str, str]:
    code = b"".join(path.read_bytes() for path in workload.data_files)
    return {CODE: hashlib.sha256(code).hexdigest()}


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
