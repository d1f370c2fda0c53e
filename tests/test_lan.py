"""The site's own hosts as they are given."""

from __future__ import annotations

import pytest

from rainbow_probe.catalogue import Place
from rainbow_probe.lan import TOKEN, given, peer_token, peers
from rainbow_probe.options import UsageError


def test_a_peer_without_a_place_stands_for_all() -> None:
    """Wherever no other one is named."""
    assert peers(["10.0.0.9"]) == dict.fromkeys((Place.CLIENT, Place.GATEWAY, Place.PBX, Place.PHONES), ("10.0.0.9",))
    assert peers(["gateway=GW.example", "10.0.0.9"])[Place.GATEWAY] == ("gw.example",)
    assert peers(["gateway=[2001:db8::1]"]) == {Place.GATEWAY: ("2001:db8::1",)}
    assert peers([]) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "moon=10.0.0.1",
        "a b",
        "http://x/",
        "host:",
        "=x",
        "gateway=",
        "10.0.0.1:5060",
        "pbx.example:5060",
        "a:b:c",
        "10.0.0",
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    """With what is allowed; a port would be taken for a part of a name that nobody knows."""
    with pytest.raises(UsageError, match="--peer"):
        peers([text])


def test_the_command_line_stands_above_the_site_file() -> None:
    """As everywhere."""
    assert given({"peer": ["a"]}, {"lan.peer": ["b"]})[Place.CLIENT] == ("a",)
    assert given({"peer": []}, {"lan.peer": ["client=b"]}) == {Place.CLIENT: ("b",)}
    assert given({}, {}) == {}


def test_a_responder_beyond_the_border_is_named_by_itself() -> None:
    """One on the LAN says nothing of the border."""
    assert given({"outside": "vm.example"}, {"lan.outside": "other.example"}) == {Place.OUTSIDE: ("vm.example",)}
    assert Place.OUTSIDE not in peers(["10.0.0.9"])
    with pytest.raises(UsageError, match="--peer"):
        peers(["outside=192.0.2.1"])


def test_the_token_is_in_the_environment_or_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never on the command line."""
    monkeypatch.setenv(TOKEN, "from here")
    assert peer_token(None) == "from here"
    with pytest.raises(UsageError, match="--peer-token-file"):
        peer_token("/nowhere/at/all")
