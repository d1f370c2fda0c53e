"""Findings that degrade or advise, and those without a proven cause."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, why

ADVICE: dict[str, Why] = {
    "address-dead": why(
        "Some addresses of names that work do not answer: a fail-over would meet them.",
        "A rule for one address of several; a server that is down.",
        "Open the port to the name, or to all of its addresses.",
    ),
    "address-dead-ipv6": why(
        "Beside dead IPv4 addresses, IPv6 addresses of names that work do not answer: a fault of its own.",
        "IPv6 that is only half set up; a firewall with rules for IPv4 only.",
        "Give this network a way out over IPv6 with the same rules, or none at all.",
    ),
    "address-wrong": why(
        "Some addresses of names that work answer wrongly, for example with an expired certificate.",
        "One server of several that is set up wrongly, or a box in front of it.",
        "Tell whoever runs it: the detail has the address.",
    ),
    "turn-by-address": why(
        "A TURN server was given by address, so that its certificate cannot be judged.",
        "An address in `--turn`.",
        "Give its name.",
    ),
    "proxy-open-ports": why(
        "The proxy opens tunnels to ports that no client needs: a CONNECT to port 25 is not refused, but tried.",
        "No list of ports for CONNECT: whoever is inside can send mail, and reach any service, by this proxy.",
        "Allow CONNECT to ports 443 and 80 (TURN) only.",
    ),
    "tcp-PORT-other-exit": why(
        "Connections to this port leave by another outside address than UDP and another TCP port, to each TURN server.",
        "A transparent proxy or an accelerator that takes this port, or a way out of its own for it.",
        "Nothing, as TURN passes; exempt the TURN servers from such a box if calls over this port are poor.",
    ),
    "mapped-differs": why(
        "One TURN server sees this machine come from different addresses, or from a private one.",
        "A NAT with several outside addresses, or another way out for some ports.",
        "Give this network one outside address, if calls fail.",
    ),
    "seen-PHASE-CAUSE-GROUP": why(
        "A failure without a proven cause, as it was seen.",
        "Several causes fit: `rainbow-probe explain PHASE/CAUSE` names them.",
        "Read the detail, and compare from another network.",
    ),
}
