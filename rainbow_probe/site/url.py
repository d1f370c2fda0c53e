"""Read the URL of a proxy, and keep the secrets in it secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import NoReturn
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from rainbow_probe.evidence import printable
from rainbow_probe.model import Credentials, Endpoint, Proxy
from rainbow_probe.site.errors import SiteError

ALLOWED = "http://[user:password@]host[:port], https://..., socks5://... or socks4://..."
SOCKS = {"socks": 5, "socks5": 5, "socks5h": 5, "socks4": 4, "socks4a": 4}
"""Schemes of SOCKS proxies with their version. Names are left to the proxy as Chromium does: always, or never (4)."""
PORTS = {"http": 80, "https": 443, **dict.fromkeys(SOCKS, 1080)}
"""Ports of a URL that names none, as in every browser; curl takes 1080 for all."""
USER, PASSWORD = "RAINBOW_PROBE_PROXY_USER", "RAINBOW_PROBE_PROXY_PASSWORD"
UNSHOWN = "a URL that is not shown, as it may hold a password"

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LONGEST_NAME = 253  # characters, RFC 1035 section 3.1 less the root
_SHOWN = 200  # characters of a PAC file's URL; one that holds its whole text (data:) is long


def parse_proxy(text: str, source: str, environ: Mapping[str, str]) -> Proxy:
    """Read *text*, which came from *source*; without a scheme it means ``http://``.

    User and password come from the URL, percent-encoded, or else from ``RAINBOW_PROBE_PROXY_USER``
    and ``RAINBOW_PROBE_PROXY_PASSWORD`` in *environ*. Raises ``SiteError``.
    """
    parts, port = _split(text.strip(), source)
    if parts.scheme not in PORTS:
        _refuse(source, "its scheme is not that of a proxy")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        _refuse(source, "more follows the port; encode / ? # in a password as %2F %3F %23, and a PAC file is no proxy")
    return Proxy(
        endpoint=Endpoint(host=_host(parts.hostname or "", source), port=PORTS[parts.scheme] if port is None else port),
        tls=parts.scheme == "https",
        socks=SOCKS.get(parts.scheme, 0),
        credentials=_credentials(parts, source, environ),
    )


def at(host: str, port: str) -> str:
    """Put a host and a port together as a URL has them; port 0 stands for none."""
    bare = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") and "://" not in host else host
    return f"{bare}:{port}" if port not in {"", "0"} else bare


def without_secrets(text: str) -> str:
    """Return a URL to show: no user, no password, no query, and not too long.

    A password that should have been encoded and is not may hold ``#`` or ``/``: all up to the last ``@`` goes.
    """
    scheme, slashes, rest = text.strip().partition("://")
    if "@" in text and not _SCHEME.fullmatch(scheme):
        return UNSHOWN
    bare = f"{scheme}{slashes}{rest.rpartition('@')[2]}"
    return printable(re.split("[?#]", bare)[0], _SHOWN)


def _split(text: str, source: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        _refuse(source, "the host or the port is malformed")
    if port == 0:
        _refuse(source, "port 0 is nobody's")
    return parts, port


def _refuse(source: str, fault: str) -> NoReturn:
    # "from None": the library's message quotes the URL, and --debug would print it.
    raise SiteError(f"{source}: not the URL of a proxy: {fault}; allowed: {ALLOWED}") from None


def _host(host: str, source: str) -> str:
    if ":" in host:
        return _ipv6(host, source)
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        _refuse(source, "the host is not a name")
    labels = name.removesuffix(".").split(".")
    if len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse(source, "the host is missing or not a name")
    return name


def _ipv6(host: str, source: str) -> str:
    try:
        return str(IPv6Address(host.replace("%25", "%")))  # RFC 6874: the zone's percent sign is encoded
    except ValueError:
        _refuse(source, "the host is not an IPv6 address")


def _credentials(parts: SplitResult, source: str, environ: Mapping[str, str]) -> Credentials | None:
    if parts.username:
        user, password = _decoded(parts.username, source), environ.get(PASSWORD, "")
        return _basic(user, password if parts.password is None else _decoded(parts.password, source), source)
    if user := environ.get(USER, ""):
        return _basic(user, environ.get(PASSWORD, ""), f"{USER} for {source}")
    return None


def _decoded(text: str, source: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        _refuse(source, "user and password must be UTF-8, percent-encoded")


def _basic(user: str, password: str, source: str) -> Credentials:
    """Refuse what RFC 7617, section 2, cannot carry."""
    if ":" in user:
        raise SiteError(f"{source}: the user name must not hold a colon (RFC 7617)")
    if not all(_carried(text) for text in (user, password)):
        raise SiteError(f"{source}: user and password must be UTF-8 text without control characters (RFC 7617)")
    return Credentials(user=user, password=password)


def _carried(text: str) -> bool:
    surrogates = any("\ud800" <= c <= "\udfff" for c in text)  # bytes of the environment that are not UTF-8
    return not surrogates and not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in text)
