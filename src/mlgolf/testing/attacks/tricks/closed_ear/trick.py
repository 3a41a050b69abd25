"""Closes its ear before it is told a result, so that the referee speaks to nobody."""

import socket

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import harness, link


class Submission(Honest):
    def update_params(self, **given):
        super().update_params(**given)
        link()._channel._connection.shutdown(socket.SHUT_RD)
        link().submit(harness()._arrays(given["current_param_container"], None), 1)


submission = Submission()
