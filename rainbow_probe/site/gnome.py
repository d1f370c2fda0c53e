"""GNOME and the desktops that share its settings: ``org.gnome.system.proxy``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rainbow_probe.site.bypass import exact
from rainbow_probe.site.settings import Candidate, Declared, candidates
from rainbow_probe.site.tools import output_of
from rainbow_probe.site.url import at

WHERE = "GNOME settings"
DESKTOPS = frozenset({
    "gnome",
    "gnome-classic",
    "unity",
    "ubuntu",
    "x-cinnamon",
    "cinnamon",
    "pantheon",
    "budgie",
    "mate",
})
"""Values of ``XDG_CURRENT_DESKTOP``, in lower case."""

_LINE = re.compile(r"org\.gnome\.system\.proxy(?:\.(?P<kind>\w+))? (?P<key>\S+) (?P<value>.*)")
_STRING = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")


def read_gsettings(environ: Mapping[str, str]) -> str:
    """Return all settings of the schema, one a line, or nothing."""
    return output_of("gsettings", "list-recursively", "org.gnome.system.proxy", environ=environ)


def parse_gsettings(output: str) -> Declared:
    """Return what the printed settings say."""
    found = (match for line in output.splitlines() if (match := _LINE.fullmatch(line.strip())))
    values = {f"{match['kind'] or ''}.{match['key']}": match["value"] for match in found}
    manual, automatic = (_string(values, ".mode") == mode for mode in ("manual", "auto"))
    pac = _string(values, ".autoconfig-url") if automatic else ""
    return Declared(
        where=WHERE,
        proxies=_proxies(values) if manual else (),
        bypass=tuple(exact(host.lower()) for host in _strings(values.get(".ignore-hosts", ""))) if manual else (),
        pac=pac,
        detection=automatic and not pac,
    )


def _proxies(values: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Order the proxies by scheme. Chromium goes by the hosts alone: "use-same-proxy" and "enabled" are obsolete."""
    https, http, socks = (_server(values, kind) for kind in ("https", "http", "socks"))
    return candidates(WHERE, https=https, http=http, socks=socks)


def _server(values: Mapping[str, str], kind: str) -> str:
    host = _string(values, f"{kind}.host")
    return at(host, values.get(f"{kind}.port", "")) if host else ""


def _string(values: Mapping[str, str], key: str) -> str:
    return next(iter(_strings(values.get(key, ""))), "")


def _strings(text: str) -> list[str]:
    """Return the strings in a GVariant's text form: one of them, or a list."""
    return [re.sub(r"\\(.)", r"\1", single or double) for single, double in _STRING.findall(text)]
