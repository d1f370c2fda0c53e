"""Where PAC files come from: web servers sound and odd, files, and URLs that hold them."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.model import Cause, Endpoint, Outcome, Pac, Phase, Result
from rainbow_probe.wayout.fetch import LARGEST, PacError, decoded, is_remote, local_text, place_of
from rainbow_probe.wayout.pac import NOT_FOUND, Source, get
from tests.servers import (
    CORPORATE,
    DOOR,
    HOST,
    OPERATOR,
    QUICK,
    a_route,
    answers,
    hangs_up,
    mute,
    names,
    page,
    says,
    shows,
    trust,
)

TEXT = "function FindProxyForURL(url, host) { return 'DIRECT' }"


async def got(url: str) -> Source:
    """Get a PAC file as a run does."""
    return await get(
        Pac(where="--proxy", shown=url, url=url), url, replace(a_route(), trust=trust(CORPORATE), limits=QUICK)
    )


def broke(result: Result) -> tuple[Phase, Cause]:
    """Tell where and why it failed."""
    assert result.verdict.outcome is Outcome.FAIL
    assert result.verdict.failure is not None
    return result.verdict.failure.phase, result.verdict.failure.cause


async def test_a_web_server_has_it() -> None:
    """The steps to it are kept, as those of any check."""
    async with loopback() as place:
        port = await place.tcp(answers(page("200 OK", TEXT.encode())))
        source = await got(f"http://{DOOR}:{port}/proxy.pac?site=1")
    assert source.text == TEXT
    assert source.result.flow.id == f"pac/{DOOR}:{port}/tcp/direct"
    assert [step.phase for step in source.result.steps] == [Phase.RESOLVE, Phase.CONNECT, Phase.HTTP]
    assert source.result.steps[-1].subject == "/proxy.pac?site=1"


@pytest.mark.parametrize("issuer", [CORPORATE, OPERATOR])
async def test_tls_is_what_this_machine_trusts(issuer: str) -> None:
    """A company's own authority is as good as a public one, if this machine knows it."""
    async with loopback() as place:
        port = await place.tcp(answers(page("200 OK", TEXT.encode())), shows(issuer))
        source = await got(f"https://{DOOR}:{port}/proxy.pac")
    if issuer == CORPORATE:
        assert source.text == TEXT
    else:
        assert source.text is None
        assert broke(source.result) == (Phase.TLS, Cause.TLS_UNTRUSTED)


async def test_a_redirect_is_followed_and_a_loop_is_not() -> None:
    """As in browsers."""
    async with loopback() as place:
        there = await place.tcp(answers(page("200 OK", TEXT.encode())))
        here = await place.tcp(answers(page("302 Found", b"", f"Location: http://{DOOR}:{there}/x")))
        loop = await place.tcp(answers(page("301 Moved", b"", "Location: /again")))
        assert (await got(f"http://{DOOR}:{here}/")).text == TEXT
        assert broke((await got(f"http://{DOOR}:{loop}/")).result) == (Phase.PROXY, Cause.PAC_BROKEN)
        file = await place.tcp(answers(page("302 Found", b"", "Location: file:///etc/passwd")))
        source = await got(f"http://{DOOR}:{file}/")
        assert (source.text, broke(source.result)) == (None, (Phase.PROXY, Cause.PAC_BROKEN))


TROUBLE: list[tuple[Handler, tuple[Phase, Cause]]] = [
    (answers(page("404 Not Found", b"no")), (Phase.PROXY, Cause.PAC_BROKEN)),
    (answers(page("200 OK", b" " * (LARGEST + 1))), (Phase.PROXY, Cause.PAC_BROKEN)),
    (says(b"SSH-2.0-OpenSSH\r\n"), (Phase.HTTP, Cause.NOT_HTTP)),
    (hangs_up, (Phase.HTTP, Cause.CLOSED)),
    (mute, (Phase.HTTP, Cause.TIMEOUT)),
]


@pytest.mark.parametrize(("handler", "expected"), TROUBLE)
async def test_it_cannot_be_had(handler: Handler, expected: tuple[Phase, Cause]) -> None:
    """In the end there is no text, and the check says why."""
    async with loopback() as place:
        source = await got(f"http://{DOOR}:{await place.tcp(handler)}/proxy.pac")
    assert source.text is None
    assert broke(source.result) == expected


async def test_nobody_listens_and_nobody_knows_the_name() -> None:
    """These are steps of their own."""
    async with loopback() as place:
        assert broke((await got(f"http://{DOOR}:{place.refusing()}/")).result) == (Phase.CONNECT, Cause.REFUSED)
    assert broke((await got("http://no.test/proxy.pac")).result) == (Phase.RESOLVE, Cause.NXDOMAIN)


async def test_the_second_address_has_it() -> None:
    """A client takes the first that works."""
    async with loopback() as place:
        port = await place.tcp(answers(page("200 OK", TEXT.encode())))
        route = replace(a_route(), names=names({"pac.test": ("::1", HOST)}), limits=QUICK)
        url = f"http://pac.test:{port}/"
        assert (await get(Pac(where="", shown=url, url=url), url, route)).text == TEXT


async def test_detection_that_finds_nothing_is_no_failure() -> None:
    """Clients go on as if it were off."""
    result = (await got("")).result
    assert (result.verdict.outcome, result.verdict.reason) == (Outcome.SKIPPED, NOT_FOUND)


def test_a_file_and_a_url_that_holds_it(tmp_path: Path) -> None:
    """By its path, by a file: URL, and as data."""
    file = tmp_path / "a b.pac"
    file.write_text(TEXT)
    assert local_text(str(file)) == TEXT
    assert local_text(file.as_uri()) == TEXT
    assert local_text("data:application/x-ns-proxy-autoconfig," + TEXT.replace(" ", "%20")) == TEXT
    assert local_text("data:;base64," + base64.b64encode(TEXT.encode()).decode()) == TEXT


@pytest.mark.parametrize(
    "url", ["data:x", "data:;base64,abc", "ftp://a/b", "/no/such/file", "file:///no/such/file", "a\0b", "."]
)
def test_what_is_no_file(url: str) -> None:
    """It is told in one line."""
    with pytest.raises(PacError):
        local_text(url)


def test_a_file_has_its_bounds(tmp_path: Path) -> None:
    """Larger than any PAC file: not read."""
    file = tmp_path / "large.pac"
    file.write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(PacError, match="larger"):
        local_text(str(file))


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        ("é".encode("latin-1"), "", "é"),
        ("é".encode(), "text/plain; charset=utf-8", "é"),
        ("é".encode(), 'text/plain; charset="UTF-8"', "é"),
        (b"\xef\xbb\xbf" + "é".encode(), "", "é"),
        ("é".encode("utf-16"), "", "é"),
        (b"\xff", "text/plain; charset=utf-8", "\ufffd"),
        ("é".encode("latin-1"), "text/plain; charset=klingon", "é"),
    ],
)
def test_how_bytes_become_text(data: bytes, content_type: str, text: str) -> None:
    """The mark of the file first, then the server's word, then Latin-1."""
    assert decoded(data, content_type) == text


@pytest.mark.parametrize(
    ("url", "place", "remote"),
    [
        ("http://a.example/x", Endpoint(host="a.example", port=80), True),
        ("HTTPS://a.example/x", Endpoint(host="a.example", port=443), True),
        ("http://[2001:db8::1]:8080/x", Endpoint(host="2001:db8::1", port=8080), True),
        ("http://a.example:99999/", Endpoint(host="localhost", port=0), True),
        ("file:///x", Endpoint(host="localhost", port=0), False),
        ("C:\\proxy.pac", Endpoint(host="localhost", port=0), False),
    ],
)
def test_where_it_is(url: str, place: Endpoint, *, remote: bool) -> None:
    """A host, or this machine."""
    assert (place_of(url), is_remote(url)) == (place, remote)


@pytest.mark.parametrize("url", ["http://a.example:99999/", "http:///x", "http://[::1/"])
async def test_an_address_that_is_none(url: str) -> None:
    """Settings may hold anything."""
    assert broke((await got(url)).result) == (Phase.PROXY, Cause.PAC_BROKEN)
