"""How this machine goes out: proxy, resolvers, addresses, trust stores, clock; one small function a fact.

A fact that cannot be had is missing, never an error; only what the user or the environment names wrongly
raises ``SiteError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rainbow_probe.model import Endpoint, Proxy, Site
from rainbow_probe.site import machine
from rainbow_probe.site.addresses import local_addresses, source_address
from rainbow_probe.site.bypass import goes_direct
from rainbow_probe.site.errors import SiteError
from rainbow_probe.site.proxies import find_proxy
from rainbow_probe.site.resolvers import find_resolvers
from rainbow_probe.site.trust import machine_roots, trust_stores

__all__ = ["SiteError", "machine_roots", "proxy_for", "read_site", "source_address"]


def read_site(*, proxy: str = "auto", environ: Mapping[str, str], resolvers: Sequence[str] = ()) -> Site:
    """Read this machine. *proxy* is what ``--proxy`` may be; *resolvers* replace the system's.

    Raises ``SiteError`` for a malformed URL or resolver.
    """
    chosen = find_proxy(proxy, environ)
    return Site(
        proxy=chosen.proxy,
        proxy_source=chosen.where,
        no_proxy=chosen.bypass,
        no_proxy_source=chosen.bypass_where,
        proxy_notes=chosen.notes,
        pacs=chosen.pacs,
        resolvers=find_resolvers(resolvers, environ),
        addresses=local_addresses(),
        trust_stores=trust_stores(),
        dynamic_ports=machine.dynamic_ports(environ),
        platform=machine.platform_name(),
        hostname=machine.hostname(),
        timezone=machine.timezone(environ),
        clock=machine.clock(),
    )


def proxy_for(site: Site, target: Endpoint) -> Proxy | None:
    """Return the proxy that *site*'s settings name for *target*, PAC files apart; None where it goes direct."""
    if site.proxy is None or any(goes_direct(pattern, target) for pattern in site.no_proxy):
        return None
    return site.proxy
