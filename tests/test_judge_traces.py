"""What the steps of a check show: reading them, and the small text helpers of the judge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.judge.traces import (
    addresses,
    answered,
    cause,
    connected,
    domain,
    failure,
    host_of,
    interceptor,
    is_loopback,
    issuer,
    phase,
    shut,
    tried,
    tunnelled,
)
from rainbow_probe.model import Cause, Endpoint, Failure, Outcome, Phase, Result, Step, Transport, Via
from tests.judge_samples import APEX, PROXY, Fault, flow, opened_by, result

DIRECT = flow("x", name=APEX)
PROXIED = flow("x", name=APEX, via=Via.PROXY)
UDP = replace(DIRECT, kind="turn", transport=Transport.UDP, target=Endpoint(host=APEX, port=3478))


def failed(where: Phase, why: Cause = Cause.TIMEOUT, *, of: object = DIRECT) -> Result:
    """Make a result of one of the flows above that failed."""
    flows = {id(one): one for one in (DIRECT, PROXIED, UDP)}
    return result(flows[id(of)], Fault(match=lambda _: True, phase=where, cause=why, facts={"issuer": "CN=Acme"}))


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("203.0.113.9:443", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("a.example:80", "a.example"),
        ("2001:db8::1", "2001:db8::1"),
        ("a.example", "a.example"),
        ("", ""),
    ],
)
def test_hosts_are_taken_out_of_what_a_step_is_about(text: str, host: str) -> None:
    """Names, both families, with and without a port."""
    assert host_of(text) == host


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.53", True),
        ("::1", True),
        ("fe80::1%eth0", False),
        ("10.0.0.1", False),
        ("localhost", True),
        (APEX, False),
    ],
)
def test_this_machine_is_known_by_its_addresses(host: str, loopback: bool) -> None:
    """A name other than localhost is somebody else."""
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        (APEX, APEX),
        (f"turn-sbg1.{APEX.upper()}.", APEX),
        ("alt1-mtalk.google.com", "google.com"),
        ("a.shop.co.uk", "shop.co.uk"),
        ("b.shop.co.uk", "shop.co.uk"),
        ("x.ab.cd", "ab.cd"),
        ("localhost", "localhost"),
    ],
)
def test_names_are_related_by_their_registered_domain(name: str, registered: str) -> None:
    """As well as it can be told without a list."""
    assert domain(name) == registered


def test_a_failure_is_read_from_the_verdict() -> None:
    """Of a pass there is none, nor of what cannot be told."""
    lost = failed(Phase.TLS, Cause.TLS_ALERT)
    assert (phase(lost), cause(lost)) == (Phase.TLS, Cause.TLS_ALERT)
    good = result(DIRECT)
    assert (failure(good), phase(good), cause(good)) == (None, None, None)
    unclear = replace(lost, verdict=replace(lost.verdict, outcome=Outcome.INCONCLUSIVE))
    assert failure(unclear) is None


def test_a_skipped_check_sent_nothing() -> None:
    """Nor did one that looks at this machine alone."""
    assert tried(result(DIRECT))
    assert not tried(result(DIRECT, Fault(match=lambda _: True, outcome=Outcome.SKIPPED)))
    assert not tried(result(replace(DIRECT, kind="ports")))


@pytest.mark.parametrize(
    ("where", "took", "spoke"),
    [(Phase.CONNECT, False, False), (Phase.TLS, True, False), (Phase.HTTP, True, True)],
)
def test_taking_a_connection_is_not_an_answer(where: Phase, took: bool, spoke: bool) -> None:
    """Anybody may take one; TLS and what follows are the target's."""
    lost = failed(where)
    assert (connected(lost), answered(lost)) == (took, spoke)


def test_a_tunnel_says_nothing_of_its_target() -> None:
    """A check of the proxy passes by the proxy's own word."""
    assert not answered(result(replace(PROXIED, kind="proxy")))


def test_udp_has_no_connection() -> None:
    """A socket that opens says nothing."""
    assert not connected(failed(Phase.STUN, of=UDP))
    assert answered(failed(Phase.TURN_ALLOCATE, of=UDP))


@pytest.mark.parametrize(("where", "opened"), [(Phase.PROXY, False), (Phase.TLS, True)])
def test_a_tunnel_is_the_proxys_word(where: Phase, opened: bool) -> None:
    """And only the proxy's."""
    assert tunnelled(failed(where, of=PROXIED)) is opened
    assert not tunnelled(failed(Phase.HTTP))


@pytest.mark.parametrize(
    ("where", "why", "closed"),
    [
        (Phase.CONNECT, Cause.TIMEOUT, True),
        (Phase.CONNECT, Cause.REFUSED, True),
        (Phase.CONNECT, Cause.CLOSED, False),
        (Phase.TLS, Cause.TIMEOUT, False),
        (Phase.RESOLVE, Cause.TIMEOUT, False),
    ],
)
def test_a_closed_door_shows_before_anybody_speaks(where: Phase, why: Cause, closed: bool) -> None:
    """Dropped, or rejected in one of several ways; the proxy's doors are not ours."""
    assert shut(failed(where, why)) is closed
    assert not shut(failed(where, why, of=PROXIED))


def test_a_closed_door_of_udp_shows_at_stun() -> None:
    """There is nothing before it."""
    assert shut(failed(Phase.STUN, of=UDP))
    assert shut(failed(Phase.STUN, Cause.PROHIBITED, of=UDP))
    assert not shut(failed(Phase.TURN_ALLOCATE, of=UDP))


def test_an_issuer_is_read_from_the_targets_own_handshake() -> None:
    """The private CA of an ``https://`` proxy is nobody who decrypts."""
    with_proxy = Step(
        phase=Phase.TLS,
        subject=str(PROXY.endpoint),
        at=0.0,
        took=0.1,
        facts={"issuer": "CN=Proxy CA", "intercepted_by": "CN=Proxy CA"},
    )
    through = result(PROXIED)
    both = replace(through, steps=(with_proxy, *through.steps))
    assert (issuer(both), interceptor(both)) == ("CN=Public CA", "")
    assert interceptor(opened_by(both)) == "CN=Acme Inspection"


def test_who_decrypts_is_known_even_where_it_failed() -> None:
    """The cause says that somebody does, the certificate who."""
    assert interceptor(failed(Phase.TLS, Cause.TLS_INTERCEPTED)) == "CN=Acme"
    assert interceptor(failed(Phase.TLS, Cause.TLS_UNTRUSTED)) == ""
    bare = replace(failed(Phase.TLS, Cause.TLS_INTERCEPTED), steps=())
    assert interceptor(bare) == "an unnamed issuer"


def test_addresses_are_the_targets_own() -> None:
    """Neither the proxy's nor what a resolver said when it was asked directly."""
    assert len(addresses(result(DIRECT))) == 1
    assert addresses(result(PROXIED)) == ()


def test_a_verdict_without_its_failure_is_still_one() -> None:
    """Its cause is unknown."""
    lost = failed(Phase.TLS)
    bare = replace(lost, verdict=replace(lost.verdict, failure=None))
    assert failure(bare) == Failure(phase=Phase.CONNECT, cause=Cause.UNKNOWN, detail=lost.verdict.reason)
