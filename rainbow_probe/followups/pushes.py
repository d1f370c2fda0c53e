"""The long test of idle links, asked for by itself: which links are worth it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Flow, Outcome

KIND = "push-idle"


def idle_links(sofar: Sofar) -> Iterator[Flow]:
    """Ask at the first host that answers on each port of FCM: those links are the ones that are idle for long."""
    ports: set[int] = set()
    for result in sofar.ended("push"):
        flow = result.flow
        if flow.params.get("idle") and result.verdict.outcome is Outcome.PASS and flow.target.port not in ports:
            ports.add(flow.target.port)
            yield replace(flow, id=f"{KIND}/{flow.target}/{flow.transport}/{flow.via}", kind=KIND, control_of=flow.id)
