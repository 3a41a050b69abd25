"""The latency of a model on another device, from tables of what operators take on both.

Time of an operator there is its time here, times what operators of its family and of near size take
there for one second here. Errors of one family go together, those of different ones do not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from mlgolf.analysis.deployment.work import Shape, family, work
from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.core.errors import DeploymentError

RUN = "(run)"  # what a run takes besides its operators
LEAST_SPREAD = 0.05  # of log ratios: two measurements of one operator differ by as much
UNKNOWN_SPREAD = math.log(2)  # of an operator of which no other tells anything


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """Of one call on one device."""

    operator: str
    dtype: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    seconds: float
    count: int = 1  # of such calls in a run of the model that it was measured in

    @property
    def key(self) -> tuple[str, str, tuple[Shape, ...], tuple[Shape, ...]]:
        return family(self.operator), self.dtype, self.inputs, self.outputs

    @property
    def work(self) -> float:
        return work(self.operator, self.inputs, self.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTable:
    device: str
    threads: int
    rows: tuple[OperatorTime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What one run of a model would take on another device."""

    device: str
    threads: int
    milliseconds: float
    interval: Interval
    here_milliseconds: float
    measured_share: float  # of the time: operators that were measured there in the same shapes
    scaled_share: float  # by operators of the same family
    uncovered: tuple[str, ...]  # families that are in neither: scaled by all others
    uncovered_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ratios:
    """Of times there to times here, over the work of operators."""

    works: list[float]
    logs: list[float]

    def at(self, size: float) -> float:
        order = np.argsort(self.works)
        works, logs = np.log(np.array(self.works))[order], np.array(self.logs)[order]
        return float(np.interp(math.log(size), works, logs))

    def _without(self, at: int) -> "_Ratios":
        return _Ratios(
            works=self.works[:at] + self.works[at + 1:], logs=self.logs[:at] + self.logs[at + 1:]
        )

    @property
    def spread(self) -> float:
        """Of a ratio about what the others say of its size."""
        if len(self.logs) < 3:
            return max(LEAST_SPREAD, float(np.ptp(self.logs)))
        gaps = [
            log - self._without(at).at(self.works[at]) for at, log in enumerate(self.logs)
        ]
        return max(LEAST_SPREAD, float(np.sqrt(np.mean(np.square(gaps)))))


def elsewhere(
    model: Sequence[OperatorTime], here: DeviceTable, there: DeviceTable,
    confidence: float = CONFIDENCE,
) -> Elsewhere:
    """Args: model: the operators of the model as measured here, RUN among them.

    Raises: DeploymentError if the tables have no operator in common.
    """
    ratios = _ratios(here, there)
    if not ratios:
        raise DeploymentError(
            f"the tables of {here.device!r} and {there.device!r} have no operator in common; "
            "measure both by: mlgolf deploy --profile-device -o FILE"
        )
    every = _Ratios(
        works=[w for one in ratios.values() for w in one.works],
        logs=[log for one in ratios.values() for log in one.logs],
    )
    usual = float(np.median(every.logs))
    known = {row.key: row.seconds for row in there.rows}
    predicted: dict[str, float] = {}
    errors: dict[str, float] = {}
    by_how = {"measured": 0.0, "scaled": 0.0, "uncovered": 0.0}
    for row in model:
        name, here_seconds = family(row.operator), row.seconds * row.count
        if row.key in known and row.operator != RUN:
            how, seconds, spread = "measured", known[row.key] * row.count, LEAST_SPREAD
        elif name in ratios:
            found = ratios[name]
            how, seconds = "scaled", here_seconds * math.exp(found.at(row.work))
            spread = found.spread
        else:
            how, seconds = "uncovered", here_seconds * math.exp(usual)
            spread = max(UNKNOWN_SPREAD, float(np.std(every.logs)))
        by_how[how] += seconds
        predicted[name] = predicted.get(name, 0.0) + seconds
        errors[name] = errors.get(name, 0.0) + seconds * spread
    total = sum(predicted.values())
    z = float(norm.ppf((1 + confidence) / 2))
    factor = math.exp(z * math.sqrt(sum(e * e for e in errors.values())) / total)
    return Elsewhere(
        device=there.device, threads=there.threads, milliseconds=1e3 * total,
        interval=(1e3 * total / factor, 1e3 * total * factor),
        here_milliseconds=1e3 * sum(row.seconds * row.count for row in model),
        measured_share=by_how["measured"] / total, scaled_share=by_how["scaled"] / total,
        uncovered=tuple(sorted({
            family(row.operator) for row in model
            if row.key not in known and family(row.operator) not in ratios
        })),
        uncovered_share=by_how["uncovered"] / total,
    )  # fmt: skip


def _ratios(here: DeviceTable, there: DeviceTable) -> dict[str, _Ratios]:
    """By family, from the operators that both tables have in the same shapes."""
    times = {row.key: row.seconds for row in here.rows}
    found: dict[str, _Ratios] = {}
    for row in there.rows:
        if row.key in times:
            mine = found.setdefault(family(row.operator), _Ratios(works=[], logs=[]))
            mine.works.append(row.work)
            mine.logs.append(math.log(row.seconds / times[row.key]))
    return found
