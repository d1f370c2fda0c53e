"""Datagrams that are lost: by chance, or because they come too fast?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rainbow_probe.followups.ask import few
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Flow, Phase, Result, Transport

ENOUGH = 0.7  # of the packets of an echo: what a line that loses 5 % each way still gives back
MOST = 1  # server: two at once would be in each other's way
REPEATED = 4  # times a request was sent before it was answered


def paces(sofar: Sofar) -> Iterable[Flow]:
    """Ask slowly and fast where a TURN server that answers over UDP lost many packets."""
    suspects = (result for result in sofar.ended("turn") if result.flow.transport is Transport.UDP and _lossy(result))
    for result in list(few(suspects))[:MOST]:
        flow = result.flow
        yield replace(flow, id=f"{flow.id}/pace", kind="pace", source=None, params={}, control_of=flow.id)


def _lossy(result: Result) -> bool:
    answered = [step for step in result.steps if step.failure is None and "rtt_ms" in step.facts]
    if any(int(step.facts.get("requests") or 0) >= REPEATED for step in answered):
        return True
    data = [step.facts for step in result.steps if step.phase is Phase.TURN_DATA and "sent" in step.facts]
    return bool(answered) and any(int(f.get("received") or 0) < ENOUGH * int(f.get("sent") or 0) for f in data)
