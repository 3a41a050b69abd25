"""Least squares in 32 dimensions: a whole workload that trains in about a second.

For tests of what goes on around training. It has every part that a real workload has; its metric
is a part that workloads share.
"""

from mlgolf.core.spec import LossType
from mlgolf.core.workload import Size, Workload, with_variants
from mlgolf.testing.linear.spec import Line

MINI = Size(
    name="mini",
    examples={"train": 4096, "eval_train": 512, "validation": 512, "test": 512},
    batch_size=32,
    published_batch_size=32,
    eval_batch_size=256,
    model=Line(),
    data=Line(),
)

WORKLOAD = Workload(
    name="linear",
    dataset="linear",
    loss_type=LossType.MEAN_SQUARED_ERROR,
    package="mlgolf.testing.linear",
    sizes=with_variants(MINI, {"large_init": {"initial_scale": 10.0}}),
    metrics_module="mlgolf.workloads.parts.means",
)
