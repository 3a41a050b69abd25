"""Looks like it, and is allowed."""

import time

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    game.submit(model)
