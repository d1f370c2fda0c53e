"""Tries relayed ports: what a plain socket sends to them must come out of the relay, and what that sends back arrive.

Two traps. Behind a proxy the server sees the proxy's address, so every address that we may come from is permitted. And
a packet that came in first would open the firewall's state, so we always send outbound first, from a fresh socket.

Both ways lead over our link to the TURN server, too. So whatever is lost has a control beside it: packets between the
relay and another one of ours, which take that link and nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager

from rainbow_probe.evidence import cause_of
from rainbow_probe.model import Cause, Endpoint, PeerError
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.relay import endpoint
from rainbow_probe.net.relayed_ports import Port
from rainbow_probe.net.turns import awake
from rainbow_probe.net.udp import open_udp
from rainbow_probe.protocols.turn import Address

WAITS = (0.1, 0.15, *(0.25,) * 7, 0.5)  # seconds after each send; at 30 % loss each way: all ten lost at 1 port in 800
FIRST = 0.25  # seconds at most after the first: on a long line, what is under way must not look lost
ONE_PASS = 2 * (FIRST + sum(WAITS[1:]))  # seconds: ten datagrams out, and ten back
CAME = b"rainbow-probe-back "
CONTROL = b"rainbow-probe-control "


class Trial:
    """Ports under trial, with an *ear*: the relay of ours that takes and sends the controls, and is not on trial."""

    def __init__(self, ear: Port, *, host: str = "") -> None:
        """Use *ear* for the controls; *host* leads to the relay, if not its own address does."""
        self._ear = ear
        self._host = host
        self._ports: dict[bytes, Port] = {}

    @classmethod
    @asynccontextmanager
    async def with_ear(cls, ear: Port, *, host: str = "") -> AsyncGenerator[Trial]:
        """Listen with *ear* until the block ends. Raises ``PeerError`` if a link to the TURN server breaks."""
        trial = cls(ear, host=host)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(trial._listen())
            yield trial
            listening.cancel()

    async def of(self, ports: Sequence[Port]) -> None:
        """Try *ports* side by side."""
        self._ports |= {_control(port): port for port in ports}
        async with asyncio.TaskGroup() as group:
            for port in ports:
                group.create_task(self._try(port))

    async def crossed(self, ports: Sequence[Port]) -> None:
        """Pass the controls alone between the ear and each of *ports*, both ways, until they arrive."""
        self._ports |= {_control(port): port for port in ports}
        async with asyncio.TaskGroup() as group:
            for port in ports:
                group.create_task(self._cross(port))

    async def _cross(self, port: Port) -> None:
        for wait in WAITS:
            await _sent(self._ear, port.at, _control(port))
            await _sent(port, self._ear.at, _control(port))
            await self._came(port, b"", wait)
            if port.handed and port.taken:
                return

    async def _listen(self) -> None:
        try:
            while True:
                _, data = await self._ear.relay.receive()
                if port := self._ports.get(data):
                    port.taken += 1
        except (OSError, EOFError) as exc:
            raise _broke() from exc

    async def _try(self, port: Port) -> None:
        """Send outbound first, from a fresh socket, until it comes back or enough were lost."""
        token = f"rainbow-probe {port.at.port} {secrets.token_hex(6)}".encode()
        port.sockets += 1
        try:
            link = await open_udp(Endpoint(host=self._host or port.at.host, port=port.at.port))
        except OSError as exc:
            port.refused = cause_of(exc)
            return
        try:
            if peer := await self._out(port, link, token):
                port.out = True
                port.back = await self._back(port, link, peer, CAME + token)
        finally:
            link.close()

    async def _out(self, port: Port, link: Datagrams, token: bytes) -> Address | None:
        """Send until it comes out of the relay; return as whom the relay saw us."""
        for number, wait in enumerate(_waits(port)):
            port.sent += 1
            await link.send(token)
            if number:
                await _sent(self._ear, port.at, _control(port))
            if peer := await self._came(port, token, wait):
                return peer
        port.refused = await _rejected(link)
        return None

    async def _came(self, port: Port, token: bytes, wait: float) -> Address | None:
        """Return from where *token* came through the relay, None if it did not within *wait* seconds."""
        try:
            async with awake(wait):
                while True:
                    peer, data = await port.relay.receive()
                    if data == token:
                        return peer
                    port.handed += data == _control(port)
        except TimeoutError:
            return None
        except (OSError, EOFError) as exc:
            raise _broke() from exc

    async def _back(self, port: Port, link: Datagrams, peer: Address, token: bytes) -> bool:
        """Have the relay send to *peer*, which is our socket, until it arrives there."""
        for number, wait in enumerate(_waits(port)):
            await _sent(port, endpoint(peer), token)
            if number:
                await _sent(port, self._ear.at, _control(port))
            if await _heard(link, token, wait):
                return True
        return False


def _waits(port: Port) -> Iterator[float]:
    """Yield the seconds to wait after each send."""
    return itertools.chain([max(WAITS[0], min(FIRST, port.relay.patience))], WAITS[1:])


def _control(port: Port) -> bytes:
    """Return what passes between *port* and the ear: by whom the server sees it come, servers behind a NAT differ."""
    return CONTROL + str(port.at.port).encode()


async def _sent(port: Port, there: Endpoint, data: bytes) -> None:
    try:
        await port.relay.send((there.host, there.port), data)
    except OSError as exc:
        raise _broke() from exc


def _broke() -> PeerError:
    """Say that it is not the range: nobody is left to tell what comes through it."""
    return PeerError(Cause.CANNOT_TELL, "the link to the TURN server broke while the range was tried")


async def _rejected(link: Datagrams) -> Cause | None:
    """Return what an ICMP error says, if one came: then it is waiting."""
    try:
        async with asyncio.timeout(0):
            await link.receive()
    except TimeoutError:
        return None
    except OSError as exc:
        return cause_of(exc)
    return None


async def _heard(link: Datagrams, token: bytes, wait: float) -> bool:
    try:
        async with awake(wait):
            while True:
                try:
                    if await link.receive() == token:
                        return True
                except OSError:  # an ICMP error for one that was sent before another one came through
                    continue
    except TimeoutError:
        return False
