"""Failures of what the site has of its own: SIP, NTP and SSH."""

from __future__ import annotations

from collections.abc import Mapping

from rainbow_probe.explanations.shapes import Why, stage, why
from rainbow_probe.terms import Cause, Phase

OPEN = "Look whether the server runs at that address; then open the port to it inside the site."
SHUT: Mapping[Cause, Why] = {
    Cause.TIMEOUT: why(
        "Nothing came back, after all repeats.", "A firewall inside the site; no such server there.", OPEN
    ),
    Cause.UNREACHABLE: why("There is no way to the address.", "A wrong address; a network that is not routed.", OPEN),
    Cause.RESET: why("The connection was cut.", "A firewall, or the server's own access list.", OPEN),
    Cause.CLOSED: why(
        "The connection was closed without the answer.",
        "The server's own access list, or its limit of connections.",
        "Look into the server's log.",
    ),
    Cause.REFUSED: why(
        'ICMP "port unreachable" came back at once.', "Nothing listens there, or a firewall rejects.", OPEN
    ),
    Cause.PROHIBITED: why("A packet filter says that it rejects it.", "A firewall inside the site.", OPEN),
}
STREAM = (Cause.TIMEOUT, Cause.UNREACHABLE, Cause.RESET, Cause.CLOSED)
DATAGRAMS = (Cause.TIMEOUT, Cause.UNREACHABLE, Cause.RESET, Cause.REFUSED, Cause.PROHIBITED)
BROKEN = why("TLS broke in the middle.", "A box that decrypts, or an unsteady server.", "Look into the server's log.")

SIP = stage(
    Phase.SIP,
    "OPTIONS to the PBX: does anything of SIP come back? 200, 404 and 503 prove the way alike.",
    {
        **SHUT,
        Cause.TLS_ALERT: BROKEN,
        Cause.NOT_SIP: why(
            "Bytes came back that are no SIP, or no answer to what was asked.",
            "Another service at that address and port; a box on the way that rewrites SIP (ALG).",
            "Check the PBX's address; switch the rewriting off.",
        ),
    },
)
NTP = stage(
    Phase.NTP,
    "A question to the time server (RFC 5905), over UDP/123.",
    {
        **{cause: SHUT[cause] for cause in DATAGRAMS},
        Cause.NOT_NTP: why(
            "Bytes came back that are no NTP, or no answer to what was asked.",
            "Another service there; a box that answers in its place.",
            "Check the server's address.",
        ),
        Cause.SERVER_ERROR: why(
            "The time server answers, and has no time to give: it refuses, or its own clock is not synchronised.",
            "It reaches no source of time itself; its access list or limit of questions.",
            "Look at its own sources; a gateway takes no time from it either.",
        ),
    },
)
SSH = stage(
    Phase.SSH,
    "The first line of an SSH server, which it says unasked.",
    {
        **{cause: SHUT[cause] for cause in STREAM},
        Cause.NOT_SSH: why(
            "What listens there says something else.", "Another service at that port.", "Check the gateway's address."
        ),
    },
)
