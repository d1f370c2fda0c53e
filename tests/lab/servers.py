"""Server processes in a namespace: started, awaited until they listen, stopped by their process group."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.netns import LabError, Namespace

PATIENCE = 20.0  # seconds a server may take to listen on a busy machine
POLL = 0.01
_LISTENS = {"tcp": "0A", "udp": "07"}  # the state column of /proc/net/tcp and udp: LISTEN, and unconnected


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server; it has started when it listens on all *ports*.

    ``tcp/443``, ``udp/198.18.0.10:53``, or ``log/WORDS``: these words are in its log.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ports: tuple[str, ...]

    def wait(self) -> None:
        """Return once it listens; a ``LabError`` with the end of its log when it ends or takes too long."""
        deadline = time.monotonic() + PATIENCE
        while missing := [port for port in self.ports if not self._listens(port)]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"{self.name} does not listen on {', '.join(missing)}: {self.tail()}")
            time.sleep(POLL)

    def _listens(self, port: str) -> bool:
        protocol, _, place = port.partition("/")
        if protocol == "log":
            return place in self.tail()
        return place in listening(self.process.pid, protocol)

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-800:]

    def stop(self) -> None:
        """End the server and its children, and wait for it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(
    namespace: Namespace,
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    ports: Iterable[str],
    environment: Mapping[str, str] | None = None,
) -> Server:
    """Start the server *name* in *namespace*, with its log in *folder*; does not wait."""
    log = folder / f"{name}.log"
    process = namespace.popen(command, log, environment)
    return Server(name=name, process=process, log=log, ports=tuple(ports))


def listening(pid: int, protocol: str) -> set[str]:
    """Return where anybody listens in the network namespace of process *pid*: ``443``, and ``198.18.0.10:443``."""
    found: set[str] = set()
    for family in (protocol, f"{protocol}6"):
        try:
            lines = Path(f"/proc/{pid}/net/{family}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        rows = [line.split() for line in lines]
        for address, _, port in (row[1].partition(":") for row in rows if row[3] == _LISTENS[protocol]):
            found |= {str(int(port, 16)), f"{_dotted(address)}:{int(port, 16)}"}
    return found


def _dotted(hexadecimal: str) -> str:
    """Return an IPv4 address of /proc/net in its usual form; other addresses as they are."""
    octets = bytes.fromhex(hexadecimal)
    return ".".join(map(str, reversed(octets))) if len(octets) == 4 else hexadecimal
