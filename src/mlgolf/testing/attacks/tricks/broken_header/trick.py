"""Hands over a model whose header points outside of it."""

import time

import numpy as np

from mlgolf.core.messages import Submitted, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import link, say


class Submission(Honest):
    def update_params(self, **given):
        handover = link()._handover
        header = b'{"0.weight":{"dtype":"F32","shape":[1,32],"data_offsets":[0,99999999]}}'
        raw = len(header).to_bytes(8, "little") + header
        handover._buffer[: len(raw)] = np.frombuffer(raw, np.uint8)
        say(encode(Submitted(1, len(raw))))
        while True:
            time.sleep(1)


submission = Submission()
