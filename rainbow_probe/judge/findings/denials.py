"""The proxy refuses tunnels: to one port, to some names, to addresses, or to all."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.neutral import missed, neutral
from rainbow_probe.judge.findings.proxy import tunnels, with_cause
from rainbow_probe.judge.rules import proxy_rule
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import answered, cause, fact, interceptor, issuer, passes, tunnelled
from rainbow_probe.judge.words import common_name, hosts, named
from rainbow_probe.model import Cause, Phase, Result, Transport, Who

FEWEST_GROUPS = 2  # of hosts, refused on one port alike
FORBIDDEN = "403"
DENIED = "DENIED"  # as squid names its own page: ERR_ACCESS_DENIED


def denials(scene: Scene) -> list[Found]:
    """Tell by what else the proxy let through whether it refuses a port, a name, an address, or everything.

    A port needs proof: a host that is let through on another one, or hosts of several groups refused on it alike.
    """
    inside = [result for result in scene.failing if _refused_inside(result, scene)]
    denied = [*with_cause(scene, Cause.PROXY_DENIED), *inside]
    refused = set(map(_port_of, inside))  # where its 200 is no tunnel
    opened = [r for r in (*tunnels(scene), *filter(tunnelled, neutral(scene))) if _port_of(r) not in refused]
    if not denied:
        return []
    if not opened:
        return [_everything(denied, _denied_neutral(scene))]
    numeric = [result for result in denied if by_address(result) and _same_by_name(result, opened)]
    found = [_addresses(numeric, opened)] if numeric else []
    rest = [result for result in denied if result not in numeric]
    by_port = _by_port(rest, opened, scene)
    found += [_port(port, lost, [*opened, *_denied_neutral(scene, port)], scene) for port, lost in by_port.items()]
    names = [result for result in rest if not any(result in lost for lost in by_port.values())]
    return [*found, _names(names, opened)] if names else found


def _refused_inside(result: Result, scene: Scene) -> Result | None:
    """Return the control in which the proxy refused the tunnel of *result* inside a TLS of its own.

    A proxy that decrypts TLS says 200 to every CONNECT, makes a certificate for the target, and then says 403.
    """
    if not tunnelled(result) or result.flow.transport is not Transport.TCP or answered(result):
        return None
    boxes = {issuer(one) for one in scene.tried() if interceptor(one) or cause(one) is Cause.TLS_UNTRUSTED} - {""}
    asked = (one for one in scene.controls_of(result) if one.flow.id.endswith("/tls") and passes(one))
    refused = (one for one in asked if fact(one, "status", Phase.HTTP) == FORBIDDEN)
    return next((one for one in refused if issuer(one) in boxes or DENIED in fact(one, "x_squid_error")), None)


def _by_port(denied: Sequence[Result], opened: Sequence[Result], scene: Scene) -> dict[int, list[Result]]:
    """Gather what is refused for its port: nobody gets through there, and it is not just that these hosts do not."""
    open_ports, let_in = set(map(_port_of, opened)), set(map(_host_of, opened))
    forbidden = {_host_of(result) for result in denied if _port_of(result) in open_ports} - let_in
    ports: dict[int, list[Result]] = {}
    for result in denied:
        if _port_of(result) not in open_ports and _host_of(result) not in forbidden:
            ports.setdefault(_port_of(result), []).append(result)
    return {
        port: lost
        for port, lost in ports.items()
        if let_in & set(map(_host_of, lost))
        or len(set(map(scene.group_of, lost))) >= FEWEST_GROUPS
        or _denied_neutral(scene, port)
    }


def _denied_neutral(scene: Scene, port: int | None = None) -> list[Result]:
    """Return the tunnels to the neutral host that the proxy refused as well."""
    return [one for one in missed(scene, Cause.PROXY_DENIED) if port in {None, _port_of(one)}]


def _port_of(result: Result) -> int:
    return result.flow.target.port


def _host_of(result: Result) -> str:
    return result.flow.target.host


def by_address(result: Result) -> bool:
    """Return whether CONNECT was to give the address instead of the name."""
    return result.flow.params.get("by") == "address"


def _same_by_name(result: Result, opened: Sequence[Result]) -> list[Result]:
    return [other for other in opened if other.flow.target == result.flow.target and not by_address(other)]


def _answers(results: Sequence[Result]) -> str:
    details = dict.fromkeys(result.verdict.failure.detail for result in results if result.verdict.failure)
    return "; ".join(list(details)[:3])


def _everything(denied: Sequence[Result], neutral: Sequence[Result]) -> Found:
    return Found(
        id="proxy-denied",
        title="The proxy refuses every tunnel" + (", to a neutral host as well" if neutral else ""),
        who=Who.PROXY,
        fix="Let this machine use CONNECT, to the targets below.",
        claims=tuple(denied),
        shows=tuple(neutral),
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


def _port(port: int, denied: Sequence[Result], opened: Sequence[Result], scene: Scene) -> Found:
    let_in = {_host_of(result) for result in denied} & {_host_of(result) for result in opened}
    controls = [one for one in opened if not let_in or _host_of(one) in let_in or not tunnelled(one)]
    pages = [page for result in denied if (page := _refused_inside(result, scene))]
    return Found(
        id=f"proxy-denies-{port}",
        title=f"The proxy refuses CONNECT to port {port}, though it opens other ports",
        who=Who.PROXY,
        fix=f"Permit CONNECT to port {port} of these hosts. What passes to TURN servers there is no web traffic, so it "
        "must not be inspected as HTTP either.",
        claims=tuple(denied),
        shows=(*controls, *pages),
        detail=_pages(pages) or _answers(denied),
        rules=(proxy_rule(denied),),
    )


def _pages(pages: Sequence[Result]) -> str:
    """Quote the refusals that came after a 200, each under a certificate of the proxy's own."""
    if not pages:
        return ""
    said = dict.fromkeys(
        f"{fact(page, 'status', Phase.HTTP)} {fact(page, 'x_squid_error', Phase.HTTP)}".strip() for page in pages
    )
    signed = common_name(issuer(pages[0]))
    return f"it says 200 to CONNECT, and then in a TLS of its own, signed by {signed}: {named(said)}"


def _names(denied: Sequence[Result], opened: Sequence[Result]) -> Found:
    ports = {_port_of(result) for result in denied}
    controls = [result for result in opened if _port_of(result) in ports]
    beside = "the same port to other hosts" if controls else "tunnels to others"
    return Found(
        id="proxy-denies-name",
        title=f"The proxy refuses {hosts(denied)}, though it opens {beside}",
        who=Who.PROXY,
        fix="Put these hosts on the proxy's list of allowed targets.",
        claims=tuple(denied),
        shows=tuple(controls or opened),
        detail=_answers(denied),
        rules=(proxy_rule(denied),),
    )
