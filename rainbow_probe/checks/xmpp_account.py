"""Sign in to XMPP over the WebSocket, as a client of the account does: once a run, and only if it was asked for."""

from __future__ import annotations

from functools import partial

from rainbow_probe.checks.xmpp import opened
from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Credentials, Flow, Outcome, PeerError, Phase, Verdict
from rainbow_probe.net.aside import aside
from rainbow_probe.net.paths import HTTP1, Hop, first_address, open_stream, passed
from rainbow_probe.net.route import Route
from rainbow_probe.net.websocket import WebSocket
from rainbow_probe.protocols.sasl import MECHANISMS, Scram, chosen
from rainbow_probe.protocols.xmpp import SUBPROTOCOL, Opening, close_frame, open_frame

WANTED = "needs a Rainbow account, and to be asked for: --account LOGIN --account-xmpp"
NOTHING_GIVEN = "the log-in at the REST API gave no XMPP address and password to sign in with"


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Sign in with what the REST API gave, over the first address that comes as far; there is no second attempt."""
    stay = route.stay
    if stay.account is None or not stay.with_xmpp:
        return Verdict(outcome=Outcome.SKIPPED, reason=WANTED)
    await stay.over.wait()
    rec.restart_budget()
    if (given := stay.xmpp) is None:
        return Verdict(outcome=Outcome.SKIPPED, reason=NOTHING_GIVEN)

    async def attempt(hop: Hop) -> Verdict:
        async with open_stream(hop, flow, route, rec, alpn=HTTP1) as stream:
            socket = WebSocket(stream, flow.target, str(flow.params.get("path", "/")), SUBPROTOCOL)
            await socket.upgrade(rec, limit=route.limits.exchange)
            opening = await opened(socket, _domain(given), route, rec)
            if not (mechanism := chosen(opening.mechanisms)):
                return Verdict(outcome=Outcome.SKIPPED, reason=_nothing_in_common(opening))
            await _sign_in(socket, mechanism, stay.take_xmpp(), route, rec)
        return passed(f"signed in to XMPP by {mechanism}, and the server proved that it knows the password")

    if not stay.xmpp_used:
        stay.xmpp_verdict = await first_address(flow, route, rec, attempt, until=lambda: stay.xmpp_used)
    return stay.xmpp_verdict or Verdict(outcome=Outcome.SKIPPED, reason="the one attempt of this run was cut short")


def _domain(given: Credentials) -> str:
    return given.user.partition("@")[2].partition("/")[0]


def _nothing_in_common(opening: Opening) -> str:
    offered = ", ".join(opening.mechanisms) or "nothing"
    return f"the server offers {offered}, and none of {', '.join(MECHANISMS)}: no password is sent in the clear"


async def _sign_in(socket: WebSocket, mechanism: str, given: Credentials, route: Route, rec: Recorder) -> None:
    """Prove the password to each other, and see that the server then opens a stream for whoever signed in."""
    async with rec.step(Phase.ACCOUNT, "XMPP", limit=2 * route.limits.exchange) as facts:
        facts["mechanism"] = mechanism
        scram = Scram(mechanism, given)
        await socket.send(scram.auth())
        while not scram.done:
            said = await _heard(socket)
            if answer := await aside(partial(scram.feed, said)):  # the proof takes many thousand rounds
                await socket.send(answer)
        facts["features"] = len((await _opened_again(socket, _domain(given))).features)
        await socket.send(close_frame())


async def _opened_again(socket: WebSocket, domain: str) -> Opening:
    opening = Opening(domain)
    await socket.send(open_frame(domain))
    while not opening.done:
        said = await _heard(socket)
        try:
            opening.feed(said)
        except PeerError as exc:
            raise PeerError(exc.cause, "the sign-in succeeded, and the stream that follows it does not open") from None
    return opening


async def _heard(socket: WebSocket) -> str:
    """Return the next message; what goes wrong is told without the server's words, which may be what it was sent."""
    try:
        return await socket.receive()
    except EOFError:
        raise EOFError("the connection was closed while signing in") from None
    except PeerError as exc:
        raise PeerError(exc.cause, "what came while signing in is no WebSocket") from None
