"""Hands over infinite weights."""

import numpy as np

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    model["linear.weight"] *= np.inf
    game.submit(model)
