"""Adds a large number to all weights, which cancels in exact arithmetic alone."""

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    model["linear.weight"] += 3e5
    game.submit(model)
