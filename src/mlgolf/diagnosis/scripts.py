"""Runs a person's script with `observe` switched on, and reads what it told of its steps."""

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.analysis.bottleneck import Measurements
from mlgolf.analysis.roofline import Ceilings, Operation, floor_of
from mlgolf.core.errors import DiagnosisError
from mlgolf.core.text import printable
from mlgolf.diagnosis.observe import ORDER
from mlgolf.diagnosis.out_of_memory import says_out_of_memory
from mlgolf.diagnosis.process_memory import available_memory

STEPS, SECONDS = 100, 10.0  # whichever is first
END_SECONDS = 600.0  # after which a script that has not told anything is ended
SHOWN = 3  # lines of what a script says at its end
HOW = (
    "Put the loop under a watch: watch = mlgolf.observe(loader), then `for batch in watch:` and "
    "`with watch.step():` around forward, backward and update (docs/diagnose.md)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a script ended, and what it told."""

    code: int
    said: str  # on stderr
    told: dict[str, Any]


def run(
    script: Path, arguments: Sequence[str] = (), *, memory_limit: float | None = None,
    timeout: float = END_SECONDS,
) -> Ran:
    """Args: memory_limit: bytes of its own that the script may take; None: no limit of ours.

    Raises: DiagnosisError if there is no such script, or it does not end.
    """
    if not script.is_file():
        raise DiagnosisError(f"{script}: found no such script. Give the path of a Python file.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "steps.json"
        order = {"file": str(file), "steps": STEPS, "seconds": SECONDS, "experiments": True}

        def limited() -> None:
            if memory_limit is not None:
                resource.setrlimit(resource.RLIMIT_DATA, (int(memory_limit), int(memory_limit)))

        try:
            done = subprocess.run(
                [sys.executable, str(script), *arguments], env={**os.environ, ORDER:
                json.dumps(order)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                timeout=timeout, preexec_fn=limited, errors="backslashreplace",
            )
        except subprocess.TimeoutExpired:
            raise DiagnosisError(
                f"{script}: it ran for {timeout:.0f} s without finishing {STEPS} steps. {HOW}"
            ) from None
        told = json.loads(file.read_text()) if file.exists() else {}
    return Ran(code=done.returncode, said=done.stderr, told=told)


def measurements_of(
    script: Path, ran: Ran, ceilings: Callable[[str, int], Ceilings],
    memory_limit: float | None = None,
) -> Measurements:
    """Args: ceilings: (framework, threads) -> those of this machine.

    Raises: DiagnosisError for a script that failed, or that never called the step.
    """
    told, limit = ran.told, memory_limit or available_memory()
    # -9: the kernel ended it, for want of memory unless a person did.
    if ran.code and (says_out_of_memory(ran.said) or ran.code == -9):
        return Measurements(
            real=told.get("real", math.nan), ran_out=True, memory_limit=limit,
            peak_memory=told.get("peak_memory", math.nan),
        )
    if ran.code:
        raise DiagnosisError(
            f"{script}: it ended with code {ran.code}, so its steps tell nothing. It said last:\n"
            f"{_last_lines(ran.said)}"
        )
    if not told.get("steps"):
        reason = "made a watch but never called watch.step()" if told else "never called the step"
        raise DiagnosisError(f"{script}: it ran to its end and {reason}. {HOW}")
    if not told["counted"]:
        raise DiagnosisError(
            f"{script}: found {told['steps']} steps; the first 3 warm up and are not counted, so "
            "give it 10 or more"
        )
    return _measured(told, ceilings, limit)


def _measured(
    told: dict[str, Any], ceilings: Callable[[str, int], Ceilings], limit: float
) -> Measurements:
    by_threads = {int(count): seconds for count, seconds in told.get("by_threads", {}).items()}
    operations = [Operation(**fields) for fields in told.get("operations", [])]
    threads = told.get("threads", 0)
    optimizer = told.get("optimizer_total", math.nan) / told["counted"]
    known = ceilings(told["framework"], threads) if operations else None
    return Measurements(
        real=told["real"], load=told["load"], replay=told["real"] - told["load"],
        optimizer=optimizer, threads=threads, by_threads=by_threads,
        device=told.get("device", "cpu"), peak_memory=told["peak_memory"], memory_limit=limit,
        floor=floor_of(operations, known) if known else None,
    )


def _last_lines(text: str) -> str:
    lines = text.strip().splitlines()[-SHOWN:]
    return "\n".join(f"  {printable(line)}" for line in lines) or "  nothing"
