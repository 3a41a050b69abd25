"""Boards in a terminal: text from outside is shown as it is."""

import io
import math
import re

import pytest
from rich.console import Console
from synthetic_trials import competition, reaching, trial

from mlgolf.report.terminal import leaderboard_tables, plain, review_lines, text_table
from mlgolf.report.view import BoardView, board_view, review_view
from mlgolf.scoring.leaderboard import score_competition
from mlgolf.scoring.review import review_trials

RULES = competition()


def printed(*shown, width: int = 120) -> str:
    """As `mlgolf score` prints it, whatever the console makes of markup and emoji codes."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    for item in shown:
        console.print(item)
    return console.file.getvalue()


def board(trials, rules=RULES) -> BoardView:
    return board_view(rules, score_competition(rules, trials, "external"))


def test_names_that_differ_in_brackets_only_stay_apart_on_the_board():
    trials = [*reaching("adam[w]", "digits", [5]), *reaching("adam[v]", "digits", [6])]
    text = printed(*leaderboard_tables(board(trials)))
    assert "adam[w]" in text
    assert "adam[v]" in text


@pytest.mark.parametrize("name", ["[/data/cache]", "[bold]x[/bold]", ":smile:", "\\[x]", "ü"])
def test_markup_and_emoji_codes_are_printed_as_they_are(name):
    trials = reaching(name, "digits", [5])
    found = review_trials(competition(), trials, "external")
    view = review_view(found)
    text = printed(*leaderboard_tables(view.board), *map(plain, review_lines(view)))
    assert name in text


def test_a_title_is_not_markup_either():
    rules = competition().model_copy(update={"name": "my[bold]game"})
    shown = board(reaching("a", "digits", [5]), rules)
    assert "my[bold]game" in printed(*leaderboard_tables(shown))


def test_control_characters_do_not_reach_the_terminal():
    assert plain("a\x1b[2Jb\u202e").plain == "a\\x1b[2Jb\\u202e"


def test_labels_stand_in_the_title():
    trials = [
        trial("a", seconds=[5], values=[0.1], unofficial="shared", header={"held_out": "practice"})
    ]
    assert "tiny · external tuning · torch · unofficial · practice" in printed(
        *leaderboard_tables(board(trials))
    )


def test_a_target_that_was_not_reached_has_a_line_with_the_best_value():
    trials = [trial("a", seconds=[2, 24.1], values=[0.5, 0.12])]
    text = printed(*leaderboard_tables(board(trials)), width=80)
    assert "targets not reached" in text
    assert re.search(r"a +digits +0.12 +24.1 +0.1 +1/1", text)


def test_a_board_without_a_missed_target_has_no_such_table():
    trials = reaching("a", "digits", [5, math.inf, 5])
    assert len(leaderboard_tables(board(trials))) == 1


def test_more_missed_targets_than_are_shown_are_counted():
    trials = [trial(f"s{i:02}", seconds=[2], values=[0.5]) for i in range(23)]
    assert "targets not reached, 3 more with --json" in printed(*leaderboard_tables(board(trials)))


CURVE = ("method", "time", "quality", "speed-up at the same quality", "gain at the same time",
         "verdict")  # fmt: skip


@pytest.mark.parametrize("width", [72, 80, 100])
def test_names_of_methods_are_whole_where_intervals_can_be_folded(width):
    row = (
        "progressive_resizing", "12.75", "0.7134", "1.02× (0.951 to 1.1×)",
        "+0.00118 (-0.00212 to +0.00448)", "cannot tell",
    )  # fmt: skip
    text = printed(text_table("", CURVE, [row]), width=width)
    assert "progressive_resizing" in text
    assert max(map(len, text.splitlines())) <= width


def test_a_name_without_room_is_folded():
    text = printed(text_table("", ("method", "time"), [("n" * 100, "12.75")]), width=80)
    assert text.count("n" * 10) > 1
    assert max(map(len, text.splitlines())) <= 80
