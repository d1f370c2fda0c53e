"""The command watch: run after run in the foreground, for containers and whoever has no scheduler."""

from __future__ import annotations

import math
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from rainbow_probe.looking_back import newest_line
from rainbow_probe.schedule.timing import DAY, free_interval

LEAST, MOST = 10, 7 * DAY  # seconds
INTERRUPTED = 130
_WORDS = {
    0: "no needed row failed",
    1: "a needed row failed",
    2: "the run could not be made",
    3: "it could not be told",
    4: "a mail was not sent",
}


class Watch:
    """What signals ask for, between runs and in the midst of one."""

    def __init__(self) -> None:
        """Begin with nothing asked for."""
        self.stopped = False
        self.running = False
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """End: a run that is at work is interrupted as by Ctrl-C, which leaves nothing half done."""
        self.stopped = True
        self.wake()
        if self.running:
            signal.raise_signal(signal.SIGINT)

    def again(self, _number: int, _frame: FrameType | None) -> None:
        """Begin the next run now, or as soon as this one is over; it reads its settings anew."""
        self.wake()

    def wake(self) -> None:
        """End the wait."""
        self._mouth.send(b"!")

    def wait(self, seconds: float) -> None:
        """Wait for the next run, or for a signal."""
        select.select([self._ear], [], [], seconds)
        try:
            self._ear.recv(4096)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give back what was taken."""
        self._ear.close()
        self._mouth.close()


def watch(every: str, once: Callable[[], int]) -> int:
    """Run *once* now and then by the clock, until a signal ends it; returns the exit status.

    SIGTERM ends it with 0, Ctrl-C with 130; SIGHUP begins a run at once, with its settings read anew.
    """
    seconds = free_interval(every, LEAST, MOST)
    with _signals() as heard:
        began = time.monotonic()
        _say(f"watching, a run every {every}; SIGTERM ends it, SIGHUP reads the settings anew")
        while not heard.stopped:
            status = _one(heard, once)
            if status == INTERRUPTED and not heard.stopped:
                return INTERRUPTED
            if not heard.stopped:
                heard.wait(next_in(time.monotonic() - began, seconds))
    _say("stopped")
    return 0


def next_in(gone: float, every: float) -> float:
    """Return the seconds to the next run, *gone* seconds after the first one began: no run shifts those after it.

    A run that took longer than the interval costs those that it overlaps.
    """
    return (math.floor(gone / every) + 1) * every - gone


def _one(heard: Watch, once: Callable[[], int]) -> int:
    """Make one run; whatever is wrong with it is told, and the next one comes all the same."""
    heard.running = True
    try:
        status = INTERRUPTED if heard.stopped else once()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as exc:  # noqa: BLE001 - a site file that is being edited, say, must not end the watch
        print(f"rainbow-probe: {str(exc) or type(exc).__name__}", file=sys.stderr, flush=True)  # noqa: T201 - the error
        status = 2
    finally:
        heard.running = False
    if status != INTERRUPTED:
        _say(f"{_WORDS.get(status, f'status {status}')}{newest_line() if status != 2 else ''}")
    return status


@contextmanager
def _signals() -> Generator[Watch]:
    """Listen, and leave the signals as they were.

    Scripts start what is to go on in the background with SIGINT ignored, and by it a run is interrupted.
    """
    heard = Watch()
    # Windows has no SIGHUP.
    wanted = {"SIGTERM": heard.stop, "SIGHUP": heard.again, "SIGINT": signal.default_int_handler}
    before = {
        known: signal.signal(known, handler)
        for name, handler in wanted.items()
        if (known := getattr(signal, name, None)) is not None
    }
    try:
        yield heard
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
        heard.close()


def _say(text: str) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"{now} {text}", flush=True)  # noqa: T201 - the answer
