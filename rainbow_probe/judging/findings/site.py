"""Causes that explain a whole site: offline, captive portal, a wrong clock, a site that is proxy-only."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judging.findings.case import (
    SHUT,
    Case,
    Draft,
    cause,
    detail,
    direct,
    domain,
    fact,
    host,
    listed,
    phase,
)
from rainbow_probe.judging.findings.rules import open_rule
from rainbow_probe.model import Cause, Phase, Result, Via, Who

OFF_BY = 86_400  # seconds a clock may be wrong before certificates are judged wrongly
DATED = frozenset({Cause.TLS_EXPIRED, Cause.TLS_NOT_YET_VALID})
SEVERAL = 2
_NOTHING = SHUT | {Cause.PROXY_UNREACHABLE}


def offline(case: Case) -> Sequence[Draft]:
    """Find that nothing at all answers; a resolver or a proxy inside the site does not make it online."""
    failures = case.failing()
    alive = case.passing(lambda result: result.flow.kind != "dns")
    if alive or len(failures) < SEVERAL or any(cause(result) not in _NOTHING for result in failures):
        return []
    if all(cause(result) is Cause.PROXY_UNREACHABLE for result in failures if result.flow.via is Via.PROXY) and any(
        result.flow.via is Via.PROXY for result in failures
    ):
        return []
    resolved = case.passing(lambda result: result.flow.kind == "dns")
    known = "names are resolved, but nothing beyond the resolver answers" if resolved else "not even names are resolved"
    return [
        Draft(
            id="offline",
            title="Nothing can be reached from this machine",
            who=Who.ENDPOINT,
            fix="Check the network connection of this machine (cable, Wi-Fi, address, gateway, a VPN that is needed), then "
            "run again: as long as nothing answers, no single rule can be judged.",
            claims=failures,
            controls=resolved[:1],
            detail=f"{len(failures)} checks tried, none got an answer; {known}.",
        )
    ]


def captive_portal(case: Case) -> Sequence[Draft]:
    """Find that somebody else answers for a neutral control host, or sends the real hosts' visitors away."""
    shown = case.failing(lambda result: cause(result) is Cause.CAPTIVE_PORTAL)
    if not shown:
        return []
    return [
        Draft(
            id="captive-portal",
            title="A captive portal stands between this machine and the Internet",
            who=Who.ENDPOINT,
            fix="Sign in at the portal with a browser, or take this machine to a network without one, then run again: "
            "until then everything else is the portal's doing.",
            claims=[*shown, *(result for result in case.failing() if result not in shown)],
            detail=detail(shown[0]),
        )
    ]


def wrong_clock(case: Case) -> Sequence[Draft]:
    """Find that certificates are refused for their dates because this machine's clock is wrong."""
    dated = case.failing(lambda result: cause(result) in DATED)
    skewed = [r for r in case.results if abs(_skew(r)) > OFF_BY]
    unrelated = {domain(host(result)) for result in dated}
    if not dated or not (skewed or len(unrelated) >= SEVERAL):
        return []
    by = (
        f"this machine is {_skew(skewed[0]) / OFF_BY:+.1f} days off by the answer of {host(skewed[0])}"
        if skewed
        else ""
    )
    return [
        Draft(
            id="clock-wrong",
            title="The clock of this machine is wrong, so certificates look expired or not yet valid",
            who=Who.ENDPOINT,
            fix="Set date, time and time zone of this machine (NTP), then run again.",
            claims=dated,
            controls=skewed[:1],
            detail="; ".join(filter(None, [by, f"dates refused at {listed(sorted(unrelated))}"])),
        )
    ]


def _skew(result: Result) -> int:
    found = fact(result, "clock_skew_s", [Phase.HTTP, Phase.WEBSOCKET])
    return found if isinstance(found, int) else 0


def proxy_only(case: Case) -> Sequence[Draft]:
    """Find that nothing leaves but through the proxy, which works: clients that use none are cut off."""
    wanted = case.failing(lambda r: direct(r) and r.flow.kind in {"turn", "push", "udp-range", "https", "xmpp"})
    shut = [result for result in wanted if cause(result) in SHUT and phase(result) is not Phase.RESOLVE]
    unresolved = [result for result in wanted if phase(result) is Phase.RESOLVE]
    alive = case.passing(lambda result: direct(result) and result.flow.kind not in {"dns", "portal"})
    through = case.passing(lambda result: result.flow.via is Via.PROXY)
    ports = {(result.flow.transport, result.flow.target.port) for result in shut}
    if alive or not through or len(ports) < SEVERAL or len(shut) + len(unresolved) < len(wanted):
        return []
    named = ", ".join(sorted(f"{transport.upper()}/{port}" for transport, port in ports))
    return [
        Draft(
            id="direct-blocked",
            title="Only the proxy leads out: flows that cannot use a proxy are blocked",
            who=Who.FIREWALL,
            fix="Mobile clients, Rooms and push never use a proxy for these flows: open them directly in the firewall, or "
            "accept that these devices fall back to mobile data. Calls of the other clients go through the proxy.",
            claims=[*shut, *unresolved],
            controls=through[:2],
            detail=f"direct attempts at {named} got no answer, while the proxy opens tunnels",
            rules=tuple(
                open_rule(case, [r for r in shut if _port(r) == port], str(port[1]), port[0].upper(), "direct flows")
                for port in sorted(ports)
            ),
        )
    ]


def _port(result: Result) -> tuple[str, int]:
    return result.flow.transport, result.flow.target.port
