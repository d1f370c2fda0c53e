"""Failures before anything of the service's protocol is spoken: the name, and the connection."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import stage, why
from rainbow_probe.terms import Cause, Phase

RESOLVE = stage(
    Phase.RESOLVE,
    "The name is turned into addresses, by the operating system as for any program; the `dns` check also asks each "
    "configured resolver over UDP and TCP. Each name is asked once a run.",
    {
        Cause.NXDOMAIN: why(
            "The resolver answers that the name does not exist, or has no address.",
            "An internal DNS that does not forward names of the Internet; a DNS filter; behind a proxy it is normal, "
            "and told rather than failed.",
            "Have the resolver forward the names of the service; compare with another resolver by `--resolver`.",
        ),
        Cause.NO_ANSWER: why(
            "No resolver answered, or the system's resolver gave up.",
            "The resolver is down or not reachable; UDP and TCP/53 to it are filtered.",
            "Check the resolvers that the report lists, and open UDP and TCP/53 to them.",
        ),
        Cause.REFUSED_BY_RESOLVER: why(
            "The resolver answers REFUSED, SERVFAIL or another error.",
            "A resolver that does not serve this network, or cannot reach its own upstream.",
            "Let the resolver serve this network, or configure one that does.",
        ),
        Cause.WRONG_ADDRESS: why(
            "The name resolves to an address that cannot be the service's: private, loopback, or the same for "
            "unrelated names.",
            "DNS filtering or hijacking that leads to a block page; split DNS with a wrong entry.",
            "Take the service's names out of the filter, or out of the internal zone.",
        ),
        Cause.UNEXPECTED_REPLY: why(
            "Something answers on port 53 and it is not an answer to the question.",
            "A middlebox that answers DNS itself, and badly.",
            "Find what takes the questions on the way to the resolver, and exempt DNS over TCP from it.",
        ),
        Cause.TIMEOUT: why(
            "The look-up had its whole limit and nothing came.",
            "As `no-answer`.",
            "Check the resolvers that the report lists, and open UDP and TCP/53 to them.",
        ),
        Cause.REFUSED: why(
            "Port 53 of the resolver refuses.",
            "The configured resolver is not one, or has stopped.",
            "Start it, or take it out of this machine's settings.",
        ),
        Cause.RESET: why(
            "The resolver cut the TCP connection.",
            "A filter for DNS over TCP.",
            "Let TCP/53 to the resolver pass: long answers need it.",
        ),
        Cause.CLOSED: why(
            "The resolver closed the TCP connection before its answer.",
            "DNS over TCP is switched off.",
            "Switch it on: long answers need it.",
        ),
        Cause.UNREACHABLE: why(
            "There is no way to the resolver.",
            "A resolver of another network left in the settings (VPN).",
            "Take it out of this machine's settings.",
        ),
        Cause.PROHIBITED: why(
            "A firewall, here or on the way, rejects packets to the resolver.",
            "Only certain resolvers are allowed.",
            "Use one that is allowed, or allow this one.",
        ),
    },
)

CONNECT = stage(
    Phase.CONNECT,
    "A TCP connection, or a UDP socket, to one address.",
    {
        Cause.TIMEOUT: why(
            "No answer to the connection request within the limit.",
            "A firewall that drops: the rule is missing, or is for another address.",
            "Open the port, outbound, to the name: `rainbow-probe rules` writes the rule.",
        ),
        Cause.REFUSED: why(
            'The connection was refused (TCP reset, or ICMP "port unreachable").',
            "A firewall that rejects; nothing listens on that port; the address belongs to something else.",
            "Open the port, outbound; if other hosts answer on it, ask whether this one is down.",
        ),
        Cause.RESET: why(
            "The connection was cut while it was being made.",
            "An intrusion prevention system.",
            "Look for these connections in its log, and exempt them.",
        ),
        Cause.UNREACHABLE: why(
            'No route, or ICMP "host/network unreachable"; also no free port in the client\'s range.',
            "No default route, IPv6 without a way out, a router that rejects.",
            "Check the routes of this machine; if only IPv6 fails, give it a way out or take its addresses away.",
        ),
        Cause.PROHIBITED: why(
            'ICMP "administratively prohibited", or this machine\'s own packet filter.',
            "A firewall that rejects and says so; a security product on this machine.",
            "Open the port, outbound, where the packet is rejected; look at this machine's own filter first.",
        ),
    },
)
