"""Another HTTP proxy than squid: tinyproxy, which answers CONNECT as HTTP/1.0."""

from __future__ import annotations

from pathlib import Path

from tests.lab import servers
from tests.lab.names import PROXY
from tests.lab.netns import Namespace
from tests.lab.scenario import HttpProxy
from tests.lab.servers import Server

CONFIG = """\
Port {port}
Listen {address}
Timeout 600
MaxClients 200
LogLevel Notice
DisableViaHeader No
ViaProxyName "proxy.site.test"
{connect_ports}
"""


def start(namespace: Namespace, folder: Path, settings: HttpProxy) -> Server:
    """Start tinyproxy; it resolves names by the resolver of *namespace*."""
    path = folder / "tinyproxy.conf"
    ports = "\n".join(f"ConnectPort {port}" for port in settings.connect_ports)
    path.write_text(CONFIG.format(port=settings.port, address=PROXY, connect_ports=ports), encoding="ascii")
    command = ["tinyproxy", "-d", "-c", str(path)]
    return servers.start(namespace, "tinyproxy", command, folder=folder, ports=(f"tcp/{settings.port}",))
