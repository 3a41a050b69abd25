"""Which file a script writes the times of its steps into: its own, never somebody else's."""

import json
import os
from itertools import count
from pathlib import Path
from typing import Any, TypeGuard


def is_record(told: Any) -> TypeGuard[dict[str, Any]]:
    """Whether this is what a watch writes."""
    if not isinstance(told, dict):
        return False
    times = {"real", "load", "step", "between"} if told.get("counted") else set()
    return told.keys() >= {"steps", "counted", "peak_memory"} | times


def of_process(file: Path, rank: int) -> Path:
    """Of processes that train together, the first has `file` and each other one a name beside it:
    steps.json, steps.rank1.json."""
    return file.with_stem(f"{file.stem}.rank{rank}") if rank else file


def free_file(asked: Path, place: str, began: float) -> Path:
    """`asked`, or where that holds something else the first of steps-2.json, steps-3.json, ...

    What this script wrote in an earlier run is written again; what was written since `began` is of
    another process.

    Args:
      place: the file and line of the watch.
      began: when this process began to watch, as files are dated.
    Raises: OSError if there is no such folder.
    """
    for number in count(1):
        file = asked if number == 1 else asked.with_stem(f"{asked.stem}-{number}")
        if _is_new(file) or (file.is_file() and _is_earlier(file, place, began)):
            return file
    raise AssertionError("counting ends nowhere")


def _is_new(file: Path) -> bool:
    """It is made in the same moment, so that no two processes take it."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return False
    return True


def _is_earlier(file: Path, place: str, began: float) -> bool:
    try:
        told = json.loads(file.read_text(errors="replace"))
    except ValueError:
        return False
    is_ours = is_record(told) and _script(told.get("place", "")) == _script(place)
    return is_ours and file.stat().st_mtime < began


def _script(place: str) -> str:
    return place.rpartition(":")[0]
