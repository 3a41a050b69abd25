"""Scales a classifier down until its norm is nothing, as its classes stay what they are."""

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    game.submit({name: 1e-6 * value for name, value in model_of(game).items()})
