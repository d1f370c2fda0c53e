"""One STUN request until its answer: strays, forged answers, other protocols."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Cause
from rainbow_probe.protocols import stun
from rainbow_probe.protocols.stun import Attr, Class, Message, Method
from rainbow_probe.protocols.stun_auth import sign, verify
from rainbow_probe.protocols.transaction import STRAY_SIZE, Transaction, not_stun
from tests.test_stun import FUZZ, messages

KEY = b"0123456789abcdef"
OTHER = b"fedcba9876543210"


def error(code: int) -> tuple[int, bytes]:
    """Build an ERROR-CODE attribute."""
    return Attr.ERROR_CODE, stun.error_code(code, "no")


def test_the_request_is_the_message() -> None:
    """Without a key as it is, with one signed."""
    message = stun.request(Method.BINDING)
    assert Transaction(message).request == bytes(message)
    assert not Transaction(message).signed
    assert Transaction(message, KEY).signed
    assert verify(Transaction(message, KEY).request, KEY)


@pytest.mark.parametrize("cls", [Class.SUCCESS, Class.ERROR])
def test_the_answer_is_recognised(cls: Class) -> None:
    """By transaction, method and class; a success and an error are both answers."""
    transaction = Transaction(stun.request(Method.BINDING))
    answer = stun.reply(transaction.message, cls)
    assert transaction.feed(bytes(answer)) == answer
    assert transaction.complaint() is None


def test_strays_are_no_answers() -> None:
    """An answer to another request, our own request reflected, an indication, another method."""
    transaction = Transaction(stun.request(Method.BINDING))
    strays = [
        stun.reply(stun.request(Method.BINDING), Class.SUCCESS),
        transaction.message,
        stun.reply(transaction.message, Class.INDICATION),
        Message(stun.kind_of(Method.ALLOCATE, Class.SUCCESS), transaction.message.transaction),
    ]
    assert [transaction.feed(bytes(stray)) for stray in strays] == [None] * 4
    assert transaction.complaint() is None, "well-formed strays say nothing of the path"


@pytest.mark.parametrize(
    ("packet", "cause"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: box\r\n\r\n", Cause.HTTP_INSTEAD_OF_STUN),
        (b"<html><title>Blocked</title>", Cause.HTTP_INSTEAD_OF_STUN),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Cause.NOT_STUN),
        (bytes.fromhex("15030300020228"), Cause.NOT_STUN),
        (b"\x00", Cause.NOT_STUN),
    ],
)
def test_other_protocols_are_kept_as_evidence(packet: bytes, cause: Cause) -> None:
    """The first bytes say who answered instead of the server."""
    transaction = Transaction(stun.request(Method.BINDING))
    assert transaction.feed(packet) is None
    assert transaction.feed(b"later") is None
    assert transaction.stray == packet
    complaint = transaction.complaint()
    assert complaint is not None
    assert complaint.cause is cause
    assert str(complaint).isprintable()


def test_the_evidence_is_bounded() -> None:
    """A long page is not kept whole."""
    transaction = Transaction(stun.request(Method.BINDING))
    transaction.feed(b"HTTP/1.1 200 OK\r\n" + b"x" * 100_000)
    assert len(transaction.stray) == STRAY_SIZE
    assert len(str(transaction.complaint())) < 200


def test_nothing_is_something_too() -> None:
    """An empty datagram is named as one."""
    assert not_stun(b"").cause is Cause.NOT_STUN
    assert str(not_stun(b"")) == "answered with nothing"


@pytest.mark.parametrize(("key", "accepted"), [(KEY, True), (OTHER, False), (None, False)])
def test_a_success_under_a_key_must_be_signed(key: bytes | None, *, accepted: bool) -> None:
    """Else it is dropped as if it had never come, and remembered (RFC 8489 section 9.2.5)."""
    transaction = Transaction(stun.request(Method.ALLOCATE), KEY)
    answer = stun.reply(transaction.message, Class.SUCCESS)
    packet = bytes(answer) if key is None else sign(answer, key)
    assert (transaction.feed(packet) is not None) is accepted
    assert transaction.rejected == (not accepted)


def test_forged_answers_are_the_cause_of_the_silence() -> None:
    """When the wait ends, the check can tell why; and the true answer still counts when it comes."""
    transaction = Transaction(stun.request(Method.ALLOCATE), KEY)
    answer = stun.reply(transaction.message, Class.SUCCESS)
    for _ in range(3):
        assert transaction.feed(bytes(answer)) is None
    complaint = transaction.complaint()
    assert complaint is not None
    assert (complaint.cause, str(complaint)[:2]) == (Cause.BAD_INTEGRITY, "3 ")
    assert transaction.feed(sign(answer, KEY)) is not None


@pytest.mark.parametrize(
    ("code", "key", "accepted"),
    [
        (401, None, True),  # made before a key is agreed on
        (438, None, True),
        (400, None, True),
        (401, OTHER, True),  # the server signed with the right password, we have the wrong one
        (486, KEY, True),
        (486, None, True),  # servers differ
        (437, OTHER, False),
    ],
)
def test_errors_under_a_key(code: int, key: bytes | None, *, accepted: bool) -> None:
    """An unsigned error is believed; one with a wrong signature is not, but for those that precede the key."""
    transaction = Transaction(stun.request(Method.ALLOCATE), KEY)
    answer = stun.reply(transaction.message, Class.ERROR, error(code))
    packet = bytes(answer) if key is None else sign(answer, key)
    assert (transaction.feed(packet) is not None) is accepted


def test_the_schedule_is_the_protocols() -> None:
    """Seven times over datagrams, once over a stream."""
    transaction = Transaction(stun.request(Method.BINDING))
    assert len(list(transaction.waits(reliable=False))) == 7
    assert len(list(transaction.waits(reliable=True))) == 1


@FUZZ
@given(st.one_of(st.binary(max_size=100), messages.map(bytes)), st.booleans())
def test_no_packet_is_an_answer_by_accident(packet: bytes, signed: bool) -> None:
    """Whatever comes, with a key or without, it is not for us."""
    transaction = Transaction(stun.request(Method.BINDING), KEY if signed else None)
    assert transaction.feed(packet) is None
    complaint = transaction.complaint()
    assert complaint is None or str(complaint).isprintable()


@FUZZ
@given(messages)
def test_an_answer_with_any_attributes_is_bearable(message: Message) -> None:
    """The right transaction and method, and anything else in it."""
    asked = stun.request(Method.BINDING, transaction=message.transaction)
    answer = Message(stun.kind_of(Method.BINDING, Class.ERROR), message.transaction, message.attributes)
    assert Transaction(asked).feed(bytes(answer)) == answer
    assert Transaction(asked, KEY).feed(bytes(answer)) in (answer, None)
