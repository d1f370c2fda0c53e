"""A range that is closed from here: is it reached from elsewhere? Another TURN server's relay can tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import OUR_OWN, Flow, Outcome, Phase, Result

KIND = "relay-reach"


def from_elsewhere(sofar: Sofar) -> Iterable[Flow]:
    """Ask from the relay of another server for each range that fails, once one is known that relays."""
    ended = sofar.ended("udp-range")
    for result in ended:
        others = [one for one in ended if one.flow.target.host != result.flow.target.host and _relays(one)]
        if result.verdict.outcome is Outcome.FAIL and _relays(result) and others:
            flow, other = result.flow, others[0].flow
            ports = {f"beside_{key}": value for key, value in other.params.items() if key.endswith("_port")}
            params = {**flow.params, "beside": other.target.host, **ports}
            identity = f"{KIND}/{flow.target}/{flow.transport}/{flow.via}"
            yield replace(flow, id=identity, kind=KIND, params=params, control_of=flow.id)


def _relays(result: Result) -> bool:
    """Return whether allocations were to be had, whatever then came through them."""
    seen = result.verdict.failure
    return seen is None or (seen.phase is Phase.TURN_DATA and seen.cause not in OUR_OWN)
