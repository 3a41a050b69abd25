"""mlgolf runs list, show and compare, over runs that were written down."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from conftest import LINEAR
from tracked_runs import DAY, MACHINE, written_run

from mlgolf.core.status import Status
from mlgolf.results.trial_lock import held

RATES = [{"learning_rate": rate, "schedule": "cosine"} for rate in (0.001, 0.01, 0.1)]
ERRORS = [(0.5, 0.4), (0.5, 0.05), (0.3, 0.2)]


@pytest.fixture
def runs(tmp_path) -> Path:
    """Two runs, and much that is none."""
    folder = tmp_path / "runs"
    written_run(folder / "first", RATES, values=ERRORS, joules=3.0)
    written_run(
        folder / "second", RATES[:1], submission="sgd", values=[(0.9, 0.8, 0.7)],
        begun=DAY + timedelta(days=3), trials=4, status=Status.CRASHED,
    )
    return folder


def listed(mlgolf, *arguments, key: str = "runs") -> list[dict]:
    return json.loads(mlgolf("runs", "list", *arguments, "--json").stdout)[key]


def names(rows: list[dict]) -> list[str]:
    return [Path(row["run"]).name for row in rows]


def test_runs_are_listed_the_latest_first(mlgolf, runs):
    second, first = listed(mlgolf, runs)
    assert [second["state"], first["state"]] == ["unfinished", "complete"]
    assert (second["ended"], second["expected"], second["ends"]) == (1, 4, {"CRASHED": 1})
    assert (first["trials"], first["reached"]) == (3, 1)
    assert first["values"]["objective"] == 2.0
    assert first["values"]["time"] == 6.0
    assert first["values"]["energy"] == 18.0
    assert first["values"]["validation_metric"] == 0.05


def test_a_list_has_a_row_for_each_run(mlgolf, runs):
    said = mlgolf("runs", "list", runs).stdout
    assert f"2 runs in {runs}/\n" in said
    for word in ("first", "second", "2026-11-04", "complete", "unfinished", "1 of 4"):
        assert word in said


@pytest.mark.parametrize("name", ["lm_scaling_x16", f"a_run_of_{20 * 'many'}_characters"])
@pytest.mark.parametrize("trials", [[], ["--trials"]])
def test_paths_can_be_copied_from_a_narrow_terminal(mlgolf, tmp_path, name, trials):
    points = [{"learning_rate": 0.001234, "schedule": "cosine with a long name", "beta": 0.9}]
    written_run(tmp_path / "runs" / name, points, workload="sixteenth_x16.1")
    written_run(tmp_path / "runs" / "other", points)
    said = mlgolf("runs", "list", tmp_path / "runs", *trials).stdout
    path = f"{name}/adamw/study_0/sixteenth_x16.1_torch/trial_1" if trials else name
    assert any(line.strip().startswith(f"{path} ") for line in said.splitlines())


def test_where_no_folder_is_given_it_is_runs(mlgolf, runs, monkeypatch):
    monkeypatch.chdir(runs.parent)
    assert names(listed(mlgolf)) == ["second", "first"]


def test_a_run_may_be_given_itself(mlgolf, runs):
    assert names(listed(mlgolf, runs / "first")) == ["first"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["--submission", "sgd"], ["second"]),
        (["--submission", "a*"], ["first"]),
        (["--workload", "dig?ts"], ["second", "first"]),
        (["--workload", "other"], []),
        (["--framework", "jax"], []),
        (["--competition", "tiny"], ["second", "first"]),
        (["--competition", "mini"], []),
        (["--where", "learning_rate>=0.01"], ["first"]),
        (["--where", "learning_rate < 0.01"], ["second", "first"]),
        (["--where", "schedule=cosine", "--where", "validation_metric<0.1"], ["first"]),
        (["--where", "schedule!=cosine"], []),
        (["--where", "status=CRASHED"], ["second"]),
        (["--where", "energy>0"], ["first"]),
        (["--since", "2026-11-02"], ["second"]),
        (["--until", "2026-11-01"], ["first"]),
        (["--since", "2026-11-01T12:00", "--until", "2026-11-04"], ["second", "first"]),
        (["--sort", "validation_metric"], ["first", "second"]),
        (["--sort", "validation_metric", "--reverse"], ["second", "first"]),
        (["--sort", "energy"], ["first", "second"]),
        (["--sort", "trials"], ["first", "second"]),
        (["--sort", "begun", "--reverse"], ["first", "second"]),
    ],
)
def test_runs_are_filtered_and_sorted(mlgolf, runs, asked, expected):
    assert names(listed(mlgolf, runs, *asked)) == expected


def test_trials_are_listed_one_by_one_with_every_quantity(mlgolf, runs):
    rows = listed(mlgolf, runs, "--trials", "--sort", "validation_metric", key="trials")
    assert [row["quantities"]["validation_metric"] for row in rows] == [0.05, 0.2, 0.4, 0.7]
    best = rows[0]
    assert best["hyperparameters"] == RATES[1]
    assert best["objective"] == {
        "quantity": "time", "goal": "minimise", "value": 2.0, "reached": True
    }
    assert best["quantities"]["energy"] == 6.0
    assert best["quantities"]["steps"] == 200
    assert best["quantities"]["wall_time"] == 4.0
    assert rows[1]["objective"]["value"] is None


def test_trials_come_in_the_order_of_their_numbers(mlgolf, tmp_path):
    written_run(tmp_path / "run", [{"x": n} for n in range(12)])
    rows = listed(mlgolf, tmp_path, "--trials", key="trials")
    assert [row["number"] for row in rows] == [*range(1, 13)]


def test_a_run_shows_only_the_trials_that_were_asked_for(mlgolf, runs):
    (row,) = listed(mlgolf, runs, "--where", "learning_rate>=0.01")
    assert (row["trials"], row["values"]["time"]) == (2, 4.0)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_has_a_column_for_each_hyperparameter_and_quantity(mlgolf, runs, tmp_path, ending):
    file = tmp_path / "tables" / f"trials.{ending}"
    mlgolf("runs", "list", runs, "--trials", "-o", file)
    table = pl.read_csv(file) if ending == "csv" else pl.read_parquet(file)
    assert table["hyperparameters.learning_rate"].sort().to_list() == [0.001, 0.001, 0.01, 0.1]
    assert table["energy"].to_list()[:1] == [None]
    assert table["objective.value"].drop_nulls().to_list() == [2.0]
    mlgolf("runs", "list", runs, "-o", file)
    read = pl.read_csv(file) if ending == "csv" else pl.read_parquet(file)
    assert read["state"].to_list() == ["unfinished", "complete"]


def test_hyperparameters_of_several_kinds_are_text_in_a_table(mlgolf, tmp_path):
    written_run(tmp_path / "runs" / "a", [{"rate": 0.5}, {"rate": "auto"}, {"other": True}])
    file = tmp_path / "t.parquet"
    mlgolf("runs", "list", tmp_path / "runs", "--trials", "-o", file)
    table = pl.read_parquet(file)
    assert table["hyperparameters.rate"].to_list() == ["0.5", '"auto"', None]
    assert table["hyperparameters.other"].to_list() == [None, None, True]


def test_a_list_of_nothing_is_an_empty_table(mlgolf, runs, tmp_path):
    file = tmp_path / "t.csv"
    said = mlgolf("runs", "list", runs, "--trials", "--workload", "none", "-o", file).stdout
    assert "0 trials" in said
    assert file.read_text().strip() == ""


def test_what_cannot_be_read_is_listed_with_its_reason_and_the_rest_goes_on(mlgolf, runs):
    (runs / "foreign" / "deep").mkdir(parents=True)
    (runs / "foreign" / "notes.txt").write_text("mine")
    (runs / "torn").mkdir()
    (runs / "torn" / "run.json").write_text("{")
    trials = runs / "first" / "adamw" / "study_0" / "digits_torch"
    (trials / "trial_1" / "trial.json").write_bytes(b"\xff\xfe")
    (trials / "trial_2" / "evals.jsonl").write_bytes(b"\xff\xfe\n")
    (trials / "trial_3" / "trial.json").unlink()
    found = {Path(row["run"]).name: row for row in listed(mlgolf, runs)}
    assert found["foreign"]["state"] == "not a run"
    assert "a folder without runs" in found["foreign"]["problems"][0]
    assert found["torn"]["state"] == "broken"
    assert "run.json: not JSON" in found["torn"]["problems"][0]
    assert found["first"]["ends"] == {"BROKEN": 3}
    assert len(found["first"]["problems"]) == 3
    assert "trial.json is missing" in found["first"]["problems"][2]
    said = mlgolf("runs", "list", runs)
    assert "Traceback" not in said.stderr
    assert "3 broken" in " ".join(said.stdout.split())
    assert found["second"]["state"] == "unfinished"


@pytest.mark.parametrize(
    "spoilt",
    [
        "[]", "3", '{"step": 1}', '{"step": 1, "seconds": 1, "metrics": []}',
        '{"step": "x", "seconds": 1, "cpu_seconds": 1, "wall_seconds": 1, "metrics": {}}',
    ],
)
def test_a_spoilt_evaluation_breaks_its_trial_alone(mlgolf, runs, spoilt):
    file = runs / "first/adamw/study_0/digits_torch/trial_1/evals.jsonl"
    file.write_text(f"{spoilt}\n")
    found = listed(mlgolf, runs / "first")[0]
    assert found["ends"] == {"BROKEN": 1, "FINISHED": 2}


def test_a_trial_of_another_competition_is_named(mlgolf, runs):
    written_run(runs / "third", RATES[:1], workload="letters")
    foreign = runs / "third" / "adamw" / "study_0" / "letters_torch"
    shutil.move(foreign, runs / "first" / "adamw" / "study_0")
    (problem,) = listed(mlgolf, runs / "first")[0]["problems"]
    assert "its workload 'letters' is none of the 1 workload of the run" in problem


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["--where", "learning_rat>1"], "Did you mean learning_rate?"),
        (["--where", "learning_rate"], "expected a name, one of"),
        (["--where", "learning_rate>"], "expected a name, one of"),
        (["--where", "learning_rate>=1e-2x"], "found '1e-2x' for learning_rate, which is a number"),
        (["--where", "validation_metric<abc"], "such as 0.4; give a number"),
        (["--where", "seed>first"], "found 'first' for seed"),
        (["--where", "study=nan"], "found 'nan' for study"),
        (["--sort", "tme"], "Did you mean time, "),
        (["--since", "yesterday"], "--since: found 'yesterday', expected a day such as"),
        (["-o", "table.txt"], "found .txt, allowed: .csv, .parquet"),
    ],
)
def test_a_wrong_option_is_told_what_is_allowed(mlgolf, runs, asked, expected):
    said = mlgolf("runs", "list", runs, *asked, expect=2).stderr
    assert expected in said


def test_a_number_is_neither_above_nor_below_a_word(mlgolf, tmp_path):
    written_run(tmp_path / "a", [{"rate": 0.5}, {"rate": "auto"}])
    rows = listed(mlgolf, tmp_path, "--trials", "--where", "rate>=0.1", key="trials")
    assert [row["hyperparameters"]["rate"] for row in rows] == [0.5]


def test_a_folder_that_is_not_there_is_named(mlgolf, tmp_path):
    assert "is not there" in mlgolf("runs", "list", tmp_path / "x", expect=2).stderr


def test_sorting_by_metrics_of_several_workloads_says_so(mlgolf, runs):
    written_run(runs / "third", RATES[:1], workload="letters")
    said = mlgolf("runs", "list", runs, "--sort", "validation_metric").stdout
    assert "error_rate of digits and error_rate of letters" in " ".join(said.split())


def test_a_run_that_somebody_plays_says_so_until_it_is_left(mlgolf, runs):
    trial = runs / "second" / "sgd" / "study_0" / "digits_torch" / "trial_2"
    with held(trial):
        assert listed(mlgolf, runs / "second")[0]["state"] == "being played"
        assert listed(mlgolf, runs / "second", "--where", "status=PLANNED")[0]["trials"] == 1
    assert listed(mlgolf, runs / "second")[0]["state"] == "unfinished"
    (trial / "claim.json").write_text("{}")  # of nobody
    assert listed(mlgolf, runs / "second")[0]["state"] == "unfinished"


def test_a_run_is_shown_with_what_to_type_next(mlgolf, runs):
    found = json.loads(mlgolf("runs", "show", runs / "first", "--json").stdout)
    assert found["kind"] == "run"
    assert found["facts"]["machine"] == "Made up, 2 cores, 8 GB"
    assert "torch 2.13.0" in found["facts"]["versions"]
    assert found["commands"]["score"] == f"mlgolf score {runs / 'first'}"
    trial = runs / "first" / "adamw" / "study_0" / "digits_torch" / "trial_1"
    assert found["commands"]["replay"] == f"mlgolf replay {trial}"
    unfinished = json.loads(mlgolf("runs", "show", runs / "second", "--json").stdout)
    assert f"--resume --out {runs / 'second'}" in unfinished["commands"]["resume"]
    said = mlgolf("runs", "show", runs / "first").stdout
    assert "Which submission" in said or "Minimise the training time" in said


def test_one_core_is_no_cores(mlgolf, runs):
    written_run(runs / "small", RATES[:1], machine={**MACHINE, "cores": 1})
    found = json.loads(mlgolf("runs", "show", runs / "small", "--json").stdout)
    assert found["facts"]["machine"] == "Made up, 1 core, 8 GB"


def test_a_trial_is_shown_with_its_point_and_evaluations(mlgolf, runs):
    trial = runs / "first" / "adamw" / "study_0" / "digits_torch" / "trial_2"
    found = json.loads(mlgolf("runs", "show", trial, "--json").stdout)
    assert found["kind"] == "trial"
    assert found["facts"]["hyperparameters"] == "learning_rate 0.01, schedule cosine"
    assert found["facts"]["objective"].replace("\xa0", " ") == "time 2.000 s"
    said = mlgolf("runs", "show", trial).stdout
    assert "2 evaluations" in said
    assert "0.05000" in said


def test_a_run_is_found_by_its_name_in_runs(mlgolf, runs, monkeypatch):
    monkeypatch.chdir(runs.parent)
    assert json.loads(mlgolf("runs", "show", "first", "--json").stdout)["path"] == "runs/first"


@pytest.mark.parametrize("place", ["", "first/adamw", "foreign"])
def test_what_is_neither_a_run_nor_a_trial_is_named(mlgolf, runs, place):
    (runs / "foreign").mkdir()
    said = mlgolf("runs", "show", runs / place, expect=2).stderr
    assert "expected a run" in said


def compared(mlgolf, *paths) -> dict:
    return json.loads(mlgolf("runs", "compare", *paths, "--json").stdout)


def test_runs_of_the_same_rules_are_comparable_and_what_differs_is_listed(mlgolf, runs):
    written_run(runs / "again", RATES, values=[(0.5, 0.4), (0.09,), (0.3, 0.2)], code="f")
    found = compared(mlgolf, runs / "first", runs / "again")
    assert found["comparable"]
    assert {"key": "submissions.adamw.sha256", "values": [12 * "a", 12 * "f"]} in (
        found["differences"]
    )
    assert all("learning_rate" not in one["key"] for one in found["differences"])
    (row,) = found["results"]
    assert (row["values"], row["reached"], row["trials"]) == ([2.0, 1.0], [1, 1], [3, 3])
    assert row["best"] == [0.05, 0.09]


def test_trials_differ_by_their_hyperparameters(mlgolf, runs):
    trials = [runs / f"first/adamw/study_0/digits_torch/trial_{n}" for n in (1, 2)]
    found = compared(mlgolf, *trials)
    assert {"key": "hyperparameters.learning_rate", "values": ["0.001", "0.01"]} in (
        found["differences"]
    )
    assert found["results"][0]["values"] == [None, 2.0]


def test_runs_of_other_rules_are_not_comparable_and_it_is_said_why(mlgolf, runs):
    written_run(
        runs / "other", RATES[:1], rules={"tuning": {"external": {"trials": 9, "studies": 1}}}
    )
    found = compared(mlgolf, runs / "first", runs / "other")
    assert not found["comparable"]
    assert "different rules" in found["why_not"][0]
    said = mlgolf("runs", "compare", runs / "first", runs / "other").stdout
    assert "not comparable: they were played under different rules" in said


def test_the_verdict_on_a_comparison_comes_first(mlgolf, runs):
    written_run(runs / "again", RATES)
    said = mlgolf("runs", "compare", runs / "first", runs / "again").stdout
    assert said.startswith("comparable: same rules and workloads")
    assert said.index(f"A is {runs / 'first'}\n") < said.index("Results")


def test_a_workload_that_one_side_lacks_is_one_difference(mlgolf, runs):
    written_run(runs / "letters", RATES[:1], workload="letters")
    found = compared(mlgolf, runs / "first", runs / "letters")
    rows = {one["key"]: one["values"] for one in found["differences"]}
    of_workloads = {key: row for key, row in rows.items() if "workloads." in key}
    assert of_workloads == {
        "competition.workloads.digits": ["has it", "–"],
        "competition.workloads.letters": ["–", "has it"],
    }


def test_runs_without_a_common_workload_are_not_comparable(mlgolf, runs):
    written_run(runs / "letters", RATES[:1], workload="letters")
    found = compared(mlgolf, runs / "first", runs / "letters")
    assert "they have no workload in common" in found["why_not"]


def test_what_weakens_a_comparison_is_noted(mlgolf, runs):
    machine = {**MACHINE, "processor": "Another"}
    written_run(runs / "elsewhere", RATES[:1], machine=machine, draw="e", trials=2)
    said = " ".join(compared(mlgolf, runs / "first", runs / "elsewhere")["notes"])
    for words in ("machines of different kinds", "draws its own held-out", "1 of 2 trials"):
        assert words in said


def test_energy_by_different_meters_is_not_comparable(mlgolf, runs):
    rules = {"objective": "energy"}
    one = written_run(runs / "one", RATES[:1], rules=rules, joules=1.0)
    other = written_run(runs / "other", RATES[:1], rules=rules, joules=1.0)
    verdict = next(other.path.rglob("verdict.json"))
    told = json.loads(verdict.read_text())
    told["clock"]["energy"] = {"counters": ["RAPL package-0"]}
    verdict.write_text(json.dumps(told))
    found = compared(mlgolf, one.path, other.path)
    assert "their energy was counted by different meters" in found["why_not"]
    assert found["results"][0]["values"] == [2.0, 2.0]


@pytest.mark.parametrize("spoilt", ["", "not JSON"])
def test_a_trial_that_cannot_be_read_is_shown_and_compared_with_its_reason(mlgolf, runs, spoilt):
    trials = [runs / f"first/adamw/study_0/digits_torch/trial_{n}" for n in (1, 2)]
    (trials[0] / "trial.json").write_text(spoilt)
    shown = json.loads(mlgolf("runs", "show", trials[0], "--json").stdout)
    assert shown["facts"]["status"] == "BROKEN"
    found = compared(mlgolf, *trials)
    assert any("trial.json: not JSON" in note for note in found["notes"])
    assert found["results"][0]["values"] == [None, 2.0]


def test_a_run_without_trials_is_shown_and_compared(mlgolf, runs):
    written_run(runs / "empty", [], trials=3)
    shown = json.loads(mlgolf("runs", "show", runs / "empty", "--json").stdout)
    assert shown["facts"]["state"] == "unfinished: 0 of 3 trials have ended"
    found = compared(mlgolf, runs / "first", runs / "empty")
    assert not found["comparable"]


def test_one_run_is_no_comparison(mlgolf, runs):
    assert "give two or more" in mlgolf("runs", "compare", runs / "first", expect=2).stderr


def test_a_run_that_was_played_is_tracked_from_its_begin_to_its_end(mlgolf, adamw, tmp_path):
    run = tmp_path / "run"
    mlgolf("run", adamw, "--competition", LINEAR, "--trials", 1, "--seed", 3, "--out", run)
    (row,) = listed(mlgolf, tmp_path)
    assert (row["state"], row["competition"]) == ("complete", "linear")
    assert row["values"]["objective"] > 0
    found = json.loads(mlgolf("runs", "show", run, "--json").stdout)
    assert mlgolf(*found["commands"]["replay"].split()[1:], expect=None).returncode in (0, 1)
