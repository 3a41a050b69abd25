"""The process that measures steps: python -m mlgolf.diagnosis.measuring_child.

Reads one order as JSON; writes lines of JSON: what it does, and at last what it has measured, or
the error that a person can act on.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from mlgolf.core.errors import MLGolfError
from mlgolf.diagnosis.ceilings import ceilings
from mlgolf.diagnosis.job import JobPlan
from mlgolf.diagnosis.measuring import measure_steps
from mlgolf.diagnosis.memory import Fits


def main() -> None:
    order = json.load(sys.stdin)
    plan = JobPlan(**order["plan"])
    try:
        found = measure_steps(
            plan, Fits(**order["fits"]), order["asked"],
            lambda threads: ceilings(
                Path(plan.data_dir), plan.framework, threads, fresh=order["fresh_ceilings"],
                tell=lambda text: _write({"doing": text}),
            ),
        )
    except MLGolfError as error:
        _write({"error": str(error)})
    else:
        _write({"measured": asdict(found)})


def _write(line: dict) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
