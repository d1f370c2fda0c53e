"""How much a relayed path carries: paced packets as large as those of video, step by step up to what is wanted.

Never as fast as it goes, and never beyond what was asked for: this is somebody's line, and somebody's relay.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from rainbow_probe.measures import Direction, Load, Ramp
from rainbow_probe.model import Flow
from rainbow_probe.net.voice import Stream, Talk
from rainbow_probe.protocols.rtp import HEADER
from rainbow_probe.protocols.speech import TAG, Codec, Sender
from rainbow_probe.protocols.streams import MS, lost, percentile

PACKET = Codec(name="load", payload_type=96, clock=90000, payload=1140)  # as large as browsers make them, RFC 3551
HEADERS = 28 + 4  # bytes of IPv4 and UDP, and of the channel
SMALL = 160  # bytes of the payload without a load: many packets, so that loss is known well
BASE, BASE_SECONDS = 200.0, 0.5  # kbit/s that burden no line, for loss and delay without a load
STEPS = (0.2, 0.4, 0.6, 0.8, 1.0)  # of what is wanted
TRIES = 2  # a step that fails is tried again, before it is one
LOST = 1.0  # per cent that calls bear
QUEUED = 100.0  # ms that packets may wait because of their own number, beyond what they take without
USUAL = 0.95  # share of packets without a load that take no longer than what is compared with
LATEST = 3  # one part in so many, the last: where queues grow, they are longest there
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One load, and what became of it."""

    load: Load
    surely_lost: float
    """Per cent, at the least."""
    most_lost: float
    """Per cent, at the most."""
    usual_ms: float
    """What nearly all packets took at most, up and down."""
    last_ms: float
    """What the last packets took in the middle, up and down."""
    busy: str
    """Why this machine may be to blame; empty if it is not."""

    def passes(self, base: Step) -> bool:
        """Tell whether the path bears it, which without a load is like *base*."""
        return self.last_ms <= base.usual_ms + QUEUED and self.surely_lost <= LOST + base.most_lost


class Climb:
    """Steps of load over *ways*, each of them a stream that is made anew for each step."""

    def __init__(self, ways: Sequence[Stream]) -> None:
        """Nothing is sent yet."""
        self._ways = ways
        self.steps: list[Step] = []
        self.met = False
        """Whether the path's limit was met."""

    async def run(self, wanted: float, seconds: float) -> None:
        """Climb to *wanted* kbit/s in steps of so many *seconds*; stop where twice in a row it is too much."""
        base = await self._step(min(BASE, wanted * STEPS[0]), max(seconds, BASE_SECONDS), SMALL)
        for share in STEPS:
            tried = [await self._step(wanted * share, seconds)]
            while not tried[-1].passes(base) and len(tried) < TRIES:
                tried.append(await self._step(wanted * share, seconds))
            if not tried[-1].passes(base):
                self.met = True
                return

    async def _step(self, kbit_s: float, seconds: float, payload: int = PACKET.payload) -> Step:
        each = kbit_s / len(self._ways)
        codec = replace(PACKET, payload=payload, interval=on_the_wire(payload) * 8 / (each * 1000))
        talk = Talk([_anew(way, codec) for way in self._ways])
        await talk.run(max(seconds, 3 * codec.interval))
        traces = [stream.trace for stream in talk.streams]
        found, took = (
            lost(traces),
            [one * MS for _, one in sorted(pair for t in traces for pair in t.transits())] or [0.0],
        )
        last = median(took[-(len(took) // LATEST) :])
        load = Load(
            offered_kbit_s=kbit_s,
            carried_kbit_s=kbit_s * (1 - found.value / 100) * seconds / (seconds + _growth(took) / MS),
            loss_percent=found.value,
            delay_ms=median(took) * HALF,
        )
        usual, busy = percentile(took, USUAL), talk.own.too_busy()
        self.steps.append(
            Step(load=load, surely_lost=found.low, most_lost=found.high, usual_ms=usual, last_ms=last, busy=busy)
        )
        return self.steps[-1]

    @property
    def busy(self) -> str:
        """Why the limit that was met may be this machine's; empty if it is not."""
        return next((step.busy for step in self.steps if step.busy), "") if self.met else ""

    def ramp(self, flow: Flow) -> Ramp:
        """Sum up what was found on the way of *flow*."""
        base = self.steps[0]
        borne = [step.load for step in self.steps if step is base or step.passes(base)]
        most = max(load.offered_kbit_s for load in borne)
        best = max(most, *(step.load.carried_kbit_s for step in self.steps))
        return Ramp(
            transport=flow.transport,
            via=flow.via,
            direction=Direction.ROUND_TRIP,
            steps=tuple(step.load for step in self.steps),
            capacity_kbit_s=best if self.met else most,
            at_least=not self.met,
            added_delay_ms=max(0.0, max(load.delay_ms for load in borne) - base.load.delay_ms),
        )


def on_the_wire(payload: int) -> int:
    """Return the bytes of a packet with all of its headers."""
    return payload + TAG + HEADER.size + HEADERS


def _anew(way: Stream, codec: Codec) -> Stream:
    sender = Sender(codec, source=secrets.randbits(31) + 1)
    return Stream(sender=sender, near=way.near, far=way.far, there=way.there)


def _growth(took: Sequence[float]) -> float:
    """Return by how many ms the transit grew from the first packets to the last, as where a queue fills."""
    part = max(1, len(took) // LATEST)
    return max(0.0, median(took[-part:]) - median(took[:part])) * LATEST / (LATEST - 1)
