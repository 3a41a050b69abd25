"""Rulings of a jury, from the folder of a competition to boards, reports and JSON."""

import json
import re
from pathlib import Path

import pytest
from tracked_runs import written_run
from written_rulings import write

from mlgolf.core.competition import FILE
from mlgolf.core.toml_files import toml_string

POINT = [{"learning_rate": 0.1}]


@pytest.fixture
def runs(tmp_path) -> list[Path]:
    """Two runs of one submission each; `mine` is the faster one."""
    written_run(tmp_path / "first", POINT, submission="mine", values=[(0.05,)])
    written_run(tmp_path / "second", POINT, submission="other", values=[(0.5, 0.05)], code="b")
    return [tmp_path / "first", tmp_path / "second"]


@pytest.fixture
def rulings(tmp_path) -> Path:
    write(tmp_path / "rulings", "R1", more='test = "tests/cheats/stored_weights"')
    return tmp_path / "rulings"


def board(mlgolf, *arguments) -> dict:
    return json.loads(mlgolf("score", *arguments, "--json").stdout)


def test_without_rulings_nothing_is_said_of_any(mlgolf, runs):
    found = board(mlgolf, *runs)
    assert [row["submission"] for row in found["leaderboard"]] == ["mine", "other"]
    assert not {"disqualified", "rulings"} & found.keys()


def test_a_disqualified_submission_has_a_tombstone_and_no_rank(mlgolf, runs, rulings):
    found = board(mlgolf, *runs, "--rulings", rulings)
    alone = board(mlgolf, runs[1])
    assert found["leaderboard"] == alone["leaderboard"]
    (stone,) = found["disqualified"]
    assert stone == {
        "submission": "mine", "sha256": 64 * "a", "run": None, "trial": None, "ruling": "R1",
        "date": "2026-11-03", "rule": "pretraining", "reason": "weights were brought along",
        "evidence": ["entry.py, line 12"], "test": "tests/cheats/stored_weights",
        "file": str(rulings / "R1.toml"),
    }
    assert found["rulings"][0]["subject"] == {"submission": "mine"}


def test_the_terminal_shows_who_is_disqualified_with_date_and_reason(mlgolf, runs, rulings):
    said = mlgolf("score", *runs, "--rulings", rulings).stdout
    at = said.index("disqualified")
    assert "mine" not in said[:at]
    for word in ("mine", "2026-11-03", "weights", "R1"):
        assert word in said[at:]


def test_the_report_shows_them_struck_out_and_in_no_figure(mlgolf, runs, rulings, tmp_path):
    mlgolf("report", *runs, "--rulings", rulings, "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    at = page.index("<h3>Disqualified</h3>")
    assert "<del>mine</del>" in page[at : page.index("</section>", at)]
    assert page.count("<del>") == 1
    before = re.sub(r"<(style|script).*?</\1>", "", page[:at], flags=re.S)
    assert ">mine<" not in before


def test_a_board_of_the_disqualified_alone_is_empty_and_has_their_tombstones(
    mlgolf, runs, rulings
):
    found = board(mlgolf, runs[0], "--rulings", rulings)
    assert found["leaderboard"] == []
    assert [stone["submission"] for stone in found["disqualified"]] == ["mine"]
    assert "There are no trials" not in mlgolf("score", runs[0], "--rulings", rulings).stderr


def test_a_ruling_on_one_run_leaves_the_others(mlgolf, runs, tmp_path):
    write(tmp_path / "rulings", "R1", subject='submission = "mine"\nrun = "first"')
    write(tmp_path / "rulings", "R2", subject='submission = "other"\nrun = "first"')
    found = board(mlgolf, *runs, "--rulings", tmp_path / "rulings")
    assert [row["submission"] for row in found["leaderboard"]] == ["other"]
    assert [(stone["submission"], stone["run"]) for stone in found["disqualified"]] == [
        ("mine", "first")
    ]


def test_a_trial_that_is_disqualified_counts_as_one_without_a_model(mlgolf, runs, tmp_path):
    write(
        tmp_path / "rulings", "R1",
        subject='submission = "mine"\ntrial = "study_0/digits_torch/trial_1"',
    )
    found = board(mlgolf, *runs, "--rulings", tmp_path / "rulings")
    rows = {row["submission"]: row["workloads"]["digits"] for row in found["leaderboard"]}
    assert rows["mine"]["outcome"] == "target_not_reached"
    assert rows["other"]["outcome"] == "scored"
    assert found["disqualified"][0]["trial"] == "study_0/digits_torch/trial_1"
    page = tmp_path / "r.html"
    mlgolf("report", *runs, "--rulings", tmp_path / "rulings", "-o", page)
    assert "ruling R1: weights were brought along" in page.read_text()


def test_a_warning_is_a_note_beside_the_board(mlgolf, runs, tmp_path):
    write(tmp_path / "rulings", "R1", decision="warning")
    said = " ".join(mlgolf("score", *runs, "--rulings", tmp_path / "rulings").stdout.split())
    assert (
        "ruling R1 of 2026-11-03: warning, mine, by pretraining: weights were brought along" in said
    )


@pytest.fixture
def game(tmp_path) -> Path:
    """The folder of a competition whose jury has disqualified `mine`."""
    game = tmp_path / "game"
    write(game / "rulings", "R1")
    (game / FILE).write_text(f"""
        schema_version = 2
        name = "tiny"
        title = {toml_string("Tiny")}
        size = "mini"
        [rules]
        objective = "time"
        constraints = [{{ quantity = "validation_metric", bound = "target" }}]
        hardware = "one-thread-cpu"
        [rules.tuning.external]
        trials = 1
        studies = 1
        [workloads.digits]
        metric = "error_rate"
        goal = "minimise"
        bounds = {{ target = 0.1, budget_seconds = 30.0 }}
        eval_every_steps = 10
        provenance = "made up"
    """)
    return game


def test_rulings_in_the_folder_of_the_competition_are_found(mlgolf, runs, game):
    found = board(mlgolf, *runs, "--competition", game)
    assert [row["submission"] for row in found["leaderboard"]] == ["other"]
    assert len(found["disqualified"]) == 1


def test_no_bound_of_a_dual_comes_from_who_was_disqualified(mlgolf, runs, game):
    words = ("dual", game, "--runs", runs[0], "--runs", runs[1])
    assert "budget_seconds = 2.0" in mlgolf(*words).stdout
    (game / "rulings" / "R1.toml").unlink()
    assert "budget_seconds = 1.0" in mlgolf(*words).stdout


def test_of_a_published_table_rulings_by_name_count(mlgolf, tmp_path):
    table = Path(__file__).parents[1] / "golden" / "trials.csv"
    words = (table, "--competition", "algoperf-0.5", "--tuning", "self")
    best = board(mlgolf, *words)["leaderboard"][0]["submission"]
    write(tmp_path, "R1", subject=f"submission = {toml_string(best)}")
    found = board(mlgolf, *words, "--rulings", tmp_path)
    assert best not in [row["submission"] for row in found["leaderboard"]]
    assert [stone["submission"] for stone in found["disqualified"]] == [best]


@pytest.mark.parametrize("change", [("decision", "decisions"), ("[subject]", "[subject")])
def test_rulings_that_cannot_be_read_are_one_message(mlgolf, runs, rulings, change):
    file = rulings / "R1.toml"
    file.write_text(file.read_text().replace(*change))
    assert mlgolf("score", *runs, "--rulings", rulings, expect=2).stderr.startswith(
        f"mlgolf: {file}: "
    )


def test_a_folder_of_rulings_that_is_not_there_is_told(mlgolf, runs, tmp_path):
    done = mlgolf("score", *runs, "--rulings", tmp_path / "none", expect=2)
    assert "there is no such folder; give one of rulings" in done.stderr
