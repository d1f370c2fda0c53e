"""UDP ports of this machine, to which a responder sends of itself: the direction from the PBX or a phone to here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rainbow_probe.evidence import Recorder, SilenceError, StepError
from rainbow_probe.measures import Direction, PortState, PortSurvey
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, PeerError, Phase, Scalar, Verdict
from rainbow_probe.net.aside import aside
from rainbow_probe.net.paths import failed, passed, resolve
from rainbow_probe.net.responder import Told, alive, ask
from rainbow_probe.net.route import Route
from rainbow_probe.net.surveys import is_here, spans, survey
from rainbow_probe.net.sweep import longest
from rainbow_probe.net.sweep_pace import in_time, slowly
from rainbow_probe.net.unasked import Arrived, Unasked, Wanted
from rainbow_probe.protocols.binding import short_term_key

WITH_CONTROLS = 12.0  # seconds more: whether the responder is there is asked first
FEW_LEFT_OUT = 0.01  # share of the range that may be in use here


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    wanted: range
    host: str
    told: Told
    arrived: Arrived

    @property
    def closed(self) -> set[int]:
        """Ports at which nothing came."""
        return self.arrived.tried - self.arrived.open


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Have the responder send to each port, and judge what came; the survey is in the verdict however it ends."""
    addresses = await resolve(flow.target, route, rec)
    most = longest(len(_range(flow)), route.sweep_rate) + WITH_CONTROLS
    rec.restart_budget(extra=most)
    seen: _Seen | None = None
    try:
        async with rec.step(Phase.STUN, f"{flow.target.host} to UDP/{_text(flow)} here", limit=most) as facts:
            address = await alive(addresses, route.peer_token, rec.aside(WITH_CONTROLS), limit=route.limits.exchange)
            told = await ask(address.host, (), route.peer_token, rec.aside(WITH_CONTROLS), limit=route.limits.exchange)
            arrived = await _sent_to(flow, address, _asked_at(told), _leaving(told, _range(flow)), route)
            seen = _Seen(wanted=_range(flow), host=address.host, told=told or Told(over=""), arrived=arrived)
            facts.update(_facts(seen))
            verdict = _judge(seen)
    except StepError as exc:
        verdict = failed(exc.failure)
    return replace(verdict, measured=_surveyed(seen)) if seen and seen.arrived.tried else verdict


def _range(flow: Flow) -> range:
    return range(int(flow.params.get("first") or 0), int(flow.params.get("last") or 0) + 1)


def _text(flow: Flow) -> str:
    wanted = _range(flow)
    return f"{wanted.start}-{wanted.stop - 1}" if len(wanted) > 1 else str(wanted.start)


def _asked_at(told: Told | None) -> int:
    """Return the UDP port at which the responder can be asked. Raises ``PeerError``."""
    if told is None:
        nobody = "the responder answers neither over UDP nor TCP 3478 and 5060: it may not be running there"
        raise PeerError(Cause.CANNOT_TELL, nobody)
    if told.refused:
        raise PeerError(Cause.CANNOT_TELL, "the responder wants its token, or another one than was given")
    over, _, port = told.over.partition("/")
    if over != "UDP":
        raise PeerError(Cause.CANNOT_TELL, f"the responder answers over {told.over} only, and is asked over UDP")
    return int(port)


def _leaving(told: Told | None, wanted: range) -> int:
    """Return the port from which the responder shall send: the last, if it has that. Raises ``PeerError``."""
    last = wanted.stop - 1
    if told is None or told.served is None or not any(last in one for one in told.served):
        raise PeerError(
            Cause.CANNOT_TELL, f"the responder does not serve UDP/{last}, to send from it: start it with that"
        )
    return last


async def _sent_to(flow: Flow, address: Endpoint, at: int, leave_by: int, route: Route) -> Arrived:
    token, wanted = route.peer_token, _range(flow)
    unasked = Unasked(
        Wanted(
            host=address.host,
            at=at,
            leave_by=leave_by,
            ports=wanted,
            token=token,
            key=short_term_key(token) if token else None,
            rate=0 if is_here(address.host) else route.sweep_rate,
        )
    )
    try:
        return await aside(unasked.run)
    finally:
        unasked.stop()


def _facts(seen: _Seen) -> dict[str, Scalar]:
    return {
        "responder": seen.host,
        "open": len(seen.arrived.open),
        "tried": len(seen.arrived.tried),
        "closed": spans(seen.closed) if seen.arrived.open else "",
        "sent_from": " ".join(str(port) for port in sorted(seen.arrived.senders)[:8]),
        "rounds": seen.arrived.rounds,
        "limit_per_s": seen.arrived.limit,
        "told_over": seen.told.over,
        "seen_as": seen.told.mapped,
    }


def _surveyed(seen: _Seen) -> PortSurvey:
    silent = PortState.CLOSED if seen.arrived.settled else PortState.UNKNOWN
    states = dict.fromkeys(seen.closed, silent) | dict.fromkeys(seen.arrived.open, PortState.OPEN)
    return survey(seen.wanted, states, Direction.IN, by=f"responder {seen.host}")


def _judge(seen: _Seen) -> Verdict:
    """Say what arrived. Raises ``PeerError``."""
    arrived = seen.arrived
    left_out = len(seen.wanted) - len(arrived.tried)
    if left_out > FEW_LEFT_OUT * len(seen.wanted):
        reason = f"{left_out} of {len(seen.wanted)} ports are in use on this machine, or cannot be opened"
        return Verdict(outcome=Outcome.SKIPPED, reason=reason)
    if arrived.ignored:
        raise PeerError(Cause.CANNOT_TELL, "what answers there sends to the asking port only: it is no responder")
    known = f"what {seen.host} sends unasked arrives at {len(arrived.open)} of {len(arrived.tried)} ports"
    if not seen.closed:
        return passed(f"{known}{slowly(arrived.limit)}")
    if not arrived.settled:
        raise PeerError(Cause.CANNOT_TELL, f"{known}{_unsettled(arrived)}")
    if arrived.open:
        raise SilenceError(Cause.PARTLY_OPEN, f"{known}; closed: {spans(seen.closed)}")
    raise SilenceError(Cause.TIMEOUT, f"{known}, while it answers at {seen.told.over}")


def _unsettled(arrived: Arrived) -> str:
    """Say why it came to no end, and how it does where a limit was met."""
    if not arrived.heard:
        return "; then the responder was not heard any more"
    if not arrived.limit:
        return ", and more did with each repetition"
    return f"{slowly(arrived.limit)}: {in_time(arrived.limit, len(arrived.tried))}"
