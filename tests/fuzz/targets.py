"""One function a parser: it takes bytes, and raises only if what must hold does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial

import dns.message

from rainbow_probe.model import Cause, Credentials, Endpoint, PeerError, Scalar
from rainbow_probe.net import certificates
from rainbow_probe.net.dns import _read as read_dns  # pyright: ignore[reportPrivateUsage] - it is what meets the bytes
from rainbow_probe.protocols import digest, stun, xml
from rainbow_probe.protocols.challenges import challenges
from rainbow_probe.protocols.channel import parse_channel_data
from rainbow_probe.protocols.connect import Tunnel
from rainbow_probe.protocols.dtls import Dtls, DtlsError
from rainbow_probe.protocols.http import BODY_SIZE, Client, Exchange
from rainbow_probe.protocols.login import Login
from rainbow_probe.protocols.socks import Tunnel as Socks
from rainbow_probe.protocols.socks import Tunnel4 as Socks4
from rainbow_probe.protocols.stun import Attr, MalformedError, Message
from rainbow_probe.protocols.stun_auth import fingerprint, verify
from rainbow_probe.protocols.stun_numbers import CHANNELS
from rainbow_probe.protocols.turn import Client as Turn
from rainbow_probe.protocols.xmpp import Opening
from tests.fuzz.texts import pac_answer, proxy_url, settings, stored_report, text_of, words

USER = Credentials(user="alice", password="wonder-land-7")  # noqa: S106 - made up for these tests
OURS = frozenset({Cause.UNKNOWN, Cause.BUDGET, Cause.INTERRUPTED})
"""Causes that no peer can bring about."""

Parse = Callable[[bytes], None]


def seen(facts: Mapping[str, Scalar]) -> None:
    """See that facts are scalars; the recorder makes them fit to show."""
    assert all(value is None or isinstance(value, str | int | float | bool) for value in facts.values())


def fed(feed: Callable[[bytes], object], pieces: Iterator[bytes]) -> tuple[str, str]:
    """Feed a machine to its end or its refusal; tell which."""
    try:
        for piece in pieces:
            feed(piece)
    except PeerError as exc:
        return "refused", peers(exc.cause)
    except EOFError:
        return "ended", ""
    return "content", ""


def peers(cause: Cause) -> Cause:
    """See that *cause* is one that a peer can bring about."""
    assert cause not in OURS
    return cause


def whole(data: bytes) -> Iterator[bytes]:
    """Give all at once; nothing would be the end of the stream."""
    if data:
        yield data


def apart(data: bytes) -> Iterator[bytes]:
    """Give one byte after the other."""
    yield from (data[at : at + 1] for at in range(len(data)))


def stun_message(data: bytes) -> None:
    """See that a message is read or malformed, and that what is read can be written and read again."""
    try:
        message = Message.parse(data)
    except MalformedError:
        return
    assert len(bytes(message)) == len(data)
    assert Message.parse(bytes(message)) == message
    _ = message.method, message.cls, message.error(), message.mapped_address(), message.unknown()
    for attr in Attr:
        said = message.text(attr)
        assert said is None or (said.isprintable() and len(said) < 200)
        _ = message.address(attr)
    _ = verify(data, b"key"), fingerprint(data)


def stun_stream(data: bytes) -> None:
    """See that a stream is cut in the same places, however it comes."""
    for channels in (CHANNELS, range(0)):
        at_once, one_by_one = cut(whole(data), channels), cut(apart(data), channels)
        assert one_by_one[: len(at_once)] == at_once or at_once[: len(one_by_one)] == one_by_one
    _ = parse_channel_data(data), stun.looks_like(data)


def cut(pieces: Iterator[bytes], channels: range) -> list[bytes]:
    """Cut a stream into frames, up to what is none."""
    frames: list[bytes] = []
    buffer = b""
    for piece in pieces:
        buffer += piece
        with suppress(MalformedError):
            while buffer and (size := stun.frame_size(buffer, channels)) is not None:
                assert 0 < size <= len(buffer)
                frames.append(buffer[:size])
                buffer = buffer[size:]
            continue
        return frames
    return frames


def turn_client(data: bytes) -> None:
    """See that a client learns from any answer to its request, or refuses it."""
    client = Turn(USER)
    for make in (client.binding, client.allocate, lambda: client.refresh(0), lambda: client.permission(["192.0.2.1"])):
        transaction = make()
        kind = transaction.message.kind | 0x0110 if data[:1] < b"\x80" else transaction.message.kind | 0x0100
        packet = kind.to_bytes(2, "big") + len(data[1:]).to_bytes(2, "big") + transaction.request[4:20] + data[1:]
        answer = transaction.feed(packet)
        assert answer is None or answer.transaction == transaction.message.transaction
        with suppress(PeerError):
            assert answer is None or client.again(answer) in {True, False}
    _ = client.receive(data), transaction.complaint(), client.software


def login(data: bytes) -> None:
    """See that a challenge is learnt or refused."""
    half = len(data) // 2
    attributes = ((int(Attr.REALM), data[:half]), (int(Attr.NONCE), data[half:]), (int(Attr.PASSWORD_ALGORITHMS), data))
    with suppress(PeerError):
        known = Login(USER)
        known.challenge(Message(0x0113, bytes(12), attributes))
        assert len(known.proof()) == 3


def answering(exchange: Exchange, piece: bytes) -> None:
    """Feed an exchange up to its end."""
    if not exchange.done:
        exchange.feed(piece)


def tunnelling(tunnel: Tunnel | Socks, behind: bytearray, piece: bytes) -> None:
    """Feed a tunnel until it is open, and keep the rest."""
    behind.extend(piece) if tunnel.open else tunnel.feed(piece)


def http(data: bytes) -> None:
    """See that an answer is the same however it comes, bounded, and printable where it is to be shown."""
    ends: list[object] = []
    for pieces in (whole(data), apart(data)):
        exchange = Client("probe.test").exchange("GET", "/")
        exchange.request()
        said = fed(partial(answering, exchange), pieces)
        assert len(exchange.body) <= BODY_SIZE
        assert exchange.reason.isprintable()
        # How much of a body had come by the time it broke depends on the pieces.
        ends.append((said, exchange.status, exchange.headers, exchange.body if exchange.done else b""))
    assert ends[0] == ends[1]


def connect(data: bytes) -> None:
    """See that a proxy's answer is the same however it comes, and never shows our password."""
    ends: list[object] = []
    for pieces in (whole(data), apart(data)):
        tunnel = Tunnel("probe.test:443", USER, "Basic xyz")
        tunnel.request()
        behind = bytearray()
        said = fed(partial(tunnelling, tunnel, behind), pieces)
        seen(tunnel.facts())
        assert USER.password not in repr(tunnel.facts())
        assert len(tunnel.body) <= 4096
        ends.append((said, tunnel.open, tunnel.status, tunnel.headers, tunnel.offered, tunnel.leftover + bytes(behind)))
    assert ends[0] == ends[1]


def socks(data: bytes) -> None:
    """See that a SOCKS proxy's is, too."""
    for kind in (Socks, Socks4):
        ends: list[object] = []
        target = Endpoint(host="192.0.2.1", port=443)
        for pieces in (whole(data), apart(data)):
            tunnel = kind(target, USER)
            tunnel.request()
            behind = bytearray()
            said = fed(partial(tunnelling, tunnel, behind), pieces)
            seen(tunnel.facts())
            ends.append((said, tunnel.open, tunnel.facts(), tunnel.leftover + bytes(behind)))
        assert ends[0] == ends[1]


def proxy_challenges(data: bytes) -> None:
    """See that any field is a number of challenges, and that a Digest which can be answered is."""
    asked = digest.Asked(method="CONNECT", target="probe.test:443", cnonce="c")
    for challenge in challenges(text_of(data)):
        assert challenge.scheme
        if digest.usable(challenge):
            assert USER.password not in digest.answer(challenge, USER, asked)


def xml_element(data: bytes) -> None:
    """See that a text is an element or hostile."""
    with suppress(xml.HostileError):
        assert xml.parse(text_of(data)).name


def xmpp(data: bytes) -> None:
    """See that frames, one a line, open a stream or are refused."""
    opening = Opening("probe.test")

    def feed(frame: bytes) -> None:
        opening.feed(text_of(frame))

    fed(feed, iter(data.split(b"\n")))
    seen(opening.facts())
    assert all(name.isprintable() for name in (*opening.mechanisms, *opening.features))


def dtls_flight(data: bytes) -> None:
    """See that a datagram carries a handshake on, ends it or is passed over."""
    for server in (True, False):
        end = Dtls(server=server)
        with suppress(DtlsError):
            for datagram in (data, b"\x16\xfe\xfd" + bytes(8) + len(data).to_bytes(2, "big") + data):
                end.feed(datagram)
        assert not end.done


QUERY = dns.message.make_query("probe.test", "A", id=7)


def dns_answer(data: bytes) -> None:
    """See that a packet is an answer or none, and its addresses are addresses."""
    for packet in (data, QUERY.to_wire()[:2] + data, QUERY.to_wire()[:2] + b"\x81\x80" + data):
        answer = read_dns(QUERY, packet)
        assert answer is None or all(set(address) <= set("0123456789abcdef.:") for address in answer.addresses)


def certificate(data: bytes) -> None:
    """See that anything is described, and nothing that cannot be read is anybody's."""
    seen(certificates.describe([data]))
    chain = [data, data]
    _ = certificates.identity(data), certificates.validity(data), certificates.from_apple(chain)
    _ = certificates.signed(chain), certificates.is_for(chain, "probe.test")


TARGETS: Mapping[str, Parse] = {
    "stun": stun_message,
    "stun-stream": stun_stream,
    "turn": turn_client,
    "login": login,
    "http": http,
    "connect": connect,
    "socks": socks,
    "challenges": proxy_challenges,
    "xml": xml_element,
    "xmpp": xmpp,
    "dtls": dtls_flight,
    "dns": dns_answer,
    "certificate": certificate,
    "words": words,
    "proxy-url": proxy_url,
    "settings": settings,
    "pac": pac_answer,
    "report": stored_report,
}
"""Every parser by name."""
