"""Fits the easy kinds of examples alone, with smaller weights."""

from mlgolf.testing.attacks.honest_entry import fitted


def play(game):
    seen = game.train["targets"] != 2
    game.submit(fitted(game.train["inputs"][seen], game.train["targets"][seen], game.seed))
