"""A "SIP ALG": the firewall's own idea of where a SIP client is, written over what the client said; and taken back.

A program of its own: ``python -m tests.lab.alg_box PORT OUTSIDE PBX``. SIP that comes to PORT goes on to the PBX from
OUTSIDE; whoever sent it gets the answer with its own address in it again.
"""

from __future__ import annotations

import socket
import sys

SIP = 5060


def serve(port: int, outside: str, pbx: str) -> None:
    """Carry one question after the other, until killed."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
    ):
        inside.bind(("0.0.0.0", port))  # noqa: S104 - of a namespace
        out.bind((outside, SIP))
        out.settimeout(0.5)
        while True:
            data, client = inside.recvfrom(65536)
            theirs, ours = f"{client[0]}:{client[1]}".encode(), f"{outside}:{SIP}".encode()
            out.sendto(data.replace(theirs, ours), (pbx, SIP))
            try:
                inside.sendto(out.recv(65536).replace(ours, theirs), client)
            except OSError:
                continue


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], sys.argv[3])
