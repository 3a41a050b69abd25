"""The process that loads models: python -m mlgolf.deployment.child.

Reads one order as JSON and writes its answer, or the error that a person can act on, to the file
that the order names.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from mlgolf.core.errors import MLGolfError

# Task -> the module and the function that does it. Imported when asked for: what starts a session
# is timed, and its memory measured, in a process that has loaded nothing else.
TASKS = {
    "export": "exporting:export",
    "inspect": "inspecting:inspect",
    "outputs": "running:outputs",
    "start": "timing:start",
    "latency": "timing:latencies",
    "profile": "timing:profile",
    "operators": "operators:measure",
    "quantise": "quantising:quantise",
    "layer costs": "quantising:layer_costs",
    "cut off": "quantising:cut_off_values",
    "undo": "undoing:undo",
    "layers": "by_layer:layers",
}


def main() -> None:
    order = json.load(sys.stdin)
    answer = Path(order.pop("answer"))
    module, _, name = TASKS[order.pop("task")].partition(":")
    function: Callable[..., dict[str, Any]] = getattr(
        import_module(f"mlgolf.deployment.{module}"), name
    )
    try:
        found = function(**order)
    except MLGolfError as error:
        found = {"error": str(error)}
    answer.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
