"""The site of a stored report, read back: how the machine went out then."""

from __future__ import annotations

from urllib.parse import urlsplit

from rainbow_probe.model import Destination, Endpoint, Pac, PortRange, Proxy, Site
from rainbow_probe.options import UsageError
from rainbow_probe.report.fields import Item

DIRECT = "direct"
_SOCKS = {"socks5": 5, "socks4": 4}
_LAST_PORT = 65535


def read_site(site: Item) -> Site:
    """Return the site; what a report of an older version does not tell of it is empty."""
    proxy = site.item("proxy")
    return Site(
        name=site.known("name"),
        labels={key: str(text) for key, text in site.scalars("labels").items()} if "labels" in site else {},
        proxy=_proxy(proxy, "url") if proxy else None,
        proxy_source=proxy.known("source") if proxy else "none",
        no_proxy=site.texts("no_proxy"),
        no_proxy_source=site.known("no_proxy_source"),
        proxy_notes=site.texts("proxy_notes"),
        pacs=tuple(Pac(where=pac.text("source"), shown=pac.text("url")) for pac in site.items("pac")),
        destinations=tuple(_destination(way) for way in site.items("destinations")),
        resolvers=site.texts("resolvers"),
        addresses=site.texts("addresses"),
        trust_stores=site.texts("trust_stores"),
        dynamic_ports=_ports(site.item("dynamic_ports")),
        platform=site.known("platform"),
        hostname=site.known("hostname"),
        timezone=site.known("timezone"),
        clock=site.known("clock"),
    )


def _destination(way: Item) -> Destination:
    return Destination(
        url=way.text("url"),
        target=Endpoint(host=way.text("host"), port=way.whole("port", 0, _LAST_PORT)),
        choices=way.texts("choices"),
        used=None if way.text("used") == DIRECT else _proxy(way, "used"),
        source=way.text("source"),
        passed_over=way.texts("passed_over"),
    )


def _ports(item: Item | None) -> PortRange | None:
    if item is None:
        return None
    return PortRange(first=item.whole("first", 0, _LAST_PORT), last=item.whole("last", 0, _LAST_PORT))


def _proxy(item: Item, key: str) -> Proxy:
    try:
        url = urlsplit(item.text(key))
        endpoint = Endpoint(host=url.hostname or "", port=url.port or 0)
    except UsageError:
        raise
    except ValueError as exc:
        raise item.wrong(key, "a URL") from exc
    return Proxy(endpoint=endpoint, tls=url.scheme == "https", socks=_SOCKS.get(url.scheme, 0))
