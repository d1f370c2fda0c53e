"""Failures of a call through a TURN relay that carries other data: connectivity checks, handshake, voice."""

from __future__ import annotations

from rainbow_probe.explanations.relay import CUT
from rainbow_probe.explanations.shapes import stage, why
from rainbow_probe.explanations.turn import ALLOW_TURN, UNSTEADY
from rainbow_probe.explanations.web import BROKEN_TLS
from rainbow_probe.terms import Cause, Phase

FILTERED = "A firewall with deep inspection that knows calls and does not let them pass."
OPEN_UP = "Let STUN, DTLS and SRTP pass between this network and the TURN servers."
SILENT = why(
    "It did not pass, and after it nothing did any more.",
    "A firewall that ends what it takes for a call, or that lets the first packets pass only.",
    ALLOW_TURN,
)
ALTERED = why(
    "What one end sent came out at the other, and was not the same: a signature or a fingerprint does not fit.",
    "An application gateway that rewrites STUN, or a box that ends DTLS to listen in.",
    "Switch it off for the TURN servers: what it touches is thrown away by every client.",
)

ICE = stage(
    Phase.ICE,
    "The connectivity checks of a call, between two relays of our own: each end asks, and the pair is nominated.",
    {
        Cause.TIMEOUT: why("No check was answered, while other data passed through the relay.", FILTERED, OPEN_UP),
        Cause.WENT_SILENT: SILENT,
        Cause.ALTERED: ALTERED,
        Cause.REFUSED: why("Refused in mid-exchange.", CUT, ALLOW_TURN),
        Cause.RESET: why("The connection was cut at the checks.", FILTERED, OPEN_UP),
        Cause.CLOSED: why("The connection was closed at the checks.", "As `reset`.", OPEN_UP),
        Cause.UNREACHABLE: UNSTEADY,
        Cause.PROHIBITED: why("The way was prohibited meanwhile.", CUT, ALLOW_TURN),
        Cause.TLS_ALERT: BROKEN_TLS,
    },
)

DTLS = stage(
    Phase.DTLS,
    "The handshake of a call, between two relays of our own: with it begins what a call would send.",
    {
        Cause.TIMEOUT: why(
            "No handshake came about, while other data passed through the relay.",
            "A firewall with deep inspection that knows DTLS and does not let it pass.",
            "Let DTLS and SRTP pass between this network and the TURN servers.",
        ),
        Cause.WENT_SILENT: why(
            "The handshake did not pass, and after it nothing did any more.",
            "A firewall that ends what it takes for DTLS, or that lets the first packets pass only.",
            ALLOW_TURN,
        ),
        Cause.REFUSED: why("Refused in mid-exchange.", CUT, ALLOW_TURN),
        Cause.RESET: why(
            "The connection was cut at the handshake.", "A firewall that knows DTLS and cuts it.", ALLOW_TURN
        ),
        Cause.CLOSED: why("The connection was closed at the handshake.", "As `reset`.", ALLOW_TURN),
        Cause.UNREACHABLE: UNSTEADY,
        Cause.PROHIBITED: why("The way was prohibited meanwhile.", CUT, ALLOW_TURN),
        Cause.ALTERED: ALTERED,
        Cause.TLS_ALERT: why(
            "The handshake broke off: what came was not what the other end had sent.",
            "Somebody rewrites packets on the way.",
            "Switch off what rewrites STUN or DTLS on the way (an application gateway).",
        ),
    },
)
