"""The site's own resolver: dnsmasq on the border, which asks the cloud's and lies where the site file says so."""

from __future__ import annotations

from pathlib import Path

from tests.lab import servers
from tests.lab.names import BY_NAME, RESOLVER, SITE_GATEWAY
from tests.lab.netns import Namespace
from tests.lab.scenario import Dns
from tests.lab.servers import Server

CONFIG = """\
port=53
no-hosts
no-resolv
cache-size=0
log-facility=-
listen-address={gateway}
bind-interfaces
{lines}
"""


def start(border: Namespace, folder: Path, dns: Dns, *, ipv6: bool) -> Server:
    """Start the resolver of a site; without *ipv6* it gives no IPv6 addresses."""
    path = folder / "resolver.conf"
    path.write_text(CONFIG.format(gateway=SITE_GATEWAY, lines="\n".join(_lines(dns, ipv6=ipv6))), encoding="ascii")
    command = ["dnsmasq", "--keep-in-foreground", "--user=root", "--pid-file=", f"--conf-file={path}"]
    return servers.start(border, "resolver", command, folder=folder, ports=("udp/53", "tcp/53"))


def _lines(dns: Dns, *, ipv6: bool) -> list[str]:
    lines = [f"address=/{name}/" for name in dns.nxdomain]  # dnsmasq says NXDOMAIN to a name without address
    for name, answer in dns.answers.items():
        lines.append(f"address=/{name}/{BY_NAME[answer].v4 if answer in BY_NAME else answer}")
    if not ipv6:
        lines.append("filter-AAAA")
    if not dns.refuses:
        lines.append(f"server={RESOLVER.v4}")  # with nobody to ask, dnsmasq answers REFUSED
    return lines
