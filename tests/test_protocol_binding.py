"""The server's side of STUN Binding, and that nobody can amplify anything by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import PortRange
from rainbow_probe.protocols.binding import (
    CHANGE_ADDRESS,
    CHANGE_PORT,
    ROOM,
    Answerer,
    Reply,
    asking,
    packed,
    port_value,
    question,
    short_term_key,
    unpacked,
)
from rainbow_probe.protocols.stun import Attr, Class, Message, Method, reply, request
from rainbow_probe.protocols.stun_auth import fingerprint, sign, verify, with_fingerprint

SERVED = (PortRange(first=5060, last=5060), PortRange(first=20000, last=20009))
OWN, ASKER = 20003, ("192.0.2.7", 40000)
IPV6 = ("2001:db8::7", 40000)
TOKEN = "a token of this test's"  # noqa: S105 - made up


def answered(packet: bytes, token: str = "", asker: tuple[str, int] = ASKER, own: int = OWN) -> Reply:
    """Return the reply, which must be there."""
    found = Answerer(SERVED, token).reply(packet, *asker, own)
    assert found is not None
    return found


def number(value: int) -> bytes:
    """Write 32 bits."""
    return value.to_bytes(4, "big")


@pytest.mark.parametrize("asker", [ASKER, IPV6])
@pytest.mark.parametrize("packet", [question(), with_fingerprint(question())])
def test_everybody_learns_how_they_are_seen(packet: bytes, asker: tuple[str, int]) -> None:
    """The plain question takes a short way through the code, the same with a fingerprint the long one."""
    found = answered(packet, asker=asker)
    message = Message.parse(found.packet)
    assert (message.cls, message.mapped_address()) == (Class.SUCCESS, asker)
    assert message.transaction == packet[8:20]
    assert (found.to_port, found.leave_by) == (0, 0)
    assert fingerprint(found.packet) is (None if len(packet) == 20 else True)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0" * 20,
        b"OPTIONS sip:x SIP/2.0\r\n\r\n",
        bytes(reply(request(Method.BINDING), Class.SUCCESS)),
        bytes(Message(0x0011, bytes(12))),
        bytes(request(Method.ALLOCATE)),
        question()[:-1],
    ],
)
def test_what_is_no_question_gets_no_answer(packet: bytes) -> None:
    """An answer to an answer would never end between two responders."""
    assert Answerer(SERVED).reply(packet, *ASKER, OWN) is None


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (question(), 400),
        (sign(request(Method.BINDING), short_term_key(TOKEN)), 400),
        (question("another token"), 401),
    ],
)
def test_whoever_does_not_know_the_token_is_refused(packet: bytes, code: int) -> None:
    """In the words of RFC 8489, section 9.1.3."""
    message = Message.parse(answered(packet, TOKEN).packet)
    assert message.cls is Class.ERROR
    assert message.error() == (code, "")


def test_whoever_knows_the_token_gets_a_signed_answer() -> None:
    """So that nobody on the way can answer for the responder."""
    found = answered(question(TOKEN), TOKEN).packet
    assert Message.parse(found).mapped_address() == ASKER
    assert verify(found, short_term_key(TOKEN))
    assert not verify(found, short_term_key("another token"))
    assert TOKEN.encode() not in found


@pytest.mark.parametrize(
    ("more", "to_port", "leave_by"),
    [
        ([(Attr.RESPONSE_PORT, port_value(30001))], 30001, 0),
        ([(Attr.LEAVE_BY, port_value(5060))], 0, 5060),
        ([(Attr.LEAVE_BY, port_value(22))], 0, 0),
        ([(Attr.CHANGE_REQUEST, number(CHANGE_PORT))], 0, 20009),
        ([(Attr.RESPONSE_PORT, b"\1")], 0, 0),
        ([(Attr.RESPONSE_PORT, port_value(7)), (Attr.LEAVE_BY, port_value(20000))], 7, 20000),
    ],
)
def test_the_way_of_the_answer_can_be_chosen(more: list[tuple[int, bytes]], to_port: int, leave_by: int) -> None:
    """To another port of whoever asks, and from another one of the responder: RFC 5780."""
    found = answered(bytes(request(Method.BINDING, *more)))
    assert (found.to_port, found.leave_by) == (to_port, leave_by)
    assert Message.parse(found.packet).mapped_address() == ASKER


@pytest.mark.parametrize(("own", "other"), [(20003, 20009), (20009, 20000), (5060, 20009)])
def test_another_port_is_near_where_it_can_be(own: int, other: int) -> None:
    """In the same interval, so that a rule for the interval is what is tried."""
    packet = bytes(request(Method.BINDING, (Attr.CHANGE_REQUEST, number(CHANGE_PORT))))
    assert answered(packet, own=own).leave_by == other


@pytest.mark.parametrize(
    ("attribute", "served", "strange"),
    [
        ((Attr.CHANGE_REQUEST, number(CHANGE_ADDRESS)), SERVED, Attr.CHANGE_REQUEST),
        ((Attr.CHANGE_REQUEST, number(CHANGE_PORT)), SERVED[:1], Attr.CHANGE_REQUEST),
        ((0x7FFE, b"what"), SERVED, 0x7FFE),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_number(
    attribute: tuple[int, bytes], served: tuple[PortRange, ...], strange: int
) -> None:
    """420, with what was not understood."""
    found = Answerer(served).reply(bytes(request(Method.BINDING, attribute)), *ASKER, 5060)
    assert found
    message = Message.parse(found.packet)
    assert message.error() == (420, "")
    assert message.get(Attr.UNKNOWN_ATTRIBUTES) == strange.to_bytes(2, "big")


def test_what_is_served_is_told_in_the_room_that_was_made() -> None:
    """A list that does not fit is told as being cut, not as if it were all."""
    whole = Message.parse(answered(question("", (Attr.SERVED_PORTS, bytes(ROOM)))).packet)
    assert unpacked(whole.get(Attr.SERVED_PORTS) or b"") == SERVED
    cut = Message.parse(answered(question("", (Attr.SERVED_PORTS, bytes(8)))).packet)
    assert unpacked(cut.get(Attr.SERVED_PORTS) or b"") is None


@pytest.mark.parametrize("value", [b"", b"\0\1\0", b"\0\1\0\0", b"\0\1\0\0\0\2\0\1", b"\0\0\0\0\0\1\0\2"])
def test_a_list_that_cannot_be_is_none(value: bytes) -> None:
    """Another length than it says, or ports in the wrong order."""
    assert unpacked(value) is None


def test_a_list_needs_room_for_its_number() -> None:
    """Less than that tells nothing."""
    assert packed(SERVED, 3) == b""
    assert unpacked(packed((), 4)) == ()


ATTRIBUTES = st.lists(
    st.tuples(st.sampled_from([*Attr, 0x7ABC, 0xC123]).map(int), st.binary(max_size=24)), max_size=6
).map(lambda found: [(kind, value) for kind, value in found])


@given(more=ATTRIBUTES, signed=st.booleans(), wants=st.booleans(), six=st.booleans())
def test_a_reply_is_never_larger_than_the_question_and_the_address(
    more: list[tuple[int, bytes]], signed: bool, wants: bool, six: bool
) -> None:
    """Whatever is asked, by whomever: nothing can be amplified."""
    packet = question(TOKEN, *more) if signed else bytes(asking("", *more))
    found = Answerer(SERVED, TOKEN if wants else "").reply(packet, *(IPV6 if six else ASKER), OWN)
    assert found is not None
    assert len(found.packet) <= len(packet) + (24 if six else 12)


@pytest.mark.parametrize("value", [b"", b"\0", b"\0" * 8])
def test_a_fingerprint_of_no_size_makes_no_room_for_one(value: bytes) -> None:
    """An empty one is four bytes shorter than what would answer it."""
    packet = bytes(asking("", (int(Attr.FINGERPRINT), value)))
    assert len(answered(packet).packet) <= len(packet) + 12
    assert len(answered(packet, asker=IPV6).packet) <= len(packet) + 24


def test_forged_senders_get_no_more_than_the_documentation_says() -> None:
    """A quarter more bytes than were sent, with the headers of IPv4 and UDP: counted on the wire, it was as much."""
    headers = 20 + 8
    told = (Path(__file__).parents[1] / "docs" / "responder.md").read_text("utf-8")
    for packet, token in ((question(), ""), (question(), TOKEN)):
        found = Answerer(SERVED, token).reply(packet, *ASKER, OWN)
        assert found
        came, went = headers + len(packet), headers + len(found.packet)
        assert f"| {came} | {went} | {went / came:.2f} |" in told
