"""No row: how a NAT on the way treats one local UDP port, found as RFC 5780 does, with the site's own TURN servers.

``ask`` names two addresses or more, ``ports`` other UDP ports to try at the first of them, where the NAT makes a
difference between servers. What each of them sees stands in the facts; what that is called, ``judge`` says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Endpoint, Flow, PeerError, Phase, Verdict
from rainbow_probe.net.one_socket import AGAIN, Heard, OneSocket
from rainbow_probe.net.paths import passed
from rainbow_probe.net.route import Route
from rainbow_probe.net.turns import awake
from rainbow_probe.protocols.stun import Attr, Method, request
from rainbow_probe.terms import NatFiltering

SHORT = 0.05  # seconds, or as long as the slowest answer took, between questions that may get none
FEW = 3  # of them
FEWEST = 2  # who must say how they see us, before there is something to compare
CHANGE_BOTH, CHANGE_PORT = ((Attr.CHANGE_REQUEST, flags.to_bytes(4, "big")) for flags in (6, 2))
"""Answer from your other address and port, from your other port: RFC 5780 section 7.2."""
Seen = Mapping[Endpoint, Heard]


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Ask all from one socket; a pass says that there was enough to compare."""
    servers = [_endpoint(text) for text in str(flow.params.get("ask", "")).split()]
    async with rec.step(Phase.STUN, flow.target, limit=route.limits.datagrams) as facts:
        async with OneSocket.opened() as own:
            local = own.port
            seen = await own.ask(servers)
            mapped = _mapped(seen)
            if len(mapped) < FEWEST:
                raise PeerError(Cause.CANNOT_TELL, f"{len(mapped)} of {len(servers)} say how they see us")
            again = max(SHORT, *(heard.took for heard in seen.values()))
            if len(set(mapped.values())) > 1:
                others = _other_ports(servers[0], seen, str(flow.params.get("ports", "")))
                mapped |= _mapped(await own.ask(others, again=again, times=FEW))
            elif (back := await _hairpinned(own, servers[0], mapped, again)) is not None:
                facts["hairpinning"] = back
        if told := await _filtering(seen, again):
            facts["filtering"] = told
    for server, place in mapped.items():
        rec.note(Phase.STUN, server, mapped=place, local_port=local)
    return passed("one socket is seen from outside as " + ", ".join(dict.fromkeys(mapped.values())))


async def _hairpinned(own: OneSocket, server: Endpoint, mapped: Mapping[Endpoint, str], again: float) -> bool | None:
    """Tell whether a packet of this machine to its own outside address comes back in (RFC 5780 section 4.5).

    Both ends speak first, so that no filter is met. None where the server does not say how it sees the other end.
    """
    async with OneSocket.opened() as other:
        seen = _mapped(await other.ask([server], again=again, times=FEW))
        if server not in seen or server not in mapped:
            return None
        question = request(Method.BINDING)
        for _ in range(FEW):
            own.send(question, _endpoint(seen[server]))
            other.send(question, _endpoint(mapped[server]))
            with contextlib.suppress(TimeoutError):
                async with awake(again):
                    await own.comes(question)
                    return True
    return False


def _endpoint(text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    return Endpoint(host=host, port=int(port))


def _mapped(seen: Seen) -> dict[Endpoint, str]:
    """Return as what each server sees us, of those that say so."""
    told = {server: heard.message.mapped_address() for server, heard in seen.items()}
    return {server: str(Endpoint(host=found[0], port=found[1])) for server, found in told.items() if found}


def _other(heard: Heard) -> Endpoint | None:
    """Return from where else the server can answer, as it says itself."""
    found = heard.message.address(Attr.OTHER_ADDRESS)
    return Endpoint(host=found[0], port=found[1]) if found else None


def _other_ports(server: Endpoint, seen: Seen, ports: str) -> list[Endpoint]:
    """Return other ports of *server*: the one that it names itself, and *ports*."""
    named = _other(seen[server]) if server in seen else None
    asked = [*([named.port] if named else []), *map(int, ports.split())]
    return [Endpoint(host=server.host, port=port) for port in dict.fromkeys(asked) if port != server.port]


async def _filtering(seen: Seen, again: float) -> NatFiltering | None:
    """Tell who gets in besides those spoken to; None where no server can, or does, answer from elsewhere."""
    able = {server: other for server, heard in seen.items() if (other := _other(heard)) and other.port != server.port}
    if not able or any(
        heard.took >= AGAIN for heard in seen.values()
    ):  # where packets get lost, silence proves nothing
        return None
    server, other = next(iter(able.items()))
    if other.host != server.host and (came := await _answered_from(server, server, CHANGE_BOTH, again)):
        return NatFiltering.ENDPOINT_INDEPENDENT if came.host != server.host else None
    if came := await _answered_from(server, server, CHANGE_PORT, again):
        told = NatFiltering.ADDRESS_DEPENDENT if other.host != server.host else NatFiltering.PORT_INDEPENDENT
        return told if came != server else None
    # Silence is the filter's only if the server does as it is told: let it answer from where it has been spoken to.
    obeyed = await _answered_from(server, Endpoint(host=server.host, port=other.port), CHANGE_PORT, again)
    return NatFiltering.ADDRESS_AND_PORT_DEPENDENT if obeyed == server else None


async def _answered_from(
    server: Endpoint, asked: Endpoint, change: tuple[Attr, bytes], again: float
) -> Endpoint | None:
    """Speak to *server*, then have *asked* answer from elsewhere; return from where that came in, if it did.

    From a socket of its own: what a NAT did not let in may have taken the port that the next one would get.
    """
    async with OneSocket.opened() as own:
        if not await own.ask([server], again=again, times=FEW):
            return None
        found = await own.ask([asked], change, again=again, times=FEW)
        return found[asked].source if found else None
