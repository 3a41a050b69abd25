"""AlgoPerf's log trees: read as published, written and read again, and read when damaged."""

import csv
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import data, floats, integers, lists, sampled_from

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RunFolderError
from mlgolf.results.algoperf_ledger import export_run, import_logs, open_logs, read_logs
from mlgolf.results.algoperf_logs import (
    LoggedTrial,
    find_trials,
    write_logged_trial,
)
from mlgolf.results.curve_table import read_curve_table
from mlgolf.results.run_folder import RunFolder, read_runs
from mlgolf.results.trial_table import read_trial_table
from mlgolf.scoring.admission import admit
from mlgolf.scoring.leaderboard import make_leaderboard, score_competition
from mlgolf.scoring.published import admit_table
from mlgolf.scoring.resampling import Uncertainty
from mlgolf.scoring.standings import Standings

GOLDEN = Path(__file__).parents[1] / "golden"
V05 = load_competition("algoperf-0.5")
EXAMPLE = "algoperf_v05/logs/external_tuning/schedule_free_adamw"


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """The example tree, as published."""
    root = tmp_path_factory.mktemp("logs")
    with tarfile.open(GOLDEN / "raw_logs_example.tar.gz") as archive:
        archive.extractall(root, filter="data")
    return root


@pytest.fixture(scope="module")
def imported(published, tmp_path_factory):
    return import_logs(open_logs(published), tmp_path_factory.mktemp("runs") / "example")


def times(run: RunFolder) -> dict[str, float]:
    played = read_runs([run.path])
    standings = Standings(
        played.competition, admit(played.competition, played.trials, played.ruleset).pool
    )
    return dict(zip(played.competition.workloads, standings.costs[0].tolist(), strict=True))


def test_the_published_example_imports_to_the_official_times(imported):
    table = read_trial_table(GOLDEN / "trials.csv")
    assert (imported.trials, imported.run.competition.name) == (350, "algoperf-0.5")
    found = times(imported.run)
    with open(GOLDEN / "leaderboard_times.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["submission"] == "schedule_free_adamw"]
    expected = {row["workload"]: float(row["time_canonical_s"]) for row in rows}
    assert {name: found[name] for name in expected} == expected
    assert len(expected) == 14
    assert len(table) == 4586


def test_the_stray_trials_of_the_example_are_said(imported):
    assert len(imported.problems) == 18
    assert all("left out, not below SUBMISSION/study_K/WORKLOAD" in p for p in imported.problems)


def test_every_published_evaluation_is_kept_with_all_its_columns(published, imported):
    folder = published / EXAMPLE / "study_0" / "criteo1tb_pytorch" / "trial_1"
    ours = imported.run.path / "schedule_free_adamw/study_0/criteo1tb_torch/trial_1"
    header, *rows = (folder / "eval_measurements.csv").read_text().split()
    lines = [json.loads(line) for line in (ours / "evals.jsonl").read_text().splitlines()]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        logged = dict(zip(header.split(","), map(float, row.split(",")), strict=True))
        kept = {
            "global_step": line["step"], "accumulated_submission_time": line["seconds"],
            **line["metrics"], **line["others"],
        }
        assert kept == logged


def test_an_import_that_was_cut_short_goes_on(published, imported, tmp_path):
    run = tmp_path / "run"
    import_logs(open_logs(published), run)
    for verdict in list(run.glob("*/study_[34]/*/*/verdict.json")):
        verdict.unlink()  # what a kill in between leaves: everything but the last file
    again = import_logs(open_logs(published), run)
    assert (again.trials, again.kept) == (350, 210)
    assert times(again.run) == times(imported.run)
    assert again.problems == imported.problems


def test_import_export_import_is_the_identity_on_what_scoring_uses(imported, tmp_path):
    assert export_run(imported.run, tmp_path / "logs") == 350
    again = import_logs(open_logs(tmp_path / "logs"), tmp_path / "run")
    assert again.problems == ()
    before, after = (
        admit(V05, run.trials(), "external").pool for run in (imported.run, again.run)
    )
    for name in ("played", "objective", "evaluation", "spent"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_the_board_is_the_same_from_trials_from_curves_and_after_export_and_import(tmp_path):
    table = read_trial_table(GOLDEN / "trials.csv")
    frameworks = dict(table.select("submission", "framework").unique().iter_rows())
    trials = read_curve_table(GOLDEN / "curves.parquet", V05, "external", frameworks)
    with open(GOLDEN / "leaderboard.csv") as file:
        published = {
            row["submission"]: float(row["published_score"])
            for row in csv.DictReader(file) if row["published_score"]
        }
    from_curves = score_competition(V05, trials, "external")
    assert {e.submission: round(e.score, 4) for e in from_curves.entries} == published
    for trial in trials:
        write_logged_trial(tmp_path / "logs", LoggedTrial(trial=trial, others={}))
    run = import_logs(open_logs(tmp_path / "logs", "algoperf-0.5"), tmp_path / "run").run
    export_run(run, tmp_path / "exported")
    exported = read_logs(open_logs(tmp_path / "exported", "algoperf-0.5"))
    admitted = admit_table(V05, table, "external")
    from_table = make_leaderboard(Uncertainty(Standings(V05, admitted.pool)), admitted, "external")
    # Scores, intervals, groups, times, ratios and outcomes of all, to the last bit.
    for trials in (run.trials(), exported.trials):
        assert score_competition(V05, trials, "external").entries == from_curves.entries
    assert from_table.entries == from_curves.entries


# --- damaged trees ---

ROWS = ["global_step,accumulated_submission_time,validation/loss,test/loss"] + [
    f"{step},{step * 1.5},{0.2 - 0.01 * step:.4f},0.3" for step in range(1, 12)
]


def small_tree(root: Path, rows: list[str], end: str = "\n") -> Path:
    trial = root / "adam" / "study_0" / "criteo1tb_jax" / "trial_1"
    trial.mkdir(parents=True, exist_ok=True)
    (trial / "eval_measurements.csv").write_text("\n".join(rows) + end)
    (trial / "flags_0.json").write_text('{"rng_seed": 1, "tuning_ruleset": "external"}')
    (trial / "meta_data_0.json").write_text('{"workload.max_allowed_runtime_sec": 7703}')
    return trial


def read(root: Path) -> tuple[float, list[str]]:
    """Time to target on criteo1tb, and what was said."""
    played = read_logs(open_logs(root, "algoperf-0.5", "external"))
    pool = admit(V05, played.trials, "external").pool
    return float(Standings(V05, pool).costs[0, 0]), list(played.problems)


def test_a_sound_tree_is_read_without_a_word(tmp_path):
    small_tree(tmp_path, ROWS)
    assert read(tmp_path) == (12.0, [])  # 0.2 - 0.01 * 8 is the first below 0.123735


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: [*r[:5], "5,7.5,abc,0.3", *r[6:]], "line 6: validation/loss: found 'abc'"),
        (lambda r: [*r[:5], "5,7.5,0.15", *r[6:]], "line 6: found 3 cells, the header has 4"),
        (lambda r: [*r[:5], "5,-7.5,0.15,0.3", *r[6:]], "found -7.5 after 6, it may not fall"),
        (lambda r: [*r[:5], "2,7.5,0.15,0.3", *r[6:]], "global_step: found 2 after 4"),
        (lambda r: [*r[:5], "5,nan,0.15,0.3", *r[6:]], "found nan after 6, it may not fall"),
        (lambda r: [*r[:5], "5,inf,0.15,0.3", *r[6:]], "found inf, no run is that long"),
        (lambda r: [*r[:5], "9e300,7.5,0.15,0.3", *r[6:]], "found 9e+300, no run is that long"),
        (lambda r: [*r[:5], "5,7.5,0.1_5,0.3", *r[6:]], "found '0.1_5', expected a number"),
        (lambda r: [*r[:5], '5,7.5,"0.15",0.3', *r[6:]], ""),
        (lambda r: [*r[:5], "5,7.5,NaN,0.3", *r[6:]], ""),
        (lambda r: [*r[:5], "5,7.5,,0.3", *r[6:]], ""),
        (lambda r: [*r[:5], r[4], *r[6:]], ""),
        (lambda r: ["step,time", *r[1:]], "line 1: column global_step, accumulated_submission"),
        (lambda r: [r[0]], "no row below the header"),
    ],
)
def test_a_damaged_row_is_named_and_the_rest_goes_on(tmp_path, change, said):
    small_tree(tmp_path, change(ROWS))
    _, problems = read(tmp_path)
    assert bool(said) == bool(problems)
    if said:
        assert said in problems[0]
        assert "eval_measurements.csv" in problems[0]


def test_a_file_cut_in_a_line_says_so_and_keeps_the_lines_before(tmp_path):
    small_tree(tmp_path, [*ROWS[:9], ROWS[9][:7]], end="")
    time, problems = read(tmp_path)
    assert time == 12.0
    assert problems[0].endswith("line 10: cut short, the row is left out")


@given(chosen=data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_damage_crashes_the_reader_or_changes_a_score_without_a_word(tmp_path, chosen):
    """Cut within a line, garbled, doubled or swapped: the time stays, or something is said."""
    damage = chosen.draw(sampled_from(["cut", "garble", "reorder", "double", "bytes"]))
    text = "\n".join(ROWS) + "\n"
    if damage == "cut":
        at = chosen.draw(integers(0, len(text) - 1).filter(lambda n: n and text[n - 1] != "\n"))
        text = text[:at]
    elif damage == "garble":
        at = chosen.draw(integers(len(ROWS[0]) + 1, len(text) - 2))
        text = text[:at] + "x" + text[at + 1 :]
    elif damage in ("reorder", "double"):
        rows = chosen.draw(lists(sampled_from(ROWS[1:]), min_size=1, max_size=14))
        text = "\n".join([ROWS[0], *rows]) + "\n"
        if rows == sorted(rows, key=ROWS.index):
            return  # in order, so nothing that a reader could see
    trial = small_tree(tmp_path, [text], end="")
    if damage == "bytes":
        at = chosen.draw(integers(0, len(text) - 1))
        raw = text.encode()
        (trial / "eval_measurements.csv").write_bytes(raw[:at] + b"\xff\x00" + raw[at:])
    time, problems = read(tmp_path)
    assert time == 12.0 or problems


@given(chosen=data(), step=floats(allow_nan=True))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_json_is_said_and_the_rest_goes_on(tmp_path, chosen, step):
    trial = small_tree(tmp_path, ROWS)
    name = chosen.draw(sampled_from(["flags_0.json", "meta_data_0.json"]))
    (trial / name).write_text(chosen.draw(sampled_from(["", "{", "[1]", "null", str(step)])))
    time, problems = read(tmp_path)
    assert time == 12.0
    assert name in problems[0]


def test_a_folder_without_trials_is_refused_with_the_layout(tmp_path):
    (tmp_path / "adam" / "trial_1").mkdir(parents=True)
    with pytest.raises(RunFolderError, match="Expected SUBMISSION/study_K") as error:
        open_logs(tmp_path)
    assert "1 folders look alike" in str(error.value)


def test_the_same_trial_in_two_places_is_read_once_and_said(tmp_path):
    small_tree(tmp_path / "x", ROWS)
    small_tree(tmp_path / "y", ROWS)
    tree = find_trials(tmp_path)
    assert len(tree.trials) == 1
    assert "is the same trial adam/study_0/criteo1tb_jax/trial_1" in tree.problems[0]


def test_nothing_is_written_over_what_is_there(tmp_path):
    small_tree(tmp_path / "logs", ROWS)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("x")
    with pytest.raises(RunFolderError, match="is not empty and holds no run"):
        import_logs(open_logs(tmp_path / "logs"), tmp_path / "out")
    assert (tmp_path / "out" / "precious").read_text() == "x"


def test_a_run_again_in_a_folder_with_its_time_belongs_to_the_submission(tmp_path):
    small_tree(tmp_path, ROWS)
    again = tmp_path / "adam-2024-05-01-10-20-30"
    (tmp_path / "adam").rename(again)
    (key, _), = find_trials(tmp_path).trials
    assert key.submission == "adam"


def test_a_metric_that_the_rules_ask_for_and_the_logs_lack_is_said(tmp_path):
    small_tree(tmp_path / "logs", [ROWS[0].replace("validation/loss", "validation/wer"), *ROWS[1:]])
    done = import_logs(open_logs(tmp_path / "logs"), tmp_path / "run")
    assert "no column validation/loss, which algoperf-0.5 asks for" in done.problems[0]
