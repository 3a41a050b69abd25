"""What is said of a board, before anything draws it."""

import io
import json
import math
import re
from dataclasses import asdict, replace

import pytest
from rich.console import Console
from synthetic_trials import competition, plausible_run, reaching, trial, workload_rules

from mlgolf.report.board import leaderboard_section
from mlgolf.report.terminal import leaderboard_tables, review_lines
from mlgolf.report.view import BoardView, board_view, first_problems, review_view
from mlgolf.scoring.admission import admit
from mlgolf.scoring.leaderboard import score_competition
from mlgolf.scoring.review import review, review_trials

RULES = competition(["digits", "wmt"])
HOSTILE = '<b onclick="x">[bold]&amp;[/bold]</b>'


def board(trials, rules=RULES) -> BoardView:
    return board_view(rules, score_competition(rules, trials, "external"))


def on_terminal(view: BoardView) -> str:
    console = Console(file=io.StringIO(), width=200, force_terminal=False)
    for table in leaderboard_tables(view):
        console.print(table)
    return console.file.getvalue()


def in_page(view: BoardView) -> str:
    return re.sub(r"<[^>]*>", "", leaderboard_section(view).replace("<wbr>", ""))


@pytest.fixture(scope="module")
def view() -> BoardView:
    return board(plausible_run(RULES.workloads, ["adam", "sgd"]))


def test_page_and_terminal_show_the_same_scores_bounds_values_and_ratios(view):
    page, terminal = (show(view).replace("\N{NO-BREAK SPACE}", " ")
                      for show in (in_page, on_terminal))
    said = [
        text.replace("\N{NO-BREAK SPACE}", " ") for row in view.rows
        for text in (row.score, row.bounds, *(t for c in row.cells for t in (c.value, c.ratio)))
    ]
    assert all(said)
    assert not [text for text in said if text not in page or text not in terminal]


def test_a_view_is_plain_data():
    found = review_view(review_trials(RULES, reaching("a", "digits", [5, 6, 7]), "external"))
    assert json.loads(json.dumps(asdict(found)))["board"]["title"] == "Tiny"


def test_text_from_outside_is_in_the_view_as_it_is():
    assert board(reaching(HOSTILE, "digits", [5])).rows[0].submission == HOSTILE


def test_who_is_best_on_a_workload_has_a_ratio_of_one():
    first, second = board(
        [*reaching("a", "digits", [5]), *reaching("b", "digits", [10])], competition()
    ).rows
    assert [(c.ratio, c.best) for c in (*first.cells, *second.cells)] == [
        ("×1.00", True), ("×2.00", False),
    ]


def test_a_value_of_another_quantity_than_time_is_shown_with_its_time():
    best = competition(
        objective="validation_metric",
        constraints=[{"quantity": "time", "bound": "budget_seconds"}],
    )
    (row,) = board([trial("a", seconds=[2, 5], values=[0.5, 0.25])], best).rows
    assert (row.cells[0].value, row.cells[0].details) == ("0.2500", ("at 5.00\N{NO-BREAK SPACE}s",))


@pytest.mark.parametrize(("quantity", "is_said"), [("dollars", True), ("time", False)])
def test_a_board_that_scores_money_says_where_its_price_is_from(quantity, is_said):
    spent = {"quantity": quantity, "bound": "budget_seconds"}
    rules = competition(objective="validation_metric", constraints=[spent])
    said = " ".join(board([trial("a", seconds=[2], values=[0.5])], rules).explained)
    assert ("costs 0.0504 dollars (assumed: " in said) is is_said


def test_what_is_too_slow_says_so_beside_its_value():
    rows = board([*reaching("a", "digits", [1]), *reaching("b", "digits", [9])]).rows
    assert rows[1].cells[0].details == ("too slow",)


def test_a_failed_cell_says_how_near_it_came_and_has_a_short_word():
    (row,) = board([trial("a", seconds=[2], values=[0.5])], competition()).rows
    (cell,) = row.cells
    assert (cell.failed, cell.value, cell.short) == (True, "not reached", "never")
    assert cell.details == ("best 0.5 at 2.00\N{NO-BREAK SPACE}s", "target 0.1")


def test_a_held_out_failure_is_no_value_on_the_terminal_either():
    rules = competition({
        "digits": workload_rules(), "digits_gelu": workload_rules(held_out_of="digits"),
    })
    trials = [*reaching("a", "digits", [5]), trial("a", "digits_gelu", seconds=[7], values=[0.25])]
    assert "held-out workload not reached" in on_terminal(board(trials, rules))


def test_only_short_words_that_stand_on_the_board_are_explained():
    assert board([trial("a", seconds=[2], values=[0.5])], competition()).short_words == (
        "never: target not reached",
    )


def test_a_range_is_marked_where_others_have_an_interval():
    rules = competition()
    trials = [t for name in ("a", "b") for t in reaching(name, "digits", [5])]
    scored = score_competition(rules, trials, "external")
    first, second = scored.entries
    first = replace(first, interval=(0.5, 0.75))
    second = replace(second, interval=None, range_of_studies=(0.25, 0.5))
    rows = board_view(rules, replace(scored, entries=(first, second))).rows
    assert [row.bounds for row in rows] == ["0.50–0.75", "0.25–0.50 (range)"]


def test_a_range_is_not_marked_where_all_are_ranges():
    rules = competition()
    scored = score_competition(rules, reaching("a", "digits", [5]), "external")
    (entry,) = scored.entries
    ranged = replace(entry, interval=None, range_of_studies=(0.25, 0.5))
    view = board_view(rules, replace(scored, entries=(ranged,)))
    assert (view.bounds_are, view.rows[0].bounds) == ("range of studies", "0.25–0.50")


def test_bounds_of_a_single_submission_are_explained():
    explained = board(reaching("a", "digits", [5, math.inf])).explained
    assert explained[-1].startswith("Below the score: ")


def test_problems_beyond_those_shown_are_counted():
    shown = first_problems([f"problem {i}" for i in range(23)], "in each verdict.json")
    assert len(shown) == 21
    assert shown[-1] == "... and 3 more problems, in each verdict.json"


def test_an_interpretation_that_changes_nothing_has_no_line():
    found = review_view(review_trials(RULES, reaching("a", "digits", [5, 6, 7]), "external"))
    unchanged = [f"{o.name}={o.other}" for o in found.interpretations if o.changes == "none"]
    assert unchanged
    assert not [line for line in review_lines(found) for name in unchanged if name in line]


def test_a_ratio_to_the_baseline_is_a_line():
    rules = competition()
    trials = [*reaching("a", "digits", [5]), *reaching("b", "digits", [10])]
    found = review(
        rules, "external", lambda other: admit(other, trials, "external"), baseline="a"
    )
    assert "b: × 2.0000 the baseline's time (geometric mean over workloads)" in review_lines(
        review_view(found)
    )
