"""XMPP over WebSocket (RFC 7395): upgrade, stream, ping, and a link that survives being idle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from rainbow_probe.evidence import Recorder, SilenceError, StepError
from rainbow_probe.model import Cause, Failure, Flow, Outcome, PeerError, Phase, Verdict
from rainbow_probe.net.http import leads_elsewhere
from rainbow_probe.net.idle import GOODBYE, PING, SILENCE, Open, in_use, lasted, survival
from rainbow_probe.net.paths import HTTP1, Hop, each_address, failed, open_stream, passed
from rainbow_probe.net.route import Route
from rainbow_probe.net.websocket import WebSocket
from rainbow_probe.protocols.xmpp import SUBPROTOCOL, Opening, open_frame

GUESSES = frozenset({Cause.UPGRADE_REFUSED, Cause.SUBPROTOCOL_MISSING})
MARGIN = 10  # times the limit of an answer, for opening the links and for their last words
LATER = frozenset({Cause.CUT_AFTER_IDLE, Cause.CUT_AFTER_TIME, Cause.WENT_SILENT})
"""What only happens to a link that was right so far."""
GUESSED = "something answers HTTP over TLS; the path of the WebSocket is not public, so more cannot be told ({})"


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Open a stream over every address; without an account the server's offer is proof enough.

    With a ``segment`` it is a control: TCP packets are kept that small, and no link is left idle.
    """
    if segment := int(flow.params.get("segment") or 0):
        route = replace(route, segment=segment, idle_hold=0)
    domain = str(flow.params.get("domain", flow.target.host))

    async def attempt(hop: Hop) -> Verdict:
        try:
            async with _stream(hop, flow, route, rec) as socket:
                if not route.idle_hold:
                    return passed("the XMPP stream opens and answers pings")
                another = partial(_stream, hop, flow, route)
                if not route.idle_waits or not flow.params.get("path_known", True):
                    return await _still_there(socket, another, domain, route, rec)
                return await _survives(socket, another, domain, route, rec)
        except StepError as exc:
            return _guessed(exc, flow, rec)

    return await each_address(flow, route, rec, attempt)


@asynccontextmanager
async def _stream(hop: Hop, flow: Flow, route: Route, rec: Recorder) -> AsyncGenerator[WebSocket]:
    """Open a WebSocket and an XMPP stream on it."""
    async with open_stream(hop, flow, route, rec, alpn=HTTP1) as stream:
        socket = WebSocket(stream, flow.target, str(flow.params.get("path", "/")), SUBPROTOCOL)
        await socket.upgrade(rec, limit=route.limits.exchange)
        await opened(socket, str(flow.params.get("domain", flow.target.host)), route, rec)
        yield socket


async def opened(socket: WebSocket, domain: str, route: Route, rec: Recorder) -> Opening:
    """Open a stream to *domain* and have a ping answered; return what the server offers."""
    async with rec.step(Phase.XMPP, domain, limit=route.limits.exchange) as facts:
        opening = Opening(domain)
        await socket.send(open_frame(domain))
        try:
            while not opening.done:
                opening.feed(await socket.receive())
        finally:
            facts.update(opening.facts())
        facts["ping_ms"] = await socket.ping(PING)
    return opening


async def _still_there(socket: WebSocket, another: Open, domain: str, route: Route, rec: Recorder) -> Verdict:
    """Leave the link idle for a moment; where it is dead then, one with traffic tells whether that is why."""
    try:
        return await _held(socket, domain, route, rec)
    except StepError as exc:
        if exc.failure.cause is not Cause.CUT_AFTER_IDLE:
            raise
        how = await in_use(another, route.idle_hold, rec, limit=route.limits.exchange)
        if how in {"", GOODBYE}:  # a server may end by its own word what nobody logs in to
            raise
        cause = Cause.WENT_SILENT if how == SILENCE else Cause.CUT_AFTER_TIME
        detail = f"{exc.failure.detail}; nor does another one with traffic ({how})"
        failure = Failure(phase=Phase.XMPP, cause=cause, detail=detail)
        rec.note(Phase.XMPP, f"{domain} in use", failure)
        raise StepError(failure) from exc


async def _held(socket: WebSocket, domain: str, route: Route, rec: Recorder) -> Verdict:
    hold = route.idle_hold
    rec.restart_budget(extra=hold)
    # Longer than what is waited for inside, which knows what a silence after the idle time means.
    async with rec.step(Phase.XMPP, f"{domain} idle", limit=hold + 1.5 * route.limits.exchange) as facts:
        began = rec.elapsed
        try:
            await socket.idle(hold)
            async with asyncio.timeout(route.limits.exchange):
                facts["ping_ms"] = await socket.ping(PING)
        except (EOFError, OSError) as exc:  # a time-out is an OSError too
            detail = f"did not last {hold:g} s without traffic: {str(exc) or 'no answer'}"
            silent = isinstance(exc, TimeoutError) and exc.errno is None
            raise (SilenceError if silent else PeerError)(Cause.CUT_AFTER_IDLE, detail) from exc
        finally:
            facts["held_s"] = round(rec.elapsed - began, 2)
    return passed(f"the XMPP stream opens, answers pings and survives {hold:g} s idle")


async def _survives(busy: WebSocket, another: Open, domain: str, route: Route, rec: Recorder) -> Verdict:
    """Find how long links live without traffic, and one with it, in one wait."""
    longest = max(route.idle_waits)
    rec.restart_budget(extra=longest + MARGIN * route.limits.exchange)
    # Everything inside has its own limit; this one only ends what none of them does.
    async with rec.step(Phase.XMPP, f"{domain} idle", limit=longest + MARGIN * route.limits.exchange) as facts:
        seen = await survival(busy, another, route.idle_waits, rec, limit=route.limits.exchange)
        facts.update(seen.facts())
        reason = lasted(seen, route.idle_needed)
    return passed(f"the XMPP stream opens, answers pings and {reason}")


def _guessed(exc: StepError, flow: Flow, rec: Recorder) -> Verdict:
    """Where path and domain are only inferred, what goes wrong beyond HTTP may be our guess and not the network."""
    if exc.failure.cause in LATER:
        raise exc
    beyond = exc.failure.phase is Phase.XMPP or exc.failure.cause in GUESSES
    if flow.params.get("path_known", True) or not beyond:
        raise exc
    refused = [str(step.facts.get("location", "")) for step in rec.steps if step.failure == exc.failure]
    if where := leads_elsewhere("".join(refused[:1]), flow.target):
        detail = f"sent to {where} ({exc.failure.detail})"
        return failed(Failure(phase=Phase.WEBSOCKET, cause=Cause.CAPTIVE_PORTAL, detail=detail))
    return Verdict(outcome=Outcome.SKIPPED, reason=GUESSED.format(exc.failure.detail))
