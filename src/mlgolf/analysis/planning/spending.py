"""The best parameters and tokens for an amount of compute, under what else there is of data.

    min over N of L(N, D),   6 N D + 2 N D_inference = C

With unique tokens given, tokens beyond them are repeats: worth less by the fit's R_D, or, where it
has none, not used at all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.analysis.scaling.law import INFERENCE_FLOP, TRAINING_FLOP, ScalingLaw, Sizes
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError

SMALLEST, LARGEST = math.log(1e3), math.log(1e15)  # of parameters
PLACES = 300  # of the first grid
GOLDEN = (math.sqrt(5) - 1) / 2
CUTS = 30  # each leaves 0.62 of the interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a plan is for, besides its budget."""

    inference_tokens: float = 0.0  # over the life of the model
    unique_tokens: float = math.inf
    repeats_worth: float = 0.0  # R_D of the fit; 0: no repeats
    most_params: float = math.inf  # that fit where the model has to run

    def __post_init__(self) -> None:
        """Raises: ScoringError for numbers of tokens that cannot be."""
        if not (self.inference_tokens >= 0 and math.isfinite(self.inference_tokens)):
            raise ScoringError(
                f"inference tokens: found {self.inference_tokens:g}, allowed is a number, 0 or "
                "more: how many tokens the same budget has to answer with"
            )
        if not self.unique_tokens > 0:
            raise ScoringError(
                f"unique tokens: found {self.unique_tokens:g}, allowed is a number above 0: how "
                "many there are to train on"
            )

    def counted(self, tokens: FloatArray) -> FloatArray:
        """Tokens by what they are worth: repeats fade as in Muennighoff et al. (2023)."""
        if math.isinf(self.unique_tokens):
            return tokens
        once = np.minimum(tokens, self.unique_tokens)
        if self.repeats_worth == 0:
            return once
        repeats = np.maximum(tokens / self.unique_tokens - 1, 0)
        worth = -self.repeats_worth * np.expm1(-repeats / self.repeats_worth)
        return once + self.unique_tokens * worth

    def seen(self, tokens: FloatArray) -> FloatArray:
        """Of the tokens that compute allows, those that are trained on."""
        return tokens if self.repeats_worth else np.minimum(tokens, self.unique_tokens)

    def tokens_for(
        self, params: FloatArray, flop: FloatArray, most: FloatArray | float = math.inf
    ) -> FloatArray:
        """What the compute allows besides requests; 0 where those take all of it.

        Args: most: of `flop`, that training can take.
        """
        left = flop - INFERENCE_FLOP * params * self.inference_tokens
        return np.clip(left, 0, most) / (TRAINING_FLOP * params)


ANY = Demand()  # nothing besides the budget


def best_sizes(
    law: ScalingLaw, flop: FloatArray, demand: Demand, *,
    most_params: FloatArray | float = math.inf, most_flop: FloatArray | float = math.inf,
    counting: FloatArray | float = 1.0,
) -> Sizes:
    """Args:
      law: of numbers.
      flop, most_params: (budgets,).
      most_flop: that training can take, (budgets,).
      counting: the share of parameters that counts, (budgets,).
    Returns: arrays (budgets,).
    """
    most = np.minimum(np.broadcast_to(most_params, flop.shape), demand.most_params)
    share, in_time = (np.broadcast_to(value, flop.shape) for value in (counting, most_flop))
    if demand.inference_tokens == 0 and math.isinf(demand.unique_tokens):
        counted = replace(law, A=law.A * share**-law.alpha)
        spent = np.minimum(flop, in_time)
        params = np.minimum(counted.best_for(spent).params, most)  # a loss falls up to its best
        return Sizes(params, spent / (TRAINING_FLOP * params))

    def loss(log_params: FloatArray) -> FloatArray:
        shape = (-1, *[1] * (log_params.ndim - 1))
        params = np.exp(log_params)
        tokens = demand.tokens_for(params, flop.reshape(shape), in_time.reshape(shape))
        with np.errstate(divide="ignore"):  # no tokens: inf
            return np.asarray(law.loss(share.reshape(shape) * params, demand.counted(tokens)))

    high = np.log(np.clip(most, math.exp(SMALLEST), math.exp(LARGEST)))
    params = np.exp(lowest(loss, np.full_like(high, SMALLEST), high))
    return Sizes(params, demand.seen(demand.tokens_for(params, flop, in_time)))


def lowest(
    function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray
) -> FloatArray:
    """Where functions of one variable are lowest: a grid, then golden sections about its best.

    Args: function: takes (functions,) or (functions, places). Returns: (functions,).
    """
    places = np.linspace(low, high, PLACES, axis=1)
    at = np.argmin(function(places), axis=1)
    rows = np.arange(len(places))
    left, right = places[rows, np.maximum(at - 1, 0)], places[rows, np.minimum(at + 1, PLACES - 1)]
    for _ in range(CUTS):
        first, second = right - GOLDEN * (right - left), left + GOLDEN * (right - left)
        is_left = function(first) < function(second)
        left, right = np.where(is_left, left, first), np.where(is_left, second, right)
    return (left + right) / 2
