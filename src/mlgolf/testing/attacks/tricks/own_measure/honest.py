"""Looks like it, and is allowed."""

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    model = model_of(game)
    game.log(mine=1.0)
    game.submit(model)
