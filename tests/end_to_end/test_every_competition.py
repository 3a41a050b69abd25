"""Score and report of every shipped competition, from tables and from trials of a run."""

import html
import json
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_trials import plausible_run

from mlgolf.core.competition import competition_names, load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.quantities import quantity
from mlgolf.report.page import write_report
from mlgolf.report.words import valued
from mlgolf.scoring.review import review_trials

GOLDEN = Path(__file__).parents[1] / "golden"
PUBLISHED = [name for name in competition_names() if load_competition(name).published_as]
BOARDS = [(name, tuning) for name in PUBLISHED for tuning in ("external", "self")]


def with_all_metrics(competition, trials):
    """The same trials with a column for each quantity of the rules, and a test metric.

    Each column meets its bound where the validation metric meets its target. The hardware class
    is that of the rules, which may have a price.
    """
    facts = {"hardware": load_hardware(competition.rules.hardware)}
    used = [quantity(name) for name in competition.rules.used_quantities]
    for trial in trials:
        row = competition.workloads[trial.key.workload]
        ((name, values),) = trial.metrics.items()
        metrics = {name: values, name.replace("validation/", "test/"): values}
        share = values / row.bounds.get("target", 0.1)
        for measured in used:
            if not measured.accumulates:
                bound = row.number(measured.usual_bound)
                metrics.setdefault(
                    measured.column_for(row.metric), share * (1.0 if bound is None else bound)
                )
        yield replace(trial, metrics=metrics, facts=trial.facts.model_copy(update=facts))


@pytest.mark.parametrize(("name", "tuning"), BOARDS)
def test_a_table_of_times_is_scored_and_reported(mlgolf, tmp_path, name, tuning):
    rules = ("--competition", name, "--tuning", tuning)
    table = GOLDEN / "trials.csv"
    told = json.loads(mlgolf("score", table, *rules, "--json").stdout)
    mlgolf("report", table, *rules, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert told["leaderboard"]
    assert all(f"{entry['score']:.4f}" in page for entry in told["leaderboard"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_table_of_evaluations_is_scored(mlgolf, name):
    told = json.loads(mlgolf(
        "score", GOLDEN / "curves.parquet", "--competition", name, "--tuning", "self", "--json"
    ).stdout)
    assert told["leaderboard"][0]["score"] > 0


@pytest.mark.parametrize("name", competition_names())
def test_trials_with_evaluations_are_scored_and_reported(tmp_path, name):
    rules = load_competition(name)
    trials = list(with_all_metrics(rules, plausible_run(rules.workloads, ["adam"])))
    found = review_trials(rules, trials, rules.rules.tuning.rulesets[0])
    write_report(found, trials, tmp_path / "page.html")
    assert found.board.entries[0].score > 0
    (entry,) = found.board.entries
    values = [
        valued(
            rules.rules.objective, cell.value, rules.workloads[name].unit(rules.rules.objective)
        )
        for name, cell in entry.cells.items()
    ]
    shown = values[0] if len(values) == 1 else f"{entry.score:.3f}"
    assert shown in html.unescape((tmp_path / "page.html").read_text())


@pytest.mark.parametrize("name", sorted(set(competition_names()) - set(PUBLISHED)))
def test_a_competition_without_published_results_is_not_in_the_table_and_says_so(mlgolf, name):
    tuning = load_competition(name).rules.tuning.rulesets[0]
    table, rules = GOLDEN / "trials.csv", ("--competition", name, "--tuning", tuning)
    said = mlgolf("score", table, *rules, expect=2).stderr
    assert f"the table has no trials of {name}" in said
