"""Hands over a model whose numbers are of a type that numpy lacks."""

import time

import numpy as np

from mlgolf.core.messages import Submitted, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import link, say


class Submission(Honest):
    def update_params(self, **given):
        handover = link()._handover
        header = b'{"0.weight":{"dtype":"BF16","shape":[1,32],"data_offsets":[0,64]}}'
        raw = len(header).to_bytes(8, "little") + header + bytes(64)
        handover._buffer[: len(raw)] = np.frombuffer(raw, np.uint8)
        say(encode(Submitted(1, len(raw))))
        while True:
            time.sleep(1)


submission = Submission()
