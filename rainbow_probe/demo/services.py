"""What the demo cloud consists of: hosts, ports and who serves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

HOST = "127.0.0.1"
"""The one address everything here lives on: macOS gives loopback no other."""

Door = tuple[str, int, Literal["udp", "tcp"]]
"""A real host, a real port, and what carries the datagrams or the stream."""

APEX = "openrainbow.health"
RESOURCES = tuple(f"{label}.{APEX}" for label in ("web", "cdn", "meet", "webinar", "files-hds"))
AGENT = f"agent.{APEX}"
TURN = tuple(f"turn-{place}.{APEX}" for place in ("sbg1", "gra1"))
MTALK = ("mtalk.google.com", *(f"alt{n}-mtalk.google.com" for n in range(1, 9)))
COURIERS = tuple(f"{n}-courier.push.apple.com" for n in range(1, 51))
CONTROL = "connectivitycheck.gstatic.com"
NO_SERVICE = (f"smtp.{APEX}", f"mail.{APEX}")
"""Names that resolve, and that the demo cloud serves nothing on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One server of the cloud: the names that lead to it and its port there."""

    id: str
    hosts: tuple[str, ...]
    port: int
    carrier: Literal["udp", "tcp"] = "tcp"

    @property
    def doors(self) -> Iterable[Door]:
        """Every host and port under which the service is known."""
        return ((host, self.port, self.carrier) for host in self.hosts)


REST = Service(id="rest", hosts=(APEX,), port=443)
PAGES = Service(id="pages", hosts=RESOURCES, port=443)
PBX = Service(id="agent", hosts=(AGENT,), port=443)
TURN_UDP = Service(id="turn-udp", hosts=TURN, port=3478, carrier="udp")
TURN_TLS = Service(id="turn-tls", hosts=TURN, port=443)
TURN_TCP = Service(id="turn-tcp", hosts=TURN, port=80)
FCM = tuple(Service(id=f"fcm-{port}", hosts=MTALK, port=port) for port in (5228, 5229, 5230))
FCM_FALLBACK = Service(id="fcm-443", hosts=MTALK, port=443)
APNS = tuple(Service(id=f"apns-{port}", hosts=COURIERS, port=port) for port in (5223, 443))
NEUTRAL = Service(id="control", hosts=(CONTROL,), port=80)

RELAYS = Service(id="relays", hosts=(), port=49152, carrier="udp")
"""Stands for UDP 49152-65535: the relayed addresses, as seen straight from the site."""

NAMES = frozenset({APEX, *RESOURCES, AGENT, *TURN, *MTALK, *COURIERS, CONTROL, *NO_SERVICE})
"""Every name the demo's resolver knows."""

Ports = Mapping[Service, int]
"""Where each service is found on loopback."""


def doors(ports: Ports) -> dict[Door, int]:
    """Return the loopback port behind every real host and port."""
    return {door: port for service, port in ports.items() for door in service.doors}
