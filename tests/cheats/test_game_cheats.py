"""Entries that cheat in a game with the host's network, each beside an honest one that is like it.

A cheat's model must not count, and what the honest one hands over must. Cheats with models of one's
own are in end_to_end/test_open_games.py; scale-free networks in golf/, where games are checked.
"""

import hashlib
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load

from mlgolf.core.rules import Rules, WorkloadRules
from mlgolf.core.trial import Trial
from mlgolf.measures.norms import l2
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import MODEL, read_rows
from mlgolf.scoring.objective import row_that_counts

GAME = Path(__file__).parents[1] / "end_to_end" / "tiny_game"
# The honest entry's model is at hand; LINE says what is handed over.
ENTRY = """
import threading
import time
import numpy as np
from fits import play as fit


class Seen:
    def __init__(self, game, **other):
        self.seed, self.train = game.seed, {**game.train, **other}

    def submit(self, tensors):
        self.model = {name: np.array(value) for name, value in tensors.items()}


def fitted(game, **other):
    seen = Seen(game, **other)
    fit(seen)
    return seen.model


def play(game):
    model = fitted(game)
    LINE
"""


@pytest.fixture
def trial(mlgolf, tmp_path):
    """Plays an entry on the tiny game, with other rules where they are given."""

    def play(line: str, rules: str = "", *, files: dict[str, bytes] | None = None) -> Trial | str:
        entry, game = tmp_path / "entry", tmp_path / "game"
        shutil.copytree(GAME, game)
        text = (game / "competition.toml").read_text()
        (game / "competition.toml").write_text(
            text.replace("every_split_at = 1", f"every_split_at = 1\nkeep_model = true\n{rules}")
        )
        entry.mkdir()
        shutil.copy(GAME / "fits.py", entry)
        (entry / "entry.py").write_text(ENTRY.replace("LINE", line))
        for name, content in (files or {}).items():
            (entry / name).write_bytes(content)
        done = mlgolf(
            "run", entry, "--competition", game, "--seed", 1, "--studies", 1,
            "--out", tmp_path / "run", expect=None,
        )
        return RunFolder(tmp_path / "run").trials()[0] if done.returncode != 2 else done.stderr

    return play


def counts(run: Path, trial: Trial) -> bool:
    competition = RunFolder(run).competition
    rules: Rules = competition.rules
    row: WorkloadRules = competition.workloads["points"]
    targets = rules.targets(row, budget_factor=1.0, speed=trial.facts.calibration.speed)
    found = row_that_counts(trial, targets, rules, row) is not None
    assert found == (run / "entry/study_0/points_torch/trial_1" / MODEL).exists()
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("model['linear.bias'][:] = 1e-42; game.submit(model)", 12),  # all but zero is not zero
        ("model['linear.bias'][:] = 0.0; game.submit(model)", 9),
        ("model['linear.bias'][:] = -0.0; game.submit(model)", 9),
    ],
)
def test_a_parameter_that_does_nothing_counts_unless_it_is_zero(trial, line, expected):
    found = trial(line, 'recorded = ["nonzeros"]')
    assert found.metrics["model/nonzeros"][0] == expected


LEFT_RUNNING = """def change():  # the lower half of the last number, again and again
        handover, n = game._link._handover, 0
        while True:
            n += 1
            if handover._length: handover._buffer[handover._length - 4] = n % 256
    threading.Thread(target=change, daemon=True).start()
    game.submit(model)
    time.sleep(0.3)"""


def test_what_a_thread_left_running_writes_is_measured_in_one_copy(trial, tmp_path):
    """Its norm and its hash are of the same bytes, whatever was written meanwhile."""
    found = trial(LEFT_RUNNING)
    kept = (tmp_path / "run/entry/study_0/points_torch/trial_1" / MODEL).read_bytes()
    assert counts(tmp_path / "run", found)
    rows = read_rows(tmp_path / "run/entry/study_0/points_torch/trial_1")
    (row,) = [row for row in rows if row["model_sha256"] == hashlib.sha256(kept).hexdigest()]
    assert row["metrics"]["model/l2"] == l2(load(kept))
