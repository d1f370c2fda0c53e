"""What is measured and is more than a scalar: ports, the quality of streams, loads, needs, and the story of a call.

The names of the fields are those of the JSON report, with their units. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rainbow_probe.terms import Outcome, Transport, Via


class PortState(StrEnum):
    """What is known of the ports of an interval."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Direction(StrEnum):
    """Which way packets went: away from this machine, towards it, or there and back again."""

    OUT = "out"
    IN = "in"
    ROUND_TRIP = "round-trip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number and the interval that it lies in with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PortInterval:
    """Ports next to each other, *first* to *last*, of which the same is known."""

    first: int
    last: int
    state: PortState


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSurvey:
    """A range of ports, all of it or samples: the intervals cover *first* to *last* without a gap, in order."""

    first: int
    last: int
    transport: Transport
    direction: Direction
    tried: int
    """Distinct ports that were tried."""
    answered: int
    intervals: tuple[PortInterval, ...]
    closed_percent: Estimate
    """The share of the range that is closed."""
    by: str
    """Who answered in place of the guide's servers, for example ``TURN relay 192.0.2.1``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """What one second of a stream was like, *at_s* seconds after its start."""

    at_s: float
    loss_percent: float
    jitter_ms: float
    delay_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the calls of one codec sounded like, by the E-model and the packets of these calls alone."""

    codec: str
    kbit_s: float
    """Of the codec itself, without any header."""
    streams: int
    sent: int
    r_factor: float
    """On the codec's own scale: at most 93.2 for narrowband (ITU-T G.107), 148 for fullband (G.107.2)."""
    mos: float
    impairments: str
    """Where it is published what codec and loss cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How well packets of calls passed, several streams side by side taken together."""

    codec: str
    """As in the guide: ``G.711``, ``Opus``."""
    transport: Transport
    via: Via
    direction: Direction
    streams: int
    duration_s: float
    sent: int
    received: int
    reordered: int
    duplicates: int
    longest_burst: int
    """Packets lost one after the other in a stream, at most."""
    loss_percent: Estimate
    jitter_ms: Estimate
    """RFC 3550, section 6.4.1."""
    delay_ms: Estimate
    """One way."""
    delay_is: str
    """How it is known, for example ``half of the round trip``."""
    r_factor: float
    """ITU-T G.107, as if all of it were G.711."""
    mos: float
    series: tuple[Instant, ...] = ()
    scores: tuple[Score, ...] = ()
    """Codec by codec, as far as impairments are published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One step of a ramp: what was offered, and what became of it."""

    offered_kbit_s: float
    carried_kbit_s: float
    loss_percent: float
    delay_ms: float
    """One way, the median."""


class Bound(StrEnum):
    """What a ramp met that is not the limit of the path."""

    SESSION = "session"
    """More streams side by side carry more: each of them is limited by itself."""
    SERVER = "server"
    """As much passes where another server takes half of it: this one is limited, or the way to it alone."""
    UNKNOWN = "unknown"
    """There were no more streams to be had, which would have told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """How much a path carries, found in steps."""

    transport: Transport
    via: Via
    direction: Direction
    steps: tuple[Load, ...]
    capacity_kbit_s: float
    at_least: bool
    """Whether the ramp ended before the path's limit was met."""
    added_delay_ms: float
    """How much longer packets took under a load that passed than without any, one way."""
    bound: Bound | None = None
    """What was met that is not shown to be the path's."""
    session_kbit_s: float | None = None
    """About how much each session carried where *bound* was met."""
    shared: bool | None = None
    """Whether the limit that was met is that of the way to another server, too; None: there was none to tell by."""

    @property
    def ended_early(self) -> bool:
        """Whether more was tried than is known to pass."""
        return any(step.offered_kbit_s > self.capacity_kbit_s for step in self.steps)

    @property
    def told(self) -> str:
        """What was met that is not shown to be the path's limit; empty if there was no such thing."""
        each = self.session_kbit_s or 0.0
        if self.bound is Bound.UNKNOWN:
            return (
                f"more streams side by side could not be tried, so that a limit of each session, about {each:.0f} "
                "kbit/s, is not told from one of the path"
            )
        if self.bound is Bound.SERVER:
            return (
                "more passes where another TURN server takes half of it: it is this server that carries no more, or "
                "the way to it alone, and not this site's line"
            )
        if self.bound is Bound.SESSION and self.transport is Transport.UDP:
            return (
                f"the TURN server limits each session to about {each:.0f} kbit/s, or something on the way does that "
                "counts each of them by itself: more of them carry more"
            )
        if self.bound is Bound.SESSION:
            return f"each connection to the TURN server carries about {each:.0f} kbit/s, and more of them carry more"
        return ""


Measured = PortSurvey | Quality | Ramp
"""What a check may hand on beside its verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the site needs of one row of the guide's section 6, by the numbers that were given for it."""

    row: str
    medium: str
    direction: Direction
    need: float
    unit: str
    """``kbit/s`` or ``kB/s``, as the guide has it."""
    formula: str
    """How it was come by, for example ``20 calls x 87.5 kbit/s``."""
    capacity: float | None = None
    """What the path was seen to carry, in the same unit; None where that was not measured."""
    fits: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryStep:
    """One arrow of the guide's call flow (section 9), as it was really done here."""

    number: str
    """The guide's steps, for example ``1-2``."""
    row: str
    sender: str
    """``client 1``, ``client 2``, ``proxy``, ``Rainbow`` or ``TURN``."""
    receiver: str
    what: str
    at_ms: float
    """After the first step."""
    took_ms: float
    outcome: Outcome
    """SKIPPED where it was not done."""
    check: str
    """The id of the check that did it; empty where it was not done."""
