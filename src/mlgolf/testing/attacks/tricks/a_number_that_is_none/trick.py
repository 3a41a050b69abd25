"""Hands over a weight that is not a number, whose norm is not larger than any."""

import numpy as np

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    model["linear.bias"][0] = np.nan
    game.submit(model)
