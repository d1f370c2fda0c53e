"""The demo cloud in a process of its own, so that the probe has its own core: ``python -m benchmarks.cloud FOLDER``.

Writes ``site.json`` with what a probe must be told, and runs until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict, cast

from benchmarks.processes import PYTHON, CommandError


class Cloud(TypedDict):
    """What a probe must be told."""

    resolver: str
    public_ca: str
    ports: dict[str, int]
    """``HOST:PORT/udp`` or ``/tcp`` to the port on 127.0.0.1."""


@contextmanager
def cloud(folder: Path) -> Generator[Cloud]:
    """Run the cloud while the block runs; *folder* takes its files."""
    command = [PYTHON, "-m", "benchmarks.cloud", str(folder)]
    with subprocess.Popen(  # noqa: S603 - a command of our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise CommandError("the demo cloud did not start")
            yield cast("Cloud", json.loads((folder / "site.json").read_text()))
        finally:
            process.terminate()


async def serve(folder: Path) -> None:
    """Start the cloud, write what it is, say so, and wait for the end of standard input."""
    from rainbow_probe.demo import demo_cloud

    async with demo_cloud() as site:
        public = folder / "public.pem"
        public.write_bytes(site.public_ca.read_bytes())
        ports = {f"{host}:{port}/{carrier}": to for (host, port, carrier), to in site.ports.items()}
        told = Cloud(resolver=site.resolver, public_ca=str(public), ports=ports)
        (folder / "site.json").write_text(json.dumps(told))
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
