"""A call's handshake that does not pass: does as much plain data, on a way of its own?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Flow, Outcome, Phase


def plain_data(sofar: Sofar) -> Iterable[Flow]:
    """Ask for the same call without DTLS where one failed after small packets had come back."""
    for result in sofar.ended("turn"):
        failure = result.verdict.failure
        if result.verdict.outcome is Outcome.FAIL and failure and failure.phase is Phase.DTLS:
            flow = result.flow
            yield replace(flow, id=f"{flow.id}/plain", params={**flow.params, "plain": True}, control_of=flow.id)
