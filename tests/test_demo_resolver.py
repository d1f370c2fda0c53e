"""The demo's DNS resolver, asked by dig and byte by byte."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.demo.resolver import answer
from rainbow_probe.demo.services import AGENT, APEX, CONTROL, MTALK, NAMES
from tests.demo_clients import HOST, ask_tcp, ask_udp, connected, needs, run

KNOWN = frozenset({"known.example"})


def port_of(site: DemoSite) -> int:
    """Return the resolver's port."""
    return int(site.resolver.rpartition(":")[2])


async def dig(site: DemoSite, *question: str) -> str:
    """Ask the resolver by dig; one try."""
    _, said = await run("dig", f"@{HOST}", "-p", str(port_of(site)), "+tries=1", "+time=2", *question)
    return said


@needs("dig")
@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize(
    ("question", "status", "answers"),
    [
        ([APEX], "NOERROR", 1),
        ([AGENT.upper()], "NOERROR", 1),
        ([MTALK[0]], "NOERROR", 1),
        ([APEX, "AAAA"], "NOERROR", 0),
        ([APEX, "MX"], "NOERROR", 0),
        (["turn9.openrainbow.health"], "NXDOMAIN", 0),
        (["example.org"], "NXDOMAIN", 0),
    ],
)
async def test_dig_finds_what_there_is(transport: str, question: list[str], status: str, answers: int) -> None:
    """Addresses for the names of the cloud, NODATA for other types, NXDOMAIN for other names."""
    async with demo_cloud() as site:
        said = await dig(site, transport, *question)
        assert f"status: {status}" in said
        assert f"ANSWER: {answers}," in said
        assert answers or "SOA" in said


@needs("dig")
async def test_the_address_is_loopback() -> None:
    """All of the cloud is on this machine."""
    async with demo_cloud() as site:
        assert (await dig(site, "+short", APEX)).strip() == HOST


@needs("dig")
@pytest.mark.parametrize(("name", "status"), [(APEX, "NXDOMAIN"), (AGENT, "NXDOMAIN"), (CONTROL, "NOERROR")])
async def test_nxdomain_hits_rainbows_names_only(name: str, status: str) -> None:
    """The fault is a resolver that works and does not know them."""
    async with demo_cloud(["dns-nxdomain"]) as site:
        assert f"status: {status}" in await dig(site, name)


@needs("dig")
async def test_offline_the_resolver_is_silent() -> None:
    """Over UDP nothing comes, over TCP the connection is refused."""
    async with demo_cloud(["offline"]) as site:
        assert "timed out" in await dig(site, APEX, "+time=1")
        with pytest.raises(ConnectionRefusedError):
            await ask_tcp(port_of(site), b"")


async def test_many_questions_share_a_connection() -> None:
    """Each message has its length before it (RFC 1035 section 4.2.2)."""
    async with demo_cloud() as site, connected(port_of(site)) as (reader, writer):
        for name in sorted(NAMES)[:5]:
            query = dns.message.make_query(name, "A")
            writer.write(len(query.to_wire()).to_bytes(2, "big") + query.to_wire())
            size = int.from_bytes(await reader.readexactly(2), "big")
            response = dns.message.from_wire(await reader.readexactly(size))
            assert query.is_response(response)
            assert response.answer


async def test_junk_gets_no_answer_and_breaks_nothing() -> None:
    """Over UDP it is passed over, over TCP it ends the connection."""
    async with demo_cloud() as site:
        assert await ask_udp(port_of(site), b"junk", 0.1) is None
        assert await ask_tcp(port_of(site), b"\x00\x04junk") == b""
        assert await ask_tcp(port_of(site), b"\xff", 0.1) is None
        query = dns.message.make_query(APEX, "A").to_wire()
        assert await ask_udp(port_of(site), query)


def test_every_name_resolves() -> None:
    """Those nothing is served on too, such as the mail hosts."""
    for name in NAMES:
        response = dns.message.from_wire(answer(dns.message.make_query(name, "A").to_wire(), NAMES) or b"")
        assert [str(record) for rrset in response.answer for record in rrset] == [HOST]


def test_other_classes_have_no_addresses() -> None:
    """Only IN is served."""
    query = dns.message.make_query("known.example", "A", "CH")
    assert not dns.message.from_wire(answer(query.to_wire(), KNOWN) or b"").answer


@pytest.mark.parametrize("opcode", [dns.opcode.STATUS, dns.opcode.NOTIFY])
def test_other_operations_are_not_implemented(opcode: dns.opcode.Opcode) -> None:
    """NOTIMP, as RFC 1035 section 4.1.1 has it."""
    query = dns.message.make_query("known.example", "A")
    query.set_opcode(opcode)
    response = dns.message.from_wire(answer(query.to_wire(), KNOWN) or b"")
    assert response.rcode() == dns.rcode.NOTIMP


def test_an_answer_is_not_answered() -> None:
    """Or two resolvers could keep each other busy."""
    response = dns.message.make_response(dns.message.make_query("known.example", "A"))
    assert response.flags & dns.flags.QR
    assert answer(response.to_wire(), KNOWN) is None


@given(st.binary(max_size=80))
def test_no_bytes_break_the_resolver(query: bytes) -> None:
    """They are a query or they are ignored."""
    reply = answer(query, KNOWN)
    assert reply is None or dns.message.from_wire(reply).flags & dns.flags.QR


@given(st.binary(min_size=1, max_size=60))
def test_no_question_breaks_the_resolver(rest: bytes) -> None:
    """A sound header, and anything behind it."""
    reply = answer(b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + rest, KNOWN)
    assert reply is None or reply[:2] == b"\x00\x01"


async def test_two_demos_run_side_by_side() -> None:
    """Each on ports of its own."""
    async with demo_cloud() as one, demo_cloud() as other:
        assert not set(one.ports.values()) & set(other.ports.values())
        assert one.resolver != other.resolver
