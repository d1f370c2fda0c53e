"""Progress on a real pseudo-terminal: one line, wiped at the end, and nothing at all where nobody looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from io import StringIO
from typing import TextIO

import pytest

from rainbow_probe.model import Flow, Result, Via
from rainbow_probe.report.progress import REFRESH, Progress
from tests import report_samples as samples

HIDE, SHOW, WIPE = "\x1b[?25l", "\x1b[?25h", "\x1b[2K"
RESULTS = samples.broken_site().results
needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="platform: there are no pseudo-terminals on Windows")


class Screen:
    """Our end of a pseudo-terminal, and the stream that the program under test writes to."""

    def __init__(self, master: int, stream: TextIO) -> None:
        """Look through *master* at what goes to *stream*."""
        self.stream = stream
        self._master = master
        self._seen = ""

    def until(self, wanted: str) -> str:
        """Wait for *wanted* and return everything up to now."""
        while wanted not in self._seen:
            self._seen += os.read(self._master, 4096).decode()
        return self._seen


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Open a pseudo-terminal of 80 columns that can move its cursor."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    master, slave = os.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        yield Screen(master, stream)
    os.close(master)


def flow(*, via: Via = Via.DIRECT) -> Flow:
    """Return a flow of the sample that goes out by *via*."""
    return next(result.flow for result in RESULTS if result.flow.via is via)


@needs_pty
def test_a_terminal_sees_what_is_tried(screen: Screen) -> None:
    """The line says how many are left and on what we wait; at the end it is gone and the cursor is back."""
    with Progress(2, stream=screen.stream) as progress:
        progress.started(flow(via=Via.PROXY))
        assert "2 of 2 checks left, 0 s: https openrainbow.health:443 via proxy" in screen.until("via proxy")
    seen = screen.until(SHOW)
    assert seen.startswith(HIDE)
    assert WIPE in seen[seen.rindex("checks left") :] + screen.until(WIPE)


@needs_pty
def test_the_cursor_is_back_after_ctrl_c(screen: Screen) -> None:
    """An interrupted run leaves the terminal as it was."""
    with pytest.raises(KeyboardInterrupt):
        interrupted_run(screen)
    assert SHOW in screen.until(SHOW)


def interrupted_run(screen: Screen) -> None:
    """Press Ctrl-C as soon as progress is shown."""
    with Progress(1, stream=screen.stream) as progress:
        progress.started(flow())
        screen.until("checks left")
        raise KeyboardInterrupt


@needs_pty
@pytest.mark.parametrize(("quiet", "term"), [(True, "xterm"), (False, "dumb")])
def test_silence(screen: Screen, monkeypatch: pytest.MonkeyPatch, quiet: bool, term: str) -> None:
    """Whoever asks for quiet, or has a terminal that cannot wipe a line, sees nothing."""
    monkeypatch.setenv("TERM", term)
    with Progress(1, stream=screen.stream, quiet=quiet) as progress:
        progress.started(flow())
    screen.stream.write("end")
    screen.stream.flush()
    assert screen.until("end").startswith("end")


def test_no_terminal_no_progress() -> None:
    """A pipe or a file gets not one byte."""
    stream = StringIO()
    with Progress(len(RESULTS), stream=stream) as progress:
        for result in RESULTS:
            progress.started(result.flow)
            progress.finished(result)
    assert stream.getvalue() == ""


def rest(progress: Progress) -> str:
    """Return the line without its spinner."""
    return progress.line()[2:]


def test_the_line_counts_down() -> None:
    """What has run longest comes first; what is over leaves; more may be expected on the way."""
    progress = Progress(2, stream=StringIO())
    assert rest(progress) == "2 of 2 checks left, 0 s: starting"
    first, second = RESULTS[0], RESULTS[1]
    progress.started(first.flow)
    progress.started(second.flow)
    names = "https openrainbow.health:443 via proxy, https web.openrainbow.health:443 via proxy"
    assert rest(progress) == f"2 of 2 checks left, 0 s: {names}"
    progress.finished(first)
    progress.expect(3)
    assert rest(progress).startswith("4 of 5 checks left, 0 s: https web.")
    progress.finished(second)
    assert rest(progress).endswith("starting")


def test_many_running_checks_are_counted() -> None:
    """The line names a few and counts the others; without anything left it is the judge's turn."""
    progress = Progress(len(RESULTS), stream=StringIO())
    for result in RESULTS:
        progress.started(result.flow)
    assert rest(progress).endswith(", and 13 more")
    for result in RESULTS:
        progress.finished(result)
    assert rest(progress) == "0 of 16 checks left, 0 s: judging"


def test_a_result_nobody_started_is_counted() -> None:
    """A flow that was skipped at once still counts as done, and more results than planned are never less than none."""
    progress = Progress(1, stream=StringIO())
    for result in RESULTS[:2]:
        progress.finished(Result(flow=result.flow, verdict=result.verdict))
    assert rest(progress).startswith("0 of 1 checks left")


def test_refreshing_is_cheap() -> None:
    """At most eight times a second: the event loop has other things to do."""
    assert 1 <= REFRESH <= 8
