"""XMPP over WebSocket (RFC 7395): upgrade, stream, ping, and a link that survives being idle."""

from __future__ import annotations

import asyncio
import time

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Flow, Outcome, PeerError, Phase, Verdict
from rainbow_probe.net.paths import HTTP1, Hop, each_address, open_stream, passed
from rainbow_probe.net.route import Route
from rainbow_probe.net.websocket import WebSocket
from rainbow_probe.protocols.xmpp import SUBPROTOCOL, Opening, open_frame

GUESSED = "TLS and HTTP to the host work; the path of its WebSocket is not public, so the upgrade was not judged ({})"


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Open a stream over every address; without an account the server's offer is proof enough."""
    domain = str(flow.params.get("domain", flow.target.host))

    async def attempt(hop: Hop) -> Verdict:
        async with open_stream(hop, flow, route, rec, alpn=HTTP1) as stream:
            socket = WebSocket(stream, flow.target, str(flow.params.get("path", "/")), SUBPROTOCOL)
            try:
                await socket.upgrade(rec, limit=route.limits.exchange)
                await _open(socket, domain, route, rec)
            except StepError as exc:
                return _guessed(exc, flow)
            if not route.idle_hold:
                return passed("the XMPP stream opens and answers pings")
            return await _still_there(socket, domain, route, rec)

    return await each_address(flow, route, rec, attempt)


async def _open(socket: WebSocket, domain: str, route: Route, rec: Recorder) -> None:
    async with rec.step(Phase.XMPP, domain, limit=route.limits.exchange) as facts:
        opening = Opening(domain)
        await socket.send(open_frame(domain))
        try:
            while not opening.done:
                opening.feed(await socket.receive())
        finally:
            facts.update(opening.facts())
        facts["ping_ms"] = await _ping(socket)


async def _still_there(socket: WebSocket, domain: str, route: Route, rec: Recorder) -> Verdict:
    hold = route.idle_hold
    rec.restart_budget(extra=hold)
    async with rec.step(Phase.XMPP, f"{domain} idle", limit=hold + route.limits.exchange) as facts:
        began = time.monotonic()
        await asyncio.sleep(hold)
        try:
            async with asyncio.timeout(route.limits.exchange):
                facts["ping_ms"] = await _ping(socket)
        except (EOFError, OSError) as exc:  # a time-out is an OSError too
            detail = f"no answer after {hold:g} s without traffic: {str(exc) or type(exc).__name__}"
            raise PeerError(Cause.CUT_AFTER_IDLE, detail) from exc
        finally:
            facts["held_s"] = round(time.monotonic() - began, 2)
    return passed(f"the XMPP stream opens, answers pings and survives {hold:g} s idle")


async def _ping(socket: WebSocket) -> float:
    began = time.monotonic()
    await socket.ping(b"rainbow-probe")
    return round((time.monotonic() - began) * 1000, 2)


def _guessed(exc: StepError, flow: Flow) -> Verdict:
    """Where the path is only inferred, a refused upgrade may be our guess and not the network."""
    if flow.params.get("path_known", True) or exc.failure.cause is not Cause.UPGRADE_REFUSED:
        raise exc
    return Verdict(outcome=Outcome.SKIPPED, reason=GUESSED.format(exc.failure.detail))
