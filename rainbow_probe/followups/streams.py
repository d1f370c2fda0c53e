"""TLS that does not come about, or falls silent: is it the name, the size of the packets, or all of that port?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rainbow_probe.checks.https import paths
from rainbow_probe.followups.ask import SMALL, ask, ask_neutral, few, neutral, stopped
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Cause, Flow, Phase, Transport

CUTS = frozenset({Cause.TIMEOUT, Cause.RESET, Cause.CLOSED})
SILENCE = frozenset({Cause.TIMEOUT})
WITHIN = frozenset({Phase.TLS, Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP})
SERVICE = ("https", "xmpp", "turn", "push")


def names(sofar: Sofar) -> Iterable[Flow]:
    """Where TLS is cut or left without an answer: ask the same address without the name, and with a neutral one."""
    for result in few(stopped(sofar, frozenset({Phase.TLS}), CUTS, *SERVICE)):
        yield ask(result.flow, "tls", "no-name", sni="")
        if other := neutral(sofar.guide):
            yield ask(result.flow, "tls", "other-name", sni=other)
        yield from ask_neutral(result.flow, sofar.guide)


def sizes(sofar: Sofar) -> Iterable[Flow]:
    """Where a stream falls silent that was open: ask the same in small segments, and no less of it."""
    for result in few(stopped(sofar, WITHIN, SILENCE, *SERVICE)):
        flow = result.flow
        if flow.transport is Transport.TLS:
            yield _small(flow)


def _small(flow: Flow) -> Flow:
    """Return the control of *flow* in small segments; a web page of the same host says nothing of its XMPP server."""
    if flow.kind == "xmpp":
        return replace(flow, id=f"{flow.id}/small", params={**flow.params, "segment": SMALL}, control_of=flow.id)
    if flow.kind == "https":
        return ask(flow, "tls+http", "small", segment=SMALL, paths=" ".join(paths(flow)))
    return ask(flow, "tls", "small", segment=SMALL)


def strangers(sofar: Sofar) -> Iterable[Flow]:
    """Where an issuer is not trusted: ask who signs for a host that is not the service's."""
    for result in stopped(sofar, frozenset({Phase.TLS}), frozenset({Cause.TLS_UNTRUSTED}), *SERVICE):
        yield from ask_neutral(result.flow, sofar.guide)
