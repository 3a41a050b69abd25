"""Leaves a process that answers the next trial by an abstract socket."""

import signal
import socket
import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import detach, gained, in_vain


def serve():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    server = socket.socket(socket.AF_UNIX)
    server.bind("\0kept")
    server.listen()
    server.accept()


class Submission(Honest):
    def update_params(self, **given):
        client = socket.socket(socket.AF_UNIX)
        if client.connect_ex("\0kept") == 0:
            gained("a process")
        detach(serve)
        time.sleep(0.1)
        in_vain()


submission = Submission()
