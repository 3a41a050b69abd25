"""Loss and perplexity per token."""

import math

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Outputs, Size
from mlgolf.data.batches import part_weights
from mlgolf.workloads.parts.means import Means


class Metrics:
    """`loss`, nats per token, and `ppl`, its exponential."""

    def __init__(self, size: Size) -> None:
        self._means = Means()

    def update(self, outputs: Outputs, batch: Batch) -> None:
        self._means.add(part_weights(batch), loss=outputs.per_example)

    def result(self) -> dict[str, float]:
        loss = self._means.result()["loss"]
        return {"loss": loss, "ppl": math.exp(loss) if loss < 700 else loss + math.inf}
