"""The game of a second in `tiny_game/`, its honest entry, and what tests do with them."""

import json
import shutil
from pathlib import Path

GAME = Path(__file__).with_name("tiny_game")
HONEST = GAME / "fits.py"
# The honest entry's model, and what a trick does with it.
TRICK = """
import time
import numpy as np
from fits import play as fit


class Seen:
    def __init__(self, game): self.__dict__.update(train=game.train, seed=game.seed)
    def submit(self, tensors): self.model = {n: np.array(v) for n, v in tensors.items()}


def play(game):
    seen = Seen(game)
    fit(seen)
    model = seen.model
"""


def changed_game(folder: Path, *replacements: tuple[str, str]) -> Path:
    """The tiny game with other rules."""
    shutil.copytree(GAME, folder)
    text = (folder / "competition.toml").read_text()
    for found, changed in replacements:
        assert found in text
        text = text.replace(found, changed)
    (folder / "competition.toml").write_text(text)
    return folder


def scored(mlgolf, run: Path) -> dict:
    (entry,) = json.loads(mlgolf("score", run, "--json").stdout)["leaderboard"]
    return entry["workloads"]["points"]
