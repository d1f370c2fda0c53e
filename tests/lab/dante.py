"""The site's SOCKS proxy: dante."""

from __future__ import annotations

from pathlib import Path

from tests.lab import servers
from tests.lab.names import PROXY
from tests.lab.netns import Namespace
from tests.lab.servers import Server

CONFIG = """\
logoutput: stderr
internal: {address} port = {port}
external: {address}
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect }}
"""


def start(namespace: Namespace, folder: Path, port: int) -> Server:
    """Start dante on *port* of the proxy's address; it resolves names by the resolver of *namespace*."""
    path = folder / "danted.conf"
    path.write_text(CONFIG.format(address=PROXY, port=port), encoding="ascii")
    return servers.start(
        namespace, "dante", ["danted", "-N", "1", "-f", str(path)], folder=folder, ports=(f"tcp/{port}",)
    )
