"""Ports for servers that are told theirs: such as the kernel gives to no other program that asks for any."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, suppress

GIVEN_TO_NOBODY = range(10000, 20000)
"""Below those that Linux and others give out by themselves, and those that gateways send from."""
TRIES = 100


def free_port(*kinds: socket.SocketKind, host: str = "127.0.0.1") -> int:
    """Return a port of *host* that nobody has, for *kinds* (TCP), and that nobody gets by chance before it is used."""
    for port in random.sample(GIVEN_TO_NOBODY, TRIES):
        with ExitStack() as stack, suppress(OSError):
            for kind in kinds or (socket.SOCK_STREAM,):
                stack.enter_context(socket.socket(socket.AF_INET, kind)).bind((host, port))
            return port
    raise AssertionError("no port is free")
