"""The cables of a site: LAN and DMZ to the border, the border to the cloud, and the addresses on them."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.lab import delay, servers
from tests.lab.cloud_servers import PROGRAM
from tests.lab.delay import Line
from tests.lab.names import PROXY, PROXY_GATEWAY, SECOND_RESOLVER, SITE, SITE_GATEWAY
from tests.lab.netns import Namespace, run
from tests.lab.servers import Server


def exits(number: int) -> tuple[str, str]:
    """Return the public addresses of site *number* and of its proxy; sites far apart in number may have the same."""
    return f"198.18.{128 + number % 128}.2", f"198.18.{128 + number % 128}.3"


def inner_exits(number: int) -> tuple[str, str]:
    """Return what these two have where the provider has a NAT of its own: addresses that RFC 6598 sets apart for it."""
    return f"100.64.{number % 128}.2", f"100.64.{number % 128}.3"


def cable(one: Namespace, here: str, other: Namespace, there: str) -> None:
    """Connect two namespaces by a virtual cable."""
    ends = ["name", here, "netns", one.name, "type", "veth", "peer", "name", there, "netns", other.name]
    run("ip", "link", "add", *ends)
    for namespace, device in ((one, here), (other, there)):
        namespace.ip("link", "set", device, "gso_max_segs", "1")  # rules see the packets that a real line would carry
    one.ip("link", "set", here, "up")
    other.ip("link", "set", there, "up")


def unplug(namespace: Namespace, end: str) -> None:
    """Remove the cable that has an *end* of this name there, with its other end; it is gone when this returns."""
    namespace.ip("link", "delete", end)


def long_cable(one: Namespace, here: str, other: Namespace, there: str, *, line: Line, folder: Path) -> Server:
    """Connect two namespaces by *line*; return what carries it, and writes down in *folder* what became of calls."""
    ends = [one.name, here, other.name, there]
    command = [sys.executable, "-m", "tests.lab.delay", *ends, *line.options, "--log", str(folder / "line.log")]
    carrier = servers.start(one, "delay", command, folder=folder, ports=[f"log/{delay.READY}"], environment=PROGRAM)
    carrier.wait()
    one.ip("link", "set", here, "up")
    other.ip("link", "set", there, "up")
    return carrier


def narrow(one: Namespace, here: str, other: Namespace, there: str, *, mtu: int) -> None:
    """Make *mtu* the size of the largest packet of a line. Its ends tell senders of larger ones, as routers do."""
    one.ip("link", "set", here, "mtu", str(mtu))
    other.ip("link", "set", there, "mtu", str(mtu))


def plug(namespace: Namespace, device: str, *addresses: str, gateway: str = "") -> None:
    """Give *device* its addresses, and the namespace its way out."""
    for address in addresses:
        namespace.ip("address", "add", address, "dev", device)
    if gateway:
        namespace.ip("route", "add", "default", "via", gateway, "dev", device)


def address_v4(*, border: Namespace, lan: Namespace, dmz: Namespace, stations: bool) -> None:
    """Give the ends inside the site their IPv4 addresses and routes; without *stations*, not its machine."""
    plug(border, "lan", f"{SITE_GATEWAY}/24", f"{SECOND_RESOLVER}/24")
    plug(border, "dmz", f"{PROXY_GATEWAY}/24")
    plug(dmz, "eth0", f"{PROXY}/24", gateway=PROXY_GATEWAY)
    if stations:
        plug(lan, "eth0", f"{SITE}/24", gateway=SITE_GATEWAY)


def address_uplink(outside: tuple[str, str], *, far: Namespace, far_end: str, near: Namespace) -> None:
    """Give the line from *near* (its device is ``wan``) to *far* its addresses: *outside* at the near end."""
    gateway = outside[0].rpartition(".")[0] + ".1"
    plug(far, far_end, f"{gateway}/24")
    plug(near, "wan", *(f"{address}/24" for address in outside), gateway=gateway)


def gateway_v6(number: int) -> str:
    """Return the IPv6 address of the border of site *number* on its LAN."""
    return f"2001:2:0:1{number:02}::1"


def address_v6(number: int, *, cloud: Namespace, border: Namespace, lan: Namespace) -> None:
    """Give the LAN public IPv6 addresses: no NAT there."""
    inside, outside = gateway_v6(number).removesuffix(":1"), f"2001:2:0:2{number:02}:"
    border.sysctl("net.ipv6.conf.all.forwarding=1")
    plug(cloud, f"up{number}", f"{outside}:1/64")
    cloud.ip("route", "add", f"{inside}:/64", "via", f"{outside}:2", "dev", f"up{number}")
    plug(border, "lan", f"{inside}:1/64")
    plug(border, "wan", f"{outside}:2/64", gateway=f"{outside}:1")
    plug(lan, "eth0", f"{inside}:10/64", gateway=f"{inside}:1")
