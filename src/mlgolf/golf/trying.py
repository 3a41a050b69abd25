"""A model judged as the referee tried it, where no trial is played."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.host_measure import measured_by, scored
from mlgolf.core.quantities import quantity, value_in
from mlgolf.core.rules import Rules, WorkloadRules
from mlgolf.core.target import Target
from mlgolf.referee.evaluate import Evaluator

Arrays = Mapping[str, NDArray]


class Trying:
    """The rules of one workload beside the referee's evaluator."""

    def __init__(self, evaluator: Evaluator, rules: Rules, row: WorkloadRules) -> None:
        self._evaluator, self.rules, self.row = evaluator, rules, row
        used = [measured_by(rules, quantity(name)) for name in sorted(rules.used_quantities)]
        self._used = [q for q in used if not q.accumulates]
        # Of models, not of trials: what is used up while one runs is left out.
        self.bounds = [b for b in rules.targets(row) if not quantity(b.metric).accumulates]

    @property
    def metric_names(self) -> list[str]:
        """What the workload measures."""
        return self._evaluator.metric_names

    @property
    def fit_bounds(self) -> list[Target]:
        """Bounds on what a model makes of examples, not on its weights."""
        return [bound for bound in self.bounds if not quantity(bound.metric).is_of_the_model]

    @cached_property
    def zeros(self) -> Arrays:
        return {name: np.zeros_like(array) for name, array in self.untrained(0).items()}

    def untrained(self, seed: int) -> Arrays:
        return self._evaluator.untrained(seed)

    def losses(self, arrays: Arrays) -> NDArray:
        """(examples,), of the training data."""
        return self._evaluator.losses(arrays, "train")

    def values(self, arrays: Arrays) -> dict[str, float]:
        """All quantities that the rules use, of one model."""
        columns = {q.name: q.column_for(self.row.metric) for q in self._used}
        asked = {column.partition("/")[0] for column in columns.values()}
        splits = [split for split in self._evaluator.splits if split in asked]
        metrics = self._evaluator.evaluate(arrays, splits) | self.measures(arrays)
        return {name: metrics.get(column, np.nan) for name, column in columns.items()}

    def measures(self, arrays: Arrays) -> dict[str, float]:
        """What the rules use of the weights themselves, by column."""
        parameters = scored(self.rules, self._evaluator.parameters(arrays))
        return {
            q.column_for(self.row.metric): value_in(q, parameters) for q in self._used if q.measure
        }
