"""Charts that are drawn in another process."""

from html import unescape

import altair as alt
import polars as pl
import pytest

from mlgolf.plots.drawing import Drawer
from mlgolf.plots.svg import VEGA_LITE, drawn_beside, to_svg

ODD = ["1", "true", "null", 'a "quoted", name', "two\nlines", "<b>&", ""]


def chart(names=("a", "b")) -> alt.Chart:
    table = pl.DataFrame({"name": names, "value": range(len(names))})
    return alt.Chart(table).mark_bar(clip=True).encode(x="value:Q", y="name:N")


def test_a_chart_is_the_same_wherever_it_is_drawn_and_whatever_was_drawn_before():
    with drawn_beside() as begin:
        waiting = [begin(chart()), begin(chart(ODD)), begin(chart())]
        first, _, third = (wait() for wait in waiting)
    assert first == third == to_svg(chart())


@pytest.mark.parametrize("name", [name for name in ODD if name and "\n" not in name])
def test_text_that_looks_like_something_else_stays_text(name):
    assert f">{name}<" in unescape(to_svg(chart([name]))).replace("&nbsp;", " ")


def test_what_cannot_be_drawn_is_said_when_it_is_asked_for():
    with Drawer(VEGA_LITE) as drawer:
        wait = drawer.draw({"mark": "no such mark"})
        with pytest.raises(RuntimeError, match="ended with code"):
            wait()
