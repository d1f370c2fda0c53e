"""What is really true of the site's other network, seen by plain sockets there and at the site's machine."""

from __future__ import annotations

import os
import socket
import struct
import time
from contextlib import suppress

from tests.lab.netns import inside
from tests.lab.site import Site

PATIENCE = 1.0
SINCE_1900 = 2_208_988_800  # seconds from NTP's beginning to Unix's, RFC 5905 section 6
DAY = 86400
OPTIONS = "OPTIONS sip:{there} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{mark};rport\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:{there}>\r\nCall-ID: {mark}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:a@{here}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"  # noqa: E501 - as on the wire


def sip(site: Site, address: str) -> str:
    """Return the status of what an OPTIONS gets from there, ``refused`` or silence."""

    def talk() -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.settimeout(PATIENCE / 2)
            own.connect((address, 5060))
            for _ in range(2):
                with suppress(TimeoutError):
                    own.send(_options(own, address))
                    return own.recv(4096).split(b" ")[1].decode()
        return "silence"

    try:
        return inside(site.lan, talk)
    except OSError:
        return "refused"


def sip_arrives(site: Site, address: str) -> str:
    """Return whether what is sent to a PBX there arrives ``as sent`` or ``rewritten``, by what is on the cable."""

    def listen() -> socket.socket:
        cable = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        cable.settimeout(PATIENCE)
        return cable

    with inside(site.office, listen) as cable:
        said = inside(site.lan, lambda: _say(address))
        with suppress(TimeoutError):
            while True:
                packet = cable.recv(65536)
                if b"OPTIONS sip:" in packet and b"CSeq" in packet:
                    return "as sent" if said in packet else "rewritten"
    return "silence"


def _say(address: str) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.connect((address, 5060))
        said = _options(own, address)
        own.send(said)
        return said


def _options(own: socket.socket, there: str) -> bytes:
    host, port = own.getsockname()
    return OPTIONS.format(there=there, here=f"{host}:{port}", mark=os.urandom(6).hex()).encode()


def ntp_days(site: Site, address: str) -> str:
    """Return by how many days the time there is ahead of the true one, or silence."""

    def talk() -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.settimeout(PATIENCE)
            own.connect((address, 123))
            own.send(b"\x23" + bytes(47))
            told: int = struct.unpack_from("!I", own.recv(512), 40)[0]
            return str(round((told - SINCE_1900 - time.time()) / DAY))

    try:
        return inside(site.lan, talk)
    except OSError:
        return "silence"


def comes_back(site: Site, address: str, source: str, port: str) -> str:
    """Return whether what a machine there sends unasked, from the port *source* to *port*, arrives here."""

    def here() -> socket.socket:
        own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        own.bind(("198.19.1.10", int(port)))
        own.settimeout(PATIENCE / 2)
        return own

    def send(own: socket.socket) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            there.bind((address, int(source)))
            there.sendto(b"anybody?", own.getsockname())

    with inside(site.lan, here) as own:
        inside(site.office, lambda: send(own))
        with suppress(TimeoutError):
            return "arrives" if own.recv(64) == b"anybody?" else "something else"
    return "silence"
