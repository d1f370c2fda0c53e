"""What the proxy lets through, from its own answers."""

from __future__ import annotations

import pytest

from rainbow_probe.model import Cause, Phase, Scalar
from rainbow_probe.report.wording import let_through
from tests.judge_samples import PROXY_SITE, Fault, both, by_address, host, kind, proxied, report, tcp

EVERYTHING: dict[str, Scalar] = {
    "connect_by_name": True,
    "connect_by_address": True,
    "connect_port_80": True,
    "connect_port_443": True,
    "upgrade": True,
    "http_version": "1.1",
}


def test_without_a_proxy_there_is_no_policy() -> None:
    """Nor where nothing was sent to it."""
    assert report().proxy_policy == {}


def test_a_proxy_that_lets_everything_through() -> None:
    """As far as clients need it."""
    assert report(site=PROXY_SITE).proxy_policy == EVERYTHING


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        (Fault(match=both(proxied, tcp(80)), phase=Phase.PROXY, cause=Cause.PROXY_DENIED), {"connect_port_80": False}),
        (
            Fault(
                match=both(proxied, by_address),
                phase=Phase.PROXY,
                cause=Cause.PROXY_DENIED,
            ),
            {"connect_by_address": False},
        ),
        (
            Fault(match=both(proxied, kind("xmpp")), phase=Phase.WEBSOCKET, cause=Cause.UPGRADE_REFUSED),
            {"upgrade": False},
        ),
        (Fault(match=both(proxied, host("openrainbow.health")), phase=Phase.PROXY, cause=Cause.PROXY_DENIED), {}),
    ],
)
def test_what_it_refuses(fault: Fault, changed: dict[str, bool]) -> None:
    """A refusal is its own word; one host that is let through shows that the rest is not refused for its kind."""
    assert report(fault, site=PROXY_SITE).proxy_policy == EVERYTHING | changed


def test_what_did_not_come_so_far_is_not_known() -> None:
    """Silence is no refusal."""
    mute = Fault(match=proxied, phase=Phase.PROXY, cause=Cause.TIMEOUT)
    assert report(mute, site=PROXY_SITE).proxy_policy == {}


def test_the_summary_is_one_line() -> None:
    """For whoever reads the report."""
    policy: dict[str, Scalar] = {**EVERYTHING, "connect_port_80": False, "names_itself": "squid/5.7"}
    assert let_through(policy) == (
        "CONNECT by name, by address, port 443, Upgrade; not port 80; HTTP/1.1; calls itself squid/5.7"
    )
