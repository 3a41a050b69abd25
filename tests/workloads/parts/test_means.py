import math

import numpy as np

from mlgolf.core.registry import load_workload
from mlgolf.core.workload import Outputs
from mlgolf.workloads.parts.means import Means, Metrics

LOGITS = np.zeros((3, 1), np.float32)
CLICKS = load_workload("criteo1tb")
BATCH = {"targets": np.zeros((3, 1), np.float32)}


def test_loss_is_the_mean_over_examples_of_weight_one_of_all_batches():
    metrics = CLICKS.metrics(CLICKS.size("mini"))
    outputs = Outputs(LOGITS, np.array([1.0, 2.0, 0.0], np.float32))
    metrics.update(outputs, {"targets": np.zeros((3, 1))})
    metrics.update(outputs, {"weights": np.array([1, 1, 0], np.float32)})
    assert metrics.result() == {"loss": 6.0 / 5}


def test_workloads_that_share_metrics_share_no_sums():
    size = CLICKS.size("mini")
    CLICKS.metrics(size).update(Outputs(LOGITS, np.ones(3, np.float32)), BATCH)
    untouched = CLICKS.metrics(size)
    untouched.update(Outputs(LOGITS, np.full(3, 2, np.float32)), BATCH)
    assert isinstance(untouched, Metrics)
    assert untouched.result() == {"loss": 2.0}


def test_batches_are_summed_in_64_bits():
    means, losses = Means(), np.array([2.0**24, 1.0], np.float32)
    for _ in range(2):
        means.add(np.ones(2, np.float32), loss=losses)
    assert means.result() == {"loss": (2.0**25 + 2) / 4}


def test_means_are_over_parts_where_weights_are_of_parts():
    means, weights = Means(), np.float32([[1, 1, 0], [1, 0, 0]])
    means.add(weights, loss=np.float32([4, 5]), wrong=weights * np.float32([[1, 0, 1], [1, 1, 1]]))
    assert means.result() == {"loss": 3.0, "wrong": 2 / 3}


def test_a_mean_over_nothing_is_not_a_number():
    means = Means()
    means.add(np.zeros(2, np.float32), loss=np.zeros(2, np.float32))
    assert math.isnan(means.result()["loss"])
