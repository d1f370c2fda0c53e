"""The proxy refuses tunnels: to one port, to some names, to addresses, or to all."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.proxy import tunnels, with_cause
from rainbow_probe.judge.rules import proxy_rule
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.words import hosts
from rainbow_probe.model import Cause, Result, Who


def denials(scene: Scene) -> list[Found]:
    """Tell by what else the proxy let through whether it refuses a port, a name, an address, or everything."""
    denied, opened = with_cause(scene, Cause.PROXY_DENIED), tunnels(scene)
    if not denied:
        return []
    if not opened:
        return [_everything(denied)]
    numeric = [result for result in denied if by_address(result) and _same_by_name(result, opened)]
    found = [_addresses(numeric, opened)] if numeric else []
    rest = [result for result in denied if result not in numeric]
    open_ports = {result.flow.target.port for result in opened}
    shut_ports = dict.fromkeys(p for result in rest if (p := result.flow.target.port) not in open_ports)
    found += [_port(port, [r for r in rest if r.flow.target.port == port], opened) for port in shut_ports]
    names = [result for result in rest if result.flow.target.port in open_ports]
    return [*found, _names(names, opened)] if names else found


def by_address(result: Result) -> bool:
    """Return whether CONNECT was to give the address instead of the name."""
    return result.flow.params.get("by") == "address"


def _same_by_name(result: Result, opened: Sequence[Result]) -> list[Result]:
    return [other for other in opened if other.flow.target == result.flow.target and not by_address(other)]


def _answers(results: Sequence[Result]) -> str:
    details = dict.fromkeys(result.verdict.failure.detail for result in results if result.verdict.failure)
    return "; ".join(list(details)[:3])


def _everything(denied: Sequence[Result]) -> Found:
    return Found(
        id="proxy-denied",
        title="The proxy refuses every tunnel",
        who=Who.PROXY,
        fix="Let this machine use CONNECT, to the targets below.",
        claims=tuple(denied),
        detail=_answers(denied),
        rules=(proxy_rule(denied),),
    )


def _addresses(denied: Sequence[Result], opened: Sequence[Result]) -> Found:
    return Found(
        id="proxy-denies-addresses",
        title="The proxy refuses tunnels to addresses, though it opens them to the same hosts by name",
        who=Who.PROXY,
        fix="Permit CONNECT to the addresses of the TURN servers too, or run WebRTC gateways from version 1.75 on, "
        "which give names.",
        claims=tuple(denied),
        shows=tuple(distinct(r for d in denied for r in _same_by_name(d, opened))),
        detail=_answers(denied),
        rules=(proxy_rule(denied),),
    )


def _port(port: int, denied: Sequence[Result], opened: Sequence[Result]) -> Found:
    same_hosts = {result.flow.target.host for result in denied}
    controls = [result for result in opened if result.flow.target.host in same_hosts] or list(opened)
    return Found(
        id=f"proxy-denies-{port}",
        title=f"The proxy refuses CONNECT to port {port}, though it opens other ports",
        who=Who.PROXY,
        fix=f"Permit CONNECT to port {port} of these hosts. What passes to TURN servers there is no web traffic, so it "
        "must not be inspected as HTTP either.",
        claims=tuple(denied),
        shows=tuple(controls),
        detail=_answers(denied),
        rules=(proxy_rule(denied),),
    )


def _names(denied: Sequence[Result], opened: Sequence[Result]) -> Found:
    ports = {result.flow.target.port for result in denied}
    return Found(
        id="proxy-denies-name",
        title=f"The proxy refuses {hosts(denied)}, though it opens the same port to other hosts",
        who=Who.PROXY,
        fix="Put these hosts on the proxy's list of allowed targets.",
        claims=tuple(denied),
        shows=tuple(result for result in opened if result.flow.target.port in ports),
        detail=_answers(denied),
        rules=(proxy_rule(denied),),
    )
