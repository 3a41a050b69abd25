import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists, sampled_from

from mlgolf.analysis.ablation.designs import LETTERS, design_of, fractional_design, full_design
from mlgolf.analysis.ablation.effects import (
    Responses,
    effects_of,
    holm,
    mean_over_workloads,
    pooled_error,
    with_holm,
)

MAINS = {"A": 0.3, "B": -0.1, "C": 0.05, "D": 0.0, "E": 0.2}
PAIRS = {("A", "B"): 0.12, ("B", "C"): -0.2, ("D", "E"): 0.07}


def responses(design, value, *, studies=1, noise=0.0, seed=0, matched=True):
    """Args: value: of a cell, by the methods that are on."""
    rng = np.random.default_rng(seed)
    means = np.array([value(frozenset(cell)) for cell in design.cells])
    values = means[:, None] + noise * rng.standard_normal((len(means), studies))
    return Responses("w", values, np.zeros(values.shape, bool), matched)


def of_pairs(cell):
    """A method alone, and what two give besides: no three interact."""
    alone = sum(MAINS[name] for name in cell)
    return alone + sum(more for pair, more in PAIRS.items() if set(pair) <= cell)


def averaged_main(name, count):
    factors = LETTERS[:count]
    return MAINS[name] + sum(
        more / 2 for pair, more in PAIRS.items() if name in pair and set(pair) <= set(factors)
    )


@pytest.mark.parametrize("design", [full_design("ABC"), full_design("ABCDE"),
                                    fractional_design("ABCDE", 5)])  # fmt: skip
def test_effects_are_recovered_exactly_without_noise(design):
    found = effects_of(design, responses(design, of_pairs, studies=2))
    count = len(design.factors)
    for effect in found.mains:
        assert effect.estimate == pytest.approx(averaged_main(effect.methods[0], count))
    for effect in found.interactions:
        assert effect.estimate == pytest.approx(PAIRS.get(effect.methods, 0.0), abs=1e-12)


def test_an_effect_that_is_there_without_noise_is_certain_and_none_is_none():
    design = full_design("AB")
    found = effects_of(design, responses(design, lambda cell: 1.0 * ("A" in cell), studies=3))
    assert [effect.p for effect in found.mains] == [0.0, 1.0]
    assert found.mains[0].interval == (1.0, 1.0)


def test_in_a_fraction_of_resolution_4_aliases_are_estimated_as_their_sum():
    design = fractional_design("ABCD", 4)
    found = effects_of(design, responses(design, of_pairs))
    by_term = {effect.methods: effect.estimate for effect in found.interactions}
    ((other, sign),) = design.aliases["A", "B"]
    assert other == ("C", "D")
    assert by_term["A", "B"] == pytest.approx(0.12 + sign * 0.0)
    assert by_term["C", "D"] == pytest.approx(sign * by_term["A", "B"])


@given(values=lists(floats(-5, 5), min_size=8, max_size=8))
def test_shapley_values_add_up_to_the_gain_of_all(values):
    design = full_design("ABC")
    table = {frozenset(cell): value for cell, value in zip(design.cells, values, strict=True)}
    found = effects_of(design, responses(design, table.__getitem__))
    gain = table[frozenset("ABC")] - table[frozenset()]
    assert found.total.estimate == pytest.approx(gain, abs=1e-9)
    assert sum(e.estimate for e in found.attribution) == pytest.approx(gain, abs=1e-9)


@given(values=lists(floats(-5, 5), min_size=8, max_size=8))
def test_a_shapley_value_is_the_mean_gain_over_all_orders(values):
    design = full_design("ABC")
    table = {frozenset(cell): value for cell, value in zip(design.cells, values, strict=True)}
    found = effects_of(design, responses(design, table.__getitem__))
    for effect in found.attribution:
        gains = []
        for order in permutations("ABC"):
            before = frozenset(order[: order.index(effect.methods[0])])
            gains.append(table[before | {*effect.methods}] - table[before])
        assert effect.estimate == pytest.approx(np.mean(gains), abs=1e-9)


def test_shares_of_a_fraction_add_up_and_are_shapley_values_if_no_three_interact():
    half, full = fractional_design("ABCDE", 5), full_design("ABCDE")
    found, whole = (effects_of(design, responses(design, of_pairs)) for design in (half, full))
    for one, other in zip(found.attribution, whole.attribution, strict=True):
        assert one.estimate == pytest.approx(other.estimate)
    assert found.total.estimate == pytest.approx(whole.total.estimate)


@pytest.mark.parametrize(("design", "studies"), [
    (full_design("AB"), 3), (full_design("ABC"), 2), (fractional_design("ABCD", 4), 3),
])  # fmt: skip
def test_intervals_hold_the_truth_as_often_as_they_say(design, studies):
    truth = effects_of(design, responses(design, of_pairs))
    held = []
    for seed in range(400):
        found = effects_of(
            design, responses(design, of_pairs, studies=studies, noise=0.1, seed=seed)
        )
        for name in ("mains", "interactions", "attribution"):
            for one, true in zip(getattr(found, name), getattr(truth, name), strict=True):
                held.append(one.interval[0] <= true.estimate <= one.interval[1])
    assert 0.93 < np.mean(held) < 0.97


def test_what_a_study_does_to_all_cells_alike_is_no_error():
    design = full_design("AB")
    found = responses(design, of_pairs, studies=4, noise=0.01)
    of_studies = np.array([0.0, 1.0, -2.0, 0.5])
    moved = Responses("w", found.values + of_studies, found.censored, matched=True)
    assert pooled_error(moved) == pytest.approx(pooled_error(found))
    apart = Responses("w", moved.values, moved.censored, matched=False)
    assert pooled_error(apart)[0] > 100 * pooled_error(found)[0]


def test_one_study_each_gives_no_interval():
    design = full_design("AB")
    (effect, _) = effects_of(design, responses(design, of_pairs)).mains
    assert np.isnan(effect.interval).all()
    assert math.isnan(effect.p)


def test_cells_may_have_different_numbers_of_studies():
    design = full_design("A")
    values = np.array([[1.0, 3.0, 2.0], [4.0, 6.0, np.nan]])
    found = Responses("w", values, np.zeros(values.shape, bool), matched=False)
    assert effects_of(design, found).mains[0].estimate == 3.0
    assert pooled_error(found) == (pytest.approx(4 / 3), 3)


def censored(design, cells, values=None):
    found = responses(design, of_pairs, studies=3, noise=0.01)
    off = np.array([frozenset(cell) in cells for cell in design.cells])
    return Responses("w", found.values, np.repeat(off[:, None], 3, axis=1), matched=True)


def test_a_method_that_alone_reaches_the_target_helps_at_least_as_much():
    design = full_design("AB")
    found = effects_of(design, censored(design, [frozenset()]))
    effect = found.mains[0]
    assert effect.bound == "at least"
    assert math.isinf(effect.interval[1])
    assert math.isfinite(effect.interval[0])


def test_a_method_that_keeps_from_the_target_helps_at_most_as_much():
    design = full_design("AB")
    effect = effects_of(design, censored(design, [frozenset("A")])).mains[0]
    assert effect.bound == "at most"
    assert math.isinf(effect.interval[0])


def test_where_both_sides_missed_the_target_nothing_is_told():
    design = full_design("AB")
    effect = effects_of(design, censored(design, [frozenset("A"), frozenset()])).mains[0]
    assert effect.bound == "either"
    assert effect.p == 1.0


def test_a_cell_that_missed_the_target_tells_nothing_of_the_error():
    design = full_design("AB")
    assert pooled_error(censored(design, [frozenset()]))[1] == (3 - 1) * (3 - 1)


def test_the_mean_over_workloads_is_more_certain_than_one():
    design = full_design("AB")
    found = [
        effects_of(design, responses(design, of_pairs, studies=3, noise=0.1, seed=seed))
        for seed in range(4)
    ]
    mean = mean_over_workloads(found).mains[0]
    assert mean.estimate == pytest.approx(np.mean([each.mains[0].estimate for each in found]))
    assert mean.variance < min(each.mains[0].variance for each in found)
    assert mean.degrees <= sum(each.mains[0].degrees for each in found)


def test_holm_is_as_in_its_paper():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(ps=lists(floats(0, 1), min_size=1, max_size=20))
def test_holm_never_makes_an_effect_more_certain(ps):
    assert all(adjusted >= p for adjusted, p in zip(holm(ps), ps, strict=True))


def test_aliases_are_counted_once():
    design = fractional_design("ABCD", 4)
    found = effects_of(design, responses(design, of_pairs, studies=3, noise=0.05))
    (told,) = with_holm([found], design.aliases)
    pairs = {effect.methods: effect.adjusted_p for effect in told.interactions}
    assert pairs["A", "B"] == pytest.approx(pairs["C", "D"])
    least = min((*found.mains, *found.interactions), key=lambda effect: effect.p)
    (same,) = [e for e in (*told.mains, *told.interactions) if e.methods == least.methods]
    assert same.adjusted_p == pytest.approx(7 * least.p)  # 4 main effects, 3 pairs of aliases


@given(count=integers(1, 5), seed=integers(0, 50), resolution=sampled_from([4, 5]))
def test_effects_do_not_depend_on_the_order_of_cells(count, seed, resolution):
    design = fractional_design(LETTERS[:count], resolution)
    found = responses(design, of_pairs, studies=2, noise=0.1, seed=seed)
    order = np.random.default_rng(seed).permutation(len(design.cells))
    other = design_of([design.cells[at] for at in order], "runs")
    mixed = Responses("w", found.values[order], found.censored[order], matched=True)
    one = {e.methods: e.estimate for e in effects_of(design, found).mains}
    two = {e.methods: e.estimate for e in effects_of(other, mixed).mains}
    assert one == pytest.approx(two)
