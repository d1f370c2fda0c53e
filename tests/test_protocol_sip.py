"""SIP OPTIONS: what is sent, whose answer it is, and what hostile ones come to."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Cause, Endpoint, Transport
from rainbow_probe.protocols.sip import HEAD_SIZE, Options, answered, read_fields, waits

PBX, HERE = Endpoint(host="192.0.2.20", port=5060), Endpoint(host="192.0.2.7", port=5060)


def asked(local: Endpoint | None = HERE, transport: Transport = Transport.UDP) -> Options:
    """Ask the PBX."""
    return Options(PBX, local, transport)


def reply(options: Options, status: str = "200 OK", *more: str, via: str = "", call: str = "") -> bytes:
    """Answer as a PBX does: the fields of the request come back."""
    fields = read_fields(options.request.split(b"\r\n", 1)[1])
    lines = [
        f"SIP/2.0 {status}",
        f"Via: {via or fields['via']}",
        f"From: {fields['from']}",
        f"To: {fields['to']};tag=1",
        f"Call-ID: {call or fields['call-id']}",
        f"CSeq: {fields['cseq']}",
        *more,
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_the_question_has_what_the_standard_demands() -> None:
    """RFC 3261, section 8.1.1: these fields, and a branch that is ours alone."""
    first, second = asked(), asked()
    head, _, fields = first.request.partition(b"\r\n")
    assert head == b"OPTIONS sip:192.0.2.20 SIP/2.0"
    found = read_fields(fields)
    assert {"via", "max-forwards", "from", "to", "call-id", "cseq", "contact", "content-length"} <= set(found)
    assert re.fullmatch(r"SIP/2\.0/UDP 192\.0\.2\.7:5060;branch=z9hG4bK[0-9a-f]{16};rport", found["via"])
    assert ";tag=" in found["from"]
    assert found["via"] != read_fields(second.request)["via"]
    assert first.request.endswith(b"\r\n\r\n")
    six = Options(Endpoint(host="2001:db8::20", port=5060), None, Transport.TLS).request
    assert b"OPTIONS sip:[2001:db8::20] SIP/2.0\r\nVia: SIP/2.0/TLS rainbow-probe.invalid;" in six


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "503 Service Unavailable", "486", "100 Trying"])
def test_any_answer_of_its_own_is_one(status: str) -> None:
    """Errors prove the way as well."""
    options = asked()
    answer = options.feed(reply(options, status, "Server: PBX/1", "Allow: INVITE"))
    assert answer
    assert f"{answer.status} {answer.reason}".strip() == status
    assert answer.final is not status.startswith("100")
    assert (answer.server, answer.allow, answer.rewritten) == ("PBX/1", "INVITE", "")
    assert options.complaint() is None


def test_compact_names_are_read_too() -> None:
    """RFC 3261, section 7.3.3."""
    options = asked()
    packet = reply(options).replace(b"Via:", b"v:").replace(b"Call-ID:", b"i:")
    assert options.feed(packet)


def test_who_rewrites_addresses_is_seen() -> None:
    """An application gateway puts its own address into what comes back; from where we were seen, stands beside it."""
    options = asked()
    own = read_fields(options.request)["via"]
    changed = own.replace("192.0.2.7:5060", "198.51.100.1:1024") + ";received=198.51.100.1;rport=1024"
    answer = options.feed(reply(options, via=changed.replace(";rport;", ";")))
    assert answer
    assert (answer.rewritten, answer.received) == ("198.51.100.1:1024", "198.51.100.1:1024")


@pytest.mark.parametrize("other", ["via", "call"])
def test_anothers_answer_is_none(other: str) -> None:
    """Another branch, or another call."""
    options = asked()
    strange = {other: "SIP/2.0/UDP x;branch=z9hG4bKother" if other == "via" else "other"}
    assert options.feed(reply(options, **strange)) is None
    complaint = options.complaint()
    assert complaint
    assert complaint.cause is Cause.NOT_SIP
    assert "answered what was not asked: 'SIP/2.0 200 OK" in str(complaint)


def test_what_a_pbx_says_of_itself_is_no_answer_and_no_fault() -> None:
    """It keeps a NAT open (RFC 5626 section 3.5.1), and asks us in turn; our own question come back is no SIP."""
    options = asked()
    assert options.feed(b"\r\n\r\n") is None
    assert options.feed(asked(PBX).request) is None
    assert options.complaint() is None
    assert options.feed(b"\r\n" + reply(options))
    assert options.feed(options.request) is None
    assert "answered with 'OPTIONS" in str(options.complaint())


def test_a_field_may_go_on_in_the_next_line() -> None:
    """RFC 3261, section 7.3.1; a responder that is asked so gives it back whole."""
    options = asked()
    assert options.feed(reply(options).replace(b";branch", b"\r\n\t ;branch"))
    folded = answered(options.request.replace(b";branch", b"\r\n ;branch"))
    assert folded
    assert options.feed(folded)


def test_what_is_no_sip_is_kept_as_evidence() -> None:
    """The first of it."""
    options = asked()
    assert options.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n") is None
    assert options.feed(b"\0\1") is None
    complaint = options.complaint()
    assert complaint
    assert complaint.cause is Cause.NOT_SIP
    assert "HTTP/1.1 400" in str(complaint)


@pytest.mark.parametrize(
    "packet",
    [
        b"SIP/2.0 200",
        b"SIP/2.0 999 x\r\n",
        b"SIP/2.0 200 OK\r\n" + b"a:b\r\n" * 100_000,
        b"SIP/2.0 200 OK\r\nVia: " + b"x" * HEAD_SIZE * 2,
        b"SIP/2.0 200 \xff\xfe\r\nVia:\r\n\r\n",
        b"",
    ],
)
def test_hostile_answers_are_bounded(packet: bytes) -> None:
    """None of them is ours, and none of them costs anything."""
    assert asked().feed(packet) is None


def test_repetitions_are_those_of_the_standard() -> None:
    """Doubled up to four seconds."""
    assert list(islice(waits(), 6)) == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_a_responder_answers_options_too() -> None:
    """With 200, and what makes it the asker's own."""
    options = asked()
    said = answered(options.request)
    assert said
    answer = options.feed(said)
    assert answer
    assert answer.status == 200


@given(st.binary(max_size=400) | st.builds(lambda x: b"OPTIONS sip:a SIP/2.0\r\n" + x, st.binary(max_size=300)))
def test_its_answer_is_never_longer_than_the_question(packet: bytes) -> None:
    """Whatever comes."""
    assert len(answered(packet) or b"") <= len(packet)
