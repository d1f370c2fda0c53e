"""The site's own resolvers on the border, which ask the cloud's and lie where the site file says so.

dnsmasq where it can do what is asked for, else ``tests.lab.dns_box``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab import servers
from tests.lab.cloud_servers import PROGRAM
from tests.lab.names import BY_NAME, RESOLVER, SECOND_RESOLVER, SITE_GATEWAY
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


def start_all(border: Namespace, folder: Path, dns: Dns, *, ipv6: bool, also: Sequence[str] = ()) -> list[Server]:
    """Start the resolvers of a site; the first listens on *also* too, and without *ipv6* gives no IPv6 addresses."""
    if dns.silent:
        return []
    first = (
        _box(border, "resolver", folder, (SITE_GATEWAY, *also), dns.manners)
        if dns.manners
        else _dnsmasq(border, folder, dns, ipv6=ipv6, also=also)
    )
    return [first, *([_box(border, "second", folder, (SECOND_RESOLVER,), dns.second)] if dns.second else [])]


def start_denying(namespace: Namespace, folder: Path) -> Server:
    """Start a resolver for *namespace* alone that knows no name."""
    return _box(namespace, "denying", folder, ("127.0.0.1",), {"denies": {".": "NXDOMAIN"}})


def _box(border: Namespace, name: str, folder: Path, addresses: Sequence[str], manners: Mapping[str, object]) -> Server:
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"listen": addresses, "upstream": RESOLVER.v4, **manners}), encoding="utf-8")
    command = [sys.executable, "-m", "tests.lab.dns_box", str(path)]
    ports = [f"{protocol}/{addresses[0]}:53" for protocol in ("udp", "tcp")]
    return servers.start(border, name, command, folder=folder, ports=ports, environment=PROGRAM)


def _dnsmasq(border: Namespace, folder: Path, dns: Dns, *, ipv6: bool, also: Sequence[str] = ()) -> Server:
    path = folder / "resolver.conf"
    path.write_text(
        CONFIG.format(
            gateway=SITE_GATEWAY, lines="\n".join([*_lines(dns, ipv6=ipv6), *(f"listen-address={one}" for one in also)])
        ),
        encoding="ascii",
    )
    command = ["dnsmasq", "--keep-in-foreground", "--user=root", "--pid-file=", f"--conf-file={path}"]
    return servers.start(border, "resolver", command, folder=folder, ports=("udp/53", "tcp/53"))


def _lines(dns: Dns, *, ipv6: bool) -> list[str]:
    lines = [f"address=/{name}/" for name in dns.nxdomain]  # dnsmasq says NXDOMAIN to a name without address
    lines += [f"host-record={name},{BY_NAME[one].v4}" for name, ones in dns.records.items() for one in ones]
    for name, answer in dns.answers.items():
        lines.append(f"address=/{name}/{BY_NAME[answer].v4 if answer in BY_NAME else answer}")
    if not ipv6:
        lines.append("filter-AAAA")
    if not dns.refuses:
        lines.append(f"server={RESOLVER.v4}")  # with nobody to ask, dnsmasq answers REFUSED
    return lines
