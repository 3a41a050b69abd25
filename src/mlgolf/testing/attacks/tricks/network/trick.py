"""Sends its weights out, and asks for others: by TCP, UDP, a name, and IPv6."""

import socket

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "tcp": lambda: socket.create_connection(("1.1.1.1", 443), 2),
                "this machine": lambda: socket.create_connection(("127.0.0.1", 22), 2),
                "udp": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"q", ("8.8.8.8", 53)),
                "name": lambda: socket.getaddrinfo("example.org", 80),
                "ipv6": lambda: socket.create_connection(("2606:4700::1", 443), 2),
                "broadcast": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(
                    b"q", ("255.255.255.255", 9)
                ),
            }
        )


submission = Submission()
