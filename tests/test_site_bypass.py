"""``NO_PROXY`` and its dialects: who goes direct although there is a proxy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Endpoint, Proxy, Site
from rainbow_probe.site import proxy_for
from rainbow_probe.site.bypass import exact, goes_direct, patterns

PROXY = Proxy(endpoint=Endpoint(host="proxy.clinic.example", port=3128))


def endpoint(text: str) -> Endpoint:
    """Read ``host:port``, or ``host`` on port 443."""
    host, _, port = text.rpartition(":") if text.count(":") != 1 and not text.endswith("]") else text.partition(":")
    return Endpoint(host=host.strip("[]"), port=int(port)) if host and port.isdigit() else Endpoint(host=text, port=443)


@pytest.mark.parametrize(
    ("pattern", "direct", "proxied"),
    [
        ("*", ["openrainbow.health", "10.1.2.3", "[2001:db8::1]:443"], []),
        (
            "openrainbow.health",
            ["openrainbow.health", "web.openrainbow.health", "OpenRainbow.Health", "openrainbow.health."],
            ["notopenrainbow.health", "openrainbow.health.evil.example", "health", "10.1.2.3"],
        ),
        (
            ".openrainbow.health",
            ["openrainbow.health", "web.openrainbow.health", "a.b.openrainbow.health"],
            ["notopenrainbow.health"],
        ),
        ("OpenRainbow.Health.", ["openrainbow.health", "web.openrainbow.health"], ["health"]),
        ("*.openrainbow.health", ["web.openrainbow.health", "a.b.openrainbow.health"], ["openrainbow.health"]),
        ("*openrainbow.health", ["openrainbow.health", "notopenrainbow.health"], ["openrainbow.health.example"]),
        ("turn-*.openrainbow.health", ["turn-gra1.openrainbow.health"], ["web.openrainbow.health"]),
        ("=openrainbow.health", ["openrainbow.health"], ["web.openrainbow.health"]),
        ("=openrainbow.health:80", ["openrainbow.health:80"], ["openrainbow.health:443"]),
        (
            "openrainbow.health:443",
            ["openrainbow.health:443", "web.openrainbow.health:443"],
            ["openrainbow.health:80"],
        ),
        ("*:80", ["turn.example:80", "10.1.2.3:80", "[::1]:80"], ["turn.example:443"]),
        ("health:http", [], ["openrainbow.health:80"]),
        ("health:99999999", [], ["openrainbow.health:80"]),
        ("health:²", [], ["openrainbow.health:2"]),
        ("localhost", ["localhost", "db.localhost"], ["localhost.example", "127.0.0.1"]),
        ("10.1.2.3", ["10.1.2.3"], ["10.1.2.30", "2.3", "10.1.2.3.example"]),
        ("2.3", [], ["10.1.2.3"]),
        ("10.1.2.3:3478", ["10.1.2.3:3478"], ["10.1.2.3:443"]),
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["11.0.0.1", "ten.example", "[::a00:1]:443"]),
        ("10.1.2.3/8", ["10.255.255.255"], ["11.0.0.1"]),
        ("169.254/16", ["169.254.7.7"], ["169.253.7.7"]),
        ("10/8", ["10.1.2.3"], ["11.1.2.3"]),
        ("10.*", ["10.1.2.3"], ["110.1.2.3"]),
        ("198.18.0.0/255.254.0.0", ["198.19.0.1"], ["198.20.0.1"]),
        ("10.0.0.0/33", [], ["10.0.0.1"]),
        ("10.0.0/8/8", [], ["10.0.0.1"]),
        ("2001:db8::1", ["[2001:db8::1]:443", "[2001:0DB8:0::1]:443"], ["[2001:db8::2]:443"]),
        ("[2001:db8::1]", ["[2001:db8::1]:443"], ["[2001:db8::2]:443"]),
        ("[2001:db8::1]:80", ["[2001:db8::1]:80"], ["[2001:db8::1]:443"]),
        ("[2001:db8::1]80", ["[2001:db8::1]:80"], []),
        ("2001:db8::/32", ["[2001:db8:ffff::1]:443"], ["[2001:db9::1]:443", "10.1.2.3"]),
        ("[2001:db8::/32]", ["[2001:db8:ffff::1]:443"], ["[2001:db9::1]:443"]),
        ("10.0.0.0/8", ["[::ffff:10.1.2.3]:443"], ["[::ffff:11.1.2.3]:443"]),
        ("<local>", ["intranet"], ["openrainbow.health", "10.1.2.3", "[2001:db8::1]:443"]),
        ("", [], ["openrainbow.health"]),
        (".", [], ["openrainbow.health"]),
        ("[", [], ["openrainbow.health"]),
        ("openrainbow.healt?", [], ["openrainbow.health"]),
        ("[o]penrainbow.*", [], ["openrainbow.health"]),
    ],
)
def test_a_pattern(pattern: str, direct: list[str], proxied: list[str]) -> None:
    """Each pattern lets these hosts go direct, and not those."""
    site = Site(proxy=PROXY, no_proxy=("unrelated.example", pattern))
    assert [host for host in direct if proxy_for(site, endpoint(host))] == []
    assert [host for host in proxied if not proxy_for(site, endpoint(host))] == []


def test_without_a_proxy_all_go_direct() -> None:
    """Then no pattern matters."""
    assert proxy_for(Site(no_proxy=("unrelated.example",)), endpoint("openrainbow.health")) is None


def test_without_patterns_all_go_through_the_proxy() -> None:
    """Even loopback, which browsers would except: what is asked of the proxy is asked of it."""
    site = Site(proxy=PROXY)
    assert [proxy_for(site, endpoint(host)) for host in ("openrainbow.health", "127.0.0.1", "localhost")] == [PROXY] * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (" , ;", ()),
        ("a,b", ("a", "b")),
        ("a, b c;d\te", ("a", "b", "c", "d", "e")),
        ("a,a,b,a", ("a", "b")),
    ],
)
def test_a_list_is_taken_apart(text: str, expected: tuple[str, ...]) -> None:
    """At commas, semicolons and blanks, each pattern once."""
    assert patterns(text) == expected


@pytest.mark.parametrize(
    ("entry", "pattern"),
    [
        ("intranet.clinic.example", "=intranet.clinic.example"),
        ("intranet:8080", "=intranet:8080"),
        (".clinic.example", "*.clinic.example"),
        ("*.clinic.example", "*.clinic.example"),
        ("10.*", "10.*"),
        ("10.1.2.3", "10.1.2.3"),
        ("::1", "::1"),
        ("[::1]", "[::1]"),
        ("169.254/16", "169.254/16"),
        ("<local>", "<local>"),
        ("<-loopback>", "<-loopback>"),
        ("=already", "=already"),
    ],
)
def test_systems_mean_a_plain_name_exactly(entry: str, pattern: str) -> None:
    """Windows, macOS and GNOME do not take a name to speak for those below it."""
    assert exact(entry) == pattern


HOSTS = st.one_of(
    st.text(max_size=30),
    st.ip_addresses().map(str),
    st.from_regex(r"[a-z0-9.:\[\]*/%<>=?!-]{0,30}", fullmatch=True),
)


@given(pattern=HOSTS, host=HOSTS, port=st.integers(0, 65535))
def test_no_pattern_breaks_it(pattern: str, host: str, port: int) -> None:
    """Whatever stands in NO_PROXY, the answer is yes or no."""
    assert goes_direct(pattern, Endpoint(host=host, port=port)) in {True, False}
    assert goes_direct(exact(pattern), Endpoint(host=host, port=port)) in {True, False}


@given(st.ip_addresses(), st.integers(0, 65535), st.data())
def test_an_address_is_in_its_own_networks(address: object, port: int, data: st.DataObject) -> None:
    """Of whatever length."""
    length = data.draw(st.integers(0, 128 if ":" in str(address) else 32))
    target = Endpoint(host=str(address), port=port)
    mapped = str(address).startswith("::ffff:")
    assert mapped or goes_direct(f"{address}/{length}", target)
    assert mapped or goes_direct(str(address), target)


@given(st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){0,3}", fullmatch=True), st.from_regex(r"[a-z]{1,9}", fullmatch=True))
def test_a_name_speaks_for_those_below_it(name: str, label: str) -> None:
    """With and without the dot before it; and never for one that only ends alike."""
    for pattern in (name, f".{name}", f"{name}:443"):
        assert goes_direct(pattern, Endpoint(host=name, port=443))
        assert goes_direct(pattern, Endpoint(host=f"{label}.{name}", port=443))
        assert not goes_direct(pattern, Endpoint(host=f"{label}{name}", port=443))
    assert not goes_direct(f"={name}", Endpoint(host=f"{label}.{name}", port=443))


def test_a_hostile_pattern_takes_no_time() -> None:
    """Many stars do not explode."""
    assert not goes_direct("*a" * 50 + "b", Endpoint(host="a" * 250, port=443))
