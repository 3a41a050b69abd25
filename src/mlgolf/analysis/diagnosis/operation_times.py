"""Self times of the operations of a step by class, as a profiler gives them.

A profiler makes each operation dearer, small ones most, so only the proportion of the classes is
used: the time that is shared out is that of steps without it.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTimes:
    """Of one step without its update, in seconds."""

    products: float  # products and convolutions
    others: float  # all other operations: softmax, activations, norms, sums, copies
    product_calls: int = 0
    other_calls: int = 0
    communication: float = math.nan  # between processes, while no operation was computed

    def in_products(self, seconds: float, overhead: float) -> float:
        """Seconds of `seconds` in products and convolutions, less what starting them takes.

        Args: overhead: seconds of starting all operations, of which each takes as much.
        """
        total, calls = self.products + self.others, self.product_calls + self.other_calls
        if total <= 0:
            return 0.0
        started = overhead * self.product_calls / calls if calls else 0.0
        return min(max(0.0, seconds * self.products / total - started), seconds - overhead)
