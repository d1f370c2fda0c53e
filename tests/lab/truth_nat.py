"""What kind of NAT a site has, in the words of RFC 4787 and found as RFC 5780 does, but with sockets at both ends."""

from __future__ import annotations

import socket
import struct

from tests.lab.names import TURN
from tests.lab.netns import inside
from tests.lab.site import Site
from tests.lab.wiring import exits

ONE, OTHER = TURN
STUN = 3478
PATIENCE = 1.0


def kind(site: Site, question: bytes) -> str:
    """Return how ports are mapped and what is let in: each endpoint-independent, or by address or address and port.

    *question* is a STUN Binding request.
    """
    with inside(site.lan, _udp) as near:
        mapped = [_mapped(near, question, host.v4) for host in (ONE, OTHER)]
        # ONE was spoken to, on its port for STUN; nobody has spoken to the stranger.
        same_address = _comes_in(site, near, mapped[0], ONE.v4)
        stranger = _comes_in(site, near, mapped[0], "198.18.0.53")
    mapping = "endpoint-independent" if mapped[0] == mapped[1] else "address and port"
    filtering = "endpoint-independent" if stranger else "address" if same_address else "address and port"
    return f"mapping {mapping}, filtering {filtering}"


def exit_of(site: Site, question: bytes, protocol: str, server: str, port: int) -> str:
    """Return by which of the site's two outside addresses *server* sees it come: first or second."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM

    def talk() -> str:
        with socket.socket(socket.AF_INET, kind) as near:
            near.settimeout(PATIENCE)
            near.connect((server, port))
            near.send(question)
            return _address_in(near.recv(2048))[0]

    return "first" if inside(site.lan, talk) == exits(site.number)[0] else "second"


def _udp() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(PATIENCE)
    return udp


def _mapped(near: socket.socket, question: bytes, server: str) -> tuple[str, int]:
    """Return where the STUN *server* sees us: XOR-MAPPED-ADDRESS, RFC 8489 section 14.2."""
    near.sendto(question, (server, STUN))
    return _address_in(near.recv(2048))


def _address_in(answer: bytes) -> tuple[str, int]:
    place = answer.index(struct.pack("!HH", 0x0020, 8)) + 6
    port, address = struct.unpack("!HI", answer[place : place + 6])
    return socket.inet_ntoa(struct.pack("!I", address ^ 0x2112A442)), port ^ 0x2112


def _comes_in(site: Site, near: socket.socket, mapped: tuple[str, int], source: str) -> bool:
    """Tell whether a datagram from a port of *source* that nobody spoke to arrives."""
    with inside(site.cloud.namespace, _udp) as far:
        far.bind((source, 0))
        far.sendto(b"knock", mapped)
    try:
        return near.recv(2048) == b"knock"
    except TimeoutError:
        return False
