"""Talks to the virtualisation host and to the kernel, by other families of sockets."""

import socket

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "vsock": lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM),
                "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
                "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
                "alg": lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
                "bluetooth": lambda: socket.socket(31, socket.SOCK_RAW, 1),
            }
        )


submission = Submission()
