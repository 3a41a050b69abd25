"""The curve over learning rates, as far as it can be judged without looking."""

from xml.etree import ElementTree

import polars as pl

from mlgolf.plots.learning_rate_curve import CROSS, learning_rate_curve
from mlgolf.plots.svg import specification, to_svg
from mlgolf.plots.theme import Style

STYLE = Style(submissions=("nadamw",))
KINDS = {
    "submission": pl.String, "workload": pl.String, "factor": pl.Float64, "seconds": pl.Float64,
}


def played(*seconds):
    rows = [("nadamw", "digits", 2.0 ** (n - 1), value) for n, value in enumerate(seconds)]
    return pl.DataFrame(rows, schema=KINDS, orient="row")


def texts(table):
    root = ElementTree.fromstring(to_svg(learning_rate_curve(table, STYLE)))
    return {element.text for element in root.iter() if element.text}


def crosses(table):
    layers = specification(learning_rate_curve(table, STYLE))["layer"]
    return [layer for layer in layers if layer["mark"].get("shape") == CROSS]


def test_factors_are_labelled_as_multiples_and_fractions():
    assert {"1/2", "1", "2", "digits"} <= texts(played(3.0, 2.0, 4.0))


def test_a_rate_that_never_reached_the_target_is_a_cross():
    assert len(crosses(played(3.0, None, 4.0))) == 1
    assert crosses(played(3.0, 2.0, 4.0)) == []


def test_a_workload_whose_target_was_never_reached_is_drawn():
    assert "digits" in texts(played(None, None, None))
