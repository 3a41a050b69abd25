"""What a model is for: requests, what they are worth, and what is taken for granted of answering.

A request is a prompt, computed at once, and an answer, whose tokens are decoded one by one.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from mlgolf.analysis.intervals import Interval
from mlgolf.core.arrays import FloatArray

Curve = Callable[[FloatArray], FloatArray]
ASPECT, HEADS_WIDTH = 128.0, 1024.0  # width over layers; width of all keys of a layer
CACHE_SOURCE = (
    "keys and values of 2 bytes, in N = 12 layers x width^2, width = 128 layers, 8 heads of 128: "
    "the shape of Llama 3 (2024), arXiv:2407.21783, table 3"
)


def usual_cache_bytes(params: FloatArray) -> FloatArray:
    """Of one token, in a dense network with grouped queries: see CACHE_SOURCE."""
    layers = (params / (12 * ASPECT**2)) ** (1 / 3)
    return 2 * 2 * layers * np.minimum(HEADS_WIDTH, ASPECT * layers)


@dataclass(frozen=True, kw_only=True, eq=False)
class Service:
    """Over the life of the model."""

    requests: float
    prompt_tokens: float
    answer_tokens: float
    value: Curve  # dollars per request, by loss
    share: Curve | None = None  # of the value that is left, by latency in seconds
    most_seconds: float = math.inf  # of a request
    loss_range: Interval = (-math.inf, math.inf)  # where the value is known
    # Of prompts, by device, where that was measured: share of the peak in 16 bits.
    measured_utilisation: Mapping[str, float] = field(default_factory=dict)
    cache_bytes_per_token: float | None = None  # of one request; as is usual unless given
    bandwidth_utilisation: float = 0.6  # share of a device's bandwidth that decoding reaches
    source: str = "the Service given"

    def cache_bytes(self, params: FloatArray) -> FloatArray:
        """Of one token of one request."""
        if self.cache_bytes_per_token is None:
            return usual_cache_bytes(params)
        return np.full_like(params, self.cache_bytes_per_token)

    @property
    def cache_source(self) -> str:
        if self.cache_bytes_per_token is None:
            return CACHE_SOURCE
        return f"{self.cache_bytes_per_token:g} bytes per token, {self.source}"
