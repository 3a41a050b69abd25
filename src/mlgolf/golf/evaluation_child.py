"""Inside the sandbox: a host's `evaluation.py` is given what a run wrote down, and asked once.

    python evaluation_child.py ANSWER FOLDER     a descriptor, and what was laid out for it

It imports nothing of mlgolf. What it answers is one line of JSON, and whoever asked believes none
of it.
"""

import json
import os
import sys
import traceback
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FILE, TOLD, FILES = "evaluation.py", "run.json", "files"
LONGEST_ERROR = 1000  # characters


class Trial(SimpleNamespace):
    """One trial as the host's script sees it: see docs/games.md."""

    @cached_property
    def model(self) -> dict[str, Any] | None:
        """Arrays by name, of the best model; None where none was kept."""
        from safetensors.numpy import load_file

        return load_file(self.model_file) if self.model_file else None


def given(folder: Path) -> SimpleNamespace:
    """The run, of what lies in the folder."""
    told = json.loads((folder / TOLD).read_text())
    for trial in told["trials"]:
        trial["model_file"] = trial["model_file"] and str(folder / trial["model_file"])
    trials = [Trial(**trial) for trial in told.pop("trials")]
    return SimpleNamespace(**told, trials=trials, files=folder / FILES)


def answer(folder: Path) -> dict[str, Any]:
    """What the script found, or how it failed."""
    try:
        source = (folder / FILES / FILE).read_bytes()
        names: dict[str, Any] = {"__name__": "evaluation", "__file__": FILE}
        exec(compile(source, FILE, "exec"), names)
        evaluate = names.get("evaluate")
        if not callable(evaluate):
            return {"error": "it has no function evaluate(run)", "line": None}
        found = evaluate(given(folder))
        if not isinstance(found, dict):
            kind = type(found).__name__
            return {"error": f"evaluate(run) returned {kind}, where a dict belongs", "line": None}
        return {"values": {str(name): plain(value) for name, value in found.items()}}
    except BaseException as error:  # whatever it was: the host is told
        said = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
        return {"error": said, "line": line_of(error)}


def plain(value: Any) -> Any:
    """A number of numpy as Python's own."""
    return value.item() if getattr(value, "shape", None) == () else value


def line_of(error: BaseException) -> int | None:
    """Of the script: where it was last before the error."""
    if isinstance(error, SyntaxError) and error.filename == FILE:
        return error.lineno
    lines = [one.lineno for one in traceback.extract_tb(error.__traceback__)
             if one.filename == FILE]
    return lines[-1] if lines else None


def as_line(told: dict[str, Any]) -> bytes:
    try:
        return json.dumps(told).encode()
    except (TypeError, ValueError, RecursionError) as said:
        kinds = {name: type(value).__name__ for name, value in told["values"].items()
                 if not isinstance(value, int | float | str)}
        named = ", ".join(f"{name} is a {kind}" for name, kind in kinds.items())
        error = f"evaluate(run) returned what is neither number nor text: {named or said}"
        return json.dumps({"error": error[:LONGEST_ERROR], "line": None}).encode()


def main(descriptor: int, folder: Path) -> None:
    line = as_line(answer(folder)) + b"\n"
    sys.stdout.flush()
    while line:
        line = line[os.write(descriptor, line):]


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
