import re
from xml.etree import ElementTree

from mlgolf.plots.heading import Heading, headed, unfair_notice
from mlgolf.plots.svg import size
from mlgolf.plots.theme import LIGHT

FIGURE = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"></svg>'


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.text]


def test_title_and_how_to_read_it_stand_above_the_figure():
    drawn = headed(FIGURE, Heading(title="a < b", reading="Up is better."))
    assert texts(drawn) == ["a < b", "Up is better."]
    assert size(drawn)[1] > 130


def test_a_notice_stands_in_a_box_in_the_colour_of_warnings():
    drawn = headed(FIGURE, Heading(title="t", notice=unfair_notice(["other hardware"])))
    assert texts(drawn) == ["t", "Not a fair comparison", "other hardware"]
    assert f'fill="{LIGHT.colours[1]}"' in drawn


def test_without_a_notice_there_is_no_box():
    assert LIGHT.colours[1] not in headed(FIGURE, Heading(title="t"))


def test_a_fair_comparison_has_no_notice():
    assert unfair_notice([]) == ""


def test_a_notice_names_two_reasons_and_counts_the_others():
    said = unfair_notice(["a", "b", "c", "d"])
    assert said == "Not a fair comparison: a; b; and 2 more"


def test_long_words_are_wrapped_to_the_width_of_the_figure():
    drawn = headed(FIGURE, Heading(title="t", reading="word " * 60))
    lines = texts(drawn)[1:]
    assert len(lines) > 3
    assert max(map(len, lines)) < 100
    assert not re.search(r"\s$", lines[0])
