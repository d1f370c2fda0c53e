"""What is kept of an HTTP answer as evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Endpoint, Phase, Transport
from rainbow_probe.net.http import BODY_SHOWN, authority, clock_skew, leads_elsewhere
from tests.servers import a_flow, a_route, answers, facts, page, probe


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Endpoint(host="a.test", port=443), "a.test"),
        (Endpoint(host="a.test", port=80), "a.test"),
        (Endpoint(host="a.test", port=8443), "a.test:8443"),
        (Endpoint(host="::1", port=8443), "[::1]:8443"),
        (Endpoint(host="::1", port=443), "[::1]"),
    ],
)
def test_a_host_is_named_with_an_unusual_port_only(target: Endpoint, said: str) -> None:
    """As browsers do (RFC 9110, section 7.2); an address of IPv6 always stands in brackets."""
    assert authority(target) == said


@pytest.mark.parametrize(
    ("location", "owner"),
    [
        ("https://login.portal.example/?back=1", "login.portal.example"),
        ("//portal.example:8080/", "portal.example"),
        ("http://10.0.0.1/", "10.0.0.1"),
        ("https://a.test@evil.example/", "evil.example"),
        ("https://www.A.TEST/", ""),
        ("https://a.test:444/", ""),
        ("https://nota.test/", "nota.test"),
        ("/elsewhere", ""),
        ("", ""),
        ("https://[broken/", ""),
        ("http://\x07bell.example/", "\\x07bell.example"),
    ],
)
def test_where_a_redirect_leads(location: str, owner: str) -> None:
    """To somebody else's host, or nowhere worth telling."""
    assert leads_elsewhere(location, Endpoint(host="a.test", port=443)) == owner


@pytest.mark.parametrize("ahead", [0, 3600, -86400, 700 * 86400])
def test_the_clock_is_compared(ahead: int) -> None:
    """In seconds that this machine is ahead."""
    theirs = datetime.now(UTC) - timedelta(seconds=ahead)
    skew = clock_skew(format_datetime(theirs, usegmt=True))
    assert skew is not None
    assert abs(skew - ahead) <= 1


@pytest.mark.parametrize("zone", ["", " -0000"])
def test_a_date_without_a_zone_is_universal_time(zone: str) -> None:
    """Old servers leave it out."""
    skew = clock_skew(datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S") + zone)
    assert skew is not None
    assert abs(skew) <= 1


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "9" * 500, "\x00"]
)
def test_a_date_that_says_nothing(date: str) -> None:
    """It comes from the network and may be anything."""
    skew = clock_skew(date)
    assert skew is None or abs(skew) > 86400


async def test_what_tells_is_kept() -> None:
    """Product, type, place and time, and who was asked; the body is cut and printable."""
    date = format_datetime(datetime.now(UTC) - timedelta(days=2), usegmt=True)
    fields = [
        "Server: nginx",
        "Content-Type: text/html",
        "Location: /x",
        "Via: 1.1 gw",
        "X-Cache: HIT",
        f"Date: {date}",
    ]
    async with loopback() as place:
        port = await place.tcp(answers(page("302 Found", b"<html>\x1b[31m" + b"y" * 9999, *fields)))
        result = await probe(a_flow("https", port, Transport.TCP), a_route())
    kept = dict(facts(result, Phase.HTTP))
    body = str(kept.pop("body"))
    assert body.startswith("<html>\\x1b[31my")
    assert len(body) <= BODY_SHOWN
    assert abs(int(kept.pop("clock_skew_s") or 0) - 2 * 86400) <= 2
    assert kept == {
        "address": f"127.0.0.1:{port}",
        "status": 302,
        "reason": "Found",
        "server": "nginx",
        "content_type": "text/html",
        "location": "/x",
        "via": "1.1 gw",
        "x_cache": "HIT",
        "date": date,
    }


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 2020 00:00:00 +999999999999999999",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 99999999999999:00:00 GMT",
        "Mon, 99999999999999999999 Jan 2020 00:00:00 GMT",
        "9" * 5000,
    ],
)
def test_a_date_beyond_measure_says_nothing(date: str) -> None:
    """A server may write what it likes."""
    assert clock_skew(date) is None
