"""The targets that read texts: settings, URLs, PAC answers, stored reports, and words on their way to a report."""

from __future__ import annotations

from contextlib import suppress

from rainbow_probe.evidence import printable
from rainbow_probe.model import Endpoint
from rainbow_probe.net.http import clock_skew, leads_elsewhere
from rainbow_probe.options import UsageError
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.report import from_json
from rainbow_probe.site import bypass, gnome, kde, macos, resolvers, trust, windows
from rainbow_probe.site.errors import SiteError
from rainbow_probe.site.url import parse_proxy, without_secrets
from rainbow_probe.wayout import wpad
from rainbow_probe.wayout.answers import read_answer
from rainbow_probe.wayout.fetch import decoded

TARGET = Endpoint(host="probe.test", port=443)


def text_of(data: bytes) -> str:
    """Give *data* as a text that may hold anything, half characters too."""
    return data.decode("utf-8", "surrogateescape")


def words(data: bytes) -> None:
    """See that what is shown is printable and short."""
    for said in (excerpt(data), excerpt(text_of(data)), printable(text_of(data)), printable(text_of(data), 9)):
        assert said.isprintable()
        assert len(said) <= 2048
    _ = clock_skew(text_of(data)), leads_elsewhere(text_of(data), TARGET)


def proxy_url(data: bytes) -> None:
    """See that a URL names a proxy or is refused."""
    without_secrets(text_of(data))
    with suppress(SiteError):
        assert 0 < parse_proxy(text_of(data), "a test", {}).endpoint.port < 65536


def settings(data: bytes) -> None:
    """See that what a system says of its proxies and resolvers is read as far as it can be."""
    text = text_of(data)
    gnome.parse_gsettings(text)
    kde.parse_kioslaverc(text, {})
    macos.parse_scutil(text)
    windows.parse_registry({"ProxyEnable": 1, "ProxyServer": text, "ProxyOverride": text, "AutoConfigURL": text})
    resolvers.parse_resolv_conf(text)
    resolvers.parse_scutil_dns(text)
    trust.parse_security(text)
    wpad.parse_interface(data)
    for pattern in bypass.patterns(text):
        bypass.goes_direct(pattern, TARGET)


def pac_answer(data: bytes) -> None:
    """See that an answer of a PAC file is a list of ways, and that its file has a text."""
    assert read_answer(text_of(data)).entries
    decoded(data, f"text/plain; charset={data[:12].decode('latin-1')}")


def stored_report(data: bytes) -> None:
    """See that a file is a report or refused."""
    with suppress(UsageError):
        from_json.loads(text_of(data))
