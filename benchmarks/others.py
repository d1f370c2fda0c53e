"""What a user would take instead, on the same targets: curl one after the other, blackbox_exporter in parallel.

``python -m benchmarks.others curl|blackbox TARGETS.json RESULT.json``; it runs where the targets can be reached, for
example in a namespace of the lab. A target is ``{"url", "ca"}``: https, fetched, or tls, shaken hands with.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote, urlsplit

from benchmarks.processes import CommandError

LIMIT = 8  # seconds for one target, as the probe's own
PORT = 19115  # where blackbox_exporter listens
EXPORTER = "prometheus-blackbox-exporter"


class Target(TypedDict):
    """One thing to try, and the file with the authority to trust for it."""

    url: str
    ca: str


class Result(TypedDict):
    """Seconds for all targets, and how many of them worked."""

    seconds: float
    worked: int


def missing() -> list[str]:
    """Name the tools that are not installed."""
    return [name for name in ("curl", "openssl", EXPORTER) if shutil.which(name) is None]


def one_after_the_other(targets: Sequence[Target]) -> Result:
    """Fetch each target with curl; curl cannot end after a TLS handshake, so openssl does those."""
    began = time.perf_counter()
    worked = sum(_run(_command(target)) for target in targets)
    return Result(seconds=time.perf_counter() - began, worked=worked)


def _command(target: Target) -> list[str]:
    url = urlsplit(target["url"])
    if url.scheme == "https":
        return ["curl", "-sS", "-o", "/dev/null", "-m", str(LIMIT), "--cacert", target["ca"], target["url"]]
    verify = ["-verify_return_error", "-verify_hostname", str(url.hostname), "-CAfile", target["ca"]]
    return ["openssl", "s_client", "-connect", url.netloc, "-servername", str(url.hostname), *verify]


def _run(command: Sequence[str]) -> bool:
    done = subprocess.run(  # noqa: S603 - a command of our own
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT + 5, check=False
    )
    return done.returncode == 0


def all_at_once(targets: Sequence[Target]) -> Result:
    """Start the exporter and ask it for all targets at once; the seconds are without its start."""
    with exporter(targets):
        began = time.perf_counter()
        worked = asyncio.run(_ask(targets))
        return Result(seconds=time.perf_counter() - began, worked=worked)


@contextmanager
def exporter(targets: Sequence[Target]) -> Generator[None]:
    """Run blackbox_exporter with one module a target, until the block ends."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        json.dump({"modules": {str(n): _module(target) for n, target in enumerate(targets)}}, config)
        config.flush()
        command = [EXPORTER, f"--config.file={config.name}", f"--web.listen-address=127.0.0.1:{PORT}"]
        with subprocess.Popen(  # noqa: S603 - a command of our own
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                asyncio.run(_until_up(process))
                yield
            finally:
                process.terminate()


def _module(target: Target) -> dict[str, object]:
    trust = {"ca_file": target["ca"], "server_name": urlsplit(target["url"]).hostname}
    common: dict[str, object] = {"timeout": f"{LIMIT}s"}
    if target["url"].startswith("https:"):
        http = {"valid_status_codes": list(range(200, 500)), "follow_redirects": False, "tls_config": trust}
        return common | {"prober": "http", "http": http | {"preferred_ip_protocol": "ip4"}}
    return common | {"prober": "tcp", "tcp": {"tls": True, "tls_config": trust, "preferred_ip_protocol": "ip4"}}


async def _until_up(process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(LIMIT):
        while process.poll() is None:
            try:
                await _get("/-/healthy")
            except OSError:
                await asyncio.sleep(0.005)
            else:
                return
    raise CommandError(f"{EXPORTER} did not start")


async def _ask(targets: Sequence[Target]) -> int:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_get(_query(number, target))) for number, target in enumerate(targets)]
    return sum(b"\nprobe_success 1" in task.result() for task in tasks)


def _query(number: int, target: Target) -> str:
    wanted = target["url"] if target["url"].startswith("https:") else urlsplit(target["url"]).netloc
    return f"/probe?module={number}&target={quote(wanted, safe='')}"


async def _get(path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()


TOOLS = {"curl": one_after_the_other, "blackbox": all_at_once}


def main(tool: str, targets_file: str, result_file: str) -> None:
    """Run one of ``TOOLS`` on the targets in a file."""
    targets: list[Target] = json.loads(Path(targets_file).read_text())
    Path(result_file).write_text(json.dumps(TOOLS[tool](targets)))


if __name__ == "__main__":
    main(*sys.argv[1:])
