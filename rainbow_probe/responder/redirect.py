"""Few sockets for many ports: rules of Linux's packet filter send each part of a range to one of its ports.

The kernel puts the port that was asked back into the answer. To a port of the range itself, so that another filter on
this machine, which sees that port only, still has to let the range in. Without the rules nothing is served there, and a
sweep would call it closed: so a part counts as served only while questions of our own, to both its ends, arrive.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rainbow_probe.model import PortRange
from rainbow_probe.protocols.binding import question

MOST_OF_ONE = 8192
"""Ports of one socket: the kernel tells 64,512 flows from one address to it apart, and keeps each for half a minute."""
EVERY, STALE = 0.5, 3.0  # seconds between two questions of our own, and until one without answer tells
FULL = 0.9  # share of the kernel's table of flows: beyond it new ones may be dropped without a word
FULL_FOR = 40.0  # seconds for which ports that do not answer may be due to that: as long as a sweep of them
TABLE = Path("/proc/sys/net/netfilter")
NAME = "rainbow_probe_responder"


def parts(ranges: Sequence[PortRange]) -> list[PortRange]:
    """Cut *ranges*, which do not touch, into what one socket can have."""
    return [one for whole in ranges for one in _cut(whole)]


def _cut(whole: PortRange) -> Iterator[PortRange]:
    for first in range(whole.first, whole.last + 1, MOST_OF_ONE):
        yield PortRange(first=first, last=min(whole.last, first + MOST_OF_ONE - 1))


def merged(ranges: Sequence[PortRange]) -> tuple[PortRange, ...]:
    """Return *ranges* in order, those that touch as one."""
    found: list[PortRange] = []
    for one in sorted(ranges, key=lambda one: one.first):
        if found and one.first <= found[-1].last + 1:
            found[-1] = PortRange(first=found[-1].first, last=max(found[-1].last, one.last))
        else:
            found.append(one)
    return tuple(found)


def rules(redirected: Mapping[int, PortRange], address: str = "") -> str:
    """Write what nft must be told: of packets to this machine (to *address* only), from elsewhere and from itself."""
    lines = [f"        {_rule(ports, to, address)}" for to, ports in redirected.items()]
    chains = [
        [f"    chain {name} {{", f"        type nat hook {name} priority -100;", *lines, "    }"]
        for name in ("prerouting", "output")
    ]
    return "\n".join([f"table inet {NAME} {{", *chains[0], *chains[1], "}"])


def _rule(ports: PortRange, to: int, address: str) -> str:
    if not address:
        return f"fib daddr type local udp dport {ports} redirect to :{to}"
    family, there = ("ip6", f"[{address}]") if ":" in address else ("ip", address)
    return f"{family} daddr {address} udp dport {ports} dnat {family} to {there}:{to}"


class Proof:
    """What is known of the rules; asked and told by the one loop that serves."""

    def __init__(self, redirected: Sequence[PortRange], address: str) -> None:
        """Know nothing yet of what is *redirected* to sockets at *address*, or at all addresses."""
        self._parts = redirected
        self._address = address
        self._secret = secrets.token_bytes(10)
        self._arrived: dict[int, float] = {}
        self._asked = self._full = float("-inf")

    def look(self, now: float) -> tuple[PortRange, ...]:
        """Ask the ends of each part again, if it is time; return what is served."""
        if self._parts and now >= self._asked + EVERY:
            self._asked = now
            self._full = now if _is_full() else self._full
            self._ask()
        return merged([one for one in self._parts if self._works(one, now)]) if self._full + FULL_FOR < now else ()

    def _works(self, ports: PortRange, now: float) -> bool:
        return all(self._arrived.get(end, float("-inf")) + STALE >= now for end in (ports.first, ports.last))

    def _ask(self) -> None:
        """Ask from a new port: a flow that the kernel knows goes on without the rule that began it."""
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as own:
            own.setblocking(False)
            for port in {end for one in self._parts for end in (one.first, one.last)}:
                packet = question(transaction=self._secret + port.to_bytes(2, "big"))
                with suppress(OSError):  # no room just now, or a filter of this machine rejects it
                    own.sendto(packet, (self._address or "127.0.0.1", port))

    def is_own(self, packet: bytes, now: float) -> bool:
        """Tell a question of our own, and take note of it."""
        if packet[8:18] != self._secret:
            return False
        self._arrived[int.from_bytes(packet[18:20], "big")] = now
        return True


def _is_full() -> bool:
    try:
        count, most = (int((TABLE / f"nf_conntrack_{name}").read_text("ascii")) for name in ("count", "max"))
    except (OSError, ValueError):  # not told here
        return False
    return count > FULL * most
