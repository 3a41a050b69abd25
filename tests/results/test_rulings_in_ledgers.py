"""Rulings of a jury in the ledger of a host: one that is changed or taken back is seen."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import LINEAR
from written_rulings import write

from mlgolf.core.competition import FILE
from mlgolf.core.errors import BundleError
from mlgolf.core.jury_ruling import read_rulings
from mlgolf.results.bundles.ledger import HEADS, Ledger, new_ledger, read_heads
from mlgolf.results.bundles.reading import check_bundle
from mlgolf.results.bundles.ruled import add_rulings, contradictions, rulings_on
from mlgolf.results.bundles.writing import write_bundle
from mlgolf.scoring.sources import open_source

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run"


@pytest.fixture
def folder(tmp_path) -> Path:
    write(tmp_path / "rulings", "R1")
    return tmp_path / "rulings"


@pytest.fixture
def ledger(tmp_path, folder) -> Ledger:
    """With one ruling."""
    made = new_ledger(tmp_path / "host")
    add_rulings(made, "game", read_rulings(folder))
    return made


def found(ledger: Ledger, folder: Path, competition: str = "game") -> list[str]:
    return contradictions(read_heads(ledger.folder), competition, read_rulings(folder))


def test_a_ruling_has_one_line_however_often_it_is_added(ledger, folder):
    assert add_rulings(ledger, "game", read_rulings(folder)) == []
    assert [head.kind for head in ledger.heads().lines] == ["opened", "ruling"]
    assert found(ledger, folder) == []


def test_a_line_has_the_whole_ruling(ledger):
    body = json.loads((ledger.folder / HEADS).read_text().splitlines()[1])["body"]
    assert body == {"competition": "game", "ruling": {
        "id": "R1", "date": "2026-11-03", "subject": {"submission": "mine"},
        "decision": "disqualified", "rule": "pretraining",
        "reason": "weights were brought along", "evidence": ["entry.py, line 12"],
    }}  # fmt: skip


def test_a_ruling_without_a_line_is_told(ledger, folder):
    file = write(folder, "R2", "2026-11-04", "reinstated")
    assert found(ledger, folder) == [f"ruling R2 ({file}) has no line in the ledger"]


def test_a_line_whose_ruling_is_gone_is_told(ledger, folder):
    (folder / "R1.toml").unlink()
    assert found(ledger, folder) == [
        "line 1 of the ledger has ruling R1, which game no longer has"
    ]


def test_a_ruling_that_was_changed_is_told_with_both_values(ledger, folder):
    file = write(folder, "R1", decision="warning")
    assert found(ledger, folder) == [
        f"ruling R1 ({file}) is not as line 1 of the ledger has it: decision is 'warning' and was "
        "'disqualified'"
    ]


def test_comments_and_the_order_of_keys_change_no_ruling(ledger, folder):
    file = folder / "R1.toml"
    file.write_text("# as decided\n" + file.read_text())
    assert found(ledger, folder) == []


def test_a_line_that_says_a_ruling_once_more_is_told(ledger, folder):
    ledger.add("ruling", dict(ledger.heads().lines[1].body))
    assert found(ledger, folder) == ["line 2 of the ledger has ruling R1 once more"]


@pytest.mark.parametrize("body", [{}, {"ruling": None}, {"ruling": {"id": 1}}, {"ruling": [[]]}])
def test_a_line_that_is_no_ruling_is_told(ledger, folder, body):
    ledger.add("ruling", {"competition": "game", **body})
    assert found(ledger, folder) == ["line 2 of the ledger is no ruling that this mlgolf can read"]


def test_rulings_of_another_competition_are_its_own(ledger, folder):
    assert len(found(ledger, folder, "another")) == 1
    add_rulings(ledger, "another", read_rulings(folder))
    assert found(ledger, folder, "another") == found(ledger, folder) == []


def test_nothing_is_added_while_a_ruling_is_not_as_its_line_has_it(ledger, folder):
    write(folder, "R1", decision="warning")
    write(folder, "R2", "2026-11-04", subject='submission = "other"')
    with pytest.raises(BundleError, match="Rulings are not taken back: put the file back"):
        add_rulings(ledger, "game", read_rulings(folder))
    assert len(ledger.heads().lines) == 2


@pytest.mark.parametrize(
    ("subject", "expected"),
    [('submission = "momentum"', 1), ('submission = "other"', 0), (f'sha256 = "{64 * "0"}"', 0)],
)
def test_a_bundle_is_shown_with_what_its_host_ruled_on_it(tmp_path, subject, expected):
    bundle = check_bundle(write_bundle(STORED, tmp_path / "a.zip").path)
    made = new_ledger(tmp_path / "host")
    write(tmp_path / "rulings", "R1", subject=subject)
    add_rulings(made, bundle.manifest.facts.competition, read_rulings(tmp_path / "rulings"))
    said = [*rulings_on(bundle.manifest.facts, made.heads())]
    assert len(said) == expected
    assert all("R1, disqualified" in one and "weights were brought along" in one for one in said)


def test_a_host_writes_its_rulings_down_and_a_stranger_compares_them(mlgolf, tmp_path):
    game, host = tmp_path / "game", tmp_path / "host"
    game.mkdir()
    shutil.copy(LINEAR, game / FILE)
    mlgolf("ledger", "new", host)
    write(game / "rulings", "R1")
    asked = ("verify", "--ledger", host / HEADS, "--any-key", "--competition", game)
    assert "NOT valid: ruling R1" in mlgolf(*asked, expect=1).stdout
    assert "linear: R1, disqualified, mine" in mlgolf("ledger", "rule", host, game).stdout
    assert "nothing to add" in mlgolf("ledger", "rule", host, game).stdout
    mlgolf(*asked)
    assert "ruling linear: R1, disqualified, mine" in mlgolf("ledger", "show", host).stdout


def test_a_competition_without_rulings_adds_none(mlgolf, tmp_path):
    mlgolf("ledger", "new", tmp_path / "host")
    said = mlgolf("ledger", "rule", tmp_path / "host", LINEAR, expect=2).stderr
    assert "found no ruling. Each is a .toml file in rulings/ of its folder" in said


@pytest.mark.parametrize("name", ["a.mlgolf.zip", "a", ".mlgolf.zip"])
def test_a_ruling_on_a_run_is_one_on_its_bundle(tmp_path, name):
    write(tmp_path / "rulings", "R1", subject=f'submission = "momentum"\nrun = "{name[:1]}"')
    bundle = write_bundle(STORED, tmp_path / name).path
    source = open_source([bundle], None, None, rulings=tmp_path / "rulings")
    assert len(source.jury.tombstones) == (name[:1] == "a")
