"""The figures of recipes and of what each idea gave, as far as they can be judged unseen."""

from xml.etree import ElementTree

import polars as pl

from mlgolf.plots.attribution import SCHEMA, factors_chart, recipes_chart
from mlgolf.plots.svg import to_svg
from mlgolf.plots.theme import Style

ORDERS = ("forth", "back")


def row(order, place, idea, *, median=2.0, most=3.0, factor=None, high=2.0, bound=""):
    known = {} if factor is None else {
        "factor": factor, "low": 0.9, "high": high, "bound": bound
    }
    return {
        "cost": "time", "order": order, "place": place, "idea": idea, "year": 2012 + place,
        "median": median, "least": 1.0 if median else None, "most": most, **known,
    }  # fmt: skip


ROWS = [
    row("forth", 0, "nothing"), row("forth", 1, "first", factor=1.5),
    row("forth", 2, "second", factor=1.2, high=None),
    row("back", 0, "nothing"), row("back", 1, "second", factor=1.1) | {"year": 2014},
    row("back", 2, "first", factor=1.6) | {"year": 2013},
]  # fmt: skip


def table(*rows):
    return pl.DataFrame(rows, schema=SCHEMA)


def texts(chart):
    return [e.text for e in ElementTree.fromstring(to_svg(chart)).iter() if e.text]


def dots(chart):
    return [
        mark for group in ElementTree.fromstring(to_svg(chart)).iter()
        if group.get("class", "").startswith("mark-symbol role-mark") for mark in group
    ]  # fmt: skip


def factors(*rows):
    return factors_chart(table(*rows), Style(submissions=ORDERS, baseline="forth"), title="t")


def recipes(*rows):
    return recipes_chart(table(*rows), Style(submissions=("x",)), title="t", axis="seconds")


def test_each_idea_has_a_dot_for_each_order_and_the_recipe_without_ideas_none():
    chart = factors(*ROWS)
    assert len(dots(chart)) == 4
    assert "nothing (2012)" not in texts(chart)


def test_an_idea_between_two_recipes_that_missed_the_target_has_no_dot():
    unknown = row("forth", 2, "second", factor=1.0, bound="either")
    assert len(dots(factors(*ROWS[:2], unknown, *ROWS[3:]))) == 3


def test_ideas_are_in_the_order_of_the_first_style():
    found = texts(factors(*reversed(ROWS)))
    assert found.index("first (2013)") < found.index("second (2014)")


def test_each_recipe_has_a_dot_from_none_of_the_ideas_on():
    chart = recipes(*ROWS[:3])
    assert len(dots(chart)) == 3
    assert texts(chart).index("nothing (2012)") < texts(chart).index("first (2013)")


def test_a_recipe_that_never_reached_the_target_says_so_and_has_no_dot():
    chart = recipes(row("forth", 0, "nothing", median=None, most=None), *ROWS[1:3])
    assert "target not reached" in texts(chart)
    assert len(dots(chart)) == 2
