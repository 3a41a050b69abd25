"""Asks for the measurement of a workload, in a process that has the environment of a trial."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from mlgolf.core.errors import DiagnosisError
from mlgolf.core.text import number_of, printable
from mlgolf.data import layout
from mlgolf.diagnosis.environment import trial_environment
from mlgolf.diagnosis.job import JobPlan, batch_size_of, checked
from mlgolf.diagnosis.measuring import Measured, cores_here
from mlgolf.diagnosis.memory import Fits, largest_that_fits

OURS = ('{"doing"', '{"error"', '{"measured"')  # lines; a submission may print others
Tell = Callable[[str], None]


def measure(
    plan: JobPlan, *, memory_limit: float | None = None, fresh_ceilings: bool = False,
    tell: Tell = lambda _: None,
) -> Measured:
    """Args:
      plan: threads of 0 are all cores.
      memory_limit: bytes that the step may take; None: what is free.
      tell: hears what is being measured.
    Raises: MLGolfError for names that nobody offers, or data that are not there.
    """
    plan = replace(plan, threads=plan.threads or cores_here())
    workload, _ = checked(plan)
    layout.ensure(workload, plan.size, Path(plan.data_dir), tell)
    tell("looking for the largest batch that fits into memory")
    asked = batch_size_of(plan)
    fits = largest_that_fits(plan, asked, memory_limit)
    if not fits.largest:
        raise DiagnosisError(
            f"{plan.workload}: not even a batch of {fits.smallest} fits into "
            f"{fits.limit / 1e9:.3g} GB, so there is no step to measure. "
            f"{f'It said: {fits.said}. ' if fits.said else ''}Give more memory (--memory-limit) or "
            "take a smaller size."
        )
    batch_size = min(asked, fits.largest)
    tell(
        f"measuring steps of {number_of(batch_size, 'example')}, "
        f"{number_of(plan.threads, 'thread')}"
    )
    return _in_a_process(plan, fits, asked, fresh_ceilings, tell)


def _in_a_process(
    plan: JobPlan, fits: Fits, asked: int, fresh_ceilings: bool, tell: Tell
) -> Measured:
    order = {
        "plan": plan.as_record(), "fits": asdict(fits), "asked": asked,
        "fresh_ceilings": fresh_ceilings,
    }
    words = [sys.executable, "-m", "mlgolf.diagnosis.measuring_child"]
    last: dict[str, Any] = {}
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
        env=trial_environment(plan.threads),
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        with suppress(BrokenPipeError), child.stdin as orders:  # what it said is told below
            json.dump(order, orders)
        for line in child.stdout:
            if line.startswith(OURS):
                last = json.loads(line)
                if "doing" in last:
                    tell(last["doing"])
        code = child.wait()
        said.seek(0)
        lines = said.read().strip().splitlines()
    if "error" in last:
        raise DiagnosisError(last["error"])
    if "measured" not in last:
        raise DiagnosisError(
            f"{plan.workload}: the process that measures steps ended with code {code}: "
            f"{printable(lines[-1]) if lines else 'it said nothing'}"
        )
    # Through JSON the numbers that are keys have become text.
    return TypeAdapter(Measured).validate_json(json.dumps(last["measured"]))
