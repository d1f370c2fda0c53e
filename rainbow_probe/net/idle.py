"""How long a link lives without traffic: several at once, each woken after its own time, so that it is one wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import OUR_OWN, Cause, PeerError, Phase, Scalar
from rainbow_probe.net.websocket import WebSocket

PING = b"rainbow-probe"
TOGETHER = 1.5  # times: a link with traffic that ends no later than that was not cut for being idle
BUSY = 0.4  # of the shortest wait: a link with traffic is never idle for longer
OFTEN = 10  # times in a hold is there traffic on a link that shall not be idle
GOODBYE, SILENCE = "goodbye", "silence"
_SHOWS = {Cause.TIMEOUT: SILENCE, Cause.RESET: "reset", Cause.CLOSED: "closed"}

Open = Callable[[Recorder], AbstractAsyncContextManager[WebSocket]]
"""Opens one more link of the kind under test; its steps go to the recorder given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One link: alive after so many *seconds*, or cut then; *shows* says how, and is empty if it lives."""

    seconds: float
    shows: str = ""
    wait: float = 0.0
    """Seconds for which it was to be idle, where it was."""


UNWATCHED = Ended(seconds=0.0)
"""One of which nothing is known, as this machine had no time for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """What idle links, and one with traffic, came to."""

    lived: float
    """Seconds of the longest idleness that a link survived; 0 if none did."""
    cut: Ended | None
    """The first cut after a longer idleness than any that was survived."""
    kept: Ended
    """The link with traffic."""
    unwatched: bool = False
    """Whether this machine had no time to watch one of them."""

    def facts(self) -> dict[str, Scalar]:
        """Return all of it as evidence."""
        known: dict[str, Scalar] = {"survived_s": self.lived, "kept_s": self.kept.seconds, "kept": self.kept.shows}
        if self.cut:
            known |= {"cut_s": self.cut.seconds, "cut_shows": self.cut.shows}
        return {key: value for key, value in known.items() if value != ""}


async def survival(busy: WebSocket, another: Open, waits: Sequence[float], rec: Recorder, *, limit: float) -> Survival:
    """Keep *busy* alive by traffic, and leave *another* link idle for each of *waits* (seconds).

    *limit* is how long an answer may take. A link that cannot be opened, or that this machine had no time to watch,
    tells nothing.
    """
    async with asyncio.TaskGroup() as group:
        kept = group.create_task(_kept(busy, waits, rec.aside(max(waits)), limit, max(waits)))
        tasks = [group.create_task(_idle(another, wait, rec.aside(wait), limit)) for wait in waits]
    ended = [one for task in tasks if (one := task.result())]
    seen = summed([one for one in ended if one is not UNWATCHED], kept.result())
    return replace(seen, unwatched=UNWATCHED in ended)


def summed(ended: Sequence[Ended], kept: Ended) -> Survival:
    """Put links together: a cut counts only where a longer idleness was to come than any that was survived."""
    lived = max((one.seconds for one in ended if not one.shows), default=0.0)
    cuts = [one for one in ended if one.shows and one.wait > lived]
    first = min(cuts, key=lambda one: one.seconds, default=None)
    # Boxes count coarsely: one link may be cut a little before another one that was just not.
    return Survival(lived=lived, cut=first and replace(first, seconds=max(first.seconds, lived)), kept=kept)


def lasted(seen: Survival, needed: float) -> str:
    """Say how long links last. Raises ``PeerError`` if clients would lose theirs, or if it cannot be told."""
    between = f"between {seen.lived:g} s and {seen.cut.seconds:g} s" if seen.cut else ""
    by_time = bool(seen.kept.shows) and (seen.cut is None or seen.kept.seconds < TOGETHER * seen.cut.seconds)
    if seen.cut and seen.lived < needed and not by_time:
        told = (
            f"cut {between} without traffic ({seen.cut.shows}); with traffic it lives on, and clients send some "
            f"every {needed:g} s only"
        )
        raise PeerError(Cause.CUT_AFTER_IDLE, told)
    if by_time and seen.kept.shows != GOODBYE and seen.kept.seconds < TOGETHER * needed:
        raise PeerError(Cause.CUT_AFTER_TIME, f"cut after {seen.kept.seconds:g} s ({seen.kept.shows}), traffic or not")
    if seen.lived < needed and seen.unwatched and not seen.kept.shows:
        raise PeerError(Cause.BUDGET, f"this machine had no time to watch links for longer than {seen.lived:g} s")
    if seen.lived < needed:
        raise PeerError(Cause.CANNOT_TELL, f"longer than {seen.lived:g} s could not be tried: {_why(seen)}")
    if not between:
        return f"survives {seen.lived:g} s idle"
    return f"survives {seen.lived:g} s idle; it is cut {between}, longer than clients are idle"


def _why(seen: Survival) -> str:
    if seen.kept.shows:
        return f"the link ended after {seen.kept.seconds:g} s with traffic too, as servers do where nobody logs in"
    return "no more links could be opened"


async def _idle(another: Open, wait: float, rec: Recorder, limit: float) -> Ended | None:
    try:
        async with another(rec) as socket:
            rec.restart_budget(extra=wait)
            return await _woken(socket, wait, rec, limit)
    except StepError as exc:
        return UNWATCHED if exc.failure.cause in OUR_OWN else None


async def _woken(socket: WebSocket, wait: float, rec: Recorder, limit: float) -> Ended:
    began = rec.elapsed
    try:
        await _once(socket, wait, rec, limit)
    except StepError as exc:
        if exc.failure.cause in OUR_OWN:
            return UNWATCHED
        seen = exc.failure.cause is Cause.TIMEOUT  # silence is only met by the ping, when the wait is over
        moment = wait if seen else round(rec.elapsed - began, 1)
        return Ended(seconds=moment, shows=_shows(socket, exc), wait=wait)
    return Ended(seconds=wait, wait=wait)


async def _kept(socket: WebSocket, waits: Sequence[float], rec: Recorder, limit: float, longest: float) -> Ended:
    began = rec.elapsed
    try:
        while rec.elapsed - began < longest:
            rec.restart_budget()
            await _once(socket, BUSY * min(waits), rec, limit)
    except StepError as exc:
        if exc.failure.cause not in OUR_OWN:
            return Ended(seconds=round(rec.elapsed - began, 1), shows=_shows(socket, exc))
    return Ended(seconds=round(rec.elapsed - began, 1))


async def in_use(another: Open, seconds: float, rec: Recorder, *, limit: float) -> str:
    """Return how *another* link ended within *seconds* although there was traffic on it; empty if it did not.

    It is empty as well where there is no other link to be had, or this machine had no time to watch it.
    """
    rec.restart_budget(extra=seconds + 2 * limit)
    aside = rec.aside(seconds)
    try:
        async with another(aside) as socket:
            return (await _kept(socket, [seconds / OFTEN], aside, limit, seconds)).shows
    except StepError:
        return ""


async def _once(socket: WebSocket, wait: float, rec: Recorder, limit: float) -> None:
    async with rec.step(Phase.XMPP, "idle", limit=wait + limit):
        await socket.idle(wait)
    async with rec.step(Phase.XMPP, "ping", limit=limit):
        await socket.ping(PING)


def _shows(socket: WebSocket, exc: StepError) -> str:
    return GOODBYE if socket.goodbye else _SHOWS.get(exc.failure.cause, str(exc.failure.cause))
