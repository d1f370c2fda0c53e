"""Controls that only a suspicion needs: results so far in, more flows out. Pure functions, asked after each result.

A control is planned to separate causes, such as the same port to a neutral host, or the same server without TLS. No row
stands on it; the judge finds it by the flow it is a control of. What nobody suspects costs nothing; a proxy alone is
asked for what nobody needs, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rainbow_probe.followups import bindings, calls, clock, losses, names, nat, ranges, streams, turn, volume
from rainbow_probe.followups.bypassed import through_the_proxy
from rainbow_probe.followups.policy import of_the_proxy
from rainbow_probe.followups.proxied import beside_the_tunnel
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Flow

__all__ = ["FOLLOW_UPS", "FollowUp", "Sofar", "follow_up"]

FollowUp = Callable[[Sofar], Iterable[Flow]]
"""Asks for controls, each with ``control_of`` set; the same one may be asked for again, and runs once."""

FOLLOW_UPS: tuple[FollowUp, ...] = (
    beside_the_tunnel,
    through_the_proxy,
    of_the_proxy,
    clock.dates,
    names.made_up,
    names.denials,
    names.nobody,
    names.translated,
    streams.names,
    streams.sizes,
    streams.strangers,
    turn.web,
    turn.sizes,
    turn.largest,
    turn.rejected,
    calls.plain_data,
    losses.paces,
    nat.behaviour,
    bindings.lifetimes,
    ranges.from_elsewhere,
    volume.transfers,
    volume.past_the_proxy,
)


def follow_up(sofar: Sofar, follow_ups: Iterable[FollowUp] = FOLLOW_UPS) -> list[Flow]:
    """Return every control that *sofar* makes necessary, each once."""
    asked: dict[str, Flow] = {}
    for one in follow_ups:
        for flow in one(sofar):
            asked.setdefault(flow.id, flow)
    return list(asked.values())
