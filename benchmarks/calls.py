"""A call through the relay, with ICE, DTLS and SRTP both ways: what it takes, in seconds and of a core."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import count
from statistics import median

from benchmarks.figures import Figure, table
from benchmarks.ports import checked, passed
from rainbow_probe.net.media import PACKETS
from rainbow_probe.protocols.rtp import PACKET_TIME
from tests.lab import netns
from tests.lab.cloud import Cloud
from tests.lab.scenario import Expected, Scenario
from tests.lab.site import Site

REPEATS = 10
SPOKEN = PACKETS * PACKET_TIME  # seconds for which a call's two ends speak
NUMBERS = count(70)  # of sites
ROUND_TRIP_MS = 50.0


def figures() -> Iterable[Figure]:
    """Measure in the lab; nothing where the lab cannot be."""
    if reason := netns.why_not():
        print(f"no lab on this machine, so nothing is measured in it: {reason}")
        return
    with Cloud() as cloud:
        for round_trip in (0.0, ROUND_TRIP_MS):
            scenario = Scenario(title="open", expect=Expected(exit=0, verdict="pass"))
            with Site(cloud, scenario, number=next(NUMBERS), delay_ms=round_trip) as site:
                runs = passed(checked(site, "call", REPEATS))
            took = tuple(one["seconds"] for one in runs)
            yield Figure(
                name=f"a call, {f'{round_trip:g} ms' if round_trip else 'no'} round trip", value=median(took), unit="s",
                samples=took, base=SPOKEN, against=f"the {PACKETS} packets of voice each way that are in it",
                limit=float("inf"), goal="none",
            )  # fmt: skip
    used = tuple(1000 * one["cpu"] for one in runs)
    yield Figure(
        name="CPU of a call, both ends", value=median(used), unit="ms", samples=used, base=1000 * median(took),
        against="the seconds that it takes", limit=float("inf"), goal="none",
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(table(figures()) + "\n")
