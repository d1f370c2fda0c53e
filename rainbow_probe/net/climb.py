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
from rainbow_probe.protocols.speech import HEAD, TAG, Codec, Sender
from rainbow_probe.protocols.streams import MS, Trace, lost

PACKET = Codec(name="load", payload_type=96, clock=90000, payload=1140)  # as large as browsers make them, RFC 3551
HEADERS = 28 + 4  # bytes of IPv4 and UDP, and of the channel
WIRE = PACKET.payload + TAG + HEAD.size + HEADERS
BASE = 100.0  # kbit/s: what burdens no line, for the delay without a load
STEPS = (0.2, 0.4, 0.6, 0.8, 1.0)  # of what is wanted
TRIES = 2  # a step that fails is tried again, before it is one
LOST = 1.0  # per cent that calls bear
KEPT = 0.9  # of what was offered has to arrive in its time
QUEUED = 100.0  # ms one way that packets may be late because of their own number
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One load, and what became of it."""

    load: Load
    surely_lost: float
    """Per cent, at the least."""
    busy: str
    """Why this machine may be to blame; empty if it is not."""

    def passes(self, base: Step) -> bool:
        """Tell whether the path bears it, which without a load is like *base*."""
        load, bare = self.load, base.load
        on_time = load.delay_ms <= bare.delay_ms + QUEUED and load.carried_kbit_s >= KEPT * load.offered_kbit_s
        return on_time and self.surely_lost <= LOST + bare.loss_percent


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
        base = await self._step(min(BASE, wanted * STEPS[0]), seconds)
        for share in STEPS:
            tried = [await self._step(wanted * share, seconds)]
            while not tried[-1].passes(base) and len(tried) < TRIES:
                tried.append(await self._step(wanted * share, seconds))
            if not tried[-1].passes(base):
                self.met = True
                return

    async def _step(self, kbit_s: float, seconds: float) -> Step:
        each = kbit_s / len(self._ways)
        codec = replace(PACKET, interval=WIRE * 8 / (each * 1000))
        talk = Talk([_anew(way, codec) for way in self._ways])
        await talk.run(max(seconds, 3 * codec.interval))
        traces = [stream.trace for stream in talk.streams]
        found = lost(traces)
        load = Load(
            offered_kbit_s=kbit_s,
            carried_kbit_s=min(kbit_s, _carried(traces)),
            loss_percent=found.value,
            delay_ms=median([took for trace in traces for _, took in trace.transits()] or [0.0]) * MS * HALF,
        )
        self.steps.append(Step(load=load, surely_lost=found.low, busy=talk.own.too_busy()))
        return self.steps[-1]

    @property
    def busy(self) -> str:
        """Why the limit that was met may be this machine's; empty if it is not."""
        return next((step.busy for step in self.steps if step.busy), "") if self.met else ""

    def ramp(self, flow: Flow) -> Ramp:
        """Sum up what was found on the way of *flow*."""
        base = self.steps[0]
        borne = [step.load for step in self.steps if step.passes(base)]
        best = max(step.load.carried_kbit_s for step in self.steps)
        return Ramp(
            transport=flow.transport,
            via=flow.via,
            direction=Direction.ROUND_TRIP,
            steps=tuple(step.load for step in self.steps),
            capacity_kbit_s=best if self.met else borne[-1].offered_kbit_s,
            at_least=not self.met,
            added_delay_ms=max(0.0, max(load.delay_ms for load in borne) - base.load.delay_ms),
        )


def _anew(way: Stream, codec: Codec) -> Stream:
    sender = Sender(codec, source=secrets.randbits(31) + 1)
    return Stream(sender=sender, near=way.near, far=way.far, there=way.there)


def _carried(traces: Sequence[Trace]) -> float:
    """Return the rate at which packets came in: what fills a queue comes in for longer than it was sent."""
    times = sorted(at for trace in traces for _, at in trace.firsts())
    if len(times) < 2:
        return 0.0
    sent = [at for trace in traces for at in trace.sent]
    took = max(times[-1] - times[0], (max(sent) - min(sent)) * (len(times) - 1) / max(1, len(sent) - 1))
    return (len(times) - 1) * WIRE * 8 / max(took, 1e-6) / 1000
