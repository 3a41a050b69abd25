import numpy as np
import pytest

from mlgolf.analysis.curves.dominance import compare
from mlgolf.analysis.curves.measurements import Point
from mlgolf.analysis.curves.monotone import MonotoneCurve
from mlgolf.analysis.curves.tradeoff import Judge, Verdict
from mlgolf.core.target import Goal

BUDGETS = (1.0, 2.0, 4.0, 8.0, 16.0)
SPREAD = np.array([-0.01, 0.0, 0.01])


def true_quality(times, speed=1.0):
    return 0.9 - 0.5 * np.asarray(times * speed) ** -0.8


def point(time, *, speed=1.0, quality=None, spread=SPREAD):
    times = np.full(len(spread), float(time))
    return Point("m", times, (true_quality(times, speed) if quality is None else quality) + spread)


def judged(*method, spread=SPREAD):
    baseline = [point(time, spread=spread) for time in BUDGETS]
    return Judge(MonotoneCurve(baseline, Goal.MAXIMISE), baseline).judge(method)


def test_the_speedup_is_that_of_the_time_at_which_the_baseline_is_as_good():
    (found,) = judged(point(3, speed=1.5))
    assert found.speedup == pytest.approx(1.5, rel=0.02)
    assert found.speedup_interval[0] < 1.5 < found.speedup_interval[1]


def test_the_gain_is_the_distance_to_the_baseline_at_the_same_time():
    (found,) = judged(point(4, quality=true_quality(4) + 0.03))
    assert found.quality_gain == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("method", "verdict"),
    [
        (point(3, speed=2.0), Verdict.BETTER),
        (point(3, speed=0.5), Verdict.WORSE),
        (point(3), Verdict.CANNOT_TELL),
        (point(12, quality=0.95), Verdict.BETTER),  # as good as no budget of the baseline
        (point(0.5, quality=0.6), Verdict.BETTER),  # faster than any, as good as a longer one
        (point(32, quality=0.6), Verdict.WORSE),
        (point(32, quality=0.95), Verdict.OUTSIDE),  # longer and better than all
        (point(0.5, quality=0.2), Verdict.OUTSIDE),
    ],
)
def test_a_point_is_judged_by_the_baseline_where_it_was_measured(method, verdict):
    assert judged(method)[0].verdict is verdict


def test_a_quality_beyond_the_baseline_gives_a_bound_and_no_number():
    (found,) = judged(point(8, quality=0.95))
    assert np.isnan(found.speedup)
    assert found.speedup_interval == (pytest.approx(2.0), np.inf)


def test_one_run_each_gives_verdicts_without_intervals():
    alone = np.zeros(1)
    method = [point(3, speed=speed, spread=alone) for speed in (2.0, 0.5)]
    found = judged(*method, spread=alone)
    assert [one.verdict for one in found] == [Verdict.BETTER, Verdict.WORSE]
    assert np.isnan(found[0].speedup_interval).all()


def test_a_loss_is_judged_as_the_score_that_it_mirrors():
    def mirrored(one):
        return Point("m", one.times, -one.qualities)

    baseline = [mirrored(point(time)) for time in BUDGETS]
    (loss,) = Judge(MonotoneCurve(baseline, Goal.MINIMISE), baseline).judge(
        [mirrored(point(3, speed=1.5))]
    )
    (score,) = judged(point(3, speed=1.5))
    assert (loss.speedup, loss.quality_gain) == (score.speedup, score.quality_gain)


def test_more_seeds_narrow_the_interval():
    def width(spread):
        low, high = judged(point(3, speed=1.3, spread=spread), spread=spread)[0].speedup_interval
        return np.log(high / low)

    assert width(np.tile(SPREAD, 4)) < width(SPREAD) / 1.8


def whole(method, **options):
    baseline = [point(time) for time in BUDGETS]
    return compare(
        MonotoneCurve(baseline, Goal.MAXIMISE), baseline, method, Goal.MAXIMISE, **options
    )


def test_the_average_speedup_of_a_curve_is_that_of_all_its_points():
    found = whole([point(time, speed=1.5) for time in (1.0, 2.0, 4.0, 8.0)])
    assert found.average_speedup == pytest.approx(1.5, rel=0.01)
    assert found.verdict is Verdict.BETTER
    assert found.crosses_at == ()


def test_curves_that_cross_say_where():
    method = [point(1, speed=2.0), point(3), point(9, speed=0.5)]
    ((time, quality, _),) = whole(method).crosses_at
    assert time == pytest.approx(3, rel=0.02)
    assert quality == pytest.approx(float(true_quality(3.0)), rel=0.01)


def test_a_crossing_is_beyond_chance_where_points_on_both_sides_are_told_apart():
    method = [point(1, speed=2.0), point(3), point(9, speed=0.5)]
    (crossing,) = whole(method, judged=judged(*method)).crosses_at
    assert crossing.beyond_chance


def wiggling(first, last):
    """A method that is as good as the baseline, but for its first point and its last."""
    offs = ((1.2, first), (2, 1e-3), (4, -1e-3), (8, 1e-3), (15, last))
    return [point(time, quality=true_quality(time) + off) for time, off in offs]


def test_wiggles_between_a_better_and_a_worse_point_are_one_crossing_beyond_chance():
    method = wiggling(0.05, -0.03)
    assert len(whole(method).crosses_at) == 3
    (crossing,) = whole(method, judged=judged(*method)).crosses_at
    assert crossing.beyond_chance
    assert 2 < crossing.time < 8


def test_wiggles_between_two_better_points_are_not_beyond_chance():
    method = wiggling(0.05, 0.03)
    found = whole(method, judged=judged(*method)).crosses_at
    assert len(found) == 2
    assert not any(crossing.beyond_chance for crossing in found)


def test_a_crossing_of_curves_that_are_alike_is_not_beyond_chance():
    alike = [point(time, spread=SPREAD + off) for time, off in ((2, 1e-4), (4, -1e-4), (8, 1e-4))]
    found = whole(alike, judged=judged(*alike)).crosses_at
    assert found
    assert not any(crossing.beyond_chance for crossing in found)


def test_curves_without_a_quality_in_common_are_outside():
    found = whole([point(1, quality=1.5), point(2, quality=1.6)])
    assert found.verdict is Verdict.OUTSIDE
    assert np.isnan(found.average_speedup)


def test_intervals_hold_the_truth_as_often_as_they_say():
    # A few of the simulations of benchmarks/curve_coverage.py.
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        baseline = [point(time, spread=0.01 * rng.standard_normal(3)) for time in BUDGETS]
        method = [point(3, speed=1.3, spread=0.01 * rng.standard_normal(3))]
        low, high = Judge(MonotoneCurve(baseline, Goal.MAXIMISE), baseline).judge(method)[
            0
        ].speedup_interval
        held += low <= 1.3 <= high
    assert held / 300 == pytest.approx(0.95, abs=0.035)


def late(time, off=0.0, budget=None, quality=None):
    """Three seeds around a time that vary by 1% in it, and gain nothing by that."""
    times = time * np.exp(np.array([-0.01, 0.0, 0.01]))
    value = true_quality(time) if quality is None else quality
    return Point("m", times, value + off + np.array([-0.01, 0.01, 0.0]), budget)


def judged_at_ends(*method, named=False):
    baseline = [late(time, budget=f"{time:g}" if named else None) for time in BUDGETS]
    return Judge(MonotoneCurve(baseline, Goal.MAXIMISE), baseline).judge(method)


@pytest.mark.parametrize(("time", "end"), [(0.995, 1.0), (16.08, 16.0)])
def test_a_point_just_beyond_an_end_is_compared_with_the_end(time, end):
    (found,) = judged_at_ends(late(time, quality=true_quality(end) + 0.005))
    assert found.verdict is Verdict.CANNOT_TELL
    assert found.quality_gain == pytest.approx(0.005, abs=1e-6)
    assert found.quality_gain_interval[0] < 0 < found.quality_gain_interval[1]


def test_a_point_just_beyond_an_end_may_be_told_apart():
    assert judged_at_ends(late(16.08, off=0.2))[0].verdict is Verdict.BETTER
    assert judged_at_ends(late(0.995, off=-0.3))[0].verdict is Verdict.WORSE


def test_a_point_that_noise_of_time_does_not_explain_is_outside():
    (found,) = judged_at_ends(late(17.5, off=0.05))
    assert found.verdict is Verdict.OUTSIDE
    assert np.isnan(found.quality_gain)


def test_budgets_of_one_name_are_compared_though_their_times_differ():
    (found,) = judged_at_ends(late(17.5, off=0.05, budget="16"), named=True)
    assert np.isfinite(found.quality_gain)


def test_budgets_of_one_name_whose_times_are_far_apart_are_not_compared():
    (found,) = judged_at_ends(late(32, off=0.05, budget="16"), named=True)
    assert np.isnan(found.quality_gain)


def width_of_gain(point, along):
    """Of a baseline whose longer runs gained by it, or not."""
    spread = np.array([-0.01, 0.0, 0.01])
    baseline = [
        Point("b", time * np.exp(spread), true_quality(time * np.exp(along * spread))
              + 0.001 * np.array([1.0, -2.0, 1.0]), f"{time:g}") for time in BUDGETS
    ]  # fmt: skip
    (found,) = Judge(MonotoneCurve(baseline, Goal.MAXIMISE), baseline).judge([point])
    return np.diff(found.quality_gain_interval)[0]


def test_the_distance_to_an_end_widens_the_interval_of_a_gain():
    times = np.exp(0.01 * np.array([-1.0, 0.0, 1.0]))
    near, far = (
        Point("m", at * times, np.full(3, true_quality(1.0)) + true_quality(times)
              - true_quality(1.0), "1") for at in (0.99, 0.9)
    )  # fmt: skip
    assert width_of_gain(far, along=1) > 2 * width_of_gain(near, along=1)
