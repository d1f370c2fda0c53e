"""The cloud: one namespace with real servers for every role, made once and shared by all sites."""

from __future__ import annotations

import shutil
import tempfile
import threading
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import cloud_servers, ejabberd, pki
from tests.lab.names import HOSTS
from tests.lab.netns import Namespace
from tests.lab.servers import Server

_SERIALS = count(1)  # keep the clouds of one process apart


class Cloud:
    """The Internet beyond the sites' firewalls; a context manager. Its files are in *folder*."""

    folder: Path
    pki: pki.Pki
    namespace: Namespace

    def __init__(self) -> None:
        """Plan a cloud; nothing is made yet."""
        self.serial = next(_SERIALS)
        self.servers: dict[str, Server] = {}
        self._stack = ExitStack()
        self._starting = threading.Lock()

    def __enter__(self) -> Self:
        """Make namespace, certificates and servers; return when all listen."""
        with ExitStack() as stack:
            self.folder = Path(tempfile.mkdtemp(prefix="rainbow-lab-"))
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.folder.chmod(0o755)  # servers that give up root must get in
            self.pki = pki.make(self.folder / "pki")
            self.namespace = Namespace(f"cloud{self.serial}")
            stack.callback(self.namespace.delete)
            self._plug_in()
            for server in cloud_servers.start_all(self.namespace, self.folder, self.pki):
                stack.callback(server.stop)
                self.servers[server.name] = server
            for server in self.servers.values():
                server.wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and remove everything."""
        self._stack.close()

    def need_ejabberd(self) -> None:
        """Start ejabberd, if it is the first time that a site needs it; return when it listens."""
        with self._starting:
            if "ejabberd" not in self.servers:
                server = ejabberd.start(self.namespace, self.folder)
                self._stack.callback(server.stop)
                self.servers[server.name] = server
            self.servers["ejabberd"].wait()

    def _plug_in(self) -> None:
        self.namespace.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratelimit=0")
        batch = [
            f"address add {address} dev lo{flag}"
            for host in HOSTS
            for address, flag in ((f"{host.v4}/32", ""), (f"{host.v6}/128", " nodad"))
        ]
        self.namespace.run("ip", "-batch", "-", given="\n".join(batch) + "\n")
