"""The TURN client's requests and what it learns from a server's answers: the login, the allocation, every refusal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Cause, Credentials, PeerError
from rainbow_probe.protocols import stun
from rainbow_probe.protocols.stun import Attr, Class, Message, Method
from rainbow_probe.protocols.stun_auth import sign, verify
from rainbow_probe.protocols.transaction import Transaction
from rainbow_probe.protocols.turn import Client, cause_of_error
from tests.test_stun import FUZZ, messages
from tests.turn_answers import (
    ALICE,
    CHALLENGE,
    KEY,
    MAPPED,
    NONCE,
    PEER,
    REALM,
    RELAYED,
    error,
    logged_in,
    refusal,
    success,
)


def test_a_binding_tells_our_address() -> None:
    """It needs no credentials and sends none."""
    client = Client(ALICE)
    binding = client.binding()
    mapped = (int(Attr.XOR_MAPPED_ADDRESS), stun.xor_address(*MAPPED, binding.message.transaction))
    assert binding.message.attributes == ()
    assert not client.again(stun.reply(binding.message, Class.SUCCESS, mapped))
    assert client.mapped == MAPPED


def test_the_first_allocate_is_unsigned() -> None:
    """It asks for UDP and shows no user name (RFC 8489 section 9.2.3.1)."""
    first = Client(ALICE).allocate()
    assert first.message.attributes == ((Attr.REQUESTED_TRANSPORT, b"\x11\0\0\0"),)
    assert not first.signed


def test_an_ipv6_relay_is_asked_for() -> None:
    """RFC 8656 section 7.1."""
    assert Client().allocate(ipv6=True).message.get(Attr.REQUESTED_ADDRESS_FAMILY) == b"\x02\0\0\0"


def test_a_challenge_proves_that_turn_passes() -> None:
    """Without credentials it is the end, and the realm is known."""
    client = Client()
    assert not client.again(error(client.allocate(), 401, *CHALLENGE))
    assert client.realm == "turn.example"
    assert client.relayed is None


def test_a_challenge_is_answered() -> None:
    """With user, realm and nonce, signed with the long-term key."""
    client = Client(ALICE)
    assert client.again(error(client.allocate(), 401, *CHALLENGE))
    second = client.allocate()
    assert verify(second.request, KEY)
    assert [second.message.get(a) for a in (Attr.USERNAME, Attr.REALM, Attr.NONCE)] == [
        ALICE.user.encode(),
        REALM,
        NONCE,
    ]


def test_an_allocation() -> None:
    """The relayed and the mapped address, the lifetime and the server's name."""
    client = logged_in()
    assert (client.relayed, client.mapped, client.lifetime) == (RELAYED, MAPPED, 600)
    assert client.software == "Coturn-4.6.1 'Gorst'"


@pytest.mark.parametrize(
    "attributes",
    [(), CHALLENGE[:1], CHALLENGE[1:], ((Attr.REALM, b""), CHALLENGE[1]), (CHALLENGE[0], (Attr.NONCE, b"n" * 764))],
)
@pytest.mark.parametrize("credentials", [None, ALICE])
def test_a_challenge_must_be_whole(attributes: tuple[tuple[int, bytes], ...], credentials: Credentials | None) -> None:
    """A 401 without REALM or NONCE, or with endless ones, proves nothing."""
    client = Client(credentials)
    assert refusal(client, error(client.allocate(), 401, *attributes)) is Cause.STUN_ERROR
    assert client.realm is None


@pytest.mark.parametrize("realm", [b"caf\xe9", "Zürich".encode(), b'"quoted"'])
def test_the_realm_goes_back_as_it_came(realm: bytes) -> None:
    """Whatever its encoding, byte for byte."""
    client = Client(ALICE)
    assert client.again(error(client.allocate(), 401, (Attr.REALM, realm), CHALLENGE[1]))
    assert client.allocate().message.get(Attr.REALM) == realm


@pytest.mark.parametrize("cookie", [b"obMatJos2AAAA", b"obMatJos2gAAA0123"])
def test_a_server_of_rfc_8489_gets_md5(cookie: bytes) -> None:
    """It announces algorithms, MD5 among them; a client that names none is taken to use MD5 (section 9.2.4)."""
    offered = (int(Attr.PASSWORD_ALGORITHMS), bytes.fromhex("00020000 00010000"))
    client = Client(ALICE)
    assert client.again(error(client.allocate(), 401, CHALLENGE[0], (Attr.NONCE, cookie), offered))
    assert verify(client.allocate().request, KEY)


@pytest.mark.parametrize("offered", ["00020000", "00020003abcdef00", "", "0001"])
def test_a_server_without_md5_is_told(offered: str) -> None:
    """Else a good password would be reported as wrong."""
    client = Client(ALICE)
    attributes = ((Attr.NONCE, b"obMatJos2gAAA"), (Attr.PASSWORD_ALGORITHMS, bytes.fromhex(offered)))
    assert refusal(client, error(client.allocate(), 401, CHALLENGE[0], *attributes)) is Cause.STUN_ERROR


def test_a_second_401_is_a_wrong_password() -> None:
    """Now the server has seen the credentials."""
    client = Client(ALICE)
    assert client.again(error(client.allocate(), 401, *CHALLENGE))
    assert refusal(client, error(client.allocate(), 401, *CHALLENGE)) is Cause.BAD_CREDENTIALS


def test_a_stale_nonce_is_replaced() -> None:
    """Twice in a row; a third time is a loop (RFC 8489 section 9.2.5)."""
    client = logged_in()
    for nonce in (b"one", b"two"):
        assert client.again(error(client.refresh(600), 438, CHALLENGE[0], (Attr.NONCE, nonce)))
        assert client.refresh(600).message.get(Attr.NONCE) == nonce
    assert refusal(client, error(client.refresh(600), 438, *CHALLENGE)) is Cause.STALE_NONCE_LOOP


def test_a_success_forgives_stale_nonces() -> None:
    """A long call may meet many, one at a time."""
    client = logged_in()
    for _ in range(5):
        assert client.again(error(client.refresh(600), 438, *CHALLENGE))
        assert not client.again(success(client.refresh(600)))


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (300, Cause.TRY_ALTERNATE),
        (400, Cause.STUN_ERROR),
        (401, Cause.BAD_CREDENTIALS),
        (403, Cause.FORBIDDEN),
        (420, Cause.STUN_ERROR),
        (437, Cause.ALLOCATION_MISMATCH),
        (438, Cause.STALE_NONCE_LOOP),
        (441, Cause.BAD_CREDENTIALS),
        (442, Cause.UNSUPPORTED_TRANSPORT),
        (486, Cause.QUOTA),
        (500, Cause.STUN_ERROR),
        (508, Cause.CAPACITY),
    ],
)
def test_error_codes_have_causes(code: int, cause: Cause) -> None:
    """Each told apart; what is not known is a STUN error with its code in the detail."""
    assert cause_of_error(code) is cause
    if code not in {401, 438}:
        client = logged_in()
        assert refusal(client, error(client.allocate(), code)) is cause


@pytest.mark.parametrize("make", [lambda c: c.permission(["10.0.0.1"]), lambda c: c.channel(("10.0.0.1", 9))])
def test_403_about_a_peer_is_about_the_peer(make: Callable[[Client], Transaction]) -> None:
    """The user may use the server, but not to reach that address."""
    client = logged_in()
    assert refusal(client, error(make(client), 403)) is Cause.PERMISSION_DENIED


def test_the_other_server_is_named() -> None:
    """A 300 says where to go, and the detail repeats it."""
    client = Client()
    other = (Attr.ALTERNATE_SERVER, stun.plain_address("192.0.2.77", 3478)), (Attr.ALTERNATE_DOMAIN, b"two.example")
    with pytest.raises(PeerError, match=r"300 because, use 192\.0\.2\.77 port 3478 two\.example"):
        client.again(error(client.allocate(), 300, *other))


def test_an_error_without_a_code() -> None:
    """It is an error all the same."""
    client = Client()
    assert refusal(client, stun.reply(client.allocate().message, Class.ERROR)) is Cause.STUN_ERROR


def test_an_answer_that_cannot_be_understood_has_failed() -> None:
    """An attribute that must be understood and is not (RFC 8489 section 6.3.3)."""
    client = Client()
    answer = stun.reply(client.binding().message, Class.SUCCESS, (0x7777, b""))
    assert refusal(client, answer) is Cause.STUN_ERROR


def test_an_allocation_without_an_address_is_none() -> None:
    """A success must say what was given."""
    client = logged_in()
    assert refusal(client, success(client.allocate())) is Cause.STUN_ERROR


@pytest.mark.parametrize("value", [b"", b"\xff", b"\xff" * 5000])
def test_a_strange_lifetime_is_ignored(value: bytes) -> None:
    """It has four bytes or it is none."""
    client = logged_in()
    assert not client.again(stun.reply(client.refresh(600).message, Class.SUCCESS, (Attr.LIFETIME, value)))
    assert client.lifetime == 600


def test_a_refresh_gives_the_allocation_back() -> None:
    """Lifetime 0, asked and granted."""
    client = logged_in()
    refresh = client.refresh(0)
    assert refresh.message.get(Attr.LIFETIME) == bytes(4)
    assert not client.again(stun.reply(refresh.message, Class.SUCCESS, (Attr.LIFETIME, bytes(4))))
    assert client.lifetime == 0


def test_a_permission_names_all_peers() -> None:
    """IPv4 and IPv6, without a port, in one request."""
    message = logged_in().permission(["192.0.2.1", "2001:db8::1"]).message
    values = [value for kind, value in message.attributes if kind == Attr.XOR_PEER_ADDRESS]
    read = [
        Message(1, message.transaction, ((Attr.XOR_PEER_ADDRESS, v),)).address(Attr.XOR_PEER_ADDRESS) for v in values
    ]
    assert read == [("192.0.2.1", 0), ("2001:db8::1", 0)]


def test_a_name_cannot_be_permitted() -> None:
    """Resolve it first."""
    with pytest.raises(ValueError, match="example"):
        logged_in().permission(["peer.example"])


@pytest.mark.parametrize("number", [0, 0x3FFF, 0x5000, 0x10000])
def test_channels_have_a_range(number: int) -> None:
    """RFC 8656 section 12."""
    with pytest.raises(ValueError, match="0x4000 to 0x4fff"):
        logged_in().channel(PEER, number)


def test_a_user_name_has_a_size() -> None:
    """Refused at the door, and without being repeated."""
    with pytest.raises(ValueError, match="508 bytes") as caught:
        Client(Credentials(user="u" * 509, password=""))
    assert "uu" not in str(caught.value)


@FUZZ
@given(messages, st.sampled_from(Method), st.sampled_from([Class.SUCCESS, Class.ERROR]))
def test_any_answer_is_settled_or_a_cause(message: Message, method: Method, cls: Class) -> None:
    """A hostile server can make the flow fail, and nothing else."""
    answer = Message(stun.kind_of(method, cls), message.transaction, message.attributes)
    client = Client(ALICE)
    with suppress(PeerError):
        assert client.again(answer) in (True, False)
    assert 0 <= client.lifetime < 2**32
    assert (client.software or "").isprintable()


def test_secrets_stay_inside() -> None:
    """Neither the user nor the password shows in a repr or in what goes over the wire in the clear."""
    client = logged_in()
    request = client.allocate()
    assert ALICE.password not in f"{client!r} {request!r} {ALICE!r}"
    assert ALICE.password.encode() not in request.request
    assert sign(request.message, KEY) == request.request
