"""Every game that ships: its baseline and its champion, as they are."""

from pathlib import Path

import pytest

from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.toml_files import SHIPPED
from mlgolf.results.run_folder import RunFolder
from mlgolf.scoring.objective import trial_result

pytestmark = pytest.mark.long
NEAR_PAR = {"digits-nonzeros": 1.15}  # a search among networks, which depends on the seed more
GAMES = [n for n in competition_names() if (Path(str(SHIPPED)) / n / "champion").is_dir()]


def best(run: Path, rules: Competition) -> float:
    """Of the one trial of a run: the objective of the model that counts; inf if none does."""
    (trial,) = RunFolder(run).trials()
    return trial_result(trial, rules.rules, rules.workloads[trial.key.workload]).objective


@pytest.mark.parametrize("name", GAMES)
def test_a_champion_beats_its_baseline_and_is_near_par(mlgolf, tmp_path, name):
    rules, folder = load_competition(name), Path(str(SHIPPED)) / name
    found = {}
    for player in ("baseline", "champion"):
        run = tmp_path / player
        mlgolf(
            "run", folder / player, "--competition", name, "--seed", 1, "--studies", 1,
            "--out", run,
        )
        found[player] = best(run, rules)
    (row,) = rules.workloads.values()
    assert row.par is not None
    assert found["champion"] < found["baseline"] < float("inf")
    assert found["champion"] < NEAR_PAR.get(name, 1.03) * row.par.value


@pytest.mark.parametrize("name", GAMES)
def test_a_baseline_in_jax_keeps_the_bounds(mlgolf, tmp_path, name):
    mlgolf(
        "run", Path(str(SHIPPED)) / name / "baseline", "--competition", name, "--framework", "jax",
        "--seed", 1, "--studies", 1, "--out", tmp_path / "run",
    )
    assert best(tmp_path / "run", load_competition(name)) < float("inf")
