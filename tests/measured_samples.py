"""Measured things made by hand: one of each type, with intervals, series, null and not null."""

from __future__ import annotations

from rainbow_probe.measures import (
    Demand,
    Direction,
    Estimate,
    Instant,
    Load,
    Measured,
    PortInterval,
    PortState,
    PortSurvey,
    Quality,
    Ramp,
    Score,
    StoryStep,
)
from rainbow_probe.model import Outcome, Transport, Via

PORTS = PortSurvey(
    first=49152,
    last=65535,
    transport=Transport.UDP,
    direction=Direction.OUT,
    tried=64,
    answered=40,
    intervals=(
        PortInterval(first=49152, last=59999, state=PortState.OPEN),
        PortInterval(first=60000, last=60100, state=PortState.UNKNOWN),
        PortInterval(first=60101, last=65535, state=PortState.CLOSED),
    ),
    closed_percent=Estimate(value=37.5, low=26.7, high=49.7),
    by="TURN relay 198.18.0.21",
)
QUALITY = Quality(
    codec="G.711",
    transport=Transport.UDP,
    via=Via.DIRECT,
    direction=Direction.ROUND_TRIP,
    streams=5,
    duration_s=10.0,
    sent=2500,
    received=2475,
    reordered=3,
    duplicates=1,
    longest_burst=2,
    loss_percent=Estimate(value=1.0, low=0.68, high=1.47),
    jitter_ms=Estimate(value=4.2, low=3.9, high=4.6),
    delay_ms=Estimate(value=21.0, low=20.5, high=22.25),
    delay_is="half of the round trip",
    r_factor=90.1,
    mos=4.33,
    series=tuple(Instant(at_s=float(at), loss_percent=at / 5, jitter_ms=4.0, delay_ms=20.0 + at) for at in range(10)),
    scores=(
        Score(codec="G.711", kbit_s=64, streams=2, sent=1000, r_factor=90.1, mos=4.33, impairments="a table"),
        Score(codec="Opus", kbit_s=40, streams=1, sent=500, r_factor=131.5, mos=4.25, impairments="a paper"),
    ),
)
RAMP = Ramp(
    transport=Transport.TLS,
    via=Via.PROXY,
    direction=Direction.ROUND_TRIP,
    steps=(
        Load(offered_kbit_s=500.0, carried_kbit_s=500.0, loss_percent=0.0, delay_ms=20.0),
        Load(offered_kbit_s=2000.0, carried_kbit_s=1500.0, loss_percent=25.0, delay_ms=180.5),
    ),
    capacity_kbit_s=1500.0,
    at_least=False,
    added_delay_ms=160.5,
)
ALL: tuple[Measured, ...] = (PORTS, QUALITY, RAMP)
DEMANDS = (
    Demand(
        row="bandwidth/softphone",
        medium="telephony",
        direction=Direction.ROUND_TRIP,
        need=1750.0,
        unit="kbit/s",
        formula="20 calls x 87.5 kbit/s",
        capacity=1500.0,
        fits=False,
    ),
    Demand(
        row="bandwidth/pbx-agent-connect",
        medium="PBX agent",
        direction=Direction.OUT,
        need=80.0,
        unit="kB/s",
        formula="100 subscribers: the guide's table",
    ),
)
STORY = (
    StoryStep(
        number="1-2",
        row="call/signalling-proxied",
        sender="client 1",
        receiver="proxy",
        what="CONNECT openrainbow.health:443",
        at_ms=0.0,
        took_ms=12.5,
        outcome=Outcome.PASS,
        check="https/openrainbow.health:443/tls/proxy",
    ),
    StoryStep(
        number="50-53",
        row="call/dtls",
        sender="client 1",
        receiver="client 2",
        what="DTLS-SRTP",
        at_ms=80.0,
        took_ms=0.0,
        outcome=Outcome.SKIPPED,
        check="",
    ),
)
