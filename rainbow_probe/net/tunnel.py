"""A tunnel through an HTTP proxy: a stream in, a stream out (RFC 9110, section 9.3.6)."""

from __future__ import annotations

from rainbow_probe.evidence import Facts, Recorder
from rainbow_probe.model import Endpoint, PeerError, Phase, Proxy, Scalar
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.proxy_auth import LONGER, Visit
from rainbow_probe.protocols.connect import Tunnel

ASKS_FOR_LOGIN = 407


async def tunnel(
    stream: ByteStream, target: Endpoint, proxy: Proxy, rec: Recorder, *, limit: float, over: str, visit: Visit
) -> ByteStream:
    """Ask the proxy at the other end of *stream*, *over* one of its addresses, for *target*; log in if it asks.

    Bytes behind its answer are kept. The schemes it offers are a fact also where the tunnel opens.
    """
    async with rec.step(Phase.PROXY, target, limit=limit) as facts:
        facts |= {"authority": str(target), "address": over}
        authorization, count = await visit.opening(target), 0
        while True:
            machine = Tunnel(str(target), proxy.credentials, authorization)
            count += 1
            try:
                if await _opens(stream, machine, visit):
                    return _Prefixed(machine.leftover, stream)
                authorization = await visit.answer(machine, target)
                be_patient(visit, facts, rec, limit)
                await _drain(stream, machine, visit)
            finally:
                _tell(facts, machine, visit, count)


def be_patient(visit: Visit, facts: Facts, rec: Recorder, limit: float) -> None:
    """Wait longer for an answer that says whether a password is right: without it nobody else may send one."""
    if visit.at_stake:
        rec.restart_budget(extra=LONGER * limit)
        facts.extend(LONGER * limit)


async def _opens(stream: ByteStream, machine: Tunnel, visit: Visit) -> bool:
    """Ask once; return whether there is a tunnel, and False if the proxy wants us to log in."""
    await stream.send(machine.request())
    try:
        while not machine.open:
            machine.feed(await stream.receive())
    except PeerError:
        if machine.status == ASKS_FOR_LOGIN:
            return False
        if machine.status is not None:
            visit.answered()
        raise
    visit.answered()
    return True


async def _drain(stream: ByteStream, machine: Tunnel, visit: Visit) -> None:
    """Read a 407 to its end, so that the next request can follow on the same connection."""
    try:
        while not machine.ended:
            machine.drain(await stream.receive())
    except EOFError:  # it had promised to stay
        visit.reconnect(machine)


def _tell(facts: dict[str, Scalar], machine: Tunnel, visit: Visit, count: int) -> None:
    """Keep what is known after the latest answer; of an open tunnel nothing that was said before it."""
    for key in ("body", "reason"):
        facts.pop(key, None)
    facts.update(machine.facts())
    facts.update(visit.facts())
    if count > 1:
        facts["requests"] = count


def prefixed(prefix: bytes, stream: ByteStream) -> ByteStream:
    """Return *stream* with *prefix* before what it still has to say."""
    return _Prefixed(prefix, stream)


class _Prefixed:
    """A stream whose first bytes were read already, with the proxy's answer."""

    def __init__(self, prefix: bytes, inner: ByteStream) -> None:
        self._prefix = prefix
        self._inner = inner

    async def send(self, data: bytes) -> None:
        await self._inner.send(data)

    async def receive(self) -> bytes:
        if self._prefix:
            data, self._prefix = self._prefix, b""
            return data
        return await self._inner.receive()

    def close(self) -> None:
        self._inner.close()
