"""What each of several ideas gave, when they are added one after the other in a given order.

    gained = attributed(reached, ["batch norm", "residuals"])

Costs are times or steps to one fixed result: of the recipe with none of the ideas, with the first
one, with the first two, and so on. The factor of an idea is what the cost fell by when it was
added, by geometric means over seeds, so that in every order the factors multiply to the same total.
What an idea gives depends on what is there already, so another order gives it another factor. The
mean over all orders is its Shapley value (effects.py), which needs every combination.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.ablation.effects import Effect, Responses, contrast, pooled_error
from mlgolf.analysis.intervals import CONFIDENCE
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError

Recipe = frozenset[str]  # the ideas that are on


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What one recipe took, a value for each seed.

    Args:
      costs: (seeds,), above 0; inf where the result was not reached.
      limits: (seeds,), how much was spent on it in all; what inf counts as.
    """

    costs: FloatArray
    limits: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Effects are natural logarithms of factors: above 0 the cost fell.

    `total` is of the whole order. Both have the bound "at least" where the first of the recipes
    that they compare missed the result.
    """

    order: tuple[str, ...]
    gains: tuple[Effect, ...]  # one for each idea, in the order
    total: Effect

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the logarithm of the total, by idea; they add up to 1. NaN where the total is 1."""
        whole = self.total.estimate
        return tuple(gain.estimate / whole if whole else math.nan for gain in self.gains)


def recipes_in(order: Sequence[str]) -> list[Recipe]:
    """The recipes that an order needs, from none of the ideas to all of them."""
    return [frozenset(order[:count]) for count in range(len(order) + 1)]


def attributed(
    found: Mapping[Recipe, Reached], order: Sequence[str], confidence: float = CONFIDENCE
) -> Attribution:
    """The factor of each idea where it joins in this order.

    The error is pooled over all recipes that were measured, also those of other orders.
    Raises: ScoringError for a recipe that is missing, or has a cost that is not above 0.
    """
    places = {recipe: at for at, recipe in enumerate(found)}
    needed = recipes_in(order)
    if missing := [recipe for recipe in needed if recipe not in places]:
        raise ScoringError(
            f"found no result of the recipe with {_words(missing[0], order)}, which the order "
            f"{', '.join(order)} needs. Measure it, or leave that order out"
        )
    responses = _responses(found.values())
    error = pooled_error(responses)

    def gain(ideas: Sequence[str], before: Recipe, after: Recipe) -> Effect:
        weights = np.zeros(len(places))
        weights[places[after]] += 1
        weights[places[before]] -= 1
        return contrast(tuple(ideas), responses, weights, error, confidence)

    pairs = zip(order, needed, needed[1:], strict=False)
    return Attribution(
        order=tuple(order), total=gain(order, needed[0], needed[-1]),
        gains=tuple(gain((idea,), before, after) for idea, before, after in pairs),
    )


def per_year(log_gain: float, years: float) -> float:
    """The factor of one year, where a gain took so many years; NaN for no years."""
    return math.exp(log_gain / years) if years > 0 else math.nan


def _responses(reached: Iterable[Reached]) -> Responses:
    rows = list(reached)
    seeds = max(len(row.costs) for row in rows)
    values = np.full((len(rows), seeds), np.nan)
    censored = np.zeros(values.shape, bool)
    for at, row in enumerate(rows):
        missed = np.isinf(row.costs)
        counted = np.where(missed, row.limits, row.costs)
        if not len(counted) or not (counted > 0).all():
            raise ScoringError(f"costs are above 0, one for each seed; found {counted.tolist()}")
        values[at, : len(counted)] = -np.log(counted)
        censored[at, : len(counted)] = missed
    # Seeds are drawn for each recipe by itself.
    return Responses(workload="", values=values, censored=censored, matched=False)


def _words(recipe: Recipe, order: Sequence[str]) -> str:
    return " + ".join(idea for idea in order if idea in recipe) or "none of the ideas"
