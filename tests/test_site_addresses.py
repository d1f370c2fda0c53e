"""This machine's own addresses: what the kernel says, asked without sending anything."""

from __future__ import annotations

import shutil
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.site import source_address
from rainbow_probe.site.addresses import local_addresses, parse_fib_trie, parse_if_inet6
from tests.site_samples import sample


def test_fib_trie() -> None:
    """Each address once; neither loopback nor link-local, which lead nowhere."""
    assert parse_fib_trie(sample("fib-trie.txt")) == ("198.18.0.10", "172.17.0.1")


def test_if_inet6() -> None:
    """Addresses of global scope, in the usual spelling; torn lines are passed over."""
    assert parse_if_inet6(sample("if-inet6.txt")) == ("2001:db8::10", "fd00::10")


@given(st.text())
def test_garbage_is_no_error(text: str) -> None:
    """Whatever a kernel to come prints."""
    assert parse_if_inet6(text) == ()
    assert parse_fib_trie(f"|-- {text}\n /32 host LOCAL") in {(), (text.strip(),)}


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9"])
def test_towards_loopback(address: str) -> None:
    """The kernel answers with an address of loopback."""
    assert ip_address(source_address(address) or "").is_loopback


@pytest.mark.parametrize(
    "address", ["", "openrainbow.health", "127.0.0.1:53", "1.2.3", "\0", "a" * 300, "ü" * 70, "::g"]
)
def test_what_is_no_address_has_no_source(address: str) -> None:
    """Names are not looked up."""
    assert source_address(address) is None


def test_this_machine() -> None:
    """Each address once, none of loopback, and that to the Internet first."""
    found = local_addresses()
    assert len(set(found)) == len(found)
    assert not any(ip_address(address).is_loopback for address in found)
    outgoing = source_address("192.0.2.1")
    assert outgoing is None or found[0] == outgoing


ISOLATED = (
    "from rainbow_probe.site.addresses import *; print([source_address(a) for a in ELSEWHERE], local_addresses())"
)


def isolated(*setup: str) -> str:
    """Run the functions in a network of their own, after some ``ip`` commands there; give what they answer."""
    if not sys.platform.startswith("linux"):
        pytest.skip("platform: network namespaces are Linux's")
    script = " && ".join([*setup, f'exec {sys.executable} -c "{ISOLATED}"'])
    command = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--net", "sh", "-c", script]
    done = subprocess.run(  # noqa: S603 - our own words
        command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False, timeout=30
    )
    if "unshare" in done.stderr:
        pytest.skip(f"network namespaces cannot be made here: {done.stderr.strip()}")
    return done.stdout.strip()


def test_without_any_route() -> None:
    """A machine without a network has no source address, and that is no error."""
    assert isolated() == "[None, None] ()"


def test_with_ipv4_only() -> None:
    """No IPv6 route, no IPv6 address; an interface that leads elsewhere is told as well."""
    setup = (
        "ip link add name one type veth peer name two",
        "ip address add 198.18.0.10/24 dev one",
        "ip address add 172.17.0.1/16 dev two",
        "ip link set one up",
        "ip link set two up",
        "ip route add default via 198.18.0.1",
    )
    assert isolated(*setup) == "['198.18.0.10', None] ('198.18.0.10', '172.17.0.1')"
