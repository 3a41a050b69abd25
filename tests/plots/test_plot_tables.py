"""The tables behind the figures."""

import math

import pytest
from synthetic_trials import competition, reaching, trial

from mlgolf.plots.tables import (
    curves_table,
    leave_one_out_table,
    profile_table,
    runtimes_table,
    studies_table,
    target_levels_table,
    training_time_table,
    win_probability_table,
)
from mlgolf.scoring.admission import admit
from mlgolf.scoring.leaderboard import score_competition
from mlgolf.scoring.review import review_trials
from mlgolf.scoring.standings import Standings

RULES = competition(["digits", "wmt"])
DUAL = competition(
    objective="validation_metric", constraints=[{"quantity": "time", "bound": "budget_seconds"}]
)


def standings(rules, trials):
    return Standings(rules, admit(rules, trials, "external").pool)


def test_the_best_trial_of_a_study_and_its_scored_evaluation_are_marked():
    trials = [
        trial(trial=1, seconds=[1, 2, 3], values=[0.5, 0.1, 0.1]),
        trial(trial=2, seconds=[1, 2, 3], values=[0.5, 0.4, 0.1]),
    ]
    table = curves_table(standings(RULES, trials), trials)
    assert table["best"].to_list() == [True] * 3 + [False] * 3
    assert table["scored"].to_list() == [False, True, False] + [False] * 3
    assert table["target"].to_list() == [0.1] * 6


def test_a_metric_that_was_not_measured_is_null():
    trials = [trial(seconds=[1, 2], values=[math.nan, 0.3])]
    assert curves_table(standings(RULES, trials), trials)["value"].to_list() == [None, 0.3]


def test_rules_without_a_bound_on_the_metric_have_no_target():
    trials = [trial(seconds=[1], values=[0.3])]
    assert curves_table(standings(DUAL, trials), trials)["target"].to_list() == [None]


def test_every_study_is_a_row_with_the_median_that_the_board_shows():
    trials = reaching("a", "digits", [5, 7, math.inf], hyperparameters={"learning_rate": 0.1})
    table = studies_table(standings(RULES, trials), trials)
    assert table["value"].to_list() == [5, 7, None]
    assert table["median"].to_list() == [7, 7, 7]
    assert table["hyperparameters"][0] == '{"learning_rate": 0.1}'


def test_a_profile_starts_at_one_ends_at_tau_max_and_has_a_row_at_each_step():
    trials = [
        *reaching("a", "digits", [5]), *reaching("b", "digits", [10]),
        *reaching("a", "wmt", [10]), *reaching("b", "wmt", [1]),
    ]
    board = score_competition(RULES, trials, "external")
    rows = profile_table(board, 4.0).rows()
    assert [row for row in rows if row[0] == "b"] == [("b", 1, 0.5), ("b", 2, 1), ("b", 4, 1)]
    assert [row for row in rows if row[0] == "a"] == [("a", 1, 0.5), ("a", 2, 0.5), ("a", 4, 0.5)]


def test_the_area_under_the_rows_of_a_profile_is_the_score():
    trials = [t for s, times in [("a", [5, 12]), ("b", [9, 5])]
              for w, time in zip(["digits", "wmt"], times, strict=True)
              for t in reaching(s, w, [time])]
    board = score_competition(RULES, trials, "external")
    table = profile_table(board, 4.0)
    for entry in board.entries:
        own = table.filter(table["submission"] == entry.submission)
        area = (own["share"].head(-1) * own["tau"].diff().drop_nulls()).sum() / 3
        assert area == pytest.approx(entry.score)


def test_nothing_gives_empty_tables_with_their_columns():
    nothing = review_trials(RULES, [], "external")
    tables = [
        curves_table(nothing.standings, []), studies_table(nothing.standings),
        profile_table(nothing.board, 4.0), win_probability_table(nothing),
        target_levels_table(nothing),
        runtimes_table(nothing), leave_one_out_table(nothing), training_time_table(nothing),
    ]
    assert all(table.is_empty() and "submission" in table.columns for table in tables)


def test_a_pair_is_in_the_table_both_ways():
    trials = [*reaching("a", "digits", [5, 6, 7]), *reaching("b", "digits", [15, 16, 17])]
    table = win_probability_table(review_trials(RULES, trials, "external"))
    rows = {row[:2]: row[2:] for row in table.rows()}
    assert rows.keys() == {("a", "b"), ("b", "a")}
    assert rows["a", "b"][0] + rows["b", "a"][0] == pytest.approx(1)
    assert rows["a", "b"][1] == rows["b", "a"][1]


def test_the_hours_of_a_figure_are_those_that_were_spent():
    trials = [*reaching("a", "digits", [5, math.inf]), *reaching("b", "digits", [15])]
    spent = {t.key.submission: 0.0 for t in trials}
    for t in trials:
        spent[t.key.submission] += t.seconds[-1] / 3600
    rows = training_time_table(review_trials(RULES, trials, "external")).rows(named=True)
    assert {row["submission"]: row["hours"] for row in rows} == pytest.approx(spent)
