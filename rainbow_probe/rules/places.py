"""Where a flow leads, in words that are safe in any rule file: names that are names, addresses that are addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from rainbow_probe.catalogue import FlowSpec
from rainbow_probe.catalogue.values import host
from rainbow_probe.model import Phase, PortRange, Report, Result, Scalar, Via
from rainbow_probe.net.names import nowhere
from rainbow_probe.rules.shapes import Destination

CONFERENCE = "conference servers"
RANGE = "udp-range"
FOREIGN = frozenset({"push", "portal", "sweep", "sweep-in", "sip", "sips", "ntp", "ssh"})
"""Kinds of checks whose hosts are not the service's own."""


def destination(
    result: Result, results: Iterable[Result], ranges: tuple[str, ...] = (), *, as_asked: bool = True
) -> Destination | None:
    """Return where *result* wanted to go; None if that cannot be written down safely.

    *results* know addresses, and *ranges* are the guide's, which hold for the service's own hosts only. Where a proxy
    is asked, it makes a difference whether that is by name or by address: *as_asked*.
    """
    own = () if result.flow.kind in FOREIGN else ranges
    if result.flow.kind == RANGE:
        return _relay(result, own)
    name = safe_name(result.flow.target.host)
    if name is None:
        return None
    if place := alternate(result):
        address, _ = place
        return Destination(
            addresses=(address,), ranges=own if within(address, own) else (), what=f"where {name} sends its clients on"
        )
    known = addresses_of(result.flow.target.host, results)
    if is_address(name):
        return Destination(addresses=(name,), ranges=own)
    if as_asked and result.flow.params.get("by") == "address":
        return Destination(addresses=known, ranges=own, what=f"the addresses of {name}")
    return Destination(name=name, addresses=known, ranges=own)


def safe_name(text: str) -> str | None:
    """Return *text* as a whole host name or an address; None for anything else, such as an attack."""
    plain = text.strip().rstrip(".").lower()
    try:
        named = host(plain)
    except ValueError:
        return None
    if "%" in named or (is_address(named) and not _usable(named)):  # a zone means something on this machine only
        return None
    return named


def addresses_of(name: str, results: Iterable[Result]) -> tuple[str, ...]:
    """Return the addresses that the system gave for *name*, whichever check asked."""
    texts = (
        str(step.facts.get("addresses") or "")
        for result in results
        for step in result.steps
        if step.phase is Phase.RESOLVE and step.subject == name and "resolver" not in step.facts
    )
    return tuple(dict.fromkeys(address for text in texts for address in text.split() if _usable(address)))


def alternate(result: Result) -> tuple[str, int] | None:
    """Return the address and the port to which a TURN server sent us on (300), if it is there that *result* failed."""
    sent = {text for step in result.steps for text in str(step.facts.get("alternate") or "").split()[:1]}
    failed = (step.subject for step in result.steps if step.failure and step.failure == result.verdict.failure)
    place = next((subject for subject in failed if subject in sent), "")
    try:
        parts = urlsplit(f"//{place}")
        address, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    return (address, port) if port and _usable(address) else None


def ports_of(result: Result) -> PortRange:
    """Return the port that *result* is about, or the range that it stands for, if it says so."""
    if place := alternate(result):
        return PortRange(first=place[1], last=place[1])
    return _range(result.flow.params) or PortRange(first=result.flow.target.port, last=result.flow.target.port)


def ports_of_flow(spec: FlowSpec) -> PortRange:
    """Return the port of a flow of the guide, or the range that it stands for."""
    return _range(spec.params) or PortRange(first=spec.port, last=spec.port)


def _range(params: Mapping[str, Scalar]) -> PortRange | None:
    first, last = params.get("first"), params.get("last")
    return PortRange(first=first, last=last) if isinstance(first, int) and isinstance(last, int) else None


def proxied(report: Report) -> bool:
    """Return whether clients at the site of *report* go through a proxy, be it a PAC file that says so."""
    return report.site.proxy is not None or any(result.flow.via is Via.PROXY for result in report.results)


def proxy_addresses(report: Report) -> tuple[str, ...]:
    """Return the addresses of the site's proxies, as far as the report knows them."""
    named = [result.flow.proxy for result in report.results] + [str(report.site.proxy or "")]
    hosts = dict.fromkeys(host for one in named if (host := _host_of(one)))
    known = ((host,) if is_address(host) else addresses_of(host, report.results) for host in hosts)
    return tuple(dict.fromkeys(address for some in known for address in some if _usable(address)))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""


def is_address(text: str) -> bool:
    """Return whether *text* is an IP address, and no more: a zone, which may be any text, has no place in a rule."""
    if "%" in text:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _usable(address: str) -> bool:
    return is_address(address) and "%" not in address and not nowhere(address)


def _relay(result: Result, ranges: tuple[str, ...]) -> Destination:
    """Return where conferences are: in the guide's ranges, if the relay that stood in for them is there too."""
    relays = [str(step.facts["relay"]) for step in result.steps if step.facts.get("relay")]
    seen = tuple(dict.fromkeys(relay for relay in relays if _usable(relay)))
    if all(within(relay, ranges) for relay in seen):
        return Destination(addresses=ranges, ranges=ranges, what=CONFERENCE)
    return Destination(addresses=seen, ranges=ranges, what=CONFERENCE)


def within(address: str, ranges: Iterable[str]) -> bool:
    """Return whether *address* lies in one of *ranges*."""
    parsed = ipaddress.ip_address(address)
    return any(parsed in ipaddress.ip_network(one) for one in ranges)
