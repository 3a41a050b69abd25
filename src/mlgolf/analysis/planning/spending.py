"""The best parameters and tokens for an amount of compute, under what else there is of data.

    min over N of L(N, D),   6 N D + 2 N D_inference = C

With unique tokens given, tokens beyond them are repeats, and parameters beyond those that so many
tokens are best for are in excess: both are worth less and less, by R_D and R_N of the fit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.analysis.scaling.law import INFERENCE_FLOP, TRAINING_FLOP, Numbers, ScalingLaw, Sizes
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
    repeats_worth: Numbers = 0.0  # R_D; 0: no repeats. An array: draws of a fit
    excess_worth: Numbers = math.inf  # R_N; inf: all parameters count
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
        if np.all(self.repeats_worth == 0):
            return np.minimum(tokens, self.unique_tokens)
        return _faded(tokens, self.unique_tokens, self.repeats_worth)

    def useful(self, law: ScalingLaw, params: FloatArray) -> FloatArray:
        """Parameters by what they are worth, of the same paper."""
        if math.isinf(self.unique_tokens) or np.all(np.isinf(self.excess_worth)):
            return params
        best = np.maximum(law.params_for(self.unique_tokens), 1.0)
        return _faded(params, best, self.excess_worth)

    def loss(
        self, law: ScalingLaw, params: FloatArray, tokens: FloatArray, counting: Numbers = 1.0
    ) -> FloatArray:
        """Of a model that sees so many tokens. Args: counting: the share of useful parameters."""
        return np.asarray(law.loss(counting * self.useful(law, params), self.counted(tokens)))

    def seen(self, tokens: FloatArray) -> FloatArray:
        """Of the tokens that compute allows, those that are trained on."""
        none = np.all(self.repeats_worth == 0)
        return np.minimum(tokens, self.unique_tokens) if none else tokens

    def tokens_for(
        self, params: FloatArray, flop: FloatArray, most: FloatArray | float = math.inf
    ) -> FloatArray:
        """What the compute allows besides requests; 0 where those take all of it.

        Args: most: of `flop`, that training can take.
        """
        left = flop - INFERENCE_FLOP * params * self.inference_tokens
        return np.clip(left, 0, most) / (TRAINING_FLOP * params)


def _faded(amount: FloatArray, once: Numbers, worth: Numbers) -> FloatArray:
    """What counts fully up to `once`, and beyond that less and less."""
    repeats = np.maximum(amount / once - 1, 0)
    return np.minimum(amount, once) - once * worth * np.expm1(-repeats / worth)


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
            return demand.loss(law, params, tokens, share.reshape(shape))

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
