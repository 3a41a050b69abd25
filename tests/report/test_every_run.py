"""Every run, and whether the best is a record, as plain text, on a terminal and in a page."""

import io
import math
import re

import pytest
from one_workload import SMALLEST, run, runs
from rich.console import Console
from synthetic_trials import competition, reaching

from mlgolf.core.records import Calibration
from mlgolf.core.status import Status
from mlgolf.plots.tables import models_table, twin_table
from mlgolf.report.page import write_report
from mlgolf.report.terminal import MOST_RUNS, leaderboard_tables, review_lines, run_tables
from mlgolf.report.view import ReviewView, review_view
from mlgolf.scoring.review import review_trials

GOOD, WORSE = [10.1, 10.2, 10.3, 10.4, 10.5], [12.1, 12.2, 12.3, 12.4, math.inf]
BOTH = [*runs("good", GOOD), *runs("worse", WORSE)]


def view(trials, rules=SMALLEST, ruleset="self") -> ReviewView:
    return review_view(review_trials(rules, trials, ruleset))


def on_terminal(found: ReviewView, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    for table in (*leaderboard_tables(found.board), *run_tables(found)):
        console.print(table)
    return console.file.getvalue()


def in_page(path, trials, rules=SMALLEST) -> str:
    review = review_trials(rules, trials, "self")
    write_report(review, trials, path / "r.html")
    html = re.sub(r"<(style|script|svg).*?</\1>", "", (path / "r.html").read_text(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.replace("<wbr>", "")))


def test_a_board_of_one_workload_shows_median_range_distance_to_par_and_share_that_qualified():
    first, second = view(BOTH).board.rows
    board = view(BOTH).board
    assert (board.value_is, board.fact_heads) == (
        "L2 norm", ("range of runs", "to par", "qualified"),
    )
    assert first.cells[0].value == "10.30"
    assert first.facts == ("10.10–10.50", "+3.00%", "5/5")
    assert second.facts == ("12.10–12.40", "+23.00%", "4/5")


def test_such_a_board_shows_no_score_and_no_ratio(tmp_path):
    board = on_terminal(view(BOTH))
    assert "score" not in board
    assert "×" not in board
    assert "Score" not in in_page(tmp_path, BOTH)


def test_a_board_of_several_workloads_keeps_its_score():
    rules = competition(["digits", "wmt"])
    found = view(reaching("a", "digits", [5]), rules, "external")
    assert found.board.fact_heads == ()
    assert "score" in on_terminal(found)


def test_studies_of_several_trials_are_counted_as_studies():
    found = view(reaching("a", "digits", [5, math.inf]), competition(), "external")
    assert found.board.fact_heads == ("range of studies", "reached")
    assert found.board.rows[0].facts == ("5.000 s".replace(" ", "\N{NO-BREAK SPACE}"), "1/2")
    assert found.runs.runs == ()


def test_too_few_runs_that_qualify_are_no_value():
    (row,) = view(runs("a", [10.0, 10.0, 10.0, math.inf, math.inf])).board.rows
    assert (row.cells[0].failed, row.facts) == (True, ("10.00", "–", "3/5"))


def test_every_run_has_its_seed_verdict_value_and_share_of_each_bound():
    found = view(BOTH).runs
    assert found.bounds == ("train loss ≤ 0.01 nats", "train loss max ≤ 0.1 nats", "time ≤ 30 s")
    assert [(r.submission, r.seed, r.verdict, r.value) for r in found.runs][3:6] == [
        ("good", "3", "QUALIFIED", "10.40"), ("good", "4", "QUALIFIED", "10.50"),
        ("worse", "0", "QUALIFIED", "12.10"),
    ]
    assert [m.share for m in found.runs[0].margins] == ["50%", "5%", "3%"]


@pytest.mark.parametrize(("loss", "share"), [(0.009999, "99%"), (0.01, "100%"), (0.010001, "101%")])
def test_only_a_value_on_its_bound_has_a_share_of_all_of_it(loss, share):
    (only,) = view([run(l2=[5.0], loss=[loss])]).runs.runs
    assert only.margins[0].share == share


def test_who_did_not_qualify_is_told_why_and_what_to_change(tmp_path):
    trials = [run("a", l2=[5.0], loss=[0.5], status=Status.FINISHED, reason="play() returned")]
    said = " ".join(review_lines(view(trials)))
    advice = "train_loss is 0.5 at best, at most 0.01 nats is asked"
    assert f"a, seed 0: NOT_QUALIFIED, play() returned; to change: {advice}" in said
    assert advice in in_page(tmp_path, trials)


@pytest.mark.parametrize(("loss", "are_nats"), [("squared_error", False), ("cross_entropy", True)])
@pytest.mark.parametrize("objective", ["l2", "train_loss"])
def test_losses_are_in_nats_unless_the_graph_declares_squared_errors(
    tmp_path, loss, are_nats, objective
):
    row = SMALLEST.workloads["digits"].model_copy(
        update={"definition": {"graph": {"loss": loss}}}
    )
    bounds = [{"quantity": name, "bound": name} for name in ("train_loss", "train_loss_max")]
    rules = competition(
        {"digits": row}, objective=objective, tuning={"self": {"studies": 5, "budget_factor": 1.0}},
        constraints=[*bounds, {"quantity": "time", "bound": "budget_seconds"}],
    )
    trials = [*runs("fits", GOOD), run("fails", l2=[5.0], loss=[0.5], status=Status.FINISHED)]
    found = view(trials, rules)
    told = [on_terminal(found), *review_lines(found), found.board.question, *found.board.explained]
    assert "train_loss is 0.5 at best" in in_page(tmp_path, trials, rules)
    with_figures = (tmp_path / "r.html").read_text()
    for text in (" ".join(told), with_figures):
        assert bool(re.search(r"\bnats\b", text)) is are_nats


def test_more_runs_than_a_terminal_shows_are_counted():
    trials = runs("a", [10.0] * (MOST_RUNS + 3))
    assert "3 more with --json" in " ".join(on_terminal(view(trials)).split())


def test_a_run_where_nothing_was_judged_has_dashes_for_margins(tmp_path):
    trials = [*runs("a", [10.0]), run("b", status=Status.CRASHED, reason="broke")]
    assert view(trials).runs.runs[1].margins == ()
    assert re.search(r"b +0 +CRASHED +– +– +– +– +0/0", on_terminal(view(trials)))
    assert "b 0 crashed – – – – 0/0 broke" in in_page(tmp_path, trials)


def test_a_record_is_told_on_terminal_and_page(tmp_path):
    said = (
        "good beats worse: 10.30 against 12.30, a gain of 16%; exact one-sided p = 0.004 over 5 + "
        "5 runs: a record over worse"
    )
    assert said in review_lines(view(BOTH))
    assert said in in_page(tmp_path, BOTH)


def test_a_median_below_par_is_said_to_beat_it():
    said = "good beats par on digits: 9.500 against 10.00. The host may set par anew"
    assert said in view(runs("good", [9.5] * 5)).board.notes
    assert not [note for note in view(BOTH).board.notes if "par" in note]


def test_who_has_no_value_has_no_rank_and_is_told_the_bound_that_was_missed():
    (row,) = view(runs("a", [math.inf] * 5)).board.rows
    assert row.rank == "–"
    assert row.cells[0].details[0].startswith("best training loss 1 at ")
    assert row.cells[0].details[1] == "bound 0.01"


def test_budgets_in_other_seconds_than_the_rules_are_told_beside_those_of_the_rules():
    slow = run("a", l2=[9.0], header={"calibration": Calibration(
        seconds=2.0, spread=0.0, reference_seconds=1.0
    )})  # fmt: skip
    assert view([slow]).runs.reference == (
        "Budgets are in seconds of the reference machine: 30 s are 60 s on this machine, 2 times "
        "as many"
    )
    assert view(BOTH).runs.reference == ""


def test_captions_explain_only_what_is_drawn(tmp_path):
    all_qualify = in_page(tmp_path, runs("good", GOOD))
    assert "Results of every run" in all_qualify
    for absent in ("Crosses", "Hollow", "Pale", "held-out", "Best hyperparameters"):
        assert absent not in all_qualify
    assert "Pale: the 20% spent on trials that did not qualify" in in_page(
        tmp_path, runs("worse", WORSE)
    )


def test_what_is_no_record_says_why():
    trials = [*runs("a", [10.0, 10.0]), *runs("b", [10.02, 10.02])]
    assert (
        "a is ahead of b: 10.00 against 10.02, a gain of 0.20%; exact one-sided p = 0.167 over 2 + "
        "2 runs: no record, as the gain is below 0.5%, p is above 0.05, a has 2 of 5 runs "
        "and b has 2 of 5 runs"
    ) in review_lines(view(trials))


def test_an_opponent_without_a_value_is_none():
    assert view([*runs("a", [10.0] * 5), *runs("b", [math.inf] * 5)]).runs.record == ""


def test_json_has_the_runs_the_record_and_the_spread():
    told = review_trials(SMALLEST, BOTH, "self").as_json()
    assert told["record"]["record"] is True
    assert [run["verdict"] for run in told["runs"]].count("QUALIFIED") == 9
    assert told["runs"][0]["margins"][0] == {
        "quantity": "train_loss", "value": 0.005, "bound": 0.01, "ratio": 0.5, "met": True,
    }
    assert told["spread"][1] == {
        "submission": "worse", "workload": "digits", "studies": 5, "studies_reached": 4,
        "range_of_values": [12.1, 12.4],
    }


def test_every_model_is_a_point_and_the_steps_are_the_best_valid_so_far():
    trials = [run("a", l2=[9.0, 12.0, 11.0, 11.5], loss=[1.0, 0.001, 0.001, 0.001])]
    table = models_table(review_trials(SMALLEST, trials, "self").standings, trials, 1.0)
    assert table["value"].to_list() == [9.0, 12.0, 11.0, 11.5]
    assert table["valid"].to_list() == [False, True, True, True]
    assert table["best"].to_list() == [None, 12.0, 11.0, 11.0]
    assert set(table["par"]) == {10.0}


def test_the_report_draws_every_model_and_the_twin_set_with_its_correlations(tmp_path):
    trials = [
        run("a", seed, l2=[10.0 + 2 * seed, 11.0 + 2 * seed],
            twin={"error_rate": [0.1 + seed, 0.2 + seed], "loss": [1.0, 1.0]})
        for seed in range(4)
    ]
    text = in_page(tmp_path, trials)
    assert "Every model that was judged" in text
    assert "Points: all valid models of all runs (8 models, 4 runs of 1 submission)" in text
    assert re.search(r"L2 norm \+1\.00 \+1\.00 to \+1\.00 – all models are equal", text)
    assert (tmp_path / "r_figures" / "twin.csv").exists()
    assert "Performance profile" not in text


def test_without_a_twin_set_there_is_no_such_figure(tmp_path):
    assert twin_table(None).is_empty()
    assert "twin set" not in in_page(tmp_path, BOTH)


@pytest.mark.parametrize(("width", "whole"), [(80, "0/29"), (60, "10000%")])
def test_no_number_of_a_run_is_cut_where_a_terminal_is_narrow(width, whole):
    trials = [
        run("a_champion_with_a_long_name", n, l2=[1234.5] * 29, loss=[1.0] * 29, seed=2**31 + n)
        for n in range(2)
    ]
    shown = on_terminal(view(trials), width)
    assert str(2**31 + 1) in shown
    assert "NOT_QUALIFIED" in shown
    assert shown.count(whole) == 2


def test_of_a_run_the_count_of_models_is_the_first_that_is_left_out():
    shown = on_terminal(view(BOTH), 50)
    assert "models" not in shown
    assert re.search(r"good +0 +QUALIFIED +10.10 +50%", shown)


def test_where_runs_are_ranked_by_value_nothing_is_said_of_scores(tmp_path):
    said = " ".join(review_lines(view([*runs("a", [10.0] * 3), *runs("b", [11.0])])))
    assert "--interpretation" not in said
    assert "targets easier" not in said
    assert "Sensitivity" not in in_page(tmp_path, BOTH)


def test_missing_runs_are_told_once():
    said = [line for line in review_lines(view(runs("a", [10.0]))) if "the rules ask for" in line]
    assert said == ["a: fewer than the 5 studies that the rules ask for on 1 workload: digits"]


def test_practice_sets_no_record_and_is_said_so_in_json_and_title():
    trials = [
        *runs("good", GOOD, header={"held_out": "practice"}),
        *runs("worse", WORSE, header={"held_out": "practice"}),
    ]
    told = review_trials(SMALLEST, trials, "self").as_json()
    assert (told["practice"], told["record"]["record"]) == (True, False)
    assert told["record"]["lacks"] == ("the runs are practice",)
    assert view(trials).board.title == "Tiny · practice"


def test_on_a_narrow_screen_the_range_of_runs_gives_way(tmp_path):
    write_report(review_trials(SMALLEST, BOTH, "self"), BOTH, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    (head,) = re.findall(r'<table class="board valued">.*?</thead>', page, flags=re.S)
    heads = re.findall(r"<th[^>]*>(.*?)</th>", head)
    assert heads[3] == "Range of runs"
    assert ".valued :is(th, td):nth-child(4) { display: none; }" in page
