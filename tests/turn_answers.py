"""A TURN server's answers, for the tests of the client."""

from __future__ import annotations

import pytest

from rainbow_probe.model import Cause, Credentials, PeerError
from rainbow_probe.protocols import stun
from rainbow_probe.protocols.stun import Attr, Class, Message
from rainbow_probe.protocols.stun_auth import long_term_key
from rainbow_probe.protocols.transaction import Transaction
from rainbow_probe.protocols.turn import Client

ALICE = Credentials(user="1700000000:alice", password="s3cret-word")  # noqa: S106 - made up, to look for it
REALM, NONCE = b"turn.example", b"f00dfeed"
KEY = long_term_key(ALICE.user, "turn.example", ALICE.password)
CHALLENGE = ((int(Attr.REALM), REALM), (int(Attr.NONCE), NONCE))
RELAYED, MAPPED, PEER = ("198.51.100.7", 50000), ("203.0.113.9", 40000), ("192.0.2.1", 1234)


def error(transaction: Transaction, code: int, *attributes: tuple[int, bytes]) -> Message:
    """Refuse *transaction*, as a server does."""
    coded = (int(Attr.ERROR_CODE), stun.error_code(code, "because"))
    return stun.reply(transaction.message, Class.ERROR, coded, *attributes)


def granted(transaction: Transaction) -> Message:
    """Grant an Allocate, as a server does."""
    key = transaction.message.transaction
    return stun.reply(
        transaction.message,
        Class.SUCCESS,
        (Attr.XOR_RELAYED_ADDRESS, stun.xor_address(*RELAYED, key)),
        (Attr.XOR_MAPPED_ADDRESS, stun.xor_address(*MAPPED, key)),
        (Attr.LIFETIME, (600).to_bytes(4, "big")),
        (Attr.SOFTWARE, b"Coturn-4.6.1 'Gorst'"),
    )


def success(transaction: Transaction) -> Message:
    """Grant anything else, as a server does."""
    return stun.reply(transaction.message, Class.SUCCESS)


def logged_in(*, reliable: bool = False) -> Client:
    """Return a client with an allocation."""
    client = Client(ALICE, reliable=reliable)
    assert client.again(error(client.allocate(), 401, *CHALLENGE))
    assert not client.again(granted(client.allocate()))
    return client


def refusal(client: Client, answer: Message) -> Cause:
    """Return the cause that the client sees in *answer*."""
    with pytest.raises(PeerError) as caught:
        client.again(answer)
    assert str(caught.value).isprintable()
    return caught.value.cause
