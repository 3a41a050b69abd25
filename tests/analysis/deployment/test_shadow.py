import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.analysis.deployment.shadow import log_wealth, shadow
from mlgolf.core.errors import DeploymentError


def answers(seed, requests, old, new):
    rng = np.random.default_rng(seed)
    return (rng.random(requests) < old) * 1.0, (rng.random(requests) < new) * 1.0


def test_a_better_model_may_replace_the_old_one():
    found = shadow(*answers(0, 3000, 0.80, 0.88))
    assert found.decision == "switch"
    assert found.at < 3000
    assert found.interval[0] <= 0.08 <= found.interval[1]


@pytest.mark.parametrize("gap", [[0.0], [0.1, -0.1, 0.03], [0.0, -0.03]])
def test_the_requests_that_are_still_needed_decide_if_the_stream_goes_on_as_it_did(gap):
    half = np.full(300, 0.5)
    found = shadow(half, half + np.resize(gap, 300), margin=0.01)
    assert found.decision == "go on"
    more = found.more + 3  # a round of the stream
    longer = np.full(300 + more, 0.5)
    again = shadow(longer, longer + np.resize(gap, len(longer)), margin=0.01)
    assert again.decision != "go on"
    assert again.at >= 300 + found.more - 3


def test_a_worse_model_is_rolled_back():
    assert shadow(*answers(0, 3000, 0.88, 0.80)).decision == "roll back"


def test_an_equal_model_may_switch_if_a_margin_is_allowed():
    assert shadow(*answers(0, 4000, 0.9, 0.9)).decision == "go on"
    assert shadow(*answers(0, 4000, 0.9, 0.9), margin=0.05).decision == "switch"


def test_equal_models_are_told_apart_in_5_percent_of_streams_at_most_though_one_always_looks():
    wrong = 0
    for seed in range(200):
        found = shadow(*answers(seed, 1500, 0.8, 0.8))
        wrong += found.decision != "go on"
    assert wrong <= 17  # 5% of 200 and two and a half standard errors


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=200))
def test_a_decision_does_not_depend_on_what_comes_after_it(gaps):
    old = (np.array(gaps) < 0) * 1.0
    new = (np.array(gaps) > 0) * 1.0
    whole = shadow(old, new)
    if whole.decision != "go on":
        again = shadow(old[: whole.at], new[: whole.at])
        assert (again.decision, again.at) == (whole.decision, whole.at)


@given(st.floats(-0.9, 0.9))
def test_wealth_never_grows_on_average_at_the_edge_of_the_claim(mean):
    # A coin of -1 and 1 with this mean: the expected wealth after one bet is the stake.
    after = np.exp([log_wealth(np.array([value]), mean)[0] for value in (-1.0, 1.0)])
    chance = (1 + mean) / 2
    assert (1 - chance) * after[0] + chance * after[1] == pytest.approx(1)


@pytest.mark.parametrize("bad", [1.5, -0.1, np.nan])
def test_scores_outside_0_to_1_are_refused(bad):
    with pytest.raises(DeploymentError, match="from 0 to 1"):
        shadow(np.array([0.5, bad]), np.array([0.5, 0.5]))


def test_a_margin_of_one_is_refused():
    with pytest.raises(DeploymentError, match="margin"):
        shadow(np.ones(3), np.ones(3), margin=1.0)
