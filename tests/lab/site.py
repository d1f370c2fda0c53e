"""A site: its LAN, its firewall and its proxy, plugged into the cloud for as long as one test needs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import cloud_servers, firewall, names, servers, squid
from tests.lab.cloud import Cloud
from tests.lab.names import PROXY, PROXY_GATEWAY, RESOLVER, SITE, SITE_GATEWAY
from tests.lab.netns import SYSTEM_PATH, Namespace, run
from tests.lab.scenario import HttpProxy, Scenario
from tests.lab.servers import Server

RESOLVING = """\
port=53
no-hosts
no-resolv
no-negcache
cache-size=0
log-facility=-
listen-address={gateway}
bind-interfaces
server={upstream}
{lines}
"""


class Site:
    """One simulated site; a context manager. *number* keeps the sites of one cloud apart."""

    def __init__(self, cloud: Cloud, scenario: Scenario, *, number: int = 1, delay_ms: float = 0.0) -> None:
        """Plan the site of *scenario*; nothing is made yet."""
        self.cloud = cloud
        self.scenario = scenario
        self.number = number
        self.delay_ms = delay_ms
        self.folder = cloud.folder / f"site-{number}"
        self.exits = (f"198.18.{128 + number}.2", f"198.18.{128 + number}.3")
        """The public addresses of the site and of its proxy."""
        self.servers: dict[str, Server] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Make the namespaces, the rules and the servers; return when all is ready."""
        with ExitStack() as stack:
            self.folder.mkdir()
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.lan, self.border, self.dmz = (
                self._namespace(stack, role) for role in ("site", "border", "dmz")
            )
            self._connect()
            self._load_rules()
            for server in self._start():
                stack.callback(server.stop)
                self.servers[server.name] = server
            for server in self.servers.values():
                server.wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and remove everything of this site."""
        self._stack.close()

    def enter(self, *command: str) -> list[str]:
        """Return the command line that runs *command* at the site."""
        return self.lan.enter(*command)

    def hits(self) -> Mapping[str, int]:
        """Return how many packets each rule of the firewall has met."""
        return firewall.hits(self.border)

    def _namespace(self, stack: ExitStack, role: str) -> Namespace:
        namespace = Namespace(f"{role}{self.number}")
        stack.callback(namespace.delete)
        return namespace

    def _connect(self) -> None:
        """Lay the cables: LAN and DMZ to the border, the border to the cloud."""
        self.border.sysctl("net.ipv4.ip_forward", 1)
        # A real box tells every sender; Linux by itself tells each only once a second.
        self.border.sysctl("net.ipv4.icmp_ratelimit", 0)
        self.border.sysctl("net.ipv6.icmp.ratelimit", 0)
        cable(self.border, "lan", self.lan, "eth0")
        cable(self.border, "dmz", self.dmz, "eth0")
        cable(self.border, "wan", self.cloud.namespace, f"up{self.number}")
        self._address_v4()
        if self.scenario.ipv6:
            self._address_v6()
        self.lan.resolver(SITE_GATEWAY)
        self.dmz.resolver(RESOLVER.v4)

    def _address_v4(self) -> None:
        far = f"198.18.{128 + self.number}.1"
        self.cloud.namespace.ip("address", "add", f"{far}/24", "dev", f"up{self.number}")
        plug(self.border, "lan", f"{SITE_GATEWAY}/24")
        plug(self.border, "dmz", f"{PROXY_GATEWAY}/24")
        plug(self.border, "wan", *(f"{address}/24" for address in self.exits), gateway=far)
        plug(self.lan, "eth0", f"{SITE}/24", gateway=SITE_GATEWAY)
        plug(self.dmz, "eth0", f"{PROXY}/24", gateway=PROXY_GATEWAY)

    def _address_v6(self) -> None:
        inside, outside = f"2001:2:0:1{self.number:02}:", f"2001:2:0:2{self.number:02}:"
        self.border.sysctl("net.ipv6.conf.all.forwarding", 1)
        plug(self.cloud.namespace, f"up{self.number}", f"{outside}:1/64")
        self.cloud.namespace.ip("route", "add", f"{inside}:/64", "via", f"{outside}:2")
        plug(self.border, "lan", f"{inside}:1/64")
        plug(self.border, "wan", f"{outside}:2/64", gateway=f"{outside}:1")
        plug(self.lan, "eth0", f"{inside}:10/64", gateway=f"{inside}:1")

    def _load_rules(self) -> None:
        scenario = self.scenario
        rules = firewall.ruleset(scenario.firewall, scenario.http_proxy, self.exits, silent_dns=scenario.dns.silent)
        self.border.run("nft", "-f", "-", given=rules)

    def _start(self) -> list[Server]:
        started = [] if self.scenario.dns.silent else [self._resolver()]
        if self.scenario.http_proxy and self.scenario.http_proxy.running:
            started.append(squid.start(self.dmz, self.folder / "squid", self.scenario.http_proxy, self.cloud.pki))
        actions = {rule.action for rule in self.scenario.firewall.rules}
        if "tls-inspector" in actions:
            started.append(self._inspector())
        if plain := actions & {"mute", "inspector", "portal", "tls-portal"}:
            started.append(self._boxes(sorted(plain)))
        return started

    def _resolver(self) -> Server:
        dns = self.scenario.dns
        lines = [f"address=/{name}/" for name in dns.nxdomain]
        for name, answer in dns.answers.items():
            lines.append(f"host-record={name},{names.BY_NAME[answer].v4 if answer in names.BY_NAME else answer}")
        if not self.scenario.ipv6:
            lines.append("filter-AAAA")
        upstream = "" if dns.refuses else RESOLVER.v4
        path = self.folder / "dnsmasq.conf"
        text = RESOLVING.format(gateway=SITE_GATEWAY, upstream=upstream, lines="\n".join(lines))
        path.write_text(text.replace("server=\n", ""), encoding="ascii")
        command = ["dnsmasq", "--keep-in-foreground", "--user=root", "--pid-file=", f"--conf-file={path}"]
        return servers.start(self.border, "resolver", command, folder=self.folder, ports=("udp/53", "tcp/53"))

    def _inspector(self) -> Server:
        """Start a squid in the firewall that forges the certificates of redirected connections."""
        where = self.folder / "inspector"
        return squid.start(
            self.border, where, HttpProxy(port=9128), self.cloud.pki, intercept=firewall.BOXES["tls-inspector"]
        )

    def _boxes(self, kinds: list[str]) -> Server:
        specs: list[dict[str, object]] = []
        for kind in kinds:
            spec: dict[str, object] = {"kind": kind.removeprefix("tls-"), "addresses": ["0.0.0.0"]}  # noqa: S104 - in a namespace
            if kind.startswith("tls-"):
                pki = self.cloud.pki
                spec |= {"certificate": str(pki.certificate("portal.test")), "key": str(pki.key("portal.test"))}
            specs.append({**spec, "port": firewall.BOXES[kind]})
        path = self.folder / "boxes.json"
        path.write_text(json.dumps(specs), encoding="utf-8")
        ports = [f"tcp/{firewall.BOXES[kind]}" for kind in kinds]
        return cloud_servers.boxes(self.border, "boxes", path, self.folder, ports)


def cable(one: Namespace, here: str, other: Namespace, there: str) -> None:
    """Connect two namespaces by a virtual cable."""
    run("ip", "link", "add", "name", here, "netns", one.name, "type", "veth", "peer", "name", there, "netns", other.name)
    one.ip("link", "set", here, "up")
    other.ip("link", "set", there, "up")


def plug(namespace: Namespace, device: str, *addresses: str, gateway: str = "") -> None:
    """Give *device* its addresses, and the namespace its way out."""
    for address in addresses:
        flags = ["nodad"] if ":" in address else []
        namespace.ip("address", "add", address, "dev", device, *flags)
    if gateway:
        namespace.ip("route", "add", "default", "via", gateway, "dev", device)
