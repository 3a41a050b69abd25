"""Does `mlgolf diagnose` say what a person finds with PyTorch's profiler?

    diagnose_profiler.py [WORKLOAD ...]     by default three workloads of mini

The same steps under torch.profiler. A person adds up the self times of operations: products and
convolutions, the update (from the end of the last backward pass to the end of the step), and all
others. The profiler makes each operation dearer by a microsecond or two: by how much, the time of a
step without it tells, and that is taken off each alike. `mlgolf diagnose` has compute for the
first, the optimizer for the second, bandwidth and overhead for the last: starting operations is in
the self times of all, of which most are others. The largest of the three is to be the same; where
the two largest of the profiler are within 15% of one another, that is a tie, and either will do.
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
WARM_UP, STEPS, PROFILED = 20, 30, 15
PRODUCTS = ("mm", "conv", "scaled_dot_product", "linear")
UPDATE = "update"
TIE = 1.15  # times as long
PARTS_OF = {
    "products": ("compute",), "others": ("bandwidth", "overhead"), "update": ("optimizer",),
}  # fmt: skip


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


def profiled(step: Callable[[], object], whole: float) -> Mapping[str, float]:
    """Milliseconds of a step by kind: self CPU times, of each operation the median of steps.

    Each step has the same operations, of which other programs interrupt some.

    Args: whole: milliseconds of a step without the profiler.
    """
    steps = []
    for _ in range(PROFILED):
        with profile(activities=[ProfilerActivity.CPU]) as seen, update_recorded():
            step()
        steps.append(seen.events() or [])
    taken: dict[str, list[float]] = {"products": [], "others": [], "update": []}
    is_update = False  # operations come in the order of their beginning
    for operation in zip(*steps, strict=True):
        (name,) = {one.name for one in operation}
        is_update = is_update or name == UPDATE
        is_product = any(part in name for part in PRODUCTS)
        kind = "update" if is_update else "products" if is_product else "others"
        taken[kind].append(median(one.self_cpu_time_total for one in operation) / 1e3)
    total, count = sum(map(sum, taken.values())), sum(map(len, taken.values()))
    added = max(0.0, total - whole) / count
    return {kind: sum(max(0.0, took - added) for took in found) for kind, found in taken.items()}


def seconds_of(step: Callable[[], object]) -> float:
    took = []
    for _ in range(STEPS):
        began = time.process_time()
        step()
        took.append(time.process_time() - began)
    return median(took)


def verdict(took: Mapping[str, float], shares: Mapping[str, float]) -> str:
    """Whether the largest part is the same."""
    first, second = sorted(took, key=lambda name: -took[name])[:2]
    told = max(PARTS_OF, key=lambda name: sum(shares[part] for part in PARTS_OF[name]))
    if told == first:
        return "the same largest part"
    is_tie = told == second and took[first] < TIE * took[second]
    return f"a tie of {first} and {second}" if is_tie else "ANOTHER LARGEST PART"


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
        took = profiled(step, whole)
        told = mlgolf.diagnose(name)
        shares = ", ".join(f"{part} {share:.0%}" for part, share in told.found.shares.items())
        parts = ", ".join(f"{part} {value:.2f} ms" for part, value in took.items())
        print(
            f"{name}: a step takes {whole:.2f} ms\n"
            f"  profiler: {parts}\n"
            f"  diagnose: {told.bottleneck}; {shares}\n"
            f"  {verdict(took, told.found.shares)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
