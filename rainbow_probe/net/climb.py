"""How much a relayed path carries: paced packets as large as those of video, step by step up to what is wanted.

Never as fast as it goes, and never beyond what was asked for: this is somebody's line, and somebody's relay.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from rainbow_probe.measures import Bound, Direction, Ramp
from rainbow_probe.model import Flow
from rainbow_probe.net.load import PACKET, Step, on_the_wire, reliable, summed
from rainbow_probe.net.voice import Stream, Talk, anew

SMALL = 160  # bytes of the payload without a load: many packets, so that loss is known well
BASE, BASE_SECONDS = 200.0, 0.5  # kbit/s that burden no line, for loss and delay without a load
STEPS = (0.2, 0.4, 0.6, 0.8, 1.0)  # of what is wanted
TRIES = 2  # a step that fails is tried again, before it is one
HELD = 3  # times as long, up to ``LONG``, for the largest load: bursts that a shaper bears are shorter
HALF = 0.5
LONG = 3.0  # seconds at least where streams are compared: coturn counts what a session may send second by second
MORE = 1.3  # times as much that twice as many streams carry, at least, where each has a limit of its own
MOST_WAYS = 12  # side by side: two allocations each, which is enough to ask of somebody's relay

More = Callable[[int], Awaitable[list[Stream]]]
"""Opens so many ways more, or fewer."""


class Climb:
    """Steps of load over *ways*, each of them a stream that is made anew for each step."""

    def __init__(self, ways: Sequence[Stream], more: More, elsewhere: More | None = None) -> None:
        """Nothing is sent yet; where a limit is met, *more* opens further ways, *elsewhere* some at another server."""
        self._ways, self._more, self._elsewhere = ways, more, elsewhere
        self.steps: list[Step] = []
        self._beside: list[Step] = []
        self.met = False
        """Whether the path's limit was met."""
        self.shared: bool | None = None
        """Whether that is the limit of the way to another server, too."""
        self.bound: Bound | None = None
        """What else was met; that of the sessions may be met, and the path's, too."""
        self._each: float | None = None
        self._bursts: list[float] = []
        """What passed for a moment only, in kbit/s."""

    async def run(self, wanted: float, seconds: float) -> None:
        """Climb to *wanted* kbit/s in steps of so many *seconds*; stop where twice in a row it is too much.

        Unless more streams side by side carry it: then it was a limit of each of them, and it goes on with more.
        """
        await self._looked_at(min(BASE, wanted * STEPS[0]), max(seconds, BASE_SECONDS))
        for share in STEPS:
            held = seconds if share < STEPS[-1] else max(seconds, min(LONG, HELD * seconds))
            if not await self._borne(wanted * share, held) and not await self._told_apart(wanted * share, held):
                await self._for_longer()
                return

    async def _looked_at(self, kbit_s: float, seconds: float) -> None:
        """See what the path is like without a load; again where trouble that goes by would hide what a load does."""
        for _ in range(TRIES + 1):
            base = await self._step(kbit_s, seconds, SMALL)
            if base.calm:
                break
        self.steps = [min(self.steps, key=lambda step: (step.most_lost, step.usual_ms))]

    async def _borne(self, kbit_s: float, seconds: float) -> bool:
        for _ in range(TRIES):
            if self._passes(await self._step(kbit_s, seconds)):
                return True
        return False

    async def _for_longer(self) -> None:
        """Have what passed pass for as long as what was refused, if that carried less: a policer bears bursts."""
        least = self.steps[0].load.offered_kbit_s
        while (most := self._borne_so_far) > max(least, self.steps[-1].load.carried_kbit_s):
            if await self._borne(most, LONG):
                return
            self._bursts.append(most)

    async def _told_apart(self, kbit_s: float, seconds: float) -> bool:
        """Offer what was just refused once more, for longer, and then to ever more streams; tell whether it passes."""
        few = self.steps[-1] if seconds >= LONG else await self._step(kbit_s, LONG)
        while not self._passes(few):
            before = self._ways
            if not await self._widened():
                self._each = self._each or _each(few, before)
                return await self._elsewhere_too(kbit_s, max(seconds, LONG), before, Bound.UNKNOWN)
            many = await self._step(kbit_s, max(seconds, LONG))
            if self._passes(many):
                if not await self._by_chance(kbit_s, max(seconds, LONG), before):
                    self.bound, self._each = Bound.SESSION, _each(few, before)
                return True
            if not await self._by_number(few, many, before, max(seconds, LONG)):
                return await self._elsewhere_too(kbit_s, max(seconds, LONG), before, None)
            self.bound, self._each, few = Bound.SESSION, _each(few, before), many
        return True

    async def _elsewhere_too(
        self, kbit_s: float, seconds: float, ways: Sequence[Stream], otherwise: Bound | None
    ) -> bool:
        """Offer what *ways* were refused half here and half to another server; tell whether all passes here, now.

        Where nothing is told, it is the path's, unless it may be what *otherwise* says.
        """
        there = await self._elsewhere(len(ways)) if self._elsewhere else []
        mine = theirs = None
        if there:
            mine, theirs = await self._halves(kbit_s, seconds, ways[: len(there)], there)
        if mine and theirs and mine.passes(self.steps[0]) and theirs.passes(self.steps[0]):
            if await self._by_chance(kbit_s, seconds, ways):
                return True
            self.bound = Bound.SERVER
        elif mine and theirs and self._share_it(kbit_s, mine, theirs):
            self.met = self.shared = True
        elif otherwise:
            self.bound = self.bound or otherwise
        else:
            self.met = True
        return False

    def _share_it(self, kbit_s: float, mine: Step, theirs: Step) -> bool:
        """Tell whether two servers share what is narrow: half of *kbit_s* passed before, or both carry no more now."""
        base, alone = self.steps[0], [one.load for one in self.steps if one.load.offered_kbit_s == kbit_s]
        if mine.passes(base):
            return False
        both = mine.load.carried_kbit_s + theirs.load.carried_kbit_s
        as_before = both < MORE * max(load.carried_kbit_s for load in alone)
        return kbit_s * HALF <= self._borne_so_far or (as_before and not theirs.passes(base))

    async def _halves(
        self, kbit_s: float, seconds: float, here: Sequence[Stream], there: Sequence[Stream]
    ) -> tuple[Step, Step]:
        talk = await self._talked([*here, *there], kbit_s, seconds)
        mine, theirs = (
            summed(talk, streams, kbit_s * len(streams) / len(talk.streams), seconds)
            for streams in (talk.streams[: len(here)], talk.streams[len(here) :])
        )
        self._beside += [mine, theirs]
        return mine, theirs

    async def _by_number(self, few: Step, many: Step, before: Sequence[Stream], seconds: float) -> bool:
        """Tell whether *many* carry more by their number: as few as *before* have borne less, and do so now, too."""
        if many.load.carried_kbit_s < MORE * max(few.load.carried_kbit_s, self._borne_so_far):
            return False
        wide, self._ways = self._ways, before
        again = await self._step(many.load.offered_kbit_s, seconds)
        self._ways = wide
        return many.load.carried_kbit_s >= MORE * again.load.carried_kbit_s

    async def _by_chance(self, kbit_s: float, seconds: float, before: Sequence[Stream]) -> bool:
        """Tell whether as few streams as *before* carry it now, too, so that their number was not what helped."""
        wide, self._ways = self._ways, before
        borne = self._passes(await self._step(kbit_s, seconds))
        self._ways = wide
        return borne

    async def _widened(self) -> bool:
        """Have twice as many streams, each of a session of its own."""
        own = list({way.near: way for way in self._ways}.values())
        if 2 * len(own) > MOST_WAYS:
            return False
        more = await self._more(len(own))
        if len(more) < len(own):
            return False
        self._ways = [*own, *more]
        return True

    def _passes(self, step: Step) -> bool:
        return step.passes(self.steps[0])

    async def _step(self, kbit_s: float, seconds: float, payload: int = PACKET.payload) -> Step:
        talk = await self._talked(self._ways, kbit_s, seconds, payload)
        self.steps.append(summed(talk, talk.streams, kbit_s, seconds))
        return self.steps[-1]

    async def _talked(
        self, ways: Sequence[Stream], kbit_s: float, seconds: float, payload: int = PACKET.payload
    ) -> Talk:
        each = kbit_s / len(ways)
        codec = replace(PACKET, payload=payload, interval=on_the_wire(payload) * 8 / (each * 1000))
        talk = Talk([anew(way, codec) for way in ways], drains=reliable(ways))
        await talk.run(max(seconds, 3 * codec.interval))
        return talk

    @property
    def _borne_so_far(self) -> float:
        """The most that passed, in kbit/s."""
        return max(step.load.offered_kbit_s for step in self._passed)

    @property
    def _passed(self) -> list[Step]:
        """The load that burdens no line, and those that passed, but for bursts."""
        base, *others = self.steps
        return [base, *(one for one in others if one.passes(base) and one.load.offered_kbit_s not in self._bursts)]

    @property
    def busy(self) -> str:
        """Why the limit that was met, or what was lost without a load, may be this machine's; empty if it is not."""
        base = [] if self.steps[0].calm else self.steps[:1]
        looked_at = [*self.steps, *self._beside] if self.met or self.bound else base
        return next((step.busy for step in looked_at if step.busy), "")

    def ramp(self, flow: Flow) -> Ramp:
        """Sum up what was found on the way of *flow*."""
        base = self.steps[0]
        most = self._borne_so_far
        # Where packets take now so long and now so, a few of them are soon later by chance.
        later = [step.load.delay_ms - base.load.delay_ms for step in self._passed if step.least_ms > base.most_ms]
        best = max([most, *(step.load.carried_kbit_s for step in self.steps if step.held >= LONG)])
        return Ramp(
            transport=flow.transport,
            via=flow.via,
            direction=Direction.ROUND_TRIP,
            steps=tuple(step.load for step in self.steps),
            capacity_kbit_s=best if self.met else most,
            at_least=not self.met,
            added_delay_ms=max(later, default=0.0),
            bound=self.bound,
            session_kbit_s=self._each,
            shared=self.shared,
        )


def _each(step: Step, ways: Sequence[Stream]) -> float:
    """Return how much each session of *ways* carried in *step*."""
    return step.load.carried_kbit_s / len({way.near for way in ways})
