"""Every fault is what it says: the site seen from inside, door by door."""

from __future__ import annotations

import ssl

import pytest

from rainbow_probe.demo import FAULTS, DemoSite, demo_cloud
from rainbow_probe.demo.faults import checked
from rainbow_probe.demo.services import APEX, CONTROL, COURIERS, MTALK, TURN, Door
from tests.demo_clients import ask_tcp, ask_udp, binding, connected, curl, mapped, needs, trusting

REST: Door = (APEX, 443, "tcp")
TURN_UDP: Door = (TURN[0], 3478, "udp")
TURN_TLS: Door = (TURN[1], 443, "tcp")
TURN_TCP: Door = (TURN[0], 80, "tcp")
FCM: Door = (MTALK[0], 5228, "tcp")
APNS: Door = (COURIERS[0], 443, "tcp")
WEB: Door = (CONTROL, 80, "tcp")
DOORS = (REST, TURN_UDP, TURN_TLS, TURN_TCP, FCM, APNS, WEB)

# What each fault closes; all other doors are open.
CLOSED = {
    "udp-blocked": {TURN_UDP},
    "udp-range-blocked": set[Door](),
    "only-443": {TURN_UDP, TURN_TCP, FCM, WEB},
    "fcm-blocked": {FCM},
    "turn-80-inspected": set[Door](),
    "tls-intercepted": set[Door](),
    "tls-untrusted": set[Door](),
    "proxy-only": set(DOORS),
    "proxy-auth": set(DOORS),
    "proxy-denies-80": set(DOORS),
    "proxy-no-upgrade": set[Door](),
    "captive-portal": {REST, TURN_UDP, TURN_TLS, FCM, APNS},
    "dns-nxdomain": set[Door](),
    "cert-expired": set[Door](),
    "turn-bad-credentials": set[Door](),
    "account-wrong": set[Door](),
    "offline": set(DOORS),
}


async def is_open(site: DemoSite, door: Door) -> bool:
    """Tell whether *door* is open: a connection is accepted, or a Binding request answered."""
    if door[2] == "udp":
        return mapped(await ask_udp(site.ports[door], binding(), 0.3)) is not None
    try:
        async with connected(site.ports[door]):
            return True
    except ConnectionRefusedError:
        return False


def test_every_fault_is_in_the_table() -> None:
    """A new one comes with its test."""
    assert set(CLOSED) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_closes_what_it_says_and_nothing_else(fault: str) -> None:
    """TCP by a refusal, UDP by silence."""
    async with demo_cloud([fault]) as site:
        assert {door for door in DOORS if not await is_open(site, door)} == CLOSED[fault]


async def test_without_a_fault_all_is_open() -> None:
    """Every door of the cloud."""
    async with demo_cloud() as site:
        assert all([await is_open(site, door) for door in site.ports])


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_described_in_a_sentence(fault: str) -> None:
    """For ``--help`` and for the documentation."""
    assert FAULTS[fault].endswith(".")
    assert fault == fault.lower()


@pytest.mark.parametrize("wrong", ["udp-blockd", "", "UDP-BLOCKED"])
async def test_an_unknown_fault_is_refused_by_name(wrong: str) -> None:
    """And the known ones are named."""
    with pytest.raises(ValueError, match=f"unknown fault '{wrong}'.*udp-blocked.*offline"):
        await enter([wrong])


async def enter(faults: list[str]) -> DemoSite:
    """Start a demo and stop it."""
    async with demo_cloud(faults) as site:
        return site


def test_a_fault_may_be_given_twice() -> None:
    """It is a set."""
    assert checked(["offline", "offline"]) == {"offline"}


@pytest.mark.parametrize(
    ("faults", "closed"),
    [
        ({"udp-blocked", "fcm-blocked"}, {TURN_UDP, FCM}),
        ({"udp-blocked", "turn-80-inspected"}, {TURN_UDP}),
        ({"only-443", "tls-intercepted"}, {TURN_UDP, TURN_TCP, FCM, WEB}),
        ({"proxy-no-upgrade", "proxy-only"}, set(DOORS)),
        ({"captive-portal", "dns-nxdomain"}, CLOSED["captive-portal"]),
    ],
)
async def test_faults_add_up(faults: set[str], closed: set[Door]) -> None:
    """What either closes is closed."""
    async with demo_cloud(faults) as site:
        assert {door for door in DOORS if not await is_open(site, door)} == closed


async def test_all_faults_together_start() -> None:
    """However little sense that makes."""
    async with demo_cloud(FAULTS) as site:
        assert site.faults == set(FAULTS)


@needs("curl")
@pytest.mark.parametrize("url", [f"http://{CONTROL}/generate_204", f"http://{TURN[0]}/"])
async def test_a_captive_portal_answers_for_everybody(url: str) -> None:
    """On port 80, with a way to its own page."""
    async with demo_cloud(["captive-portal"]) as site:
        _, said = await curl(site, url, "-i")
    assert " 302 Found" in said
    assert "Location: http://portal.example/login" in said


async def test_a_captive_portal_takes_stun_for_a_bad_request() -> None:
    """It speaks HTTP only."""
    async with demo_cloud(["captive-portal"]) as site:
        assert (await ask_tcp(site.ports[TURN_TCP], binding()) or b"").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("door", [REST, TURN_TLS])
async def test_an_expired_certificate_is_expired(door: Door) -> None:
    """By its date alone: the authority is the right one."""
    async with demo_cloud(["cert-expired"]) as site:
        with pytest.raises(ssl.SSLCertVerificationError) as refused:
            await shake_hands(site, door)
    assert refused.value.verify_code == 10  # X509_V_ERR_CERT_HAS_EXPIRED


async def shake_hands(site: DemoSite, door: Door) -> None:
    """Shake hands with *door*, and leave."""
    async with connected(site.ports[door], trusting(site.public_ca), door[0]):
        pass
