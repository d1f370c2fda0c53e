"""XMPP over WebSocket: upgrades refused, streams that are none, and links that do not last."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest
from websockets.frames import Opcode

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.demo.pages import Page, serving
from rainbow_probe.demo.services import APEX
from rainbow_probe.demo.xmpp import serve_xmpp
from rainbow_probe.model import Cause, Outcome, Phase, Result, Scalar, Transport
from rainbow_probe.net.route import Limits
from rainbow_probe.net.turns import awake
from rainbow_probe.net.websocket import MOST
from tests.servers import (
    EASY,
    FEATURES,
    FRAMING,
    NAME,
    OPEN,
    QUICK,
    TRIES,
    Socket,
    a_flow,
    a_route,
    answers,
    broke,
    facts,
    good_bye,
    hangs_up,
    mute,
    page,
    phases,
    probe,
    resets,
    says,
    text,
    xmpp,
)

SOON = replace(EASY, exchange=0.6)


async def tried(
    handle: Handler, *, hold: float = 0.05, limits: Limits = EASY, tries: int = TRIES, **params: Scalar
) -> Result:
    """Probe a server without TLS."""
    async with loopback() as place:
        flow = a_flow("xmpp", await place.tcp(handle), Transport.TCP, {"path": "/websocket", **params})
        return await probe(flow, replace(a_route(), limits=limits, idle_hold=hold), tries=tries)


async def test_a_stream_opens_and_lasts() -> None:
    """With the server's offer as evidence, and a ping before and after the idle time."""
    result = await tried(serving(lambda _: Page(), serve_xmpp, {"/websocket"}), domain=APEX)
    assert result.verdict.outcome is Outcome.PASS, result.verdict
    assert "survives 0.05 s idle" in result.verdict.reason
    opened, idle = (step for step in result.steps if step.phase is Phase.XMPP)
    assert opened.facts["domain"] == APEX
    assert opened.facts["mechanisms"] == "SCRAM-SHA-256, SCRAM-SHA-1, PLAIN"
    assert float(opened.facts["ping_ms"] or 0) > 0
    assert float(idle.facts["held_s"] or 0) >= 0.05
    assert facts(result, Phase.WEBSOCKET)["subprotocol"] == "xmpp"
    assert facts(result, Phase.WEBSOCKET)["status"] == 101


async def test_a_quick_run_holds_nothing() -> None:
    """Without an idle time there is no idle step."""
    result = await tried(xmpp(), hold=0)
    assert result.verdict.outcome is Outcome.PASS
    assert phases(result).count(Phase.XMPP) == 1


async def test_in_small_segments_it_is_a_control() -> None:
    """It holds nothing either, and the system is told the size."""
    result = await tried(xmpp(), segment=536)
    assert result.verdict.outcome is Outcome.PASS
    assert phases(result).count(Phase.XMPP) == 1
    assert facts(result, Phase.CONNECT)["segment"] == 536


REFUSED = [
    (page("400 Bad Request", b"no websocket here"), Cause.UPGRADE_REFUSED),
    (page("200 OK", b"<html>hello</html>"), Cause.UPGRADE_REFUSED),
    (page("301 Moved", b"", "Location: https://portal.example/"), Cause.UPGRADE_REFUSED),
    (page("403 Forbidden"), Cause.UPGRADE_REFUSED),
    (page("426 Upgrade Required", b"", "Upgrade: websocket"), Cause.UPGRADE_REFUSED),
    (page("403 Forbidden", b"", "Via: 1.1 one", "Via: 1.1 two", "Server: a", "Server: b"), Cause.UPGRADE_REFUSED),
    (page("502 Bad Gateway"), Cause.SERVER_ERROR),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", Cause.UPGRADE_REFUSED),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", Cause.UPGRADE_REFUSED),
    (b"HTTP/1.1 two hundred\r\n\r\n", Cause.NOT_HTTP),
    (b"SSH-2.0-OpenSSH_9\r\n", Cause.NOT_HTTP),
]


@pytest.mark.parametrize(("reply", "cause"), REFUSED)
async def test_an_upgrade_that_is_refused(reply: bytes, cause: Cause) -> None:
    """By a proxy that strips it, by a portal, or by the server."""
    result = await tried(answers(reply))
    assert broke(result) == (Phase.WEBSOCKET, cause)
    assert phases(result)[-1] is Phase.WEBSOCKET


async def test_the_refusal_is_kept() -> None:
    """Status, place and product name the box that refused."""
    reply = page(
        "302 Found", b"<html>log in", "Location: https://portal.example/", "Via: 1.1 a", "Via: 1.1 b", "Server: gw"
    )
    kept = facts(await tried(answers(reply)), Phase.WEBSOCKET)
    assert (kept["status"], kept["location"], kept["server"]) == (302, "https://portal.example/", "gw")
    assert (kept["via"], kept["body"]) == ("1.1 a, 1.1 b", "<html>log in")


async def test_what_stood_in_between_is_kept() -> None:
    """A cache or a filter names itself in fields of its own."""
    fields = ("X-Cache: MISS from box", "X-Squid-Error: ERR_ACCESS_DENIED 0", "Proxy-Agent: gate/2", "Age: 7")
    kept = facts(await tried(answers(page("403 Forbidden", b"", *fields))), Phase.WEBSOCKET)
    assert (kept["x_cache"], kept["x_squid_error"]) == ("MISS from box", "ERR_ACCESS_DENIED 0")
    assert (kept["proxy_agent"], kept["age"]) == ("gate/2", "7")


async def test_a_guessed_path_is_not_judged() -> None:
    """Where the catalogue only infers the path, a refusal may be our guess."""
    result = await tried(answers(page("404 Not Found")), path_known=False)
    assert result.verdict.outcome is Outcome.SKIPPED
    assert "404" in result.verdict.reason


async def test_a_portal_is_judged_on_a_guessed_path_too() -> None:
    """Nobody's guess leads to a foreign log-in page."""
    reply = page("302 Found", b"", "Location: https://portal.example/")
    result = await tried(answers(reply), path_known=False)
    assert broke(result) == (Phase.WEBSOCKET, Cause.CAPTIVE_PORTAL)


@pytest.mark.parametrize("location", ["https://[broken/", "/login", ""])
async def test_an_odd_redirect_of_a_guessed_path(location: str) -> None:
    """What cannot be read leads nowhere."""
    result = await tried(answers(page("302 Found", b"", f"Location: {location}")), path_known=False)
    assert result.verdict.outcome is Outcome.SKIPPED


@pytest.mark.parametrize("handle", [mute, hangs_up, resets, says(b"nonsense\r\n")])
async def test_a_guessed_path_excuses_nothing_else(handle: Handler) -> None:
    """Silence, a reset and other protocols are the network's."""
    assert broke(await tried(handle, limits=QUICK, path_known=False))[0] is Phase.WEBSOCKET


@pytest.mark.parametrize("said", [[text("hello")], [text(f'<open xmlns="{FRAMING}" from="other.test"/>')]])
async def test_a_guessed_domain_is_not_judged_either(said: list[bytes]) -> None:
    """What a service of an unknown protocol says beyond the upgrade proves nothing."""
    result = await tried(xmpp(*said), path_known=False)
    assert result.verdict.outcome is Outcome.SKIPPED


@pytest.mark.parametrize("protocol", [None, "mqtt"])
async def test_a_subprotocol_that_is_missing(protocol: str | None) -> None:
    """Some proxies pass the upgrade on without it."""
    assert broke(await tried(xmpp(protocol=protocol))) == (Phase.WEBSOCKET, Cause.SUBPROTOCOL_MISSING)


STREAMS = 'xmlns:stream="http://etherx.jabber.org/streams"'
ERROR = "<stream:error {}><{} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><open xmlns="x">&c;&c;</open>'
WRONG = [
    ([text(f'<open xmlns="{FRAMING}" from="other.test"/>'), text(FEATURES)], Cause.WRONG_DOMAIN),
    ([OPEN, text(ERROR.format(STREAMS, "host-unknown"))], Cause.WRONG_DOMAIN),
    ([OPEN, text(ERROR.format(STREAMS, "policy-violation"))], Cause.STREAM_ERROR),
    ([text(ERROR.format(STREAMS, "internal-server-error"))], Cause.STREAM_ERROR),
    ([OPEN, text(f'<close xmlns="{FRAMING}" see-other-uri="wss://elsewhere.test/"/>')], Cause.STREAM_ERROR),
    ([text("hello")], Cause.NOT_XMPP),
    ([text('{"jsonrpc": "2.0"}')], Cause.NOT_XMPP),
    ([text(BOMB)], Cause.NOT_XMPP),
    ([text("<a>" * 100 + "</a>" * 100)], Cause.NOT_XMPP),
    ([text("<?xml-stylesheet href='x'?><open/>")], Cause.NOT_XMPP),
    ([text(FEATURES)], Cause.NOT_XMPP),
    ([text("x" * (MOST + 1))], Cause.UNEXPECTED_REPLY),
    ([text("x" * MOST, last=False), text("x" * 10, Opcode.CONT)], Cause.UNEXPECTED_REPLY),
    ([b"\xf1\x02ab"], Cause.UNEXPECTED_REPLY),
    ([good_bye("restarting")], Cause.CLOSED),
]  # fmt: skip


@pytest.mark.parametrize(("said", "cause"), WRONG)
async def test_a_stream_that_is_none(said: list[bytes], cause: Cause) -> None:
    """Other domains, errors, other protocols, hostile XML and frames beyond measure."""
    assert broke(await tried(xmpp(*said))) == (Phase.XMPP, cause)


async def test_a_server_that_closes_with_its_offer() -> None:
    """The offer and the end may come in one packet: the stream is closed, and that is no fault of ours."""
    assert broke(await tried(xmpp(OPEN + text(FEATURES) + good_bye()))) == (Phase.XMPP, Cause.CLOSED)


async def test_frames_in_pieces() -> None:
    """Fragments, pings between them, binary frames and keep-alives make the same stream."""
    half = len(FEATURES) // 2
    said = [
        text(" "),
        OPEN[:3], OPEN[3:],
        text(FEATURES[:half], last=False),
        text("are you there", Opcode.PING),
        text("unasked", Opcode.PONG),
        text(FEATURES[half:], Opcode.CONT),
    ]  # fmt: skip
    result = await tried(xmpp(*said))
    assert result.verdict.outcome is Outcome.PASS, result.verdict
    assert facts(result, Phase.WEBSOCKET)["subprotocol"] == "xmpp"
    binary = text(f'<open xmlns="{FRAMING}" from="{NAME}"/>', Opcode.BINARY)
    assert (await tried(xmpp(binary, text(FEATURES)))).verdict.outcome is Outcome.PASS


async def test_a_stream_that_never_offers() -> None:
    """Opened, and then silent: the time-out is the stream's, and what came is kept."""
    result = await tried(xmpp(OPEN), limits=QUICK)
    assert broke(result) == (Phase.XMPP, Cause.TIMEOUT)
    assert facts(result, Phase.XMPP)["domain"] == NAME


async def test_a_ping_that_is_never_answered() -> None:
    """An open stream that carries nothing back."""
    assert broke(await tried(xmpp(pongs=0), limits=QUICK)) == (Phase.XMPP, Cause.TIMEOUT)


# The idle time.


@pytest.mark.parametrize(("stays", "cause"), [(True, Cause.WENT_SILENT), (False, Cause.CUT_AFTER_TIME)])
async def test_a_link_that_does_not_last(stays: bool, cause: Cause) -> None:
    """Whether it ends or just falls silent; as one in use fares no better, being idle is not why."""
    result = await tried(xmpp(pongs=1, stays=stays), limits=QUICK)
    where, why = broke(result)
    assert where is Phase.XMPP
    # A machine without time to watch the one in use can tell no more than that this one did not last.
    assert why is cause or (stays and why is Cause.CUT_AFTER_IDLE)
    idle = next(step for step in result.steps if step.failure)
    assert idle.subject == f"{NAME} idle"
    assert "held_s" in idle.facts


async def test_a_link_is_not_cut_by_what_this_machine_slept_through() -> None:
    """Its answer was not read in time, and nothing is known of it."""

    async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = await _opened(reader, writer)
        await client.frame(Opcode.PING)
        client.flush()
        await client.frame(Opcode.PING)
        time.sleep(2 * SOON.exchange)  # noqa: ASYNC251 - the stall is what is tested
        await mute(reader, writer)

    result = await tried(stalls, limits=SOON, tries=1)
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.XMPP, Cause.BUDGET)


async def test_a_server_that_says_good_bye_when_idle() -> None:
    """A close frame in the idle time is a cut, too."""

    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = await _opened(reader, writer)
        await client.frame(Opcode.PING)
        client.flush()
        writer.write(good_bye("idle too long"))
        await client.frame(Opcode.CLOSE)

    result = await tried(leaves)
    assert broke(result) == (Phase.XMPP, Cause.CUT_AFTER_IDLE)
    assert "idle too long" in result.verdict.reason


async def test_a_server_that_wants_to_be_answered_when_idle() -> None:
    """Servers ping, too, and drop who does not answer: a client does, even while it has nothing to say."""

    async def insists(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = await _opened(reader, writer)
        await client.frame(Opcode.PING)
        client.flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):  # so long nothing comes: the client is idle
                await client.frame(Opcode.PING)
        writer.write(text("still there?", Opcode.PING))
        async with awake(0.2):
            await client.frame(Opcode.PONG)
        await client.frame(Opcode.PING)
        client.flush()
        await mute(reader, writer)

    result = await tried(insists, hold=0.5)
    assert result.verdict.outcome is Outcome.PASS, result.verdict


async def _opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Socket:
    client = Socket(reader, writer)
    await client.accept("xmpp")
    await client.frame(Opcode.TEXT)
    writer.write(OPEN + text(FEATURES))
    return client
