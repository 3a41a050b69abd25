"""Loss spikes: where a loss rises far beyond its usual changes, and what was logged before it.

A spike is a value above the median of the few before it by more than THRESHOLD usual changes, and
by at least a tenth. A usual change is the median absolute change of the logarithm from one value to
the next, over the whole run, as a standard deviation (times 1.4826): spikes themselves hardly move
it. Values that rise together are one spike. A loss that is not finite is no spike: it is over.
Values at or below 0 have no logarithm and are passed over. Of what was logged, a loss is what has
the word `loss` in its name, unless another word says that it is a setting: `loss_scale`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.trial import Trial

THRESHOLD = 6.0  # usual changes
LEAST = 0.1  # of the value before
BEFORE = 5  # values whose median a spike rises from
FEWEST = 2 * BEFORE  # values of a run in which spikes can be told
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")  # of a name: "train_loss", "trainLoss"
SETTINGS = frozenset({"scale", "scaler", "scaling", "weight", "weights", "factor", "coefficient"})
AS_STDDEV = 1.4826  # of a normal distribution, over its median absolute deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    loss: str  # "validation/loss", or what the submission called it in its log
    step: int  # at its peak
    before: float  # median of the values before it
    peak: float
    lasted: int  # steps until the loss was down to `before` again; 0: it never was

    # Other values that were logged, the last before the rise, and what they were usually: medians.
    preceded: Mapping[str, tuple[float, float]]


def spikes(trial: Trial) -> list[Spike]:
    """Of every loss that is known of a trial: what it logged, and what the referee measured."""
    series = {
        name: (trial.steps, values) for name, values in trial.metrics.items()
        if name.endswith("/loss")
    }
    losses = series | {name: of for name, of in trial.logged.items() if is_loss(name)}
    others = {name: of for name, of in trial.logged.items() if name not in losses}
    return [
        spike for name, (steps, values) in losses.items()
        for spike in spikes_of(name, steps, values, others)
    ]


def is_loss(name: str) -> bool:
    """Whether what a submission logged under a name is a loss."""
    words = {word.lower() for word in WORDS.findall(name)}
    return "loss" in words and not words & SETTINGS


def spikes_of(
    name: str, steps: IntArray, values: FloatArray,
    others: Mapping[str, tuple[IntArray, FloatArray]] | None = None,
) -> Iterator[Spike]:
    """Args: steps, values: (values,), in order; NaN where it was not measured."""
    known = np.isfinite(values) & (values > 0)
    steps, values = steps[known], values[known]
    if len(values) < FEWEST:
        return
    logs = np.log(values)
    usual = AS_STDDEV * float(np.median(np.abs(np.diff(logs))))
    windows = np.lib.stride_tricks.sliding_window_view(logs, BEFORE)[:-1]
    base = np.concatenate([np.full(BEFORE, np.inf), np.median(windows, axis=1)])
    is_high = logs - base > max(THRESHOLD * usual, math.log(1 + LEAST))
    for first, last in _stretches(is_high, logs, base):
        peak = first + int(values[first:last].argmax())
        yield Spike(
            loss=name, step=int(steps[peak]), before=float(np.exp(base[first])),
            peak=float(values[peak]), lasted=int(steps[last] - steps[first]) if last < len(steps)
            else 0,
            preceded=dict(_preceded(others or {}, int(steps[first]))),
        )


def _stretches(
    is_high: np.ndarray, logs: FloatArray, base: FloatArray
) -> Iterator[tuple[int, int]]:
    """From the first high value to the first that is down to what it rose from again."""
    place = 0
    while (rest := np.flatnonzero(is_high[place:])).size:
        first = place + int(rest[0])
        down = np.flatnonzero(logs[first:] <= base[first] + math.log(1 + LEAST))
        place = first + int(down[0]) if down.size else len(logs)
        yield first, place


def _preceded(
    others: Mapping[str, tuple[IntArray, FloatArray]], step: int
) -> Iterator[tuple[str, tuple[float, float]]]:
    for name, (steps, values) in others.items():
        earlier = values[(steps < step) & np.isfinite(values)]
        if len(earlier):
            yield name, (float(earlier[-1]), float(np.median(earlier)))
