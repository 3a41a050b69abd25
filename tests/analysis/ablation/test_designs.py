from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers, sampled_from

from mlgolf.analysis.ablation.designs import (
    GENERATORS,
    LETTERS,
    design_of,
    fractional_design,
    full_design,
)
from mlgolf.core.errors import ScoringError


def factors(count):
    return tuple(LETTERS[:count])


def words(design):
    return {"".join(word) for word, _ in design.defining_words}


@given(count=integers(1, 8))
def test_a_full_design_has_every_combination_once(count):
    design = full_design(factors(count))
    assert len(set(design.cells)) == 2**count
    assert design.resolution is None
    assert not any(design.aliases.values())


@given(count=integers(1, 8), resolution=sampled_from([4, 5]))
def test_designs_are_balanced_and_main_effects_orthogonal(count, resolution):
    design = fractional_design(factors(count), resolution)
    assert (design.levels.sum(axis=0) == 0).all()
    products = design.levels.T @ design.levels
    assert (products == len(design.levels) * np.eye(count)).all()
    assert len(set(design.cells)) == len(design.levels)


@given(count=integers(2, 8), resolution=sampled_from([4, 5]))
def test_a_fraction_has_the_resolution_that_was_asked_for(count, resolution):
    design = fractional_design(factors(count), resolution)
    assert design.is_full or design.resolution >= resolution


@given(count=integers(1, 8), resolution=sampled_from([4, 5]))
def test_the_combination_without_methods_is_in_every_design(count, resolution):
    assert () in fractional_design(factors(count), resolution).cells


@given(count=integers(2, 8), resolution=sampled_from([4, 5]))
def test_aliases_are_the_effects_whose_columns_are_equal_but_for_the_sign(count, resolution):
    design = fractional_design(factors(count), resolution)
    for one, other in permutations(design.terms, 2):
        product = int(design.column(one) @ design.column(other))
        stated = dict(design.aliases[one]).get(other, 0)
        assert product == stated * len(design.levels)
        assert stated == 0 or resolution == 4


def test_half_of_four_factors_has_the_aliases_of_the_textbooks():
    design = fractional_design(factors(4), 4)
    assert words(design) == {"ABCD"}
    hidden = {"".join(t): {"".join(o) for o, _ in others} for t, others in design.aliases.items()}
    assert hidden["AB"] == {"CD"}
    assert hidden["AC"] == {"BD"}
    assert hidden["AD"] == {"BC"}
    assert all(not hidden[letter] for letter in "ABCD")


def test_a_quarter_of_six_factors_has_the_defining_words_of_the_textbooks():
    design = fractional_design(factors(6), 4)
    assert len(design.levels) == 16
    assert words(design) == {"ABCE", "BCDF", "ADEF"}


def test_a_quarter_of_eight_factors_is_of_resolution_5():
    design = fractional_design(factors(8), 5)
    assert len(design.levels) == 64
    assert words(design) == {"ABCDG", "ABEFH", "CDEFGH"}


@pytest.mark.parametrize(("count", "resolution"), GENERATORS)
def test_a_design_is_known_by_its_cells(count, resolution):
    design = fractional_design(factors(count), resolution)
    shuffled = [design.cells[at] for at in np.random.default_rng(0).permutation(len(design.cells))]
    again = design_of(shuffled, "runs")
    assert {frozenset(cell) for cell in again.cells} == {frozenset(cell) for cell in design.cells}
    assert again.resolution == design.resolution


def test_missing_cells_are_named():
    with pytest.raises(ScoringError, match="found 3 of 4 combinations") as refused:
        design_of([(), ("ema",), ("mixup",)], "runs/a")
    assert "Missing: ema+mixup" in str(refused.value)


def test_one_at_a_time_is_no_design():
    with pytest.raises(ScoringError, match="Missing"):
        design_of([(), ("a",), ("b",), ("c",)], "runs/a")


def test_nine_factors_are_too_many():
    with pytest.raises(ScoringError, match="found 9 methods, allowed are 1 to 8"):
        full_design([*"abcdefghi"])
