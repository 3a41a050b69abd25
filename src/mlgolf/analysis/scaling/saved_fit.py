"""A fitted law as it is saved: constants, draws of a bootstrap, the range of its runs."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.scaling.form import BASE
from mlgolf.analysis.scaling.law import TRAINING_FLOP, Numbers, ScalingLaw
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import RunFolderError


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedFit:
    law: ScalingLaw
    draws: ScalingLaw  # of arrays
    extra: Mapping[str, float]  # R_D, gamma_weights, multipliers of levers …
    residuals: FloatArray  # (runs,), of log loss: predicted less measured
    params: Interval  # the least and the most of its runs
    tokens: Interval
    flop: Interval
    source: str
    not_identified: tuple[str, ...] = ()  # parameters that its runs do not tell

    def run_interval(
        self, loss: Callable[[ScalingLaw], Numbers], confidence: float = CONFIDENCE
    ) -> Interval:
        """Of one run: the law's doubt, and how far runs lie from their law."""
        drawn = np.asarray(loss(self.draws), dtype=float)
        scattered = drawn[:, None] * np.exp(-self.residuals[None, :])  # measured, of predicted
        tail = (1 - confidence) / 2
        low, high = np.quantile(scattered, [tail, 1 - tail])
        return float(low), float(high)

    def decades_beyond(self, params: float, tokens: float) -> float:
        """How far a model is from the runs, the farthest of N, D and C; 0 among them."""
        of = ((self.params, params), (self.tokens, tokens),
              (self.flop, TRAINING_FLOP * params * tokens))  # fmt: skip
        return max(
            max(0.0, math.log10(value / high), math.log10(low / value))
            for (low, high), value in of
        )


def read_fit(path: Path) -> SavedFit:
    """Args: path: what `mlgolf fit --json` printed. Raises: RunFolderError if it is none."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise RunFolderError(
            f"{path}: found no JSON ({error}). Make it by mlgolf fit --json"
        ) from None
    if not isinstance(record, dict):
        raise RunFolderError(f"{path}: found {type(record).__name__}, expected a fit")
    needed = (*BASE, "draws", "residuals", "data")
    if lacking := [name for name in needed if name not in record]:
        raise RunFolderError(
            f"{path}: found no {', '.join(lacking)}. Make it by mlgolf fit --json"
        )
    drawn, data = record["draws"], record["data"]
    others = {
        name: float(record[name]) for name in drawn if name not in BASE and name in record
    }
    return SavedFit(
        law=ScalingLaw(**{name: float(record[name]) for name in BASE}),
        draws=ScalingLaw(**{name: np.array(drawn[name], dtype=float) for name in BASE}),
        extra=others, residuals=np.array(record["residuals"], dtype=float),
        params=(data["params"][0], data["params"][1]),
        tokens=(data["tokens"][0], data["tokens"][1]),
        flop=(data["flop"][0], data["flop"][1]), source=str(record.get("source", path)),
        not_identified=tuple(record.get("not_identified", ())),
    )  # fmt: skip
