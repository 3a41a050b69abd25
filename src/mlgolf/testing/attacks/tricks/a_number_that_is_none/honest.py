"""Looks like it, and is allowed."""

import numpy as np

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    model["linear.bias"][0] = np.nan_to_num(model["linear.bias"][0])
    game.submit(model)
