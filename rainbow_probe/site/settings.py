"""From what a source declares about proxies to the one proxy that is used, and notes on all that is not.

This version speaks HTTP CONNECT to one proxy, with Basic credentials. What it sees and cannot follow is
told, never ignored: ``Unused`` lists it. PAC evaluation has its place here, between ``Declared`` and
``Chosen`` (``Site`` would then need a proxy per target, behind ``proxy_for``); NTLM and Negotiate have
theirs in the CONNECT exchange, and nothing here depends on the scheme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rainbow_probe.evidence import printable
from rainbow_probe.model import Proxy
from rainbow_probe.site.errors import SiteError
from rainbow_probe.site.url import parse_proxy, without_secrets


class Unused(StrEnum):
    """What may be set and is not followed, as notes for the report."""

    PAC = "{where}: a PAC file is set ({what}); this version does not evaluate it; give --proxy"
    DETECTION = (
        "{where}: automatic detection (WPAD) is on; this version does not do it; give --proxy if the site has it"
    )
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
    """Take the first proxy; raises ``SiteError`` if it is malformed."""
    notes = _notes(declared)
    candidate = next(iter(declared.proxies), None)
    if candidate is None:
        return Chosen(notes=notes)
    return Chosen(
        proxy=parse_proxy(candidate.url, candidate.where, environ),
        where=candidate.where,
        bypass=tuple(printable(pattern) for pattern in declared.bypass),
        bypass_where=(declared.bypass_where or declared.where) if declared.bypass else "",
        notes=(*notes, *([note(Unused.PLAIN, candidate.where)] if candidate.plain else [])),
    )


def choose_leniently(declared: Declared, environ: Mapping[str, str]) -> Chosen:
    """Choose from the system's settings, which may hold anything: a malformed proxy there is a note.

    The credentials in *environ* are the user's own: for them, ``SiteError`` remains.
    """
    try:
        choose(declared, {})
    except SiteError:
        return Chosen(notes=(*_notes(declared), note(Unused.MALFORMED, declared.where)))
    return choose(declared, environ)


def merge(first: Chosen, second: Chosen) -> Chosen:
    """Prefer *first*, and tell of *second* what the user may want to know."""
    if first.proxy is None:
        return replace(second, notes=(*first.notes, *second.notes))
    if second.proxy is None or str(second.proxy) == str(first.proxy):
        return replace(first, notes=(*first.notes, *second.notes))
    return replace(first, notes=(*first.notes, *second.notes, note(Unused.SECOND, second.where, str(second.proxy))))


def note(unused: Unused, where: str, what: str = "") -> str:
    """Word what is not used, and from *where* it is."""
    return unused.format(where=where, what=what)


def _notes(declared: Declared) -> tuple[str, ...]:
    pac = [note(Unused.PAC, declared.where, without_secrets(declared.pac))] if declared.pac else []
    detection = [note(Unused.DETECTION, declared.where)] if declared.detection else []
    return (*declared.notes, *pac, *detection)
