"""Does `mlgolf diagnose` say what a person finds with PyTorch's profiler?

    diagnose_profiler.py [WORKLOAD ...]     by default three workloads of mini

The same steps under torch.profiler. A person adds up the self times of operations: products and
convolutions, everything else, and what lies between operations, where Python and the dispatcher
work. The profiler makes each operation dearer by a microsecond or two, so the last of these is
given as the time of a step without it, less the self times: where operations are many and small,
that is too little, and may be below 0. The update is what the profiler shows between the end of
the last backward pass and the end of the step.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from statistics import median

import torch
from common import DATA_DIR, print_machine
from torch.profiler import ProfilerActivity, profile, record_function

import mlgolf
from mlgolf.data import layout
from mlgolf.diagnosis.job import JobPlan, build, checked, loader_of
from mlgolf.diagnosis.phases_torch import backward_marked

WORKLOADS = ("imagenet_resnet", "criteo1tb", "finewebedu_lm")
WARM_UP, STEPS = 20, 50
PRODUCTS = ("mm", "conv", "scaled_dot_product", "addbmm", "linear")
UPDATE = "update"


@contextmanager
def update_recorded() -> Iterator[None]:
    """Names what follows the backward pass of a step."""
    opened: list[record_function] = []

    def begin() -> None:
        opened.append(record_function(UPDATE))
        opened[-1].__enter__()

    with backward_marked(lambda: None, begin):
        yield
    for record in opened:
        record.__exit__(None, None, None)


def profiled(step: Callable[[], object]) -> Mapping[str, float]:
    """Milliseconds of a step by kind, of self CPU times."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(STEPS):
            with update_recorded():
                step()
    table = found.key_averages()
    took = {"products": 0.0, "other operations": 0.0, "update": 0.0, "operations": 0.0}
    for row in table:
        if row.key == UPDATE:
            took["update"] = row.cpu_time_total
            continue
        kind = "products" if any(name in row.key for name in PRODUCTS) else "other operations"
        took[kind] += row.self_cpu_time_total
        took["operations"] += 1e3 * row.count
    return {name: value / STEPS / 1e3 for name, value in took.items()}


def seconds_of(step: Callable[[], object]) -> float:
    took = []
    for _ in range(STEPS):
        began = time.process_time()
        step()
        took.append(time.process_time() - began)
    return median(took)


def main() -> None:
    print_machine()
    torch.set_num_threads(1)
    for name in sys.argv[1:] or WORKLOADS:
        plan = JobPlan(
            workload=name, size="mini", framework="torch", submission="nadamw",
            data_dir=str(DATA_DIR), threads=1,
        )
        layout.ensure(checked(plan)[0], "mini", DATA_DIR, print)
        job = build(plan)
        batch = job.place(next(loader_of(plan).batches(checked(plan)[1].batch_size)))

        def step(job=job, batch=batch) -> None:
            job.step(repeat(batch))

        for _ in range(WARM_UP):
            step()
        whole = 1e3 * seconds_of(step)
        took = profiled(step)
        told = mlgolf.diagnose(name)
        shares = ", ".join(f"{part} {share:.0%}" for part, share in told.found.shares.items())
        itself = took["products"] + took["other operations"]
        print(
            f"{name}: a step takes {whole:.2f} ms\n"
            f"  profiler: products {took['products']:.2f} ms, other operations "
            f"{took['other operations']:.2f} ms, {took['operations']:.0f} operations, update "
            f"{took['update']:.2f} ms ({took['update'] / whole:.0%} of the step), between "
            f"operations {whole - itself:.2f} ms ({1 - itself / whole:.0%} of the step)\n"
            f"  diagnose: {told.bottleneck}; {shares}",
            flush=True,
        )


if __name__ == "__main__":
    main()
