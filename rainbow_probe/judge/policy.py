"""What the proxy lets through, as its own answers show it: one summary of all that went to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rainbow_probe.judge.traces import POLICY, cause, fact, facts, passes, tried, tunnelled
from rainbow_probe.model import Cause, Phase, Result, Scalar, Via

UPGRADE = frozenset({Cause.UPGRADE_REFUSED, Cause.SUBPROTOCOL_MISSING})
NAMES_ITSELF = ("proxy_agent", "server", "via")


def proxy_policy(results: Sequence[Result]) -> Mapping[str, Scalar]:
    """Return what is known of the proxy's policy; what was not tried, or could not be told, is left out."""
    through = [one for one in results if one.flow.via is Via.PROXY and tried(one)]
    asked = [one for one in through if one.flow.kind != POLICY]
    named = [one for one in asked if one.flow.params.get("by") != "address"]
    known: dict[str, Scalar | None] = {
        "connect_by_name": _lets(named),
        "connect_by_address": _lets(one for one in asked if one not in named),
    }
    ports = sorted({one.flow.target.port for one in named})
    known |= {f"connect_port_{port}": _lets(one for one in named if one.flow.target.port == port) for port in ports}
    known |= {_said_of(one): _said(one) for one in through if one.flow.kind == POLICY}
    known["upgrade"] = _upgrades([one for one in asked if one.flow.kind == "xmpp"])
    known["http_version"] = _first(asked, "http_version")
    known["names_itself"] = next(filter(None, (_first(asked, name) for name in NAMES_ITSELF)), None)
    return {key: value for key, value in known.items() if value not in {None, ""}}


def _said_of(result: Result) -> str:
    return "plain_http" if result.flow.params.get("ask") == "forward" else f"connect_port_{result.flow.target.port}"


def _said(result: Result) -> bool | None:
    return next((bool(value) for value in facts(result, "lets_through")), None)


def _lets(results: Iterable[Result]) -> bool | None:
    """Return whether tunnels open: one that does is enough; a refusal counts only as the proxy's own word."""
    listed = list(results)
    if any(map(tunnelled, listed)):
        return True
    return False if any(cause(one) is Cause.PROXY_DENIED for one in listed) else None


def _upgrades(results: Sequence[Result]) -> bool | None:
    if any(map(passes, results)):
        return True
    return False if any(cause(one) in UPGRADE for one in results) else None


def _first(results: Sequence[Result], key: str) -> str:
    return next((found for one in results if (found := fact(one, key, Phase.PROXY))), "")
