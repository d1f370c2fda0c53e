"""One simulated site as data: a TOML file says how its border behaves and what the probe must then report."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import TypeVar, get_args, get_type_hints

from tests.lab.delay import Line
from tests.lab.names import PROXY

FOLDER = Path(__file__).parent / "sites"
BASE = Path(__file__).parent / "base.toml"
T = TypeVar("T")


class SiteFileError(ValueError):
    """A site file says something that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the firewall for packets that leave; the first that matches decides."""

    action: str
    """accept, drop, reject (port unreachable), reset (TCP), prohibit (administratively), or one of ``BOXES``."""
    protocol: str = ""
    """udp, tcp, or empty for any."""
    ports: str = ""
    """As nft writes them: ``443``, ``5228-5230``, ``53, 123``; empty for any."""
    to: tuple[str, ...] = ()
    """Names of the lab, or IPv4 addresses; empty for anywhere."""
    source: str = "site"
    """site, proxy, or both."""
    family: str = ""
    """v4, v6, or empty for both."""
    expect_hits: bool = True
    """Whether a run of the probe must have met this rule: a fault nobody meets proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """The border: what is done with what leaves, and what is lost."""

    default: str = "accept"
    rules: tuple[Rule, ...] = ()
    udp_loss: int = 0
    """Per cent of all UDP datagrams lost, in each direction."""
    lost: tuple[str, ...] = ()
    """Matches in nft's own words of packets that vanish, either way, those of open connections too: ``udp dport 3478
    limit rate over 20/second``, ``meta length > 1280`` (what senders have not cut up themselves, see ``wiring``)."""
    forgets: int = 0
    """Seconds without traffic after which it drops a TCP connection without a word; 0: as Linux does it."""
    udp_forgets: int = 0
    """Seconds without traffic after which it forgets a UDP flow; 0: as Linux does it."""
    reroute: Mapping[str, str] = field(default_factory=dict[str, str])
    """``NAME:PORT`` of a TCP service, or ``NAME:*``, to the lab name that gets what is sent there instead."""
    nat: str = ""
    """How addresses are translated, if not as Linux does by itself: symmetric, address-restricted or full-cone."""
    other_exit: str = ""
    """A match in nft's own words of what leaves by the second outside address, which else is the proxy's."""
    double_nat: bool = False
    """Whether the provider has a NAT of its own."""
    mtu: int = 1500
    """The largest packet of the line to the provider, in bytes; who sends more is told so by ICMP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProxy:
    """The site's proxy: squid, or one of the boxes."""

    port: int = 3128
    options: tuple[str, ...] = ()
    """Lines that stand before the general permission, as squid.conf has them."""
    connect_ports: tuple[int, ...] = (80, 443)
    login: bool = False
    schemes: tuple[str, ...] = ("basic",)
    """With a login: what squid offers, as ``tests.lab.logins.SCHEMES`` names them."""
    tls: bool = False
    """The connection to the proxy itself is TLS (``https://``), with a certificate of the company's CA."""
    bump: bool = False
    """Decrypts TLS with the company's CA."""
    splice: tuple[str, ...] = ()
    """Names (``.example.com`` with all below) that are not decrypted nevertheless."""
    resolver: str = ""
    """Of its own: ``denies`` knows no name, ``silent`` never answers; empty is the cloud's."""
    box: str = ""
    """Another than squid: tinyproxy, ntlm, mute, http10 or says-page from ``tests.lab.boxes``, or socks (dante)."""
    running: bool = True
    """False: the machine is there, the service is not."""

    @property
    def url(self) -> str:
        """What the settings of a machine at the site say."""
        scheme = "socks5" if self.box == "socks" else "https" if self.tls else "http"
        return f"{scheme}://{PROXY}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """The site's resolver."""

    nxdomain: tuple[str, ...] = ()
    """Names, with all names below them, that it says do not exist."""
    answers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names with the lab name or address it gives instead, for them and all names below them."""
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Names with the lab names whose addresses it gives for them, several for one."""
    silent: bool = False
    refuses: bool = False
    shut: str = ""
    """udp or tcp: questions that come by it are dropped."""
    options: tuple[str, ...] = ("timeout:2", "attempts:2")
    """Of the system's own resolver, as resolv.conf has them."""
    search: tuple[str, ...] = ()
    """Domains the system adds to names."""
    manners: Mapping[str, object] = field(default_factory=dict[str, object])
    """What ``tests.lab.dns_box`` does to answers, which then stands in for dnsmasq."""
    second: Mapping[str, object] = field(default_factory=dict[str, object])
    """Manners of a second resolver that the machine has beside the first; empty: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pac:
    """A PAC file that the site's gateway serves."""

    text: str
    port: int = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Another network of the site, behind the same firewall, and who is there: all by address in 198.19.3.0/24."""

    responders: Mapping[str, str] = field(default_factory=dict[str, str])
    """By address, the UDP ports that ``rainbow-probe responder`` serves there."""
    few_sockets: tuple[str, ...] = ()
    """Those of them that have few sockets for their ranges, and their own rules in the packet filter there."""
    pbx: str = ""
    """A PBX (sipp)."""
    ntp: str = ""
    """A time server (chrony)."""
    ntp_clock: str = ""
    """How wrong its clock is, as in ``+730d``."""
    ssh: str = ""
    """An SSH server (OpenSSH)."""
    stun: str = ""
    """A STUN server that is no responder of ours (coturn)."""
    others: tuple[str, ...] = ()
    """Machines that are up, and on which nothing listens."""
    back: tuple[str, ...] = ()
    """Matches in nft's own words of what is let in from there unasked."""
    own: tuple[str, ...] = ()
    """Such matches of what the site's machine itself does not let out; Linux tells the program that sends (EPERM)."""

    @property
    def addresses(self) -> list[str]:
        """Everybody there."""
        known = (*self.responders, self.pbx, self.ntp, self.ssh, self.stun, *self.others)
        return list(dict.fromkeys(address for address in known if address))


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How the probe is called there, beside what every site has."""

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    proxy: bool = True
    """Whether the site's proxy, if it has one, is set in the environment."""
    credentials: str = "right"
    """right, wrong or none: the TURN credentials."""
    ticket: bool = False
    """Whether its user is logged on to the site's Kerberos realm."""
    trusts: tuple[str, ...] = ("public",)
    """CAs in this machine's trust store, as ``tests.lab.pki.ORGANISATIONS`` names them."""
    timeout: float = 4.0
    quality: float = 0.0
    """Seconds for which the quality of voice is measured; 0: not at all, as it takes time."""
    clock: str = ""
    """How wrong the clock of this machine is, as in ``+730d``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the checks whose id matches must have come to; the first entry that matches a check decides."""

    id: str
    """One or more patterns, with blanks between them; each must match a check."""
    outcome: str
    phase: str = ""
    cause: str = ""
    """One or more, with ``|`` between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the report must say."""

    exit: int | tuple[int, ...]
    """One, or several where the verdict may be one of several."""
    verdict: str
    findings: tuple[str, ...] = ()
    """Patterns of ids that must be there, alternatives with ``|`` between them."""
    may: tuple[str, ...] = ()
    """Patterns of ids that may be there; every other finding is a false one, advice excepted."""
    no_findings: tuple[str, ...] = ()
    """Patterns of ids that must not be there, advice or not."""
    rows: Mapping[str, str] = field(default_factory=dict[str, str])
    """Row id patterns (several with blanks between them) with verdicts; every other row passes, see ``base.toml``."""
    clients: Mapping[str, str] = field(default_factory=dict[str, str])
    refused_logins: int = 0
    """How often, in the whole run, the proxy was sent credentials that it did not accept."""
    nat: str = ""
    """What the report must say of the NAT: ``mapping ..., filtering ...``; empty: whatever it says."""
    checks: tuple[Check, ...] = ()
    """Every check not named here passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole site file."""

    title: str
    expect: Expected
    ipv6: bool = False
    ipv4: bool = True
    nat64: str = ""
    """The IPv6 prefix through which the border leads to IPv4 hosts; the resolver's manners may have it as ``dns64``."""
    noisy: bool = False
    """Chance plays a part there: what counts is many runs."""
    line: Line | None = None
    """What is wrong with the line to the provider; None: nothing at all."""
    firewall: Firewall = field(default_factory=Firewall)
    http_proxy: HttpProxy | None = None
    pac: Pac | None = None
    dns: Dns = field(default_factory=Dns)
    office: Office | None = None
    probe: Probe = field(default_factory=Probe)
    truth: Mapping[str, str] = field(default_factory=dict[str, str])
    """What independent tools see at the site: questions of ``tests.lab.truth`` with their answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What holds at every site."""

    not_tested: tuple[str, ...]
    """Rows that this version never tests."""
    proxy_rows: tuple[str, ...]
    """Rows that are not applicable where there is no proxy."""
    skipped: tuple[str, ...]
    """Checks that are skipped on this machine whatever the site is like."""


def names() -> list[str]:
    """Return the names of all sites."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """Read the site *name*; ``SiteFileError`` names what is wrong and where."""
    path = FOLDER / f"{name}.toml"
    if not path.exists():
        raise SiteFileError(f"no site {name}; there are: {', '.join(names())}")
    return _build(Scenario, tomllib.loads(path.read_text(encoding="utf-8")), path.name)


def base() -> Base:
    """Read what holds at every site."""
    return _build(Base, tomllib.loads(BASE.read_text(encoding="utf-8")), BASE.name)


def _build(kind: type[T], table: Mapping[str, object], place: str) -> T:
    hints = get_type_hints(kind)
    if strange := set(table) - set(hints):
        raise SiteFileError(f"{place}: {', '.join(sorted(strange))}: not one of {', '.join(sorted(hints))}")
    return kind(**{key: _value(hints[key], value, f"{place}: {key}") for key, value in table.items()})


def _value(hint: object, value: object, place: str) -> object:
    """Return *value* as *hint* wants it: tables become dataclasses, arrays tuples."""
    kinds = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and is_dataclass(kind)]
    if isinstance(value, list):
        return tuple(_value(kinds[0], item, place) if kinds else item for item in value)
    return _build(kinds[0], value, place) if kinds and isinstance(value, dict) else value
