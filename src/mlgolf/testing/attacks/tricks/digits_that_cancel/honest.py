"""Looks like it, and is allowed."""

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    model["linear.weight"] += 0.001
    game.submit(model)
