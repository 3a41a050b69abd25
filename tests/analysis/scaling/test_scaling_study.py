from dataclasses import replace

import numpy as np
import pytest
from scaling_runs import LAW, runs_of, with_repeats

from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.law import ScalingLaw, Sizes
from mlgolf.analysis.scaling.study import study
from mlgolf.api.scaling import FittedLaw


def plenty_of_data() -> ScalingRuns:
    """So that B and beta hardly matter."""
    runs = runs_of(noise=0.003)
    return ScalingRuns(
        params=runs.params, tokens=1e6 * runs.tokens, loss=runs.loss - 2100 * runs.tokens**-0.37
    )


@pytest.fixture(scope="module")
def untold():
    return FittedLaw(study(plenty_of_data(), draws=100))


def test_a_fit_that_does_not_tell_the_exponents_gives_no_best_sizes(untold):
    found = untold.as_json()
    assert found["budgets"] == []
    assert np.isnan(found["optimal"]["a"])


def test_a_fit_that_does_not_tell_the_exponents_says_so_first(untold):
    first = next(iter(untold._lines()))
    assert first.startswith("No best sizes:")
    assert "not identified" in first


def test_what_ran_away_has_no_number(untold):
    fit = untold.study.fit
    shown = {name: value for name, value, *_ in untold._tables()[0][2]}
    for name in fit.ran_away:
        assert untold.as_json()[name] is None
        assert shown[name] == "not identified"


def test_a_best_size_on_more_tokens_than_any_run_saw_is_beyond_the_runs():
    params, tokens = (
        grid.ravel() for grid in np.meshgrid(np.geomspace(1e7, 1e10, 5), [1e9, 1.7e9, 3e9])
    )
    runs = ScalingRuns(params=params, tokens=tokens, loss=LAW.loss(params, tokens))
    most = 6 * params.max() * tokens.max()
    found, = study(runs, budgets=[most], draws=20).budgets
    assert found.extrapolation_decades == pytest.approx(np.log10(found.tokens / 3e9))
    assert found.extrapolation_decades > 0.5


def test_budgets_of_repeated_data_have_the_doubt_of_the_law_of_data_seen_once():
    found, = study(with_repeats(noise=0.003), budgets=[1e22], draws=100).budgets
    low, high = found.loss_interval
    assert low < found.loss < high


def test_a_choice_that_leaves_too_few_runs_is_named():
    runs = runs_of(noise=0.003).of(np.array([0, 1, 2, 7, 14, 21]))
    found = study(runs, draws=10)
    assert found.variants[0].why_not.startswith("found 5 runs, and 5 parameters")


def test_budgets_of_a_lever_fit_say_of_which_level_they_are():
    runs = runs_of(noise=0.003)
    on = np.arange(len(runs)) % 2.0
    found = FittedLaw(study(replace(runs, levers={"moe": on}), sizes=[Sizes(1e9, 1e10)], draws=20))
    titles = [title for title, *_ in found._tables()]
    assert "what compute buys, at moe = 0" in titles
    assert "predicted runs, at moe = 0" in titles
    assert found.as_json()["levels"] == {"moe": 0}


def test_a_floor_that_the_fit_moved_to_nothing_is_shown_as_0():
    law = ScalingLaw(E=0, A=480, B=2100, alpha=0.2, beta=0.2)
    found = FittedLaw(study(runs_of(law, noise=0.01), draws=50))
    row, = (row for row in found._tables()[0][2] if row[0] == "E")
    assert row[2].startswith("0 to ")
