"""Orders to a process that loads models, and its answers."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlgolf.core.errors import DeploymentError
from mlgolf.core.text import printable

SECONDS = 1800.0  # after which a process counts as hung


def ask(task: str, **order: Any) -> dict[str, Any]:
    """What a new process answers. Paths and numbers cross; arrays lie in files.

    Raises: DeploymentError with what the runtime says of the model, or how the process ended.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        words = [sys.executable, "-m", "mlgolf.deployment.child"]
        record = {"task": task, "answer": str(answer), **_plain(order)}
        try:
            done = subprocess.run(
                words, input=json.dumps(record), capture_output=True, text=True, errors="replace",
                timeout=SECONDS, check=False,
            )
        except subprocess.TimeoutExpired:
            raise DeploymentError(
                f"{task}: the process had not ended after {SECONDS:.0f} s; give fewer examples"
            ) from None
        if done.returncode or not answer.exists():
            said = [line for line in done.stderr.splitlines() if line.strip()] or ["nothing"]
            raise DeploymentError(
                f"{task}: the process that runs the model ended with code {done.returncode} and "
                f"said: {printable(said[-1])}. {_why(done.returncode)}"
            )
        found = json.loads(answer.read_text())
    if "error" in found:
        raise DeploymentError(found["error"])
    return found


def _why(code: int) -> str:
    if code == -9:
        return "Perhaps memory ran out: give fewer examples, or a smaller batch"
    return "If the model runs elsewhere, please report this with the model"


def _plain(order: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in order.items()}
