"""Which proxy this run uses: the user's word, then the environment, then the system's settings."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from rainbow_probe.site import gnome, kde, macos, windows
from rainbow_probe.site.environment import bypass_of, declared_by
from rainbow_probe.site.errors import SiteError
from rainbow_probe.site.settings import Candidate, Chosen, Declared, choose, choose_leniently, merge
from rainbow_probe.site.url import ALLOWED

AUTO, NONE, DETECT, PAC = "auto", "none", "wpad", "pac:"
OPTION = "--proxy"
NAMED = re.compile("(https?|file|data):", re.IGNORECASE)


def find_proxy(wanted: str, environ: Mapping[str, str], platform: str = sys.platform) -> Chosen:
    """Return what to use: *wanted* is ``auto``, ``none``, ``wpad``, ``pac:`` with a URL or a file, or a proxy's URL.

    Raises ``SiteError``.

    ``NO_PROXY`` holds for a URL given too, as with curl's own ``--proxy``.
    """
    if wanted == NONE:
        return Chosen(where=f"{OPTION} {NONE}")
    if wanted == AUTO:
        found = choose(declared_by(environ), environ)
        return merge(found, choose_leniently(declared_by_system(environ, platform), environ))
    if wanted == DETECT or wanted.startswith(PAC):
        file = "" if wanted == DETECT else _file(wanted.removeprefix(PAC).strip())
        return choose(Declared(where=OPTION, pac=file, detection=not file), environ)
    if not wanted.strip():
        raise SiteError(f"{OPTION}: empty; allowed: {AUTO}, {NONE}, {DETECT}, {PAC}URL, {PAC}FILE, {ALLOWED}")
    patterns, where = bypass_of(environ)
    given = (Candidate(where=OPTION, url=wanted),)
    return choose(Declared(where=OPTION, proxies=given, bypass=patterns, bypass_where=where), environ)


def _file(name: str) -> str:
    """Return *name*, if it is a URL or there is such a file."""
    if not NAMED.match(name) and not Path(name).is_file():
        raise SiteError(f"{OPTION} {PAC}: no such file; wanted is {PAC}URL (http, https, file, data) or {PAC}FILE")
    return name


def declared_by_system(environ: Mapping[str, str], platform: str) -> Declared:
    """Return what the operating system, or the desktop in use, has in its settings."""
    if platform == "win32":
        return windows.parse_registry(windows.read_registry())
    if platform == "darwin":
        return macos.parse_scutil(macos.read_scutil(environ))
    desktops = desktops_of(environ)
    if desktops & kde.DESKTOPS:
        return kde.parse_kioslaverc(kde.read_kioslaverc(environ), environ)
    if desktops & gnome.DESKTOPS:
        return gnome.parse_gsettings(gnome.read_gsettings(environ))
    return Declared(where="no desktop")


def desktops_of(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the desktops this session says it is; a server or a service has none, and asks no tool."""
    return frozenset(environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":"))
