"""What a site's numbers need: ports of its proxy (guide, section 8.2), and bandwidth (section 6). Pure arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rainbow_probe.catalogue import DemandSpec, RowSpec
from rainbow_probe.measures import Direction

PARALLEL_HTTPS = 2  # requests of one client at a busy time; the guide speaks of parallel ones and gives no number


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a site has at the same time, at its busiest."""

    users: int = 0
    """Clients that are signed in through the proxy."""
    calls: int = 0
    """Calls of theirs that go through the proxy: one port each, for audio."""
    video: int = 0
    """How many of these have video: one more port each."""
    sharing: int = 0
    """How many of these share a screen: one more port each."""
    gateway_calls: int = 0
    """Audio calls of WebRTC gateways through the proxy: one port each."""
    subscribers: tuple[float, ...] = ()
    """PBX subscribers, agent for agent."""
    calls_per_second: tuple[float, ...] = ()
    """Of the busy hour, agent for agent."""

    @property
    def known(self) -> bool:
        """Whether anything was said at all."""
        return bool(self.users or self.calls or self.video or self.sharing or self.gateway_calls)

    @property
    def least(self) -> int:
        """Ports that are in use whatever the clients fetch: one permanent WebSocket a client, and all media."""
        return self.users + self.calls + self.video + self.sharing + self.gateway_calls

    @property
    def busy(self) -> int:
        """Ports in use when every client fetches something as well."""
        return self.least + self.users * PARALLEL_HTTPS

    def formula(self) -> str:
        """Show how the number of ports comes about."""
        parts = [
            f"{self.users} clients x (1 WebSocket + {PARALLEL_HTTPS} parallel HTTPS)" if self.users else "",
            f"{self.calls} calls x 1 audio" if self.calls else "",
            f"{self.video} with video" if self.video else "",
            f"{self.sharing} with sharing" if self.sharing else "",
            f"{self.gateway_calls} calls of gateways x 1 audio" if self.gateway_calls else "",
        ]
        return f"{' + '.join(filter(None, parts)) or '0'} = {self.busy} ports, {self.least} of them permanent or media"


BITS = {"kbit/s": 1.0, "kB/s": 8.0}
"""What makes kbit/s of a unit: the guide's kilobytes are no kilobits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What one row needs in one direction."""

    direction: Direction
    rate: float
    unit: str
    formula: str
    burst: bool = False
    """Whether it only takes longer where there is less."""

    @property
    def kbit_s(self) -> float:
        """The rate in kbit/s, whatever its unit."""
        return self.rate * BITS[self.unit]


def needed(demand: DemandSpec, load: Load) -> tuple[Needed, ...]:
    """Return what *demand* comes to at a site of that *load*; of what nobody gave a number for, what one needs.

    For agents there is no such one: without a number there is nothing.
    """
    if demand.points:
        agents: tuple[float, ...] = getattr(load, demand.per)
        return tuple(_by_table(demand, agents, way) for way in (Direction.OUT, Direction.IN) if agents)
    count: int = max(1, getattr(load, demand.per))
    return tuple(
        Needed(
            direction=way,
            rate=count * each,
            unit=demand.unit,
            formula=f"{count:g} x {each:g} {demand.unit} ({demand.medium})",
        )
        for way, each in ((Direction.OUT, demand.out), (Direction.IN, demand.into))
        if each
    )


def _by_table(demand: DemandSpec, agents: Sequence[float], way: Direction) -> Needed:
    rates = [interpolated(demand.points, number) for number in agents]
    what = demand.per.replace("_", " ")
    terms = [f"{rate:.4g} {demand.unit} for {number:g} {what}" for number, rate in zip(agents, rates, strict=True)]
    return Needed(direction=way, rate=sum(rates), unit=demand.unit, formula=" + ".join(terms), burst=demand.burst)


def interpolated(points: Sequence[tuple[float, float]], number: float) -> float:
    """Return the rate for *number*: on a straight line between the points beside it.

    Below the first point it is the first's; beyond the last, the last line goes on.
    """
    if number <= points[0][0]:
        return points[0][1]
    pairs = list(itertools.pairwise(points))
    (x0, y0), (x1, y1) = next((pair for pair in pairs if number <= pair[1][0]), pairs[-1])
    return y0 + (y1 - y0) * (number - x0) / (x1 - x0)


ROOM = 1.1  # times as much as is needed: what is just enough is told from what is not
ONE = 1500.0  # kbit/s: the most that one medium of one client takes, the guide's section 6.1


def most_wanted(rows: Iterable[RowSpec], load: Load) -> float:
    """Return the kbit/s up to which it is worth to try: what *rows* need at most, alone and all calls together."""
    wanted: list[Needed] = [one for row in rows if row.demand for one in needed(row.demand, load)]
    bits = [one for one in wanted if one.unit == "kbit/s"]
    together = [sum(one.kbit_s for one in bits if one.direction is way) for way in (Direction.OUT, Direction.IN)]
    return ROOM * max(ONE, 0.0, *(one.kbit_s for one in wanted), *(together if load.known else ()))
