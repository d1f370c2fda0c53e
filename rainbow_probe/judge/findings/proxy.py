"""What the proxy does not do: answer at all, let us in, open this port or name, reach the target."""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.judge.scene import Found, Scene, failing
from rainbow_probe.judge.traces import cause, direct, fact, tried, tunnelled
from rainbow_probe.judge.words import count, hosts, named
from rainbow_probe.model import Cause, Phase, Result, Who


def proxied(scene: Scene) -> list[Result]:
    """Return what was sent towards the proxy."""
    return [result for result in scene.results if tried(result) and not direct(result)]


def with_cause(scene: Scene, *causes: Cause) -> list[Result]:
    """Return the unexplained failures with one of *causes*."""
    return [result for result in scene.failing if cause(result) in causes]


def tunnels(scene: Scene) -> list[Result]:
    """Return the checks for which the proxy opened a tunnel."""
    return [result for result in scene.results if tunnelled(result)]


def unreachable(scene: Scene) -> list[Found]:
    """Say that the proxy is not there, if none of all that was sent to it arrived."""
    lost = with_cause(scene, Cause.PROXY_UNREACHABLE)
    if not lost or len(lost) < len(proxied(scene)):
        return []
    return [
        Found(
            id="proxy-unreachable",
            title=f"The proxy {scene.site.proxy} cannot be reached",
            who=Who.PROXY,
            fix=f"Check that this is the right proxy (the setting comes from: {scene.site.proxy_source}), that it "
            "runs, and that this network may connect to it.",
            claims=tuple(lost),
            detail=_details(lost),
        )
    ]


def silent(scene: Scene) -> list[Found]:
    """Say that the proxy takes connections and then says nothing, if it was so each time."""
    mute = [result for result in failing(scene, Phase.PROXY) if cause(result) in {Cause.TIMEOUT, Cause.CLOSED}]
    if not mute or len(mute) < len(proxied(scene)):
        return []
    return [
        Found(
            id="proxy-silent",
            title=f"The proxy {scene.site.proxy} takes connections but never answers CONNECT",
            who=Who.PROXY,
            fix="Check that an HTTP proxy listens there, that it serves this network, and that it is not overloaded.",
            claims=tuple(mute),
            detail=f"{count(len(mute), 'tunnel')} asked for; {_details(mute)}",
        )
    ]


def authentication(scene: Scene) -> list[Found]:
    """Say that the proxy wants credentials: its own answer (407) is the proof."""
    asked = with_cause(scene, Cause.PROXY_AUTH)
    if not asked:
        return []
    offered = named(dict.fromkeys(word for result in asked for word in fact(result, "offered", Phase.PROXY).split()))
    given = scene.site.proxy is not None and scene.site.proxy.credentials is not None
    told = "does not accept the credentials it was given" if given else "wants credentials, and there are none"
    return [
        Found(
            id="proxy-auth",
            title=f"The proxy {told}" + (f" (it offers {offered})" if offered else ""),
            who=Who.ENDPOINT,
            fix=_credentials_fix(offered, given=given),
            claims=tuple(asked),
            detail=_details(asked),
        )
    ]


def _credentials_fix(offered: str, *, given: bool) -> str:
    if offered and "basic" not in offered.lower():
        return (
            f"This probe has Basic authentication only, not {offered}: clients that have it may well get through. Have "
            "the proxy let this machine through without, or with Basic, and run again."
        )
    if given:
        return "Correct the user and the password in the proxy setting (RAINBOW_PROBE_PROXY_USER and _PASSWORD)."
    return "Give the user and the password, in the proxy's URL or as RAINBOW_PROBE_PROXY_USER and _PASSWORD."


def unresolved(scene: Scene) -> list[Found]:
    """Say which names the proxy cannot resolve: it says so itself."""
    lost = with_cause(scene, Cause.PROXY_RESOLVE_FAILED)
    if not lost:
        return []
    return [
        Found(
            id="proxy-dns",
            title=f"The proxy cannot resolve {hosts(lost)}",
            who=Who.PROXY,
            fix="Give the proxy a resolver that knows the names of the Internet, these among them.",
            claims=tuple(lost),
            shows=tuple(tunnels(scene)),
            detail=_details(lost),
        )
    ]


def unreached(scene: Scene) -> list[Found]:
    """Say which targets the proxy cannot reach: it says so itself."""
    lost = with_cause(scene, Cause.PROXY_TARGET_FAILED)
    if not lost:
        return []
    opened = tunnels(scene)
    ports = sorted({result.flow.target.port for result in lost} - {result.flow.target.port for result in opened})
    where = f"port {named(ports)} of {hosts(lost)}" if opened and ports else hosts(lost)
    return [
        Found(
            id="proxy-target-failed",
            title=f"The proxy accepts, but cannot reach {where}",
            who=Who.PROXY,
            fix="Open the way from the proxy to these targets, in the firewall behind it or in its list of parents.",
            claims=tuple(lost),
            shows=tuple(opened),
            detail=_details(lost),
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
            detail=_details(old),
        )
    ]


def _details(results: Iterable[Result]) -> str:
    """Quote what was seen, each thing once."""
    return named(dict.fromkeys(result.verdict.failure.detail for result in results if result.verdict.failure), 3)
