import math

import numpy as np
import pytest

from mlgolf.analysis.progress.perplexity import perplexity_trend
from mlgolf.core.errors import ScoringError

GAIN, YEARLY = 0.1, 0.1


def models(seed, number=60, noise=0.1, gain=GAIN, yearly=YEARLY):
    rng = np.random.default_rng(seed)
    years = rng.uniform(2013, 2023, number)
    compute = np.exp(rng.normal(40 + 0.5 * (years - 2013), 2))
    loss = 8 - gain * np.log(compute) - yearly * (years - years.min())
    return years, compute, loss + noise * rng.standard_normal(number)


def test_without_noise_the_fit_is_the_truth():
    found = perplexity_trend(*models(0, noise=1e-9), draws=50)
    assert (found.intercept, found.gain, found.yearly) == pytest.approx((8, GAIN, YEARLY))
    assert found.doubling_months == pytest.approx(12 * math.log(2))


def test_the_factor_is_the_doublings_of_the_span():
    found = perplexity_trend(*models(1), draws=50)
    assert found.factor == pytest.approx(2 ** (12 * found.span / found.doubling_months))


def test_it_does_not_depend_on_the_unit_of_compute():
    years, compute, loss = models(2)
    one = perplexity_trend(years, compute, loss, draws=200)
    other = perplexity_trend(years, compute * 1e-15, loss, draws=200)
    assert other.doubling_months == pytest.approx(one.doubling_months)
    assert other.interval == pytest.approx(one.interval)


def test_its_interval_holds_the_truth_in_about_95_of_100_simulations():
    found = [perplexity_trend(*models(seed, 30), draws=300).interval for seed in range(150)]
    assert 0.89 <= np.mean([low <= 12 * math.log(2) <= high for low, high in found]) <= 0.995


def test_its_band_holds_the_true_line_in_about_95_of_100_simulations():
    held = []
    for seed in range(200):
        years, compute, loss = models(seed, 30)
        fit, at = perplexity_trend(years, compute, loss, draws=10), np.array([2014.0, 2022.0])
        line = fit.intercept - fit.gain * 40 - fit.yearly * (at - years.min())
        truth = 8 - GAIN * 40 - YEARLY * (at - years.min())
        held.append(np.abs(line - truth) <= fit.half_width(at, 40.0))
    assert 0.91 <= np.mean(held) <= 0.985


def test_where_there_may_be_no_progress_the_interval_has_no_end():
    found = perplexity_trend(*models(3, yearly=0.0), draws=300)
    assert found.interval[1] == math.inf


def test_compute_that_rises_with_the_date_alone_tells_nothing():
    years = np.arange(2013.0, 2023.0)
    with pytest.raises(ScoringError, match="date and compute rise together"):
        perplexity_trend(years, np.exp(years - 2000), -years)


def test_few_entries_are_refused():
    with pytest.raises(ScoringError, match=r"found 5 entries; .* need 6"):
        perplexity_trend(*(values[:5] for values in models(4)))
