# SPDX-License-Identifier: Apache-2.0
"""Ports for the servers and phones that tests start."""

import itertools
import random
import socket
from socket import SOCK_DGRAM, SOCK_STREAM

PORTS = range(10_000, 20_000, 2)
"""Below those that the kernel gives to sockets that name none, so that none of these takes one that was just free."""
_ports = itertools.cycle(random.sample(PORTS, len(PORTS)))


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP, as is the next one (where phones listen for TLS); not given twice soon."""
    for port in itertools.islice(_ports, 50):
        if all(_free(host, number, kind) for number in (port, port + 1) for kind in (SOCK_STREAM, SOCK_DGRAM)):
            return port
    raise OSError("no free port")


def _free(host: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
