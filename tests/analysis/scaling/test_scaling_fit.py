from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers
from scaling_runs import LAW, chinchilla, on_one_ratio, runs_of, with_repeats

from mlgolf.analysis.scaling.fitting import fit_scaling_law
from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.minimise import minimise, objective
from mlgolf.core.errors import ScoringError

# Besiroglu et al. (2024), arXiv:2404.10102: estimates and standard errors of their refit.
REFIT = {"E": (1.8172, 0.03), "alpha": (0.3478, 0.02), "beta": (0.3658, 0.02)}
PUBLISHED_STARTS = np.array([*product(
    range(0, 30, 5), range(0, 30, 5), (-1, -0.5, 0, 0.5, 1), *[np.log((0.01, 0.5, 1, 1.5, 2))] * 2,
)], dtype=float)  # of exponents 0.01 for 0, which has no logarithm  # fmt: skip


@pytest.fixture(scope="module")
def refit():
    return fit_scaling_law(chinchilla().runs, draws=400)


@pytest.mark.parametrize("name", REFIT)
def test_the_chinchilla_runs_give_the_published_reanalysis(refit, name):
    published, error = REFIT[name]
    assert abs(refit.values[name] - published) < 2 * error


@pytest.mark.parametrize("name", REFIT)
def test_our_interval_holds_the_published_reanalysis(refit, name):
    low, high = refit.intervals[name]
    assert low < REFIT[name][0] < high


def test_parameters_and_tokens_grow_alike_in_the_refit(refit):
    _, (low, high) = refit.estimate(lambda law: law.params_exponent)
    assert low < 0.5 < high


def test_the_rounded_constants_of_hoffmann_fit_far_worse_than_the_unrounded(refit):
    rounded = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}
    digits = {
        "E": np.exp(0.5267228), "A": np.exp(6.0073404), "B": np.exp(6.0179186),
        "alpha": 0.33917084, "beta": 0.2849083,
    }  # fmt: skip
    both = np.stack([refit.form.theta_of(values) for values in (rounded, digits)])
    far, near = objective(refit.form, both)
    assert far > 3 * near > 3 * refit.objective


def test_no_published_start_finds_a_lower_value(refit):
    found = minimise(refit.form, PUBLISHED_STARTS[::9])
    assert found.objective.min() > refit.objective * (1 - 1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=integers(0, 1000))
def test_no_random_start_finds_a_lower_value(refit, seed):
    scale = np.array([2, 2, 0.3, 0.3, 0.3])
    starts = refit.theta + scale * np.random.default_rng(seed).standard_normal((20, 5))
    assert minimise(refit.form, starts).objective.min() > refit.objective * (1 - 1e-9)


def test_runs_without_noise_give_their_law_back():
    found = fit_scaling_law(runs_of(), draws=10)
    assert found.values == pytest.approx(
        {"E": 1.8, "A": 480, "B": 2100, "alpha": 0.35, "beta": 0.37}, rel=1e-4
    )


def test_a_unit_of_parameters_changes_nothing_but_a():
    runs = runs_of(noise=0.003)
    thousands = ScalingRuns(params=runs.params / 1000, tokens=runs.tokens, loss=runs.loss)
    one, other = (fit_scaling_law(each, draws=10).values for each in (runs, thousands))
    assert other["A"] == pytest.approx(one["A"] * 1000 ** -one["alpha"], rel=1e-4)
    assert other["beta"] == pytest.approx(one["beta"], rel=1e-5)


def test_what_is_given_is_not_fitted():
    found = fit_scaling_law(runs_of(noise=0.003), given={"E": 1.8}, draws=20)
    assert found.values["E"] == pytest.approx(1.8)
    assert "E" not in found.intervals


def test_a_lever_is_measured_as_a_factor_of_compute():
    runs = runs_of()
    on = np.arange(len(runs)) % 2.0
    root = np.sqrt(3.0) ** on
    loss = LAW.loss(runs.params * root, runs.tokens * root)
    loss = loss * np.exp(0.001 * np.random.default_rng(0).standard_normal(len(loss)))
    found = fit_scaling_law(
        ScalingRuns(params=runs.params, tokens=runs.tokens, loss=loss, levers={"moe": on}),
        draws=200,
    )
    low, high = found.intervals["moe"]
    assert low < 3 < high
    assert high / low < 1.5


def test_bits_of_weights_give_their_constant():
    runs = runs_of()
    bits = np.array([3.0, 4.0, 8.0])[np.arange(len(runs)) % 3]
    loss = LAW.loss(runs.params * -np.expm1(-bits / 2.7), runs.tokens)
    found = fit_scaling_law(
        ScalingRuns(params=runs.params, tokens=runs.tokens, loss=loss, bits={"weights": bits}),
        draws=10,
    )
    assert found.values["gamma_weights"] == pytest.approx(2.7, rel=1e-3)


def test_repeats_give_their_constants():
    found = fit_scaling_law(with_repeats(), given=asdict(LAW), draws=10)
    assert found.values["R_D"] == pytest.approx(15, rel=1e-3)
    assert found.values["R_N"] == pytest.approx(5, rel=1e-3)


def test_the_law_of_data_seen_once_is_fitted_to_the_runs_that_repeat_nothing():
    found = fit_scaling_law(with_repeats(noise=0.003), draws=10)
    assert found.first_stage is not None
    assert len(found.first_stage.form.runs) == 16
    assert found.values["alpha"] == found.first_stage.values["alpha"]


def test_what_the_first_stage_does_not_know_is_in_the_intervals():
    runs = with_repeats(noise=0.003)
    found = fit_scaling_law(runs, draws=100)
    held = {name: found.values[name] for name in ("E", "A", "B", "alpha", "beta")}
    sure = fit_scaling_law(runs, given=held, draws=100)
    assert found.intervals["alpha"][0] < 0.35 < found.intervals["alpha"][1]
    assert width(found.intervals["R_D"]) > width(sure.intervals["R_D"])


def width(interval):
    return interval[1] - interval[0]


def test_what_the_first_stage_does_not_identify_is_said():
    runs = with_repeats(noise=0.003)  # of which data are plenty, so B and beta hardly matter
    plenty = replace(
        runs, tokens=1e6 * runs.tokens, unique_tokens=1e6 * runs.unique_tokens,
        loss=LAW.E + 480 * runs.params**-0.35 * np.exp(
            0.01 * np.random.default_rng(0).standard_normal(len(runs))
        ),
    )  # fmt: skip
    assert {"B", "beta"} & {*fit_scaling_law(plenty, draws=50).not_identified}


def test_what_runs_do_not_tell_is_not_identified():
    runs = runs_of(noise=0.01)  # of which data are plenty everywhere, so B and beta hardly matter
    plenty = ScalingRuns(
        params=runs.params, tokens=1e6 * runs.tokens, loss=runs.loss - 2100 * runs.tokens**-0.37
    )
    found = fit_scaling_law(plenty, draws=100)
    assert {"B", "beta"} & {*found.not_identified}


def test_what_the_chinchilla_runs_tell_is_all_identified(refit):
    assert refit.not_identified == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (slice(0, 5), "found 5 runs, and 5 parameters"),
        (np.arange(30) % 5 < 2, "params: found 2 different values, A and alpha need 3"),
        (np.arange(30) < 10, "tokens: found 2 different values"),
    ],
)
def test_runs_that_cannot_tell_are_refused(rows, message):
    chosen = np.arange(30)[rows]
    with pytest.raises(ScoringError, match=message):
        fit_scaling_law(runs_of().of(chosen), draws=10)


def test_a_lever_that_is_always_on_is_refused():
    runs = runs_of()
    on = ScalingRuns(
        params=runs.params, tokens=runs.tokens, loss=runs.loss, levers={"x": np.ones(len(runs))}
    )
    with pytest.raises(ScoringError, match="x: found 1 in all runs"):
        fit_scaling_law(on, draws=10)


def test_runs_of_one_ratio_of_tokens_to_parameters_are_refused():
    with pytest.raises(ScoringError, match=r"change together .* is 1\.000"):
        fit_scaling_law(on_one_ratio(), draws=10)


def test_runs_of_one_ratio_tell_the_rest_once_an_exponent_is_given():
    found = fit_scaling_law(on_one_ratio(noise=0), given={"alpha": 0.35, "E": 1.8}, draws=10)
    assert found.values["beta"] == pytest.approx(0.37, rel=0.01)


@pytest.mark.parametrize(
    ("given_values", "message"),
    [
        ({"A": -1}, "A: found -1, allowed is a number above 0"),
        ({"E": -1}, "E: found -1, allowed is 0 or more"),
        ({"alpha": np.inf}, "alpha: found inf"),
    ],
)
def test_a_given_value_that_no_law_has_is_refused(given_values, message):
    with pytest.raises(ScoringError, match=message):
        fit_scaling_law(runs_of(), given=given_values, draws=10)


def test_a_floor_of_nothing_may_be_given():
    assert fit_scaling_law(runs_of(noise=0.003), given={"E": 0}, draws=10).values["E"] == 0
