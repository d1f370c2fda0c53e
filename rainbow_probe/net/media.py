"""Voice both ways over SRTP, counted only where the other side authenticated it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Protocol

from rainbow_probe.model import Scalar
from rainbow_probe.net.links import Pair
from rainbow_probe.net.turns import awake
from rainbow_probe.protocols.rtp import PACKET_TIME, Packet, Voice
from rainbow_probe.protocols.stun import MalformedError

PACKETS = 15  # each way: 0.3 s; more, where few arrive
UNKNOWN = b"\x7f"
AUTHENTICATION = 10  # bytes that SRTP adds to a packet, RFC 5764 section 4.1.2
FEW, MUCH = 2, 0.1  # altered packets, and their share of what was sent: no line alters one in ten by itself
THIN, WHOLE = 1 / 3, 3 / 4  # shares of what was sent: of hardly any voice, and of plain data that all but arrives
STRAGGLERS = 0.3  # seconds for what is under way when the last one was sent


class End(Protocol):
    """What one end of a conversation does to its packets."""

    def protect(self, rtp: bytes) -> bytes:
        """Make a packet fit to send."""
        ...

    def knows(self, datagram: bytes) -> bool:
        """Return whether *datagram* is of a conversation at all."""
        ...

    def unprotect(self, datagram: bytes) -> bytes | None:
        """Return what the other end made fit; None if that was not it."""
        ...


class Plain:
    """Packets as large and as many as those of voice, which no filter takes for voice: the control."""

    def protect(self, rtp: bytes) -> bytes:
        """Put it behind a byte that begins nothing known (RFC 7983 section 7)."""
        return UNKNOWN + rtp + bytes(AUTHENTICATION - len(UNKNOWN))

    def knows(self, datagram: bytes) -> bool:
        """Return whether it begins so."""
        return datagram.startswith(UNKNOWN)

    def unprotect(self, datagram: bytes) -> bytes | None:
        """Return what is in it."""
        return datagram[len(UNKNOWN) : len(UNKNOWN) - AUTHENTICATION]


@dataclass
class Talk:
    """One direction: what one end said, and what the other end took for genuine."""

    voice: Voice = field(default_factory=Voice)
    heard: set[int] = field(default_factory=set[int])
    """Numbers of the packets that were authenticated."""
    rejected: int = 0
    """Packets that came and were not, repetitions apart."""
    _spoilt: set[int] = field(default_factory=set[int])

    @property
    def arrives(self) -> bool:
        """Whether it still does: something of the second half of what was sent has come."""
        return any(number >= PACKETS // 2 for number in self.heard)

    @property
    def share(self) -> float:
        """How much was heard of what was sent until the last that was: what is under way is not lost."""
        return len(self.heard) / (max(self.heard) + 1) if self.heard else 0.0

    @property
    def altered(self) -> bool:
        """Whether packets came, and so many not as the other end had made them that it is no accident.

        Only what is missing counts: who adds packets of his own changes nothing of a call.
        """
        known = len(self._spoilt - self.heard)
        spoilt = known + min(self._strange, self.voice.sent - len(self.heard) - known)
        return spoilt >= max(FEW, MUCH * self.voice.sent) or bool(self.rejected and not self.heard)

    @property
    def _strange(self) -> int:
        return self.rejected - len(self._spoilt)

    def hear(self, end: End, datagram: bytes) -> None:
        """Take in what came to the *end* that listens."""
        if not end.knows(datagram):
            return
        rtp = end.unprotect(datagram)
        number = self._number(datagram if rtp is None else rtp)
        if rtp is None:
            self._reject(number)
        elif number is not None:  # else it is of another conversation
            self.heard.add(number)

    def _reject(self, number: int | None) -> None:
        """Put aside what says that it is packet *number*; a repetition of what was heard is none."""
        if number is None:
            self.rejected += 1
        elif number not in self.heard | self._spoilt:
            self.rejected += 1
            self._spoilt.add(number)

    def _number(self, rtp: bytes) -> int | None:
        try:
            return self.voice.number_of(Packet.parse(rtp))
        except MalformedError:
            return None


class Conversation:
    """Two ends that talk to each other at the pace of a telephone."""

    def __init__(self, near: tuple[Pair, End], far: tuple[Pair, End], facts: dict[str, Scalar]) -> None:
        """Speak over the link of each end with its keys, and count in *facts*."""
        self._near, self._far, self._facts = near, far, facts
        self.out, self.back = Talk(), Talk()
        self._news = asyncio.Event()

    @property
    def arrives(self) -> bool:
        """Whether voice arrives both ways."""
        return self.out.arrives and self.back.arrives

    @property
    def altered(self) -> bool:
        """Whether somebody alters what is said, in one direction at least."""
        return self.out.altered or self.back.altered

    @property
    def share(self) -> float:
        """How much arrives, in the direction in which less does."""
        return min(self.out.share, self.back.share)

    @property
    def told(self) -> str:
        """What arrived of what was sent, in a few words."""
        counts = (f"{len(one.heard)} of {one.voice.sent}" for one in (self.out, self.back))
        return "{} packets there, {} back".format(*counts)

    async def run(self) -> None:
        """Talk until both ends have heard enough; who hears nothing is talked to for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                listening = [
                    group.create_task(self._listen(self.out, *self._far)),
                    group.create_task(self._listen(self.back, *self._near)),
                ]
                await self._speak()
                for task in listening:
                    task.cancel()
        finally:
            self._facts |= self._counted()

    async def _speak(self) -> None:
        began = time.monotonic()
        while self.out.voice.sent < PACKETS or not self.arrives:
            await _say(self.out, *self._near)
            await _say(self.back, *self._far)
            await asyncio.sleep(max(0.0, began + self.out.voice.sent * PACKET_TIME - time.monotonic()))
        await self._stragglers()

    async def _stragglers(self) -> None:
        """Wait for what is under way, as long as some of it still can be."""
        with contextlib.suppress(TimeoutError):
            async with awake(STRAGGLERS):
                while any(len(one.heard) < one.voice.sent for one in (self.out, self.back)):
                    self._news.clear()
                    await self._news.wait()

    async def _listen(self, talk: Talk, link: Pair, end: End) -> None:
        while True:
            talk.hear(end, await link.receive())
            self._news.set()

    def _counted(self) -> dict[str, Scalar]:
        out, back = self.out, self.back
        return {
            "sent": out.voice.sent,
            "authenticated": len(out.heard),
            "back_sent": back.voice.sent,
            "back_authenticated": len(back.heard),
            "rejected": out.rejected + back.rejected,
            "ssrc": f"{out.voice.ssrc:08x} {back.voice.ssrc:08x}",
        }


async def _say(talk: Talk, link: Pair, end: End) -> None:
    await link.send(end.protect(bytes(talk.voice.packet())))
