"""From a flow to open links: every address of a name is tried, each with its own steps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import (
    OUR_OWN,
    UNPROVEN,
    Cause,
    Endpoint,
    Failure,
    Flow,
    Outcome,
    Phase,
    Proxy,
    Transport,
    Verdict,
)
from rainbow_probe.net.framing import Framed
from rainbow_probe.net.links import Acknowledged, ByteStream, Datagrams
from rainbow_probe.net.names import PATIENCE, Found, is_address
from rainbow_probe.net.proxy_auth import Visit
from rainbow_probe.net.route import Route
from rainbow_probe.net.socks import socks_tunnel
from rainbow_probe.net.tcp import connect
from rainbow_probe.net.tls import Expectation, start_tls
from rainbow_probe.net.tunnel import tunnel
from rainbow_probe.net.udp import open_udp

MOST_ADDRESSES = 16  # of one name; a hostile resolver must not choose how much we send
MOST_IN_TURN = 4  # addresses tried one after the other: each may cost its whole time
HTTP1 = "http/1.1"
PHASES = list(Phase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One address to try: where the socket goes, and what a proxy there is asked for."""

    address: Endpoint
    authority: Endpoint

    @property
    def label(self) -> str:
        """What tells this hop from the others of its flow."""
        return str(self.authority if is_address(self.authority.host) else self.address)


Attempt = Callable[[Hop], Awaitable[Verdict]]


async def each_address(flow: Flow, route: Route, rec: Recorder, attempt: Attempt) -> Verdict:
    """Try *attempt* over every address of the flow's first hop, all at once, and put the verdicts together."""
    hops = await _hops(flow, route, rec)
    rec.restart_budget()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_tried(hop, attempt, rec)) for hop in hops]
    tried = [(hop.label, task.result()) for hop, task in zip(hops, tasks, strict=True)]
    if len(tried) > 1:
        _tell_where(tried, rec)
    return together(tried)


async def one_address(flow: Flow, route: Route, rec: Recorder, attempt: Attempt) -> Verdict:
    """Try *attempt* over one address after the other, until one comes as far as media: several at once would disturb.

    If none does, the verdict is that of all together.
    """
    tried: list[tuple[str, Verdict]] = []
    for hop in await _hops(flow, route, rec):
        rec.restart_budget()
        verdict = await _tried(hop, attempt, rec)
        if verdict.failure is None or verdict.failure.phase is Phase.MEDIA:
            return verdict
        tried.append((hop.label, verdict))
    return together(tried)


async def first_address(
    flow: Flow, route: Route, rec: Recorder, attempt: Attempt, until: Callable[[], bool]
) -> Verdict:
    """Try *attempt* over one address after the other, *until* it has done what may be done only once."""
    tried: list[tuple[str, Verdict]] = []
    for hop in (await _hops(flow, route, rec))[:MOST_IN_TURN]:
        rec.restart_budget()
        tried.append((hop.label, await _tried(hop, attempt, rec)))
        if until():
            break
    return together(tried)


def _tell_where(tried: Sequence[tuple[str, Verdict]], rec: Recorder) -> None:
    """Note at which address each failure was met that was judged when all was said, and not by a step."""
    known = {step.failure for step in rec.steps}
    for address, verdict in tried:
        if verdict.failure and verdict.failure not in known:
            rec.note(verdict.failure.phase, address, verdict.failure)


def together(tried: Sequence[tuple[str, Verdict]]) -> Verdict:
    """Judge a flow from its addresses, as a client that tries the next one: one that works is enough."""
    alive = tuple(address for address, verdict in tried if verdict.outcome is Outcome.PASS)
    dead = tuple(address for address, verdict in tried if verdict.outcome is Outcome.FAIL)
    best = min((verdict for _, verdict in tried), key=_closeness)
    reason = best.reason
    if alive and len(alive) < len(tried):
        reason = f"{reason} ({len(alive)} of {len(tried)} addresses)"
    return Verdict(outcome=best.outcome, reason=reason, failure=best.failure, alive=alive, dead=dead)


def _closeness(verdict: Verdict) -> tuple[int, int]:
    """Order verdicts: a pass, then what could not be told, then the failure that came furthest."""
    order = [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.SKIPPED, Outcome.FAIL]
    return order.index(verdict.outcome), -PHASES.index(verdict.failure.phase) if verdict.failure else 0


async def _tried(hop: Hop, attempt: Attempt, rec: Recorder) -> Verdict:
    try:
        with rec.going_to(hop.label):
            return await attempt(hop)
    except StepError as exc:
        return failed(exc.failure)


def failed(failure: Failure) -> Verdict:
    """Return the verdict of a failure; one of our own making proves nothing about the network."""
    outcome = Outcome.INCONCLUSIVE if failure.cause in UNPROVEN else Outcome.FAIL
    return Verdict(outcome=outcome, reason=str(failure), failure=failure)


def passed(reason: str) -> Verdict:
    """Return a pass, with what came back in a few words."""
    return Verdict(outcome=Outcome.PASS, reason=reason)


async def _hops(flow: Flow, route: Route, rec: Recorder) -> list[Hop]:
    if route.undecided:
        failure = Failure(phase=Phase.PROXY, cause=Cause.PAC_BROKEN, detail=route.undecided)
        rec.note(Phase.PROXY, flow.target, failure)
        raise StepError(failure)
    if route.proxy is None:
        return [Hop(address=address, authority=flow.target) for address in await resolve(flow.target, route, rec)]
    authorities = await _authorities(flow, route.proxy, route, rec)
    try:
        doors = await resolve(route.proxy.endpoint, route, rec)
    except StepError as exc:
        if exc.failure.cause in OUR_OWN:
            raise
        raise StepError(_unreachable(route.proxy.endpoint, exc.failure)) from exc
    return [Hop(address=door, authority=authority) for door in doors for authority in authorities]


async def _authorities(flow: Flow, proxy: Proxy, route: Route, rec: Recorder) -> list[Endpoint]:
    """Return what the proxy is asked for: the name, or, where SOCKS 4 can carry nothing else, IPv4 addresses."""
    only_ipv4 = proxy.socks == 4
    if flow.params.get("by") != "address" and not only_ipv4:
        return [flow.target]
    found = [Endpoint(host=address.host, port=flow.target.port) for address in await resolve(flow.target, route, rec)]
    return [address for address in found if ":" not in address.host] or found if only_ipv4 else found


async def resolve(target: Endpoint, route: Route, rec: Recorder) -> list[Endpoint]:
    """Return the addresses of *target*, each with the port to use; ``--map`` comes first, as in curl.

    Where the system is late and its resolvers know the name, it is waited for as long as clients have to.
    """
    mapped = route.maps.get(target, target)
    wanted = Endpoint(host=mapped.host or target.host, port=mapped.port)
    try:
        found = await _look_up(wanted, target, route, rec, limit=route.limits.resolve)
    except StepError:
        if not route.names.owed(wanted.host):
            raise
        rec.restart_budget(extra=PATIENCE)
        found = await _look_up(wanted, target, route, rec, limit=PATIENCE)
    return [Endpoint(host=address, port=wanted.port) for address in found.addresses[:MOST_ADDRESSES]]


async def _look_up(wanted: Endpoint, target: Endpoint, route: Route, rec: Recorder, *, limit: float) -> Found:
    async with rec.step(Phase.RESOLVE, target.host, limit=limit) as facts:
        found = await route.names.find(wanted.host)
        facts |= {
            "addresses": " ".join(found.addresses),
            "source": "map" if wanted.host != target.host else found.source,
        }
        if found.left_out:
            family = "ipv6" if ":" in found.left_out[0] else "ipv4"
            facts[f"skipped_{family}"] = " ".join(found.left_out)
    return found


@asynccontextmanager
async def open_stream(
    hop: Hop, flow: Flow, route: Route, rec: Recorder, alpn: str = "", expected: Expectation | None = None
) -> AsyncGenerator[ByteStream]:
    """Connect, tunnel and wrap in TLS, as flow and route ask, or as *expected*; closed when the block ends."""
    stream = link = await (_through(route.proxy, hop, route, rec) if route.proxy else _first_hop(hop, route, rec))
    try:
        if flow.transport is Transport.TLS:
            usual = Expectation(policy=flow.policy, inspection_allowed=flow.inspection_allowed, alpn=alpn)
            limit, over = route.limits.handshake, str(hop.address)
            stream = await start_tls(stream, flow.target, expected or usual, route.trust, rec, limit=limit, over=over)
        yield stream
    except StepError as exc:
        again = link.sent_again() if isinstance(link, Acknowledged) else 0
        if again and exc.failure.cause is Cause.TIMEOUT:  # whoever only hangs acknowledges what arrives
            rec.note(Phase.CONNECT, hop.address, sent_again=again)
        raise
    finally:
        stream.close()


@asynccontextmanager
async def open_datagrams(hop: Hop, flow: Flow, route: Route, rec: Recorder) -> AsyncGenerator[Datagrams]:
    """Open a message link: a connected UDP socket, or STUN framing over any stream."""
    if flow.transport is not Transport.UDP:
        async with open_stream(hop, flow, route, rec) as stream:
            yield Framed(stream)
        return
    async with rec.step(Phase.CONNECT, hop.address, limit=route.limits.connect):
        link = await open_udp(hop.address, flow.source)
    try:
        yield link
    finally:
        link.close()


async def _first_hop(hop: Hop, route: Route, rec: Recorder) -> ByteStream:
    try:
        return await connect(hop.address, rec, limit=route.limits.connect, segment=route.segment)
    except StepError as exc:
        if route.proxy is None or exc.failure.cause in OUR_OWN:
            raise
        raise StepError(_unreachable(hop.address, exc.failure)) from exc


async def _through(proxy: Proxy, hop: Hop, route: Route, rec: Recorder) -> ByteStream:
    """Open a tunnel, over as many connections to the proxy as logging in takes."""
    async with route.logins.visit(proxy) as visit:
        while True:
            if await visit.waited():
                rec.restart_budget()  # another's log-in was not its work
            try:
                return await _tunnelled(proxy, hop, route, rec, visit)
            except StepError:
                if not visit.again:
                    raise


@asynccontextmanager
async def open_to_proxy(hop: Hop, route: Route, rec: Recorder) -> AsyncGenerator[ByteStream]:
    """Connect to the proxy itself, with TLS if it is an ``https://`` one; ask for no tunnel, and log in nowhere."""
    stream = await _first_hop(hop, route, rec)
    try:
        if route.proxy and route.proxy.tls:
            stream = await _proxys_tls(stream, route.proxy, hop, route, rec)
        yield stream
    finally:
        stream.close()


async def _proxys_tls(stream: ByteStream, proxy: Proxy, hop: Hop, route: Route, rec: Recorder) -> ByteStream:
    limit, over = route.limits.handshake, str(hop.address)
    return await start_tls(stream, proxy.endpoint, Expectation(own=True), route.trust, rec, limit=limit, over=over)


async def _tunnelled(proxy: Proxy, hop: Hop, route: Route, rec: Recorder, visit: Visit) -> ByteStream:
    limit, over = route.limits.handshake, str(hop.address)
    stream = await _first_hop(hop, route, rec)
    try:
        if proxy.tls:
            stream = await _proxys_tls(stream, proxy, hop, route, rec)
        if proxy.socks:
            return await socks_tunnel(stream, hop.authority, proxy, rec, limit=limit, over=over, visit=visit)
        return await tunnel(stream, hop.authority, proxy, rec, limit=limit, over=over, visit=visit)
    except BaseException:  # a tunnel that did not open is nobody's any more
        stream.close()
        raise


def _unreachable(address: Endpoint, failure: Failure) -> Failure:
    return Failure(
        phase=Phase.PROXY, cause=Cause.PROXY_UNREACHABLE, detail=f"proxy {address}: {failure.cause}: {failure.detail}"
    )
