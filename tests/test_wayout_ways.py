"""Which way each destination goes, with real proxies: the list of the PAC file, tried as a client would try it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.ends import asked
from rainbow_probe.model import Cause, Endpoint, Outcome, Pac, Phase, Proxy, Site
from rainbow_probe.net.route import Route
from rainbow_probe.wayout import evaluate as sandboxed
from rainbow_probe.wayout.ways import Ways
from tests.servers import (
    DOOR,
    QUICK,
    Middle,
    a_flow,
    a_route,
    answers,
    broke,
    hangs_up,
    mute,
    names,
    page,
    probe,
    resets,
    says,
    shows,
)

APEX = Endpoint(host="openrainbow.health", port=443)
TURN = Endpoint(host="turn.example", port=80)
WANTED = {asked(APEX): APEX, asked(APEX, "wss"): APEX, asked(TURN): TURN}


def at(file: Path, body: str, site: Site | None = None) -> Ways:
    """Give the ways of a site whose PAC file's function has this *body*."""
    file.write_text(f"function FindProxyForURL(url, host) {{ {body} }}")
    pacs = (Pac(where="--proxy", shown=file.name, url=str(file)),)
    return Ways(site=replace(site or Site(), pacs=pacs), environ={})


def a_quick_route() -> Route:
    """Give a route on which silence is soon proven."""
    return replace(a_route(), limits=QUICK)


def test_how_clients_ask() -> None:
    """No path, and the port only where it is not the usual one."""
    assert list(WANTED) == ["https://openrainbow.health/", "wss://openrainbow.health/", "https://turn.example:80/"]
    assert asked(Endpoint(host="2001:db8::1", port=443)) == "https://[2001:db8::1]/"
    assert asked(Endpoint(host="2001:db8::1", port=80)) == "https://[2001:db8::1]:80/"


async def test_each_destination_has_its_own_way(tmp_path: Path) -> None:
    """WebSockets and HTTPS to one host may go different ways, and so may ports."""
    body = "return url.startsWith('wss:') ? 'PROXY ws:1' : /:80/.test(url) ? 'SOCKS5 media:2' : 'DIRECT';"
    ways = at(tmp_path / "a.pac", body)
    await ways.settle(WANTED, a_quick_route())
    assert ways.proxy_for(APEX) is None
    assert str(ways.websocket_proxy_for(APEX)) == "http://ws:1"
    assert str(ways.proxy_for(TURN)) == "socks5://media:2"
    assert str(ways.proxy_of(APEX.host)) == "http://ws:1"
    assert ways.proxy_of("elsewhere.example") is None
    told = ways.told()
    assert [(way.choices, str(way.used)) for way in told.destinations] == [
        (("DIRECT",), "None"),
        (("PROXY ws:1",), "http://ws:1"),
        (("SOCKS5 media:2",), "socks5://media:2"),
    ]
    assert told.proxy_source == "PAC file a.pac (--proxy)"
    assert [result.verdict.outcome for result in ways.results] == [Outcome.PASS]


@pytest.mark.parametrize(
    ("handler", "stays"),
    [
        (Middle(tunnels=False, reply=b"HTTP/1.1 200 OK\r\n\r\n").handle, True),
        (answers(page("403 Forbidden")), True),
        (answers(page("407 Proxy Authentication Required", b"", "Proxy-Authenticate: NTLM")), True),
        (answers(page("502 Bad Gateway")), True),
        (says(b"SSH-2.0-OpenSSH\r\n"), True),
        (hangs_up, True),
        (resets, False),
        (mute, False),
    ],
)
async def test_when_a_client_goes_on(tmp_path: Path, handler: Handler, *, stays: bool) -> None:
    """Not for a refusal, nor for nonsense; but for a cut connection, and for silence."""
    async with loopback() as place:
        port = await place.tcp(handler)
        ways = at(tmp_path / "a.pac", f"return 'PROXY {DOOR}:{port}; PROXY second:3128'")
        await ways.settle(WANTED, a_quick_route())
    assert str(ways.proxy_for(APEX)) == (f"http://{DOOR}:{port}" if stays else "http://second:3128")
    assert {bool(way.passed_over) for way in ways.told().destinations} == {not stays}
    assert [result.flow.id for result in ways.results[1:]] == [f"door/{DOOR}:{port}/tcp/proxy"]


async def test_a_client_goes_on_from_what_is_not_there(tmp_path: Path) -> None:
    """Nobody listens; no such name; a TLS proxy without a certificate of its own; DIRECT is a way like any other."""
    async with loopback() as place:
        stranger = await place.tcp(mute, shows("Nobody"))
        dead = f"PROXY {DOOR}:{place.refusing()}; PROXY no.test:1; HTTPS {DOOR}:{stranger}"
        ways = at(tmp_path / "a.pac", f"return '{dead}; DIRECT'")
        await ways.settle({asked(APEX): APEX}, a_quick_route())
    [way] = ways.told().destinations
    assert way.used is None
    assert len(way.passed_over) == 3
    causes = [result.verdict.failure.cause for result in ways.results[1:] if result.verdict.failure]
    assert causes == [Cause.PROXY_UNREACHABLE, Cause.PROXY_UNREACHABLE, Cause.TLS_UNTRUSTED]


async def test_where_all_are_gone_the_last_one_is_blamed(tmp_path: Path) -> None:
    """A client that has tried them all ends with the error of the last."""
    async with loopback() as place:
        gone = place.refusing()
        ways = at(tmp_path / "a.pac", f"return 'PROXY {DOOR}:{gone}; PROXY no.test:1'")
        await ways.settle({asked(APEX): APEX}, a_quick_route())
    assert str(ways.proxy_for(APEX)) == "http://no.test:1"


@pytest.mark.parametrize(
    ("reply", "stays"), [(b"\x05\x00\x00\x01" + bytes(6), True), (b"\x05\x05\x00\x01" + bytes(6), False)]
)
async def test_of_socks_clients_go_on_after_any_failure(tmp_path: Path, reply: bytes, *, stays: bool) -> None:
    """Chromium has one error for all of them (ERR_SOCKS_CONNECTION_FAILED)."""
    async with loopback() as place:
        port = await place.tcp(answers(b"\x05\x00", reply))
        ways = at(tmp_path / "a.pac", f"return 'SOCKS5 {DOOR}:{port}; DIRECT'")
        await ways.settle(WANTED, a_quick_route())
    assert (ways.proxy_for(APEX) is not None) is stays


async def test_one_entry_is_not_knocked_at(tmp_path: Path) -> None:
    """What has nothing after it is used whatever it is like, and the checks tell."""
    ways = at(tmp_path / "a.pac", "return 'PROXY no.test:1'")
    await ways.settle(WANTED, a_quick_route())
    assert [result.flow.kind for result in ways.results] == ["pac"]


PROXY = Proxy(endpoint=Endpoint(host="fixed", port=3128))


@pytest.mark.parametrize("text", ["syntax (error", "", "throw 1"])
async def test_a_broken_file_leaves_what_the_settings_have_beside_it(tmp_path: Path, text: str) -> None:
    """As in Chromium: the proxy of the settings if there is one, else direct; and it is told."""
    for fixed in (None, PROXY):
        ways = at(tmp_path / "a.pac", "", Site(proxy=fixed, proxy_source="settings"))
        (tmp_path / "a.pac").write_text(text)
        await ways.settle(WANTED, a_quick_route())
        assert ways.proxy_for(APEX) == fixed
        [pac] = ways.results
        assert pac.verdict.failure is not None
        assert pac.verdict.failure.cause is Cause.PAC_BROKEN
        assert "a.pac" in ways.told().proxy_notes[0]


async def test_a_file_that_fails_for_one_url_sends_it_direct(tmp_path: Path) -> None:
    """The others go as it says, and the check names the one."""
    ways = at(tmp_path / "a.pac", "if (/^wss/.test(url)) throw new Error('oh'); return 'PROXY a:1'")
    await ways.settle(WANTED, a_quick_route())
    assert (str(ways.proxy_for(APEX)), ways.websocket_proxy_for(APEX)) == ("http://a:1", None)
    assert "for wss://openrainbow.health/: Error: oh" in ways.results[0].verdict.reason


async def test_the_first_source_that_can_be_used_has_the_word(tmp_path: Path) -> None:
    """Detection that finds nothing is no matter; what comes after a file that works is not even read."""
    good, other = tmp_path / "good.pac", tmp_path / "other.pac"
    good.write_text("function FindProxyForURL() { return 'PROXY good:1' }")
    named = [Pac(where="s", shown=str(file), url=str(file)) for file in (tmp_path / "none.pac", good, other)]
    ways = Ways(site=Site(pacs=(Pac(where="s", shown="WPAD"), *named), proxy=PROXY), environ={})
    await ways.settle(WANTED, a_quick_route())
    assert str(ways.proxy_for(APEX)) == "http://good:1"
    outcomes = [result.verdict.outcome for result in ways.results]
    assert outcomes == [Outcome.SKIPPED, Outcome.FAIL, Outcome.PASS]


async def test_more_is_asked_later(tmp_path: Path) -> None:
    """TURN servers are known later than the rest; nothing is asked twice."""
    ways = at(tmp_path / "a.pac", "return `PROXY ${host}:1`")
    await ways.settle({asked(APEX): APEX}, a_quick_route())
    (tmp_path / "a.pac").unlink()
    took = ways.results[0].took
    assert took == ways.results[0].took > 0
    await ways.settle(WANTED, a_quick_route())
    assert ways.results[0].took > took
    assert str(ways.proxy_for(TURN)) == "http://turn.example:1"
    assert len(ways.results) == 1


async def test_a_fixed_proxy_is_told_too() -> None:
    """With its exceptions."""
    site = Site(proxy=PROXY, proxy_source="--proxy", no_proxy=("turn.example",), no_proxy_source="NO_PROXY")
    ways = Ways(site=site, environ={})
    await ways.settle(WANTED, a_quick_route())
    told = ways.told()
    assert [(way.choices, way.source) for way in told.destinations] == [
        (("http://fixed:3128",), "--proxy"),
        (("http://fixed:3128",), "--proxy"),
        (("DIRECT",), "NO_PROXY"),
    ]
    assert (told.proxy, ways.results) == (PROXY, [])
    assert str(ways.proxy_of("unasked.example")) == "http://fixed:3128"


async def test_where_the_file_hangs_clients_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For that URL only; what was told before stands."""
    monkeypatch.setattr(sandboxed, "LIMIT", 2.0)
    monkeypatch.setattr(sandboxed, "WORKED", 0.0)
    ways = at(tmp_path / "a.pac", "if (/^wss/.test(url)) for (;;); return 'PROXY a:1'")
    await ways.settle(WANTED, a_quick_route())
    assert (ways.hangs(APEX), ways.hangs(APEX, "wss")) == (False, True)
    assert ways.results[0].steps[-1].facts["hangs"] is True


async def test_a_machine_that_was_too_busy_blames_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is inconclusive."""
    monkeypatch.setattr(sandboxed, "LIMIT", 1.0)
    monkeypatch.setattr(sandboxed, "WORKED", 1e6)
    ways = at(tmp_path / "a.pac", "for (;;);")
    await ways.settle(WANTED, a_quick_route())
    assert ways.results[0].verdict.outcome is Outcome.INCONCLUSIVE
    assert not ways.hangs(APEX)


async def test_a_check_that_waits_for_the_file_fails_by_it() -> None:
    """Its client never comes to connect."""
    route = replace(a_route(), undecided="browsers hang")
    assert broke(await probe(a_flow("https", 443), route)) == (Phase.PROXY, Cause.PAC_BROKEN)


async def test_a_pac_file_may_look_names_up(tmp_path: Path) -> None:
    """By the resolver of the run."""
    ways = at(tmp_path / "a.pac", "return isInNet(host, '192.0.2.0', '255.255.255.0') ? 'PROXY in:1' : 'PROXY out:1'")
    route = replace(a_quick_route(), names=names({APEX.host: ("192.0.2.9",)}))
    await ways.settle(WANTED, route)
    assert (str(ways.proxy_for(APEX)), str(ways.proxy_for(TURN))) == ("http://in:1", "http://out:1")
