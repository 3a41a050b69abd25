import numpy as np
import polars as pl
import pytest

from mlgolf.plots.planning import (
    DASHES,
    SOLID,
    drawn_losses,
    frontier_chart,
    profit_chart,
    profit_table,
)
from mlgolf.plots.theme import Style

STYLE = Style(submissions=("plan",))


def frontier(within, devices=None):
    count = len(within)
    devices = devices or ["a"] * count
    budgets = [float(10**at) for at in range(count)]
    rows = {"kind": ["plan"] * count, "budget": budgets, "loss": [3.0 - 0.1 * at for at in
            range(count)], "offer": devices, "device": devices, "within": within}  # fmt: skip
    table = pl.DataFrame(rows).with_columns(low=pl.col("loss") - 0.1, high=pl.col("loss") + 0.1)
    return pl.concat([table, table[:1].with_columns(kind=pl.lit("chosen"))])


def drawn(chart):
    """Of each layer: its mark, and the rows that it draws."""
    found = chart.to_dict()
    return [
        (layer["mark"], pl.DataFrame(found["datasets"][layer["data"]["name"]]))
        for layer in found["layer"]
    ]  # fmt: skip


def lines(chart, x):
    return [
        (mark["strokeDash"], rows[x].to_list())
        for mark, rows in drawn(chart) if mark["type"] == "line"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ([True, True, True], [(SOLID, [1, 10, 100])]),
        ([True, True, False], [(SOLID, [1, 10]), (DASHES, [10, 100])]),
        ([False, True, True], [(DASHES, [1, 10]), (SOLID, [10, 100])]),
        ([False, False, False], [(DASHES, [1, 10, 100])]),
    ],
)
def test_budgets_beyond_the_runs_of_the_fit_are_dashed(within, expected):
    assert lines(frontier_chart(frontier(within), STYLE, 0.95), "budget") == expected


def test_devices_are_named_where_they_become_the_best():
    chart = frontier_chart(frontier([True] * 4, ["a", "a", "b", "a"]), STYLE, 0.95)
    texts = [rows for mark, rows in drawn(chart) if mark["type"] == "text"]
    named = [(rows["budget"][0], rows["text"][0]) for rows in texts if "kind" not in rows.columns]
    assert named == [(1.0, "a"), (100.0, "b"), (1000.0, "a")]


def test_profit_beyond_the_value_curve_is_dashed():
    table = profit_table(np.array([1.8, 2.0, 3.0]), np.ones(3), (2.0, 1.0), (2.0, 3.0))
    assert lines(profit_chart(table, STYLE), "loss") == [(DASHES, [1.8, 2.0]), (SOLID, [2.0, 3.0])]


@pytest.mark.parametrize("known", [(2.0, 3.0), (-np.inf, np.inf)])
def test_there_is_room_on_the_left_of_the_most_profit(known):
    losses = drawn_losses(known, 2.0, 1.8)
    assert losses[0] < 1.9
    assert losses[-1] == 3.0


def test_no_profit_is_drawn_at_a_loss_that_no_model_has():
    assert drawn_losses((1.9, 3.0), 2.0, 1.85)[0] > 1.85
