"""The process that tries batches until memory runs out: python -m mlgolf.diagnosis.memory_child.

Reads one order as JSON, and writes a line before and after each batch.
"""

import json
import sys
import time

from mlgolf.diagnosis.job import Job, JobPlan, build, loader_of
from mlgolf.diagnosis.out_of_memory import is_out_of_memory
from mlgolf.diagnosis.process_memory import limit_growth


def main() -> None:
    order = json.load(sys.stdin)
    plan = JobPlan(**order["plan"])
    job, loader = build(plan), loader_of(plan)
    job.step(job.place(next(loader.batches(1))))  # what the framework takes itself is no batch's
    job.synchronize()
    limit_growth(order["limit"])
    began, batch = time.monotonic(), order["first"]
    fitted = False
    for _ in range(order["doublings"] + 1 if batch == order["asked"] else 1):
        fitted = _fits(job, loader, batch)
        if not fitted or time.monotonic() - began > order["seconds"]:
            break
        batch *= 2
    while not fitted and batch > 1 and batch <= order["asked"]:
        batch //= 2
        fitted = _fits(job, loader, batch)


def _fits(job: Job, loader: object, batch: int) -> bool:
    print(json.dumps({"batch": batch}), flush=True)
    try:
        job.step(job.place(next(loader.batches(batch))))  # type: ignore[attr-defined]
        job.synchronize()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        print(json.dumps({"batch": batch, "fits": False}), flush=True)
        return False
    print(json.dumps({"batch": batch, "fits": True, "peak": job.peak_memory()}), flush=True)
    return True


if __name__ == "__main__":
    main()
