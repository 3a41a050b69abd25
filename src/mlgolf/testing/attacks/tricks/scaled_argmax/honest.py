"""Looks like it, and is allowed."""

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    game.submit({name: 1.05 * value for name, value in model_of(game).items()})
