"""An HTTP proxy that opens tunnels: CONNECT by name and by address, Basic authentication, refusals by port."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Collection, Mapping

import h11

from rainbow_probe.demo.loopback import CHUNK, Streams, reach, relay
from rainbow_probe.demo.pages import Page, html, rendered
from rainbow_probe.demo.services import HOST, TURN, Door
from rainbow_probe.model import Credentials

PORTS = frozenset({443, 80})
REALM = "demo proxy"
NAME = "demo-proxy"


class RefusedError(Exception):
    """The proxy will not do it: a status, the reason in words, and more headers."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        """Answer *status* with a page that tells *reason*, and *headers*, their hyphens written as underscores."""
        super().__init__(reason)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class HttpProxy:
    """The proxy of the site; what it reaches is what *doors* names, whatever the firewall does to others."""

    def __init__(
        self, doors: Mapping[Door, int], ports: Collection[int] = PORTS, credentials: Credentials | None = None
    ) -> None:
        """Open tunnels to *ports* only, and only to those who know *credentials*, if there are any."""
        self._doors = doors
        self._ports = ports
        self._credentials = credentials

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        connection, method = h11.Connection(h11.SERVER), b""
        try:
            request = await _first_request(connection, reader)
            method = request.method
            port = self._admit(request)
            await self._tunnel(connection, (reader, writer), port)
        except h11.ProtocolError as exc:
            writer.write(rendered(connection, _refusal(RefusedError(400, str(exc)))))
        except RefusedError as no:
            writer.write(rendered(connection, _refusal(no), method))

    def _admit(self, request: h11.Request) -> int:
        """Return the loopback port behind the target, or raise ``RefusedError``."""
        self._authenticate(dict(request.headers).get(b"proxy-authorization", b""))
        if request.method != b"CONNECT":
            raise RefusedError(501, "This proxy opens tunnels only.")
        host, _, digits = request.target.decode("latin-1").rpartition(":")
        if not digits.isdecimal() or len(digits) > len("65535"):
            raise RefusedError(400, "CONNECT wants HOST:PORT.")
        if int(digits) not in self._ports:
            raise RefusedError(403, f"Access to port {int(digits)} is denied by policy.")
        return self._find(host.lower(), int(digits))

    def _authenticate(self, given: bytes) -> None:
        if self._credentials is None:
            return
        pair = f"{self._credentials.user}:{self._credentials.password}"
        if not hmac.compare_digest(given, b"Basic " + base64.b64encode(pair.encode())):
            raise RefusedError(407, "Who are you?", Proxy_Authenticate=f'Basic realm="{REALM}"')

    def _find(self, host: str, port: int) -> int:
        # Every name has the same address here; who gives the address means TURN (see the guide on old gateways).
        door: Door = (TURN[0] if host == HOST else host, port, "tcp")
        if door not in self._doors:
            raise RefusedError(503, "The name does not resolve, or nothing is there.")
        return self._doors[door]

    async def _tunnel(self, connection: h11.Connection, near: Streams, port: int) -> None:
        try:
            async with reach(port) as far:
                opened = h11.Response(status_code=200, headers=[], reason=b"Connection established")
                near[1].write(connection.send(opened))
                far[1].write(connection.trailing_data[0])
                await relay(near, far)
        except ConnectionRefusedError as exc:
            raise RefusedError(503, "The server refused the connection.") from exc


async def _first_request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(CHUNK))
    if not isinstance(event, h11.Request):
        raise EOFError("the client left without asking")
    if connection.their_state is h11.SEND_BODY:
        connection.next_event()
    return event


def _refusal(no: RefusedError) -> Page:
    headers = {"Server": NAME, "Via": f"1.1 {NAME}", "Connection": "close", **no.headers}
    return Page(status=no.status, body=html(f"{no.status}", str(no)), headers=headers)
