"""What users ask for, refused at the door with its name and what is allowed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.arguments import parser
from rainbow_probe.commands import with_proxy_user
from rainbow_probe.model import Endpoint, Transport
from rainbow_probe.options import (
    UsageError,
    endpoint,
    map_entry,
    merged,
    read_secret,
    seconds,
    turn_server,
)


@pytest.mark.parametrize(
    ("uri", "host", "ports"),
    [
        ("turn:turn.example.org", "turn.example.org", {}),
        ("turn:turn.example.org:3479", "turn.example.org", {Transport.UDP: 3479}),
        ("turn:turn.example.org:80?transport=tcp", "turn.example.org", {Transport.TCP: 80}),
        ("turns:turn.example.org:5349", "turn.example.org", {Transport.TLS: 5349}),
        ("turns:turn.example.org:443?transport=tcp", "turn.example.org", {Transport.TLS: 443}),
        ("turn:[2001:db8::1]:3478?transport=udp", "2001:db8::1", {Transport.UDP: 3478}),
        ("TURN:198.18.0.1", "198.18.0.1", {}),
    ],
)
def test_turn_uris(uri: str, host: str, ports: dict[Transport, int]) -> None:
    """The shapes of RFC 7065 are read; without a port the guide's ports are meant."""
    server = turn_server(uri)
    assert (server.host, server.ports) == (host, ports)


@pytest.mark.parametrize(
    "uri",
    [
        *("", "turn", "turn:", "turn.example.org", "turn://turn.example.org", "stun:a", "turn:a:0", "turn:a:70000"),
        *("turn:a:x", "turn:a?transport=sctp", "turn:a b", "turn:user@a", "turn:2001:db8::1"),
    ],
)
def test_what_is_not_a_turn_uri_is_refused(uri: str) -> None:
    """The message repeats what was given and shows what is wanted."""
    with pytest.raises(UsageError, match="--turn"):
        turn_server(uri)


def test_several_uris_of_one_server_are_one_server() -> None:
    """An account lists a server once a transport; it is still one server."""
    uris = ("turn:a:3478?transport=udp", "turns:a:443", "turn:b")
    servers = merged(tuple(turn_server(uri) for uri in uris))
    assert [(server.host, dict(server.ports)) for server in servers] == [
        ("a", {Transport.UDP: 3478, Transport.TLS: 443}),
        ("b", {}),
    ]


@pytest.mark.parametrize(
    ("text", "asked", "instead"),
    [
        ("web.example.org:443=127.0.0.1:8443", ("web.example.org", 443), ("127.0.0.1", 8443)),
        ("Web.Example.org:443=:8443", ("web.example.org", 443), ("", 8443)),
        ("web.example.org:443=[::1]:8443", ("web.example.org", 443), ("::1", 8443)),
    ],
)
def test_maps(text: str, asked: tuple[str, int], instead: tuple[str, int]) -> None:
    """A map says where to connect; names are compared as DNS does, whatever their case."""
    assert map_entry(text) == (Endpoint(host=asked[0], port=asked[1]), Endpoint(host=instead[0], port=instead[1]))


@pytest.mark.parametrize(
    "text", ["", "a", "a:1", "a:1=", "a:1=b", "=b:1", ":1=b:1", "a:x=b:1", "a:1=b:0", "::1:443=b:1"]
)
def test_what_is_not_a_map_is_refused(text: str) -> None:
    """The message begins with the argument it is about."""
    with pytest.raises(UsageError, match="--map"):
        map_entry(text)


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    """Whatever is typed is read or refused, never a traceback."""
    for read in (turn_server, map_entry, lambda t: endpoint(t, "--x")):
        with contextlib.suppress(UsageError):
            assert read(text)


@pytest.mark.parametrize("value", [0, -1, 4000, float("nan"), float("inf")])
def test_impossible_time_outs_are_refused(value: float) -> None:
    """A time-out is some seconds, not none and not a day."""
    with pytest.raises(UsageError, match="--timeout"):
        seconds(value, "--timeout")
    assert seconds(8, "--timeout") == 8


def test_a_password_file_gives_its_first_line(tmp_path: Path) -> None:
    """The rest of the file, and a final line break, do not count."""
    file = tmp_path / "password"
    file.write_text("hunter2\nsecond\n", "utf-8")
    assert read_secret(str(file), "--turn-password-file") == "hunter2"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_useless_password_file_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    """The message never holds what the file held."""
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="--turn-password-file"):
        read_secret(str(file), "--turn-password-file")


def test_a_password_in_a_turn_uri_is_not_repeated() -> None:
    """Whoever types one by mistake does not find it in a log."""
    with pytest.raises(UsageError) as caught:
        turn_server("turn:me:s3cr3t@turn.example.org")
    assert "s3cr3t" not in str(caught.value)


USER, PASSWORD = "RAINBOW_PROBE_PROXY_USER", "RAINBOW_PROBE_PROXY_PASSWORD"


@pytest.mark.parametrize(
    ("options", "site", "environ", "found"),
    [
        ([], "", {}, (None, None)),
        ([], "", {USER: "env", PASSWORD: "sesame"}, ("env", "sesame")),
        (["--proxy-user", r"CORP\me"], "", {USER: "env", PASSWORD: "sesame"}, (r"CORP\me", "sesame")),
        (["--proxy-user", "me"], "FILE", {PASSWORD: "sesame"}, ("me", "hunter2")),
        ([], 'proxy_user = "me@CORP.EXAMPLE"\nFILE', {}, ("me@CORP.EXAMPLE", "hunter2")),
        ([], "FILE", {USER: "env"}, ("env", "hunter2")),
    ],
)
def test_who_logs_in_at_the_proxy(
    tmp_path: Path, options: list[str], site: str, environ: dict[str, str], found: tuple[str | None, str | None]
) -> None:
    """The command line stands above the site file, and that above the environment; a file above a variable."""
    secret, file = tmp_path / "secret", tmp_path / "site.toml"
    secret.write_text("hunter2\n", "utf-8")
    file.write_text(site.replace("FILE", f'proxy_password_file = "{secret.as_posix()}"'), "utf-8")
    told = with_proxy_user(parser().parse_args(["run", "--site", str(file), *options]), environ)
    assert (told.get(USER), told.get(PASSWORD)) == found
