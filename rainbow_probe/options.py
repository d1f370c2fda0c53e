"""What the user asked for: the command line over the site file, checked at the door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from rainbow_probe.capacity import Load
from rainbow_probe.catalogue import Place
from rainbow_probe.model import Account, Credentials, Endpoint, Transport

MOST_TUNNELS = 2000  # at once; more would be a load test, and more than most machines have sockets for
MOST_PEOPLE = 1_000_000  # of one site; beyond that a number is a typing error
LONGEST_HOLD = 7200  # seconds that anybody should wait for one answer
LONGEST = 3600.0  # seconds; beyond that a time-out is a typing error


class UsageError(ValueError):
    """The user asked for something that cannot be; the message says what, where, and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnServer:
    """A TURN server by name or address; *ports* replace the guide's, by transport."""

    host: str
    ports: Mapping[Transport, int] = field(default_factory=dict[Transport, int])
    credentials: Credentials | None = field(default=None, repr=False)
    """Its own, where they are not those that were given for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run, as asked for."""

    name: str = ""
    """What the site is called."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """The user's own words for it."""
    clients: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    """Ids of the rows to test; none means all."""
    guide: str = "hds-ed21"
    proxy: str = "auto"
    turn: tuple[TurnServer, ...] = ()
    credentials: Credentials | None = field(default=None, repr=False)
    account: Account | None = field(default=None, repr=False)
    account_xmpp: bool = False
    """Whether the account signs in at XMPP too, with what the REST API gives it for that."""
    ca_files: tuple[str, ...] = ()
    public_ca: tuple[str, ...] = ()
    maps: Mapping[Endpoint, Endpoint] = field(default_factory=dict[Endpoint, Endpoint])
    resolvers: tuple[str, ...] = ()
    timeout: float = 8.0
    deadline: float = 300.0
    quick: bool = False
    full: bool = False
    push_idle: float = 0.0
    """Seconds for which to hold idle links to the push service, after all else; 0: not to be tried."""
    idle_scale: float = 1.0
    """What ``--full`` waits on idle links is so many times as long: only a test makes it less than 1."""
    quality_seconds: float = 10.0
    """For how long the quality of voice is measured; 0: not at all."""
    bandwidth_cap: float = 3000.0
    """Up to how many kbit/s to load the way of calls, each way, if the site needs as much."""
    discover: bool = False
    proxy_capacity: int = 0
    """How many tunnels to open through the proxy at once; 0: not to be tried."""
    hosts: Mapping[Place, tuple[str, ...]] = field(default_factory=dict[Place, tuple[str, ...]])
    """The site's own hosts, as far as they are given."""
    peer_token: str = field(default="", repr=False)
    """What responders want to be signed with; empty for those that answer anybody."""
    sweep_rate: int = 20_000
    """Datagrams a second of a sweep, at the most; on this machine itself as fast as it goes."""
    load: Load = field(default_factory=Load)
    """What the site says it has at the same time."""


_TURN = re.compile(r"(turns?):(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]]+)(?::(\d+))?(?:\?transport=(udp|tcp))?", re.IGNORECASE)
TURN_SHAPE = "turn:HOST[:PORT][?transport=udp|tcp] or turns:HOST[:PORT], as in turn:turn.example.org:3478?transport=udp"


def turn_server(uri: str) -> TurnServer:
    """Read a TURN URI (RFC 7065); raises ``UsageError``. Without a port the guide's three are meant."""
    found = _TURN.fullmatch(uri.strip())
    if not found:
        shown = uri.rpartition("@")[2]  # what stands before may be a password
        raise UsageError(f"--turn {shown!r}: not a TURN URI; wanted is {TURN_SHAPE}, without user or password")
    scheme, host, port, over = found.groups()
    transport = Transport.TLS if scheme.lower() == "turns" else Transport((over or "udp").lower())
    ports = {} if port is None else {transport: _port(port, f"--turn {uri!r}")}
    return TurnServer(host=host.strip("[]"), ports=ports)


def merged(servers: tuple[TurnServer, ...]) -> tuple[TurnServer, ...]:
    """Put several URIs of one host together."""
    by_host: dict[str, TurnServer] = {}
    for server in servers:
        known = by_host.get(server.host, server)
        by_host[server.host] = replace(known, ports={**known.ports, **server.ports})
    return tuple(by_host.values())


def map_entry(text: str) -> tuple[Endpoint, Endpoint]:
    """Read ``HOST:PORT=ADDRESS:PORT``; an empty ADDRESS keeps the name. Raises ``UsageError``."""
    asked, equals, instead = text.partition("=")
    where = f"--map {text!r}"
    if not equals:
        raise UsageError(f"{where}: wanted is HOST:PORT=ADDRESS:PORT")
    source = endpoint(asked, where)
    if not source.host:
        raise UsageError(f"{where}: HOST is missing; wanted is HOST:PORT=ADDRESS:PORT")
    return source, endpoint(instead, where)


def endpoint(text: str, where: str) -> Endpoint:
    """Read ``HOST:PORT`` or ``[ADDRESS]:PORT``; *where* begins the message of the ``UsageError``."""
    host, colon, port = text.rpartition(":")
    bare = host.strip("[]")
    if not colon or (":" in bare and not host.startswith("[")) or re.search(r"[\s/@]", host):
        raise UsageError(f"{where}: {text!r} is not HOST:PORT (an IPv6 address stands in brackets)")
    return Endpoint(host=bare.lower(), port=_port(port, where))


def seconds(value: float, where: str) -> float:
    """Return *value* if it can be a time-out."""
    if not 0 < value <= LONGEST:
        raise UsageError(f"{where}: {value:g} is not a time-out; allowed are seconds above 0 up to {LONGEST:g}")
    return value


def duration(text: str, where: str) -> float:
    """Read ``30m``, ``90s``, ``1h`` or seconds, up to two hours."""
    found = re.fullmatch(r"(\d{1,5})([smh]?)", text.strip())
    value = int(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]] if found else 0
    if not 0 < value <= LONGEST_HOLD:
        raise UsageError(f"{where} {text!r}: not a time; wanted is 30m, 90s or 1h, up to 2h")
    return float(value)


def number(value: int, most: int, where: str, *, least: int = 0) -> int:
    """Return *value* if it can be a number of things."""
    if not least <= value <= most:
        raise UsageError(f"{where}: {value} is out of range; allowed are {least} to {most}")
    return value


def _port(text: str, where: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:6]) < 65536:
        raise UsageError(f"{where}: {text!r} is not a port; allowed are 1 to 65535")
    return int(text)


def read_secret(path: str, where: str) -> str:
    """Return the first line of a file that holds a password; raises ``UsageError`` without ever quoting it."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{where} {path}: {getattr(exc, 'strerror', None) or 'not a text file'}") from exc
    if not lines or not lines[0]:
        raise UsageError(f"{where} {path}: the file is empty; its first line must be the password")
    return lines[0]


FIELDS = frozenset(f.name for f in fields(Options))
