"""Sequence length warm-up: train on short sequences of tokens first.

Source: Li, Zhang and He (2022), arXiv:2108.06084; MosaicML Composer, method card "Sequence Length
Warmup".
Claim: GPT-2 models train stably with larger batches and rates (the paper); about 1.5 times as fast
at equal loss for GPT-2 125M (Composer).
Relieves: compute, attention's above all, and memory early. Loads: overhead, as short sequences are
small kernels, and compilation, once for each length. Where steps are bound by overhead, truncation
loses tokens and gains little.
Ours: the lengths are at most `levels` + 1; the published ramp goes through all multiples of 8.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.errors import MethodError
from mlgolf.methods.arrays import arrays_of
from mlgolf.methods.protocol import Transform
from mlgolf.methods.schedules import in_steps, ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceLengthWarmup(Transform):
    """From `shortest` up to the whole length at `end`."""

    name = "sequence_length_warmup"
    relieves = ("compute", "memory")
    loads = ("overhead",)

    end: float = 0.3
    shortest: int = 8  # tokens
    multiple: int = 8
    levels: int = 8  # lengths below the full one
    mode: Literal["truncate", "segment"] = "truncate"  # segments keep nearly all tokens of a batch

    def check(self) -> None:
        self.require("end", self.end < 1, "a share of training below 1, behind `start`")
        self.require("shortest", self.shortest >= 1, "at least 1 token")
        self.require("multiple", self.multiple >= 1, "at least 1 token")
        self.require("levels", self.levels >= 1, "at least 1")
        self.require("mode", self.mode in ("truncate", "segment"), '"truncate" or "segment"')

    def at(self, progress: float) -> float:
        """0 at the shortest length, 1 at the whole one."""
        if not self.is_active(progress):
            return 1.0
        return in_steps(ramp(progress, self.start, self.end), self.levels)

    def length(self, whole: int, progress: float) -> int:
        """In tokens: a multiple, at least `shortest` and at most the whole."""
        grown = self.at(progress)
        if grown == 1:
            return whole
        wanted = self.shortest + grown * (whole - self.shortest)
        rounded = max(self.shortest, int(wanted) // self.multiple * self.multiple)
        return min(whole, rounded)

    def transform(self, batch: Batch, rng: np.random.Generator, progress: float) -> Batch:
        """Every array (B, L, …) becomes (B, l, …), or in segments (B × (L // l), l, …).

        Raises: MethodError for inputs that are no rows of tokens.
        """
        rows, whole = self._shape(batch)
        length = self.length(whole, progress)
        if length == whole:
            return batch
        pieces = whole // length if self.mode == "segment" else 1
        places = np.repeat(np.arange(rows), pieces)

        def shorten(array: Any) -> Any:
            if array.ndim >= 2 and array.shape[1] == whole:
                cut = array[:, : pieces * length]
                return cut.reshape(rows * pieces, length, *array.shape[2:])
            return array if pieces == 1 else arrays_of(array).take(array, places, 0)

        return map_arrays(shorten, batch)

    def _shape(self, batch: Batch) -> tuple[int, int]:
        inputs = batch["inputs"]
        shape = tuple(getattr(inputs, "shape", ()))
        if len(shape) != 2 or not arrays_of(inputs).is_integer(inputs):
            raise MethodError(
                f"{self.name}: found inputs of shape {shape or type(inputs).__name__}; it is for "
                f"rows of tokens, (B, L) integers. Leave {self.name} out for this workload."
            )
        return shape[0], shape[1]
