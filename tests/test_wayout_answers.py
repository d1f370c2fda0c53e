"""What a PAC file answers: the list that a client makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Credentials
from rainbow_probe.wayout.answers import DIRECT, MOST, read_answer


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("DIRECT", ["None"]),
        ("direct", ["None"]),
        ("PROXY a:3128", ["http://a:3128"]),
        ("PROXY a", ["http://a:80"]),
        ("proxy  a:3128 ; DIRECT", ["http://a:3128", "None"]),
        ("HTTPS a", ["https://a:443"]),
        ("HTTP a:1", ["http://a:1"]),
        ("SOCKS a; SOCKS4 b:1; SOCKS5 c", ["socks4://a:1080", "socks4://b:1", "socks5://c:1080"]),
        ("PROXY [2001:db8::1]:3128", ["http://[2001:db8::1]:3128"]),
        ("QUIC q:443; PROXY a:1", ["http://a:1"]),
        ("PROXY a:1;;", ["http://a:1"]),
        ("PROXY a:1; PROXY a:1", ["http://a:1", "http://a:1"]),
        ("", ["None"]),
        (";", ["None"]),
        ("nonsense", ["None"]),
        ("PROXY", ["None"]),
        ("PROXY a:0", ["None"]),
        ("PROXY user:pw@a:1", ["None"]),
        ("PROXY http://a:1", ["None"]),
        ("http://a:1", ["None"]),
        ("[object Object]", ["None"]),
    ],
)
def test_the_list(text: str, proxies: list[str]) -> None:
    """In order, with the ports of browsers; what makes no sense is passed over, and nothing but nonsense is direct."""
    assert [str(entry.proxy) for entry in read_answer(text).entries] == proxies


def test_what_is_ignored_is_told() -> None:
    """As it was written."""
    answer = read_answer("QUIC q:443; PROXY a:1; SOCKS7 b")
    assert answer.ignored == ("QUIC q:443", "SOCKS7 b")
    assert [entry.written for entry in answer.entries] == ["PROXY a:1"]


def test_the_users_credentials_are_for_any_proxy() -> None:
    """A PAC file has none."""
    login = Credentials(user="nurse", password="Xq7-s3cr3t")  # noqa: S106 - made up, to look for it
    [entry] = read_answer("PROXY a:1", login).entries
    assert entry.proxy is not None
    assert entry.proxy.credentials == login
    assert "s3cr3t" not in repr(entry)


@given(st.text(max_size=200))
def test_any_text_is_a_list(text: str) -> None:
    """Never empty, never long, and fit to print."""
    answer = read_answer(text)
    assert 1 <= len(answer.entries) <= MOST
    assert all(entry.written.isprintable() for entry in answer.entries)
    assert all(part.isprintable() for part in answer.ignored)
    assert read_answer(DIRECT).entries[0].proxy is None
