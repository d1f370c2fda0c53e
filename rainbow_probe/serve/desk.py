"""One run at a time, told to whoever watches while it goes on, and kept until the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rainbow_probe.catalogue import CatalogueError
from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.model import Flow, Report, Result
from rainbow_probe.net.trust import TrustError
from rainbow_probe.options import UsageError
from rainbow_probe.readiness import Assessment
from rainbow_probe.report.past import Past
from rainbow_probe.report.wording import OUTCOMES, SEVERITIES, VERDICTS
from rainbow_probe.site import SiteError

MOST_WAITING = 4000  # messages that a watcher may be behind; who is further behind has gone away
Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a report stands beside those before it."""

    compared: str
    """What changed, in words."""
    past: Sequence[Past] = ()
    """What earlier runs of the site found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A run that was prepared, and what is to be done with its report."""

    assessment: Assessment
    keep: Callable[[Report], Kept]
    """Keeps the report as the command does; it takes its time."""


Prepare = Callable[[Sequence[str]], AbstractAsyncContextManager[Ready]]
"""From the words of a command line to a run; raises ``UsageError``."""


class BusyError(Exception):
    """A run goes on already."""


@dataclass
class Desk:
    """What the page shows: the run that goes on, or the last one."""

    prepare: Prepare
    group: asyncio.TaskGroup
    language: Language = ENGLISH
    report: Report | None = None
    past: Sequence[Past] = ()
    _messages: list[Message] = field(default_factory=list[Message])
    _watchers: set[asyncio.Queue[Message]] = field(default_factory=set[asyncio.Queue[Message]])
    _task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return self._task is not None and not self._task.done()

    def start(self, words: Sequence[str]) -> None:
        """Begin the run of a command line. Raises ``BusyError``."""
        if self.running:
            raise BusyError
        self._messages.clear()
        self.report, self.past = None, ()
        self._say(begun=True)
        self._task = self.group.create_task(self._run(words))

    def stop(self) -> None:
        """Stop the run; what it found until then is reported."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, words: Sequence[str]) -> None:
        try:
            async with self.prepare(words) as ready:
                await self._assess(ready)
        except (UsageError, CatalogueError, TrustError, SiteError) as exc:
            self._say(wrong=str(exc))
        except Exception as exc:  # noqa: BLE001 - as on the command line: a fault of ours is told, and ends nothing else
            self._say(wrong=f"a fault of the probe itself ({type(exc).__name__}); please report it")

    async def _assess(self, ready: Ready) -> None:
        interrupted = False
        try:
            await ready.assessment.run(self)
        except asyncio.CancelledError:
            interrupted = True
        report = await asyncio.to_thread(ready.assessment.report, interrupted=interrupted)
        kept = await asyncio.to_thread(ready.keep, report)
        self.report, self.past = report, kept.past
        self._say(done=_outcome(report, kept.compared, self.language))

    def expect(self, more: int) -> None:
        """Tell that *more* flows were planned."""
        self._say(expect=more)

    def started(self, flow: Flow) -> None:
        """Tell that *flow* begins."""
        self._say(started=flow.id)

    def finished(self, result: Result) -> None:
        """Tell how a flow ended."""
        verdict = result.verdict
        word = self.language.say(OUTCOMES[verdict.outcome])
        self._say(finished=result.flow.id, outcome=verdict.outcome.value, word=word, reason=verdict.reason)

    def _say(self, **message: object) -> None:
        self._messages.append(message)
        for watcher in [one for one in self._watchers if one.full()]:
            self._watchers.discard(watcher)
        for watcher in self._watchers:
            watcher.put_nowait(message)

    @asynccontextmanager
    async def watched(self) -> AsyncGenerator[asyncio.Queue[Message]]:
        """Give all that was said of this run, and what will be."""
        watcher = asyncio.Queue[Message](MOST_WAITING)
        for message in self._messages[:MOST_WAITING]:
            watcher.put_nowait(message)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)


def _outcome(report: Report, compared: str, language: Language) -> Message:
    say, said = language.say, language.said
    return {
        "verdict": report.verdict.value,
        "word": say(VERDICTS[report.verdict]),
        "summary": said(report.summary),
        "compared": compared,
        "clients": [
            {"title": said(c.title), "verdict": c.verdict.value, "word": say(VERDICTS[c.verdict])}
            for c in report.clients
        ],
        "findings": [
            {
                "id": f.id,
                "title": said(f.title),
                "severity": f.severity.value,
                "weight": say(SEVERITIES[f.severity]),
                "who": say(ACTORS[f.who]),
                "fix": said(f.fix),
            }
            for f in report.findings
        ],
    }
