import numpy as np

from mlgolf.core.registry import load_workload
from mlgolf.core.workload import Outputs
from mlgolf.workloads.parts.means import Means, Metrics

LOGITS = np.zeros((3, 1), np.float32)
CLICKS = load_workload("criteo1tb")


def test_loss_is_the_mean_over_examples_of_weight_one_of_all_batches():
    metrics = CLICKS.metrics(CLICKS.size("mini"))
    outputs = Outputs(LOGITS, np.array([1.0, 2.0, 0.0], np.float32))
    metrics.update(outputs, {"targets": np.zeros((3, 1))})
    metrics.update(outputs, {"weights": np.array([1, 1, 0], np.float32)})
    assert metrics.result() == {"loss": 6.0 / 5}


def test_workloads_that_share_metrics_share_no_sums():
    size = CLICKS.size("mini")
    CLICKS.metrics(size).update(Outputs(LOGITS, np.ones(3, np.float32)), {})
    untouched = CLICKS.metrics(size)
    untouched.update(Outputs(LOGITS, np.full(3, 2, np.float32)), {})
    assert isinstance(untouched, Metrics)
    assert untouched.result() == {"loss": 2.0}


def test_batches_are_summed_in_64_bits():
    means, losses = Means(), np.array([2.0**24, 1.0], np.float32)
    for _ in range(2):
        means.add(np.ones(2, np.float32), loss=losses)
    assert means.result() == {"loss": (2.0**25 + 2) / 4}
