"""What of a report is the site's own: its names and words, and which addresses are public destinations."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from rainbow_probe.model import Cause, Phase

Json = Mapping[str, Any]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ALWAYS = frozenset({"openrainbow.com"})
"""Domains that the guide speaks of, and has no host of."""
_ZEROS = re.compile(r"(?<![\w:.])0+(?=\d+\.\d+\.\d+\.\d+)|(?<=\d\.)0+(?=\d)")
SHORTEST = 3  # characters of a word of the site: shorter ones would tear other words apart
_DISTINGUISHED = re.compile(r"(?:^|[,<+]\s*)(?:CN|O|OU|L|ST|C|DC|emailAddress)=((?:\\.|[^,+<\\])+)")
_VIA = re.compile(r"(?:HTTP/)?\d(?:\.\d)?\s+([\w.-]+)")
_DOOR = re.compile(r"(?:(?:PROXY|HTTPS?|SOCKS[45]?)\s+|\w+://(?:[^@/\s]*@)?)([\w.-]+)", re.IGNORECASE)
"""What stands for a proxy in a PAC file's answer and in a URL."""
_CACHE = re.compile(r"\bfrom\s+([\w.-]+)")
EVERYDAY = frozenset({
    "auto",
    "direct",
    "localhost",
    "localdomain",
    "none",
    "proxy",
    "squid",
    "system",
    "unknown",
    "wpad",
})
"""Words that tell nothing of a site, and much of a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What is the site's own, and what everybody may know."""

    words: tuple[str, ...]
    """The longest first."""
    public_domains: frozenset[str]
    public_addresses: frozenset[Address]
    networks: tuple[Network, ...] = ()
    """The guide's own."""

    def is_public_name(self, name: str) -> bool:
        """Tell whether *name* belongs to the service, or to those that the guide names."""
        return domain_of(name) in self.public_domains

    def is_public_address(self, address: Address) -> bool:
        """Tell whether *address* is a destination that firewalls must know, or one that says nothing."""
        if address in self.public_addresses or address.is_loopback or address.is_unspecified:
            return True
        return any(address in network for network in self.networks)


def inside_of(report: Json, hosts: Iterable[str], ranges: Iterable[str] = ()) -> Inside:
    """Read *report*; *hosts* and *ranges* are those that the guide names."""
    domains: frozenset[str] = ALWAYS | {domain_of(host) for host in hosts}
    ours = _vocabulary(report)
    known = {word for word in _words(report) if _tells(word, domains)}
    words = known | {word for word in _given(report) if word.casefold() not in ours and _tells(word, domains)}
    own = {address for text in _own_addresses(report) if (address := as_address(text))}
    found = {address for text in _destinations(report, domains) if (address := as_address(text)) and address.is_global}
    return Inside(
        words=tuple(sorted(words, key=len, reverse=True)),
        public_domains=domains,
        public_addresses=frozenset(found - own),
        networks=tuple(ipaddress.ip_network(text) for text in ranges),
    )


def _tells(word: str, domains: Collection[str]) -> bool:
    """Tell whether *word* is one of the site's own; an address is dealt with as such."""
    everyday = len(word) < SHORTEST or word.casefold() in EVERYDAY
    return not everyday and domain_of(word.removeprefix("*.")) not in domains and as_address(word) is None


def domain_of(name: str) -> str:
    """Return the last two labels of *name*, by which owners are told apart."""
    return ".".join(name.casefold().rstrip(".").split(".")[-2:])


def as_address(text: str) -> Address | None:
    """Read an address, with or without a port, brackets or a zone, and with the idle zeros that some boxes write."""
    bare = _ZEROS.sub("", text.strip().removeprefix("[").partition("]")[0].partition("%")[0])
    for part in (bare, bare.rpartition(":")[0]):
        try:
            return ipaddress.ip_address(part)
        except ValueError:
            continue
    return None


def _words(report: Json) -> Iterator[str]:
    site = _table(report, "site")
    hostname = str(site.get("hostname") or "")
    yield from (hostname, hostname.partition(".")[0], str(site.get("name") or ""))
    yield from (str(text) for text in _table(site, "labels").values())
    for url in (_table(site, "proxy").get("url"), *(pac.get("url") for pac in _items(site, "pac"))):
        yield _host_of(str(url or ""))
    for check in _items(report, "checks"):
        for facts in (_table(step, "facts") for step in _items(check, "steps")):
            yield from _boxes(facts)
            if facts.get("public") is not True and (check.get("outcome") != "pass" or "intercepted_by" in facts):
                yield from _certificate_words(facts)


def _given(report: Json) -> Iterator[str]:
    """Yield the names of hosts that settings give, and PAC files, many of them without a domain: ``edge-proxy``."""
    site = _table(report, "site")
    yield from (str(text).lstrip("*.") for text in _list(site, "no_proxy"))
    for way in _items(site, "destinations"):
        for text in (*_list(way, "choices"), *_list(way, "passed_over"), way.get("used")):
            yield from _DOOR.findall(str(text or ""))
    for check in _items(report, "checks"):
        yield from (str(_table(check, "target").get("host") or ""), *_DOOR.findall(str(check.get("proxy") or "")))


def _vocabulary(report: Json) -> frozenset[str]:
    """Return the words that a report itself is made of: no name of a host makes them less ours."""
    rows, checks = _items(report, "rows"), _items(report, "checks")
    ids = [*(str(row.get("id")) for row in rows), *(str(check.get("kind")) for check in checks)]
    return EVERYDAY | {*Phase, *Cause} | {part for name in ids for part in name.split("/")}


def _boxes(facts: Json) -> Iterator[str]:
    """Yield the names by which boxes on the way call themselves."""
    yield from _VIA.findall(str(facts.get("via") or ""))
    yield from _CACHE.findall(str(facts.get("x_cache") or ""))


def _certificate_words(facts: Json) -> Iterator[str]:
    for key in ("issuer", "subject", "chain", "intercepted_by"):
        yield from (word.strip() for word in _DISTINGUISHED.findall(str(facts.get(key) or "")))
    yield from str(facts.get("san") or "").split()


def _own_addresses(report: Json) -> Iterator[str]:
    site = _table(report, "site")
    for key in ("addresses", "mapped_addresses", "resolvers"):
        yield from (str(text) for text in _list(site, key))
    yield _host_of(str(_table(site, "proxy").get("url") or ""))


def _destinations(report: Json, domains: Collection[str]) -> Iterator[str]:
    for check in _items(report, "checks"):
        host = str(_table(check, "target").get("host") or "")
        yield host
        if domain_of(host) in domains:
            steps = (step for step in _items(check, "steps") if step.get("phase") == "resolve" and _is_of(step, host))
            yield from (text for step in steps for text in str(_table(step, "facts").get("addresses") or "").split())


def _is_of(step: Json, host: str) -> bool:
    return str(step.get("subject") or "").casefold() == host.casefold()


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _table(holder: Json, key: str) -> Json:
    value = holder.get(key)
    return cast("Json", value) if isinstance(value, dict) else {}


def _list(holder: Json, key: str) -> list[Any]:
    value = holder.get(key)
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType] - JSON holds anything


def _items(holder: Json, key: str) -> Iterator[Json]:
    return (cast("Json", item) for item in _list(holder, key) if isinstance(item, dict))
