"""The site as a whole: this machine is read, and nothing heavy is loaded for it."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import ip_address

import pytest

from rainbow_probe.model import Credentials, Endpoint, Proxy, Site
from rainbow_probe.site import SiteError, proxy_for, read_site, source_address

HEAVY = ("cryptography", "dns", "h11", "rich", "shutil", "websockets", "datetime", "platform")


def test_this_machine() -> None:
    """Every fact has its place; those that every machine has are there."""
    site = read_site(environ=os.environ)
    assert isinstance(site, Site)
    assert all(ip_address(address) for address in (*site.addresses, *site.resolvers))
    assert all([site.platform, site.hostname, site.timezone, site.clock, site.dynamic_ports, site.trust_stores])


def test_what_is_given_is_in_the_site() -> None:
    """The proxy with its credentials, patterns and resolvers, each with where it is from."""
    site = read_site(
        proxy="https://nurse:s3cr3t@proxy.clinic.example",
        environ={"NO_PROXY": ".clinic.example"},
        resolvers=["198.18.0.53:5353"],
    )
    assert site.proxy == Proxy(
        endpoint=Endpoint(host="proxy.clinic.example", port=443),
        tls=True,
        credentials=Credentials(user="nurse", password="s3cr3t"),  # noqa: S106 - made up
    )
    assert (site.proxy_source, site.no_proxy_source) == ("--proxy", "NO_PROXY in the environment")
    assert site.resolvers == ("198.18.0.53:5353",)
    assert proxy_for(site, Endpoint(host="openrainbow.health", port=443)) is site.proxy
    assert proxy_for(site, Endpoint(host="pbx.clinic.example", port=443)) is None


def test_an_empty_environment_will_do() -> None:
    """As for the demo."""
    assert read_site(proxy="none", environ={}).proxy is None


@pytest.mark.parametrize(("proxy", "resolvers"), [("ftp://x", []), ("none", ["x"])])
def test_what_is_wrong_is_refused(proxy: str, resolvers: list[str]) -> None:
    """At the door, as wrong input."""
    with pytest.raises(SiteError):
        read_site(proxy=proxy, environ={}, resolvers=resolvers)
    assert issubclass(SiteError, ValueError)


def test_a_source_address_is_one_of_ours() -> None:
    """What the kernel would use is among the addresses told."""
    outgoing = source_address("192.0.2.1")
    assert outgoing is None or outgoing in read_site(proxy="none", environ={}).addresses


def test_it_loads_nothing_heavy() -> None:
    """Start-up matters: what is seldom needed waits until it is."""
    script = f"import sys; import rainbow_probe.site; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "[]"
