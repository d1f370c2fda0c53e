"""What the proxy does to our flows."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judging.findings.case import Case, Draft, cause, detail, host, hosts, listed, phase
from rainbow_probe.judging.findings.rules import proxy_rule
from rainbow_probe.model import Cause, Phase, Result, Via, Who


def _proxied(result: Result) -> bool:
    return result.flow.via is Via.PROXY


def unreachable(case: Case) -> Sequence[Draft]:
    """Find that the proxy itself does not answer."""
    claims = case.failing(lambda result: cause(result) is Cause.PROXY_UNREACHABLE)
    return _one(
        claims,
        "proxy-unreachable",
        f"The proxy {case.site.proxy} cannot be reached",
        "Check the proxy's address and port in this machine's settings, that it runs, and the way to it.",
    )


def wants_credentials(case: Case) -> Sequence[Draft]:
    """Find a 407, with the schemes offered."""
    claims = case.failing(lambda result: cause(result) is Cause.PROXY_AUTH)
    given = bool(case.site.proxy and case.site.proxy.credentials)
    title = (
        "The proxy refuses the user and password it was given" if given else "The proxy asks for a user and a password"
    )
    return _one(
        claims,
        "proxy-auth",
        title,
        "Give the right user in RAINBOW_PROBE_PROXY_USER and RAINBOW_PROBE_PROXY_PASSWORD (Basic only, so far), and make "
        "sure that every client can sign in at the proxy; or exempt the service from authentication.",
    )


def denies(case: Case) -> Sequence[Draft]:
    """Find refused tunnels: a port, if another port works; names, if others on the same port do; else all."""
    denied = case.failing(lambda result: cause(result) is Cause.PROXY_DENIED)
    opened = case.passing(_proxied)
    drafts: list[Draft] = []
    for port in sorted({result.flow.target.port for result in denied}):
        claims = [result for result in denied if result.flow.target.port == port]
        drafts.append(_denied(port, claims, opened))
    return drafts


def _denied(port: int, claims: list[Result], opened: list[Result]) -> Draft:
    same = [result for result in opened if result.flow.target.port == port]
    if not opened:
        identity, what = "proxy-denied", "every tunnel"
    elif not same:
        identity, what = f"proxy-denies-{port}", f"tunnels to port {port}"
    elif all(result.flow.params.get("by") == "address" for result in claims):
        identity, what = "proxy-denies-addresses", f"tunnels by address to port {port}"
    else:
        identity, what = "proxy-denies-names", f"tunnels to {listed(hosts(claims))}"
    return Draft(
        id=identity,
        title=f"The proxy refuses {what}",
        who=Who.PROXY,
        fix=f"Allow CONNECT to {listed(hosts(claims))} on port {port} in the proxy.",
        claims=claims,
        controls=(same or opened)[:2],
        detail=detail(claims[0]),
        rules=(proxy_rule(claims),),
    )


def fails_beyond(case: Case) -> Sequence[Draft]:
    """Find tunnels the proxy would allow, and cannot make or does not answer for."""
    drafts: list[Draft] = []
    for kind, identity, what in _BEYOND:
        claims = case.failing(lambda r, kind=kind: _proxied(r) and phase(r) is Phase.PROXY and cause(r) is kind)  # type: ignore[misc]
        drafts += _one(
            claims,
            identity,
            f"The proxy {what} {listed(hosts(claims))}",
            "Check the proxy's own way out: its resolver, and the firewall between it and the Internet.",
            case.passing(_proxied)[:1],
        )
    return drafts


_BEYOND = (
    (Cause.PROXY_RESOLVE_FAILED, "proxy-resolve-failed", "does not find"),
    (Cause.PROXY_TARGET_FAILED, "proxy-target-failed", "does not reach"),
    (Cause.TIMEOUT, "proxy-silent", "gives no answer for"),
)


def too_old(case: Case) -> Sequence[Draft]:
    """Find HTTP/1.0: browsers do not mind, the WebRTC gateway does."""
    return _one(
        case.failing(lambda result: cause(result) is Cause.PROXY_HTTP10),
        "proxy-http10",
        "The proxy speaks HTTP/1.0, the WebRTC gateway needs HTTP/1.1",
        "Let the proxy answer with HTTP/1.1, or give the WebRTC gateway a direct way out.",
    )


def strips_upgrade(case: Case) -> Sequence[Draft]:
    """Find a refused WebSocket upgrade where HTTPS to the same host works by the same way."""
    refused = case.failing(lambda result: cause(result) is Cause.UPGRADE_REFUSED)
    controls = [
        control
        for result in refused
        for control in case.passing(lambda r, result=result: _same_way(r, result))  # type: ignore[misc]
    ]
    between = [r for r in refused if _proxied(r) or any("intercepted_by" in step.facts for step in r.steps)]
    if not between or not controls:
        return []
    return _one(
        between,
        "proxy-no-upgrade",
        "WebSocket upgrades do not get through: log-in works, presence, chat and calls do not",
        "Let the proxy or the TLS inspection pass HTTP Upgrade (WebSocket) to the service, or exempt it from inspection.",
        controls,
    )


def _same_way(other: Result, refused: Result) -> bool:
    return other.flow.kind == "https" and host(other) == host(refused) and other.flow.via is refused.flow.via


def _one(claims: Sequence[Result], identity: str, title: str, fix: str, controls: Sequence[Result] = ()) -> list[Draft]:
    if not claims:
        return []
    return [
        Draft(
            id=identity, title=title, who=Who.PROXY, fix=fix, claims=claims, controls=controls, detail=detail(claims[0])
        )
    ]
