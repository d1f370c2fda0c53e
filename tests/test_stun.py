"""STUN messages as bytes: RFC 5769's vectors, round trips, and what a stranger may send."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_probe.protocols import stun
from rainbow_probe.protocols.stun import Attr, Class, MalformedError, Message, Method

FUZZ = settings(deadline=None, max_examples=100)

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
# RFC 5769 section 2.1: a request with SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, integrity and fingerprint.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
# RFC 5769 section 2.2: the response over IPv4.
RESPONSE_V4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
# RFC 5769 section 2.3: the response over IPv6.
RESPONSE_V6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a147"
    "0113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)

attributes = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=6).map(tuple)
messages = st.builds(Message, st.integers(0, 0x3FFF), st.binary(min_size=12, max_size=12), attributes)
hosts = st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)).map(str)
ports = st.integers(0, 0xFFFF)


def test_the_request_of_rfc_5769() -> None:
    """Every attribute is read, and the two that only ICE knows are told as unknown."""
    message = Message.parse(REQUEST)
    assert (message.method, message.cls, message.transaction) == (Method.BINDING, Class.REQUEST, TRANSACTION)
    assert message.text(Attr.SOFTWARE) == "STUN test client"
    assert message.get(Attr.USERNAME) == b"evtj:h6vY"
    assert message.unknown() == ("0x0024", "0x8029")
    assert message.not_understood() == ("0x0024",)


@pytest.mark.parametrize(
    ("packet", "mapped"),
    [(RESPONSE_V4, ("192.0.2.1", 32853)), (RESPONSE_V6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))],
)
def test_the_responses_of_rfc_5769(packet: bytes, mapped: tuple[str, int]) -> None:
    """The mapped address is un-XORed with the cookie and, for IPv6, the transaction."""
    message = Message.parse(packet)
    assert (message.method, message.cls) == (Method.BINDING, Class.SUCCESS)
    assert message.mapped_address() == mapped
    assert message.text(Attr.SOFTWARE) == "test vector"
    assert message.not_understood() == ()


@FUZZ
@given(messages)
def test_what_is_written_is_read(message: Message) -> None:
    """Parsing undoes packing, attributes in order, unknown and repeated ones too."""
    assert Message.parse(bytes(message)) == message


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(packet: bytes) -> None:
    """No packet makes the codec fail in any other way."""
    assert packet == b"" or read(packet) in (True, False)


@FUZZ
@given(st.binary(max_size=60).filter(lambda body: len(body) % 4 == 0), st.integers(0, 0x3FFF))
def test_any_body_behind_a_good_header_is_bearable(body: bytes, kind: int) -> None:
    """A right cookie and length do not make the attributes right."""
    header = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + bytes.fromhex("2112a442") + TRANSACTION
    assert read(header + body) in (True, False)


@FUZZ
@given(st.sampled_from([REQUEST, RESPONSE_V4, RESPONSE_V6]), st.data())
def test_a_changed_byte_is_bearable(packet: bytes, data: st.DataObject) -> None:
    """One byte of a real message changed, or its end cut off."""
    at = data.draw(st.integers(0, len(packet) - 1))
    assert read(packet[:at] + bytes([data.draw(st.integers(0, 255))]) + packet[at + 1 :]) in (True, False)
    assert not read(packet[:at])


def read(packet: bytes) -> bool:
    """Read all there is in *packet*; tell whether it was a message."""
    try:
        message = Message.parse(packet)
    except MalformedError:
        return False
    for attr in Attr:
        assert (message.text(attr) or "").isprintable()
        assert message.address(attr) is None or len(message.address(attr) or ()) == 2
    code, reason = message.error() or (0, "")
    assert 0 <= code <= 955
    assert reason.isprintable()
    assert len(reason) <= 127
    assert set(message.not_understood()) <= set(message.unknown())
    assert message.cls in Class
    return True


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        REQUEST[:19],
        b"\x40" + REQUEST[1:],  # the two first bits are not zero
        REQUEST[:4] + b"\x21\x12\xa4\x43" + REQUEST[8:],  # another cookie
        REQUEST + b"\0\0\0\0",  # longer than it says
        REQUEST[:-4],  # shorter than it says
        bytes.fromhex("000100032112a442") + TRANSACTION + b"abc",  # no multiple of four
        bytes.fromhex("000100042112a442") + TRANSACTION + bytes.fromhex("00060001"),  # a value beyond the end
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
def test_what_is_not_stun(packet: bytes) -> None:
    """Each rule of RFC 8489 section 5 and 14, broken."""
    with pytest.raises(MalformedError):
        Message.parse(packet)


@pytest.mark.parametrize(
    ("method", "cls", "kind"),
    [
        (Method.BINDING, Class.REQUEST, 0x0001),
        (Method.BINDING, Class.INDICATION, 0x0011),
        (Method.BINDING, Class.SUCCESS, 0x0101),
        (Method.ALLOCATE, Class.ERROR, 0x0113),
        (Method.REFRESH, Class.SUCCESS, 0x0104),
        (Method.SEND, Class.INDICATION, 0x0016),
        (Method.DATA, Class.INDICATION, 0x0017),
        (Method.CREATE_PERMISSION, Class.REQUEST, 0x0008),
        (Method.CHANNEL_BIND, Class.ERROR, 0x0119),
        (0xFFF, Class.ERROR, 0x3FFF),
    ],
)
def test_types_are_methods_and_classes_interleaved(method: int, cls: Class, kind: int) -> None:
    """The numbers of RFC 8489 section 5 and RFC 8656 section 17, both ways."""
    assert stun.kind_of(method, cls) == kind
    assert (Message(kind, TRANSACTION).method, Message(kind, TRANSACTION).cls) == (method, cls)


@FUZZ
@given(hosts, ports, st.binary(min_size=12, max_size=12))
def test_addresses_come_back(host: str, port: int, transaction: bytes) -> None:
    """XORed or plain, IPv4 or IPv6."""
    message = Message(
        0x0101,
        transaction,
        (
            (Attr.XOR_RELAYED_ADDRESS, stun.xor_address(host, port, transaction)),
            (Attr.ALTERNATE_SERVER, stun.plain_address(host, port)),
        ),
    )
    assert message.address(Attr.XOR_RELAYED_ADDRESS) == (host, port)
    assert message.address(Attr.ALTERNATE_SERVER) == (host, port)


@pytest.mark.parametrize(
    ("attr", "value"),
    [
        (Attr.OTHER_ADDRESS, "0001 0d96 c0000201"),
        (Attr.RESPONSE_ORIGIN, "0001 0d96 c0000201"),
        (Attr.MAPPED_ADDRESS, "0001 0d96 c0000201"),
        (Attr.XOR_PEER_ADDRESS, "0001 2c84 e112a643"),
    ],
)
def test_only_xor_attributes_are_xored(attr: Attr, value: str) -> None:
    """The same address in the two spellings."""
    assert Message(0x0101, TRANSACTION, ((attr, bytes.fromhex(value)),)).address(attr) == ("192.0.2.1", 3478)


@pytest.mark.parametrize(
    "value", ["", "0001", "0001 0d96", "0003 0d96 c0000201", "0002 0d96 c0000201", "0001" + "00" * 18]
)
def test_a_strange_address_is_none(value: str) -> None:
    """An unknown family, or a length that is not the family's."""
    assert Message(0x0101, TRANSACTION, ((Attr.MAPPED_ADDRESS, bytes.fromhex(value)),)).mapped_address() is None


def test_old_servers_name_the_plain_address_only() -> None:
    """MAPPED-ADDRESS counts where XOR-MAPPED-ADDRESS is missing, and only there."""
    plain = (int(Attr.MAPPED_ADDRESS), stun.plain_address("192.0.2.9", 9))
    xored = (int(Attr.XOR_MAPPED_ADDRESS), stun.xor_address("192.0.2.1", 1, TRANSACTION))
    assert Message(0x0101, TRANSACTION, (plain,)).mapped_address() == ("192.0.2.9", 9)
    assert Message(0x0101, TRANSACTION, (plain, xored)).mapped_address() == ("192.0.2.1", 1)


def test_a_name_is_no_address() -> None:
    """The wire has addresses only."""
    with pytest.raises(ValueError, match="example"):
        stun.plain_address("turn.example", 3478)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (stun.error_code(401, "Unauthorized"), (401, "Unauthorized")),
        (stun.error_code(438, ""), (438, "")),
        (b"\0\0\x04\x25wrong\0", (437, "wrong")),
        (b"\0\0\x04\x01" + b"\x1b[31m", (401, "\\x1b[31m")),
        (b"\0\0\x04\x01" + b"x" * 500, (401, "x" * 127)),
        (b"\0\0\x04\x01\xff", (401, "\\xff")),
        (b"\0\0\x04", None),
        (None, None),
    ],
)
def test_error_codes(value: bytes | None, error: tuple[int, str] | None) -> None:
    """Hundreds and rest, with a reason that is safe to print."""
    message = Message(0x0113, TRANSACTION, () if value is None else ((Attr.ERROR_CODE, value),))
    assert message.error() == error


def test_what_follows_the_integrity_does_not_count() -> None:
    """Anybody on the way could have added it (RFC 8489 section 14.5)."""
    message = Message(
        0x0101,
        TRANSACTION,
        (
            (Attr.MESSAGE_INTEGRITY, bytes(20)),
            (Attr.XOR_MAPPED_ADDRESS, stun.xor_address("192.0.2.66", 66, TRANSACTION)),
            (Attr.FINGERPRINT, bytes(4)),
        ),
    )
    assert message.mapped_address() is None
    assert message.get(Attr.FINGERPRINT) == bytes(4)


def test_the_first_of_two_counts() -> None:
    """RFC 8489 section 14: later ones of the same type are ignored."""
    assert Message(0x0101, TRANSACTION, ((Attr.SOFTWARE, b"a"), (Attr.SOFTWARE, b"b"))).text(Attr.SOFTWARE) == "a"


def test_requests_differ() -> None:
    """Each has its own random transaction, unless one is given."""
    assert stun.request(Method.BINDING).transaction != stun.request(Method.BINDING).transaction
    assert bytes(stun.request(Method.BINDING, transaction=TRANSACTION)) == REQUEST[:2] + b"\0\0" + REQUEST[4:20]


def test_a_reply_belongs_to_its_request() -> None:
    """Same transaction and method, another class."""
    asked = stun.request(Method.REFRESH)
    answer = stun.reply(asked, Class.ERROR, (Attr.ERROR_CODE, stun.error_code(437, "gone")))
    assert (answer.transaction, answer.method, answer.cls) == (asked.transaction, Method.REFRESH, Class.ERROR)
    assert answer.error() == (437, "gone")
