"""The long-term credential mechanism, client side (RFC 8489 section 9.2): what to add once the server has asked."""

from __future__ import annotations

import struct

from rainbow_probe.model import Cause, Credentials, PeerError
from rainbow_probe.protocols.stun import Attr, Message
from rainbow_probe.protocols.stun_auth import encoded, long_term_key, prepared

USER_SIZE = 508  # bytes, RFC 8489 section 14.3
CHALLENGE_SIZE = 763  # bytes of REALM and of NONCE, RFC 8489 sections 14.9 and 14.10
NONCE_COOKIE = b"obMatJos2"  # the server knows RFC 8489, its section 9.2
MD5 = 1  # RFC 8489 section 18.5.1.1


class Login:
    """A user, a password and what the server wants to see of them; *key* is None until it has asked."""

    def __init__(self, credentials: Credentials | None) -> None:
        """Use *credentials*, if any. Raises ``ValueError`` if the user name cannot be sent."""
        self.realm: str | None = None
        self.key: bytes | None = None
        self._nonce = b""
        self._credentials = credentials
        self._user = b"" if credentials is None else encoded(prepared(credentials.user))
        if len(self._user) > USER_SIZE:
            raise ValueError(f"a TURN user name has {USER_SIZE} bytes at most")

    @property
    def possible(self) -> bool:
        """Whether there are credentials."""
        return self._credentials is not None

    def proof(self) -> tuple[tuple[int, bytes], ...]:
        """Return the attributes that belong to every signed request; none before the server has asked."""
        if self.key is None or self.realm is None:
            return ()
        return (Attr.USERNAME, self._user), (Attr.REALM, encoded(self.realm)), (Attr.NONCE, self._nonce)

    def challenge(self, answer: Message) -> None:
        """Learn REALM and NONCE from a 401 or 438. Raises ``PeerError`` if they are missing or beyond measure."""
        realm, nonce = answer.get(Attr.REALM), answer.get(Attr.NONCE)
        if not realm or not nonce:
            raise PeerError(Cause.STUN_ERROR, f"{(answer.error() or (0, ''))[0]} without REALM and NONCE")
        if max(len(realm), len(nonce)) > CHALLENGE_SIZE:
            raise PeerError(Cause.STUN_ERROR, f"REALM or NONCE of more than {CHALLENGE_SIZE} bytes")
        _insist_on_md5(answer, nonce)
        self.realm, self._nonce = realm.decode("utf-8", "surrogateescape"), nonce
        if self._credentials is not None:
            self.key = long_term_key(self._credentials.user, self.realm, self._credentials.password)


def _insist_on_md5(answer: Message, nonce: bytes) -> None:
    """Refuse a server that announces password algorithms without MD5: what we send would look like a wrong password."""
    offered = answer.get(Attr.PASSWORD_ALGORITHMS)
    if offered is None or not nonce.startswith(NONCE_COOKIE):
        return
    if MD5 not in _algorithms(offered):
        raise PeerError(Cause.STUN_ERROR, "the server accepts no MD5 passwords (RFC 8489 section 9.2)")


def _algorithms(offered: bytes) -> tuple[int, ...]:
    """List the numbers in PASSWORD-ALGORITHMS (RFC 8489 section 14.11); each may carry parameters, padded to four."""
    found: list[int] = []
    while len(offered) >= 4:
        number, length = struct.unpack_from("!HH", offered)
        found.append(number)
        offered = offered[4 + length + -length % 4 :]
    return tuple(found)
