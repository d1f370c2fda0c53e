"""A site: its LAN, its firewall and its proxy, plugged into the cloud for as long as one test needs it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from tests.lab import (
    cloud_servers,
    dante,
    firewall,
    logins,
    nat,
    nat64,
    ntlm_box,
    office,
    resolver,
    squid,
    tinyproxy,
    wiring,
)
from tests.lab.cloud import Cloud
from tests.lab.delay import Line
from tests.lab.names import EJABBERD, PROXY, RESOLVER, SECOND_RESOLVER, SITE_GATEWAY
from tests.lab.netns import LabError, Namespace
from tests.lab.scenario import HttpProxy, Scenario
from tests.lab.servers import Server


class Site:
    """One simulated site; a context manager. *number* keeps the sites of one cloud apart."""

    def __init__(self, cloud: Cloud, scenario: Scenario, *, number: int = 1, delay_ms: float = 0.0) -> None:
        """Plan the site of *scenario*; nothing is made yet."""
        self.cloud = cloud
        self.scenario = scenario
        self.number = number
        self.delay_ms = delay_ms
        self.folder = cloud.folder / f"site-{number}"
        self.servers: dict[str, Server] = {}
        self.realm: logins.Realm | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Make the namespaces, the rules and the servers; return when all is ready."""
        with ExitStack() as stack:
            self.folder.mkdir()
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.lan, self.border, self.dmz = (self._namespace(stack, role) for role in ("site", "border", "dmz"))
            self._connect(stack)
            if self.scenario.office:
                self.office = self._namespace(stack, "office")
                office.connect(self.border, self.office, self.scenario.office)
            self._load_rules()
            stack.callback(self._stop)
            for server in self._start():
                self.servers[server.name] = server
            for server in self.servers.values():
                server.wait()
            if self.realm and self.scenario.probe.ticket:
                self.realm.log_on(self.lan)
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

    def advise_firewall(self, rules: str) -> None:
        """Load *rules*, as nft reads them, into the border."""
        self.border.run("nft", "-f", "-", given=rules)

    def advise_proxy(self, lines: str) -> None:
        """Start the site's squid anew, with *lines* before its own."""
        settings = self.scenario.http_proxy
        if settings is None or settings.box:
            raise LabError(f"{self.scenario.title}: no squid to advise")
        self.servers["squid"].stop()
        shutil.rmtree(self.folder / "squid")
        self.servers["squid"] = squid.start(self.dmz, self.folder / "squid", settings, self.cloud.pki, first=lines)
        self.servers["squid"].wait()

    @property
    def kerberos(self) -> Mapping[str, str]:
        """What the environment of a program here says of Kerberos: the site's realm, or none at all."""
        return self.realm.environment if self.realm else logins.environment()

    def refused_logins(self) -> int:
        """Return how often the proxy was sent credentials that it did not accept."""
        return logins.refused(self.folder / "squid") + ntlm_box.refused(self.folder)

    def _namespace(self, stack: ExitStack, role: str) -> Namespace:
        namespace = Namespace(f"{role}{self.cloud.serial}.{self.number}")
        stack.callback(namespace.delete)
        return namespace

    def _connect(self, stack: ExitStack) -> None:
        # A real box tells every sender; Linux by itself tells each only once a second.
        self.border.sysctl("net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")
        wiring.cable(self.border, "lan", self.lan, "eth0")
        wiring.cable(self.border, "dmz", self.dmz, "eth0")
        wiring.address_v4(border=self.border, lan=self.lan, dmz=self.dmz, stations=self.scenario.ipv4)
        self._uplink(stack, self._carrier(stack) if self.scenario.firewall.double_nat else self.border)
        if self.scenario.ipv6:
            wiring.address_v6(self.number, cloud=self.cloud.namespace, border=self.border, lan=self.lan)
        dns = self.scenario.dns
        first = SITE_GATEWAY if self.scenario.ipv4 else wiring.gateway_v6(self.number)
        second = [SECOND_RESOLVER] if dns.second else []
        self.lan.resolver(first, *second, options=dns.options, search=dns.search)
        self.dmz.resolver(RESOLVER.v4, options=dns.options)

    def _uplink(self, stack: ExitStack, near: Namespace) -> None:
        far, far_end = self.cloud.namespace, f"up{self.number}"
        long = Line(delay_ms=self.delay_ms) if self.delay_ms else self.scenario.line
        if long:
            line = wiring.long_cable(near, "wan", far, far_end, line=long, folder=self.folder)
            stack.callback(line.stop)
        else:
            wiring.cable(near, "wan", far, far_end)
            # The kernel removes what is in a namespace some time after it; a site made anew has an end of this name.
            stack.callback(wiring.unplug, far, far_end)
            wiring.narrow(near, "wan", far, far_end, mtu=self.scenario.firewall.mtu)
        wiring.address_uplink(wiring.exits(self.number), far=far, far_end=far_end, near=near)

    def _carrier(self, stack: ExitStack) -> Namespace:
        """Put a provider's NAT behind the border."""
        carrier, inside = self._namespace(stack, "carrier"), wiring.inner_exits(self.number)
        carrier.sysctl("net.ipv4.ip_forward=1")
        wiring.cable(self.border, "wan", carrier, "lan")
        wiring.address_uplink(inside, far=carrier, far_end="lan", near=self.border)
        carrier.run("nft", "-f", "-", given=nat.carrier(inside, wiring.exits(self.number)))
        return carrier

    def _load_rules(self) -> None:
        scenario = self.scenario
        if forgets := scenario.firewall.forgets:
            names = ("tcp_loose=0", f"tcp_timeout_established={forgets}")
            self.border.sysctl(*(f"net.netfilter.nf_conntrack_{name}" for name in names))
        if forgets := scenario.firewall.udp_forgets:
            names = (f"udp_timeout={forgets}", f"udp_timeout_stream={forgets}")
            self.border.sysctl(*(f"net.netfilter.nf_conntrack_{name}" for name in names))
        exits = (wiring.inner_exits if scenario.firewall.double_nat else wiring.exits)(self.number)
        back = scenario.office.back if scenario.office else ()
        rules = firewall.ruleset(scenario.firewall, scenario.http_proxy, exits, scenario.dns, back)
        self.border.run("nft", "-f", "-", given=rules)
        if scenario.office and scenario.office.own:
            self.lan.run("nft", "-f", "-", given=firewall.own(scenario.office.own))

    def _stop(self) -> None:
        for server in reversed(self.servers.values()):
            server.stop()

    def _start(self) -> list[Server]:
        dns = self.scenario.dns
        if EJABBERD.name in self.scenario.firewall.reroute.values():
            self.cloud.need_ejabberd()
        also = () if self.scenario.ipv4 else (wiring.gateway_v6(self.number),)
        started = resolver.start_all(self.border, self.folder, dns, ipv6=self.scenario.ipv6, also=also)
        started += [*self._kerberos(), *self._nat64()]
        if self.scenario.http_proxy and self.scenario.http_proxy.running:
            started.append(self._proxy(self.scenario.http_proxy))
            if self.scenario.http_proxy.resolver == "denies":
                started.append(resolver.start_denying(self.dmz, self.folder))
        actions = {rule.action for rule in self.scenario.firewall.rules}
        if "tls-inspector" in actions:
            started.append(self._inspector())
        started += self._others(actions)
        if "http-proxy" in actions:
            started.append(self._web_proxy())
        if pac := self.scenario.pac:
            spec = {"kind": "page", "addresses": [SITE_GATEWAY], "port": pac.port, "text": pac.text}
            started.append(cloud_servers.boxes(self.border, "pac", self.folder, [spec]))
        if plain := actions & {"mute", "inspector", "portal", "tls-portal", "sni-filter", "web-only"}:
            specs = [self._box(kind) for kind in sorted(plain)]
            started.append(cloud_servers.boxes(self.border, "boxes", self.folder, specs))
        return started

    def _nat64(self) -> list[Server]:
        prefix = self.scenario.nat64
        return [nat64.start(self.border, self.folder, prefix)] if prefix else []

    def _others(self, actions: set[str]) -> list[Server]:
        """Start what is in the site's other network, if it has one."""
        there = self.scenario.office
        if there is None:
            return []
        alg = [office.start_alg(self.border, self.folder, there)] if "sip-alg" in actions else []
        return [*office.start_all(self.office, self.folder, there), *alg]

    def _kerberos(self) -> list[Server]:
        """Start the site's realm, if its proxy takes tickets."""
        if not self.scenario.http_proxy or "negotiate" not in self.scenario.http_proxy.schemes:
            return []
        self.realm = logins.Realm(self.folder / "kerberos")
        return [self.realm.start(self.border)]

    def _proxy(self, settings: HttpProxy) -> Server:
        if settings.box == "socks":
            return dante.start(self.dmz, self.folder, settings.port)
        if settings.box == "tinyproxy":
            return tinyproxy.start(self.dmz, self.folder, settings)
        if settings.box == "ntlm":
            return ntlm_box.start(self.dmz, self.folder, settings.port)
        if settings.box:
            spec = {"kind": settings.box, "addresses": [PROXY], "port": settings.port}
            return cloud_servers.boxes(self.dmz, "proxy", self.folder, [spec])
        keytab = self.realm.keytab if self.realm else None
        return squid.start(self.dmz, self.folder / "squid", settings, self.cloud.pki, keytab=keytab)

    def _inspector(self) -> Server:
        """Start a squid in the firewall that forges the certificates of redirected connections."""
        where = self.folder / "inspector"
        return squid.start(
            self.border, where, HttpProxy(port=9128), self.cloud.pki, intercept=firewall.BOXES["tls-inspector"]
        )

    def _web_proxy(self) -> Server:
        """Start a squid in the firewall that takes redirected connections for HTTP."""
        where, settings = self.folder / "web-proxy", HttpProxy(port=9129)
        return squid.start(self.border, where, settings, self.cloud.pki, web=firewall.BOXES["http-proxy"])

    def _box(self, kind: str) -> dict[str, object]:
        """Describe a listener of the border to which the firewall turns connections."""
        spec: dict[str, object] = {"kind": kind.removeprefix("tls-"), "addresses": ["0.0.0.0"]}  # noqa: S104 - of a namespace
        if kind.startswith("tls-"):
            pki = self.cloud.pki
            spec |= {"certificate": str(pki.certificate("portal.test")), "key": str(pki.key("portal.test"))}
        return {**spec, "port": firewall.BOXES[kind]}
