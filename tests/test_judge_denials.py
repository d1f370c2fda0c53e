"""A refusal that hides behind a 200: a proxy that decrypts TLS says no inside a TLS of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.turn import web
from rainbow_probe.model import Cause, Flow, Outcome, Phase, Report, Scalar, Transport, Who
from tests.judge_samples import (
    PROXY_SITE,
    TURN,
    Case,
    Fault,
    both,
    case,
    everything,
    finding,
    guide,
    ids,
    kind,
    outcomes,
    proxied,
    result,
    tcp,
    tls,
)

BOX: dict[str, Scalar] = {"issuer": "CN=Acme Inspection", "public": False}
CUT = Fault(match=both(proxied, tcp(80), kind("turn")), phase=Phase.STUN, cause=Cause.CLOSED)
OPENED = Fault(match=both(proxied, tls, kind("turn")), phase=Phase.TLS, cause=Cause.TLS_INTERCEPTED, facts=BOX)


def asked_inside(found: Case) -> list[Flow]:
    """Return the controls that ask a proxy inside TLS where STUN in the clear got nothing."""
    flows = follow_up(Sofar(guide=guide(), site=PROXY_SITE, results={one.flow.id: one for one in found.results}), [web])
    return [one for one in flows if one.target.port == 80 and one.params["speak"] == "tls+http"]


def judged(**page: Scalar) -> Report:
    """Judge a site whose proxy cuts off STUN on port 80 and answers with *page* in a TLS there."""
    found = case(CUT, OPENED, site=PROXY_SITE)
    answer = Fault(match=everything, outcome=Outcome.PASS, facts=page)
    pages = [
        replace(result(replace(flow, kind="https", transport=Transport.TLS), answer), flow=flow)
        for flow in asked_inside(found)
    ]
    return replace(found, results=(*found.results, *pages)).judged()


def test_only_the_proxy_is_asked_inside_tls() -> None:
    """In the clear it said 200, and then nothing."""
    assert {flow.target.host for flow in asked_inside(case(CUT, site=PROXY_SITE))} == set(TURN)
    directly = Fault(match=both(tcp(80), kind("turn")), phase=Phase.STUN, cause=Cause.CLOSED)
    assert not asked_inside(case(directly))


@pytest.mark.parametrize(
    "page",
    [
        {"status": 403, "issuer": "CN=Public CA", "x_squid_error": "ERR_ACCESS_DENIED 0"},
        {"status": 403, **BOX},
    ],
    ids=["squid's own page", "a page under the certificate of the box"],
)
def test_a_port_that_is_refused_behind_a_200(page: dict[str, Scalar]) -> None:
    """It is refused as surely as with a 403 to CONNECT: by name and by address, one finding."""
    report = judged(**page)
    assert ids(report) == ["proxy-denies-80", "tls-intercepted"]
    told = finding(report, "proxy-denies-80")
    assert told.who is Who.PROXY
    assert outcomes(report, told) == {Outcome.PASS, Outcome.FAIL}
    assert "says 200 to CONNECT, and then in a TLS of its own" in told.detail


@pytest.mark.parametrize(
    "page",
    [
        {"status": 503, "x_squid_error": "ERR_CONNECT_FAIL 111", **BOX},
        {"status": 403, "issuer": "CN=Public CA"},
    ],
    ids=["it could not connect", "the server's own word"],
)
def test_what_is_no_refusal_of_the_proxy(page: dict[str, Scalar]) -> None:
    """A server may say 403, and a box may not reach it; nor was it sent past the proxy."""
    assert not {"proxy-denies-80", "bypass-blocked"} & set(ids(judged(**page)))
