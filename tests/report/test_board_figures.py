"""Figures beside a board of kept results, and what each seed came to."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from one_workload import SMALLEST, run, runs
from synthetic_trials import competition, plausible_run

from mlgolf.plots.pareto import pareto_table
from mlgolf.report.board_figures import MOST_CURVES, draw_board
from mlgolf.report.seeds import seeds_view
from mlgolf.scoring.kept_board import board_of_kept
from mlgolf.scoring.kept_trials import as_records, from_records, keep_trials
from mlgolf.scoring.twin import twin

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BEGAN + timedelta(days=30)


def board(rules, trials, ruleset="self"):
    kept = as_records(list(keep_trials(rules, trials, ruleset)))
    return board_of_kept(rules, from_records(json.loads(json.dumps(kept))), ruleset)


def records(number, apart=timedelta(days=1)):
    """So many entries, each a record."""
    return [
        replace(one, received=BEGAN + apart * place)
        for place in range(number) for one in runs(f"entry-{place}", [40.0 - place] * 5)
    ]


def names(figures):
    return [figure.sketch.name for figure in figures]


def words(figure):
    return re.findall(r"<text[^>]*>([^<]*)</text>", figure.whole)


@pytest.mark.parametrize("number", [1, 3, 20])
def test_the_newest_record_is_named_however_many_there_are(number):
    figures = draw_board(board(SMALLEST, records(number)), NOW)
    assert names(figures)[0] == "record"
    assert f"entry-{number - 1}" in words(figures[0])


def test_records_of_one_hour_have_minutes_on_their_axis():
    figures = draw_board(
        board(SMALLEST, records(3, timedelta(minutes=10))), BEGAN + timedelta(hours=1)
    )
    assert "00:15" in words(figures[0])
    assert "1 Jan 2026, UTC" in words(figures[0])


def test_par_is_drawn_with_the_record():
    assert "par 10.00" in words(draw_board(board(SMALLEST, records(2)), NOW)[0])


def with_seconds(**found):
    """Each submission with a value, and the number of its models before that one."""
    return [
        run(name, study, l2=[value + 9.0] * before + [value], loss=[1.0] * before + [0.005])
        for name, (value, before) in found.items() for study in range(5)
    ]


def test_value_against_seconds_has_who_no_other_beats_in_both_on_its_front():
    trials = with_seconds(fast=(20.0, 1), best=(12.0, 5), beaten=(25.0, 4))
    table = pareto_table(board(SMALLEST, trials), "seconds")
    front = dict(zip(table["submission"], table["front"], strict=True))
    assert front == {"fast": True, "best": True, "beaten": False}
    assert dict(zip(table["submission"], table["spent"], strict=True))["best"] == 6.0


def with_joules(**found):
    """Each submission with a value, and what its meter had counted by then."""
    return [
        replace(trial, joules=np.array([joules]))
        for name, (value, joules) in found.items() for trial in runs(name, [value] * 5)
    ]


def test_value_against_energy_is_drawn_where_a_meter_counted_it():
    trials = with_joules(thrifty=(20.0, 10.0), best=(12.0, 90.0), beaten=(25.0, 80.0))
    unmetered = runs("unmetered", [9.0] * 5)
    found = board(SMALLEST, [*trials, *unmetered])
    table = pareto_table(found, "joules")
    front = dict(zip(table["submission"], table["front"], strict=True))
    assert front == {"thrifty": True, "best": True, "beaten": False}
    (figure,) = draw_board(found, NOW)
    assert figure.sketch.name == "value_against_joules"
    assert "of the whole processor package or GPU" in figure.sketch.caption


def test_energy_is_not_drawn_against_itself():
    thrifty = SMALLEST.model_copy(
        update={"rules": SMALLEST.rules.model_copy(update={"objective": "energy"})}
    )
    found = board(thrifty, with_joules(a=(20.0, 10.0), b=(12.0, 90.0)))
    assert pareto_table(found, "joules").is_empty()


def test_there_is_no_figure_of_what_nobody_measured():
    figures = draw_board(board(SMALLEST, with_seconds(a=(20.0, 1), b=(12.0, 5))), NOW)
    assert names(figures) == ["value_against_seconds"]  # nobody says when they came, nor their bits


def test_a_benchmark_has_its_profile_and_the_times_of_each_workload():
    rules = competition(["digits", "words"])
    many = [f"s{number:02}" for number in range(MOST_CURVES + 3)]
    figures = draw_board(
        board(rules, plausible_run(rules.workloads, many), "external"), NOW
    )
    assert names(figures) == ["performance_profile", "times_to_target"]
    assert f"the best {MOST_CURVES} of {len(many)}" in figures[0].sketch.caption


def test_an_empty_board_has_no_figures():
    assert draw_board(board(SMALLEST, []), NOW) == []


def test_models_on_a_twin_set_are_a_figure_with_its_correlations_below():
    trials = [
        run("a", study, l2=norms, twin={"loss": list(np.array(norms) / 7), "error_rate": norms})
        for study, norms in enumerate(([5.0, 4.0, 3.0], [6.0, 5.5, 2.0], [7.0, 3.0, 2.5]))
    ]
    found = twin(SMALLEST, trials, "self")
    figures = draw_board(board(SMALLEST, trials), NOW, found)
    assert names(figures)[-1] == "twin"
    assert "Spearman" in figures[-1].sketch.below


def test_every_seed_of_a_submission_is_told_with_its_value_and_its_time():
    trials = [run("a", 0, l2=[3.0, 2.0]), *runs("a", [5.0, float("inf")])[1:]]
    found = seeds_view(board(SMALLEST, trials))["a"]
    assert [(one.seed, one.value, one.qualified) for one in found] == [
        ("0", "2.000", True), ("1", "–", False)
    ]
    assert found[0].seconds == "2.00\N{NO-BREAK SPACE}s"


def test_seeds_of_a_benchmark_are_not_told_one_by_one():
    rules = competition(["digits", "words"])
    assert seeds_view(board(rules, plausible_run(rules.workloads, ["a"]), "external")) == {}


def test_one_submission_alone_is_against_nothing():
    assert pareto_table(board(SMALLEST, runs("a", [1.0] * 5)), "seconds").is_empty()
