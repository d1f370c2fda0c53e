"""What lies between the site and the cloud: the firewall, boxes that look inside, the way of the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rainbow_probe.demo.faults import INTERCEPTED, closed
from rainbow_probe.demo.inspection import Decrypter, http_inspection
from rainbow_probe.demo.loopback import Loopback
from rainbow_probe.demo.pages import serving
from rainbow_probe.demo.services import PAGES, REST, TURN_TCP, Ports, Service
from rainbow_probe.demo.web import portal


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """Builds the ways out of a site with *faults*, on sockets of *place*."""

    faults: frozenset[str]
    place: Loopback
    decrypter: Decrypter

    async def outside(self, cloud: Ports) -> Ports:
        """Return where each service is found beyond the firewall: the server itself, or a box that looks inside."""
        boxes = dict(cloud)
        if self.faults & INTERCEPTED:
            boxes |= await self._decrypted({service: port for service, port in cloud.items() if service.port == 443})
        if "turn-80-inspected" in self.faults:
            boxes[TURN_TCP] = await self.place.tcp(http_inspection(cloud[TURN_TCP]))
        return boxes

    async def site(self, outside: Ports) -> Ports:
        """Return where each service is found from a machine in the site, directly."""
        ways = {**outside, **{service: self._shut(service) for service in outside if closed(service, self.faults)}}
        if "captive-portal" in self.faults:
            port = await self.place.tcp(serving(portal))
            ways |= {service: port for service in outside if service.port == 80}
        return ways

    async def proxy(self, outside: Ports) -> Ports:
        """Return where each service is found from the site's proxy, which decrypts web hosts if it is to."""
        if "proxy-no-upgrade" not in self.faults:
            return outside
        web = {service: outside[service] for service in (REST, PAGES)}
        return {**outside, **await self._decrypted(web, upgrades=False)}

    async def _decrypted(self, ports: Mapping[Service, int], *, upgrades: bool = True) -> dict[Service, int]:
        tls = self.decrypter.context()
        towards = self.decrypter.towards
        return {service: await self.place.tcp(towards(port, upgrades=upgrades), tls) for service, port in ports.items()}

    def _shut(self, service: Service) -> int:
        return self.place.silent() if service.carrier == "udp" else self.place.refusing()
