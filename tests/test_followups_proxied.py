"""What is tried beside a tunnel that led nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.proxied import beside_the_tunnel
from rainbow_probe.model import Cause, Flow, Outcome, Phase, Via
from tests.judge_samples import (
    PROXY_SITE,
    TURN,
    Fault,
    Match,
    both,
    case,
    guide,
    host,
    past_the_proxy,
    proxied,
    tcp,
)

FILES = host("files-hds.openrainbow.health")


def controls(*faults: Fault) -> dict[str, Flow]:
    """Follow *faults* at a site with a proxy up; the controls by their id."""
    found = case(*faults, site=PROXY_SITE)
    sofar = Sofar(guide=guide(), site=PROXY_SITE, results={one.flow.id: one for one in found.results})
    return {flow.id: flow for flow in follow_up(sofar, [beside_the_tunnel])}


def refused(cause: Cause, match: Match, phase: Phase = Phase.PROXY) -> Fault:
    """Let tunnels of what matches come to that."""
    return Fault(match=both(proxied, match), phase=phase, cause=cause)


@pytest.mark.parametrize(
    ("cause", "phase"),
    [
        (Cause.PROXY_TARGET_FAILED, Phase.PROXY),
        (Cause.PROXY_RESOLVE_FAILED, Phase.PROXY),
        (Cause.TIMEOUT, Phase.PROXY),
        (Cause.CLOSED, Phase.TLS),
        (Cause.NOT_TLS, Phase.TLS),
    ],
)
def test_a_neutral_host_and_the_way_past_the_proxy_are_tried(cause: Cause, phase: Phase) -> None:
    """On the same port, as the same kind; a control says whose it is."""
    found = controls(refused(cause, FILES, phase))
    neutral = "https/connectivitycheck.gstatic.com:443/tls/proxy/control"
    past = "https/files-hds.openrainbow.health:443/tls/direct/control"
    assert list(found) == [neutral, past]
    assert {flow.control_of for flow in found.values()} == {"https/files-hds.openrainbow.health:443/tls/proxy"}
    assert (found[neutral].via, found[past].via) == (Via.PROXY, Via.DIRECT)


def test_a_refusal_is_the_proxys_own_word() -> None:
    """The way past it would tell nothing."""
    assert [flow.via for flow in controls(refused(Cause.PROXY_DENIED, FILES)).values()] == [Via.PROXY]


def test_what_is_tried_directly_anyhow_is_not_tried_twice() -> None:
    """Rows of other clients have TURN past the proxy; plain HTTP goes to the neutral host on port 80."""
    found = controls(refused(Cause.PROXY_TARGET_FAILED, both(host(*TURN), tcp(80))))
    assert list(found) == ["portal/connectivitycheck.gstatic.com:80/tcp/proxy/control"]
    assert found["portal/connectivitycheck.gstatic.com:80/tcp/proxy/control"].params["expect_status"] == 204


@pytest.mark.parametrize(
    "fault",
    [
        Fault(match=both(past_the_proxy, host(*TURN)), cause=Cause.TIMEOUT),
        refused(Cause.PROXY_AUTH, FILES),
        refused(Cause.TLS_INTERCEPTED, FILES, Phase.TLS),
        replace(refused(Cause.TIMEOUT, FILES), outcome=Outcome.INCONCLUSIVE),
    ],
)
def test_what_has_another_cause_is_left_alone(fault: Fault) -> None:
    """A control that separates nothing is not made."""
    assert controls(fault) == {}
