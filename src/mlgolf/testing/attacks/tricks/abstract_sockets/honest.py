"""Uses a socket in its scratch."""

import socket

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        server = socket.socket(socket.AF_UNIX)
        server.bind(f"/tmp/{given['global_step']}")
        server.close()
        return super().update_params(**given)


submission = Submission()
