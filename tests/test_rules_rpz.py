"""The records for resolvers, loaded by a real one: what a filter denied resolves again, and nothing else does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode

from rainbow_probe.model import Cause, Phase
from rainbow_probe.rules import render
from rainbow_probe.rules.least import least
from tests.demo_clients import needs
from tests.judge_samples import APEX, Fault, both, guide, host, kind, report
from tests.ports import free_port
from tests.servers import HOST

WEB = f"web.{APEX}"
ADDRESS = "192.0.2.7"
HEAD = "@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n"
UNBOUND = """\
server:
  interface: {host}@{port}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/pid"
  use-syslog: no
  do-daemonize: no
  module-config: "respip iterator"
remote-control:
  control-enable: no
auth-zone:
  name: "{zone}."
  for-upstream: no
  for-downstream: yes
  zonefile: "{folder}/service.zone"
"""
POLICY = 'rpz:\n  name: "{name}.rpz."\n  zonefile: "{folder}/{name}.rpz"\n'

pytestmark = needs("unbound")


@asynccontextmanager
async def resolver(folder: Path, **policies: str) -> AsyncGenerator[int]:
    """Run unbound with *policies* in their order, each the records of a zone; gives its port."""
    port = free_port(socket.SOCK_STREAM, socket.SOCK_DGRAM)
    names = f"{APEX}. A {ADDRESS}\n*.{APEX}. A {ADDRESS}\n"
    (folder / "service.zone").write_text(f"$TTL 60\n$ORIGIN {APEX}.\n{HEAD}{names}")
    text = UNBOUND.format(host=HOST, port=port, folder=folder, zone=APEX)
    for name, records in policies.items():
        (folder / f"{name}.rpz").write_text(f"$TTL 60\n$ORIGIN {name}.rpz.\n{HEAD}{records}")
        text += POLICY.format(name=name, folder=folder)
    (folder / "unbound.conf").write_text(text)
    none = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec("unbound", "-c", str(folder / "unbound.conf"), stdin=none)
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def passed(port: int, names: Sequence[str]) -> set[str]:
    """Return which of *names* have an address, as soon as the resolver answers."""
    found = {name: await _asked(port, name) for name in names}
    assert {code for code, _ in found.values()} <= {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
    return {name for name, (_, answers) in found.items() if ADDRESS in answers}


async def _asked(port: int, name: str) -> tuple[dns.rcode.Rcode, str]:
    async with asyncio.timeout(30):
        while True:
            with suppress(OSError, dns.exception.Timeout):
                answer = await dns.asyncquery.udp(dns.message.make_query(name, "A"), HOST, port=port, timeout=1)
                return answer.rcode(), " ".join(map(str, answer.answer))
            await asyncio.sleep(0.02)


async def test_a_real_resolver_lets_the_denied_name_pass_and_no_other(tmp_path: Path) -> None:
    """The filter denies the whole domain; the advice is for the names that failed, and is as narrow as that."""
    denied = Fault(match=both(kind("dns"), host(APEX)), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN)
    records = render(least(report(denied), guide()), "rpz")
    names = [APEX, WEB, f"below.{APEX}", f"deep.{WEB}"]
    filtered = f"{APEX} CNAME .\n*.{APEX} CNAME .\n"
    async with resolver(tmp_path, filter=filtered) as port:
        assert await passed(port, names) == set()
    async with resolver(tmp_path, advice=records, filter=filtered) as port:
        assert await passed(port, names) == {APEX}
