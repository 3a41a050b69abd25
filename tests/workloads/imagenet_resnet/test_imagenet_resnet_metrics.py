import numpy as np
import pytest

from mlgolf.core.workload import Outputs
from mlgolf.workloads.imagenet_resnet.metrics import Metrics
from mlgolf.workloads.imagenet_resnet.spec import MINI

LOGITS = np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0], [0.0, 9.0]], np.float32)
LOSSES = np.array([0.5, 0.25, 1.0, 0.0], np.float32)


def metrics(**extra):
    gathered = Metrics(MINI)
    gathered.update(Outputs(LOGITS, LOSSES), {"targets": np.array([0, 1, 1, 0]), **extra})
    return gathered.result()


def test_error_rate_and_accuracy_are_shares_of_all_examples():
    assert metrics()["error_rate"] == 0.5
    assert metrics()["accuracy"] == 0.5


def test_examples_of_weight_zero_do_not_count():
    weighted = metrics(weights=np.array([1, 1, 1, 0], np.float32))
    assert weighted["error_rate"] == pytest.approx(1 / 3)
    assert weighted["loss"] == pytest.approx(1.75 / 3)


def test_loss_is_the_mean_over_examples():
    assert metrics()["loss"] == 1.75 / 4
