"""`mlgolf game check`, as a host runs it."""

import json
import shutil
from pathlib import Path

import pytest

from mlgolf.core.competition import competition_names
from mlgolf.core.toml_files import SHIPPED

TINY = Path(__file__).with_name("tiny_game")
GAMES = [name for name in competition_names() if (Path(str(SHIPPED)) / name).is_dir()]


@pytest.fixture
def game(tmp_path) -> Path:
    folder = shutil.copytree(TINY, tmp_path / "game")
    (folder / "baseline").mkdir()
    shutil.move(folder / "fits.py", folder / "baseline" / "entry.py")
    return folder


def replace(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_three_faults_of_three_files_are_printed_at_once(mlgolf, game):
    replace(game / "competition.toml", 'objective = "l2"', 'objective = "l3"')
    replace(game / "graph.toml", "units = 3", "units = 0")
    replace(game / "data.toml", "5899349041", "0000000000")
    printed = mlgolf("game", "check", game, expect=1).stdout.splitlines()
    starts = [line.partition(": ")[0] for line in printed[:3]]
    assert starts == ["competition.toml:9", "graph.toml:10", "data.toml:2"]
    assert printed[-1].startswith("not checked")


def test_a_game_that_is_fine_is_played_and_ends_with_0(mlgolf, game):
    found = json.loads(mlgolf("game", "check", game, "--json").stdout)
    assert (found["ok"], found["findings"], found["skipped"]) == (True, [], [])
    assert any(line.startswith("baseline: it keeps all bounds") for line in found["checked"])


def test_a_bound_that_the_baseline_cannot_meet_is_found_with_its_margin(mlgolf, game):
    replace(game / "competition.toml", "train_loss = 0.1,", "train_loss = 1e-6,")
    found = json.loads(mlgolf("game", "check", game, "--json", expect=1).stdout)
    (finding,) = found["findings"]
    assert finding["file"] == "baseline/"
    assert "at most 1e-06" in finding["what"]
    assert found["ok"] is False


def test_a_baseline_that_crashes_is_found_with_its_reason(mlgolf, game):
    (game / "baseline" / "entry.py").write_text("def play(game):\n    raise KeyError('oh')\n")
    printed = mlgolf("game", "check", game, expect=1).stdout
    assert "The trial ended CRASHED: KeyError at step 0: 'oh'" in printed


def test_a_check_without_its_baseline_says_so_and_is_no_clean_one(mlgolf, game):
    done = mlgolf("game", "check", game, "--no-play", expect=3)
    assert "not checked  baseline: not played, as --no-play asks" in done.stdout


def test_a_game_that_there_is_not_is_refused_with_those_that_there_are(mlgolf):
    assert "digits-l2" in mlgolf("game", "check", "digits-l3", expect=2).stderr


@pytest.mark.parametrize("name", GAMES)
def test_a_game_that_ships_is_clean(mlgolf, name):
    mlgolf("game", "check", name)
