"""The probe in a process of its own, so that all the memory it takes can be seen: OpenSSL's and the parsers', too.

``python -m tests.hostile_child ROOTS KIND:TRANSPORT:PORT...`` checks them all at once and prints by how many bytes the
process grew at its worst, and how each check ended.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
from dataclasses import replace
from pathlib import Path

from rainbow_probe.model import Transport
from rainbow_probe.net.route import Limits
from rainbow_probe.net.trust import Trust
from rainbow_probe.runner import Job, Progressing, run_all
from tests.hostile import STREAMS
from tests.servers import Watcher, a_flow, a_route

LIMITS = Limits(connect=10.0, handshake=10.0, exchange=1.5, datagrams=1.5)


def peak() -> int:
    """Tell the most memory this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage tells on Linux counts the parent's memory before exec, too
        [most] = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(most) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def main(roots: str, targets: list[str]) -> dict[str, object]:
    """Check all *targets*, whose certificates the *roots* in that file close."""
    route = replace(a_route(), trust=Trust(public_ca=[roots]), limits=LIMITS)
    route.trust.prepare()
    params = {kind: given for kind, _, given in STREAMS.values()}
    asked = [target.split(":") for target in targets]
    flows = [a_flow(kind, int(port), Transport(transport), params[kind]) for kind, transport, port in asked]
    run, before = Progressing(), peak()
    await run_all([Job(flow=flow, route=route) for flow in flows], run, Watcher(), budget=60, deadline=90)
    ends = [run.results[flow.id].verdict for flow in flows]
    return {
        "grown": peak() - before,
        "ends": [[verdict.outcome, verdict.failure.cause if verdict.failure else ""] for verdict in ends],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2:]))))  # noqa: T201 - the answer to the process that asked
