"""NTLM and Negotiate against a peer that checks every message, and against proxies that break the exchange off."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from rainbow_probe.demo.loopback import discard, loopback
from rainbow_probe.model import Cause, Credentials, Endpoint, Outcome, Phase, Result
from rainbow_probe.net import gssapi, proxy_auth, spnego
from rainbow_probe.net.mechanism import RefusedError, UnableError
from rainbow_probe.net.spnego import Bound
from rainbow_probe.protocols.challenges import Challenge
from tests.ntlm import NtlmProxy, echo, users
from tests.proxies import ALICE, WRONG, basic, many, through
from tests.servers import broke, facts, page

DOMAIN = Credentials(user="EXAMPLE\\alice", password=ALICE.password)


@pytest.fixture(autouse=True)
def _somebody_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alice is, and there is no Kerberos ticket on this machine, which may be too busy to be first within a second."""
    monkeypatch.setattr(proxy_auth, "PATIENCE", 60.0)
    monkeypatch.setenv("NTLM_USER_FILE", users(tmp_path, ALICE))
    monkeypatch.setenv("KRB5CCNAME", str(tmp_path / "no-tickets"))
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "no-realm"))


def causes(results: Sequence[Result], outcome: Outcome = Outcome.FAIL) -> set[tuple[Phase, Cause]]:
    """Return where and why *results* broke."""
    return {broke(result, outcome) for result in results}


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("user", [ALICE, DOMAIN], ids=["plain", "domain"])
async def test_every_connection_logs_in_for_itself(scheme: str, user: Credentials) -> None:
    """The whole exchange on one connection, and each connection its own: that is what these schemes are."""
    proxy = NtlmProxy(scheme)
    known = user if user is DOMAIN else Credentials(user="EXAMPLE\\alice", password=user.password)
    async with loopback() as place:
        results = await many(place, through(await place.tcp(proxy.handle), known))
    assert {result.verdict.outcome for result in results} == {Outcome.PASS}, results[0].verdict
    assert (proxy.connections, sorted(proxy.messages), len(proxy.logged_in)) == (8, [1] * 8 + [3] * 8, 8)
    assert {facts(result, Phase.PROXY)["requests"] for result in results} == {3}
    assert {facts(result, Phase.PROXY)["scheme"] for result in results} == {scheme}
    assert {facts(result, Phase.PROXY)["offered"] for result in results} == {scheme}


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
async def test_a_wrong_password_is_proven_once(scheme: str) -> None:
    """One message 3 in the whole run: that is the one that counts against the account."""
    proxy = NtlmProxy(scheme)
    async with loopback() as place:
        results = await many(place, through(await place.tcp(proxy.handle), WRONG))
    assert causes(results) == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert proxy.messages == [1, 3]
    assert sum("no second attempt" in result.verdict.reason for result in results) == 7


async def test_the_strongest_that_can_be_had() -> None:
    """Without a ticket Negotiate holds NTLM; a proxy that takes only tickets lets the password go on to NTLM."""
    proxy = NtlmProxy("NTLM", "Negotiate", "Basic")
    async with loopback() as place:
        known = Credentials(user="EXAMPLE\\alice", password=ALICE.password)
        results = await many(place, through(await place.tcp(proxy.handle), known), count=2)
    assert {result.verdict.outcome for result in results} == {Outcome.PASS}, results[0].verdict
    assert {facts(result, Phase.PROXY)["scheme"] for result in results} == {"NTLM"}
    assert {facts(result, Phase.PROXY)["offered"] for result in results} == {"NTLM, Negotiate, Basic"}


async def test_a_scheme_that_failed_is_not_tried_again() -> None:
    """Where Negotiate holds tickets only, the first finds that out; NTLM comes on a connection of its own."""
    proxy = NtlmProxy("NTLM", "Negotiate")
    async with loopback() as place:
        results = await many(place, through(await place.tcp(proxy.handle), DOMAIN))
    assert {result.verdict.outcome for result in results} == {Outcome.PASS}, results[0].verdict
    assert (proxy.connections, sorted(proxy.messages)) == (9, [1] * 8 + [3] * 8)


async def test_a_proxy_that_closes_after_its_question() -> None:
    """It is asked again over a new connection, and the exchange is on that one."""
    proxy = NtlmProxy()
    seen: list[int] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(1)
        if len(seen) > 1:
            await proxy.handle(reader, writer)
            return
        await reader.readuntil(b"\r\n\r\n")
        writer.write(page("407 Who?", b"", "Proxy-Authenticate: NTLM", "Connection: close"))

    async with loopback() as place:
        results = await many(place, through(await place.tcp(handle), DOMAIN), count=1)
    assert results[0].verdict.outcome is Outcome.PASS, results[0].verdict
    assert (len(seen), proxy.messages) == (2, [1, 3])


async def test_a_proxy_that_closes_in_the_middle() -> None:
    """Nobody can log in there with NTLM, and the reason is said; no proof of the password was sent."""
    proxy = NtlmProxy(closes_after=2)
    async with loopback() as place:
        results = await many(place, through(await place.tcp(proxy.handle), DOMAIN))
    assert causes(results) == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert all("NTLM needs one connection" in result.verdict.reason for result in results)
    assert proxy.messages == [1]


async def test_ntlm_without_a_password_cannot_be_told() -> None:
    """Somebody who is logged on to the domain gets through without being asked: this is no failure of theirs."""
    proxy = NtlmProxy("NTLM", "Basic")
    async with loopback() as place:
        results = await many(place, through(await place.tcp(proxy.handle)))
    assert causes(results, Outcome.INCONCLUSIVE) == {(Phase.PROXY, Cause.PROXY_AUTH_UNTRIED)}
    assert "NTLM needs a user and a password" in results[0].verdict.reason
    assert facts(results[0], Phase.PROXY)["offered"] == "NTLM, Basic"


async def test_negotiate_without_a_ticket_cannot_be_told() -> None:
    """The reason is the Kerberos library's own, or that there is none."""
    proxy = NtlmProxy("Negotiate")
    async with loopback() as place:
        results = await many(place, through(await place.tcp(proxy.handle)))
    assert causes(results, Outcome.INCONCLUSIVE) == {(Phase.PROXY, Cause.PROXY_AUTH_UNTRIED)}
    assert "this user's Kerberos ticket: " in results[0].verdict.reason
    assert proxy.messages == []


@pytest.mark.parametrize("offer", ["Bearer", 'Digest realm="x", nonce="n", algorithm=SHA-512-256'])
async def test_a_scheme_nobody_here_knows(offer: str) -> None:
    """Others may know it: inconclusive, with a password as well as without."""
    async with loopback() as place:

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(page("407 Who?", b"", f"Proxy-Authenticate: {offer}"))
            await discard(reader, writer)

        results = await many(place, through(await place.tcp(handle), ALICE))
    assert causes(results, Outcome.INCONCLUSIVE) == {(Phase.PROXY, Cause.PROXY_AUTH_UNTRIED)}
    assert "not known here" in results[0].verdict.reason


async def test_only_passwords_and_none_is_a_failure() -> None:
    """Nobody gets past Basic or Digest without a password."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        fields = "Proxy-Authenticate: Digest realm=x, nonce=n", *(basic()("", b"") or ())
        writer.write(page("407 Who?", b"", *fields))
        await discard(reader, writer)

    async with loopback() as place:
        results = await many(place, through(await place.tcp(handle)))
    assert causes(results) == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert "Digest needs a user and a password; Basic needs" in results[0].verdict.reason


@pytest.mark.parametrize(
    "token",
    [
        "!!!!",
        "AAAA",
        base64.b64encode(b"NTLMSSP\0\2\0\0\0").decode(),
        base64.b64encode(b"NTLMSSP\0\2\0\0\0" + b"\xff" * 900).decode(),
        base64.b64encode(b"NTLMSSP\0\3\0\0\0" + b"\xff" * 900).decode(),
        base64.b64encode(b"\x60\x82\xff\xff" + b"\x30\x84" * 900).decode(),
    ],
)
@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
async def test_a_message_that_is_none(scheme: str, token: str) -> None:
    """Hostile bytes in the place of the proxy's message are the proxy's failure, never a fault of the probe."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(page("407 Who?", b"", f"Proxy-Authenticate: {scheme} {token}"))

    async with loopback() as place:
        results = await many(place, through(await place.tcp(handle), DOMAIN), count=1)
    outcome = results[0].verdict.outcome
    assert broke(results[0], outcome)[1] in {Cause.PROXY_AUTH, Cause.PROXY_AUTH_UNTRIED}, results[0].verdict


async def test_messages_do_not_come_back() -> None:
    """A page that repeats the request does not bring the hash of the password into the report."""
    async with loopback() as place:
        results = await many(place, through(await place.tcp(echo), DOMAIN), count=1)
    body = str(facts(results[0], Phase.PROXY)["body"])
    assert "Proxy-Authorization: NTLM ***" in body
    assert "TlRMTVNTUA" not in repr(results)


class LibraryError(Exception):
    """What a library raises, with Kerberos' own number."""

    def __init__(self, text: str, code: int = 0) -> None:
        """Say *text*."""
        super().__init__(text)
        self.err_code = code


@pytest.mark.parametrize(
    ("raised", "credentials", "means"),
    [
        (LibraryError("Preauthentication failed", -1765328360), DOMAIN, RefusedError),
        (LibraryError("anything else"), DOMAIN, RefusedError),
        (LibraryError("Cannot contact any KDC", -1765328228), DOMAIN, UnableError),
        (LibraryError("no ticket", -1765328243), None, UnableError),
    ],
)
async def test_who_was_asked_for_a_ticket_has_judged_the_password(
    raised: Exception, credentials: Credentials | None, means: type[Exception]
) -> None:
    """Unless nobody was there: then nothing counts against the account. The user's name is not told."""

    class Exchange:
        def step(self, _: bytes, /) -> bytes:
            raise raised

    way = Bound("Negotiate", "a ticket", Exchange, credentials)
    with pytest.raises(means, match="a ticket: ") as caught:
        await way.answer(Challenge(scheme="Negotiate"), Endpoint(host="a.test", port=443))
    assert DOMAIN.user not in str(caught.value)


async def test_a_log_in_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for a silent proxy."""
    monkeypatch.setattr(spnego, "PATIENCE", 0.05)
    done = threading.Event()

    class Exchange:
        def step(self, token: bytes, /) -> bytes:
            done.wait(20)
            return token

    way = Bound("Negotiate", "a ticket", Exchange)
    with pytest.raises(UnableError, match="no answer from the log-in server"):
        await way.answer(Challenge(scheme="Negotiate"), Endpoint(host="a.test", port=443))
    done.set()


def test_a_machine_without_kerberos(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is missing."""
    monkeypatch.setattr(gssapi, "LIBRARIES", ("libnothing.so.9",))
    with pytest.raises(UnableError, match=r"no Kerberos library|rainbow-probe\[kerberos\]"):
        gssapi.Context("HTTP@proxy.test")
