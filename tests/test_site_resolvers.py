"""The resolvers this machine is configured to ask, from recorded samples and for real."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.site import SiteError
from rainbow_probe.site.resolvers import find_resolvers, parse_resolv_conf, parse_scutil_dns
from tests.site_samples import printing, sample


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resolv-debian.conf", ("198.18.0.53", "2001:db8::53", "fe80::1%eth0")),
        ("resolv-odd.conf", ("127.0.0.53",)),
    ],
)
def test_resolv_conf(name: str, expected: tuple[str, ...]) -> None:
    """The first three addresses, as the C library has it; what is no address is passed over."""
    assert parse_resolv_conf(sample(name)) == expected


def test_scutil() -> None:
    """Only the resolvers for all names: not a VPN's own domain, not those of one interface."""
    assert parse_scutil_dns(sample("scutil-dns.txt")) == ("198.18.0.53", "2001:db8::53", "fe80::1%en0")


def test_windows_placeholders_are_no_resolvers() -> None:
    """Windows shows three site-local addresses where nobody configured any (RFC 3879 retired them)."""
    assert parse_resolv_conf("nameserver fec0:0:0:ffff::1\nnameserver 198.18.0.53") == ("198.18.0.53",)


@pytest.mark.parametrize(
    "text",
    ["198.18.0.53", "198.18.0.53:5353", "2001:db8::53", "[2001:db8::53]", "[2001:db8::53]:5353", "::1", "fe80::1%eth0"],
)
def test_given_resolvers_replace_the_systems(text: str) -> None:
    """As they are written, with a port or without."""
    assert find_resolvers([text, "127.0.0.1"], {}) == (text, "127.0.0.1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example",
        "dns.example:53",
        "198.18.0.53:",
        "198.18.0.53:0",
        "198.18.0.53:65536",
        "198.18.0.53:port",
        "198.18.0.53:٣",
        "198.18.0.256",
        "[198.18.0.53",
        "[::1]x",
        "[]:53",
        ":53",
        "1\n2",
    ],
)
def test_what_is_no_resolver_is_refused(text: str) -> None:
    """In one line, with what is allowed."""
    with pytest.raises(SiteError, match=r"is not a resolver; allowed: ADDRESS") as caught:
        find_resolvers([text], {})
    assert "\n" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_resolver_or_refused(text: str) -> None:
    """Nothing but SiteError."""
    try:
        assert find_resolvers([text], {}) == (text,)
    except SiteError:
        return


@given(st.text())
def test_garbage_is_no_error(text: str) -> None:
    """Neither in a file nor from a tool."""
    for found in (parse_resolv_conf(text), parse_scutil_dns(text), parse_resolv_conf(f"nameserver {text}")):
        assert all(ip_address(address) for address in found)


def test_macos_asks_its_tool_first(tmp_path: Path) -> None:
    """Its resolv.conf is a copy for programs that know no better, and the last resort here too."""
    assert find_resolvers((), printing(tmp_path, "scutil", "scutil-dns.txt"), "darwin")[0] == "198.18.0.53"
    assert find_resolvers((), {}, "darwin") == find_resolvers((), {}, "linux")


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_this_machine(platform: str) -> None:
    """What is found are addresses; the library that reads Windows's registry reads this system's file here."""
    found = find_resolvers((), {}, platform)
    assert all(ip_address(address) for address in found)
    assert set(find_resolvers((), {}, "linux")) <= set(found)
