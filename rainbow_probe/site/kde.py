"""KDE Plasma: ``kioslaverc``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rainbow_probe.site.bypass import patterns
from rainbow_probe.site.settings import Candidate, Declared, Unused, candidates, note
from rainbow_probe.site.tools import text_of

WHERE = "KDE settings"
DESKTOPS = frozenset({"kde"})
"""Values of ``XDG_CURRENT_DESKTOP``, in lower case."""

SECTION = "[Proxy Settings]"
MANUAL, PAC, DETECTION, VARIABLES = "1", "2", "3", "4"
"""Values of ``ProxyType``; 0 is none."""


def read_kioslaverc(environ: Mapping[str, str]) -> str:
    """Return the user's file, or else the one the system has for everybody."""
    home = Path(environ.get("HOME", "/"))
    own = environ.get("XDG_CONFIG_HOME") or str(home / ".config")
    everybody = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    texts = (text_of(str(Path(folder, "kioslaverc"))) for folder in (own, *everybody))
    return next((text for text in texts if text), "")


def parse_kioslaverc(text: str, environ: Mapping[str, str]) -> Declared:
    """Return what the file says; it may leave the answer to variables of *environ* that it names."""
    values = _values(text)
    mode = values.get("ProxyType", "")
    if mode == VARIABLES:
        values = {key: _variable(value, environ) for key, value in values.items()}
    manual = mode in {MANUAL, VARIABLES}
    reversed_list = manual and values.get("ReversedException", "").lower() in {"true", "1"}
    return Declared(
        where=WHERE,
        proxies=_proxies(values) if manual else (),
        bypass=patterns(values.get("NoProxyFor", "")) if manual and not reversed_list else (),
        pac=values.get("Proxy Config Script", "") if mode == PAC else "",
        detection=mode == DETECTION,
        notes=(note(Unused.REVERSED, WHERE),) if reversed_list else (),
    )


def _proxies(values: Mapping[str, str]) -> tuple[Candidate, ...]:
    https, http, socks = (_server(values.get(key, "")) for key in ("httpsProxy", "httpProxy", "socksProxy"))
    return candidates(WHERE, https=https, http=http, socks=socks)


def _server(text: str) -> str:
    """Read ``http://proxy 8080``, as KDE writes it now, or ``http://proxy:8080``."""
    return ":".join(text.split())


def _variable(names: str, environ: Mapping[str, str]) -> str:
    """Return the value of the first of some variables that is set: ``HTTPS_PROXY,https_proxy``."""
    return next((environ[name] for name in patterns(names) if environ.get(name)), "")


def _values(text: str) -> dict[str, str]:
    """Return the keys of the section; ``[$e]`` and the like after a key do not matter here."""
    values: dict[str, str] = {}
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == SECTION
        elif inside and not line.startswith("#"):
            key, _, value = line.partition("=")
            values[key.partition("[")[0].strip()] = value.strip()
    return values
