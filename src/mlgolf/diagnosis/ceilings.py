"""The best that this machine does, measured once and kept: FLOP/s, bytes/s, starting an operation.

Kept in a JSON file of the data folder, by framework and its version, processor or device, and
threads: machines may share a name and a folder. A machine that was busy gives ceilings that are too
low; `fresh` measures anew.
"""

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.backends import require
from mlgolf.referee.machine import machine

FOLDER = "ceilings"


def ceilings(
    data_dir: Path, framework: str, threads: int, *, fresh: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Ceilings:
    """Raises: FrameworkMissing; OSError if they cannot be kept."""
    require(framework)
    if framework == "torch":
        from mlgolf.diagnosis import ceilings_torch as measuring
    else:
        from mlgolf.diagnosis import ceilings_jax as measuring
    device = measuring.device()
    silicon = machine()["processor"] if device == "cpu" else device
    file = data_dir / FOLDER / f"{platform.node() or 'machine'}.json"
    key = f"{framework} {version(framework)}, {silicon}, {threads} threads"
    kept = _read(file)
    if not fresh and key in kept:
        return Ceilings(**kept[key])
    tell(f"measuring what this machine can do in {framework} on {device} (only once)")
    found = replace(
        measuring.measured(threads), threads=threads, machine=f"{platform.node()}, {silicon}",
        measured=datetime.now(UTC).date().isoformat(),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept | {key: asdict(found)}, indent=1) + "\n")
    return found


def _read(file: Path) -> dict:
    """What is kept; nothing if the file is damaged, since it can be measured again."""
    try:
        found = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
