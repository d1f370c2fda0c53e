"""HTTPS to a Rainbow host: an answer over validated TLS, and of the REST API the right one."""

from __future__ import annotations

import json

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Endpoint, Failure, Flow, Phase, Scalar, Verdict
from rainbow_probe.net.http import PADDING, authority, fetch, leads_elsewhere
from rainbow_probe.net.paths import HTTP1, Hop, each_address, failed, open_stream, passed
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import Client, Exchange

PING = "/api/rainbow/ping"
ABOUT = "/api/rainbow/authentication/v1.0/about"
BLOCKING = frozenset({403, 451})
NEEDS_LOGIN = 511  # network authentication required, RFC 6585 section 6: never an origin's answer


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Ask over every address; what the answer must be stands in the catalogue (``expect``)."""
    asked = paths(flow)

    async def attempt(hop: Hop) -> Verdict:
        answers = await _ask(asked, hop, flow, route, rec)
        by = decrypted_by(rec, hop)
        failure = strange(answers[0], flow.target, by, known=asked[0] == PING) or _not_the_api(answers, asked)
        return failed(failure) if failure else passed(_reason(answers, by))

    return await each_address(flow, route, rec, attempt)


def paths(flow: Flow) -> tuple[str, ...]:
    """Return what *flow* is asked for, in turn."""
    return (PING, ABOUT) if flow.params.get("expect") == "rainbow-api" else ("/",)


async def _ask(paths: tuple[str, ...], hop: Hop, flow: Flow, route: Route, rec: Recorder) -> list[Exchange]:
    """Ask for one path after the other, on one connection for as long as the server keeps it.

    The first answer that is not what it must be is the last: what comes after it would say less.
    """
    answers: list[Exchange] = []
    while len(answers) < len(paths):
        async with open_stream(hop, flow, route, rec, alpn=HTTP1) as stream:
            client = Client(authority(flow.target))
            while len(answers) < len(paths) and client.reusable:
                path = paths[len(answers)]
                limit = route.limits.exchange
                answers.append(await fetch(client, stream, path, rec, limit=limit, headers=PADDING))
                if _not_the_api(answers, paths):
                    return answers
    return answers


def strange(answer: Exchange, asked: Endpoint, decrypted_by: str, *, known: bool) -> Failure | None:
    """Return why *answer* is not the origin's: only where a box stands in the path can it be anybody else's.

    Where the origin's own answer is not *known*, it may well refuse or redirect itself: that cannot be told, but for a
    page that squid signs as its own.
    """
    if not decrypted_by:
        return None
    where = leads_elsewhere(answer.headers.get("location", ""), asked)
    said = f"{answer.status} {answer.reason} from {decrypted_by}: '{excerpt(answer.body, 80)}'"
    if answer.status == NEEDS_LOGIN or (300 <= (answer.status or 0) < 400 and where):
        cause, said = Cause.CAPTIVE_PORTAL, f"sent to {where} ({said})"
    elif answer.status in BLOCKING:
        cause = Cause.BLOCK_PAGE
    else:
        return None
    if not known and answer.status != NEEDS_LOGIN and "x-squid-error" not in answer.headers:
        cause, said = Cause.CANNOT_TELL, f"the host itself or the box in between: {said}"
    return Failure(phase=Phase.HTTP, cause=cause, detail=said)


def _not_the_api(answers: list[Exchange], paths: tuple[str, ...]) -> Failure | None:
    if paths[0] != PING:
        return None
    for answer, path in zip(answers, paths, strict=False):
        told = answer.headers.get("location") or answer.body
        said = f"{path} answers {answer.status} {answer.reason}: '{excerpt(told, 80)}'"
        if (answer.status or 0) >= 500:
            return Failure(phase=Phase.HTTP, cause=Cause.SERVER_ERROR, detail=said)
        if answer.status != 200 or not _well_formed(answer, path):
            return Failure(phase=Phase.HTTP, cause=Cause.UNEXPECTED_REPLY, detail=said)
    return None


def _well_formed(answer: Exchange, path: str) -> bool:
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, dict):
        return False
    known: dict[str, Scalar] = told  # pyright: ignore[reportUnknownVariableType] - only its keys are looked at
    return known.get("status") == "OK" if path == PING else "version" in known


def decrypted_by(rec: Recorder, hop: Hop) -> str:
    """Return who decrypts on the way over this address; another one may lead past the box."""
    here = (step.facts for step in rec.steps if step.facts.get("address") == str(hop.address))
    return next((str(facts["intercepted_by"]) for facts in here if "intercepted_by" in facts), "")


def _reason(answers: list[Exchange], by: str) -> str:
    last = answers[-1]
    said = "the REST API answers" if len(answers) > 1 else f"answers {last.status} {last.reason}".rstrip()
    return f"{said}; TLS is decrypted on the way by {by}" if by else said
