"""A tunnel through a SOCKS proxy: a stream in, a stream out (RFC 1928)."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint, PeerError, Phase, Proxy
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.proxy_auth import Visit
from rainbow_probe.net.tunnel import be_patient, prefixed
from rainbow_probe.protocols.socks import Tunnel, Tunnel4


async def socks_tunnel(
    stream: ByteStream, target: Endpoint, proxy: Proxy, rec: Recorder, *, limit: float, over: str, visit: Visit
) -> ByteStream:
    """Ask the SOCKS proxy at the other end of *stream*, *over* one of its addresses, for *target*; log in if it asks.

    Bytes behind its answer are kept.
    """
    async with rec.step(Phase.PROXY, target, limit=limit) as facts:
        machine = (Tunnel4 if proxy.socks == Tunnel4.version else Tunnel)(target, proxy.credentials)
        facts["address"] = over
        try:
            await stream.send(machine.request())
            while not machine.open:
                given = machine.gives_password
                answer = await _next(stream, machine, visit)
                if machine.gives_password and not given:
                    await visit.password(target)
                    be_patient(visit, facts, rec, limit)
                if machine.let_in:
                    visit.answered()
                if answer:
                    await stream.send(answer)
        finally:
            facts.update(machine.facts())
    return prefixed(machine.leftover, stream)


async def _next(stream: ByteStream, machine: Tunnel, visit: Visit) -> bytes:
    """Return what to send after the next bytes, and tell the others what they said of a password."""
    try:
        return machine.feed(await stream.receive())
    except PeerError:
        if visit.at_stake and not machine.let_in:
            visit.refused()
        raise
