"""Par of the tutorial, which is proven."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgolf.core.competition import load_competition
from mlgolf.core.toml_files import SHIPPED

GAME = Path(str(SHIPPED)) / "cancer-nuclear"
PAR = runpy.run_path(str(GAME / "par.py"))


@pytest.fixture(scope="module")
def solution():
    return PAR["par_of"](GAME)


def test_the_model_found_keeps_the_bounds(solution):
    assert solution.excess < 1e-9


def test_the_duality_gap_is_smaller_than_the_digits_of_par(solution):
    assert 0 <= solution.gap < 1e-6


def test_par_is_the_proven_bound(solution):
    row = load_competition("cancer-nuclear").workloads["cancer"]
    assert row.par is not None
    assert solution.lower - 1e-5 < row.par.value <= solution.lower


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), size=st.sampled_from([0.1, 1.0, 10.0]))
def test_no_model_proves_more_than_the_best_one_reaches(seed, size):
    rng = np.random.default_rng(seed)
    inputs, targets = rng.normal(size=(40, 3)), np.arange(40) % 2
    inputs[:, 0] += 8.0 * targets
    bounds = {"mean": 0.1, "worst": 0.6}
    best = PAR["par"](inputs, targets, **bounds)
    weights = size * rng.normal(size=(2, 4))
    assert best.excess < 1e-9  # so far apart that some model keeps the bounds
    assert best.gap < 1e-6
    assert PAR["certified"](inputs, targets, weights, **bounds).lower <= best.norm + 1e-9
