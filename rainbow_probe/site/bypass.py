"""Which hosts go direct although there is a proxy: the language of ``NO_PROXY``, and its dialects.

A pattern, upper or lower case, with ``:port`` after it or without, is one of

- ``*``: every host;
- ``example.com`` or ``.example.com``: that name and all below it, as curl reads it;
- ``=example.com``: that name only (our own spelling, see ``exact``);
- ``*.example.com``, ``10.*``: whatever fits, where ``*`` stands for any characters;
- ``10.1.2.3``, ``fd00::1``, ``10.0.0.0/8``, ``fd00::/8``: an address, or a network;
- ``<local>``: every name without a dot, as Windows has it.

Addresses match targets that are given by address: nothing is looked up, as in curl and Chromium.
Unlike Chromium, loopback is no exception of its own: what is asked of the proxy is asked of it.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from rainbow_probe.model import Endpoint

LOCAL = "<local>"
_OCTETS = 4


def goes_direct(pattern: str, target: Endpoint) -> bool:
    """Tell whether *pattern* lets *target* go past the proxy; one that makes no sense matches nothing."""
    host, port = _split(pattern.strip().lower())
    return port in {None, target.port} and _matches(host, target.host.lower().removesuffix("."))


def patterns(text: str) -> tuple[str, ...]:
    """Take a list of patterns apart at commas and blanks, as curl does, and at semicolons, as Windows does."""
    return tuple(dict.fromkeys(part for part in re.split(r"[,;\s]+", text) if part))


def exact(entry: str) -> str:
    """Translate an exception of Windows, macOS or GNOME, where a plain name does not speak for those below it.

    That is how Chromium reads these systems' lists: ``example.com`` is one host, ``.example.com`` all below it.
    """
    if entry.startswith("."):
        return f"*{entry}"
    plain = not set(entry) & set("*/<[=") and not _is_address(entry)
    return f"={entry}" if plain else entry


def _split(pattern: str) -> tuple[str, int | None]:
    """Take the port off; an IPv6 address has one only outside of its brackets."""
    if pattern.startswith("["):
        host, _, rest = pattern[1:].partition("]")
        return host, _port(rest[1:]) if rest.startswith(":") else None
    host, colon, port = pattern.partition(":")
    return (host, _port(port)) if colon and ":" not in port else (pattern, None)


def _port(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,5}", text) else -1


def _matches(pattern: str, host: str) -> bool:
    if "*" in pattern:
        return fnmatchcase(host, pattern.replace("[", "[[]"))
    if _is_address(host):
        return _in_network(host, pattern)
    if pattern == LOCAL:
        return "." not in host
    return _below(host, pattern)


def _below(host: str, pattern: str) -> bool:
    if pattern.startswith("="):
        return host == pattern[1:].removesuffix(".")
    name = pattern.removeprefix(".").removesuffix(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _in_network(host: str, pattern: str) -> bool:
    try:
        return _address(host) in ip_network(_filled(pattern), strict=False)
    except ValueError:
        return False


def _filled(network: str) -> str:
    """Write out what macOS shortens: ``169.254/16`` is ``169.254.0.0/16``."""
    base, slash, length = network.partition("/")
    if not slash or ":" in base:
        return network
    return f"{base}{'.0' * (_OCTETS - 1 - base.count('.'))}/{length}"


def _is_address(text: str) -> bool:
    try:
        return bool(_address(text))
    except ValueError:
        return False


def _address(text: str) -> IPv4Address | IPv6Address:
    """Read an address; an IPv4 one in IPv6 clothes (RFC 4291, section 2.5.5.2) is the IPv4 one."""
    address = ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address
