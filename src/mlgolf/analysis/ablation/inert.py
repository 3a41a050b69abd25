"""Methods that changed nothing: with and without them, a study counts by the same models.

A method that starts after the target was reached, or that a workload never asks, leaves every bit
as it was. What an ablation then says of it is how much the clock varies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlgolf.analysis.ablation.designs import Term

Models = Sequence[str]  # a hash of the model at each evaluation of a trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Inert:
    """Of one method on one workload. `same` of so many `pairs` of studies are alike bit for bit."""

    workload: str
    method: str
    same: int
    pairs: int


def inert_methods(
    workload: str, cells: Sequence[Term], counted: Sequence[Mapping[int, Models]]
) -> Iterator[Inert]:
    """Methods of which a pair of studies, one with it and one without, trained the same models.

    Args: counted: of each cell, by study, the models of the trial that counts. A trial of which
      some model is not known is left out.
    """
    known = {
        frozenset(cell): {study: [*models] for study, models in own.items() if _is_known(models)}
        for cell, own in zip(cells, counted, strict=True)
    }
    for method in dict.fromkeys(name for cell in cells for name in cell):
        alike = [
            models == known[cell - {method}][study]
            for cell, own in known.items() if method in cell and cell - {method} in known
            for study, models in own.items() if study in known[cell - {method}]
        ]
        if any(alike):
            yield Inert(workload=workload, method=method, same=sum(alike), pairs=len(alike))


def _is_known(models: Models) -> bool:
    return len(models) > 0 and all(models)
