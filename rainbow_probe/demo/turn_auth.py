"""Who may use the TURN server: the long-term credential mechanism, server side (RFC 8489, section 9.2.4)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from rainbow_probe.protocols.stun import Attr, Message, error_code
from rainbow_probe.protocols.stun_auth import long_term_key, verify

REALM = "demo.openrainbow.health"
NONCE_AGE = 3600.0  # seconds; the RFC asks for a limit and leaves it to the server


class RefusedError(Exception):
    """A request gets an error response: its code, its reason and more attributes."""

    def __init__(self, code: int, reason: str, *attributes: tuple[int, bytes]) -> None:
        """Answer *code* with *reason*."""
        super().__init__(f"{code} {reason}")
        self.attributes = ((Attr.ERROR_CODE.value, error_code(code, reason)), *attributes)


class Register:
    """The users, their keys, and the nonce of the hour."""

    def __init__(self, users: Mapping[str, str], clock: Callable[[], float], nonce_age: float = NONCE_AGE) -> None:
        """Know *users* by their passwords; a nonce is stale after *nonce_age* seconds of *clock*."""
        self._keys = {user.encode(): long_term_key(user, REALM, password) for user, password in users.items()}
        self._clock = clock
        self._nonce_age = nonce_age
        self._renew()

    def check(self, message: Message, packet: bytes) -> tuple[bytes, bytes]:
        """Return user and key of a request. Raises ``RefusedError``: 401, 400 or 438."""
        if message.get(Attr.MESSAGE_INTEGRITY) is None:
            raise self._challenge(401, "Unauthorized")
        user, realm, nonce = (message.get(attr) for attr in (Attr.USERNAME, Attr.REALM, Attr.NONCE))
        if user is None or realm is None or nonce is None:
            raise RefusedError(400, "Bad Request")
        if nonce != self._current_nonce():
            raise self._challenge(438, "Stale Nonce")
        key = self._keys.get(user)
        if key is None or not verify(packet, key):
            raise self._challenge(401, "Unauthorized")
        return user, key

    def _challenge(self, code: int, reason: str) -> RefusedError:
        return RefusedError(code, reason, (Attr.REALM, REALM.encode()), (Attr.NONCE, self._current_nonce()))

    def _current_nonce(self) -> bytes:
        if self._clock() - self._since > self._nonce_age:
            self._renew()
        return self._nonce

    def _renew(self) -> None:
        self._since = self._clock()
        self._nonce = secrets.token_hex(16).encode()
