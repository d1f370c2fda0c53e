"""What a call needs of a relayed path beyond a relay candidate: data both ways, large packets, and DTLS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rainbow_probe.evidence import Recorder, SilenceError
from rainbow_probe.model import Cause, PeerError, Phase, Scalar, Verdict
from rainbow_probe.net.echo import Echo
from rainbow_probe.net.paths import passed
from rainbow_probe.net.relay import LAST_WORD, Relay, Relayed
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.turn import Address

if TYPE_CHECKING:
    from rainbow_probe.net.dtls import Handshake

LARGE = 1200  # bytes: what browsers send at most in one datagram, so what video looks like
LARGE_ON_STREAM = 1400  # there, segments are as large as the path seems to allow
FEW = 4  # large packets to begin with
MANY = 40  # at 200 a second; far more than the packets of a handshake
TRIPS = 4  # there and back, that a handshake and each control must have time for
CHANCE = 0.001  # of a line's losses doing it by themselves, beyond which nothing is proven
ROUND = 4  # datagrams of a handshake that is sent again, about
CONTROL_TRIPS = 2  # there and back, that a control has time for at the least
EARLY = 0.3  # share of it for a handshake in indications
TRYING, CONTROL, WHOLE = (
    0.85,
    0.2,
    1.12,
)  # shares of a limit: for the attempt, for the control if it fails, and for both


class Call:
    """Data between two allocations of ours, *near* and *far*, that may send to each other."""

    def __init__(self, near: Relay, far: Relay, subject: str, route: Route, rec: Recorder) -> None:
        """Record what is tried under the address *subject*."""
        self._near, self._far, self._subject, self._route, self._rec = near, far, subject, route, rec
        self._bound = False
        self._trip = 0.0  # seconds there and back, the longest seen
        self._share = 1.0  # of small packets that came back, the least seen

    async def tried(self, *, plain: bool = False) -> Verdict:
        """Try small packets, large ones, and a handshake; raises ``StepError`` for the first that do not pass.

        All of that in indications and, as browsers do, only then in a channel.

        With *plain*, many more large packets take the handshake's place.
        """
        there = relayed(self._far)
        facts = await self._small(there)
        await self._large(there)
        if plain:
            await self._large(there, many=MANY)
            return passed(f"{MANY} large packets pass through the relay")
        took = await self._handshake(there)
        await self.channels()
        await self._small(there)
        said = f"{facts['received']} of {facts['sent']} packets back through the relay in {facts['rtt_ms']} ms"
        return passed(f"{said}; DTLS in {took} ms")

    async def _small(self, there: Address) -> dict[str, Scalar]:
        async with self._rec.step(Phase.TURN_DATA, self._subject, limit=self._route.limits.exchange) as facts:
            echo = Echo(self._near, self._far, there, facts)
            facts.complaint = lambda: self._nothing_back(facts)
            if not await echo.came_back(self._route.limits.exchange * LAST_WORD):
                raise self._nothing_back(facts)
        self._trip, self._share = echo.slowest, min(self._share, echo.share)
        return facts

    def _nothing_back(self, facts: Mapping[str, Scalar]) -> PeerError:
        """Tell silence from something else than what was sent; later on, that may be what came late."""
        if facts.get("altered") and not self._trip:
            return PeerError(Cause.ALTERED, f"{facts['altered']} packets arrive through the relay, none as it was sent")
        return SilenceError(Cause.NO_DATA_BACK, f"0 of {facts.get('sent') or 0} packets came back")

    async def _large(self, there: Address, many: int = FEW) -> None:
        """Send what video is made of, as indications: with their headers, browsers shake hands."""
        size = LARGE_ON_STREAM if self._near.link.reliable else LARGE
        async with self.attempt(Phase.TURN_DATA) as facts:
            facts["size"] = size
            echo = Echo(self._near, self._far, there, facts, size=size, few=many, trip=self._trip)
            if await echo.came_back(self._near.limit * TRYING):
                self._trip = max(self._trip, echo.slowest)
                return
            lost = f"0 of {facts['sent']} packets of {size} bytes came back"
            self._have_had_time(lost)
            if self._near.link.reliable:  # what is stuck there holds up all that comes behind it
                raise SilenceError(Cause.LARGE_LOST, f"{lost}, after small ones did")
            if await self._passes(lost, there, 0, echo.sent):
                raise SilenceError(Cause.LARGE_LOST, f"{lost}, while small ones still do")
            raise SilenceError(Cause.WENT_SILENT, f"{lost}, and small ones no longer do")

    async def _handshake(self, there: Address) -> float:
        from rainbow_probe.net.dtls import Handshake

        began = self._rec.elapsed
        ends = Relayed(self._near, there), Relayed(self._far, relayed(self._near))
        shake = Handshake(*ends, reliable=self.reliable, trip=self._trip)
        async with self.attempt(Phase.DTLS) as facts:
            try:
                await self._shaken(shake)
            except TimeoutError as exc:
                raise await self.unshaken(shake) from exc
            finally:
                facts |= {"datagrams": shake.datagrams, "size": shake.size}
        return round((self._rec.elapsed - began) * 1000, 2)

    async def _shaken(self, shake: Handshake) -> None:
        """Shake hands in indications, and go on in channels after a while: one of the two will do."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._near.limit * EARLY):
                await shake.run()
        if shake.done:
            return
        async with asyncio.timeout(self._near.limit * (TRYING - EARLY)):
            await self.channels()
            await shake.run()

    @property
    def reliable(self) -> bool:
        """Whether streams carry both ends to the server."""
        return self._near.link.reliable and self._far.link.reliable

    async def channels(self) -> None:
        """Bind a channel at each end, once."""
        if not self._bound:
            await self._near.bind_channel(relayed(self._far))
            await self._far.bind_channel(relayed(self._near))
        self._bound = True

    async def unshaken(self, shake: Handshake) -> Exception:
        """Tell a handshake that is stopped from one for which this line is too slow."""
        if shake.under_way:
            return PeerError(Cause.BUDGET, "the handshake was still under way when its time was over")
        return await self.stopped("no handshake", shake.size, shake.datagrams // ROUND)

    def _have_had_time(self, what: str) -> None:
        """Raise ``PeerError`` where a line is so slow that *what* is missing proves nothing."""
        if self._trip * TRIPS > self._near.limit * TRYING:
            said = f"{what} in time, and packets take up to {self._trip:.1f} s there and back"
            raise PeerError(Cause.BUDGET, said)

    async def stopped(self, what: str, size: int, tries: int) -> Exception:
        """Tell a path on which one thing does not pass from one on which nothing passes any more.

        *what* is missing, packets of *size* bytes, after *tries* of which each could have done. Raises ``PeerError``
        where the losses of the line may be all there is to it.
        """
        self._have_had_time(what)
        if self._near.link.reliable or await self._passes(what, relayed(self._far), size, tries):
            return SilenceError(Cause.TIMEOUT, f"{what}, while other data passes through the relay")
        return silence(what)

    async def _passes(self, what: str, there: Address, size: int, tries: int) -> bool:
        """Return whether plain data of *size* bytes still passes, which *what* does not in so many *tries*."""
        control = await self._control(there, size)
        share = min(self._share, control.share or 1.0)
        times = tries if control.share else control.sent
        if (1 - share) ** times > CHANCE:
            lossy = f"{what}, on a line that loses {1 - share:.0%} of all packets there and back"
            raise PeerError(Cause.CANNOT_TELL, lossy)
        return bool(control.share)

    async def still_passes(self, there: Address, size: int) -> bool:
        """Return whether plain data of *size* bytes comes back from *there*."""
        return bool((await self._control(there, size)).share)

    async def _control(self, there: Address, size: int) -> Echo:
        echo = Echo(self._near, self._far, there, {}, size=max(size, 4))
        await echo.came_back(max(self._near.limit * CONTROL, CONTROL_TRIPS * self._trip))
        return echo

    @asynccontextmanager
    async def attempt(self, phase: Phase, more: float = 0.0) -> AsyncGenerator[dict[str, Scalar]]:
        """Record a step of *phase* that has the time to try, and, with *more* seconds, a control when that fails."""
        limit = self._near.limit * WHOLE + CONTROL_TRIPS * self._trip + more
        self._rec.restart_budget(extra=limit)
        async with self._rec.step(phase, self._subject, limit=limit) as facts:
            facts.complaint = _late  # all that is waited for inside has its own, shorter time
            yield facts


def _late() -> PeerError:
    return PeerError(Cause.BUDGET, "this machine was too busy to come to an end in time")


def silence(what: str) -> SilenceError:
    """Say that with *what* all else stopped, too."""
    return SilenceError(Cause.WENT_SILENT, f"{what}, and other data no longer passes through the relay either")


def relayed(relay: Relay) -> Address:
    """Return the relayed address. Raises ``PeerError`` if there is none."""
    if relay.client.relayed is None:
        raise PeerError(Cause.STUN_ERROR, "no relayed address")
    return relay.client.relayed
