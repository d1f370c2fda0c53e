"""Ask a PAC file where URLs go, in a process of its own that is killed when it takes too long."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from rainbow_probe.evidence import printable

LIMIT = 10.0  # seconds for all URLs of one run together
HERE = Path(__file__).parent
KEPT = ("PATH", "SYSTEMROOT", "TZ", "LANG", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
"""Variables that the process gets: no password is among them. Windows needs its system's folder."""
LINE = 1 << 20  # bytes of one line from the process
SHOWN = 300  # characters of a fault
ENDLESS = f"it does not come to an end within {LIMIT:g} s: browsers hang"
BUSY = f"this machine was too busy to run it in {LIMIT:g} s"
WAITS = f"it looks up names, and their answers took longer than {LIMIT:g} s: browsers wait as well"
WORKED = 0.2  # share of the limit for which the process must have had a processor to be called endless

MOSTLY = 0.5  # share of the limit for which names must have been waited for, to be the reason

LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""A name to its addresses, IPv4 first or not; none if there are none."""


@dataclass
class Evaluated:
    """What came of it: by URL, the text it answers or what went wrong; *broken* if the file cannot be used at all."""

    answers: dict[str, str] = field(default_factory=dict[str, str])
    faults: dict[str, str] = field(default_factory=dict[str, str])
    broken: str = ""
    hangs: frozenset[str] = frozenset()
    """The URLs for which it does not come to an end."""
    missing: bool = False
    """Whether this machine has nothing that could run a PAC file."""


async def evaluate(text: str, urls: Mapping[str, str], mine: Sequence[str], look_up: LookUp) -> Evaluated:
    """Ask the PAC file *text* for each of *urls*, URL to host; *mine* are this machine's addresses.

    Names are looked up by *look_up*: the process itself has no business with the network.
    """
    found = Evaluated()
    four = next((address for address in mine if ":" not in address), "127.0.0.1")
    question = {
        "text": text,
        "library": (HERE / "functions.js").read_text("utf-8"),
        "mine": four,
        "mineAll": ";".join(mine) or four,
        "urls": list(urls.items()),
    }
    before, waited = _worked(), _Waiting(look_up)
    try:
        async with asyncio.timeout(LIMIT), _process() as (reader, writer):
            await _send(writer, question)
            ended = await _listen(reader, writer, found, waited)
    except TimeoutError:
        idle = WAITS if waited.seconds >= LIMIT * MOSTLY else BUSY
        ended = ENDLESS if _worked() - before >= LIMIT * WORKED else idle
    left = urls.keys() - found.answers.keys() - found.faults.keys()
    found.faults |= dict.fromkeys(sorted(left), found.broken or ended)
    found.hangs = frozenset(left if ended == ENDLESS else ())
    return found


class _Waiting:
    """A look-up that counts the seconds for which it was waited for."""

    def __init__(self, look_up: LookUp) -> None:
        self.seconds = 0.0
        self._look_up = look_up

    async def __call__(self, host: str) -> Sequence[str]:
        began = time.monotonic()
        try:
            return await self._look_up(host)
        finally:
            self.seconds += time.monotonic() - began


def _worked() -> float:
    """Return the processor time of the processes that have ended; where it cannot be told, assume the most."""
    try:
        import resource
    except ImportError:  # Windows
        return time.monotonic()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@asynccontextmanager
async def _process() -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Start the process, and end it with the block."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    pipe = asyncio.subprocess.PIPE
    program = [sys.executable, "-I", str(HERE / "sandbox.py")]
    process = await asyncio.create_subprocess_exec(
        *program, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=environment, limit=LINE
    )
    try:
        yield cast("asyncio.StreamReader", process.stdout), cast("asyncio.StreamWriter", process.stdin)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        cast("asyncio.StreamWriter", process.stdin).close()


async def _send(writer: asyncio.StreamWriter, what: object) -> None:
    with contextlib.suppress(ConnectionError):  # it ended meanwhile, and what it said before counts
        writer.write(json.dumps(what).encode() + b"\n")
        await writer.drain()


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, found: Evaluated, look_up: LookUp) -> str:
    """Take lines until the end; return what to say of the URLs that have no answer."""
    while line := await _line(reader):
        said = _read(line)
        if "resolve" in said:
            await _send(writer, list(await look_up(str(said["resolve"]))))
        elif "answer" in said:
            found.answers[str(said["url"])] = str(said["answer"])
        elif "url" in said:
            found.faults[str(said["url"])] = printable(str(said.get("fault", "")), SHOWN)
        else:
            found.broken = printable(str(said.get("fault", "")), SHOWN)
            found.missing = "missing" in said
            break
    return "it used up the memory or the time that a PAC file may have"


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than any answer of ours
        return b""


def _read(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}  # pyright: ignore[reportUnknownVariableType] - only its keys are looked at
