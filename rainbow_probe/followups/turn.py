"""TURN on an open connection that gets no STUN: who answers there in another protocol?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rainbow_probe.followups.ask import SMALL, ask, few, stopped
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Cause, Flow, Phase, Transport, Via

STOPS = frozenset({Cause.TIMEOUT, Cause.RESET, Cause.CLOSED, Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN})
REJECTED = frozenset({Cause.REFUSED, Cause.PROHIBITED, Cause.UNREACHABLE})
LARGE = frozenset({Cause.LARGE_LOST, Cause.TIMEOUT, Cause.WENT_SILENT})


def web(sofar: Sofar) -> Iterable[Flow]:
    """Ask for HTTP on the same address and port, inside TLS where STUN was.

    A proxy that decrypts TLS says inside a TLS of its own what it refuses, so it is asked there too.
    """
    for result in stopped(sofar, frozenset({Phase.STUN}), STOPS, "turn"):
        if result.flow.transport is not Transport.UDP:
            speak = "tls+http" if result.flow.transport is Transport.TLS else "http"
            yield ask(result.flow, speak, "http")
        if result.flow.transport is Transport.TCP and result.flow.via is Via.PROXY:
            yield ask(result.flow, "tls+http", "tls")


def rejected(sofar: Sofar) -> Iterable[Flow]:
    """Where UDP is rejected: find out who does so, the server itself or somebody on the way."""
    for result in few(stopped(sofar, frozenset({Phase.STUN}), REJECTED, "turn")):
        if result.flow.transport is Transport.UDP:
            yield ask(result.flow, "stun", "who-rejects")


def largest(sofar: Sofar) -> Iterable[Flow]:
    """Where large packets are lost: find the size that still passes over UDP, if the server is heard there."""
    for result in stopped(sofar, frozenset({Phase.TURN_DATA}), frozenset({Cause.LARGE_LOST}), "turn"):
        for other in sofar.ended("turn"):
            same = other.flow.target.host == result.flow.target.host and other.flow.transport is Transport.UDP
            if same and any(step.phase is Phase.STUN and step.failure is None for step in other.steps):
                flow = replace(other.flow, kind="mtu", source=None, params={}, control_of=result.flow.id)
                yield replace(flow, id=f"{result.flow.id}/mtu")
                break


def sizes(sofar: Sofar) -> Iterable[Flow]:
    """Where large packets are lost on a stream: try the same call in small segments."""
    for result in stopped(sofar, frozenset({Phase.TURN_DATA, Phase.DTLS}), LARGE, "turn"):
        flow = result.flow
        if flow.transport is not Transport.UDP:
            params = {**flow.params, "segment": SMALL}
            yield replace(flow, id=f"{flow.id}/small", params=params, control_of=flow.id)
