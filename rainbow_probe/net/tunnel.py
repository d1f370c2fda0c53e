"""A tunnel through an HTTP proxy: a stream in, a stream out (RFC 9110, section 9.3.6)."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint, Phase, Proxy
from rainbow_probe.net.links import ByteStream
from rainbow_probe.protocols.connect import Tunnel


async def tunnel(
    stream: ByteStream, target: Endpoint, proxy: Proxy, rec: Recorder, *, limit: float, over: str
) -> ByteStream:
    """Ask the proxy at the other end of *stream*, *over* one of its addresses, for *target*.

    Bytes behind its answer are kept.
    """
    async with rec.step(Phase.PROXY, target, limit=limit) as facts:
        machine = Tunnel(str(target), proxy.credentials)
        facts |= {"authority": str(target), "address": over}
        await stream.send(machine.request())
        try:
            while not machine.open:
                machine.feed(await stream.receive())
        finally:
            facts.update(machine.facts())
    return _Prefixed(machine.leftover, stream)


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
