"""Uses a pair of sockets within its process."""

import socket

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        one, other = socket.socketpair()
        one.send(b"1")
        assert other.recv(1) == b"1"
        one.close()
        other.close()
        return super().update_params(**given)


submission = Submission()
