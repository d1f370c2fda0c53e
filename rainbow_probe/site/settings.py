"""From what a source declares about proxies to what is used, and notes on all that is not.

What is seen and cannot be followed is told, never ignored: ``Unused`` lists it. Which way a PAC file sends each
destination is found out when the run begins (``wayout``); here it is only known that there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rainbow_probe.evidence import printable
from rainbow_probe.model import Pac, Proxy
from rainbow_probe.site.errors import SiteError
from rainbow_probe.site.url import parse_proxy, without_secrets

DETECTION = "automatic detection, WPAD"


class Unused(StrEnum):
    """What may be set and is not followed, as notes for the report."""

    PAC = "{where} name a PAC file ({what}), which browsers may use; give --proxy pac:URL to test it"
    DETECTION = "{where} have automatic detection (WPAD) on, which browsers may use; give --proxy wpad to test it"
    REVERSED = "{where}: the list of exceptions is reversed; this version does not follow that"
    MALFORMED = "{where}: the proxy is malformed and not used; give --proxy"
    PLAIN = "{where} is meant for plain HTTP; it is used for TLS too, where curl and Chromium would go direct"
    UPPER = "{where} is not used in upper case, as by curl; set https_proxy"
    SECOND = "{where} name another proxy ({what}), which browsers may use; give --proxy to test that one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A proxy some source names, not read yet; it may hold a password."""

    where: str
    url: str = field(repr=False)
    plain: bool = False
    """Whether the source means it for plain HTTP only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What one source says: *proxies* in order of preference, and the rest as it is written there."""

    where: str
    proxies: tuple[Candidate, ...] = ()
    bypass: tuple[str, ...] = ()
    bypass_where: str = ""
    pac: str = field(default="", repr=False)
    detection: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a run uses; the fields of ``Site`` that speak of proxies."""

    proxy: Proxy | None = None
    pacs: tuple[Pac, ...] = ()
    """In the order in which clients try them; *proxy* is for where none can be used."""
    where: str = "none"
    bypass: tuple[str, ...] = ()
    bypass_where: str = ""
    notes: tuple[str, ...] = ()


def candidates(where: str, *, https: str, http: str, socks: str) -> tuple[Candidate, ...]:
    """Order the proxies of a system that has one a scheme, as Chromium does for ``https``: SOCKS is for the rest."""
    found = (
        Candidate(where=where, url=https),
        Candidate(where=where, url=socks if "://" in socks else f"socks://{socks}" if socks else ""),
        Candidate(where=f"{where} (the proxy for HTTP)", url=http, plain=True),
    )
    return tuple(candidate for candidate in found if candidate.url)


def choose(declared: Declared, environ: Mapping[str, str]) -> Chosen:
    """Take the PAC files, and the first proxy; raises ``SiteError`` if it is malformed."""
    found = Chosen(pacs=pacs_of(declared, environ), notes=declared.notes)
    candidate = next(iter(declared.proxies), None)
    if candidate is None:
        return found
    return replace(
        found,
        proxy=parse_proxy(candidate.url, candidate.where, environ),
        where=candidate.where,
        bypass=tuple(printable(pattern) for pattern in declared.bypass),
        bypass_where=(declared.bypass_where or declared.where) if declared.bypass else "",
        notes=(*found.notes, *([note(Unused.PLAIN, candidate.where)] if candidate.plain else [])),
    )


def pacs_of(declared: Declared, environ: Mapping[str, str]) -> tuple[Pac, ...]:
    """Return what leads to a PAC file: detection comes before a file that is named, as in Chromium."""
    if not (declared.pac or declared.detection):
        return ()
    login = parse_proxy("http://any", "a proxy of the PAC file", environ).credentials
    named = Pac(where=declared.where, shown=without_secrets(declared.pac), url=declared.pac, credentials=login)
    found = Pac(where=declared.where, shown=DETECTION, credentials=login)
    return (*([found] if declared.detection else []), *([named] if declared.pac else []))


def choose_leniently(declared: Declared, environ: Mapping[str, str]) -> Chosen:
    """Choose from the system's settings, which may hold anything: a malformed proxy there is a note.

    The credentials in *environ* are the user's own: for them, ``SiteError`` remains.
    """
    try:
        choose(declared, {})
    except SiteError:
        malformed = note(Unused.MALFORMED, declared.where)
        return Chosen(pacs=pacs_of(declared, environ), notes=(*declared.notes, malformed))
    return choose(declared, environ)


def merge(first: Chosen, second: Chosen) -> Chosen:
    """Prefer *first*, and tell of *second* what the user may want to know."""
    if first.proxy is None and not first.pacs:
        return replace(second, notes=(*first.notes, *second.notes))
    others = [note(Unused.PAC if pac.url else Unused.DETECTION, pac.where, pac.shown) for pac in second.pacs]
    if second.proxy and str(second.proxy) != str(first.proxy):
        others.append(note(Unused.SECOND, second.where, str(second.proxy)))
    return replace(first, notes=(*first.notes, *second.notes, *others))


def note(unused: Unused, where: str, what: str = "") -> str:
    """Word what is not used, and from *where* it is."""
    return unused.format(where=where, what=what)
