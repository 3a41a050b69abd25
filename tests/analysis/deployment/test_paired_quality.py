import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.analysis.deployment.quality import (
    examples_needed,
    examples_that_show,
    measure_of,
    paired,
    quality_of,
    scores,
    share_interval,
    tango,
)
from mlgolf.core.errors import DeploymentError


def test_no_changed_example_still_leaves_an_interval():
    low, high = tango(0, 0, 100)
    assert high == pytest.approx(3.8415 / (100 + 3.8415), abs=1e-4)
    assert low == pytest.approx(-high)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 100))
def test_an_interval_holds_the_observed_drop_and_turns_with_it(worse, better, same):
    total = worse + better + same + 1
    low, high = tango(worse, better, total)
    assert -1 <= low <= (worse - better) / total <= high <= 1
    assert tango(better, worse, total) == pytest.approx((-high, -low), abs=1e-6)


@pytest.mark.parametrize("shares", [(0.04, 0.02), (0.2, 0.2), (0.01, 0.0)])
def test_intervals_hold_the_true_drop_in_about_95_percent_of_cases(shares):
    rng, held = np.random.default_rng(1), 0
    for _ in range(1000):
        worse, better, _ = rng.multinomial(250, [*shares, 1 - sum(shares)])
        low, high = tango(int(worse), int(better), 250)
        held += low <= shares[0] - shares[1] <= high
    assert held >= 935


def test_decisions_are_compared_by_mcnemars_test():
    targets = np.zeros(20, int)
    right, wrong = np.tile([1.0, 0.0], (20, 1)), np.tile([0.0, 1.0], (20, 1))
    model = np.where(np.arange(20)[:, None] < 6, wrong, right)
    found = paired(scores(right, targets), scores(model, targets), measure_of(right, targets))
    assert (found.measure, found.test) == ("accuracy", "McNemar's exact test")
    assert (found.drop, found.worsened, found.improved) == (pytest.approx(0.3), 6, 0)
    assert found.p_value == pytest.approx(2 / 2**6)


def test_numbers_are_compared_by_their_squared_error():
    targets = np.linspace(0, 1, 50) + 0.01
    found = paired(
        scores(targets[:, None], targets), scores(targets[:, None] + 0.5, targets),
        measure_of(targets[:, None], targets),
    )
    assert found.test == "paired bootstrap"
    assert found.drop == pytest.approx(0.25)
    assert found.interval[0] <= 0.25 <= found.interval[1]


def test_targets_that_fit_no_output_are_refused_with_both_shapes():
    with pytest.raises(DeploymentError, match=r"\(4, 7\), outputs \(4, 3\)"):
        measure_of(np.ones((4, 3)), np.ones((4, 7)))


def test_how_many_unchanged_examples_show_a_bound():
    needed = examples_needed(0.01)
    assert tango(0, 0, needed)[1] <= 0.01 < tango(0, 0, needed - 2)[1]


@pytest.mark.parametrize("wrong", [10, 27, -1, 255])
def test_targets_that_are_none_of_the_classes_are_refused_with_the_first(wrong):
    targets = np.array([3, 0, wrong, wrong, 9])
    with pytest.raises(DeploymentError, match=f"example 2: found {wrong}; 2 of 5 .* 0 to 9"):
        measure_of(np.ones((5, 10)), targets)


def one_hot(classes, count=10):
    return np.eye(count)[np.asarray(classes)]


def test_a_target_of_minus_100_does_not_count():
    targets = np.array([[1, 2, -100], [-100, -100, -100], [3, -100, -100]])
    right = one_hot(np.where(targets < 0, 0, targets))
    found = quality_of(right, right, targets)
    assert (found.reference, found.num_examples, found.ignored) == (1.0, 2, 6)


def test_targets_that_all_do_not_count_are_refused():
    with pytest.raises(DeploymentError, match="-100 alone"):
        measure_of(np.ones((2, 3)), np.array([-100, -100]))


@pytest.mark.parametrize(
    ("right", "is_above"), [(0, False), (60, False), (70, False), (120, True), (600, True)]
)
def test_a_reference_that_guessing_may_equal_is_not_above_chance(right, is_above):
    targets = np.arange(600) % 10
    outputs = one_hot(np.where(np.arange(600) < right, targets, (targets + 1) % 10))
    found = quality_of(outputs, outputs, targets)
    assert found.chance == 0.1
    assert found.above_chance is is_above


def test_chance_is_judged_of_sequences_by_their_scatter():
    targets = np.arange(400).reshape(40, 10) % 10
    guessed = one_hot(np.random.default_rng(0).integers(0, 10, (40, 10)))
    assert not quality_of(guessed, guessed, targets).above_chance
    mostly = one_hot(np.where(np.arange(10) < 5, targets, (targets + 1) % 10))
    assert quality_of(mostly, mostly, targets).above_chance


def test_no_change_in_368_examples_shows_a_share_below_one_percent():
    assert share_interval(0, 368)[1] <= 0.01 < share_interval(0, 367)[1]
    assert examples_that_show(0, 60, 0.01) == 368


def test_more_examples_are_needed_where_some_changed():
    needed = examples_that_show(1, 300, 0.01)
    assert share_interval(-(-needed // 300), needed)[1] <= 0.01
    assert needed > 368
    assert examples_that_show(6, 600, 0.01) is None
