"""UDP 49152-65535 to the conference servers, told by what a TURN server's relay hands back.

Nothing in that range answers a stranger, but our own relayed addresses lie in it: send to them from
fresh plain sockets and count what comes back through the allocation. Two traps: behind a proxy the
mapped address is the proxy's, so every address we may come from is permitted; and a packet that
came in first would open the firewall's state, so we always send outbound first.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from rainbow_probe.evidence import Recorder, SilenceError, StepError, cause_of
from rainbow_probe.model import (
    Cause,
    Endpoint,
    Failure,
    Flow,
    Outcome,
    PeerError,
    Phase,
    Scalar,
    Transport,
    Verdict,
    Via,
)
from rainbow_probe.net.paths import Hop, failed, passed, resolve
from rainbow_probe.net.relay import Relay, endpoint
from rainbow_probe.net.route import Route
from rainbow_probe.net.spans import runs
from rainbow_probe.net.udp import open_udp

PORTS = 16  # distinct relayed ports
WAITS = (0.1, 0.15, *(0.25,) * 7, 0.5)  # seconds after each send; at 30 % loss each way: all ten lost at 1 port in 800
SAMPLING = 3 * sum(WAITS) + 1.0  # seconds: the control, all ports side by side, the silent ones once more
ENOUGH_PORTS = 2  # the control needs a second one; fewer ports than planned are told
OPENING = 0.6  # share of an exchange's limit for each way to the TURN server; the first in order that works is used
NO_CREDENTIALS = "needs TURN credentials: --turn-user and RAINBOW_PROBE_TURN_PASSWORD, or --turn-password-file"
POLICY = frozenset({Cause.PERMISSION_DENIED, Cause.FORBIDDEN, Cause.QUOTA, Cause.CAPACITY, Cause.BAD_CREDENTIALS})


@dataclass
class _Sample:
    """One relayed port: how to reach it, and how often a datagram came back through it."""

    relay: Relay
    relayed: Endpoint
    got: int = 0
    refused: Cause | None = None


@dataclass
class _Control:
    """The way to the TURN server that is used, and every address the server saw us come from."""

    hop: Hop
    flow: Flow
    route: Route
    mapped: set[str] = field(default_factory=set[str])
    direct: bool = False
    """Whether one of them was seen without a proxy, so that our own datagrams must come from it."""


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Sample the range; a server policy that forbids the test is inconclusive, never a failure."""
    if route.turn is None:
        return Verdict(outcome=Outcome.SKIPPED, reason=NO_CREDENTIALS)
    try:
        control = await _control(flow, route, rec)
        rec.restart_budget()  # finding a way to allocate is one piece of work, sampling the range another
        return await _sampled(control, flow, rec)
    except StepError as exc:
        return failed(exc.failure) if exc.failure.phase is Phase.TURN_DATA else _could_not(exc.failure)


def _could_not(failure: Failure) -> Verdict:
    reason = f"the range could not be tried, as no allocation is to be had: {failure}"
    return Verdict(outcome=Outcome.INCONCLUSIVE, reason=reason, failure=failure)


async def _control(flow: Flow, route: Route, rec: Recorder) -> _Control:
    """Allocate over every way at once and take the first in order that works."""
    ways = [(replace(flow, transport=t, target=_control_port(flow, t), source=None), r) for t, r in _routes(route)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_try(way, direct, rec)) for way, direct in ways]
    opened = [found for task in tasks if isinstance(found := task.result(), _Control)]
    if not opened:
        raise next(error for task in tasks if isinstance(error := task.result(), StepError))
    mapped = {address for control in opened for address in control.mapped}
    return replace(opened[0], mapped=mapped, direct=any(control.direct for control in opened))


def _routes(route: Route) -> list[tuple[Transport, Route]]:
    straight = replace(route, proxy=None)
    ways = [(Transport.UDP, straight), (Transport.TLS, straight), (Transport.TCP, straight)]
    if route.site_proxy is not None:
        proxied = replace(route, proxy=route.site_proxy)
        ways += [(Transport.TLS, proxied), (Transport.TCP, proxied)]
    return ways


def _control_port(flow: Flow, transport: Transport) -> Endpoint:
    return Endpoint(host=flow.target.host, port=int(flow.params.get(f"{transport}_port") or flow.target.port))


async def _try(flow: Flow, route: Route, rec: Recorder) -> _Control | StepError:
    """Allocate at one address after the other, IPv4 first: relayed addresses are IPv4 unless asked otherwise."""
    wait = route.limits.exchange * OPENING
    quick = replace(route, limits=replace(route.limits, connect=wait, handshake=wait, exchange=wait, datagrams=wait))
    via = replace(flow, via=Via.PROXY if route.proxy else Via.DIRECT)
    try:
        addresses = await resolve(route.proxy.endpoint if route.proxy else flow.target, route, rec)
    except StepError as exc:
        return exc
    rec.restart_budget()
    first, *others = sorted(addresses, key=lambda address: ":" in address.host)
    tried = await _at(first, via, quick, rec)
    while others and isinstance(tried, StepError):
        tried = await _at(others.pop(0), via, quick, rec)
    return tried


async def _at(address: Endpoint, flow: Flow, route: Route, rec: Recorder) -> _Control | StepError:
    hop = Hop(address=address, authority=flow.target)
    try:
        async with Relay.opened(hop, flow, route, rec) as relay:
            mapped = await relay.bind()
            await relay.allocate()
    except StepError as exc:
        return exc
    return _Control(
        hop=hop, flow=flow, route=route, mapped={mapped[0]} if mapped else set(), direct=route.proxy is None
    )


async def _sampled(control: _Control, flow: Flow, rec: Recorder) -> Verdict:
    async with AsyncExitStack() as stack:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_allocated(stack, control, rec)) for _ in range(PORTS)]
        got = [task.result() for task in tasks]
        samples = [sample for sample in got if isinstance(sample, _Sample)]
        if len(samples) < ENOUGH_PORTS:
            raise next(error for error in got if isinstance(error, StepError))
        rec.restart_budget(extra=SAMPLING)
        async with rec.step(Phase.TURN_DATA, flow.target, limit=1.5 * SAMPLING) as facts:
            _same_family(samples[0].relayed.host, control)
            try:
                async with asyncio.timeout(SAMPLING):
                    relays_forward = await _tried(samples)
            except TimeoutError as exc:  # every wait in it is bounded: only this machine can be that late
                raise PeerError(Cause.CANNOT_TELL, "this machine was too busy to sample the range") from exc
            facts.update(_counted(samples, control), control=relays_forward)
            _judge(samples, control, relays_forward=relays_forward)
    return passed(f"{len(samples)} of {len(samples)} sampled ports open, through {samples[0].relayed.host}")


def _same_family(relay: str, control: _Control) -> None:
    """Raise ``PeerError`` if no datagram of ours can be let in: a machine without IPv4 has no way to an IPv4 relay."""
    if control.mapped and not any((":" in address) == (":" in relay) for address in control.mapped):
        ours, theirs = ("IPv4", "IPv6") if ":" in relay else ("IPv6", "IPv4")
        raise PeerError(Cause.CANNOT_TELL, f"this machine goes out by {ours} only, and the relayed address is {theirs}")


async def _tried(samples: Sequence[_Sample]) -> bool:
    """Try every port; return whether the server relays at all."""
    relays_forward = await _relays_forward(samples[0], samples[1])
    await _all(samples)
    if any(sample.got for sample in samples):  # where some are open, loss must not look like closed ports
        await _all([sample for sample in samples if not sample.got])
    return relays_forward


async def _all(samples: Sequence[_Sample]) -> None:
    async with asyncio.TaskGroup() as group:
        for sample in samples:
            group.create_task(_probe(sample))


def _counted(samples: Sequence[_Sample], control: _Control) -> dict[str, Scalar]:
    return {
        "tried": len(samples),
        "open": sum(1 for sample in samples if sample.got),
        "ports": " ".join(f"{sample.relayed.port}:{sample.got}" for sample in samples),
        "mapped": " ".join(sorted(control.mapped)),
        "relay": samples[0].relayed.host,
    }


async def _allocated(stack: AsyncExitStack, control: _Control, rec: Recorder) -> _Sample | StepError:
    try:
        relay = await stack.enter_async_context(Relay.opened(control.hop, control.flow, control.route, rec))
        await relay.allocate()
        if relay.client.relayed is None:
            raise PeerError(Cause.STUN_ERROR, "no relayed address")
        family = ":" in relay.client.relayed[0]
        here = [address for address in control.mapped if (":" in address) == family]
        await relay.permit([*here, relay.client.relayed[0]])
    except StepError as exc:
        return exc
    return _Sample(relay=relay, relayed=endpoint(relay.client.relayed))


async def _relays_forward(first: _Sample, second: _Sample) -> bool:
    """Show that the server relays at all: one of our allocations sends to the other."""
    try:
        async with asyncio.timeout(sum(WAITS)):
            for wait in WAITS:
                await first.relay.send((second.relayed.host, second.relayed.port), b"control")
                try:
                    async with asyncio.timeout(wait):
                        return (await second.relay.receive())[1] == b"control"
                except TimeoutError:
                    continue
    except (TimeoutError, OSError, EOFError):
        return False
    return False


async def _probe(sample: _Sample) -> None:
    """Send outbound first, from a fresh socket, until it comes back or enough were lost."""
    token = f"rainbow-probe {sample.relayed.port}".encode()
    link = await open_udp(sample.relayed)
    try:
        for wait in WAITS:
            await link.send(token)
            if await _came_back(sample, token, wait):
                sample.got += 1
                return
        async with asyncio.timeout(0):  # an ICMP error, if one came, is waiting
            await link.receive()
    except TimeoutError:
        return
    except OSError as exc:
        sample.refused = cause_of(exc)
    finally:
        link.close()


async def _came_back(sample: _Sample, token: bytes, wait: float) -> bool:
    try:
        async with asyncio.timeout(wait):
            while (await sample.relay.receive())[1] != token:
                pass
    except TimeoutError:
        return False
    except (OSError, EOFError) as exc:  # not the range's: nobody is left to tell what comes through it
        raise PeerError(Cause.CANNOT_TELL, "the link to the TURN server broke while the range was tried") from exc
    return True


def _judge(samples: Sequence[_Sample], control: _Control, *, relays_forward: bool) -> None:
    """Raise what the counts prove. Raises ``PeerError``."""
    opened = sum(1 for sample in samples if sample.got)
    if opened == len(samples):
        return
    if opened:
        spans = runs({sample.relayed.port: bool(sample.got) for sample in samples})
        raise SilenceError(Cause.PARTLY_OPEN, f"{opened} of {len(samples)} sampled ports open: {spans}")
    doubt = _doubt(samples, control, relays_forward=relays_forward)
    if doubt:
        raise PeerError(Cause.CANNOT_TELL, doubt)
    refusals = {sample.refused for sample in samples if sample.refused}
    how = f"refused ({' '.join(sorted(refusals))})" if refusals else "lost"
    cause = min(refusals) if refusals else Cause.TIMEOUT
    raise (PeerError if refusals else SilenceError)(
        cause, f"0 of {len(samples)} sampled ports open, {len(WAITS)} datagrams {how} at each"
    )


def _doubt(samples: Sequence[_Sample], control: _Control, *, relays_forward: bool) -> str:
    """Say why none coming back need not mean that the range is closed; empty if it does."""
    relay = ipaddress.ip_address(samples[0].relayed.host)
    server = ipaddress.ip_address(control.hop.address.host)
    if not relays_forward:
        return "the TURN server relays nothing to its own relayed addresses, so nothing can be told"
    if not control.direct:
        return (
            "the address our own datagrams leave from is not known (only the proxy's is), so none may have been let in"
        )
    if relay.version != server.version:
        return f"the server relays over IPv{relay.version}, and is reached from here over IPv{server.version}"
    if relay.is_private and not server.is_private:
        return f"the server relays from {relay}, which cannot be reached from outside"
    return ""
