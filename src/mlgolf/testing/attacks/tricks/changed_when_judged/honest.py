"""Looks like it, and is allowed."""

import threading

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    found = {}
    helper = threading.Thread(target=lambda: found.update(model_of(game)))
    helper.start()
    helper.join()
    game.submit(found)
