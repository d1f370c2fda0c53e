"""The demo as a whole: started and stopped, what it tells the probe, and that it serves the whole catalogue."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from rainbow_probe import catalogue, demo
from rainbow_probe.checks import kinds
from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.demo.services import APEX, NAMES, TURN
from rainbow_probe.model import Endpoint, Transport
from tests.demo_clients import HOST, binding, run

STOP = 8.0  # seconds: it waits for none of those ten that a handshake may take
GUIDE = "hds-ed21"
WITHOUT_A_PORT = {"dns", "udp-range", "ports"}
"""Kinds that go to the resolver, to relayed addresses, or nowhere."""


async def test_it_stops_at_once_whatever_is_going_on() -> None:
    """Connections open, a TLS handshake half done, a datagram unanswered."""
    async with demo_cloud(["proxy-only", "udp-blocked"]) as blocked, demo_cloud() as site:
        open_ones = [await asyncio.open_connection(HOST, port) for port in tcp_ports(site)]
        proxied = await asyncio.open_connection(HOST, int(str(blocked.proxy).rpartition(":")[2]))
        proxied[1].write(f"CONNECT {TURN[0]}:80 HTTP/1.1\r\nHost: a\r\n\r\n".encode() + binding())
        assert await proxied[0].readline()
        start = time.monotonic()
    assert time.monotonic() - start < STOP
    for _, writer in [*open_ones, proxied]:
        writer.transport.abort()


def tcp_ports(site: DemoSite) -> set[int]:
    """Return every TCP port of *site*."""
    return {port for (_, _, carrier), port in site.ports.items() if carrier == "tcp"}


async def test_its_ports_are_free_again() -> None:
    """So that the next run, and everybody else, can have them."""
    for _ in range(3):  # other programs may get one of them at once
        async with demo_cloud(["proxy-only"]) as site:
            ports = {(port, carrier) for (_, _, carrier), port in site.ports.items()}
        if not (taken := [one for one in ports if not _is_free(*one)]):
            break
    assert taken == []


def _is_free(port: int, carrier: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if carrier == "tcp" else socket.SOCK_DGRAM) as own:
        try:
            own.bind((HOST, port))
        except OSError:
            return False
    return True


async def test_it_leaves_no_file_behind() -> None:
    """Neither certificates nor keys."""
    async with demo_cloud(["tls-intercepted"]) as site:
        files = [site.public_ca, site.machine_ca or Path()]
        assert all(file.is_file() for file in files)
    assert not any(file.exists() for file in files)
    assert not site.public_ca.parent.exists()


async def test_an_exception_inside_comes_out_as_it_is() -> None:
    """The command line catches its own exceptions, not groups of them."""
    with pytest.raises(ZeroDivisionError):
        await fail_inside()


async def fail_inside() -> None:
    """Fail while the demo runs."""
    async with demo_cloud():
        raise ZeroDivisionError


async def test_ctrl_c_inside_ends_it() -> None:
    """A cancelled run closes the demo and stays cancelled."""
    started = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(stay(started))
        await started.wait()
        task.cancel()
    assert task.cancelled()


async def stay(started: asyncio.Event) -> None:
    """Keep a demo open for ever."""
    async with demo_cloud():
        started.set()
        await asyncio.Event().wait()


async def test_no_password_shows() -> None:
    """In no representation of the site."""
    async with demo_cloud(["proxy-auth"]) as site:
        assert site.proxy_credentials is not None
        for secret in (site.credentials.password, site.proxy_credentials.password):
            assert secret not in repr(site) + str(site) + str(site.proxy)


async def test_passwords_are_new_each_time() -> None:
    """Nothing of the demo is a fixed secret."""
    async with demo_cloud() as one, demo_cloud() as other:
        assert one.credentials != other.credentials


@pytest.mark.parametrize(
    ("fault", "trusted"), [("tls-intercepted", True), ("proxy-no-upgrade", True), ("tls-untrusted", False), ("", False)]
)
async def test_the_machine_trusts_a_company_only_where_it_has_one(fault: str, trusted: bool) -> None:
    """Otherwise there is nothing to tell the probe."""
    async with demo_cloud([fault] if fault else []) as site:
        assert (site.machine_ca is not None) is trusted


async def test_roots_are_apart() -> None:
    """The public file has the public root and Apple's, the machine's file the company's alone."""
    async with demo_cloud(["tls-intercepted"]) as site:
        assert organizations(site.public_ca) == {"Demo Public CA", "Apple Demo CA"}
        assert organizations(site.machine_ca or Path()) == {"Example Corp TLS Inspection"}


def organizations(path: Path) -> set[object]:
    """Return the organizations of the roots in the file at *path*."""
    roots = x509.load_pem_x509_certificates(path.read_bytes())
    return {root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value for root in roots}


async def test_the_map_replaces_ports_only() -> None:
    """Names stay, so that they are resolved, shown and verified as for real."""
    async with demo_cloud() as site:
        to = site.maps[Endpoint(host=APEX, port=443)]
        assert to == Endpoint(host="", port=site.ports[APEX, 443, "tcp"])
        assert len(site.maps) == len(site.ports)


async def test_every_flow_of_the_guide_is_served() -> None:
    """A host or a port that is new in the catalogue needs its server here."""
    guide = catalogue.load(catalogue.builtin(GUIDE), kinds())
    async with demo_cloud() as site:
        for flow in guide.flows.values():
            group = guide.hosts[flow.hosts] if flow.kind != "ports" else None
            for host in () if group is None or group.place else group.names or TURN:  # the LAN is the site's own
                assert host in NAMES, flow.id
                carrier = "udp" if flow.transport is Transport.UDP else "tcp"
                assert flow.kind in WITHOUT_A_PORT or (host, flow.port, carrier) in site.ports, flow.id


def test_the_turn_hosts_are_candidates_of_the_guide() -> None:
    """So that they are found without being given."""
    guide = catalogue.load(catalogue.builtin(GUIDE), kinds())
    candidates = {name for group in guide.hosts.values() if group.turn for name in group.candidates}
    assert set(TURN) <= candidates
    assert candidates & NAMES == set(TURN)


async def test_starting_is_quick() -> None:
    """The user waits for it: two seconds of work are the limit, a tenth of one usual, however busy the machine."""
    start = time.process_time()
    async with demo_cloud(["tls-intercepted"]):
        assert time.process_time() - start < 2


async def test_the_list_of_faults_costs_no_servers() -> None:
    """``--help`` names the faults, and must stay instant."""
    servers = "{'trustme', 'websockets'} & set(sys.modules)"
    code = f"import sys; from rainbow_probe.demo import FAULTS; print(FAULTS and {servers})"
    assert (await run(sys.executable, "-c", code))[1].strip() == "set()"


def test_other_names_are_not_there() -> None:
    """The lazy import must not hide a misspelling."""
    with pytest.raises(AttributeError, match="no attribute 'demo_clud'"):
        getattr(demo, "demo_clud")  # noqa: B009 - mypy would see the plain spelling
