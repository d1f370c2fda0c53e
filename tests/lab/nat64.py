"""The border's NAT64: tayga makes IPv4 packets of IPv6 ones (RFC 7915), and the border's NAT does the rest."""

from __future__ import annotations

from pathlib import Path

from tests.lab import servers
from tests.lab.netns import Namespace
from tests.lab.servers import Server

DEVICE = "nat64"
POOL = "198.19.64.0/24"  # of the site's own IPv4 addresses, so that the NAT has them leave as its own
OWN = "198.19.64.1"
READY = "Dynamic pool"
CONFIG = """\
tun-device {device}
ipv4-addr {own}
prefix {prefix}
dynamic-pool {pool}
data-dir {folder}
"""


def start(border: Namespace, folder: Path, prefix: str) -> Server:
    """Translate what comes to *prefix*, of 96 bits."""
    path = folder / "tayga.conf"
    path.write_text(CONFIG.format(device=DEVICE, own=OWN, prefix=prefix, pool=POOL, folder=folder), encoding="ascii")
    border.run("tayga", "--config", str(path), "--mktun")
    border.ip("link", "set", DEVICE, "up")
    for network in (prefix, POOL):
        border.ip("route", "add", network, "dev", DEVICE)
    command = ["stdbuf", "-oL", "tayga", "--config", str(path), "-d", "--pidfile", str(folder / "tayga.pid")]
    return servers.start(border, "tayga", command, folder=folder, ports=[f"log/{READY}"])
