"""Sends the referee thousands of open files along with its messages, until it can open no other."""

import os
import socket

from mlgolf.core.messages import Logged, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import in_vain, link


class Submission(Honest):
    def update_params(self, **given):
        null, connection = os.open("/dev/null", os.O_RDONLY), link()._channel._connection
        for step in range(40):
            socket.send_fds(connection, [encode(Logged(step, {"a": 1.0}))], [null] * 200)
        in_vain()


submission = Submission()
