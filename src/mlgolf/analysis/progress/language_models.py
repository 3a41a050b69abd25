"""Progress of language models of a table: entries that reach different losses."""

from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE
from mlgolf.analysis.progress.entries import Entries
from mlgolf.analysis.progress.frontier import records
from mlgolf.analysis.progress.perplexity import PerplexityTrend, perplexity_trend
from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import RunFolderError

HIGHEST = 20.0  # nats per token: above, it is a perplexity


@dataclass(frozen=True, kw_only=True, eq=False)
class LossHistory:
    """`entries.numbers["loss"]` has the log perplexities."""

    entries: Entries
    quantity: str
    loss: str  # what the table calls it
    fit: PerplexityTrend
    confidence: float
    notes: tuple[str, ...] = ()

    @property
    def losses(self) -> FloatArray:
        return self.entries.number("loss")

    @property
    def held(self) -> BoolArray:
        """(entries,): which had the lowest loss so far, whatever it took."""
        return records(self.entries.years, self.losses)

    @property
    def frontier(self) -> tuple[str, ...]:
        return tuple(self.entries.names[row] for row in np.flatnonzero(self.held))


def loss_history(
    entries: Entries, quantity: str, loss: str, *, confidence: float = CONFIDENCE
) -> LossHistory:
    """Raises: RunFolderError for perplexities without logarithm; ScoringError, see the fit."""
    values = entries.number("loss")
    known = np.flatnonzero(np.isfinite(values))
    notes = ()
    if len(known) < len(entries):
        notes = (f"{len(entries) - len(known)} of {len(entries)} entries have no {loss}",)
        entries = entries.kept(known)
        values = entries.number("loss")
    high = np.flatnonzero(values > HIGHEST)
    if len(high):
        raise RunFolderError(
            f"{entries.places[high[0]]}: {loss}: found {values[high[0]]:g}; a log perplexity is in "
            f"nats per token, at most {HIGHEST:g}. Of a perplexity take the natural logarithm"
        )
    fit = perplexity_trend(entries.years, entries.amounts, values, confidence=confidence)
    return LossHistory(
        entries=entries, quantity=quantity, loss=loss, fit=fit, confidence=confidence, notes=notes
    )
