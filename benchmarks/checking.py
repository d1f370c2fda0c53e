"""Runs one check several times by itself: ``python -m benchmarks.checking KIND SERVER USER COUNT [SECONDS]``.

Prints seconds and CPU seconds of each, and how it ended, as JSON. The TURN password is in the environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import TypedDict

from rainbow_probe.measures import Quality
from rainbow_probe.model import Credentials, Endpoint, Flow, Result, Scalar, Transport
from rainbow_probe.net.names import Names
from rainbow_probe.net.route import Limits, Route
from rainbow_probe.net.trust import Trust
from rainbow_probe.runner import Job, Progressing, run_all

TURN, TLS, HTTP, RANGE = 3478, 443, 80, 49152
LIMIT, BUDGET = 8.0, 30.0  # seconds: of one check as by default, and of a run that hangs
PARAMS: dict[str, dict[str, Scalar]] = {
    "udp-range": {"udp_port": TURN, "tcp_port": HTTP, "tls_port": TLS},
    "quality": {"loss_percent": 1.0, "jitter_ms": 30.0, "latency_ms": 150.0},
}


class Took(TypedDict):
    """One run of the check."""

    began: float
    """By the monotonic clock, which all of this machine share."""
    seconds: float
    cpu: float
    ports: float
    """Seconds from the first request for the ports of a range to their last packet; else 0."""
    outcome: str
    reason: str
    quality: dict[str, tuple[float, float, float]]
    """Loss, delay and jitter, each with its interval, where that was measured."""
    facts: dict[str, Scalar]
    """Of the last step."""


class Nobody:
    """Is told how a run goes, and does nothing about it."""

    def expect(self, more: int) -> None:
        """Take it that there are *more* flows."""

    def started(self, flow: Flow) -> None:
        """Let *flow* begin."""

    def finished(self, result: Result) -> None:
        """Take it that one has its *result*."""


def job(kind: str, server: str, turn: Credentials, seconds: float = 0.0, *, port: int = TURN) -> Job:
    """Make a check of *kind* at *server*, over UDP and direct; quality is measured for so many *seconds*."""
    target = Endpoint(host=server, port=RANGE if kind == "udp-range" else port)
    flow = Flow(id=kind, spec=kind, kind=kind, target=target, transport=Transport.UDP, params=PARAMS.get(kind, {}))
    route = Route(
        trust=Trust(),
        names=Names(_no_name, ipv6=False, source="none"),
        limits=Limits.within(LIMIT),
        turn=turn,
        quality_seconds=seconds,
    )
    return Job(flow=flow, route=route)


async def _no_name(host: str) -> tuple[str, ...]:
    raise OSError(host)


async def took(one: Job) -> Took:
    """Run it once, as a whole run does."""
    run, began, used = Progressing(), time.monotonic(), time.process_time()
    await run_all([one], run, Nobody(), budget=BUDGET, deadline=BUDGET)
    result = run.results[one.flow.id]
    verdict = result.verdict
    return Took(
        began=began,
        seconds=time.monotonic() - began,
        cpu=time.process_time() - used,
        ports=_ports(result),
        outcome=verdict.outcome,
        reason=verdict.reason,
        quality=_quality(verdict.measured),
        facts=dict(result.steps[-1].facts),
    )


def _quality(measured: object) -> dict[str, tuple[float, float, float]]:
    if not isinstance(measured, Quality):
        return {}
    found = {"loss": measured.loss_percent, "delay": measured.delay_ms, "jitter": measured.jitter_ms}
    return {name: (one.value, one.low, one.high) for name, one in found.items()}


def _ports(result: Result) -> float:
    asked = [step.at for step in result.steps if "allocated" in step.facts]
    tried = [step.at + step.took for step in result.steps if "tried" in step.facts]
    return tried[0] - asked[0] if asked and tried else 0.0


async def _several(one: Job, count: int) -> list[Took]:
    return [await took(one) for _ in range(count)]


def main(kind: str, server: str, user: str, count: str, seconds: str = "0") -> None:
    """Do what the command line says."""
    turn = Credentials(user=user, password=os.environ["RAINBOW_PROBE_TURN_PASSWORD"])
    one = job(kind, server, turn, float(seconds))
    print(json.dumps(asyncio.run(_several(one, int(count)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
