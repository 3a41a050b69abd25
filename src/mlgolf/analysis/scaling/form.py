"""What a fit has for parameters, and the log loss that they predict for runs, with its slopes.

The base is Hoffmann's law in E, A, B, alpha and beta. Runs that also tell something else add to it:

- `bits` of weights, activations or the cache: N counts by a share 1 - exp(-bits / gamma), one
  gamma for each kind. Source: Kumar et al. (2024), https://arxiv.org/abs/2411.04330.
- `unique_tokens`: repeated tokens, and parameters beyond those that the unique tokens are best
  for, fade with the constants R_D and R_N. The base is then the law of data seen once, which says
  what they are best for, and is held. Source: Muennighoff et al. (2023),
  https://arxiv.org/abs/2305.16264, section 3.
- `levers`, anything that was switched on (1) or set to a number: each multiplies effective compute
  by its m^x, and so N and D by the root of it, whatever the scale.

All are fitted as logarithms: they are positive, and some span decades.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mlgolf.analysis.scaling.law import ScalingLaw
from mlgolf.core.arrays import BoolArray, FloatArray, IntArray

BASE = ("A", "B", "E", "alpha", "beta")
GAMMA, FADING = "gamma_", ("R_D", "R_N")  # names of what a form has besides, and levers
BITS = ("weights", "activations", "cache")
ONCE = 1.001  # tokens per unique token: up to it, data count as seen once


@dataclass(frozen=True, kw_only=True, eq=False)
class ScalingRuns:
    """One array entry per run; a run is trained to the end of its own schedule."""

    params: FloatArray
    tokens: FloatArray  # seen, repeats included
    loss: FloatArray  # nats per token, of data that were not trained on
    unique_tokens: FloatArray | None = None
    bits: Mapping[str, FloatArray] = field(default_factory=dict)  # of BITS; 32 is full precision
    levers: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def seen_once(self) -> BoolArray:
        """(runs,): which saw no token twice."""
        unique = self.tokens if self.unique_tokens is None else self.unique_tokens
        return self.tokens <= ONCE * unique

    def of(self, rows: IntArray | BoolArray) -> "ScalingRuns":
        """Args: rows: a mask, or numbers of rows."""
        unique = self.unique_tokens
        return ScalingRuns(
            params=self.params[rows], tokens=self.tokens[rows], loss=self.loss[rows],
            unique_tokens=None if unique is None else unique[rows],
            bits={name: values[rows] for name, values in self.bits.items()},
            levers={name: values[rows] for name, values in self.levers.items()},
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Form:
    """A law of certain runs. `theta`: its parameters as they are fitted, see `names`."""

    runs: ScalingRuns

    @cached_property
    def names(self) -> tuple[str, ...]:
        repeats = FADING if self.runs.unique_tokens is not None else ()
        return (*BASE, *(f"{GAMMA}{kind}" for kind in self.runs.bits), *repeats, *self.runs.levers)

    @cached_property
    def log_loss(self) -> FloatArray:
        return np.log(self.runs.loss)

    def values(self, theta: FloatArray) -> dict[str, FloatArray]:
        """Args: theta: (..., parameters). Returns: E, A … themselves, each (...)."""
        return {name: np.exp(theta[..., at]) for at, name in enumerate(self.names)}

    def theta_of(self, values: Mapping[str, float]) -> FloatArray:
        """The inverse; NaN for what has no value."""
        return np.log([values.get(name, np.nan) for name in self.names])

    def law(self, theta: FloatArray) -> ScalingLaw:
        """Of runs at full precision, on data that are not repeated, without levers."""
        values = self.values(theta)
        return ScalingLaw(**{name: values[name] for name in BASE})

    def predicted(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Args: theta: (fits, parameters).

        Returns: log of the loss (fits, runs), and its slopes (fits, parameters, runs). Where data
          are repeated, slopes of the base take what is useful as given.
        """
        log_params, params_slopes = self._log_params(theta)
        log_tokens, tokens_slopes = self._log_tokens(theta)
        log_a, log_b, log_e = (theta[:, at, None] for at in range(3))
        alpha, beta = np.exp(theta[:, 3, None]), np.exp(theta[:, 4, None])
        of_params, of_tokens = log_a - alpha * log_params, log_b - beta * log_tokens
        # The largest term is taken out first, so that exp neither overflows nor loses all of them.
        largest = np.maximum(np.maximum(of_params, of_tokens), log_e)
        share_params, share_tokens = np.exp(of_params - largest), np.exp(of_tokens - largest)
        share_rest = np.exp(log_e - largest)
        total = share_params + share_tokens + share_rest
        share_params, share_tokens = share_params / total, share_tokens / total
        slopes = np.zeros((len(theta), len(self.names), len(self.runs)))
        slopes[:, 0], slopes[:, 1] = share_params, share_tokens
        slopes[:, 2] = share_rest / total
        slopes[:, 3] = -alpha * share_params * log_params
        slopes[:, 4] = -beta * share_tokens * log_tokens
        for name, slope in params_slopes.items():
            slopes[:, self.names.index(name)] -= alpha * share_params * slope
        for name, slope in tokens_slopes.items():
            slopes[:, self.names.index(name)] -= beta * share_tokens * slope
        return largest + np.log(total), slopes

    def _log_params(self, theta: FloatArray) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Effective parameters, (fits or 1, runs), and their slopes by parameter of the fit."""
        found, slopes = np.log(self.runs.params)[None, :], {}
        if self.runs.unique_tokens is not None:
            useful = self._useful_params(theta, self.runs.unique_tokens)
            found, slopes["R_N"] = self._faded(theta, "R_N", useful, found)
        for kind, bits in self.runs.bits.items():
            ratio = bits / np.exp(self._column(theta, f"{GAMMA}{kind}"))
            share = -np.expm1(-ratio)
            found = found + np.log(share)
            slopes[f"{GAMMA}{kind}"] = -ratio * np.exp(-ratio) / share
        return self._with_levers(theta, found, slopes)

    def _log_tokens(self, theta: FloatArray) -> tuple[FloatArray, dict[str, FloatArray]]:
        found, slopes = np.log(self.runs.tokens)[None, :], {}
        if self.runs.unique_tokens is not None:
            found, slopes["R_D"] = self._faded(theta, "R_D", self.runs.unique_tokens, found)
        return self._with_levers(theta, found, slopes)

    def _with_levers(
        self, theta: FloatArray, found: FloatArray, slopes: dict[str, FloatArray]
    ) -> tuple[FloatArray, dict[str, FloatArray]]:
        for lever, setting in self.runs.levers.items():
            found = found + self._column(theta, lever) * setting / 2
            slopes[lever] = setting[None, :] / 2
        return found, slopes

    def _useful_params(self, theta: FloatArray, unique_tokens: FloatArray) -> FloatArray:
        """U_N, (fits, runs): parameters up to those that the unique tokens are best for."""
        with np.errstate(over="ignore"):  # of a law that ran away: as many as there are, or one
            best = self.law(theta[:, None, :]).params_for(unique_tokens)
        return np.clip(best, 1.0, self.runs.params)

    def _faded(
        self, theta: FloatArray, name: str, once: FloatArray, log_all: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """What counts fully up to `once`, and beyond that less and less."""
        fading = np.exp(self._column(theta, name))
        repeats = np.exp(log_all) / once - 1
        ratio = repeats / fading
        counted = 1 - fading * np.expm1(-ratio)
        slope = -fading * (np.expm1(-ratio) + ratio * np.exp(-ratio)) / counted
        return np.log(once) + np.log(counted), slope

    def _column(self, theta: FloatArray, name: str) -> FloatArray:
        return theta[:, self.names.index(name), None]
