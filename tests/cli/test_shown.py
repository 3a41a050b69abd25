"""What the `show` commands print: sentences and tables that fit 80 columns."""

import json
import re

import pytest

from mlgolf.core.competition import competition_names, load_competition
from mlgolf.core.quantities import quantities
from mlgolf.core.registry import algorithm_names, workload_names
from mlgolf.report.words import how_valued, question

EVERYTHING = [
    *(("competitions", name) for name in competition_names()),
    *(("workloads", name) for name in workload_names()),
    *(("algorithms", name) for name in algorithm_names()),
    *(("quantities", name) for name in quantities()),
]

BUDGETS = {"budget_seconds", "budget_dollars", "step_limit"}


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("kind", "name"), EVERYTHING)
def test_what_is_shown_fits_80_columns_and_holds_no_code(mlgolf, kind, name):
    shown = mlgolf(kind, "show", name).stdout
    assert all(len(line) <= 80 for line in shown.splitlines())
    without_sources = re.sub(r"Source of the numbers.*?\n\n", "", shown + "\n", flags=re.DOTALL)
    assert not re.search(r"[{}\[\]]|None|True|False", without_sources)


def test_the_rules_are_sentences(mlgolf):
    shown = one_line(mlgolf("competitions", "show", "mini").stdout)
    assert (
        "Which submission needs the least training time until its validation metric reaches each "
        "workload's target, within each workload's budget?"
    ) in shown
    assert "Played on one-thread-cpu: one thread on one core" in shown
    assert "External tuning: 3 studies of 5 trials" in shown
    assert "Self-tuning: 3 studies of 1 trial, with 1.5 times the budget." in shown


def test_an_objective_whose_direction_the_workloads_say_is_to_reach_the_best(mlgolf):
    shown = one_line(mlgolf("competitions", "show", "mini-dual").stdout)
    assert "reaches the best validation metric while its training time stays within" in shown


def test_a_competition_of_one_workload_is_shown_in_the_words_of_its_board(mlgolf):
    competition = load_competition("digits-l2")
    rows = [*competition.workloads.values()]
    shown = one_line(mlgolf("competitions", "show", "digits-l2").stdout)
    assert question(competition.rules, rows) in shown
    assert how_valued(competition.rules, "self", rows[0]) in shown
    assert "ratio" not in shown


@pytest.mark.parametrize("name", competition_names())
def test_every_number_of_a_competition_stands_in_its_tables_with_its_source(mlgolf, name):
    shown = one_line(mlgolf("competitions", "show", name).stdout)
    for workload, numbers in load_competition(name).workloads.items():
        sign = " ≤" if numbers.goal == "minimise" else " ≥"
        sign = sign if {*numbers.bounds} - BUDGETS else ""
        targets = [numbers.bounds[name] for name in numbers.bounds if name.endswith("target")]
        cells = "".join(f"{value:.6g} " for value in targets)
        assert f"{workload} {numbers.metric}{sign} {cells}" in shown
        budgets = [value for name, value in numbers.bounds.items() if name in BUDGETS]
        hint = [] if numbers.step_hint is None else [numbers.step_hint]
        cells = "".join(f"{value:.6g} " for value in [*budgets, *hint])
        assert f"{workload} {cells}" in shown
        assert one_line(numbers.provenance) in shown


def test_a_workload_is_shown_with_parameters_and_batch_sizes_of_both_sizes(mlgolf):
    shown = one_line(mlgolf("workloads", "show", "criteo1tb").stdout)
    assert "mini 125,393 512 262,144" in shown
    assert "full 539,267,457 262,144 262,144" in shown
    assert "full 4,195,197,692 83,274,637 83,274,637 95,000,000" in shown
    assert "DLRM predicts whether an advertisement is clicked" in shown


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_parameters_are_counted_without_memory_for_them(framework):
    from mlgolf.backends import load_backend
    from mlgolf.core.registry import load_workload

    workload = load_workload("criteo1tb")
    model = workload.model(framework, workload.size("full"))
    assert load_backend(framework).count_parameters(model) == 539_267_457


def test_an_algorithm_is_shown_with_its_search_space(mlgolf):
    shown = one_line(mlgolf("algorithms", "show", "nesterov").stdout)
    assert "learning_rate 0.1 to 1 log" in shown
    assert "end_factor 0.01 –" in shown
    assert "Stochastic gradient descent with Nesterov momentum" in shown


def test_an_algorithm_is_shown_with_the_points_that_it_lists(mlgolf):
    shown = one_line(mlgolf("algorithms", "show", "nadamw").stdout)
    assert shown.count("learning_rate") == 5
    assert "learning_rate 0.0017486387539278373" in shown


def test_json_has_the_competition_as_its_file_says_it(mlgolf):
    said = json.loads(mlgolf("competitions", "show", "mini", "--json").stdout)
    assert said["competition"] == load_competition("mini").model_dump(mode="json", by_alias=True)


def test_names_and_sources_from_a_file_are_text(mlgolf, tmp_path):
    file = tmp_path / "mine.toml"
    text = load_toml("linear").replace("chosen so that", "[bold]chosen[/] \x1b[2J :warning:")
    file.write_text(text.replace("\x1b", "\\u001b"))
    shown = one_line(mlgolf("competitions", "show", file).stdout)
    assert "[bold]chosen[/] \\x1b[2J :warning:" in shown


def load_toml(name: str) -> str:
    from conftest import TESTS

    return (TESTS / "end_to_end" / f"{name}.toml").read_text()


def test_a_quantity_is_shown_with_what_it_means_and_what_it_is_called_in_rules(mlgolf):
    shown = one_line(mlgolf("quantities", "show", "steps").stdout)
    assert "steps: number of steps Completed update_params calls" in shown
    assert "Less is better. It has no unit. It only grows while a trial runs." in shown
    assert "usually called step_limit" in shown
    assert "Declared by mlgolf.measures:L2 of mlgolf." in one_line(
        mlgolf("quantities", "show", "l2").stdout
    )


def test_where_the_update_was_measured_its_share_of_a_step_is_shown_small_sizes_first():
    from rich.console import Console

    from mlgolf.cli.shown import cost_shares_shown
    from mlgolf.workloads.cost_shares import CostShare

    full = CostShare(
        batch_size=1024, measured_examples=(2, 8), forward_backward_ms=98_000.0, update_ms=2_000.0,
        provenance="a script, on a machine",
    )  # fmt: skip
    mini = CostShare(
        batch_size=64, measured_examples=(64,), forward_backward_ms=3.0, update_ms=1.0,
        provenance="a script, on a machine",
    )  # fmt: skip
    console = Console(width=80, record=True, highlight=False)
    for part in cost_shares_shown({"full": full, "mini": mini}):
        console.print(part)
    shown = one_line(console.export_text())
    assert "mini 3 1 25.00% full 98,000 2,000 2.00%" in shown
    assert shown.endswith("Measured by a script, on a machine.")


def test_nothing_is_said_of_a_share_that_was_not_measured():
    from mlgolf.cli.shown import cost_shares_shown

    assert [*cost_shares_shown({})] == []
