"""Looks like it, and is allowed."""

from mlgolf.testing.attacks.honest_entry import fitted


def play(game):
    game.submit(fitted(game.train["inputs"][::-1], game.train["targets"][::-1], game.seed))
