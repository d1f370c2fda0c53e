"""HTTPS: the right answer of the REST API, any answer of a resource host, and who else may have answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from rainbow_probe.checks.https import ABOUT, PING
from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.demo.pages import Asked, Page, serving
from rainbow_probe.model import Cause, Outcome, Phase, Result, Transport
from rainbow_probe.net.route import Limits
from tests.servers import (
    CORPORATE,
    EASY,
    HOST,
    NAME,
    QUICK,
    SIX,
    a_flow,
    a_route,
    answers,
    broke,
    facts,
    hangs_up,
    mute,
    names,
    on_six,
    page,
    phases,
    probe,
    resets,
    says,
    shows,
    trust,
)

API = {"expect": "rainbow-api"}
OK, VERSION = b'{"status": "OK"}', b'{"version": "1.2", "description": "x"}'


def api(ping: Page | None = None, about: Page | None = None) -> Handler:
    """Return a REST host, sound but for the pages given."""
    pages = {PING: ping or Page(body=OK), ABOUT: about or Page(body=VERSION)}
    return serving(lambda asked: pages[asked.path])


async def asked(
    handle: Handler,
    *,
    inspected: bool = False,
    params: Mapping[str, str] | None = None,
    limits: Limits = EASY,
) -> Result:
    """Probe a host, over TLS of its own or of a trusted box that decrypts it."""
    async with loopback() as place:
        port = await place.tcp(handle, shows(CORPORATE) if inspected else shows())
        flow = replace(a_flow("https", port, params=params), inspection_allowed=inspected)
        return await probe(flow, replace(a_route(), trust=trust(CORPORATE), limits=limits))


async def test_the_rest_api_answers() -> None:
    """Both calls that need no account, on one connection."""
    result = await asked(api(), params=API)
    assert (result.verdict.outcome, result.verdict.reason) == (Outcome.PASS, "the REST API answers")
    assert phases(result) == [Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.HTTP, Phase.HTTP]
    assert [step.subject for step in result.steps[-2:]] == [PING, ABOUT]


@pytest.mark.parametrize("fields", [{"Connection": "close"}, {}])
async def test_a_server_that_keeps_no_connection_is_asked_again(fields: dict[str, str]) -> None:
    """A box on the way may close after each answer; a browser just connects again."""
    result = await asked(api(ping=Page(body=OK, headers=fields)), params=API)
    assert result.verdict.outcome is Outcome.PASS
    assert phases(result).count(Phase.CONNECT) == (2 if fields else 1)


async def test_an_old_http_is_understood() -> None:
    """HTTP/1.0 ends the body with the connection."""
    old = answers(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\n" + OK, stays=False)
    async with loopback() as place:
        port = await place.tcp(old, shows())
        result = await probe(a_flow("https", port), a_route())
    assert result.verdict.outcome is Outcome.PASS
    assert facts(result, Phase.HTTP)["body"] == OK.decode()


WRONG = [
    (Page(status=500), None, Cause.SERVER_ERROR),
    (Page(status=503, body=b"<html>maintenance</html>"), None, Cause.SERVER_ERROR),
    (None, Page(status=502), Cause.SERVER_ERROR),
    (Page(status=404), None, Cause.UNEXPECTED_REPLY),
    (Page(status=403), None, Cause.UNEXPECTED_REPLY),
    (Page(status=302, headers={"Location": "https://elsewhere.example/"}), None, Cause.UNEXPECTED_REPLY),
    (Page(body=b"<html>hello</html>"), None, Cause.UNEXPECTED_REPLY),
    (Page(body=b'{"status": "KO"}'), None, Cause.UNEXPECTED_REPLY),
    (Page(body=b'{"status": "OK"'), None, Cause.UNEXPECTED_REPLY),
    (Page(body=b'["status", "OK"]'), None, Cause.UNEXPECTED_REPLY),
    (Page(body=b"[" * 60_000), None, Cause.UNEXPECTED_REPLY),
    (Page(body=b"\xff\xfe\x00"), None, Cause.UNEXPECTED_REPLY),
    (Page(body=b""), None, Cause.UNEXPECTED_REPLY),
    (None, Page(body=b'{"description": "no version"}'), Cause.UNEXPECTED_REPLY),
    (None, Page(status=404, body=VERSION), Cause.UNEXPECTED_REPLY),
]


@pytest.mark.parametrize(("ping", "about", "cause"), WRONG)
async def test_the_rest_api_must_say_the_right_thing(ping: Page | None, about: Page | None, cause: Cause) -> None:
    """An answer over validated TLS that is not the API's is told from a server in trouble; the origin is no censor."""
    result = await asked(api(ping, about), params=API)
    assert broke(result) == (Phase.HTTP, cause)
    assert (PING if ping else ABOUT) in result.verdict.reason


@pytest.mark.parametrize("status", [200, 204, 301, 401, 403, 404, 451, 500, 511])
async def test_any_answer_of_a_resource_host_will_do(status: int) -> None:
    """Nobody but the origin can answer over validated TLS."""
    result = await asked(serving(lambda _: Page(status=status, headers={"Location": "https://else.example/"})))
    assert result.verdict.outcome is Outcome.PASS
    assert result.verdict.reason.startswith(f"answers {status}")


async def test_a_body_without_end_is_cut() -> None:
    """Only so much is read of it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"
    result = await asked(answers(head + b"x" * 100_000))
    assert result.verdict.outcome is Outcome.PASS


# Behind a box that decrypts.


@pytest.mark.parametrize("params", [API, {}])
async def test_a_decrypted_path_passes_where_it_is_allowed(params: Mapping[str, str]) -> None:
    """And says who decrypts."""
    result = await asked(api() if params else serving(lambda _: Page()), inspected=True, params=params)
    assert result.verdict.outcome is Outcome.PASS
    assert CORPORATE in result.verdict.reason
    assert CORPORATE in str(facts(result, Phase.TLS)["intercepted_by"])


PORTAL = {"Location": "https://login.portal.example/?back=1"}
BOX = [
    (Page(status=403, body=b"<html>Blocked by policy</html>"), Cause.BLOCK_PAGE),
    (Page(status=451), Cause.BLOCK_PAGE),
    (Page(status=302, headers=PORTAL), Cause.CAPTIVE_PORTAL),
    (Page(status=307, headers=PORTAL), Cause.CAPTIVE_PORTAL),
    (Page(status=511, body=b"log in"), Cause.CAPTIVE_PORTAL),
]


@pytest.mark.parametrize(("answer", "cause"), BOX)
async def test_a_box_that_answers_for_the_api(answer: Page, cause: Cause) -> None:
    """Where a box stands in the path and the host's own answer is known, a refusal is the box's."""
    result = await asked(serving(lambda _: answer), inspected=True, params=API)
    assert broke(result) == (Phase.HTTP, cause)


@pytest.mark.parametrize("answer", [page for page, _ in BOX if page.status != 511])
async def test_a_refusal_that_may_be_the_hosts_own(answer: Page) -> None:
    """A host of which nothing is known may refuse or redirect by itself: through a box that cannot be told."""
    result = await asked(serving(lambda _: answer), inspected=True)
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.HTTP, Cause.CANNOT_TELL)


async def test_a_refusal_that_the_box_signs_is_no_hosts() -> None:
    """Squid names its own pages, and it is what stands in between."""
    page = Page(status=403, headers={"X-Squid-Error": "ERR_ACCESS_DENIED 0"}, body=b"<html>Access denied</html>")
    assert broke(await asked(serving(lambda _: page), inspected=True)) == (Phase.HTTP, Cause.BLOCK_PAGE)


@pytest.mark.parametrize(
    "answer",
    [
        Page(status=302, headers={"Location": "/elsewhere"}),
        Page(status=301, headers={"Location": f"https://www.{NAME}/"}),
        Page(status=302, headers={"Location": "https://[broken/"}),
        Page(status=304),
        Page(status=404),
    ],
)
async def test_an_answer_of_the_host_through_the_box(answer: Page) -> None:
    """Not every redirect is a portal's."""
    result = await asked(serving(lambda _: answer), inspected=True)
    assert result.verdict.outcome is Outcome.PASS


# No HTTP at all.

BROKEN: list[tuple[Handler, Cause]] = [
    (hangs_up, Cause.CLOSED),
    (resets, Cause.RESET),
    (mute, Cause.TIMEOUT),
    (says(b"220 mail.test ESMTP\r\n"), Cause.NOT_HTTP),
    (answers(b"HTTP/1.1 two hundred\r\n\r\n"), Cause.NOT_HTTP),
    (answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", stays=False), Cause.CLOSED),
    (answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), Cause.TIMEOUT),
    (answers(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000), Cause.NOT_HTTP),
]


@pytest.mark.parametrize(("handle", "cause"), BROKEN)
async def test_an_exchange_that_breaks(handle: Handler, cause: Cause) -> None:
    """Silence, an early end, a reset and other protocols are told apart."""
    result = await asked(handle, limits=QUICK if cause is Cause.TIMEOUT else EASY)
    assert broke(result) == (Phase.HTTP, cause)


async def test_what_came_before_the_end_is_kept() -> None:
    """Half an answer is evidence too."""
    result = await asked(answers(b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 9\r\n\r\nhalf", stays=False))
    assert broke(result) == (Phase.HTTP, Cause.CLOSED)
    assert (facts(result, Phase.HTTP)["status"], facts(result, Phase.HTTP)["body"]) == (200, "half")


async def test_the_request_is_a_browsers() -> None:
    """The host with its unusual port, and who we are."""
    seen: list[Asked] = []

    def answer(asked: Asked) -> Page:
        seen.append(asked)
        return Page()

    result = await asked(serving(answer))
    assert result.verdict.outcome is Outcome.PASS
    assert [a.path for a in seen] == ["/"]


async def test_a_decrypted_address_does_not_taint_the_other() -> None:
    """Of two addresses one goes through a box: only what comes from there is suspect."""
    refusal = serving(lambda _: Page(status=403))
    async with loopback() as place:
        port = await place.tcp(refusal, shows())
        await on_six(place, refusal, port, shows(CORPORATE))
        flow = replace(a_flow("https", port), inspection_allowed=True)
        route = replace(a_route(), trust=trust(CORPORATE), names=names(probe_test=(HOST, SIX)))
        result = await probe(flow, route)
    assert result.verdict.outcome is Outcome.PASS
    assert (result.verdict.alive, result.verdict.dead) == ((f"{HOST}:{port}",), ())  # the other cannot be told


async def test_plain_http_is_judged_alike() -> None:
    """Without TLS nobody is known to stand in the path."""
    async with loopback() as place:
        port = await place.tcp(answers(page("403 Forbidden")))
        result = await probe(a_flow("https", port, Transport.TCP), a_route())
    assert result.verdict.outcome is Outcome.PASS
