"""Where connections go and by which way: hosts, ports, proxies, PAC files. Plain data; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

HTTPS = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A host (a name or an address) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRange:
    """Ports *first* to *last*, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def __contains__(self, port: int) -> bool:
        return self.first <= port <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user and a password; neither shows in a repr, a log or a report."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A Rainbow account, and the application that signs in with it; nothing of it shows anywhere."""

    user: Credentials = field(repr=False)
    app: Credentials = field(repr=False)
    """The application's id and secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy (RFC 9110, section 9.3.6), or a SOCKS one (RFC 1928)."""

    endpoint: Endpoint
    tls: bool = False
    credentials: Credentials | None = field(default=None, repr=False)
    socks: int = 0
    """The version of SOCKS it speaks, 4 or 5; 0 for an HTTP proxy."""

    def __str__(self) -> str:
        scheme = f"socks{self.socks}" if self.socks else "https" if self.tls else "http"
        return f"{scheme}://{self.endpoint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pac:
    """A PAC file that the settings name, or the wish to find one."""

    where: str
    """Which settings."""
    shown: str
    """Its address, without secrets; or what finding one is called."""
    url: str = field(default="", repr=False)
    """``http:``, ``https:``, ``file:`` or ``data:``, or a path; empty where it has to be found (WPAD)."""
    credentials: Credentials | None = field(default=None, repr=False)
    """For the proxies that it names, whichever they are."""

    def __str__(self) -> str:
        return f"{self.shown} ({self.where})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The way of one URL: the list that a client is given, and which of it a client comes to use."""

    url: str
    """As a PAC file is asked: ``https://host/``, ``wss://host/``; with the port where it is not 443."""
    target: Endpoint
    choices: tuple[str, ...]
    """As written: ``PROXY a:3128``, ``DIRECT``."""
    used: Proxy | None
    """None for direct."""
    source: str
    passed_over: tuple[str, ...] = ()
    """Those of *choices* that cannot be reached, and why."""


def asked(target: Endpoint, scheme: str = "https") -> str:
    """Return the URL by which a client asks which way to go to *target*: no path, and port 443 unsaid.

    Chromium shows a PAC file no more of ``https`` and ``wss``, and asks for TURN over TCP or TLS as for HTTPS
    (services/network/p2p/socket_tcp.cc).
    """
    return f"{scheme}://{target}/" if target.port != HTTPS else f"{scheme}://{str(target).removesuffix(f':{HTTPS}')}/"
