"""Hands over many models that differ by noise, so that one of them is measured below its worth."""

import numpy as np

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    for _ in range(2000):
        game.submit({n: 0.01 * v + 1e-3 * np.random.randn(*v.shape) for n, v in model.items()})
