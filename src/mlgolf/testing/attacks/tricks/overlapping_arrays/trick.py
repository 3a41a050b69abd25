"""Hands over a model whose arrays lie on top of one another."""

import time

import numpy as np

from mlgolf.core.messages import Submitted, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import link, say


class Submission(Honest):
    def update_params(self, **given):
        handover = link()._handover
        place = '"dtype":"F32","data_offsets":[0,128]'
        header = (
            f'{{"0.weight":{{{place},"shape":[1,32]}},"0.bias":{{{place},"shape":[32]}}}}'.encode()
        )
        raw = len(header).to_bytes(8, "little") + header
        handover._buffer[: len(raw)] = np.frombuffer(raw, np.uint8)
        say(encode(Submitted(1, len(raw) + 128)))
        while True:
            time.sleep(1)


submission = Submission()
