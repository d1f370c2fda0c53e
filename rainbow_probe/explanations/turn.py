"""Failures of STUN and TURN, up to the relay and its permissions."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import stage, why
from rainbow_probe.explanations.web import BROKEN_TLS
from rainbow_probe.terms import Cause, Phase

ODD = why(
    "An error that does not belong to this exchange.",
    "The server, or a box that answers in its place.",
    "Tell the provider, with the error code.",
)
UNSTEADY = why("The way broke.", "An unsteady link.", "Run again; then look at the link.")
REWRITTEN = why(
    "A reply without a valid MESSAGE-INTEGRITY under our key.",
    "Somebody rewrites packets on the way; the server has another password.",
    "Switch off whatever rewrites STUN on the way (an application gateway); check the password.",
)
SERVER = why(
    "Another error code, or a reply without its mandatory parts.",
    "The server.",
    "Tell the provider, with the error code.",
)
STALE = why(
    "438 again and again.",
    "Several servers behind one address that do not share their nonces; a NAT that changes our address.",
    "Give this machine one outside address; else tell the provider.",
)
FOREIGN_HTTP = why(
    "HTTP came after the Binding had worked.",
    "An inspection that changed its mind.",
    "Exempt the TURN servers from inspection.",
)
FOREIGN = why(
    "Foreign bytes came after the Binding had worked.",
    "As `http-instead-of-stun`.",
    "Exempt the TURN servers from inspection.",
)
RECOGNISED = "A firewall that recognises TURN."
ALLOW_TURN = "Allow STUN and TURN to the TURN servers, whatever the port."

STUN = stage(
    Phase.STUN,
    "The Binding request to a TURN server, over UDP, TCP or TLS: does anything that speaks STUN answer? On the "
    "site's own network the same is asked of a responder, on each port of a range.",
    {
        Cause.PARTLY_OPEN: why(
            "Some ports of the range were answered by the responder, and others never, though it has them open.",
            "A firewall or access list inside the site that opens a smaller range than the guide's.",
            "Widen the rule to the whole range; the survey names the closed ports.",
        ),
        Cause.RATE_LIMITED: why(
            "Questions sent slowly were answered, and many of the same sent fast were not.",
            "Flood protection or a policer that counts UDP packets, below what a call needs.",
            "Exempt the TURN servers from it.",
        ),
        Cause.WENT_SILENT: why(
            "The first questions were answered, and then none any more, however slowly they were sent.",
            "A firewall that lets the first packets pass until it has made up its mind, or counts them.",
            "Exempt the TURN servers from it.",
        ),
        Cause.TIMEOUT: why(
            "Nothing came back, after all repeats.",
            "UDP: a firewall that drops. TCP/80: a transparent HTTP proxy that waits for more.",
            "UDP: open the port, outbound. TCP: exempt the TURN servers from inspection.",
        ),
        Cause.REFUSED: why(
            'ICMP "port unreachable" came back at once.',
            "A firewall that rejects; no TURN server at that address.",
            "Open the port, outbound; check the server's name.",
        ),
        Cause.RESET: why(
            "The connection was cut at the first STUN byte.",
            "HTTP or TLS inspection on that port.",
            "Exempt the TURN servers from inspection.",
        ),
        Cause.CLOSED: why(
            "The connection was closed at the first STUN byte.",
            "As `reset`; squid with TLS bumping does so after its 200.",
            "Exempt the TURN servers from inspection.",
        ),
        Cause.UNREACHABLE: why(
            'ICMP "unreachable", or no route.',
            "A router that rejects.",
            "Open the port, outbound; check the routes.",
        ),
        Cause.PROHIBITED: why(
            'ICMP "administratively prohibited", or this machine\'s own filter.',
            "A firewall that rejects and says so.",
            "Open the port, outbound, where the packet is rejected.",
        ),
        Cause.HTTP_INSTEAD_OF_STUN: why(
            "The answer is HTTP: its first line is in `first_text`.",
            "HTTP inspection on TCP/80 (or 443).",
            "Exempt the TURN servers from HTTP inspection.",
        ),
        Cause.NOT_STUN: why(
            "The answer is neither STUN nor HTTP; its first bytes are in `first_bytes`.",
            "Another service at that address or port.",
            "Check the server's name and port.",
        ),
        Cause.TRY_ALTERNATE: why(
            "300 to a Binding: another server is to be used.",
            "The service.",
            "Test the server that the detail names: `--turn`.",
        ),
        Cause.STUN_ERROR: SERVER,
        Cause.BAD_CREDENTIALS: ODD,
        Cause.FORBIDDEN: ODD,
        Cause.QUOTA: ODD,
        Cause.CAPACITY: ODD,
        Cause.ALLOCATION_MISMATCH: ODD,
        Cause.UNSUPPORTED_TRANSPORT: ODD,
        Cause.STALE_NONCE_LOOP: ODD,
        Cause.TLS_ALERT: BROKEN_TLS,
    },
)

ALLOCATE = stage(
    Phase.TURN_ALLOCATE,
    "A relay is asked for. Without credentials 401 with realm and nonce is the expected answer and a pass.",
    {
        Cause.BAD_CREDENTIALS: why(
            "401 again with credentials, or 441.",
            "A wrong or expired user or password. They are valid for a limited time.",
            "Get new ones, and give them with `--turn-user`.",
        ),
        Cause.FORBIDDEN: why(
            "403: the server does not want this client.",
            "A policy of the server.",
            "Ask the provider whether this network may use the server.",
        ),
        Cause.QUOTA: why(
            "486: this user has as many relays as allowed.",
            "Another test or call with the same user.",
            "Wait and repeat.",
        ),
        Cause.CAPACITY: why("508: the server has no relay left.", "The service.", "Run again later."),
        Cause.ALLOCATION_MISMATCH: why(
            "437, also from two other ports of this machine.",
            "The server holds old allocations for up to ten minutes, and the NAT gives their ports to others.",
            "Run again in ten minutes; let the NAT use more ports, or keep each for a while after its use.",
        ),
        Cause.UNSUPPORTED_TRANSPORT: why("442: no UDP relays.", "The server.", "Tell the provider."),
        Cause.STALE_NONCE_LOOP: STALE,
        Cause.TRY_ALTERNATE: why(
            "300: another server is to be used, where no client goes; where one goes, the test goes too.",
            "The service: servers that point at each other, or at an address of the other family.",
            "Tell the provider, with the detail.",
        ),
        Cause.BAD_INTEGRITY: REWRITTEN,
        Cause.STUN_ERROR: SERVER,
        Cause.HTTP_INSTEAD_OF_STUN: FOREIGN_HTTP,
        Cause.NOT_STUN: FOREIGN,
        Cause.TIMEOUT: why(
            "The Binding was answered, the Allocate was not.",
            "A box that knows STUN and blocks TURN; a server that is overloaded.",
            ALLOW_TURN,
        ),
        Cause.REFUSED: why("Refused between Binding and Allocate.", RECOGNISED, ALLOW_TURN),
        Cause.RESET: why("The connection was cut at the Allocate.", RECOGNISED, ALLOW_TURN),
        Cause.CLOSED: why("The connection was closed at the Allocate.", RECOGNISED, ALLOW_TURN),
        Cause.UNREACHABLE: UNSTEADY,
        Cause.PROHIBITED: why("The way was prohibited meanwhile.", RECOGNISED, ALLOW_TURN),
        Cause.TLS_ALERT: BROKEN_TLS,
    },
)
