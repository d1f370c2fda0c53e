"""NAT64 and DNS64: found as RFC 7050 says, told as what they are, and taken as the way to IPv4 hosts that they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.names import translated as asks
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, PeerError, Phase, Result, Step, Transport, Verdict
from rainbow_probe.net.names import Names
from rainbow_probe.protocols.nat64 import KNOWN_NAME, embed, leads_through, prefix_in
from rainbow_probe.report.wording import translated
from tests.judge_samples import APEX, OPEN_SITE, Fault, both, case, guide, host, ids, kind
from tests.servers import a_flow, a_route, probe

PREFIX = "fd64:ff9b::/96"
HERE = "fd64:ff9b::c000:aa"
ABOUT = {"addresses": f"{HERE} 192.0.0.170", "nat64": PREFIX}


@pytest.mark.parametrize(
    ("prefix", "made"),
    [  # RFC 6052 section 2.4, with its address 192.0.2.33
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::c000:221"),
        ("64:ff9b::/96", "64:ff9b::c000:221"),
    ],
)
def test_addresses_are_embedded_as_the_rfc_shows(prefix: str, made: str) -> None:
    """At each length; and the name of RFC 7050 leads back from such an address to the prefix."""
    assert embed(prefix, "192.0.2.33") == made
    assert prefix_in(["192.0.0.171", embed(prefix, "192.0.0.171")]) == prefix
    assert leads_through(prefix, made)


def test_what_is_no_stand_in() -> None:
    """Addresses of the name itself, of somebody else, and where no prefix is known."""
    assert prefix_in(["192.0.0.170", "2001:db8::1", "::1", "fe80::1%eth0"]) == ""
    assert not leads_through("", HERE)
    assert not leads_through(PREFIX, "192.0.2.1")
    assert not leads_through(PREFIX, "fd00::1")


def names(*found: str, ipv4: bool = False, error: Cause | None = None) -> Names:
    """Make a system that gives the known name the addresses *found*, on a machine with IPv6."""

    async def look_up(host: str) -> tuple[str, ...]:
        assert host == KNOWN_NAME
        if error:
            raise PeerError(error, "as the test says")
        return found

    return Names(look_up, ipv6=True, ipv4=ipv4)


@pytest.mark.parametrize(
    ("known", "asked", "leads"),
    [
        (names(HERE, "192.0.0.170"), "198.51.100.7", "fd64:ff9b::c633:6407"),
        (names("192.0.0.170"), "198.51.100.7", "198.51.100.7"),
        (names(error=Cause.NXDOMAIN), "198.51.100.7", "198.51.100.7"),
        (names(HERE, ipv4=True), "198.51.100.7", "198.51.100.7"),
        (names(HERE), "2001:db8::1", "2001:db8::1"),
    ],
)
async def test_the_way_to_an_ipv4_host(known: Names, asked: str, leads: str) -> None:
    """By its stand-in where this machine has no IPv4 and its network translates; else as it is."""
    assert await known.reach(asked) == leads


@pytest.mark.parametrize(
    ("known", "outcome", "prefix"),
    [
        (names(HERE, "192.0.0.170"), Outcome.PASS, PREFIX),
        (names("192.0.0.170"), Outcome.PASS, ""),
        (names(error=Cause.NXDOMAIN), Outcome.PASS, ""),
        (names(error=Cause.NO_ANSWER), Outcome.INCONCLUSIVE, ""),
    ],
)
async def test_the_control(known: Names, outcome: Outcome, prefix: str) -> None:
    """It passes whether there is a NAT64 or not, and tells nothing where nobody answers."""
    flow = replace(a_flow("nat64", 53, Transport.UDP), target=Endpoint(host=KNOWN_NAME, port=53))
    result = await probe(flow, replace(a_route(), names=known))
    assert result.verdict.outcome is outcome
    assert "".join(str(step.facts.get("nat64", "")) for step in result.steps) == prefix


def leading(address: str) -> Fault:
    """Lead the REST host's name to *address*, as the check notes it."""
    facts = {"addresses": address, "private": address if address.startswith("fd") else ""}
    return Fault(match=both(kind("dns"), host(APEX)), outcome=Outcome.PASS, facts=facts)


@pytest.mark.parametrize(
    ("address", "own", "asked"),
    [
        ("192.0.2.1", ("192.0.2.9",), 0),
        ("2001:db8::1", ("2001:db8::9",), 1),
        ("64:ff9b::c000:201", ("192.0.2.9", "2001:db8::9"), 1),
        ("fd64:ff9b::c000:201", ("192.0.2.9", "2001:db8::9"), 1),
        ("2001:db8::1", ("192.0.2.9", "2001:db8::9"), 0),
    ],
)
def test_when_it_is_asked(address: str, own: tuple[str, ...], asked: int) -> None:
    """Once, where this machine has IPv6 only, or an address may be a stand-in."""
    results = {one.flow.id: one for one in case(leading(address)).results}
    found = follow_up(Sofar(guide=guide(), site=replace(OPEN_SITE, addresses=own), results=results), [asks])
    assert len(found) == asked
    assert all((flow.kind, flow.target.host) == ("nat64", KNOWN_NAME) for flow in found)


def control() -> Result:
    """Return the control that found the NAT64."""
    target = Endpoint(host=KNOWN_NAME, port=53)
    flow = Flow(id="nat64/x", spec="x", kind="nat64", target=target, transport=Transport.UDP, control_of="x")
    step = Step(phase=Phase.RESOLVE, subject=KNOWN_NAME, at=0.0, took=0.1, facts=ABOUT)
    return Result(flow=flow, verdict=Verdict(outcome=Outcome.PASS, reason="found"), steps=(step,))


def asked_two(one: Result) -> Result:
    """Let a resolver give the stand-in and another one the address itself."""
    if one.flow.kind != "dns" or one.flow.target.host != APEX:
        return one
    told = {"10.0.0.1:53": "203.0.113.5", "10.0.0.2:53": "fd64:ff9b::cb00:7105"}
    steps = [
        Step(
            phase=Phase.RESOLVE,
            subject=f"{resolver} udp",
            at=0.0,
            took=0.1,
            facts={"resolver": resolver, "addresses": address, "rcode": "NOERROR", "proto": "udp"},
        )
        for resolver, address in told.items()
    ]
    return replace(one, steps=(*one.steps, *steps))


def test_stand_ins_are_not_inside_the_site() -> None:
    """Though their prefix is of the site's own addresses: neither named as private nor as a split horizon."""
    found = case(leading("fd64:ff9b::cb00:7105")).with_each(asked_two)
    assert ids(found.judged()) == ["dns-split-horizon", "dns-private"]
    report = replace(found, results=(*found.results, control())).judged()
    assert ids(report) == []
    assert report.nat["nat64"] == PREFIX
    assert translated(report.nat).endswith(f"NAT64: IPv4 hosts are reached through {PREFIX}")


def test_what_is_inside_stays_so_beside_a_nat64() -> None:
    """Another address of the site's own."""
    found = case(leading("fd00::5"))
    assert ids(replace(found, results=(*found.results, control())).judged()) == ["dns-private"]
