"""Not a suspicion, but something to know where there is time: how long UDP flows live without traffic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.measures import PortSurvey
from rainbow_probe.model import Flow, Result

KIND = "udp-binding"


def lifetimes(sofar: Sofar) -> Iterable[Flow]:
    """Ask once, at the first server whose relay packets of ours reach, and reach us from."""
    open_ones = [one for one in sofar.ended("udp-range") if _has_open_ports(one)]
    if sofar.full and open_ones:
        flow = open_ones[0].flow
        identity = f"{KIND}/{flow.target}/{flow.transport}/{flow.via}"
        yield replace(flow, id=identity, kind=KIND, control_of=flow.id)


def _has_open_ports(result: Result) -> bool:
    survey = result.verdict.measured
    return isinstance(survey, PortSurvey) and survey.answered > 0
