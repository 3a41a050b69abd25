"""Looks like it, and is allowed."""

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    for scale in (1.2, 1.1, 1.0):
        game.submit({name: scale * value for name, value in model.items()})
