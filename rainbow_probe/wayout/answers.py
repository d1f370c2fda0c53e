"""What a PAC file answers, read as Chromium reads it (net/proxy_resolution, ``ProxyList::SetFromPacString``)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rainbow_probe.evidence import printable
from rainbow_probe.model import Credentials, Proxy
from rainbow_probe.site.errors import SiteError
from rainbow_probe.site.url import parse_proxy

DIRECT = "DIRECT"
SCHEMES = {"PROXY": "http", "HTTP": "http", "HTTPS": "https", "SOCKS": "socks4", "SOCKS4": "socks4", "SOCKS5": "socks5"}
"""``SOCKS`` alone is version 4 here, and version 5 in a URL. ``HTTP`` is Firefox's word; Chromium passes over it."""
MOST = 16  # entries of one answer
SHOWN = 200  # characters of one entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One way of the answer's list: a proxy, or None for direct."""

    written: str
    proxy: Proxy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The ways in order, and what of the answer means nothing to a client."""

    entries: tuple[Entry, ...]
    ignored: tuple[str, ...] = ()


def read_answer(text: str, credentials: Credentials | None = None) -> Answer:
    """Read *text*; if nothing in it makes sense it means direct, as in Chromium. *credentials* are for any proxy."""
    parts = [part.strip() for part in text.split(";") if part.strip()][:MOST]
    read = {part: _entry(part, credentials) for part in parts}
    entries = tuple(entry for part in parts if (entry := read[part]))
    ignored = tuple(printable(part, SHOWN) for part, entry in read.items() if entry is None)
    return Answer(entries=entries or (Entry(written=DIRECT, proxy=None),), ignored=ignored)


def _entry(part: str, credentials: Credentials | None) -> Entry | None:
    word, _, place = part.partition(" ")
    if word.upper() == DIRECT:
        return Entry(written=DIRECT, proxy=None)
    scheme = SCHEMES.get(word.upper())
    if not scheme or "@" in place or "/" in place or not place.strip():
        return None
    try:
        proxy = parse_proxy(f"{scheme}://{place.strip()}", "PAC", {})
    except SiteError:
        return None
    return Entry(
        written=printable(f"{word.upper()} {place.strip()}", SHOWN), proxy=replace(proxy, credentials=credentials)
    )
