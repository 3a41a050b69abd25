"""Error rate, accuracy and mean loss of a split."""

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Outputs, Size
from mlgolf.data.batches import weights_of
from mlgolf.workloads.parts.means import Means


class Metrics:
    """`error_rate` and `accuracy` in [0, 1], `loss` in nats."""

    def __init__(self, size: Size) -> None:
        self._means = Means()

    def update(self, outputs: Outputs, batch: Batch) -> None:
        """Predictions: (B, classes), logits. The largest decides; the first of equals."""
        weights = weights_of(batch)
        wrong = outputs.predictions.argmax(axis=1) != batch["targets"]
        self._means.add(weights, loss=outputs.per_example, wrong=wrong * weights)

    def result(self) -> dict[str, float]:
        means = self._means.result()
        return {
            "error_rate": means["wrong"],
            "accuracy": 1 - means["wrong"],
            "loss": means["loss"],
        }
