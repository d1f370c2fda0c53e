"""The DNS resolvers this machine is configured to ask."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address

from rainbow_probe.evidence import printable
from rainbow_probe.site.errors import SiteError
from rainbow_probe.site.tools import output_of, text_of

ALLOWED = "ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT"
RESOLV_CONF = "/etc/resolv.conf"
MOST = 3  # of resolv.conf; the C library never asks those after it (MAXNS, resolv.h)
_WITH_PORT = re.compile(
    r"(?:\[(?P<boxed>[^\]]*)\](?::(?P<after>\d{1,5}))?|(?P<plain>[^:\[\]]+):(?P<port>\d{1,5}))", re.ASCII
)


def find_resolvers(wanted: Sequence[str], environ: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...]:
    """Return *wanted* if there are any, else the system's; raises ``SiteError`` for what is no resolver."""
    if wanted:
        return tuple(_checked(text) for text in wanted)
    if platform == "win32":
        return _addresses(_of_windows())
    if platform == "darwin" and (found := parse_scutil_dns(output_of("scutil", "--dns", environ=environ))):
        return found
    return parse_resolv_conf(text_of(RESOLV_CONF))


def parse_resolv_conf(text: str) -> tuple[str, ...]:
    """Return the addresses of the ``nameserver`` lines."""
    words = (line.split() for line in text.splitlines())
    return _addresses(line[1] for line in words if len(line) > 1 and line[0] == "nameserver")[:MOST]


def parse_scutil_dns(output: str) -> tuple[str, ...]:
    """Return the resolvers for every name: not those of one domain or one interface, which come beside them."""
    everybody = output.partition("DNS configuration (for scoped queries)")[0]
    blocks = re.split(r"^resolver #\d+$", everybody, flags=re.MULTILINE)
    general = (block for block in blocks if not re.search(r"^\s*domain\s*:", block, re.MULTILINE))
    return _addresses(address for block in general for address in re.findall(r"nameserver\[\d+\]\s*:\s*(\S+)", block))


def _of_windows() -> list[str]:
    """Ask dnspython, which knows the registry, or WMI where there is one."""
    import dns.exception
    import dns.resolver

    try:
        return [str(server) for server in dns.resolver.get_default_resolver().nameservers]
    except (dns.exception.DNSException, OSError):
        return []


def _addresses(found: Iterable[str]) -> tuple[str, ...]:
    """Keep what is an address, each once; Windows makes up fec0:0:0:ffff::1 to ::3 where it knows no IPv6 resolver."""
    return tuple(dict.fromkeys(text for text in found if _is_address(text) and not text.startswith("fec0:0:0:ffff::")))


def _checked(text: str) -> str:
    match = _WITH_PORT.fullmatch(text)
    address = (match["boxed"] or match["plain"] or "") if match else text
    port = int((match["after"] or match["port"] or 53) if match else 53)
    if not _is_address(address) or not 0 < port < 1 << 16:
        raise SiteError(f"{printable(text, 80)!r} is not a resolver; allowed: {ALLOWED}")
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
