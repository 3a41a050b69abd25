import numpy as np

from mlgolf.workloads.criteo1tb.metrics import batch_sums, from_sums


def test_loss_is_the_mean_over_examples_of_weight_one():
    losses, logits = np.array([1.0, 2.0, 0.0], np.float32), np.zeros((3, 1), np.float32)
    sums = [
        batch_sums({"targets": np.zeros((3, 1))}, logits, losses),
        batch_sums({"weights": np.array([1, 1, 0], np.float32)}, logits, losses),
    ]
    total = {key: sum(s[key] for s in sums) for key in sums[0]}
    assert from_sums(total) == {"loss": 6.0 / 5}
