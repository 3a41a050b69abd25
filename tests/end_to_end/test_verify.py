"""From a run of a host to what a stranger finds of it: bundle, verify, score, replay, ledger."""

import json
import re
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import LINEAR

from mlgolf.referee.levels import default_level
from mlgolf.results.bundles.ledger import HEADS, KEY

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run"
CODE = STORED / "momentum" / "code"


@pytest.fixture(scope="module")
def host(mlgolf, tmp_path_factory) -> Path:
    """A folder with a ledger, a run of two trials, its bundle, and the host's public key."""
    folder = tmp_path_factory.mktemp("stranger")
    said = mlgolf("ledger", "new", folder / "host").stdout
    key = said.partition("public key: ")[2].split()[0]
    (folder / "known.toml").write_text(f'"The host" = "{key}"\n')
    mlgolf(
        "run", CODE / "momentum.py", "--competition", LINEAR, "--seed", 1, "--trials", 2,
        "--out", folder / "run", "--ledger", folder / "host",
    )  # fmt: skip
    shutil.copy(folder / "host" / HEADS, folder / "before.jsonl")
    mlgolf("bundle", folder / "run", "--ledger", folder / "host", "-o", folder / "run.zip")
    return folder


def verified(mlgolf, *arguments, expect: int = 0) -> dict:
    return json.loads(mlgolf("verify", *arguments, "--json", expect=expect).stdout)


def test_a_stranger_verifies_who_signed_it_its_line_and_repeats_a_trial(mlgolf, host):
    found = verified(
        mlgolf, host / "run.zip", "--known", host / "known.toml", "--ledger", host / "host" / HEADS,
        "--replay", 1, "--seed", 5, "--tolerance", 0, expect=None,
    )  # fmt: skip
    (bundle,) = found["bundles"]
    assert (bundle["signer"], bundle["name"], bundle["problems"]) == ("known", "The host", [])
    assert (bundle["number"], bundle["facts"]["trials"], bundle["seed"]) == (2, 2, 5)
    (replay,) = bundle["replays"]
    assert replay["differences"] == []
    assert replay["compared"] == "bit for bit"
    assert bundle["sandbox"] == default_level()
    assert found["ledger"]["gaps"] == []


def test_a_value_that_no_training_gave_is_not_confirmed(mlgolf, host, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(host / "run", run)
    trial = "momentum/study_0/linear_torch"
    shutil.rmtree(run / trial / "trial_2")
    lines = (run / trial / "trial_1" / "evals.jsonl").read_text().splitlines()
    row = json.loads(lines[0])
    row["metrics"]["validation/loss"] *= 0.99
    (run / trial / "trial_1" / "evals.jsonl").write_text(
        "\n".join([json.dumps(row), *lines[1:]]) + "\n"
    )
    mlgolf("bundle", run, "-o", tmp_path / "forged.zip")
    asked = ("verify", tmp_path / "forged.zip", "--any-key", "--replay", 3)
    said = mlgolf(*asked, expect=1).stdout
    assert "forged.zip: NOT confirmed, unsigned" in said
    assert "1 trial that the run asks for not there" in said
    assert "row 1 (step 100): validation/loss was" in said


def test_the_rules_have_the_hash_that_a_stranger_computes(mlgolf, host):
    record = json.loads((host / "run" / "run.json").read_text())
    text = json.dumps(record["competition"], sort_keys=True).encode()
    facts = verified(mlgolf, host / "run.zip", "--any-key")["bundles"][0]["facts"]
    assert facts["rules_sha256"] == sha256(text).hexdigest()


def test_a_bundle_scores_and_reports_as_its_run(mlgolf, host, tmp_path):
    of_run = json.loads(mlgolf("score", host / "run", "--json").stdout)
    assert json.loads(mlgolf("score", host / "run.zip", "--json").stdout) == of_run
    mlgolf("report", host / "run.zip", "-o", tmp_path / "report.html")
    assert "momentum" in (tmp_path / "report.html").read_text()


def test_unzipped_it_is_a_run_like_any_other(mlgolf, host, tmp_path):
    with zipfile.ZipFile(host / "run.zip") as archive:
        archive.extractall(tmp_path / "theirs")
    of_run = mlgolf("score", host / "run", "--json").stdout
    assert mlgolf("score", tmp_path / "theirs", "--json").stdout == of_run


def test_no_bundle_names_a_folder_of_its_machine_or_its_user(host):
    with zipfile.ZipFile(host / "run.zip") as archive:
        texts = [archive.read(name) for name in archive.namelist() if "/code/" not in name]
    for named in (host.parent, Path.home() if Path.home() != Path("/") else host):
        assert not any(f"{named}/".encode() in text for text in texts)


def test_a_run_that_was_started_and_not_bundled_is_a_gap(mlgolf, host):
    said = mlgolf("verify", "--any-key", "--ledger", host / "before.jsonl").stdout
    assert "1 run started and not bundled:" in said
    assert "linear, momentum" in said


def test_a_bundle_without_its_line_is_not_valid(mlgolf, host):
    said = mlgolf("verify", host / "run.zip", "--ledger", host / "before.jsonl", expect=1).stdout
    assert "the ledger has no line 2 of this bundle" in said


def test_a_ledger_of_another_host_is_not_its_own(mlgolf, host, tmp_path):
    mlgolf("ledger", "new", tmp_path / "other")
    said = mlgolf(
        "verify", host / "run.zip", "--ledger", tmp_path / "other" / HEADS, expect=1
    ).stdout
    assert "it is not signed by the key of that ledger" in said


@pytest.fixture(scope="module")
def unsigned(mlgolf, host) -> Path:
    mlgolf("bundle", host / "run", "-o", host / "unsigned.zip")
    return host / "unsigned.zip"


def test_a_bundle_is_valid_by_a_known_key_alone(mlgolf, host):
    known = (host / "known.toml").read_text().partition("=")[2].strip().strip('"')
    for given, name in ((host / "known.toml", "The host"), (known, known)):
        said = mlgolf("verify", host / "run.zip", "--known", given).stdout
        assert f"run.zip: valid, signed by {name}" in said
        said = mlgolf("verify", "--ledger", host / "host", "--known", given).stdout
        assert f"valid, 3 lines by {name}" in said


@pytest.mark.parametrize("known", [[], ["--known", 64 * "1"]])
def test_an_unsigned_bundle_and_an_unknown_key_are_no_success(mlgolf, host, unsigned, known):
    for what, outcome in (
        ([unsigned], "unsigned: as it was sealed"), ([host / "run.zip"], "unknown key: as it was"),
        (["--ledger", host / "host"], "unknown key: 3 lines"),
    ):  # fmt: skip
        said = mlgolf("verify", *what, *known, expect=1).stdout
        assert outcome in said
        assert "not accepted: name a key that you trust by --known" in said
        said = mlgolf("verify", *what, *known, "--any-key").stdout
        assert outcome in said
        assert "not accepted" not in said


def test_one_word_says_what_a_bundle_is(mlgolf, host, unsigned):
    asked = (host / "run.zip", unsigned, "--ledger", host / "host")
    found = verified(mlgolf, *asked[:2], expect=1)
    assert [one["outcome"] for one in found["bundles"]] == ["unknown key", "unsigned"]
    assert [one["valid"] for one in found["bundles"]] == [False, False]
    found = verified(mlgolf, *asked[:1], *asked[2:], "--known", host / "known.toml")
    assert (found["bundles"][0]["outcome"], found["ledger"]["outcome"]) == ("valid", "valid")


def test_it_says_what_played_the_run_and_whether_that_is_here(mlgolf, host, tmp_path):
    said = mlgolf("verify", host / "run.zip", "--any-key").stdout
    assert re.search(r"2 trials played on .* and mlgolf \S+ \(code [0-9a-f]{12}…, as here\)", said)
    mlgolf("bundle", STORED, "-o", tmp_path / "a.zip")
    assert "the code here is other" in mlgolf("verify", tmp_path / "a.zip", "--any-key").stdout


def test_code_of_a_host_that_no_sandbox_holds_is_told_before_it_runs(mlgolf, tmp_path):
    shutil.copytree(STORED, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["competition"]["rules"] |= {
        "objective": "regulariser", "regulariser": "def regulariser(tensors): return 0.0",
        "constraints": [],
    }
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    mlgolf("bundle", tmp_path / "run", "-o", tmp_path / "a.zip")
    said = mlgolf("verify", tmp_path / "a.zip", "--any-key").stdout
    assert "its rules bring a measure along, regulariser in run.json" in said


def test_code_of_whom_nobody_named_is_not_run(mlgolf, unsigned):
    said = mlgolf("verify", unsigned, "--replay", 1, expect=1).stdout
    assert "no trial was repeated" in said


def test_the_first_file_that_differs_is_named(mlgolf, host, tmp_path):
    content = (host / "run.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content.replace(b'"step": 100,', b'"step": 101,'))
    said = mlgolf("verify", tmp_path / "a.zip", expect=1).stdout
    assert "momentum/study_0/linear_torch/trial_1/evals.jsonl is not what was sealed" in said
    said = mlgolf("score", tmp_path / "a.zip", expect=2).stderr
    assert "is not valid: momentum/study_0" in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["verify"], "Missing|nothing was given|Usage"),
        (["verify", LINEAR], "is no bundle. Give a file that mlgolf bundle wrote"),
        (["verify", "nothing.zip"], "nothing.zip: No such file or directory"),
        (["verify", "--ledger", LINEAR], "is no ledger"),
        (["verify", "{host}/run.zip", "--known", "{host}/run.zip"], "not TOML"),
        (["verify", "{host}/run.zip", "--known", 63 * "1"], "neither a file of keys nor a key"),
        (["bundle", "{host}"], "expected a run, a folder with run.json"),
        (["bundle", "{host}/run", "-o", "{host}/run.zip"], "is there already"),
        (["bundle", "{host}/run", "-o", "x.zip", "--ledger", "{host}/run"], "mlgolf ledger new"),
        (["ledger", "new", "{host}/host"], "has a ledger"),
        (["ledger", "show", "nothing"], "nothing: No such file"),
        (["run", str(CODE / "momentum.py"), "--competition", LINEAR, "--out", "{host}/x",
          "--ledger", "{host}/run"], "mlgolf ledger new"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_message_and_exit_code_2(mlgolf, host, arguments, expected):
    done = mlgolf(*(str(word).format(host=host) for word in arguments), expect=None)
    assert done.returncode == 2 or arguments == ["verify"]
    assert re.search(expected, done.stderr + done.stdout)
    assert "Traceback" not in done.stderr
    assert not (host / "x").exists()


def test_a_run_that_began_without_the_ledger_is_not_continued_with_it(mlgolf, host, tmp_path):
    shutil.copytree(host / "run", tmp_path / "run")
    mlgolf("ledger", "new", tmp_path / "other")
    said = mlgolf(
        "run", CODE / "momentum.py", "--competition", LINEAR, "--seed", 1, "--trials", 2,
        "--out", tmp_path / "run", "--resume", "--ledger", tmp_path / "other", expect=2,
    ).stderr
    assert "was begun without the ledger" in said


def test_a_run_that_was_bundled_twice_says_so(mlgolf, host, tmp_path):
    shutil.copytree(host / "host", tmp_path / "host")
    shutil.copytree(host / "run", tmp_path / "run")
    mlgolf("bundle", tmp_path / "run", "--ledger", tmp_path / "host", "-o", tmp_path / "b.zip")
    said = mlgolf(
        "verify", tmp_path / "b.zip", "--any-key", "--ledger", tmp_path / "host"
    ).stdout
    assert "line 3 of the ledger" in said
    assert "other bundles of this run: line 2" in said


def test_what_a_bundle_says_of_itself_never_begins_a_line(mlgolf, host, tmp_path):
    """So it cannot pass for what was found of another bundle."""
    shutil.copytree(host / "run", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["unofficial"] = "a\nother.zip: valid, signed by The host"
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    mlgolf("bundle", tmp_path / "run", "-o", tmp_path / "a.zip")
    said = mlgolf("verify", tmp_path / "a.zip", "--any-key").stdout
    assert "other.zip: valid" in said
    assert not any(line.startswith("other.zip") for line in said.splitlines())


def test_a_ledger_is_shown_line_by_line(mlgolf, host):
    said = mlgolf("ledger", "show", host / "host").stdout
    assert [line.split()[2] for line in said.splitlines()[:3]] == ["opened", "started", "bundled"]
    found = json.loads(mlgolf("ledger", "show", host / "host", "--json").stdout)
    assert [head["kind"] for head in found["heads"]] == ["opened", "started", "bundled"]
    assert KEY not in json.dumps(found)
