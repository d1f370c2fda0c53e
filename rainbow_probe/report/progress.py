"""One line on the terminal while the checks run: how many are left, for how long, and on what they wait."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from rainbow_probe.model import Flow, Result, Via
from rainbow_probe.report.wording import plain, some

REFRESH = 5  # times a second; drawing one line costs well under a millisecond, in a thread of its own
_SHOWN = 3
_ECHO = 4  # columns left free: an echoed ^C at the edge would wrap, and the line above it would never be wiped
_SPINNER = "|/-\\"


class Progress:
    """A context manager that shows the run's progress on *stream*, and nothing where nobody looks.

    Silent if *quiet*, or if *stream* is not a terminal that can move its cursor. On leaving, also by Ctrl-C, the line
    is wiped and the cursor is back. *total* is how many flows will be tried; ``expect`` adds to it.
    """

    def __init__(
        self, total: int = 0, *, stream: TextIO | None = None, quiet: bool = False, no_color: bool = False
    ) -> None:
        self._total = total
        self._done = 0
        self._zero = time.monotonic()
        self._running: dict[str, str] = {}
        console = Console(file=stream or sys.stderr, no_color=no_color or None)
        shown = console.is_terminal and not console.is_dumb_terminal and not quiet
        self._live = _live(console, self) if shown else None

    def __enter__(self) -> Self:
        self._zero = time.monotonic()
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def expect(self, more: int) -> None:
        """Count *more* flows that will be tried."""
        self._total += more

    def started(self, flow: Flow) -> None:
        """Note that *flow* is being tried."""
        through = " via proxy" if flow.via is Via.PROXY else ""
        self._running[flow.id] = plain(f"{flow.kind} {flow.target}{through}")

    def finished(self, result: Result) -> None:
        """Note that a flow has its result."""
        self._running.pop(result.flow.id, None)
        self._done += 1

    def line(self) -> str:
        """Return the line as it stands; what has run longest comes first, for that is what one waits for."""
        seconds = time.monotonic() - self._zero
        left = max(0, self._total - self._done)
        doing = some(list(self._running.values()), _SHOWN) if self._running else "starting" if left else "judging"
        return f"{_SPINNER[int(seconds * REFRESH) % 4]} {left} of {self._total} checks left, {seconds:.0f} s: {doing}"


def _live(console: Console, progress: Progress) -> Live:
    def shown() -> Text:
        text = Text(progress.line(), no_wrap=True)
        text.truncate(max(1, console.width - _ECHO))
        return text

    return Live(
        get_renderable=shown,
        console=console,
        refresh_per_second=REFRESH,
        transient=True,
        redirect_stdout=False,  # standard output may be a file
    )
