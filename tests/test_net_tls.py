"""TLS over any stream: whose certificate is taken for what, and what stands in its place."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, replace

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Endpoint, IssuerPolicy, Outcome, Phase, Result
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.tcp import connect
from rainbow_probe.net.tls import Expectation, start_tls
from tests.servers import (
    APPLE,
    CORPORATE,
    EASY,
    HOST,
    NAME,
    OPERATOR,
    PUBLIC,
    QUICK,
    a_flow,
    a_route,
    answers,
    broke,
    facts,
    hangs_up,
    last_failure,
    mute,
    page,
    probe,
    resets,
    says,
    shows,
    trust,
)

EXPIRED, FUTURE, NOW = (-30, -1), (1, 30), (-1, 30)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a server shows, and who looks at it."""

    issuer: str = PUBLIC
    to: tuple[str, ...] = (NAME,)
    days: tuple[int, int] = NOW
    policy: IssuerPolicy = IssuerPolicy.PUBLIC
    allowed: bool = False
    machine: tuple[str, ...] = ()


async def judged(shown: Shown) -> Result:
    """Shake hands with a server that shows this."""
    async with loopback() as place:
        port = await place.tcp(mute, shows(shown.issuer, to=shown.to, days=shown.days))
        flow = replace(a_flow("push", port), policy=shown.policy, inspection_allowed=shown.allowed)
        return await probe(flow, replace(a_route(), trust=trust(*shown.machine)))


REFUSED = [
    (Shown(issuer=CORPORATE), Cause.TLS_UNTRUSTED),
    (Shown(issuer=CORPORATE, machine=(CORPORATE,)), Cause.TLS_INTERCEPTED),
    (Shown(issuer=CORPORATE, machine=(CORPORATE,), days=EXPIRED, allowed=True), Cause.TLS_EXPIRED),
    (Shown(days=EXPIRED), Cause.TLS_EXPIRED),
    (Shown(days=FUTURE), Cause.TLS_NOT_YET_VALID),
    (Shown(to=("other.test",)), Cause.TLS_WRONG_NAME),
    (Shown(to=("*.probe.test",)), Cause.TLS_WRONG_NAME),
    (Shown(issuer=OPERATOR, policy=IssuerPolicy.APPLE), Cause.TLS_UNTRUSTED),
    (Shown(policy=IssuerPolicy.APPLE, to=("portal.example",)), Cause.TLS_UNTRUSTED),
    (Shown(issuer=APPLE, policy=IssuerPolicy.APPLE, days=EXPIRED), Cause.TLS_EXPIRED),
    (Shown(issuer=OPERATOR, policy=IssuerPolicy.OPERATOR, days=EXPIRED), Cause.TLS_EXPIRED),
    (Shown(issuer=OPERATOR, policy=IssuerPolicy.OPERATOR, days=FUTURE), Cause.TLS_NOT_YET_VALID),
    (Shown(policy=IssuerPolicy.OPERATOR, days=EXPIRED), Cause.TLS_EXPIRED),
    (Shown(policy=IssuerPolicy.APPLE, days=FUTURE), Cause.TLS_NOT_YET_VALID),
]


@pytest.mark.parametrize(("shown", "cause"), REFUSED)
async def test_a_certificate_that_is_not_expected(shown: Shown, cause: Cause) -> None:
    """Each kind is told from the others, and what was shown is kept as evidence."""
    result = await judged(shown)
    assert broke(result) == (Phase.TLS, cause)
    seen = facts(result, Phase.TLS)
    assert shown.issuer in str(seen["issuer"])
    assert shown.to[0] in str(seen["subject"])
    assert str(seen["san"]).split() == list(shown.to)
    assert str(seen["chain"]).startswith(f"{seen['subject']} < ")
    assert str(seen["chain"]).endswith(str(seen["issuer"]))
    assert len(str(seen["sha256"])) == 64


async def test_a_strangers_name_at_an_operators_host_cannot_be_told() -> None:
    """Any issuer will do there, but a certificate for somebody else may be anybody's."""
    result = await judged(Shown(policy=IssuerPolicy.OPERATOR, to=("portal.example",)))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.TLS, Cause.CANNOT_TELL)


TAKEN = [
    (Shown(), True),
    (Shown(policy=IssuerPolicy.OPERATOR), True),
    (Shown(policy=IssuerPolicy.OPERATOR, to=("*.test",)), True),
    (Shown(policy=IssuerPolicy.APPLE), True),
    (Shown(issuer=OPERATOR, policy=IssuerPolicy.OPERATOR), False),
    (Shown(issuer=APPLE, policy=IssuerPolicy.APPLE), False),
    (Shown(issuer=CORPORATE, machine=(CORPORATE,), allowed=True), False),
]


@pytest.mark.parametrize(("shown", "public"), TAKEN)
async def test_a_certificate_that_is_expected(shown: Shown, public: bool) -> None:
    """A public issuer satisfies every policy; the others only their own."""
    result = await judged(shown)
    assert result.verdict.outcome is Outcome.PASS, result.verdict
    seen = facts(result, Phase.TLS)
    assert seen["public"] is public
    assert str(seen["version"]).startswith("TLSv1.")
    assert ("intercepted_by" in seen) == bool(shown.machine)
    assert CORPORATE in str(seen.get("intercepted_by", CORPORATE))


ODD: list[tuple[Handler, Cause]] = [
    (hangs_up, Cause.CLOSED),
    (resets, Cause.RESET),
    (mute, Cause.TIMEOUT),
    (says(b"SSH-2.0-OpenSSH_9\r\n"), Cause.NOT_TLS),
    (says(page("400 Bad Request", b"<html>")), Cause.NOT_TLS),
    (says(b"\x00" * 12), Cause.NOT_TLS),
    (says(b"\x16 not a record either"), Cause.TLS_ALERT),
]


@pytest.mark.parametrize(("handle", "cause"), ODD)
async def test_no_handshake(handle: Handler, cause: Cause) -> None:
    """A server that breaks off is told from one that speaks something else, and from silence."""
    async with loopback() as place:
        limits = QUICK if cause is Cause.TIMEOUT else EASY
        result = await probe(a_flow("push", await place.tcp(handle)), replace(a_route(), limits=limits))
    assert broke(result) == (Phase.TLS, cause)


async def test_bytes_that_are_not_tls_are_shown() -> None:
    """They name the box that stands there."""
    async with loopback() as place:
        result = await probe(a_flow("push", await place.tcp(says(b"SSH-2.0-x\r\n"))), a_route())
    seen = facts(result, Phase.TLS)
    assert seen["first_text"] == "SSH-2.0-x\\x0d\\x0a"
    assert bytes.fromhex(str(seen["first_bytes"])) == b"SSH-2.0-x\r\n"


async def test_an_alert_is_told() -> None:
    """A server that refuses the name says so with an alert."""
    alert = bytes((21, 3, 3, 0, 2, 2, ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME))  # RFC 8446, section 6
    async with loopback() as place:
        result = await probe(a_flow("push", await place.tcp(answers(alert))), a_route())
    assert broke(result) == (Phase.TLS, Cause.TLS_ALERT)


async def test_an_alert_that_cannot_be_sent_hides_nothing() -> None:
    """The refused certificate is the failure, not the peer that was gone when we said so."""

    class Snapped:
        """A link that breaks at its second message."""

        def __init__(self, inner: ByteStream) -> None:
            self._left = 1
            self._inner = inner
            self.receive = inner.receive
            self.close = inner.close

        async def send(self, data: bytes) -> None:
            """Send, or break."""
            if not self._left:
                raise ConnectionResetError
            self._left -= 1
            await self._inner.send(data)

    rec = Recorder()
    async with loopback() as place:
        port = await place.tcp(mute, shows(CORPORATE))
        link = await connect(Endpoint(host=HOST, port=port), rec, limit=5)
        with pytest.raises(StepError):
            await start_tls(
                Snapped(link), Endpoint(host=NAME, port=port), Expectation(), trust(), rec, limit=5, over=""
            )
        link.close()
    assert last_failure(rec) == (Phase.TLS, Cause.TLS_UNTRUSTED)


async def test_a_protocol_is_asked_for_and_forgotten() -> None:
    """Flows share one context: what one asks for by ALPN, the next does not."""
    route = a_route()
    async with loopback() as place:
        port = await place.tcp(mute, shows(alpn=("apns-security-v3",)))
        asked = await probe(a_flow("push", port, params={"alpn": "apns-security-v3"}), route)
        plain = await probe(a_flow("push", port), route)
    assert facts(asked, Phase.TLS)["alpn"] == "apns-security-v3"
    assert facts(plain, Phase.TLS)["alpn"] is None


async def test_what_one_flow_does_not_verify_the_next_does() -> None:
    """At once or one after the other: a host whose certificate is judged otherwise opens no door for the rest."""
    route = a_route()
    async with loopback() as place:
        flow = a_flow("push", await place.tcp(mute, shows(OPERATOR)))
        lenient = replace(flow, policy=IssuerPolicy.OPERATOR)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(probe(each, route)) for each in (lenient, flow, lenient, flow)]
        assert (await probe(lenient, route)).verdict.outcome is Outcome.PASS
        assert broke(await probe(flow, route)) == (Phase.TLS, Cause.TLS_UNTRUSTED)
    taken = [task.result().verdict.outcome for task in tasks]
    assert taken == [Outcome.PASS, Outcome.FAIL, Outcome.PASS, Outcome.FAIL]


async def abrupt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request with a page that ends with the connection, which ends without close_notify."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
    await writer.drain()
    writer.transport.abort()


async def test_a_stream_may_end_without_ceremony() -> None:
    """Many servers close TLS without close_notify (RFC 8446, section 6.1); clients do not mind."""
    async with loopback() as place:
        result = await probe(a_flow("https", await place.tcp(abrupt, shows())), a_route())
    assert result.verdict.outcome is Outcome.PASS, result.verdict
    assert facts(result, Phase.HTTP)["body"] == "hello"


async def test_a_clean_end_is_an_end() -> None:
    """A close_notify in place of an answer is a closed connection."""
    async with loopback() as place:
        result = await probe(a_flow("https", await place.tcp(hangs_up, shows())), a_route())
    assert broke(result) == (Phase.HTTP, Cause.CLOSED)


async def test_large_answers_come_in_many_records() -> None:
    """More than one record of TLS and more than one segment of TCP make one body."""
    async with loopback() as place:
        big = answers(page("200 OK", b"x" * 50_000))
        result = await probe(a_flow("https", await place.tcp(big, shows())), a_route())
    assert result.verdict.outcome is Outcome.PASS
