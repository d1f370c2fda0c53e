"""Failures of media: voice that passes, and not as it should."""

from __future__ import annotations

from rainbow_probe.explanations.calls import ALTERED, OPEN_UP, SILENT
from rainbow_probe.explanations.relay import CUT
from rainbow_probe.explanations.shapes import stage, why
from rainbow_probe.explanations.turn import ALLOW_TURN, UNSTEADY
from rainbow_probe.explanations.web import BROKEN_TLS
from rainbow_probe.terms import Cause, Phase

MEDIA = stage(
    Phase.MEDIA,
    "Voice of calls through the relay: of a whole call only what the other end authenticates counts.",
    {
        Cause.LOSS: why(
            "More packets are lost than the guide allows; the whole interval of the measurement lies beyond its limit.",
            "A line that is full or bad, radio (Wi-Fi), a policer, or a box that is too slow for so many packets.",
            "Find where: measure again by cable, at a quiet hour, and from another network; keep room for voice (QoS).",
        ),
        Cause.LATENCY: why(
            "Packets take longer than the guide allows.",
            "A far relay, a satellite or mobile line, a VPN that makes a detour, or queues that are full.",
            "Use a nearer way out for media (no VPN, no central exit); keep queues short (QoS).",
        ),
        Cause.JITTER: why(
            "Packets take now longer and now shorter, by more than the guide allows.",
            "Queues that fill and empty under other traffic, radio, or TCP that repeats what was lost.",
            "Give voice precedence on the line (QoS), or let media go out over UDP where it takes TCP.",
        ),
        Cause.REFUSED: why("Refused in mid-call.", CUT, ALLOW_TURN),
        Cause.RESET: why("The connection was cut in mid-call.", CUT, ALLOW_TURN),
        Cause.CLOSED: why("The connection was closed in mid-call.", CUT, ALLOW_TURN),
        Cause.UNREACHABLE: UNSTEADY,
        Cause.PROHIBITED: why("The way was prohibited meanwhile.", CUT, ALLOW_TURN),
        Cause.TIMEOUT: why(
            "Voice did not arrive both ways while other data passed, or sending took longer than the call.",
            "A firewall with deep inspection that knows calls and does not let them pass; a connection that stalls.",
            OPEN_UP,
        ),
        Cause.WENT_SILENT: SILENT,
        Cause.ALTERED: ALTERED,
        Cause.TLS_ALERT: BROKEN_TLS,
    },
)
