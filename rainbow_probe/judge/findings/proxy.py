"""What the proxy does not do: answer at all, let us in, open this port or name, reach the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rainbow_probe.judge.findings.neutral import neutral
from rainbow_probe.judge.scene import Found, Scene, failing
from rainbow_probe.judge.traces import PROXY_ONLY, answered, cause, direct, fact, tried, tunnelled
from rainbow_probe.judge.words import count, hosts, named
from rainbow_probe.model import Cause, Phase, Result, Who

FIRST_WORDS = (Phase.TLS, Phase.STUN, Phase.HTTP)
"""Phases right behind the tunnel, in which the target has to say something."""
STRANGE = frozenset({Cause.NOT_HTTP, Cause.NOT_SOCKS})
UNHEARD = frozenset({Cause.TIMEOUT, Cause.CLOSED, Cause.RESET})
FEWEST_HOSTS = 2  # one that is not heard may be its own trouble


def proxied(scene: Scene) -> list[Result]:
    """Return what was sent towards the proxy."""
    return [result for result in scene.results if tried(result) and not direct(result)]


def with_cause(scene: Scene, *causes: Cause) -> list[Result]:
    """Return the unexplained failures with one of *causes*."""
    return [result for result in scene.failing if cause(result) in causes]


def by_proxy(scene: Scene, lost: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    """Gather *lost* by proxy, with those proxies only to which nothing that was sent fared better."""
    sent = Counter(result.flow.proxy for result in proxied(scene))
    groups: dict[str, list[Result]] = {}
    for result in lost:
        groups.setdefault(result.flow.proxy, []).append(result)
    return [(proxy, found) for proxy, found in groups.items() if len(found) >= sent[proxy]]


def _from(scene: Scene, lost: Sequence[Result]) -> str:
    """Say where the setting was found that leads *lost* to their proxy."""
    names = {result.flow.proxy for result in lost}
    found = (way.source for way in scene.site.destinations if str(way.used) in names)
    return next(found, scene.site.proxy_source)


def tunnels(scene: Scene) -> list[Result]:
    """Return the checks for which the proxy opened a tunnel."""
    return [result for result in scene.results if tunnelled(result)]


def unreachable(scene: Scene) -> list[Found]:
    """Say that the proxy is not there, if none of all that was sent to it arrived."""
    lost = with_cause(scene, Cause.PROXY_UNREACHABLE)
    return [_unreachable(scene, proxy, found) for proxy, found in by_proxy(scene, lost)]


def _unreachable(scene: Scene, proxy: str, lost: list[Result]) -> Found:
    unknown = all(map(_no_address, lost))
    return Found(
        id="proxy-unreachable",
        title=f"The name of the proxy {proxy} does not resolve" if unknown else f"The proxy {proxy} cannot be reached",
        who=Who.ENDPOINT if unknown else Who.PROXY,
        fix=f"Check that this is the right proxy (the setting comes from: {_from(scene, lost)}), that it "
        "runs, and that this network may connect to it.",
        claims=tuple(lost),
        detail=details(lost),
    )


def _no_address(result: Result) -> bool:
    """Return whether *result* ended at the look-up of the proxy's own name."""
    stages = [step for step in result.steps if step.phase in {Phase.RESOLVE, Phase.CONNECT}]
    return bool(stages) and stages[-1].phase is Phase.RESOLVE and stages[-1].failure is not None


def silent(scene: Scene) -> list[Found]:
    """Say that the proxy takes connections and then says nothing, if it was so each time."""
    mute = [result for result in failing(scene, Phase.PROXY) if cause(result) in {Cause.TIMEOUT, Cause.CLOSED}]
    return [
        Found(
            id="proxy-silent",
            title=f"The proxy {proxy} takes connections but never answers CONNECT",
            who=Who.PROXY,
            fix="Check that an HTTP proxy listens there, that it serves this network, and that it is not overloaded.",
            claims=tuple(found),
            detail=f"{count(len(found), 'tunnel')} asked for; {details(found)}",
        )
        for proxy, found in by_proxy(scene, mute)
    ]


def not_http(scene: Scene) -> list[Found]:
    """Say that what listens at the proxy's address is none, if its answer was no HTTP (or SOCKS) each time."""
    odd = [result for result in failing(scene, Phase.PROXY) if cause(result) in STRANGE]
    return [
        Found(
            id="proxy-not-http",
            title=f"What answers at the proxy {proxy} does not speak {_language(proxy)}",
            who=Who.PROXY,
            fix=f"Check the proxy's address and port (the setting comes from: {_from(scene, found)}): another "
            "service listens there, or the proxy wants another language (http://, https:// for TLS, socks5://).",
            claims=tuple(found),
            detail=details(found),
        )
        for proxy, found in by_proxy(scene, odd)
    ]


def _language(proxy: str) -> str:
    return "SOCKS" if proxy.startswith("socks") else "HTTP"


def passes_nothing(scene: Scene) -> list[Found]:
    """Say that the proxy opens tunnels into which nothing goes, if no target was heard through any of them."""
    used = [result for result in tunnels(scene) if result.flow.kind not in PROXY_ONLY]
    lost = [r for r in failing(scene, *FIRST_WORDS) if tunnelled(r) and cause(r) in UNHEARD and not answered(r)]
    several = len({result.flow.target.host for result in lost}) >= FEWEST_HOSTS
    if not several or len(lost) < len(used):
        return []
    heard = [one for one in neutral(scene) if answered(one)]
    what = "nothing of the service on, though a neutral host answers through it" if heard else "nothing on"
    look = (
        "Look for what closes these targets behind its answer: a filter by name, the firewall behind the proxy."
        if heard
        else "Look at what the proxy does behind its answer: the way from it to the Internet, a filter, its parent."
    )
    return [
        Found(
            id="proxy-passes-nothing",
            title=f"The proxy {scene.site.proxy} says 200 to CONNECT and passes {what}",
            who=Who.PROXY,
            fix=look,
            claims=tuple(lost),
            shows=(*(result for result in tunnels(scene) if result.flow.kind in PROXY_ONLY), *neutral(scene)),
            detail=f"{count(len(lost), 'tunnel')} to {hosts(lost, 8)}: {details(lost)}",
        )
    ]


def http10(scene: Scene) -> list[Found]:
    """Say that the proxy speaks HTTP/1.0, as its answers show."""
    old = with_cause(scene, Cause.PROXY_HTTP10)
    if not old:
        return []
    return [
        Found(
            id="proxy-http10",
            title="The proxy answers in HTTP/1.0, which the WebRTC gateway does not take",
            who=Who.PROXY,
            fix="Switch the proxy to HTTP/1.1, or send the WebRTC gateway's media past it (UDP/3478 direct).",
            claims=tuple(old),
            detail=details(old),
        )
    ]


def capacity(scene: Scene) -> list[Found]:
    """Say that the proxy holds too few tunnels at once for the numbers that were given."""
    short = with_cause(scene, Cause.PROXY_CAPACITY)
    if not short:
        return []
    return [
        Found(
            id="proxy-capacity",
            title=f"The proxy holds {fact(short[0], 'open_at_once', Phase.PROXY)} tunnels of this machine at once, and "
            "this site needs more",
            who=Who.PROXY,
            fix="Raise the proxy's limits on connections, in all and of one client (a WebRTC gateway is one), its file "
            "handles and source ports; or send media past it (UDP/3478 direct).",
            claims=tuple(short),
            detail=details(short),
        )
    ]


def details(results: Iterable[Result]) -> str:
    """Quote what was seen, each thing once."""
    return named(dict.fromkeys(result.verdict.failure.detail for result in results if result.verdict.failure), 3)
