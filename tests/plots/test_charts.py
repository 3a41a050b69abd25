"""The charts, as far as they can be judged without looking."""

import math
import re
from xml.etree import ElementTree

import polars as pl
import pytest
from synthetic_trials import competition, reaching, trial, workload_rules

from mlgolf.plots.profile import profile
from mlgolf.plots.runtimes import runtime_distributions
from mlgolf.plots.svg import for_page, in_columns, recoloured, size, stacked, to_svg, with_ids
from mlgolf.plots.tables import (
    STUDIES,
    curves_table,
    profile_table,
    runtimes_table,
    studies_table,
    target_levels_table,
    training_time_table,
    win_probability_table,
)
from mlgolf.plots.target_levels import rank_against_target
from mlgolf.plots.theme import DARK, LIGHT, Style
from mlgolf.plots.times_to_target import times_panel
from mlgolf.plots.training_curves import training_panel
from mlgolf.plots.training_time import training_time_of_submissions
from mlgolf.plots.win_probability import win_probability_matrix
from mlgolf.scoring.review import review_trials

HOSTILE = '</text><script>alert("&amp;")</script>'
RULES = competition(["digits", "wmt"])
STYLE = Style(submissions=(HOSTILE, "sgd"))


def draw(rules, trials, style=STYLE):
    """The figures of a run, those with a panel for each workload as the panel of the first."""
    found = review_trials(rules, trials, "external")
    first = pl.col("workload") == rules.scored_workloads[0]
    return [
        training_panel(curves_table(found.standings, trials).filter(first), style),
        times_panel(studies_table(found.standings).filter(first), style),
        profile(profile_table(found.board, 4.0), style),
        *(
            [win_probability_matrix(win_probability_table(found), style)]
            if found.win_probability else []
        ),
        rank_against_target(target_levels_table(found), style),
        runtime_distributions(runtimes_table(found), style),
        training_time_of_submissions(training_time_table(found), style),
    ]


@pytest.fixture(scope="module")
def svgs():
    trials = [t for name in STYLE.submissions for workload in ("digits", "wmt")
              for t in reaching(name, workload, [5, 7.5, math.inf])]
    return [to_svg(chart) for chart in draw(RULES, trials)]


def test_every_figure_is_well_formed_and_a_name_in_it_is_only_text(svgs):
    for svg in svgs:
        root = ElementTree.fromstring(svg)
        assert not [element for element in root.iter() if element.tag.endswith("script")]
        assert "<script" not in svg


NAMES = ("adam[w]", "adam.v", "a['b']", 'a"b"', "a\\b", "datum.value", "=1", "null", "2020-01-01")


def odd_names() -> list[str]:
    """The figures of submissions with the signs of a path or a formula in their names."""
    workload = "w[0].x"
    rules = competition({workload: workload_rules(metric="error[0].rate")})
    trials = [
        t for i, name in enumerate(NAMES)
        for t in reaching(name, workload, [5 + i, 6 + i, math.inf], metric="error[0].rate")
    ]
    return [to_svg(chart) for chart in draw(rules, trials, Style(submissions=NAMES))]


def words(svg: str) -> set[str]:
    return {element.text for element in ElementTree.fromstring(svg).iter() if element.text}


def test_names_with_the_signs_of_a_path_or_a_formula_stay_as_they_are():
    svgs = odd_names()
    for svg in (svgs[1], svgs[3], svgs[6], to_svg(Style(submissions=NAMES).legend(3))):
        assert words(svg) >= set(NAMES)
    assert words(svgs[0]) >= {"w[0].x", "error[0].rate, lower is better"}


def test_submissions_with_such_names_are_all_drawn_in_their_colours():
    svgs = odd_names()
    for svg in (svgs[0], svgs[2], svgs[4], svgs[5]):
        assert set(re.findall(r'stroke="(#\w+)"', svg)) >= set(LIGHT.colours)


@pytest.mark.parametrize("name", ['a id="x"', 'a d="1.23456"', '="#0072b2"', 'a"url(#x)"'])
def test_attributes_in_a_name_are_not_taken_for_those_of_the_figure(name):
    svg = to_svg(draw(competition(), reaching(name, "digits", [5, 6, 7]), Style(
        submissions=(name,)
    ))[1])
    for drawn in (svg, recoloured(svg, DARK), for_page(svg), with_ids(svg, "p_")):
        assert name in {element.text for element in ElementTree.fromstring(drawn).iter()}


def test_what_was_never_reached_is_marked_as_such(svgs):
    assert "×1" in svgs[1]
    (chart,) = [draw(competition(), reaching("sgd", "digits", [5, math.inf, math.inf]))[1]]
    assert "×2" in to_svg(chart)


def test_the_target_is_written_beside_its_line(svgs):
    assert svgs[0].count("target 0.1") == 1


def test_a_figure_in_dark_has_none_of_the_light_colours(svgs):
    dark = recoloured(svgs[2], DARK)
    assert f'fill="{DARK.paper}"' in dark
    assert not [colour for colour in LIGHT.variables().values() if f'"{colour}"' in dark]


def test_a_name_that_looks_like_a_colour_stays_what_it_is():
    svg = '<text fill="#0072b2">#0072b2</text>'
    assert recoloured(svg, DARK) == f'<text fill="{DARK.colours[0]}">#0072b2</text>'


def test_figures_on_one_page_share_no_ids_and_take_their_colours_from_it(svgs):
    first, second = (for_page(with_ids(svgs[0], prefix)) for prefix in ("a_", "b_"))
    ids = [set(re.findall(r' id="(\w+)"', svg)) for svg in (first, second)]
    used = set(re.findall(r"url\(#(\w+)\)", first))
    assert ids[0]
    assert used <= ids[0]
    assert not ids[0] & ids[1]
    assert 'stroke="var(--colour-0)"' in first


def test_coordinates_have_two_decimals_at_most(svgs):
    paths = re.findall(r' d="([^"]*)"', svgs[0])
    assert not re.search(r"\.\d{3}", " ".join(paths))


def test_a_submission_keeps_its_colour_when_ranks_change():
    before, after = Style(submissions=("a", "b", "c")), Style(submissions=("c", "a", "b"))
    colours = [
        dict(zip(c["domain"], c["range"], strict=True))
        for c in (style.colour().to_dict()["scale"] for style in (before, after))
    ]
    assert colours[0] == colours[1]
    assert colours[0]["b"] == LIGHT.colours[before.number("b")[0]]


def test_a_submission_that_is_called_after_a_colour_has_it():
    style = Style(submissions=("adam", "green", "orange", "standard"), baseline="standard")
    colours = dict(zip(style.submissions, style.colour().to_dict()["scale"]["range"], strict=True))
    blue, orange, green, violet = LIGHT.colours[:4]
    assert colours == {"standard": blue, "orange": orange, "green": green, "adam": violet}


def test_submissions_beyond_the_colours_are_told_apart_by_dashes():
    style = Style(submissions=tuple(f"s{i:02}" for i in range(10)))
    looks = zip(
        style.colour().to_dict()["scale"]["range"],
        map(tuple, style.dash().to_dict()["scale"]["range"]),
        strict=True,
    )
    assert len(set(looks)) == 10


def test_all_themes_name_the_same_colours():
    assert LIGHT.variables().keys() == DARK.variables().keys()
    assert len(set(LIGHT.variables().values())) == len(LIGHT.variables())  # recolouring needs it


def test_a_diverging_trial_does_not_stretch_the_axes():
    trials = [
        trial("sgd", trial=1, seconds=[1, 2], values=[0.9, 0.1]),
        trial("sgd", trial=2, seconds=[1, 2], values=[0.9, 1e9]),
    ]
    rules = competition()
    table = curves_table(review_trials(rules, trials, "external").standings, trials)
    panel = training_panel(table, STYLE).to_dict()
    for layer in panel["layer"][:2]:
        assert layer["encoding"]["y"]["scale"]["domain"][1] < 1


def test_what_is_scored_is_inside_the_axes_however_many_values_are_better():
    """A minimised objective falls and rises again; the dot of a weak submission is the worst."""
    best = competition(
        ["digits"], objective="validation_metric",
        constraints=[{"quantity": "time", "bound": "budget_seconds"}],
    )
    trials = [
        trial("strong", seconds=list(range(1, 21)), values=[0.1] * 20),
        trial("weak", seconds=[1], values=[0.5]),
    ]
    standings = review_trials(best, trials, "external").standings
    panel = training_panel(curves_table(standings, trials), STYLE).to_dict()
    assert panel["layer"][1]["encoding"]["y"]["scale"]["domain"][1] > 0.5


@pytest.mark.parametrize(
    ("rules", "values", "reverse"),
    [
        (workload_rules(), [0.3, 0.2], False),
        (workload_rules(metric="accuracy", goal="maximise"), [0.7, 0.8], True),
    ],
)
def test_better_is_to_the_left_whichever_way_the_metric_goes(rules, values, reverse):
    best = competition(
        {"digits": rules}, objective="validation_metric",
        constraints=[{"quantity": "time", "bound": "budget_seconds"}],
    )
    trials = [trial("sgd", study=i, seconds=[1], values=[v], metric=rules.metric)
              for i, v in enumerate(values)]
    standings = review_trials(best, trials, "external").standings
    panel = times_panel(studies_table(standings), STYLE).to_dict()
    x = panel["layer"][0]["encoding"]["x"]
    assert (x["scale"]["reverse"], x["title"]) == (reverse, rules.metric)


def test_a_workload_where_nobody_measured_anything_is_drawn_all_the_same():
    charts = draw(competition(), [trial("sgd", seconds=[1], values=[math.nan])])
    assert all(to_svg(chart).startswith("<svg") for chart in charts)
    never = review_trials(competition(), [trial("sgd")], "external").standings
    assert to_svg(times_panel(studies_table(never), STYLE)).startswith("<svg")


def counted(values):
    rows = [
        ("adam", "digits", study, 1, "bits", "bits", "", "minimise", value, 1.0, value, "{}")
        for study, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=STUDIES, orient="row")


@pytest.mark.parametrize("values", [[158_155.0], [158_155.0, 158_156.0], [158_155.0, 158_190.0]])
def test_ticks_of_counts_that_lie_close_together_are_told_apart(values):
    drawn = ElementTree.fromstring(to_svg(times_panel(counted(values), STYLE)))
    labels = [element.text for element in drawn.iter() if "158" in (element.text or "")]
    assert labels
    assert len(set(labels)) == len(labels)


def plots(svg: str) -> list[tuple[float, float]]:
    """Where the charts in a drawing begin: left and upper end of each plot, as moved."""
    at = r'transform="translate\(([-\d.]+),([-\d.]+)\)"'
    moved = re.findall(rf"<g {at}><rect .*?{at}", svg)
    return [(float(a) + float(c), float(b) + float(d)) for a, b, c, d in moved]


def test_charts_in_columns_have_their_plots_aligned(svgs):
    (one, top), (two, beside), (below, lower) = plots(in_columns([svgs[0], svgs[1], svgs[3]], 2))
    assert one == pytest.approx(below)
    assert two > one
    assert lower > max(top, beside)


def test_a_drawing_holds_all_of_its_charts(svgs):
    width, height = size(stacked(svgs[:2]))
    assert width == max(size(svg)[0] for svg in svgs[:2])
    assert height > sum(size(svg)[1] for svg in svgs[:2])
    ElementTree.fromstring(stacked(svgs[:2]))


def test_a_chart_by_itself_is_not_changed_by_stacking(svgs):
    assert stacked(svgs[:1]) == svgs[0]


@pytest.mark.parametrize("width", [300, 1000])
def test_a_legend_is_not_wider_than_its_figure(width):
    style = Style(submissions=tuple(f"submission_{number:02}" for number in range(20)))
    legend = to_svg(style.legend(style.legend_columns(width)))
    assert size(legend)[0] <= width
    assert legend.count("submission_") == 20


def test_names_in_a_legend_have_the_dashes_of_their_lines():
    style = Style(submissions=tuple(f"s{number}" for number in range(10)))
    assert to_svg(style.legend(3)).count('stroke-dasharray="6,3"') == 2


def test_a_notice_by_itself_is_text():
    style = Style(submissions=("a",), notice=HOSTILE)
    root = ElementTree.fromstring(to_svg(style.notice_below()))
    assert HOSTILE in {element.text for element in root.iter()}


def test_a_name_too_long_for_its_axis_is_cut():
    name = "submission_" * 5
    svg = to_svg(draw(competition(), reaching(name, "digits", [5]), Style(submissions=(name,)))[1])
    (shown,) = re.findall(r">(submission_[^<]*)<", svg)
    assert shown.endswith("…")
    assert name.startswith(shown[:-1])
