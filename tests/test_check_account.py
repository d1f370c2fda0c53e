"""Signing in with an account: once a run, over trusted TLS only, and without a trace of what is secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from rainbow_probe.demo.accounts import ICE_SERVERS, LOGIN, LOGOUT, MOST_WRONG, Accounts
from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.demo.pages import JSON, Asked, Page, serving
from rainbow_probe.model import Account, Cause, Credentials, Outcome, Phase, Result, Transport
from rainbow_probe.net.route import Route
from rainbow_probe.net.stay import Stay
from rainbow_probe.protocols.rainbow import ICE_SERVERS_BEFORE
from tests.servers import (
    CORPORATE,
    HOST,
    QUICK,
    SIX,
    a_flow,
    a_route,
    broke,
    facts,
    mute,
    names,
    on_six,
    phases,
    probe,
    says,
    shows,
    trust,
)

ME = Account(
    user=Credentials(user="me@clinic.example", password="sesame-open-77"),  # noqa: S106 - made up for these tests
    app=Credentials(user="app-0123456789", password="app-secret-4242"),  # noqa: S106 - made up for these tests
)
TURN = Credentials(user="1764115200:me", password="turn-secret-9191")  # noqa: S106 - made up for these tests
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"  # noqa: S105 - made up for these tests
HOSTS = ("turn-a.clinic.example", "turn-b.clinic.example")
SECRETS = (
    *(ME.user.user, ME.user.password, ME.app.user, ME.app.password, TURN.user, TURN.password, TOKEN),
    base64.b64encode(f"{ME.user.user}:{ME.user.password}".encode()).decode(),
)
Answer = Callable[[Asked], Page]


def in_json(content: object, status: int = 200) -> Page:
    """Answer in JSON."""
    return Page(status=status, content_type=JSON, body=json.dumps(content).encode())


def refusal(code: object, words: str = "no", status: int = 401) -> Page:
    """Refuse in the service's own form."""
    return in_json(
        {"errorCode": status, "errorMsg": "Refused", "errorDetails": words, "errorDetailsCode": code}, status
    )


LET_IN = in_json({"token": TOKEN, "loggedInUser": {"jid_im": "me@im.example", "jid_password": "jid-secret-3131"}})
LISTED = in_json({
    "ttl": 600,
    "data": [
        {"urls": "turn:TURN-A.example:3478?transport=udp", "username": TURN.user, "credential": TURN.password},
        {"urls": ["turns:turn-a.example:443?transport=tcp", "stun:turn-a.example"], "username": "x", "credential": "y"},
        {"urls": "turn:turn-a.example:80?transport=tcp"},
        {"urls": "turn:turn-a.example:8080?transport=tcp"},
        {"urls": "turn:no host"},
        {"urls": 7},
        "nothing",
    ],
})  # fmt: skip


class Service:
    """A REST host that answers each path as it is told, and remembers who asked for what."""

    def __init__(self, pages: Mapping[str, Page | Answer] | None = None) -> None:
        """Answer log-in, list and log-out well, but for *pages*."""
        self.asked: list[Asked] = []
        self._pages = {LOGIN: LET_IN, ICE_SERVERS: LISTED, LOGOUT: in_json({"status": "bye"}), **(pages or {})}

    def handler(self) -> Handler:
        """Return what a listener needs."""
        return serving(self._answer)

    def _answer(self, asked: Asked) -> Page:
        self.asked.append(asked)
        found = self._pages.get(asked.path, Page(status=404))
        return found if isinstance(found, Page) else found(asked)

    @property
    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [asked.path for asked in self.asked]


async def visited(handler: Handler, route: Route | None = None, *, by: str | None = None) -> tuple[Result, Stay]:
    """Sign in at a host, whose TLS the box *by* opens if there is one."""
    stay = Stay(ME)
    async with loopback() as place:
        port = await place.tcp(handler, shows(by) if by else shows())
        flow = replace(a_flow("account", port), inspection_allowed=bool(by))
        result = await probe(flow, replace(route or a_route(), stay=stay))
    assert stay.over.is_set()
    clean(result)
    return result, stay


def clean(result: Result) -> None:
    """See that nothing secret is in the result, in whatever form it is shown."""
    shown = repr(result) + str(result.verdict)
    assert [secret for secret in SECRETS if secret in shown] == []


async def test_who_signs_in_is_told_the_turn_servers() -> None:
    """Against the demo's own accounts, which check every field; what is told goes to the checks, and nowhere else."""
    accounts = Accounts(ME, TURN, HOSTS)
    result, stay = await visited(serving(lambda asked: accounts.answer(asked) or Page(status=404)))
    assert result.verdict.outcome is Outcome.PASS
    assert result.verdict.reason == f"signed in; TURN servers: {', '.join(HOSTS)} (for 3600 s); signed out"
    assert phases(result)[-3:] == [Phase.ACCOUNT] * 3
    assert [server.host for server in stay.servers] == list(HOSTS)
    assert all(server.credentials == TURN for server in stay.servers)
    assert dict(stay.servers[0].ports) == {Transport.UDP: 3478, Transport.TLS: 443, Transport.TCP: 80}
    assert stay.xmpp == accounts.xmpp


async def test_the_list_is_read_with_care() -> None:
    """Strings and lists, unknown schemes and nonsense; of two ports the guide's is tested, and names are lower case."""
    service = Service()
    result, stay = await visited(service.handler())
    assert result.verdict.outcome is Outcome.PASS
    [server] = stay.servers
    assert server.host == "turn-a.example"
    assert dict(server.ports) == {Transport.UDP: 3478, Transport.TLS: 443, Transport.TCP: 80}
    assert service.paths == [LOGIN, ICE_SERVERS, LOGOUT]
    assert "body" not in facts(result, Phase.ACCOUNT)
    assert service.asked[1].headers["authorization"] == f"Bearer {TOKEN}"
    assert "x-rainbow-app-auth" not in service.asked[1].headers


async def test_the_older_path_is_asked_where_the_newer_is_not_there() -> None:
    """The same content, by an older name."""
    service = Service({ICE_SERVERS: Page(status=404), ICE_SERVERS_BEFORE: LISTED})
    result, stay = await visited(service.handler())
    assert (result.verdict.outcome, len(stay.servers)) == (Outcome.PASS, 1)
    assert service.paths == [LOGIN, ICE_SERVERS, ICE_SERVERS_BEFORE, LOGOUT]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (401500, Cause.ACCOUNT_WRONG),
        ("401501", Cause.ACCOUNT_LOCKED),
        (401520, Cause.ACCOUNT_INACTIVE),
        (401521, Cause.ACCOUNT_INACTIVE),
        (401600, Cause.ACCOUNT_REFUSED),
        ([], Cause.ACCOUNT_REFUSED),
        ("9" * 5000, Cause.ACCOUNT_REFUSED),
    ],
)
async def test_what_the_service_says_of_the_account_is_no_fault_of_the_network(code: object, cause: Cause) -> None:
    """It is inconclusive, after one attempt, and the words of the service are quoted without what they repeat."""
    service = Service({LOGIN: refusal(code, f"Unknown {ME.user.user} with {ME.user.password}")})
    result, stay = await visited(service.handler())
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.ACCOUNT, cause)
    assert "Unknown *** with ***" in result.verdict.reason
    assert service.paths == [LOGIN]
    assert stay.servers == ()


async def test_the_demo_locks_after_five_wrong_passwords() -> None:
    """As the service does; a right one does not help then."""
    accounts = Accounts(replace(ME, user=replace(ME.user, password="another")), TURN, HOSTS)  # noqa: S106 - wrong
    handler = serving(lambda asked: accounts.answer(asked) or Page(status=404))
    causes = [broke((await visited(handler))[0], Outcome.INCONCLUSIVE)[1] for _ in range(MOST_WRONG + 1)]
    assert causes == [Cause.ACCOUNT_WRONG] * MOST_WRONG + [Cause.ACCOUNT_LOCKED]


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        (LOGIN, {}, 400000),
        (LOGIN, {"x-rainbow-client": "a"}, 401600),
        (LOGIN, {"x-rainbow-client": "a", "authorization": "Basic ?", "x-rainbow-app-auth": "Bearer YTpi"}, 401600),
        (ICE_SERVERS, {}, 401210),
        (ICE_SERVERS, {"authorization": "Bearer made-up"}, 401210),
        (LOGOUT, {"authorization": "Basic YTpi"}, 401210),
    ],
)
def test_the_demo_lets_nobody_in_by_chance(path: str, headers: dict[str, str], code: int) -> None:
    """Every field is looked at: who sends none, or another, is refused as the service does it."""
    page = Accounts(ME, TURN, HOSTS).answer(Asked(path=path, upgrade="", headers=headers))
    assert page is not None
    assert json.loads(page.body)["errorDetailsCode"] == code


@pytest.mark.parametrize(
    ("page", "cause"),
    [
        (in_json({"errorCode": 503, "errorMsg": "Down"}, 503), Cause.SERVER_ERROR),
        (Page(status=502, body=b"<html>"), Cause.SERVER_ERROR),
        (Page(status=401, body=b"<html>who?"), Cause.UNEXPECTED_REPLY),
        (Page(body=b"<html>hello"), Cause.UNEXPECTED_REPLY),
        (in_json([1]), Cause.UNEXPECTED_REPLY),
        (in_json({"token": "a\r\nb: c"}), Cause.UNEXPECTED_REPLY),
        (in_json({"token": 7}), Cause.UNEXPECTED_REPLY),
        (Page(content_type=JSON, body=b"[" * 100_000), Cause.UNEXPECTED_REPLY),
        (Page(content_type=JSON, body=b'{"token": "' + b"a" * 600_000), Cause.UNEXPECTED_REPLY),
    ],
)
async def test_an_answer_that_is_none_is_told(page: Page, cause: Cause) -> None:
    """Whatever stands in the place of the service's answer; its size and depth are bounded."""
    service = Service({LOGIN: page})
    assert broke((await visited(service.handler()))[0]) == (Phase.ACCOUNT, cause)
    assert service.paths == [LOGIN]


async def test_a_redirect_is_not_followed() -> None:
    """Nobody else is shown the credentials, and the report names where it led without what it repeats."""
    async with loopback() as place:
        lure = Service()
        port = await place.tcp(lure.handler())
        away = {"Location": f"http://{HOST}:{port}/?auth={base64.b64encode(b'x').decode()}&who={ME.user.password}"}
        service = Service({LOGIN: Page(status=307, headers=away)})
        result, _ = await visited(service.handler())
    assert broke(result) == (Phase.ACCOUNT, Cause.UNEXPECTED_REPLY)
    assert "it was not followed" in result.verdict.reason
    assert (service.paths, lure.asked) == ([LOGIN], [])


async def test_what_a_server_repeats_is_hidden() -> None:
    """The request, the token and the proof of the application, whole or cut off."""

    def parrot(asked: Asked) -> Page:
        told = " ".join([*asked.headers.values(), TOKEN, asked.headers["authorization"][:-6]])
        return Page(status=500, body=told.encode(), headers={"Server": told[:900]})

    result, _ = await visited(Service({ICE_SERVERS: parrot}).handler())
    assert broke(result) == (Phase.ACCOUNT, Cause.SERVER_ERROR)
    assert TOKEN[:24] not in repr(result)


@pytest.mark.parametrize(
    ("page", "outcome", "cause"),
    [
        (refusal(401210), Outcome.INCONCLUSIVE, Cause.ACCOUNT_REFUSED),
        (in_json({"data": []}), Outcome.FAIL, Cause.UNEXPECTED_REPLY),
        (in_json({"data": "none"}), Outcome.FAIL, Cause.UNEXPECTED_REPLY),
        (in_json({"errorCode": 500}, 500), Outcome.FAIL, Cause.SERVER_ERROR),
    ],
)
async def test_a_list_that_is_none_is_told_and_the_token_given_back(page: Page, outcome: Outcome, cause: Cause) -> None:
    """Whoever signed in signs out, whatever came between."""
    service = Service({ICE_SERVERS: page})
    result, stay = await visited(service.handler())
    assert broke(result, outcome) == (Phase.ACCOUNT, cause)
    assert (service.paths, stay.servers) == ([LOGIN, ICE_SERVERS, LOGOUT], ())


async def test_a_log_out_that_fails_is_no_failure() -> None:
    """The list was fetched: that is what the row asks."""
    result, _ = await visited(Service({LOGOUT: Page(status=500)}).handler())
    assert result.verdict.outcome is Outcome.PASS
    assert result.verdict.reason.endswith("(for 600 s); signing out did not work (server-error)")


async def test_a_server_that_closes_after_each_answer_is_called_again() -> None:
    """Three connections, three questions."""
    close = {"Connection": "close"}
    service = Service({LOGIN: replace(LET_IN, headers=close), ICE_SERVERS: replace(LISTED, headers=close)})
    result, _ = await visited(service.handler())
    assert result.verdict.outcome is Outcome.PASS
    assert phases(result).count(Phase.TLS) == 3


async def test_silence_costs_the_one_attempt() -> None:
    """It may have arrived: it is not sent again, by another address either."""
    async with loopback() as place:
        port = await place.tcp(mute, shows())
        service = Service()
        await on_six(place, service.handler(), port, shows())
        stay = Stay(ME)
        route = replace(a_route(), names=names({a_flow("account", port).target.host: (HOST, SIX)}), stay=stay)
        result = await probe(a_flow("account", port), replace(route, limits=QUICK))
    assert broke(result) == (Phase.ACCOUNT, Cause.TIMEOUT)
    assert (stay.used, service.asked) == (True, [])
    with pytest.raises(RuntimeError):
        stay.take()


async def test_an_address_that_is_not_reached_costs_no_attempt() -> None:
    """The next one is asked, as a client would."""
    async with loopback() as place:
        service = Service()
        port = place.refusing()
        await on_six(place, service.handler(), port, shows())
        route = replace(a_route(), names=names({a_flow("account", port).target.host: (HOST, SIX)}), stay=Stay(ME))
        result = await probe(a_flow("account", port), route)
    assert (result.verdict.outcome, len(result.verdict.dead)) == (Outcome.PASS, 1)


async def test_nothing_is_sent_to_whom_the_certificate_does_not_prove() -> None:
    """An untrusted box never sees the password."""
    service = Service()
    result, stay = await visited(service.handler(), by=CORPORATE)
    assert broke(result)[0] is Phase.TLS
    assert (stay.used, service.asked) == (False, [])


async def test_a_trusted_box_that_answers_itself_is_told_from_the_service() -> None:
    """A block page and a log-in page of the box are no word on the account; an error in the service's form is."""
    route = replace(a_route(), trust=trust(CORPORATE))
    blocked, _ = await visited(Service({LOGIN: Page(status=403, body=b"no")}).handler(), route, by=CORPORATE)
    assert broke(blocked) == (Phase.ACCOUNT, Cause.BLOCK_PAGE)
    away = Page(status=302, headers={"Location": "http://portal.example/"})
    sent, _ = await visited(Service({LOGIN: away}).handler(), route, by=CORPORATE)
    assert broke(sent) == (Phase.ACCOUNT, Cause.CAPTIVE_PORTAL)
    wrong, _ = await visited(Service({LOGIN: refusal(401500)}).handler(), route, by=CORPORATE)
    assert broke(wrong, Outcome.INCONCLUSIVE) == (Phase.ACCOUNT, Cause.ACCOUNT_WRONG)
    well, _ = await visited(Service().handler(), route, by=CORPORATE)
    assert "TLS is decrypted on the way by" in well.verdict.reason


async def test_what_is_no_http_is_told_without_what_it_repeats() -> None:
    """A broken answer may hold the question."""
    result, _ = await visited(says(f"SSH-2.0 {ME.user.password}\r\n".encode()))
    assert broke(result) == (Phase.ACCOUNT, Cause.NOT_HTTP)
    cut, _ = await visited(says(f"HTTP/1.1 200 {ME.user.password}".encode()))
    assert broke(cut)[1] in {Cause.CLOSED, Cause.TIMEOUT}


async def test_a_secret_that_a_quotation_cuts_is_hidden_too() -> None:
    """Quotations have a size: the half of a password that fits is no word for a report either."""
    for room in range(4, len(ME.user.password)):
        words = "x" * (190 - room) + ME.user.password
        result, _ = await visited(Service({LOGIN: refusal(401500, words)}).handler())
        assert ME.user.password[:4] not in repr(result)


async def test_a_second_look_within_the_run_does_not_sign_in_again() -> None:
    """Rows that changed are confirmed before an alert: with the verdict of the one attempt, good or bad."""
    for page in (LET_IN, refusal(401500)):
        service, stay = Service({LOGIN: page}), Stay(ME)
        async with loopback() as place:
            flow = a_flow("account", await place.tcp(service.handler(), shows()))
            first = await probe(flow, replace(a_route(), stay=stay))
            second = await probe(flow, replace(a_route(), stay=stay))
        assert (second.verdict, second.steps) == (first.verdict, ())
        assert service.paths.count(LOGIN) == 1


async def test_without_an_account_nothing_is_tried() -> None:
    """The reason says what would be needed, and whoever waits for it does not wait."""
    route = a_route()
    result = await probe(a_flow("account", 443), route)
    assert (result.verdict.outcome, result.steps) == (Outcome.SKIPPED, ())
    assert "--account LOGIN" in result.verdict.reason
    assert route.stay.over.is_set()
