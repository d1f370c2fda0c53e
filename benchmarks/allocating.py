"""Allocates relays one after the other, as the checks do: ``python -m benchmarks.allocating SERVER COUNT``.

Prints the seconds of each, from the opening of the socket on, as JSON. The password is in the environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Credentials, Endpoint, Flow, Transport
from rainbow_probe.net.names import Names
from rainbow_probe.net.paths import Hop
from rainbow_probe.net.relay import Relay
from rainbow_probe.net.route import Limits, Route
from rainbow_probe.net.trust import Trust

PORT = 3478
LIMIT = 8.0  # seconds of one check, as by default


async def allocate(server: str, turn: Credentials, count: int, *, port: int = PORT) -> list[float]:
    """Allocate *count* relays at *server*, each given back before the next one; return the seconds each took."""
    at = Endpoint(host=server, port=port)
    flow = Flow(id="turn", spec="turn", kind="turn", target=at, transport=Transport.UDP)
    names = Names(_no_name, ipv6=False, source="none")
    route = Route(trust=Trust(), names=names, limits=Limits.within(LIMIT), turn=turn)
    return [await _one(Hop(address=at, authority=at), flow, route) for _ in range(count)]


async def _no_name(host: str) -> tuple[str, ...]:
    raise OSError(host)


async def _one(hop: Hop, flow: Flow, route: Route) -> float:
    began = time.perf_counter()
    async with Relay.opened(hop, flow, route, Recorder()) as relay:
        await relay.allocate()
        return time.perf_counter() - began


def main(server: str, user: str, count: str) -> None:
    """Do what the command line says."""
    turn = Credentials(user=user, password=os.environ["RAINBOW_PROBE_TURN_PASSWORD"])
    print(json.dumps(asyncio.run(allocate(server, turn, int(count)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
