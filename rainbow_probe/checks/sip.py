"""SIP OPTIONS to the PBX: any answer of its own proves the path, be it 200, 404 or 503."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Flow, Phase, Scalar, Verdict
from rainbow_probe.net.paths import Hop, each_address, passed
from rainbow_probe.net.route import Route
from rainbow_probe.net.sip import asking
from rainbow_probe.net.tls import Expectation
from rainbow_probe.protocols.sip import Answer


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Pass on a response to our own request; what it says, and who changed what, stands in the facts."""
    return await each_address(flow, route, rec, lambda hop: asked(hop, flow, route, rec))


async def asked(hop: Hop, flow: Flow, route: Route, rec: Recorder, expected: Expectation | None = None) -> Verdict:
    """Ask at one address; over TLS its certificate is judged as *expected*."""
    known: dict[str, Scalar] = {}
    async with asking(hop, flow, route, rec, known, expected) as (options, ask):
        async with rec.step(Phase.SIP, hop.label, limit=route.limits.datagrams) as facts:
            facts.update(known)
            facts.complaint = options.complaint
            answer = await ask()
            facts.update(_told(answer))
    return passed(f"SIP is answered: {answer.status} {answer.reason}{_aside(flow, known, answer)}")


def _told(answer: Answer) -> dict[str, Scalar]:
    return {
        "status": answer.status,
        "server": answer.server,
        "allow": answer.allow,
        "received": answer.received,
        "rewritten": answer.rewritten,
        "changed": ", ".join(answer.changed),
    }


def _aside(flow: Flow, known: dict[str, Scalar], answer: Answer) -> str:
    """Say what was not as the gateway would have it, though the path works."""
    other = flow.source is not None and known.get("local_port") not in {flow.source.first, 0}
    port = f"; asked from port {known.get('local_port')}, as {flow.source} is in use here" if other else ""
    told = [f"our address became {answer.rewritten}"] if answer.rewritten else []
    told += [f"another {', '.join(answer.changed)} arrives than was sent"] if answer.changed else []
    return port + (f"; somebody on the way rewrites SIP ({'; '.join(told)})" if told else "")
