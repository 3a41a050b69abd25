"""A fitted law as it is saved: constants, draws of a bootstrap, the range of its runs."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.scaling.form import BASE, FADING, GAMMA
from mlgolf.analysis.scaling.identified import why_no_sizes
from mlgolf.analysis.scaling.law import TRAINING_FLOP, Numbers, ScalingLaw
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import RunFolderError
from mlgolf.core.text import invalid


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedFit:
    law: ScalingLaw  # NaN for a parameter that ran away: see `why_no_sizes`
    draws: ScalingLaw  # of arrays
    extra: Mapping[str, float]  # R_D, gamma_weights, multipliers of levers …
    residuals: FloatArray  # (runs,), of log loss: predicted less measured
    params: Interval  # the least and the most of its runs
    tokens: Interval
    flop: Interval
    source: str
    not_identified: tuple[str, ...] = ()  # parameters that its runs do not tell
    extra_draws: Mapping[str, FloatArray] = field(default_factory=dict)  # of `extra`, as `draws`

    @property
    def why_no_sizes(self) -> str:
        """What keeps its best sizes from meaning anything, and what to do; empty if nothing."""
        return why_no_sizes(self.law, self.not_identified)

    @property
    def levers(self) -> list[str]:
        """Of `extra`: what multiplies effective compute."""
        return [
            name for name in self.extra if not (name.startswith(GAMMA) or name in FADING)
        ]

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


Positive = Annotated[FiniteFloat, Field(gt=0)]


def _is_range(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError(f"found {ends[0]:g} and {ends[1]:g}, allowed is the least, then the most")
    return ends


Range = Annotated[tuple[Positive, Positive], AfterValidator(_is_range)]


class _Data(BaseModel):
    params: Range
    tokens: Range
    flop: Range


class _Record(BaseModel):
    """What plans need of what `mlgolf fit --json` prints. Null: the parameter ran away."""

    model_config = ConfigDict(extra="allow")  # R_D and others, which `draws` names, among them

    E: Annotated[FiniteFloat, Field(ge=0)]
    A: Positive | None
    B: Positive | None
    alpha: Positive | None
    beta: Positive | None
    not_identified: tuple[str, ...]
    draws: dict[str, Annotated[list[FiniteFloat], Field(min_length=1)]]
    residuals: Annotated[list[FiniteFloat], Field(min_length=1)]
    data: _Data
    source: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> "_Record":
        if lacking := [name for name in BASE if name not in self.draws]:
            raise ValueError(f"draws: found none of {lacking[0]}, needed are {', '.join(BASE)}")
        lengths = {name: len(values) for name, values in self.draws.items()}
        if len({*lengths.values()}) > 1:
            raise ValueError(f"draws: found {lengths}, allowed is as many of each")
        for name in BASE:
            if getattr(self, name) is None and name not in self.not_identified:
                raise ValueError(f"{name}: found null, allowed is a number above 0")
        for name, value in self.others.items():
            if not (isinstance(value, int | float) and 0 < value < math.inf):
                raise ValueError(f"{name}: found {json.dumps(value)}, allowed is a number above 0")
        return self

    @property
    def others(self) -> dict[str, Any]:
        """R_D and others, without what ran away."""
        given = self.model_extra or {}
        found = {name: given.get(name) for name in self.draws if name not in BASE}
        return {
            name: value for name, value in found.items()
            if value is not None or name not in self.not_identified
        }  # fmt: skip


def read_fit(path: Path) -> SavedFit:
    """Args: path: what `mlgolf fit --json` printed.

    Raises: RunFolderError if it is none, naming the key, what was found and what is allowed.
    """
    record = _record(path)
    law = {
        name: math.nan if (value := getattr(record, name)) is None else value for name in BASE
    }
    return SavedFit(
        law=ScalingLaw(**law),
        draws=ScalingLaw(**{name: np.array(record.draws[name]) for name in BASE}),
        extra={name: float(value) for name, value in record.others.items()},
        residuals=np.array(record.residuals), params=record.data.params,
        tokens=record.data.tokens, flop=record.data.flop, source=record.source or str(path),
        not_identified=record.not_identified,
        extra_draws={name: np.array(record.draws[name]) for name in record.others},
    )  # fmt: skip


def _record(path: Path) -> _Record:
    remedy = "Make it by mlgolf fit --json"
    try:
        fields: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise RunFolderError(f"{path}: found no JSON ({error}). {remedy}") from None
    if not isinstance(fields, dict):
        raise RunFolderError(f"{path}: found {type(fields).__name__}, expected a fit. {remedy}")
    needed = [name for name, field in _Record.model_fields.items() if field.is_required()]
    if lacking := [name for name in needed if name not in fields]:
        raise RunFolderError(f"{path}: found no {', '.join(lacking)}. {remedy}")
    try:
        return _Record.model_validate(fields)
    except ValidationError as error:
        raise RunFolderError(f"{path}: {invalid(error.errors()[0])}. {remedy}") from None
