"""Headless Chromium as one user at a site has it, driven over the DevTools protocol through a pipe.

Nothing here is the probe's: names, proxy, certificates, WebSocket and WebRTC are all Chromium's own.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.lab.netns import SYSTEM_PATH, LabError, run

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-dev-shm-usage",
    # The lab's addresses are no public ones; Chromium would ask its user before a page may reach them.
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebRTC,LocalNetworkAccessChecksWebSockets",
    "--remote-debugging-pipe",
)  # fmt: skip
LONGEST = 90.0  # seconds for all that one page asks, and the start
Message = dict[str, Any]


class Browser:
    """One browser with one empty page; made by ``opened``."""

    def __init__(self, process: subprocess.Popen[bytes], send: int, receive: int) -> None:
        """Speak over the two ends of the pipes."""
        self._process = process
        self._send, self._receive = send, receive
        self._serial = 0
        self._session = ""
        self._rest = b""
        self._come: deque[bytes] = deque()
        self.heard: Callable[[str, Message], None] = lambda _method, _parameters: None
        """Gets every event: its method and its parameters."""

    def attach(self) -> None:
        """Take hold of the empty page that Chromium begins with."""
        pages = self.do("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in pages if target["type"] == "page")
        self._session = self.do("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]

    def say(self, method: str, **parameters: object) -> int:
        """Send a command whose answer nobody waits for; return its number."""
        self._serial += 1
        told: Message = {"id": self._serial, "method": method, "params": parameters}
        os.write(
            self._send, json.dumps(told | ({"sessionId": self._session} if self._session else {})).encode() + b"\0"
        )
        return self._serial

    def do(self, method: str, **parameters: object) -> Message:
        """Send a command and return its result; events that come meanwhile are heard."""
        number = self.say(method, **parameters)
        for message in self._messages():
            if message.get("id") == number:
                if "error" in message:
                    raise LabError(f"chromium: {method}: {message['error']}")
                result: Message = message["result"]
                return result
            if "method" in message:
                self.heard(message["method"], message["params"])
        raise LabError(f"chromium ended during {method} with {self._process.wait()}")

    def call(self, function: str, argument: object) -> Any:  # noqa: ANN401 - whatever JSON the page answers
        """Call a JavaScript *function* in the page with *argument*; return what it (or its promise) gives."""
        expression = f"({function})({json.dumps(argument)})"
        told = self.do("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise LabError(f"chromium: {told['exceptionDetails']}")
        return told["result"]["value"]

    def _messages(self) -> Iterator[Message]:
        """Give what comes, in its order; what nobody took stays for the next."""
        while True:
            while self._come:
                yield json.loads(self._come.popleft())
            if not (data := os.read(self._receive, 65536)):
                return
            *whole, self._rest = (self._rest + data).split(b"\0")
            self._come.extend(whole)


@contextmanager
def opened(
    enter: Sequence[str],
    home: Path,
    *,
    trusted: Sequence[Path],
    flags: Sequence[str],
    environment: Mapping[str, str],
    longest: float = LONGEST,
) -> Iterator[Browser]:
    """Start Chromium behind the command *enter*, as a user whose *home* has the CAs *trusted*; end it at the end.

    After *longest* seconds it is ended in any case.
    """
    _trust(home, trusted)
    (their_in, our_out), (our_in, their_out) = _pipe(), _pipe()
    # Chromium reads commands from descriptor 3 and writes answers to 4.
    shell = f'exec 3<&{their_in} 4>&{their_out} {their_in}<&- {their_out}>&-; exec "$@"'
    command = [*enter, "bash", "-c", shell, "-", "chromium", *FLAGS, *flags, f"--user-data-dir={home}/profile"]
    clean = {"PATH": SYSTEM_PATH, "HOME": str(home), "LANG": "C.UTF-8", **environment}
    with (home / "chromium.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - a fixed command of ours
            [*command, "about:blank"], pass_fds=(their_in, their_out), env=clean,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    os.close(their_in)
    os.close(their_out)
    watch = threading.Timer(longest, process.kill)
    watch.start()
    try:
        browser = Browser(process, our_out, our_in)
        browser.attach()
        yield browser
    finally:
        watch.cancel()
        _end(process)
        os.close(our_out)
        os.close(our_in)


def _pipe() -> tuple[int, int]:
    """Make a pipe whose ends are not among the first descriptors, which the shell is about to replace."""
    ends = os.pipe()
    moved = fcntl.fcntl(ends[0], fcntl.F_DUPFD_CLOEXEC, 10), fcntl.fcntl(ends[1], fcntl.F_DUPFD_CLOEXEC, 10)
    for end in ends:
        os.close(end)
    return moved


def _trust(home: Path, trusted: Sequence[Path]) -> None:
    """Put the CAs where Chromium on Linux looks for those that the user added."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    run("certutil", "-d", f"sql:{database}", "-N", "--empty-password")
    for number, path in enumerate(trusted):
        run("certutil", "-d", f"sql:{database}", "-A", "-t", "C,,", "-n", f"lab {number}", "-i", str(path))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group: Chromium is many processes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()
