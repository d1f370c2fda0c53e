"""One load on a relayed path: packets as large as those of video, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rainbow_probe.measures import Load
from rainbow_probe.net.voice import Stream, Talk
from rainbow_probe.protocols.estimates import slope
from rainbow_probe.protocols.rtp import HEADER
from rainbow_probe.protocols.speech import TAG, Codec
from rainbow_probe.protocols.streams import MS, around_middle, carried, lost, percentile

PACKET = Codec(name="load", payload_type=96, clock=90000, payload=1140)  # as large as browsers make them, RFC 3551
HEADERS = 28 + 4  # bytes of IPv4 and UDP, and of the channel
LOST = 1.0  # per cent that calls bear
FEW = 10.0  # per cent that may be lost at the most without a load, or it is looked at again: of 76, none or one is
QUEUED = 100.0  # ms that packets may wait because of their own number, beyond what they take without
USUAL = 0.95  # share of packets without a load that take no longer than what is compared with
FILLS = 0.04  # seconds that packets come later with each second of a load, surely: a queue that only grows
LATEST = 3  # one part in so many, the last: where queues grow, they are longest there


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One load, and what became of it."""

    load: Load
    surely_lost: float
    """Per cent, at the least."""
    most_lost: float
    """Per cent, at the most."""
    least_ms: float
    """What packets took in the middle, up and down, at the least: a few tell little of where that is."""
    most_ms: float
    """And at the most."""
    usual_ms: float
    """What nearly all packets took at most, up and down."""
    last_ms: float
    """What the last packets took in the middle, up and down."""
    grows: float
    """Seconds that packets came later with each second, at the least."""
    busy: str
    """Why this machine may be to blame; empty if it is not."""
    held: float = 0.0
    """For how many seconds it was offered."""

    @property
    def calm(self) -> bool:
        """Whether nothing has happened that a load may be compared with too kindly."""
        return self.most_lost <= FEW and self.usual_ms <= 2 * self.load.delay_ms + QUEUED

    def passes(self, base: Step) -> bool:
        """Tell whether the path bears it, which without a load is like *base*."""
        in_time = self.last_ms <= base.usual_ms + QUEUED and self.grows <= FILLS
        return in_time and self.surely_lost <= LOST + base.most_lost


def summed(talk: Talk, streams: Sequence[Stream], kbit_s: float, seconds: float) -> Step:
    """Return what became of *streams*, which were offered so much."""
    traces = [stream.trace for stream in streams]
    timed = sorted(pair for t in traces for pair in t.transits())
    found, took = lost(traces), [one * MS for _, one in timed] or [0.0]
    by_growth = kbit_s * (1 - found.value / 100) * seconds / (seconds + _growth(took) / MS)
    load = Load(
        offered_kbit_s=kbit_s,
        carried_kbit_s=kbit_s * carried(traces, seconds) if reliable(streams) else by_growth,
        loss_percent=found.value,
        delay_ms=median(took) / 2,
    )
    least, most = around_middle(took)
    return Step(
        load=load,
        surely_lost=found.low,
        most_lost=found.high,
        least_ms=least,
        most_ms=most,
        usual_ms=percentile(took, USUAL),
        last_ms=median(took[-(len(took) // LATEST) :]),
        grows=slope(timed).low,
        busy=talk.own.too_busy(),
        held=seconds,
    )


def on_the_wire(payload: int) -> int:
    """Return the bytes of a packet with all of its headers."""
    return payload + TAG + HEADER.size + HEADERS


def _growth(took: Sequence[float]) -> float:
    """Return by how many ms the transit grew from the first packets to the last, as where a queue fills."""
    part = max(1, len(took) // LATEST)
    return max(0.0, median(took[-part:]) - median(took[:part])) * LATEST / (LATEST - 1)


def reliable(ways: Sequence[Stream]) -> bool:
    """Tell whether *ways* are streams, which make their sender wait and lose nothing by themselves."""
    return any(way.near.link.reliable for way in ways)
