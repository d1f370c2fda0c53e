"""The control: what answers for a host whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.model import Cause, Endpoint, Outcome, Phase, Result, Scalar, Transport
from rainbow_probe.net.route import Limits
from tests.servers import EASY, QUICK, a_flow, a_route, answers, broke, facts, hangs_up, mute, page, probe, resets, says

PARAMS: dict[str, Scalar] = {"path": "/generate_204", "expect_status": 204}
NOTHING = b"HTTP/1.1 204 No Content\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\n\r\n"


async def asked(handle: Handler, limits: Limits = EASY) -> Result:
    """Ask a control host."""
    async with loopback() as place:
        flow = a_flow("portal", await place.tcp(handle), Transport.TCP, PARAMS)
        return await probe(flow, replace(a_route(), limits=limits))


async def test_the_known_answer_passes() -> None:
    """And tells the time."""
    result = await asked(answers(NOTHING))
    assert result.verdict.outcome is Outcome.PASS
    assert int(facts(result, Phase.HTTP)["clock_skew_s"] or 0) > 20 * 365 * 86400
    assert result.steps[-1].subject == "/generate_204"


CAUGHT = [
    page("302 Found", b"", "Location: http://login.portal.example/?u=x"),
    page("307 Temporary Redirect", b"", "Location: https://10.1.1.1:8443/"),
    page("200 OK", b"<html>Log in</html>", "Content-Type: TEXT/HTML; charset=utf-8"),
    page("511 Network Authentication Required", b"log in"),
]


@pytest.mark.parametrize("reply", CAUGHT)
async def test_a_portal_is_caught(reply: bytes) -> None:
    """It leads elsewhere, or shows a page where there is none."""
    assert broke(await asked(answers(reply))) == (Phase.HTTP, Cause.CAPTIVE_PORTAL)


@pytest.mark.parametrize(
    "reply",
    [
        page("302 Found", b"", "Location: http://www.probe.test/"),
        page("302 Found", b"", "Location: /other"),
        page("503 Service Unavailable", b"later", "Content-Type: text/plain"),
        page("503 Service Unavailable", b"<h1>Later</h1>", "Content-Type: text/html"),
        page("403 Forbidden", b"<h1>Blocked</h1>", "Content-Type: TEXT/HTML"),
    ],
)
async def test_another_answer_proves_nothing(reply: bytes) -> None:
    """The control host may be in trouble itself, and no row needs it."""
    assert broke(await asked(answers(reply)), Outcome.INCONCLUSIVE) == (Phase.HTTP, Cause.UNEXPECTED_REPLY)


SILENT: list[tuple[Handler, Cause]] = [
    (mute, Cause.TIMEOUT),
    (hangs_up, Cause.CLOSED),
    (resets, Cause.RESET),
    (says(b"220 hello\r\n"), Cause.NOT_HTTP),
]


@pytest.mark.parametrize(("handle", "cause"), SILENT)
async def test_no_answer_proves_nothing(handle: Handler, cause: Cause) -> None:
    """Silence is normal where only a few hosts may be reached."""
    result = await asked(handle, QUICK if cause is Cause.TIMEOUT else EASY)
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.HTTP, cause)
    assert "proves nothing" in result.verdict.reason


async def test_a_control_host_that_is_not_there() -> None:
    """Nor does a name that does not resolve, or a refused connection."""
    async with loopback() as place:
        flow = a_flow("portal", place.refusing(), Transport.TCP, PARAMS)
        assert broke(await probe(flow, a_route()), Outcome.INCONCLUSIVE) == (Phase.CONNECT, Cause.REFUSED)
        unknown = replace(flow, target=Endpoint(host="nowhere.test", port=80))
        assert broke(await probe(unknown, a_route()), Outcome.INCONCLUSIVE) == (Phase.RESOLVE, Cause.NXDOMAIN)
