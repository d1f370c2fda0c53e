"""Every UDP port of a range, asked at a responder that stands in the place of the guide's peer.

A port is open when the responder's own answer comes back from it. Silence means closed only where the responder says,
over another port, that it serves that one; where nothing answers at all, it may simply not run.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from rainbow_probe.evidence import Recorder, SilenceError, StepError
from rainbow_probe.measures import Direction, PortState, PortSurvey
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, PeerError, Phase, Scalar, Verdict
from rainbow_probe.net.aside import aside
from rainbow_probe.net.many import intervals
from rainbow_probe.net.paths import failed, passed, resolve
from rainbow_probe.net.responder import Told, alive, ask
from rainbow_probe.net.route import Route
from rainbow_probe.net.surveys import is_here, spans, survey
from rainbow_probe.net.sweep import Asked, Sweep, Swept, longest, ports_in
from rainbow_probe.net.sweep_pace import in_time, slowly
from rainbow_probe.protocols.binding import short_term_key

FEW_LEFT_OUT = 0.01  # share of a range that the responder may lack, such as ports in use there, before it is no survey
ASKED_AGAIN = 3  # ports that answered, to be asked what is served
OTHER_SOURCES = 2  # sweeps from other ports here, where the responder is alive and none of the range answers
WITH_CONTROLS = 12.0  # seconds more: what is served is asked after the sweep
PRIVATE = tuple(
    ipaddress.ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
"""Addresses that lie within some site: RFC 1918, RFC 3927, RFC 4193, RFC 4291 section 2.5.6."""
OWN_RULES = "it stands in for the conference servers, and there may be rules for their own addresses"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What is known of each port, and who tells."""

    flow: Flow
    host: str
    swept: Swept
    told: Told | None
    asked: int
    """How many ports were tried."""
    served: frozenset[int]
    """The ports of the range that the responder has open; all of them where it does not say."""

    @property
    def closed(self) -> frozenset[int]:
        """Ports that are served and do not answer."""
        return self.served - self.swept.open

    @property
    def states(self) -> Mapping[int, PortState]:
        """What is known of each port that can be told."""
        known = self.swept.settled and self.told is not None and self.told.served is not None
        silent = dict.fromkeys(self.closed, PortState.CLOSED if known else PortState.UNKNOWN)
        return {**silent, **dict.fromkeys(self.swept.open, PortState.OPEN)}


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Sweep, ask what is served there, and judge; the survey is in the verdict however it ends.

    Of one that stands in for hosts beyond the border, nothing that fails is said of these.
    """
    if not flow.params.get("outside"):
        return await _run(flow, route, rec)
    try:
        return _of_a_stand_in(await _run(flow, route, rec))
    except StepError as exc:
        return _of_a_stand_in(failed(exc.failure))


def _of_a_stand_in(verdict: Verdict) -> Verdict:
    """Take back a failure: there may be rules for the addresses of those whose place it takes."""
    if verdict.outcome is not Outcome.FAIL or verdict.failure is None:
        return verdict
    failure = replace(verdict.failure, cause=Cause.CANNOT_TELL, detail=f"{verdict.failure.detail}; {OWN_RULES}")
    return replace(verdict, outcome=Outcome.INCONCLUSIVE, reason=str(failure), failure=failure)


async def _run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    addresses = await resolve(flow.target, route, rec)
    if flow.params.get("outside") and _is_inside(addresses[0].host):
        return Verdict(
            outcome=Outcome.SKIPPED, reason=f"{addresses[0].host} is a private address: not beyond the border"
        )
    most = (1 + OTHER_SOURCES) * longest(len(_wanted(flow)), route.sweep_rate) + WITH_CONTROLS
    rec.restart_budget(extra=most)
    seen: _Seen | None = None
    try:
        async with rec.step(Phase.STUN, _range(flow), limit=most) as facts:
            address = await alive(addresses, route.peer_token, rec.aside(WITH_CONTROLS), limit=route.limits.exchange)
            seen = await _look(flow, address, route, rec)
            facts.update(_facts(seen))
            verdict = _judge(seen)
    except StepError as exc:
        verdict = failed(exc.failure)
    return replace(verdict, measured=_surveyed(seen)) if seen and (seen.swept.open or seen.told) else verdict


async def _look(flow: Flow, address: Endpoint, route: Route, rec: Recorder) -> _Seen:
    token, wanted = route.peer_token, _wanted(flow)
    asked = Asked(
        host=address.host,
        ports=ports_in(wanted.start, wanted.stop - 1, [wanted.stop - 1] if flow.params.get("opposite") else ()),
        source=flow.source,
        token=token,
        key=short_term_key(token) if token else None,
        rate=0 if is_here(address.host) else route.sweep_rate,
    )
    swept = await _swept(asked)
    told = await ask(
        address.host, sorted(swept.open)[:ASKED_AGAIN], token, rec.aside(WITH_CONTROLS), limit=route.limits.exchange
    )
    for _ in range(OTHER_SOURCES):
        # A filter that keeps no state may drop the answers for the port that they go to: ask from another one.
        if told and not told.refused and not swept.open:
            swept = await _swept(asked)
    served = frozenset(asked.ports)
    if told and told.served is not None:
        served &= {port for one in told.served for port in range(one.first, one.last + 1)}
    return _Seen(
        flow=flow, host=address.host, swept=swept, told=told, asked=len(asked.ports), served=served | swept.open
    )


async def _swept(asked: Asked) -> Swept:
    sweep = Sweep(asked)
    try:
        return await aside(sweep.run)
    finally:
        sweep.stop()


def _wanted(flow: Flow) -> range:
    return range(int(flow.params.get("first") or 0), int(flow.params.get("last") or 0) + 1)


def _range(flow: Flow) -> str:
    wanted = _wanted(flow)
    return f"{flow.target.host} UDP/{wanted.start}-{wanted.stop - 1}"


def _facts(seen: _Seen) -> dict[str, Scalar]:
    swept, told = seen.swept, seen.told
    return {
        "responder": seen.host,
        "open": len(swept.open),
        "closed": spans(seen.closed) if swept.open and swept.settled else "",
        "served": len(seen.served),
        "sent": swept.sent,
        "rounds": swept.rounds,
        "limit_per_s": swept.limit,
        "local_port": swept.source,
        "told_over": told.over if told else "",
        "seen_as": told.mapped if told else "",
        "refused": _in_refused_ranges(seen),
        "rejected_by": ", ".join(sorted({one.sender for one in swept.refused.values()})),
    }


def _in_refused_ranges(seen: _Seen) -> int:
    """Count the closed ports in ranges of which at least one was refused: not each packet gets an ICMP error."""
    ranges = [range(one.first, one.last + 1) for one in intervals(seen.closed)]
    return sum(len(one) for one in ranges if not seen.swept.refused.keys().isdisjoint(one))


def _surveyed(seen: _Seen) -> PortSurvey:
    return survey(_wanted(seen.flow), seen.states, Direction.OUT, by=f"responder {seen.host}")


def _judge(seen: _Seen) -> Verdict:
    """Say what the ports prove. Raises ``PeerError``."""
    swept, told = seen.swept, seen.told
    if swept.wants_token or (told and told.refused):
        raise PeerError(Cause.CANNOT_TELL, "the responder wants its token, or another one than was given")
    if told is None and not swept.open:
        raise _nobody(seen)
    left_out = seen.asked - len(seen.served)
    if left_out > FEW_LEFT_OUT * seen.asked:
        return _partly_served(seen)
    if not seen.closed:
        stands_in = f", to {seen.host} in place of the conference servers" if seen.flow.params.get("outside") else ""
        return passed(
            f"{len(swept.open)} of {len(swept.open)} ports open{stands_in}{_without(left_out)}{slowly(swept.limit)}"
        )
    if not swept.settled:
        raise PeerError(Cause.CANNOT_TELL, _unsettled(seen))
    if told is None or told.served is None:
        raise PeerError(Cause.CANNOT_TELL, f"{_who_answers(seen)} does not say which it serves")
    raise _closed(seen) if not seen.flow.params.get("assumed") else _assumed(seen)


def _is_inside(host: str) -> bool:
    address = ipaddress.ip_address(host.partition("%")[0])
    return any(address.version == net.version and address in net for net in PRIVATE)


def _who_answers(seen: _Seen) -> str:
    if seen.told is not None and not seen.swept.open:
        return f"what answers at {seen.told.over}, and at no port of these,"
    return f"what answers at {len(seen.swept.open)} ports"


def _assumed(seen: _Seen) -> PeerError:
    """Return what closed ports mean where the guide leaves it to others which ports the peer has."""
    found = str(_closed(seen))
    return PeerError(Cause.CANNOT_TELL, f"{found}; whether the peer's own ports are among them, its documentation says")


def _closed(seen: _Seen) -> PeerError:
    """Return why some ports or all of them are closed, though they are served."""
    known = f"{len(seen.swept.open)} of {len(seen.served)} served ports open"
    if seen.swept.open:
        return SilenceError(Cause.PARTLY_OPEN, f"{known}; closed: {spans(seen.closed)}{_by(seen)}")
    said = f"{known}, and the responder says over {seen.told.over if seen.told else ''} that it serves them{_by(seen)}"
    cause = _refusal(seen)
    return PeerError(cause, said) if cause else SilenceError(Cause.TIMEOUT, said)


def _nobody(seen: _Seen) -> PeerError:
    """Return what it means that nothing answers: a box that says so itself, or nothing that is proven."""
    others = {one.sender for one in seen.swept.refused.values()} - {seen.host, ""}
    if others and (cause := _refusal(seen, others)):
        return PeerError(cause, f"no port answers, and {', '.join(sorted(others))} rejects what is sent there")
    if any(one.sender == seen.host for one in seen.swept.refused.values()):
        return PeerError(
            Cause.CANNOT_TELL, f"{seen.host} itself refuses: no responder runs there, or its own firewall rejects"
        )
    return PeerError(
        Cause.CANNOT_TELL,
        "no port answers, nor does the responder over UDP or TCP 3478 and 5060: it may not be running there",
    )


def _refusal(seen: _Seen, senders: Collection[str] = ()) -> Cause | None:
    """Return how most of what was refused was refused, by *senders* or anybody; None if nothing was."""
    causes = Counter(one.cause for one in seen.swept.refused.values() if not senders or one.sender in senders)
    return next((cause for cause, _ in causes.most_common(1)), None)


def _by(seen: _Seen) -> str:
    senders = sorted({one.sender for one in seen.swept.refused.values() if one.port in seen.closed and one.sender})
    return f" (rejected by {', '.join(senders)})" if senders else ""


def _partly_served(seen: _Seen) -> Verdict:
    """Judge a range that the responder serves in part only: what is closed is closed, and the rest is not tried."""
    wanted = _wanted(seen.flow)
    if seen.closed and seen.swept.settled and not seen.flow.params.get("assumed"):
        raise _closed(seen)
    reason = (
        f"the responder there serves {len(seen.served)} of {len(wanted)} ports only: start it with "
        f"--udp {wanted.start}-{wanted.stop - 1}"
    )
    return Verdict(outcome=Outcome.SKIPPED, reason=reason)


def _unsettled(seen: _Seen) -> str:
    """Say why a sweep came to no end, and how one does that meets a limit."""
    swept = seen.swept
    if not swept.limit:
        return f"{len(swept.open)} of {len(seen.served)} ports answered, and more did so with each repetition"
    return (
        f"{len(swept.open)} of {len(seen.served)} ports answered{slowly(swept.limit)}: "
        f"{in_time(swept.limit, seen.asked)}"
    )


def _without(number: int) -> str:
    return f"; {number} more are in use there and were not tried" if number else ""
