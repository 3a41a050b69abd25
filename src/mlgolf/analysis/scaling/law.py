"""The loss of N parameters trained on D tokens, and the N and D that a budget is best spent on.

    L(N, D) = E + A / N^alpha + B / D^beta,    C = 6 N D

C is training FLOP, a multiply-add counted as two; E, A and B are in nats per token. The constants
may be arrays, one law per draw of a bootstrap: all functions broadcast.

Source: Hoffmann et al. (2022), https://arxiv.org/abs/2203.15556, section 3.3.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mlgolf.core.arrays import FloatArray

TRAINING_FLOP = 6  # per parameter and token, forward and backward
INFERENCE_FLOP = 2  # forward alone

Numbers = float | FloatArray


class Sizes(NamedTuple):
    """What is trained: a number of parameters on a number of tokens."""

    params: Numbers
    tokens: Numbers

    @property
    def flop(self) -> Numbers:
        return TRAINING_FLOP * self.params * self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingLaw:
    """E is what no model and no data remove; A / N^alpha is for lack of parameters, B of data."""

    E: Numbers
    A: Numbers
    B: Numbers
    alpha: Numbers
    beta: Numbers

    @property
    def params_exponent(self) -> Numbers:
        """a: the best number of parameters grows as C^a. Chinchilla's rule is a near 0.5."""
        return self.beta / (self.alpha + self.beta)

    @property
    def tokens_exponent(self) -> Numbers:
        """b = 1 - a."""
        return self.alpha / (self.alpha + self.beta)

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        return self.E + self.A * params**-self.alpha + self.B * tokens**-self.beta

    def best_for(self, flop: Numbers) -> Sizes:
        """Of least loss for this much training compute."""
        products = flop / TRAINING_FLOP
        params = self._balance * products**self.params_exponent
        return Sizes(params, products / params)

    def params_for(self, tokens: Numbers) -> Numbers:
        """How many parameters are best trained on so many tokens: the inverse of `best_for`."""
        return self._balance * (self._balance * tokens) ** (self.beta / self.alpha)

    @property
    def _balance(self) -> Numbers:
        """G of the paper, in its equation 4."""
        log_ratio = np.log(self.alpha / self.beta) + np.log(self.A) - np.log(self.B)
        return np.exp(log_ratio / (self.alpha + self.beta))

    def with_compute(self, factor: Numbers) -> "ScalingLaw":
        """Where compute does what takes `factor` times as much without: N and D count by its root.

        So a lever of a fit enters, too, whatever the scale.
        """
        return replace(
            self, A=self.A * factor ** (-self.alpha / 2), B=self.B * factor ** (-self.beta / 2)
        )

    def tokens_for(self, params: Numbers, loss: Numbers) -> Numbers:
        """The tokens that such a model needs to reach a loss; inf where it never does."""
        lacking = np.asarray(loss - self.E - self.A * params**-self.alpha, dtype=float)
        needed = np.full_like(lacking, np.inf)
        np.divide(self.B, lacking, out=needed, where=lacking > 0)
        return needed ** (1 / self.beta)
