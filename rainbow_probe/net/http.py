"""HTTP exchanges over any stream, with their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from urllib.parse import urlsplit

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint, Phase, Scalar
from rainbow_probe.net.links import ByteStream
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import Client, Exchange

BODY_SHOWN = 400  # characters of an answer that are kept as evidence
PADDING: Mapping[str, str] = MappingProxyType({"X-Padding": "0" * 1400})
"""Makes a request as large as a browser's, whose first message alone fills more than a packet: sizes must be tried."""
USUAL_PORTS = frozenset({80, 443})
TELLING = (
    ("server", "server"),
    ("content_type", "content-type"),
    ("location", "location"),
    ("date", "date"),
    ("via", "via"),
    ("x_cache", "x-cache"),
    ("x_squid_error", "x-squid-error"),
    ("proxy_status", "proxy-status"),
    ("proxy_agent", "proxy-agent"),
    ("age", "age"),
)
"""Fields that tell who answered, and what stood in between: the fact's name, and the field's."""


def authority(target: Endpoint) -> str:
    """Return what a Host field says of *target*: the port only where it is unusual."""
    return str(target).removesuffix(f":{target.port}") if target.port in USUAL_PORTS else str(target)


async def fetch(
    client: Client,
    stream: ByteStream,
    path: str,
    rec: Recorder,
    *,
    limit: float,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Exchange:
    """GET *path* on *stream*, keeping the whole answer up to the protocol's bounds."""
    async with rec.step(Phase.HTTP, path, limit=limit) as facts:
        exchange = client.exchange("GET", path, headers)
        try:
            await stream.send(exchange.request())
            while not exchange.done:
                exchange.feed(await stream.receive())
        finally:
            facts.update(describe(exchange))
    return exchange


def describe(exchange: Exchange) -> dict[str, Scalar]:
    """Return what is known of an answer as facts."""
    if exchange.status is None:
        return {}
    headers = exchange.headers
    facts: dict[str, Scalar] = {
        "status": exchange.status,
        "reason": exchange.reason,
        "body": excerpt(exchange.body, BODY_SHOWN),
    }
    facts |= {key: headers[name] for key, name in TELLING if name in headers}
    if (skew := clock_skew(headers.get("date", ""))) is not None:
        facts["clock_skew_s"] = skew
    return facts


def leads_elsewhere(location: str, asked: Endpoint) -> str:
    """Return the host a Location field leads to if somebody else owns it than *asked*, else nothing.

    Owners are told apart by the last two labels of a name; what cannot be read leads nowhere.
    """
    try:
        host = urlsplit(location).hostname or ""
    except ValueError:
        return ""
    return excerpt(host) if host and host.split(".")[-2:] != asked.host.lower().split(".")[-2:] else ""


def clock_skew(date: str) -> int | None:
    """Return how many seconds this machine's clock is ahead of a Date field, or None if it says nothing."""
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    try:
        return round((datetime.now(UTC) - aware).total_seconds())
    except OverflowError:
        return None
