import numpy as np
import polars as pl
import pytest

from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.law import ScalingLaw
from mlgolf.analysis.scaling.study import study
from mlgolf.plots.scaling import HEIGHT, WIDTH, _names, _parts, scaling_charts, scaling_table
from mlgolf.plots.theme import Style

LAW = ScalingLaw(E=1.8, A=480.0, B=2100.0, alpha=0.35, beta=0.37)


def runs(*, plenty: bool = False) -> ScalingRuns:
    """Args: plenty: of data everywhere, so that beta is not identified."""
    params, tokens = (
        grid.ravel() for grid in np.meshgrid(np.geomspace(1e7, 1e10, 5), np.geomspace(1e9, 1e11, 6))
    )
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(len(params)))
    loss = LAW.loss(params, 1e12 if plenty else tokens) * noise
    return ScalingRuns(params=params, tokens=tokens, loss=loss)


@pytest.mark.parametrize(("plenty", "panels"), [(False, 4), (True, 2)])
def test_best_sizes_are_drawn_only_where_the_runs_tell_them(plenty, panels):
    found = study(runs(plenty=plenty), draws=50)
    style = Style(submissions=("law",))
    assert len(scaling_charts(found, scaling_table(found), style)) == panels


def test_runs_that_ended_above_their_law_are_drawn_above_zero():
    found = study(runs(), draws=20)
    drawn = scaling_table(found).filter(kind="residual").sort("x")["value"]
    law = found.fit.law.loss(found.runs.params, found.runs.tokens)
    assert sorted(drawn) == pytest.approx(sorted(100 * (found.runs.loss / law - 1)))


def test_a_line_is_dashed_on_both_sides_of_the_runs_and_joined():
    line = pl.DataFrame({"x": [1, 2, 3, 4, 5], "within": [False, True, True, False, False]})
    parts = [(part["x"].to_list(), dash) for part, dash in _parts(line)]
    assert parts == [([1, 2], [5, 4]), ([2, 3], [1, 0]), ([3, 4, 5], [5, 4])]


def test_a_line_that_is_all_beyond_the_runs_is_all_dashed():
    line = pl.DataFrame({"x": [1, 2, 3], "within": [False] * 3})
    assert [dash for _, dash in _parts(line)] == [[5, 4]]


def test_no_name_stands_on_a_curve():
    """Of steep curves side by side, as of exponents."""
    low, high, top = 0.5, 2.0, 16.0
    curves = [
        {"name": name, "x": scale * middle, "value": 15 * (step / 5) ** 2}
        for name, middle, width in (("alpha", 1.0, 0.12), ("E", 1.0, 0.03), ("beta", 1.0, 0.10))
        for step in range(-5, 6) for scale in (1 + width * step / 5,)
    ]  # fmt: skip
    shown = pl.DataFrame(curves)
    texts = _names(shown, (low, high), top)
    for text in texts.iter_rows(named=True):
        left = WIDTH * np.log(text["x"] / low) / np.log(high / low)
        upper = HEIGHT * (1 - text["value"] / top)
        for curve in shown.sort("x").partition_by("name"):
            across = WIDTH * np.log(curve["x"].to_numpy() / low) / np.log(high / low)
            down = HEIGHT * (1 - curve["value"].to_numpy() / top)
            at = np.linspace(0, len(across) - 1, 500)
            x, y = (np.interp(at, np.arange(len(across)), each) for each in (across, down))
            beside = (x > left) & (x < left + 7 * len(text["name"]))
            assert not (beside & (y > upper) & (y < upper + 12)).any()
