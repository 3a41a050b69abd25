"""Rules with draws = "fresh": neither host nor contestants choose them, and anybody checks them."""

import json
import shutil
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import LINEAR

from mlgolf.results.bundles.fresh_draws import derived
from mlgolf.results.bundles.ledger import HEADS

CODE = (
    Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run" / "momentum" / "code"
    / "momentum.py"
)  # fmt: skip


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """A competition whose draws are fresh, one trial."""
    file = tmp_path_factory.mktemp("rules") / "fresh.toml"
    text = LINEAR.read_text().replace("[rules]\n", '[rules]\ndraws = "fresh"\n')
    file.write_text(text.replace("trials = 2", "trials = 1"))
    return file


@pytest.fixture
def host(mlgolf, tmp_path) -> Path:
    mlgolf("ledger", "new", tmp_path / "host")
    return tmp_path / "host"


@pytest.fixture(scope="module")
def played(mlgolf, fresh, tmp_path_factory) -> Path:
    """A folder with a ledger, a run that its commitment was drawn for, and its bundle."""
    folder = tmp_path_factory.mktemp("played")
    mlgolf("ledger", "new", folder / "host")
    mlgolf("ledger", "commit", folder / "host")
    mlgolf("run", CODE, "--competition", fresh, "--out", folder / "run", "--ledger",
           folder / "host")  # fmt: skip
    mlgolf("bundle", folder / "run", "--ledger", folder / "host", "-o", folder / "run.zip")
    return folder


def lines(host: Path) -> list[dict]:
    return [json.loads(line) for line in (host / HEADS).read_text().splitlines()]


def test_seed_and_draw_follow_from_the_code_and_the_value(played):
    record = json.loads((played / "run" / "run.json").read_text())
    shown = json.loads((played / "run" / "held_out.json").read_text())
    _, committed, started, _ = lines(played / "host")
    hashes = {name: known["sha256"] for name, known in record["submissions"].items()}
    seed, draw = derived(shown["value"], hashes)
    assert (record["seed"], shown["draw"]) == (seed, f"{draw:x}")
    assert committed["body"]["value_sha256"] == sha256(shown["value"].encode()).hexdigest()
    assert record["fresh"]["line"] == started["body"]["committed"] == committed["number"]


def test_they_change_with_the_value_and_with_any_code():
    one = derived("a", {"x": "1", "y": "2"})
    assert len({one, derived("b", {"x": "1", "y": "2"}), derived("a", {"x": "1", "y": "3"}),
                derived("a", {"x": "1"})}) == 4  # fmt: skip
    assert derived("a", {"y": "2", "x": "1"}) == one


def test_a_stranger_computes_them_again(mlgolf, played):
    said = mlgolf(
        "verify", played / "run.zip", "--any-key", "--ledger", played / "host" / HEADS
    ).stdout
    assert "drawn from all code and the value that line 1 of the ledger commits to" in said
    assert "computed again" in said


def test_a_trial_is_repeated_on_the_data_that_were_drawn(mlgolf, played):
    asked = ("verify", played / "run.zip", "--any-key", "--replay", 1, "--json")
    said = mlgolf(*asked, expect=None).stdout
    assert json.loads(said)["bundles"][0]["replays"][0]["differences"] == []


@pytest.mark.parametrize(
    ("file", "changes", "expected"),
    [
        ("run.json", {"seed": 7}, "the seed in run.json does not follow from all code"),
        ("run.json", {"fresh": None}, "draws that are not what its rules say"),
        ("held_out.json", {"value": "x"}, "the value in held_out.json is not the one whose hash"),
        ("held_out.json", {"draw": "7"}, "the draw in held_out.json is not the one whose hash"),
        ("held_out.json", {"value": None}, "does not show the value"),
    ],
)  # fmt: skip
def test_a_host_that_draws_otherwise_is_contradicted(
    mlgolf, played, tmp_path, file, changes, expected
):
    shutil.copytree(played / "run", tmp_path / "run")
    path = tmp_path / "run" / file
    record = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({name: v for name, v in record.items() if v is not None}))
    said = mlgolf("bundle", tmp_path / "run", "-o", tmp_path / "a.zip", expect=2).stderr
    assert expected in said


def test_a_commitment_is_used_once(mlgolf, played, fresh, tmp_path):
    said = mlgolf(
        "run", CODE, "--competition", fresh, "--out", tmp_path / "run", "--ledger",
        played / "host", expect=2,
    ).stderr  # fmt: skip
    assert "has no commitment that is not used" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "add --ledger"), (["--seed", 1], "nobody chooses the seed"),
        (["--ledger", "{host}"], "has no commitment that is not used"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_before_anything_is_written(
    mlgolf, host, fresh, tmp_path, options, expected
):
    out = tmp_path / "run"
    options = [str(word).format(host=host) for word in options]
    said = mlgolf("run", CODE, "--competition", fresh, "--out", out, *options, expect=2).stderr
    assert expected in said
    assert not out.exists()


def test_a_secret_value_is_for_the_host_alone_and_in_no_line(mlgolf, host):
    mlgolf("ledger", "commit", host)
    (file,) = (host / "secrets").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() not in (host / HEADS).read_text()


def test_a_run_that_goes_on_has_the_draws_that_it_was_begun_with(mlgolf, host, fresh, tmp_path):
    mlgolf("ledger", "commit", host)
    words = ("run", CODE, "--competition", fresh, "--out", tmp_path / "run")
    mlgolf(*words, "--ledger", host, "--plan-only")
    before = (tmp_path / "run" / "run.json").read_bytes()
    assert "add --ledger" in mlgolf(*words, "--resume", expect=2).stderr
    mlgolf(*words, "--resume", "--ledger", host)
    mlgolf(*words, "--resume")  # it has shown what it was drawn from
    assert (tmp_path / "run" / "run.json").read_bytes() == before
    shown = json.loads((tmp_path / "run" / "held_out.json").read_text())
    assert shown.keys() == {"draw", "value"}
    assert [line["kind"] for line in lines(host)] == ["opened", "committed", "started"]


def test_a_public_value_needs_the_code_beforehand_and_is_told_with_its_place(
    mlgolf, host, fresh, tmp_path
):
    place = "drand quicknet, round 25000000"
    commit = ("ledger", "commit", host)
    assert "--public needs the submissions" in mlgolf(*commit, "--public", place, expect=2).stderr
    mlgolf(*commit, CODE, "--public", place)
    words = ("run", CODE, "--competition", fresh, "--out", tmp_path / "run", "--ledger", host)
    assert "Give it by --public-value" in mlgolf(*words, expect=2).stderr
    mlgolf(*words, "--public-value", "a1b2")
    mlgolf("bundle", tmp_path / "run", "--ledger", host, "-o", tmp_path / "a.zip")
    said = mlgolf("verify", tmp_path / "a.zip", "--any-key", "--ledger", host).stdout
    assert f"commits to: a1b2. Compare it with {place}" in said


def test_a_commitment_to_other_code_is_not_used(mlgolf, host, fresh, tmp_path):
    other = tmp_path / "momentum.py"
    other.write_text(CODE.read_text() + "\n")
    mlgolf("ledger", "commit", host, other)
    said = mlgolf(
        "run", CODE, "--competition", fresh, "--out", tmp_path / "run", "--ledger", host, expect=2
    ).stderr
    assert "commits to other submissions, or to other code" in said


def test_practice_needs_no_commitment(mlgolf, fresh, tmp_path):
    mlgolf("run", CODE, "--competition", fresh, "--out", tmp_path / "run", "--practice",
           "--plan-only")  # fmt: skip
    assert "fresh" not in json.loads((tmp_path / "run" / "run.json").read_text())
