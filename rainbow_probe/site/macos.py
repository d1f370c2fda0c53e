"""macOS: the network settings, as ``scutil --proxy`` prints them for the service in use."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rainbow_probe.site.bypass import LOCAL, exact
from rainbow_probe.site.settings import Candidate, Declared, candidates
from rainbow_probe.site.tools import output_of
from rainbow_probe.site.url import at

WHERE = "macOS settings"
_ENTRY = re.compile(r"\s*(?P<key>\S+)\s*:\s*(?P<value>.*\S)\s*")
_DEEP = ("<array> {", "<dictionary> {")


def read_scutil(environ: Mapping[str, str]) -> str:
    """Return the output of ``scutil --proxy``, or nothing."""
    return output_of("scutil", "--proxy", environ=environ)


def parse_scutil(output: str) -> Declared:
    """Return what the printed dictionary says."""
    values, exceptions = _values(output)
    simple = (LOCAL,) if values.get("ExcludeSimpleHostnames") == "1" else ()
    return Declared(
        where=WHERE,
        proxies=_proxies(values),
        bypass=(*(exact(entry.lower()) for entry in exceptions), *simple),
        pac=values.get("ProxyAutoConfigURLString", "") if values.get("ProxyAutoConfigEnable") == "1" else "",
        detection=values.get("ProxyAutoDiscoveryEnable") == "1",
    )


def _proxies(values: Mapping[str, str]) -> tuple[Candidate, ...]:
    https, http, socks = (_server(values, kind) for kind in ("HTTPS", "HTTP", "SOCKS"))
    return candidates(WHERE, https=https, http=http, socks=socks)


def _server(values: Mapping[str, str], kind: str) -> str:
    if values.get(f"{kind}Enable") != "1" or not values.get(f"{kind}Proxy"):
        return ""
    return at(values[f"{kind}Proxy"], values.get(f"{kind}Port", ""))


def _values(output: str) -> tuple[dict[str, str], list[str]]:
    """Return the outer dictionary and the entries of ``ExceptionsList``; settings of single services go unread."""
    values: dict[str, str] = {}
    exceptions: list[str] = []
    path: list[str] = []
    for line in output.splitlines():
        if line.strip() == "}":
            path = path[:-1]
        elif line.strip() in _DEEP:
            path = [""]
        elif (found := _ENTRY.fullmatch(line)) and found["value"] in _DEEP:
            path = [*path, found["key"]]
        elif found and path == ["", "ExceptionsList"]:
            exceptions.append(found["value"])
        elif found and path == [""]:
            values[found["key"]] = found["value"]
    return values, exceptions
