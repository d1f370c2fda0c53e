"""Failures of a TURN relay once there is one: permissions, channels, data."""

from __future__ import annotations

from collections.abc import Mapping

from rainbow_probe.explanations.shapes import Why, stage, why
from rainbow_probe.explanations.turn import ALLOW_TURN, FOREIGN, FOREIGN_HTTP, ODD, REWRITTEN, SERVER, STALE, UNSTEADY
from rainbow_probe.explanations.web import BROKEN_TLS, CUT_BY_SIZE
from rainbow_probe.terms import Cause, Phase

CUT = "Loss, or a firewall that cuts TURN after its beginning."

_REQUESTS: Mapping[Cause, Why] = {
    Cause.PERMISSION_DENIED: why(
        "403: the server forbids that peer address.",
        "A policy against private or loopback peers: a demo or lab setting.",
        "Nothing, if calls work; else tell the provider.",
    ),
    Cause.BAD_CREDENTIALS: why(
        "The credentials were good for Allocate and are not now.",
        "They ran out.",
        "Get new ones, and give them with `--turn-user`.",
    ),
    Cause.STALE_NONCE_LOOP: STALE,
    Cause.ALLOCATION_MISMATCH: why(
        "437: the server has forgotten the relay.",
        "A NAT that changed our address in between.",
        "Give this machine one outside address, and let the NAT keep a UDP mapping for a minute or more.",
    ),
    Cause.CAPACITY: why("508: the server has no room for it.", "The service.", "Run again later."),
    Cause.QUOTA: ODD,
    Cause.TRY_ALTERNATE: ODD,
    Cause.UNSUPPORTED_TRANSPORT: ODD,
    Cause.STUN_ERROR: SERVER,
    Cause.BAD_INTEGRITY: REWRITTEN,
    Cause.HTTP_INSTEAD_OF_STUN: FOREIGN_HTTP,
    Cause.NOT_STUN: FOREIGN,
    Cause.TIMEOUT: why("No answer.", CUT, ALLOW_TURN),
    Cause.REFUSED: why("Refused in mid-exchange.", CUT, ALLOW_TURN),
    Cause.RESET: why("Cut in mid-exchange.", CUT, ALLOW_TURN),
    Cause.CLOSED: why("Closed in mid-exchange.", CUT, ALLOW_TURN),
    Cause.UNREACHABLE: UNSTEADY,
    Cause.PROHIBITED: why("The way was prohibited meanwhile.", CUT, ALLOW_TURN),
    Cause.TLS_ALERT: BROKEN_TLS,
}

PERMISSION = stage(Phase.TURN_PERMISSION, "The relay is told who may send to it.", _REQUESTS)
CHANNEL = stage(Phase.TURN_CHANNEL, "A channel is bound, as clients do for media.", _REQUESTS)

DATA = stage(
    Phase.TURN_DATA,
    "Packets through the relay and back; only what came back counts.",
    {
        Cause.NO_DATA_BACK: why(
            "The relay took everything and nothing came back.",
            "A firewall that lets TURN's control through and not its data; a server that may not relay to itself.",
            "Allow ChannelData and indications too, not only STUN's requests; ask the provider about the server.",
        ),
        Cause.ALTERED: why(
            "Packets arrive through the relay, and their bytes are not those that were sent.",
            "Something on the way that rewrites what is in them, or adds to it.",
            ALLOW_TURN,
        ),
        Cause.LARGE_LOST: why(
            "Small packets come back through the relay, and large ones do not.",
            "A link with a smaller MTU on the way, and a firewall that drops the ICMP which would say so.",
            'Let ICMP "fragmentation needed" (type 3, code 4) and ICMPv6 "packet too big" (type 2) pass, or lower the '
            "TCP MSS where the small link begins.",
        ),
        Cause.WENT_SILENT: why(
            "Data came back through the relay, and then nothing did any more.",
            "A firewall that lets the first packets pass until it has made up its mind.",
            ALLOW_TURN,
        ),
        Cause.CUT_AFTER_BYTES: CUT_BY_SIZE,
        Cause.CUT_AFTER_IDLE: why(
            "What came in after a silence was lost, until a packet went out again.",
            "A firewall or NAT that forgets UDP flows after a few seconds.",
            "Let it keep UDP flows for two minutes (RFC 4787).",
        ),
        Cause.PARTLY_OPEN: why(
            "Of several ports some answered and some did not; the counts are in the facts.",
            "Only part of UDP/49152-65535 is open.",
            "Open the whole range, outbound.",
        ),
        Cause.ONE_WAY: why(
            "What was sent to the ports came out of the relay, and what the relay sent back never arrived.",
            "A packet filter without a memory: it lets UDP out to the range and drops what comes from it.",
            "Let answers of UDP/49152-65535 in: a stateful rule does it, without any rule for inbound traffic.",
        ),
        Cause.TIMEOUT: why(
            "Nothing came back within the limit.",
            "Of the conference servers' range: a firewall that drops it. Else as `no-data-back`.",
            "Open UDP/49152-65535, outbound, to the conference servers.",
        ),
        Cause.REFUSED: why(
            'ICMP "port unreachable" for the relayed port.',
            "A firewall that rejects the range.",
            "Open UDP/49152-65535, outbound, to the conference servers.",
        ),
        Cause.RESET: why(
            "The connection was cut when data began.",
            "An inspection that counts bytes.",
            ALLOW_TURN,
        ),
        Cause.CLOSED: why("The connection was closed when data began.", "As `reset`.", ALLOW_TURN),
        Cause.UNREACHABLE: why(
            "No way to the relayed address.",
            "A firewall that rejects the range; a private relayed address.",
            "Open UDP/49152-65535, outbound, to the conference servers.",
        ),
        Cause.PROHIBITED: why(
            'ICMP "administratively prohibited" for the relayed port.',
            "A firewall that rejects and says so.",
            "Open UDP/49152-65535, outbound, to the conference servers.",
        ),
        Cause.TLS_ALERT: BROKEN_TLS,
    },
)
