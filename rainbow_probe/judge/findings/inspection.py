"""TLS that somebody on the way decrypts, by whom, and what must be exempt from it."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.neutral import past_the_proxy
from rainbow_probe.judge.findings.proxy import with_cause
from rainbow_probe.judge.rules import exemption_rule
from rainbow_probe.judge.scene import CONTROLS, Found, Scene, distinct, failing
from rainbow_probe.judge.traces import answered, cause, domain, failure, handshakes, interceptor, issuer, passes, shown
from rainbow_probe.judge.words import common_name, hosts, named
from rainbow_probe.model import Cause, IssuerPolicy, Phase, Result, Via, Who

UPGRADE = frozenset({Cause.UPGRADE_REFUSED, Cause.SUBPROTOCOL_MISSING})
UNRELATED = 2  # domains that show one issuer, before it is called a box on the way
MANY = 3  # where a neutral host shows another one
EXEMPT = "do not decrypt and do not inspect"


def intercepted(scene: Scene) -> list[Found]:
    """Name who decrypts TLS: an issuer only this machine trusts, or one unknown issuer on unrelated domains."""
    seen = [result for result in scene.tried() if interceptor(result)]
    strange = _same_stranger(scene, {issuer(result) for result in seen} - {""})
    if not seen and not strange:
        return []
    names = list(dict.fromkeys(common_name(interceptor(r) or issuer(r)) for r in (*seen, *strange)))
    broken = [r for r in scene.failing if cause(r) is Cause.TLS_INTERCEPTED]
    borne = [result for result in seen if passes(result)]
    by = {interceptor(r) or issuer(r) for r in (*seen, *strange)}
    own = _operator_hosts(scene, by)
    claims = distinct([*broken, *strange, *own])
    distrust = "" if seen else ", and this machine does not trust it"
    return [
        Found(
            id="tls-intercepted",
            title=f"TLS is decrypted on the way by {named(names)}{distrust}",
            who=Who.TLS_INSPECTION,
            fix=_fix(claims, borne),
            claims=tuple(claims),
            shows=tuple(distinct([*seen, *(c for c in _neutral(scene) if issuer(c) in by)])),
            detail=_detail(claims, borne, own),
            rules=(exemption_rule(scene, claims or borne, EXEMPT),),
        )
    ]


def _same_stranger(scene: Scene, known: set[str]) -> list[Result]:
    """Return the untrusted certificates whose issuer is *known* to intercept, or shows on unrelated domains."""
    by_issuer: dict[str, list[Result]] = {}
    for result in with_cause(scene, Cause.TLS_UNTRUSTED):
        by_issuer.setdefault(issuer(result), []).append(result)
    return [
        result
        for name, results in by_issuer.items()
        if name in known or (name and _stands_between(name, results, scene))
        for result in results
    ]


def _stands_between(name: str, results: Sequence[Result], scene: Scene) -> bool:
    """Return whether the issuer *name* signs for so many that it is a box: a neutral host is the best witness.

    So is the same host, if it shows a certificate that is trusted where no proxy carries the connection.
    """
    if any(answered(past) and issuer(past) != name for result in results for past in _past(scene, result)):
        return True
    shown_there = {issuer(control) for control in _neutral(scene)} - {""}
    domains = len({domain(result.flow.target.host) for result in results})
    return name in shown_there or domains >= (MANY if shown_there else UNRELATED)


def _past(scene: Scene, result: Result) -> list[Result]:
    """Return what the host of *result*, met through a proxy, showed past it."""
    proxied = result.flow.via is Via.PROXY
    return [past for past in past_the_proxy(scene, result) if proxied and any(handshakes(past))]


def _neutral(scene: Scene) -> list[Result]:
    """Return what a host that is not the service's showed."""
    own = {result.flow.target.host for result in scene.results if result.flow.kind not in CONTROLS}
    return [c for c in scene.controls if c.flow.kind == "answers" and c.flow.target.host not in own]


def _operator_hosts(scene: Scene, issuers: set[str]) -> list[Result]:
    """Return the hosts where any issuer would do, and which show the interceptor's all the same."""
    return [r for r in scene.tried() if r.flow.policy is IssuerPolicy.OPERATOR and issuer(r) in issuers]


def _fix(claims: Sequence[Result], borne: Sequence[Result]) -> str:
    if not claims:
        return f"Nothing must change: the guide allows it for {hosts(borne)}. TURN must never be decrypted."
    kept = f" {hosts(borne)} may stay decrypted, but gain nothing by it." if borne else ""
    return f"Exempt {hosts(claims)} from decryption and inspection, by name.{kept}"


def _detail(claims: Sequence[Result], borne: Sequence[Result], own: Sequence[Result]) -> str:
    broken = [result for result in claims if not any(result is one for one in own)]
    parts = [
        f"it breaks {hosts(broken, 8)}" if broken else "",
        f"it is borne by {hosts(borne, 8)}" if borne else "",
        f"{hosts(own)}, where the operator's own CA is expected, shows the same issuer: whether its client takes that "
        "cannot be told"
        if own
        else "",
        f"issuer: {named(dict.fromkeys(filter(None, map(issuer, (*claims, *borne)))))}",
    ]
    return "; ".join(part for part in parts if part)


def untrusted(scene: Scene) -> list[Found]:
    """Say which certificates are not trusted, and who issued them; on one domain alone it may be anybody."""
    strange = with_cause(scene, Cause.TLS_UNTRUSTED)
    if not strange:
        return []
    issuers = named(dict.fromkeys(issuer(result) or "unknown" for result in strange))
    return [
        Found(
            id="tls-untrusted",
            title=f"The certificate of {hosts(strange)} comes from an issuer that is not trusted here",
            who=Who.TLS_INSPECTION,
            fix="If the issuer is your own inspection, exempt these hosts from it; if it is your own CA, have this "
            "machine trust it; else ask the provider whether the certificate is theirs.",
            claims=tuple(strange),
            detail=f"issuer: {issuers}; chain: {named(dict.fromkeys(shown(r, 'chain') for r in strange), 2)}",
        )
    ]


def upgrade(scene: Scene) -> list[Found]:
    """Say where the upgrade to WebSocket is lost, if HTTPS to the same host gets through by the same way."""
    refused = [r for r in failing(scene, Phase.WEBSOCKET) if cause(r) in UPGRADE and _handled(r)]
    controls = {r.flow.id: _https_beside(r, scene) for r in refused}
    lost = [result for result in refused if controls[result.flow.id]]
    if not lost:
        return []
    boxes = list(dict.fromkeys(common_name(interceptor(r)) for r in lost if interceptor(r)))
    opened = f", where {named(boxes)} opens TLS" if boxes else ""
    return [
        Found(
            id="proxy-no-upgrade",
            title=f"The upgrade to WebSocket is refused on the way to {hosts(lost)}{opened}, though HTTPS works there",
            who=Who.TLS_INSPECTION if boxes and all(r.flow.via is Via.DIRECT for r in lost) else Who.PROXY,
            fix=_upgrade_fix(opened=bool(boxes)),
            claims=tuple(lost),
            shows=tuple(distinct(r for some in controls.values() for r in some)),
            detail=named(dict.fromkeys(seen.detail for r in lost if (seen := failure(r))), 3),
            rules=(exemption_rule(scene, lost, f"{EXEMPT}, or let 'Upgrade: websocket' pass"),),
        )
    ]


def _handled(result: Result) -> bool:
    """Return whether something that may take the upgrade out stands on the way."""
    return result.flow.via is Via.PROXY or bool(interceptor(result))


def _https_beside(result: Result, scene: Scene) -> list[Result]:
    own = (result.flow.target, result.flow.via)
    return [r for r in scene.tried("https") if (r.flow.target, r.flow.via) == own and passes(r)]


def _upgrade_fix(*, opened: bool) -> str:
    if opened:
        return (
            "Let the HTTP Upgrade to WebSocket pass where TLS is opened (in squid: http_upgrade_request_protocols "
            "websocket allow all), or exempt this host from decryption."
        )
    return (
        "Let the proxy hand on the HTTP Upgrade to WebSocket. If it only tunnels and cannot see inside, the answer is "
        "the server's own: compare with a run past the proxy."
    )


def block_page(scene: Scene) -> list[Found]:
    """Say that a box which decrypts TLS answers in the server's place, and show what it says."""
    blocked = with_cause(scene, Cause.BLOCK_PAGE)
    if not blocked:
        return []
    return [
        Found(
            id="block-page",
            title=f"A block page answers for {hosts(blocked)}",
            who=Who.TLS_INSPECTION,
            fix="Put these hosts on the list of allowed sites of the filter that shows the page.",
            claims=tuple(blocked),
            detail=named(dict.fromkeys(seen.detail for r in blocked if (seen := failure(r))), 3),
            rules=(exemption_rule(scene, blocked, "allow, without decryption"),),
        )
    ]
