"""Signing in at XMPP: once a run, after the REST API, and without a trace of what is secret."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace

import pytest
from websockets.frames import Opcode

from rainbow_probe.demo.loopback import Handler, discard, loopback
from rainbow_probe.demo.pages import Page, serving
from rainbow_probe.demo.services import APEX
from rainbow_probe.demo.xmpp import serve_xmpp, serving_xmpp
from rainbow_probe.model import Account, Cause, Credentials, Outcome, Phase, Result
from rainbow_probe.net.stay import Stay
from rainbow_probe.protocols.xmpp import SASL
from tests.servers import (
    FEATURES,
    NAME,
    OPEN,
    QUICK,
    Socket,
    a_flow,
    a_route,
    broke,
    facts,
    good_bye,
    phases,
    probe,
    shows,
    text,
    xmpp,
)

ME = Account(
    user=Credentials(user="me@clinic.example", password="sesame-open-77"),  # noqa: S106 - made up for these tests
    app=Credentials(user="app-0123456789", password="app-secret-4242"),  # noqa: S106 - made up for these tests
)
XMPP = Credentials(user=f"7e11a5c0@{APEX}", password="jid-secret-3131")  # noqa: S106 - made up for these tests
ANOTHER = replace(XMPP, password="another")  # noqa: S106 - wrong on purpose
THEIRS = replace(XMPP, user=f"7e11a5c0@{NAME}")


def a_stay(given: Credentials | None = XMPP) -> Stay:
    """Give what the log-in at the REST API leaves behind."""
    stay = Stay(ME, xmpp=True)
    stay.xmpp = given
    stay.over.set()
    return stay


async def signed_in(handler: Handler, stay: Stay | None = None) -> Result:
    """Sign in at a WebSocket; nothing secret is in the result."""
    async with loopback() as place:
        flow = a_flow("xmpp-account", await place.tcp(handler, shows()), params={"path": "/websocket"})
        result = await probe(flow, replace(a_route(), stay=stay or a_stay(), limits=QUICK))
    shown = repr(result) + str(result.verdict)
    words = (XMPP.user, XMPP.user.partition("@")[0], XMPP.password, base64.b64encode(b"n,,n=7e11a5").decode()[:16])
    assert [word for word in words if word in shown] == []
    return result


def server(known: Credentials | None = XMPP) -> Handler:
    """Serve XMPP for *known*."""
    return serving(lambda _: Page(), serving_xmpp(known) if known else serve_xmpp, {"/websocket"})


async def test_an_account_signs_in_once() -> None:
    """The server's proof is verified, and the stream behind it opens; a second look in the run asks nobody."""
    stay = a_stay()
    result = await signed_in(server(), stay)
    assert result.verdict.outcome is Outcome.PASS, result.verdict
    assert "signed in to XMPP by SCRAM-SHA-256" in result.verdict.reason
    assert facts(result, Phase.ACCOUNT)["features"] == 1
    again = await signed_in(server(None), stay)
    assert again.verdict == result.verdict
    assert phases(again) == []
    with pytest.raises(RuntimeError):
        stay.take_xmpp()


async def test_a_wrong_password_is_no_fault_of_the_network_and_is_sent_once() -> None:
    """It is inconclusive for the network, and a finding about the account."""
    stay = a_stay()
    result = await signed_in(server(ANOTHER), stay)
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.ACCOUNT, Cause.ACCOUNT_REFUSED)
    assert (await signed_in(server(), stay)).verdict == result.verdict


OFFER = text(FEATURES.replace("PLAIN", "SCRAM-SHA-1"))


def liar(*said: bytes, stays: bool = True) -> Handler:
    """Offer SCRAM, say *said* to whoever begins it, and wait or hang up."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Socket(reader, writer)
        await client.accept("xmpp")
        await client.frame(Opcode.TEXT)
        writer.writelines((OPEN, OFFER))
        await client.frame(Opcode.PING)
        client.flush()
        await client.frame(Opcode.TEXT)
        writer.writelines(said)
        if stays:
            await discard(reader, writer)

    return handle


@pytest.mark.parametrize(
    ("handler", "cause"),
    [
        (liar(text(f'<success xmlns="{SASL}"/>')), Cause.BAD_INTEGRITY),
        (liar(text("<a>7e11a5c0</a>")), Cause.NOT_XMPP),
        (liar(b"\xff\xff 7e11a5c0"), Cause.UNEXPECTED_REPLY),
        (liar(good_bye("7e11a5c0"), stays=False), Cause.CLOSED),
        (liar(stays=False), Cause.CLOSED),
        (liar(), Cause.TIMEOUT),
    ],
)
async def test_what_is_no_server_of_ours(handler: Handler, cause: Cause) -> None:
    """Who lets in whoever asks knows no password; whatever else is said is not quoted."""
    assert broke(await signed_in(handler, a_stay(THEIRS))) == (Phase.ACCOUNT, cause)


async def test_no_password_is_sent_in_the_clear() -> None:
    """Where nothing else is offered, nobody signs in."""
    result = await signed_in(xmpp(), a_stay(THEIRS))
    assert result.verdict.outcome is Outcome.SKIPPED
    assert "PLAIN" in result.verdict.reason


@pytest.mark.parametrize(
    ("stay", "word"), [(Stay(), "--account-xmpp"), (Stay(ME), "--account-xmpp"), (a_stay(None), "gave no XMPP address")]
)
async def test_nobody_signs_in_unasked_or_without_an_address(stay: Stay, word: str) -> None:
    """And it says what is missing."""
    result = await probe(a_flow("xmpp-account", 443), replace(a_route(), stay=stay))
    assert result.verdict.outcome is Outcome.SKIPPED
    assert word in result.verdict.reason
    assert phases(result) == []


def test_the_account_is_for_what_was_asked() -> None:
    """No check is planned for XMPP unless it was."""
    assert Stay(None, xmpp=True).wanted == frozenset()
    assert Stay(ME).wanted == {"account"}
    assert Stay(ME, xmpp=True).wanted == {"account", "xmpp-account"}
