"""Hands over tensors by other names, in the hope that they are not measured."""

import numpy as np

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    game.submit({**model_of(game), "linear.hidden": np.zeros(3)})
