"""Progress of language models that reach different losses, each with its own compute.

    log perplexity = c - g ln(compute) - d (year - first year)

d / g is how fast the logarithm of the compute falls that gives the same loss: what algorithms have
multiplied compute by doubles every 12 ln(2) g / d months. The interval is Fieller's, of a ratio of
two coefficients, with the quantile of |T| from a bootstrap over entries rather than from a normal
distribution; it is open above where no progress at all cannot be excluded.

Source: Ho et al. (2024), arXiv:2403.05812; Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.progress.dates import MONTHS
from mlgolf.analysis.progress.trend import NONE
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError

DRAWS = 4000
FEWEST = 6  # entries, for three coefficients and an interval
PARALLEL = 1e-8  # of the least singular value to the largest, below which columns say the same


@dataclass(frozen=True, slots=True, kw_only=True)
class PerplexityTrend:
    intercept: float  # c, at the first year
    gain: float  # g: per factor e of compute
    yearly: float  # d: per year at the same compute
    interval: Interval  # of the doubling time, in months
    span: float  # years
    residual: float  # standard deviation about the fit
    center: tuple[float, float] = (0.0, 0.0)  # mean log compute, mean year
    covariance: FloatArray = field(  # of the value at the center, g and d
        default_factory=lambda: np.full((3, 3), np.nan), repr=False, compare=False
    )
    entries: int = 0

    def half_width(
        self, years: FloatArray, log_compute: float, confidence: float = CONFIDENCE
    ) -> FloatArray:
        """Of the fit's band at one compute, in log perplexity, by quantiles of t."""
        at = np.stack([
            np.ones(len(years)), np.full(len(years), self.center[0] - log_compute),
            self.center[1] - years,
        ])  # fmt: skip
        error = np.sqrt(np.einsum("iy,ij,jy->y", at, self.covariance, at))
        return float(stats.t.ppf((1 + confidence) / 2, self.entries - 3)) * error

    @property
    def doubling_months(self) -> float:
        """NaN where the fit has no progress, or compute that gains nothing."""
        rising = self.gain > 0 and self.yearly > 0
        return float(MONTHS * np.log(2) * self.gain / self.yearly) if rising else np.nan

    @property
    def factor(self) -> float:
        """What algorithms multiplied compute by, from the first year to the last."""
        return float(2 ** (MONTHS * self.span / self.doubling_months))


def perplexity_trend(
    years: FloatArray, compute: FloatArray, log_perplexity: FloatArray, *,
    confidence: float = CONFIDENCE, draws: int = DRAWS, seed: int = 0,
) -> PerplexityTrend:
    """Args: years, compute, log_perplexity: (entries,).

    Raises: ScoringError where the entries do not tell progress from compute.
    """
    if len(years) < FEWEST:
        raise ScoringError(
            f"found {len(years)} entries; compute and date need {FEWEST} at least to be told apart"
        )
    design = np.stack([
        np.ones(len(years)), -(np.log(compute) - np.log(compute).mean()),
        -(years - years.mean()),
    ], axis=-1)  # fmt: skip
    sizes = np.linalg.svd(design / np.linalg.norm(design, axis=0).clip(1e-300), compute_uv=False)
    if sizes[-1] < PARALLEL * sizes[0]:
        raise ScoringError(
            "date and compute rise together in these entries, so that progress cannot be told from "
            "compute. Add entries of one year with different compute"
        )
    fit, covariance = _least_squares(design[None], log_perplexity[None])
    (mean, gain, yearly), residuals = fit[0], log_perplexity - design @ fit[0]
    drawn = _drawn_t(design, log_perplexity, gain / yearly, draws, seed)
    limit = float(np.quantile(np.abs(drawn), confidence))
    low, high = _fieller(gain, yearly, covariance[0][1:, 1:], limit)
    months = MONTHS * np.log(2)
    return PerplexityTrend(
        intercept=float(
            mean + gain * np.log(compute).mean() + yearly * (years.mean() - years.min())
        ),
        gain=float(gain), yearly=float(yearly),
        interval=(float(low * months), float(high * months)),
        span=float(np.ptp(years)),
        residual=float(np.sqrt(residuals @ residuals / (len(years) - 3))),
        center=(float(np.log(compute).mean()), float(years.mean())), covariance=covariance[0],
        entries=len(years),
    )  # fmt: skip


def _least_squares(design: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients and covariances of many draws. Args: (draws, entries, 3), (draws, entries)."""
    transposed = design.swapaxes(-1, -2)
    inverse = np.linalg.pinv(transposed @ design)
    fit = (inverse @ transposed @ values[..., None])[..., 0]
    left = values - (design @ fit[..., None])[..., 0]
    variance = (left**2).sum(axis=-1) / (design.shape[-2] - design.shape[-1])
    return fit, inverse * variance[:, None, None]


def _drawn_t(
    design: FloatArray, values: FloatArray, ratio: float, draws: int, seed: int
) -> FloatArray:
    """(draws,): (g - ratio d) over its standard error, of entries drawn with replacement."""
    chosen = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    fit, covariance = _least_squares(design[chosen], values[chosen])
    weights = np.array([0.0, 1.0, -ratio])
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (fit @ weights) / np.sqrt(np.einsum("i,nij,j->n", weights, covariance, weights))
    return drawn[np.isfinite(drawn)]


def _fieller(gain: float, yearly: float, covariance: FloatArray, limit: float) -> Interval:
    """Ratios r = g / d with |g - r d| <= limit x its standard error, none below 0."""
    square = limit**2
    a = yearly**2 - square * covariance[1, 1]
    b = gain * yearly - square * covariance[0, 1]
    c = gain**2 - square * covariance[0, 0]
    inside = b**2 - a * c
    if a > 0:
        root = np.sqrt(max(inside, 0.0))
        low, high = (b - root) / a, (b + root) / a
        return (max(low, 0.0), high) if high > 0 else NONE
    if gain <= 0:
        return NONE
    # All ratios but those between two roots: if one alone is above 0, from there on.
    root = np.sqrt(inside) if inside > 0 and a < 0 else np.nan
    first, second = sorted(((b - root) / a, (b + root) / a)) if root > 0 else (0.0, 0.0)
    return (second if first <= 0 < second else 0.0), np.inf
