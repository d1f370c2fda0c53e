"""Ports that were tried one by one, as intervals: what a person, a rule and a picture can use."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Mapping

from rainbow_probe.measures import Direction, Estimate, PortInterval, PortState, PortSurvey
from rainbow_probe.net.many import intervals, listed
from rainbow_probe.terms import Transport

MOST_INTERVALS = 400  # a survey with more of them is no picture of a rule; the rest is one interval, of unknown state


def survey(wanted: range, states: Mapping[int, PortState], direction: Direction, *, by: str) -> PortSurvey:
    """Put together what is known of the UDP ports *wanted*; a port that *states* does not have is unknown."""
    known = [states.get(port, PortState.UNKNOWN) for port in wanted]
    found: list[PortInterval] = []
    at = wanted.start
    for state, group in itertools.groupby(known):
        length = len(list(group))
        found.append(PortInterval(first=at, last=at + length - 1, state=state))
        at += length
    tried, opened = sum(one is not PortState.UNKNOWN for one in known), known.count(PortState.OPEN)
    share = 100.0 * (tried - opened) / tried if tried else 0.0
    return PortSurvey(
        first=wanted.start,
        last=wanted.stop - 1,
        transport=Transport.UDP,
        direction=direction,
        tried=tried,
        answered=opened,
        intervals=_bounded(found),
        closed_percent=Estimate(value=share, low=share, high=share),
        by=by,
    )


def _bounded(found: list[PortInterval]) -> tuple[PortInterval, ...]:
    if len(found) <= MOST_INTERVALS:
        return tuple(found)
    kept = found[: MOST_INTERVALS - 1]
    return (*kept, PortInterval(first=kept[-1].last + 1, last=found[-1].last, state=PortState.UNKNOWN))


def spans(ports: Iterable[int]) -> str:
    """Write *ports* as ranges, the first few of them."""
    return listed(intervals(ports))


def is_here(address: str) -> bool:
    """Return whether *address* is this machine's loopback, where nobody is disturbed by however many datagrams."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
