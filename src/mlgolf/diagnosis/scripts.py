"""Runs a person's script with `observe` switched on, and reads what it told of its steps."""

import ast
import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.analysis.diagnosis.bottleneck import Measurements
from mlgolf.analysis.diagnosis.operation_times import OperationTimes
from mlgolf.analysis.diagnosis.roofline import Ceilings, Operation, floor_of
from mlgolf.backends import require
from mlgolf.core.errors import DiagnosisError
from mlgolf.core.text import number_of, printable
from mlgolf.diagnosis.observe import FILE, HOW, ORDER, why_none_counted
from mlgolf.diagnosis.out_of_memory import says_out_of_memory
from mlgolf.diagnosis.process_memory import available_memory
from mlgolf.diagnosis.steps_file import is_record

STEPS, SECONDS = 100, 10.0  # whichever is first
END_SECONDS = 600.0  # after which a script that has not told anything is ended
STEPS_ENDING = ".json"  # of a file with the times of a script that was run as usual
LAUNCHER_FAILED = re.compile(r"E\d{4} .*torch/distributed/elastic")
PROFILER_SAYS = "USDT:"  # at the beginning of a line
SHOWN = 3  # lines of what a script says at its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a script ended, and what it told."""

    code: int
    said: str  # on stderr
    told: dict[str, Any]


def run(
    script: Path, arguments: Sequence[str] = (), *, memory_limit: float | None = None,
    processes: int = 1, timeout: float = END_SECONDS,
) -> Ran:
    """Args:
      memory_limit: bytes of its own that each process may take; None: no limit of ours.
      processes: that torchrun starts, if more than one.
    Raises: DiagnosisError if there is no such script, or it does not end; FrameworkMissing.
    """
    if not script.is_file():
        raise DiagnosisError(f"{script}: found no such script. Give the path of a Python file.")
    if processes > 1:
        require("torch")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "steps.json"
        order = {"file": str(file), "steps": STEPS, "seconds": SECONDS, "experiments": True}

        def limited() -> None:
            assert memory_limit is not None
            resource.setrlimit(resource.RLIMIT_DATA, (int(memory_limit), int(memory_limit)))

        try:
            done = subprocess.run(
                [sys.executable, *_launcher(processes), str(script), *arguments],
                env={**os.environ, ORDER: json.dumps(order)}, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, errors="backslashreplace", timeout=timeout,
                preexec_fn=limited if memory_limit else None,
            )
        except subprocess.TimeoutExpired:
            raise DiagnosisError(
                f"{script}: it ran for {timeout:.0f} s without finishing {STEPS} steps. {HOW}"
            ) from None
        told = json.loads(file.read_text()) if file.exists() else {}
    return Ran(code=done.returncode, said=_by_script(done.stderr), told=told)


def _launcher(processes: int) -> list[str]:
    if processes == 1:
        return []
    return ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]


def _by_script(said: str) -> str:
    """Without what torchrun says when a process of its has failed, and what a profiler prints."""
    lines = said.splitlines(keepends=True)
    ends = (at for at, line in enumerate(lines) if LAUNCHER_FAILED.match(line))
    return "".join(
        line for line in lines[: next(ends, None)] if not line.startswith(PROFILER_SAYS)
    )


def stored(file: Path) -> Ran:
    """What a script that was run as usual has told.

    Raises: DiagnosisError if the file is not there, or holds something else.
    """
    if not file.is_file():
        raise DiagnosisError(
            f"{file}: found no such file. A script under mlgolf.observe writes {FILE} into the "
            "folder where it was started."
        )
    try:
        told = json.loads(file.read_text(errors="replace"))
    except ValueError:
        told = None
    if not is_record(told):
        raise DiagnosisError(
            f"{file}: found something else than the times of steps. Give the {FILE} that a script "
            "under mlgolf.observe writes, or the script itself."
        )
    return Ran(code=0, said="", told=told)


def measurements_of(
    script: Path, ran: Ran, ceilings: Callable[[str, int], Ceilings],
    memory_limit: float | None = None,
) -> Measurements:
    """Args: ceilings: (framework, threads) -> those of this machine.

    Raises: DiagnosisError for a script that failed, or that never called the step.
    """
    told = ran.told
    limit = memory_limit or told.get("memory_limit") or available_memory()
    # -9: the kernel ended it, for want of memory unless a person did.
    if ran.code and (says_out_of_memory(ran.said) or ran.code == -9):
        return Measurements(
            real=told.get("real", math.nan), ran_out=True, memory_limit=limit,
            peak_memory=told.get("peak_memory", math.nan),
        )
    if ran.code:
        raise DiagnosisError(
            f"{_place_of_failure(script, ran.said)}: it ended with code {ran.code}, so its steps "
            f"tell nothing. It said last:\n{_last_lines(ran.said)}"
        )
    _check_steps(script, told)
    return _measured(told, ceilings, limit)


def why_not_counted(script: Path, ran: Ran) -> str:
    """Why the operations of a script are not known, although its steps are."""
    if script.suffix == STEPS_ENDING:
        return f"{script} does not count operations; `mlgolf diagnose` of the script itself does"
    if ran.told.get("framework") != "torch":
        return f"the operations of {script} were not counted, which is done in PyTorch only"
    return (
        f"{script} ended after {number_of(ran.told['steps'], 'step')}, before its operations were "
        f"counted. That is done after {STEPS} steps or {SECONDS:.0f} seconds: give it more of them"
    )


def _check_steps(script: Path, told: dict[str, Any]) -> None:
    """Raises: DiagnosisError, with the line of the watch, where no step counts."""
    if told.get("counted"):
        return
    if not told:
        line = _line_of_watch(script)
        place = f"{script}:{line}" if line else f"{script}"
        raise DiagnosisError(f"{place}: it ran to its end and never called the step. {HOW}")
    raise DiagnosisError(f"{told.get('place') or script}: {why_none_counted(told)}")


def _measured(
    told: dict[str, Any], ceilings: Callable[[str, int], Ceilings], limit: float
) -> Measurements:
    by_threads = {int(count): seconds for count, seconds in told.get("by_threads", {}).items()}
    operations = [Operation(**fields) for fields in told.get("operations", [])]
    threads = told.get("threads", 0)
    optimizer = told.get("optimizer", told.get("optimizer_total", math.nan) / told["counted"])
    known = ceilings(told["framework"], threads) if operations else None
    load, by_itself = told["load"], told.get("asynchronous", False)
    # Where a step returns before it is computed, the wait for it may be anywhere between steps, and
    # loading may go on meanwhile: how much of it is waited for, only a replay tells.
    real = told["real"] if by_itself else load + told["step"]
    return Measurements(
        real=real, load=load, replay=told.get("replay", math.nan if by_itself else real - load),
        alone=told.get("alone", math.nan), repeats=told.get("repeats", 0),
        cpu=math.nan if by_itself else told.get("cpu", math.nan),
        own_cores=told.get("own_cores", math.nan), other_cores=told.get("other_cores", math.nan),
        cores=told.get("cores", 0),
        between=math.nan if by_itself else told["between"], workers=told.get("workers", 0),
        issued=told.get("issued", math.nan), optimizer=optimizer, threads=threads,
        by_threads=by_threads, device=told.get("device", "cpu"),
        peak_memory=told["peak_memory"], memory_limit=limit,
        floor=floor_of(operations, known) if known else None,
        profile=OperationTimes(**told["profile"]) if told.get("profile") else None,
        one_device=told.get("one_device", math.nan), processes=told.get("processes", 1),
        gradient_bytes=told.get("gradient_bytes", math.nan),
    )


def _line_of_watch(script: Path) -> int:
    """Where the script calls `observe`; 0 if it does so in another file or not at all."""
    try:
        tree = ast.parse(script.read_text())
    except (OSError, SyntaxError, ValueError):
        return 0
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return next((call.lineno for call in calls if ast.unparse(call.func).split(".")[-1] ==
                 "observe"), 0)  # fmt: skip


def _place_of_failure(script: Path, said: str) -> str:
    """The last line of the script that a traceback names."""
    places = re.findall(r'File "([^"<>]+)", line (\d+)', said)
    in_script = [line for file, line in places if Path(file).name == script.name]
    return f"{script}:{in_script[-1]}" if in_script else f"{script}"


def _last_lines(text: str) -> str:
    lines = text.strip().splitlines()[-SHOWN:]
    return "\n".join(f"  {printable(line)}" for line in lines) or "  nothing"
