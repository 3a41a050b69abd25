"""Which share of a training step is NadamW's own update, at mini and at full size?

    cost_shares.py [WORKLOAD ...] [--sizes mini full] [--repetitions 9] [--write]

CPU time of one thread, forward and backward apart from the update. Where a pass of the published
batch would take too long, as it does for full sizes, forward and backward are measured at two
smaller batches and continued in a straight line: a part for each example, and a part that any step
has (the dense gradient of a table of embeddings). The update does not depend on the batch and is
measured as it is, though for at most 2**27 numbers at a time, since it works element by element and
all at once need seven copies of the model. Data are those of the mini size, prepared; for
the full size they are repeated up to its shapes. `--write` puts the figures into
cost_shares.toml in the workload's folder, from where `mlgolf workloads show NAME` prints them.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from common import DATA_DIR, print_machine
from torch import Tensor

from mlgolf.algorithms.nadamw.submission_torch import NadamW
from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch
from mlgolf.core.competition import load_competition
from mlgolf.core.registry import load_workload
from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size, Workload
from mlgolf.data import layout
from mlgolf.referee.machine import load_average, machine
from mlgolf.testing.stand_in import stand_in
from mlgolf.workloads.cost_shares import CostShare, as_toml, file_of, read_cost_shares

AFFORDABLE = 10.0  # seconds for a pass; what takes longer is extrapolated
LARGER = 3.0  # times as long the larger of two batches takes, at least
SMALLEST, GROWTH = 2, 4  # examples
AT_ONCE = 2**27  # numbers that are updated together


def measured(workload: Workload, size: Size, repetitions: int) -> CostShare:
    """The cost of a step of the published batch size."""
    backend = load_backend("torch")
    model = workload.model("torch", size)
    params, model_state = model.init(backend.key(0))
    tensors = list(params.parameters())
    example = mini_batch(workload)

    def gradients_of(count: int) -> Callable[[], object]:
        batch = backend.to_device(stand_in(example, count, size))

        def pass_() -> object:
            logits, _ = model.apply(
                params, batch, model_state, ForwardPassMode.TRAIN, backend.key(0), True,
                size.dropout_rate,
            )
            loss = model.loss(batch["targets"], logits, batch.get("weights"))
            mean = loss["summed"] / loss["n_valid_examples"]
            return torch.autograd.grad(mean, tensors, materialize_grads=True)

        return pass_

    points = passes(gradients_of, size.batch_size, repetitions)
    update = sum(update_seconds(group, repetitions) for group in groups(tensors))
    return CostShare(
        batch_size=size.batch_size,
        measured_examples=tuple(count for count, _ in points),
        forward_backward_ms=1e3 * at(size.batch_size, points),
        update_ms=1e3 * update,
        provenance=provenance(backend.versions()),
    )


def mini_batch(workload: Workload) -> Batch:
    """A training batch of the smallest size, whose data are made if they are not there."""
    layout.ensure(workload, "mini", DATA_DIR, print)
    folder, size = layout.prepared_folder(workload, "mini", DATA_DIR), workload.size("mini")
    split = workload.data().open_split(folder / "train", size, "train")
    return next(split.train_batches(size.batch_size, 0))


def passes(
    gradients_of: Callable[[int], Callable[[], object]], batch_size: int, repetitions: int
) -> list[tuple[int, float]]:
    """(examples, seconds): of the batch itself if that can be afforded, else of two others."""
    first = seconds(gradients_of(SMALLEST), 1)
    if first * batch_size / SMALLEST <= AFFORDABLE:
        return [(batch_size, seconds(gradients_of(batch_size), repetitions))]
    # Each repetition may take a minute, and the spread is small beside the batch's length.
    points = [(SMALLEST, seconds(gradients_of(SMALLEST), min(repetitions, 3)))]
    while points[-1][1] < LARGER * points[0][1] and points[-1][0] < batch_size:
        count = min(points[-1][0] * GROWTH, batch_size)
        points.append((count, seconds(gradients_of(count), 1)))
    return [points[0], points[-1]]


def at(batch_size: int, points: Sequence[tuple[int, float]]) -> float:
    """Seconds of a batch, on the line through two points; those of the only point."""
    (count, took), (more, longer) = points[0], points[-1]
    per_example = (longer - took) / (more - count) if more > count else 0.0
    return took + (batch_size - count) * per_example


def groups(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """The tensors in their order, as many at a time as may be updated together."""
    group: list[Tensor] = []
    for tensor in tensors:
        if group and sum(t.numel() for t in group) + tensor.numel() > AT_ONCE:
            yield group
            group = []
        group.append(tensor)
    yield group


def update_seconds(tensors: list[Tensor], repetitions: int) -> float:
    """Of one update, with gradients that are the same everywhere: their values cost nothing."""
    optimizer = NadamW(tensors, beta1=0.9, beta2=0.999, weight_decay=0.1)
    gradients = tuple(torch.full_like(tensor, 1e-3) for tensor in tensors)
    return seconds(lambda: optimizer.step(gradients, 1e-3), repetitions)


def seconds(work: Callable[[], object], repetitions: int) -> float:
    """Median CPU time, after one that is not counted."""
    work()
    took = []
    for _ in range(repetitions):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return statistics.median(took)


def provenance(versions: Mapping[str, str]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"benchmarks/cost_shares.py, one thread of {machine()['processor']}, load average "
        f"{load_average():.1f}, {datetime.now(UTC):%Y-%m-%d}, {libraries}"
    )


def row_of(workload: str, size: str, row: CostShare) -> str:
    return (
        f"{workload:18} {size:12} {row.forward_backward_ms:16,.3f} {row.update_ms:12,.3f} "
        f"{row.share:8.2%}   {' and '.join(map(str, row.measured_examples))} of {row.batch_size}"
    )


def write(workload: Workload, size: str, row: CostShare) -> None:
    text = as_toml({**read_cost_shares(workload), size: row})
    Path(str(file_of(workload))).write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workloads", nargs="*")
    parser.add_argument("--sizes", nargs="+", default=["mini", "full"])
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    names = asked.workloads or load_competition("mini").workloads
    print_machine()
    load_backend("torch").configure(1)
    heads = f"{'forward+backward ms':>19} {'update ms':>12} {'share':>8}   examples computed"
    print(f"{'workload':18} {'size':9} {heads}")
    for name in names:
        workload = load_workload(name)
        for size in asked.sizes:
            row = measured(workload, workload.size(size), asked.repetitions)
            print(row_of(name, size, row), flush=True)
            if asked.write:
                write(workload, size, row)


if __name__ == "__main__":
    main()
