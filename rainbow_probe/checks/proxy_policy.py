"""A control, not a row: does the proxy let through what no client needs, or what it could do besides tunnels?

``ask`` says what is tried: ``connect``, a tunnel to a port that a proxy should refuse, or ``forward``, plain HTTP by
the proxy to a neutral host. Whatever comes of it is an answer; silence, and whatever has two meanings, is none.
"""

from __future__ import annotations

from dataclasses import replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Failure, Flow, Outcome, Phase, Scalar, Verdict
from rainbow_probe.net.http import authority, describe
from rainbow_probe.net.paths import Hop, each_address, failed, open_stream, open_to_proxy, passed
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import Client

SHARE = 0.4  # of the usual limits: nobody waits for what fails nothing
REFUSALS = frozenset({400, 403, 405, 451, 501})
"""How proxies refuse to forward plain HTTP."""
TRIED = frozenset({502, 504})
"""A gateway's answer when the target did not answer it, RFC 9110 section 15.6: so it had asked."""
TRIED_IN_WORDS = ("ERR_CONNECT_FAIL", "error=connection_")  # squid's X-Squid-Error; Proxy-Status, RFC 9209
KEPT = ("status", "reason", "body", "server", "via", "proxy_status", "x_squid_error")
"""What is kept of an answer: its Date may be the proxy's own, and says nothing of any clock."""


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Pass if the proxy's policy shows; else inconclusive, never failed."""
    brief = replace(route, limits=route.limits.scaled(SHARE))
    forward = flow.params.get("ask") == "forward"

    async def attempt(hop: Hop) -> Verdict:
        try:
            said, lets = await (_forward if forward else _connect)(hop, flow, brief, rec)
        except StepError as exc:
            said, lets = str(exc.failure), None if forward else _meant(exc.failure, hop, rec)
        if lets is None:
            return failed(Failure(phase=Phase.PROXY, cause=Cause.CANNOT_TELL, detail=said))
        rec.note(Phase.PROXY, flow.target, lets_through=lets)
        what = "plain HTTP" if forward else f"CONNECT to port {flow.target.port}"
        return passed(f"the proxy {'lets' if lets else 'does not let'} {what} through: {said}")

    verdict = await each_address(flow, brief, rec, attempt)
    return replace(verdict, outcome=Outcome.INCONCLUSIVE) if verdict.outcome is Outcome.FAIL else verdict


async def _connect(hop: Hop, flow: Flow, route: Route, rec: Recorder) -> tuple[str, bool]:
    """Open the tunnel and wait for the target's greeting: some proxies say 200 to what they then refuse."""
    async with (
        open_stream(hop, flow, route, rec) as stream,
        rec.step(Phase.PROXY, "the greeting of the target", limit=route.limits.exchange) as facts,
    ):
        first = await stream.receive()
        facts["first"] = excerpt(first, 80)
        if not first:
            raise EOFError("closed without a word")
    return f"'{excerpt(first, 80)}' comes back", True


def _meant(failure: Failure, hop: Hop, rec: Recorder) -> bool | None:
    """Return what a tunnel that did not open says of the policy: refused, tried in vain, or nothing."""
    if failure.cause is Cause.PROXY_DENIED:
        return False
    asked = [step.facts for step in rec.steps if step.phase is Phase.PROXY]
    facts = next((found for found in asked if found.get("address") == str(hop.address)), dict[str, Scalar]())
    stated = f"{facts.get('x_squid_error', '')} {facts.get('proxy_status', '')}"
    tried = facts.get("status") in TRIED or any(word in stated for word in TRIED_IN_WORDS)
    return True if failure.cause is Cause.PROXY_TARGET_FAILED and tried else None


async def _forward(hop: Hop, flow: Flow, route: Route, rec: Recorder) -> tuple[str, bool | None]:
    """Ask for the neutral host's page as a browser asks a proxy for http:// (RFC 9112, section 3.2.2)."""
    url = f"http://{authority(flow.target)}{flow.params.get('path', '/')}"
    exchange = Client(authority(flow.target)).exchange("GET", url)
    async with (
        open_to_proxy(hop, route, rec) as stream,
        rec.step(Phase.PROXY, f"GET {url}", limit=route.limits.exchange) as facts,
    ):
        await stream.send(exchange.request())
        while not exchange.done:
            exchange.feed(await stream.receive())
        facts.update((key, value) for key, value in describe(exchange).items() if key in KEPT)
    lets = True if exchange.status == flow.params.get("expect_status") else None
    return f"{exchange.status} {exchange.reason}".rstrip(), False if exchange.status in REFUSALS else lets
