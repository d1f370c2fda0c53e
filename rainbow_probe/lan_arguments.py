"""The grammar of what stays on the site's own network: its hosts, and the other end of a sweep."""

from __future__ import annotations

import argparse

SERVED_UDP, SERVED_TCP = "3478,5060,20000-40000,49152-65535", "3478,5060"
RESPONDER = """\
Answers STUN Binding (RFC 8489), a standard protocol that other tools speak too, on whole port ranges, so that
'rainbow-probe run --peer HOST' elsewhere can say of each port whether the network lets it through. Run it where the
WebRTC gateway, the PBX, a phone or another client stands. It sends only to who asked, and never more than was asked
with; it ends by itself."""


def hosts(command: argparse.ArgumentParser) -> None:
    """Add the site's own hosts, which no guide can name."""
    group = command.add_argument_group("hosts of this site (guide 4.1 to 4.6: what stays on the LAN)")
    group.add_argument("--peer", action="append", default=[], metavar="[PLACE=]HOST",
        help="'rainbow-probe responder' runs there, in the place of a client, gateway, pbx or phones (of all without "
        "PLACE): each port of the guide's ranges is tried")  # fmt: skip
    group.add_argument(
        "--pbx", metavar="HOST", help="the PBX, at the address of its signalling: asked by SIP, UDP/5060"
    )
    group.add_argument("--pbx-tls", metavar="HOST[:PORT]", help="the PBX where it speaks SIP over TLS (port 5061)")
    group.add_argument("--ntp", metavar="HOST", help="the site's time server: UDP/123")
    group.add_argument("--gateway", "--ssh", metavar="HOST", help="the WebRTC gateway: asked for SSH, TCP/22")
    group.add_argument("--outside", metavar="HOST",
        help="'rainbow-probe responder' runs there, beyond this site's firewall, in place of the conference servers: "
        "each port of UDP/49152-65535 is tried")  # fmt: skip
    group.add_argument("--peer-token-file", metavar="FILE",
        help="a file whose first line is the token of that responder (or RAINBOW_PROBE_PEER_TOKEN)")  # fmt: skip
    group.add_argument("--sweep-rate", type=int, default=20_000, metavar="N",
        help="datagrams a second to it, 0 for as many as it takes (20000; to this machine itself: 0)")  # fmt: skip


def responder(command: argparse.ArgumentParser) -> None:
    """Add what the responder serves, for whom, and for how long."""
    add = command.add_argument
    add("--udp", default=SERVED_UDP, metavar="PORTS", help=f"UDP ports to answer on ({SERVED_UDP})")
    add("--tcp", default=SERVED_TCP, metavar="PORTS", help=f"TCP ports to answer on ({SERVED_TCP})")
    add("--few-sockets", action="store_true", help="have a socket for 8192 ports of a range, to which "
        "rules of nftables send them, which this prints (Linux; root for the rules only)")  # fmt: skip
    add("--bind", metavar="ADDRESS", help="answer at this address of the machine only (all of them)")
    add("--for", dest="time", default="30m", metavar="TIME", help="how long, as in 90s, 30m, 2h (30m; 24h at most)")
    add("--rate", type=int, default=50_000, metavar="N", help="questions a second from one address (50000)")
    add("--token-file", metavar="FILE", help="answer only who knows the token in the first line of this file (or "
        "RAINBOW_PROBE_PEER_TOKEN); the probe is given the same with --peer-token-file")  # fmt: skip
    add("--debug", action="store_true", help="show tracebacks")
