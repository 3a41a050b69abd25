"""Figures of tuning, as far as they can be judged without looking."""

from itertools import pairwise
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists

from mlgolf.plots.point_transfer import transfer_panel
from mlgolf.plots.saved import save_figure
from mlgolf.plots.shared_points import shared_point_panel
from mlgolf.plots.svg import specification, to_svg
from mlgolf.plots.theme import DARK, Style
from mlgolf.plots.tuning_curves import apart, tuning_panel

STYLE = Style(submissions=("a", "b"))


def curves(best=(1.0, 2.0), lower=(0.5, None), upper=(None, 3.0), names=("a", "b")):
    return pl.DataFrame({
        "method": [name for name in names for _ in best], "workload": "digits",
        "trials": [k + 1 for _ in names for k in range(len(best))],
        "best": [*best] * len(names), "lower": [*lower] * len(names),
        "upper": [*upper] * len(names), "goal": "maximise", "measured": "accuracy",
    }, schema_overrides=dict.fromkeys(["best", "lower", "upper"], pl.Float64))  # fmt: skip


def texts(chart):
    return {e.text for e in ElementTree.fromstring(to_svg(chart)).iter() if e.text}


def marks(chart):
    return [layer["mark"]["type"] for layer in specification(chart)["layer"]]


@pytest.mark.parametrize("times", [True, False])
def test_methods_are_named_at_their_lines_and_have_bands(times):
    chart = tuning_panel(curves(), STYLE, times=times)
    assert {"a", "b", "digits"} <= texts(chart)
    assert marks(chart).count("area") == 1


def test_the_others_are_grey_where_one_is_highlighted():
    chart = tuning_panel(curves(), STYLE, times=False, highlighted=["b"])
    assert "digits · b" in texts(chart)
    assert "a" not in texts(chart)


def test_a_method_that_its_title_names_has_no_label_that_takes_room_from_its_panel():
    chart = tuning_panel(curves(), STYLE, times=False, highlighted=["b"])
    assert "b" not in texts(chart)
    assert "text" not in marks(chart)


def test_a_method_that_mostly_fails_is_named_in_words():
    chart = tuning_panel(curves((None, None), (None, None)), STYLE, times=True)
    assert "most trials without a result: a, b" in texts(chart)


@given(heights=lists(floats(0, 200), max_size=10).map(sorted))
def test_labels_are_moved_apart_and_stay_in_order(heights):
    placed = apart(heights, 14, 210)
    assert all(later - earlier >= 14 - 1e-9 for earlier, later in pairwise(placed))
    assert max(placed, default=0) <= 210


def test_the_best_point_to_share_is_named_also_where_another_has_no_result():
    table = pl.DataFrame({
        "method": "a", "point": ["p", "q"], "workload": "digits", "degradation": [1.0, None],
        "scale": "ratio", "shared": [True, False],
    })  # fmt: skip
    chart = shared_point_panel(table, STYLE)
    assert {"a", "the best to share: p"} <= texts(chart)


@pytest.mark.parametrize("bounds", [(0.1, 0.9), (None, None)])
def test_a_transfer_names_workload_variant_and_cost(bounds):
    table = pl.DataFrame({
        "method": "a", "workload": "w", "variant": "w_tall", "tau": 0.5, "lower": bounds[0],
        "upper": bounds[1], "said": "1.2 × best",
    }, schema_overrides={"lower": pl.Float64, "upper": pl.Float64})  # fmt: skip
    assert {"w → tall", "1.2 × best"} <= texts(transfer_panel(table, STYLE))


def test_a_figure_is_saved_in_two_themes_with_its_table(tmp_path):
    table = curves(names=("=a", "b"))
    save_figure(tmp_path, "figure", [tuning_panel(table, Style(submissions=("=a", "b")),
                                                  times=False)], table)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"figure.csv", "figure.svg", "figure.png", "figure_dark.svg",
                     "figure_dark.png"}  # fmt: skip
    assert DARK.paper in (tmp_path / "figure_dark.svg").read_text()
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert pl.read_csv(tmp_path / "figure.csv")["method"][0] == "'=a"
