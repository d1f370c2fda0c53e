"""A name as the system resolves it, and as each configured resolver answers when asked directly."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import OUR_OWN, Cause, Endpoint, Failure, Flow, Outcome, PeerError, Phase, Transport, Verdict
from rainbow_probe.net import dns
from rainbow_probe.net.names import resolver_endpoint
from rainbow_probe.net.paths import failed, passed, resolve
from rainbow_probe.net.route import Route

MOST_RESOLVERS = 3  # as the C library; more would only be noise


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Pass if the system finds an address; every resolver's own answer is kept as evidence."""
    if any(asked.host == flow.target.host and instead.host for asked, instead in route.maps.items()):
        return Verdict(outcome=Outcome.SKIPPED, reason="the address comes from --map; DNS was not asked")
    at = flow.params.get("at")
    asked_of = (str(at),) if at else route.resolvers[:MOST_RESOLVERS]
    resolvers = [resolver_endpoint(text) for text in asked_of]
    if flow.params.get("over") == Transport.UDP:
        verdict = await _over_udp(resolvers, flow, rec)
    else:
        verdict = await _by_system(resolvers, flow, route, rec)
    if verdict.outcome is Outcome.FAIL and route.proxied_site:
        reason = f"not needed: clients behind the proxy leave names to it (the local answer: {verdict.reason})"
        return Verdict(outcome=Outcome.SKIPPED, reason=reason)
    return verdict


async def _by_system(resolvers: Sequence[Endpoint], flow: Flow, route: Route, rec: Recorder) -> Verdict:
    async with asyncio.TaskGroup() as group:
        system = group.create_task(_system(flow, route, rec))
        for resolver in resolvers:
            for transport in (Transport.UDP, Transport.TCP):
                group.create_task(_directly(resolver, transport, flow, rec))
    return system.result()


async def _over_udp(resolvers: Sequence[Endpoint], flow: Flow, rec: Recorder) -> Verdict:
    """Judge what a device learns that asks the resolvers itself, over UDP only."""
    if not resolvers:
        return Verdict(outcome=Outcome.SKIPPED, reason="no resolver of this machine is known, to ask it over UDP/53")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_directly(resolver, Transport.UDP, flow, rec)) for resolver in resolvers]
    answers = [answer for task in tasks for answer in task.result()]
    name = flow.target.host
    if found := dict.fromkeys(address for answer in answers for address in answer.addresses):
        return passed(f"a resolver answers over UDP/53: {', '.join(found)}")
    failure = _said(answers) if answers else _unanswered(name, rec)
    rec.note(Phase.RESOLVE, name, failure)
    return failed(failure)


def _said(answers: Sequence[dns.Answer]) -> Failure:
    try:
        dns.told(answers, "over UDP/53 the resolver")
    except PeerError as exc:
        return Failure(phase=Phase.RESOLVE, cause=exc.cause, detail=str(exc))
    raise AssertionError("told() raises where there is no address")


def _unanswered(name: str, rec: Recorder) -> Failure:
    """Return why nobody answered: as they were refused, if they were; else silence."""
    failures = [step.failure for step in rec.steps if step.failure]
    ours = next((failure for failure in failures if failure.cause in OUR_OWN), None)
    silence = Failure(phase=Phase.RESOLVE, cause=Cause.NO_ANSWER, detail=f"no answer about {name} over UDP/53")
    return ours or silence


async def _system(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    try:
        found = await resolve(flow.target, route, rec)
    except StepError as exc:
        return failed(exc.failure)
    addresses = [endpoint.host for endpoint in found]
    if route.names.source == "system":  # a resolver of the user's own choice answers as the user wants
        outside, private = outside_of(route.ranges, addresses), [a for a in addresses if is_private(a)]
        rec.note(Phase.RESOLVE, "advice", outside_ranges=" ".join(outside), private=" ".join(private))
    return passed(f"resolves to {', '.join(addresses)}")


async def _directly(resolver: Endpoint, transport: Transport, flow: Flow, rec: Recorder) -> list[dns.Answer]:
    """Ask one resolver for both families; its failures are evidence, and no verdict by themselves."""
    async with asyncio.TaskGroup() as group:
        extended = bool(flow.params.get("extended"))
        name = flow.target.host
        tasks = [group.create_task(_one(resolver, name, kind, transport, rec, extended)) for kind in dns.TYPES]
    return [answer for task in tasks if (answer := task.result())]


async def _one(
    resolver: Endpoint, name: str, kind: str, transport: Transport, rec: Recorder, extended: bool
) -> dns.Answer | None:
    subject = f"{resolver} {transport} {kind}"
    try:
        async with rec.step(Phase.RESOLVE, subject, limit=dns.LIMIT) as facts:
            facts |= {"resolver": str(resolver), "proto": str(transport), "answer_type": kind}
            answer = await dns.ask(resolver, name, kind, transport, extended=extended)
            facts |= {"rcode": answer.rcode, "ttl": answer.ttl, "addresses": " ".join(answer.addresses), **answer.more}
    except StepError:
        return None  # recorded; another resolver may know
    return answer


def outside_of(ranges: Sequence[str], addresses: Sequence[str]) -> list[str]:
    """Return the addresses in none of *ranges*; of a family the ranges do not speak of, none is outside."""
    networks = [ipaddress.ip_network(text) for text in ranges]
    parsed = [(text, ipaddress.ip_address(text.partition("%")[0])) for text in addresses]
    return [
        text
        for text, address in parsed
        if any(n.version == address.version for n in networks) and not any(address in n for n in networks)
    ]


def is_private(address: str) -> bool:
    """Return whether *address* can only be inside a site (RFC 1918, RFC 4193, loopback, link-local)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return any(parsed in network for network in INSIDE if network.version == parsed.version)


INSIDE = [
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
        *("fc00::/7", "::1/128", "fe80::/10"),
    )
]
