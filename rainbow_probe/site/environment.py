"""Proxies in environment variables."""

from __future__ import annotations

from collections.abc import Mapping

from rainbow_probe.site.bypass import patterns
from rainbow_probe.site.settings import Candidate, Declared, Unused, note

NAMES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy")
"""Variables in order of preference; an empty one counts as not set, as in curl.

Everything a Rainbow client sends through a proxy goes through CONNECT, for which curl and Chromium use
``https_proxy``; Chromium does so even for TURN on port 80. ``all_proxy`` stands for what has no variable of its
own. ``http_proxy`` comes last, with a note; ``HTTP_PROXY`` is not used: a web server sets it from a request's
``Proxy`` header (CVE-2016-5385).
"""


def declared_by(environ: Mapping[str, str]) -> Declared:
    """Return what *environ* says of proxies."""
    found = [(name, environ[name]) for name in NAMES if environ.get(name, "").strip()]
    bypass = bypass_of(environ)
    return Declared(
        where="the environment",
        proxies=tuple(
            Candidate(where=f"{name} in the environment", url=url, plain=name == "http_proxy") for name, url in found
        ),
        bypass=bypass[0],
        bypass_where=bypass[1],
        pac=environ.get("auto_proxy", "").strip(),  # Chromium's: a PAC file, or, empty, nothing but the wish for one
        detection="auto_proxy" in environ and not environ["auto_proxy"].strip(),
        notes=() if found else tuple(_upper(environ)),
    )


def bypass_of(environ: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """Return the patterns of ``no_proxy`` or else ``NO_PROXY``, and where they are from."""
    name = next((name for name in ("no_proxy", "NO_PROXY") if environ.get(name, "").strip()), "")
    return patterns(environ.get(name, "")), f"{name} in the environment" if name else ""


def _upper(environ: Mapping[str, str]) -> list[str]:
    return [note(Unused.UPPER, "HTTP_PROXY in the environment")] if environ.get("HTTP_PROXY") else []
