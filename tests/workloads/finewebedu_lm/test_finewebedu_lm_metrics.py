import math

import numpy as np
import pytest

from mlgolf.core.workload import Outputs
from mlgolf.workloads.finewebedu_lm import WORKLOAD
from mlgolf.workloads.finewebedu_lm.metrics import Metrics

MINI = WORKLOAD.size("mini")


def measured(*batches):
    metrics = Metrics(MINI)
    for losses, weights in batches:
        outputs = Outputs(None, np.array(losses, np.float32) * MINI.data.length)
        targets = np.zeros((len(losses), MINI.data.length), np.int32)
        metrics.update(outputs, {"targets": targets, "weights": np.array(weights, np.float32)})
    return metrics.result()


def test_perplexity_is_the_exponential_of_the_mean_loss_per_token():
    found = measured(([1.0, 3.0], [1, 1]), ([5.0, 0.0], [1, 0]))
    assert found == {"loss": pytest.approx(3.0), "ppl": pytest.approx(math.exp(3.0))}


def test_a_loss_beyond_all_numbers_has_a_perplexity():
    assert measured(([math.inf], [1])) == {"loss": math.inf, "ppl": math.inf}
    assert math.isnan(measured(([math.nan], [1]))["ppl"])


def test_a_mean_is_over_tokens_where_weights_are_of_tokens():
    metrics, weights = Metrics(MINI), np.zeros((2, MINI.data.length), np.float32)
    weights[0, :3] = 1
    batch = {"targets": np.zeros(weights.shape, np.int32), "weights": weights}
    metrics.update(Outputs(None, np.float32([6, 0])), batch)
    assert metrics.result()["loss"] == 2
