"""The process that tries batches until memory runs out: python -m mlgolf.diagnosis.memory_child.

Reads one order as JSON, and writes what memory there is, then a line before and after each batch.
Batches only grow, so that the peak is that of the last; one that does not fit is the last, since
it leaves things behind.
"""

import json
import sys
import time
from itertools import repeat

from mlgolf.diagnosis.job import Job, JobPlan, Loader, build, loader_of
from mlgolf.diagnosis.out_of_memory import is_out_of_memory
from mlgolf.diagnosis.process_memory import forget_peak

SHARE = 0.9  # of the memory that is free: the rest is for others


def main() -> None:
    order = json.load(sys.stdin)
    plan = JobPlan(**order["plan"])
    job, loader = build(plan), loader_of(plan)
    # A framework loads and compiles more in its first step: that is apart from what the step takes.
    job.step(repeat(job.place(next(loader.batches(1)))))
    job.synchronize()
    limit, apart = order["limit"] or SHARE * job.available_memory(), job.memory_apart()
    print(json.dumps({"limit": limit}), flush=True)
    job.limit_memory(limit)
    forget_peak()
    began, batch = time.monotonic(), order["first"]
    for _ in range(order["doublings"] + 1):
        if not _fits(job, loader, batch, apart) or time.monotonic() - began > order["seconds"]:
            break
        batch *= 2
        if order["too_large"] is not None and batch >= order["too_large"]:
            break


def _fits(job: Job, loader: Loader, batch: int, apart: float) -> bool:
    """Args: apart: bytes in use before, which the limit does not count."""
    print(json.dumps({"batch": batch}), flush=True)
    try:
        job.step(repeat(job.place(next(loader.batches(batch)))))
        job.synchronize()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        print(json.dumps({"batch": batch, "fits": False}), flush=True)
        return False
    peak = max(0.0, job.peak_memory() - apart)
    print(json.dumps({"batch": batch, "fits": True, "peak": peak}), flush=True)
    return True


if __name__ == "__main__":
    main()
