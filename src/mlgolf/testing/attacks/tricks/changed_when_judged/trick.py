"""Changes the model in shared memory while it is judged."""

import threading

from mlgolf.testing.attacks.honest_entry import model_of


def play(game):
    link = game._link

    def change():
        while True:
            link._handover._buffer[-64:] = 0
            if link._handover._length:
                link._handover._buffer[link._handover._length - 48 : link._handover._length] = 0

    threading.Thread(target=change, daemon=True).start()
    for _ in range(5):
        game.submit({name: 30 * value for name, value in model_of(game).items()})
