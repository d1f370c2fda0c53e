"""A tunnel through a SOCKS proxy: a stream in, a stream out (RFC 1928)."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint, Phase, Proxy
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.tunnel import prefixed
from rainbow_probe.protocols.socks import Tunnel, Tunnel4


async def socks_tunnel(
    stream: ByteStream, target: Endpoint, proxy: Proxy, rec: Recorder, *, limit: float, over: str
) -> ByteStream:
    """Ask the SOCKS proxy at the other end of *stream*, *over* one of its addresses, for *target*.

    Bytes behind its answer are kept.
    """
    async with rec.step(Phase.PROXY, target, limit=limit) as facts:
        machine = (Tunnel4 if proxy.socks == Tunnel4.version else Tunnel)(target, proxy.credentials)
        facts["address"] = over
        try:
            await stream.send(machine.request())
            while not machine.open:
                if answer := machine.feed(await stream.receive()):
                    await stream.send(answer)
        finally:
            facts.update(machine.facts())
    return prefixed(machine.leftover, stream)
