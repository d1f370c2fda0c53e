"""One STUN request until its answer (RFC 8489 section 6); the caller owns the clock and the socket."""

from __future__ import annotations

from collections.abc import Iterator

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.protocols import stun
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.stun import Class, MalformedError, Message
from rainbow_probe.protocols.stun_auth import sign, verify
from rainbow_probe.protocols.stun_numbers import Attr

UNSIGNED_ERRORS = frozenset({400, 401, 438})  # made before a key is agreed on, RFC 8489 section 9.2.4
STRAY_SIZE = 256  # bytes of the first stray that are kept as evidence


class Transaction:
    """One request and how to recognise its answer.

    *request* is the packet to send, *rejected* counts the answers that were dropped because nobody with the key made
    them, and *stray* is the beginning of the first packet that was not STUN at all.
    """

    def __init__(self, message: Message, key: bytes | None = None) -> None:
        """Make *message* a request, signed if there is a *key*."""
        self.message = message
        self.request = bytes(message) if key is None else sign(message, key)
        self.rejected = 0
        self.stray = b""
        self._key = key

    @property
    def signed(self) -> bool:
        """Whether the request proves who sends it."""
        return self._key is not None

    def waits(self, *, reliable: bool) -> Iterator[float]:
        """Yield, for each time the request is to be sent, the seconds to wait for the answer."""
        return stun.waits(reliable=reliable)

    def feed(self, packet: bytes) -> Message | None:
        """Return the answer if *packet* is it, a success or an error; None for anything else."""
        try:
            answer = Message.parse(packet)
        except MalformedError:
            self.stray = self.stray or packet[:STRAY_SIZE]
            return None
        if answer.transaction != self.message.transaction or answer.method != self.message.method:
            return None
        if answer.cls not in (Class.SUCCESS, Class.ERROR):
            return None
        return self._verified(answer, packet)

    def _verified(self, answer: Message, packet: bytes) -> Message | None:
        if self._key is None or self._may_be_unsigned(answer) or verify(packet, self._key):
            return answer
        self.rejected += 1  # dropped as if it had never come, RFC 8489 section 9.2.5
        return None

    @staticmethod
    def _may_be_unsigned(answer: Message) -> bool:
        """Let errors pass that carry no integrity: servers differ, and no error can make a path look open."""
        if answer.cls is not Class.ERROR:
            return False
        code, _ = answer.error() or (0, "")
        return code in UNSIGNED_ERRORS or answer.get(Attr.MESSAGE_INTEGRITY) is None

    def complaint(self) -> PeerError | None:
        """Say why no answer was accepted although something came; None if nothing did."""
        if self.rejected:
            return PeerError(Cause.BAD_INTEGRITY, f"{self.rejected} answers without a valid MESSAGE-INTEGRITY")
        return not_stun(self.stray) if self.stray else None


def not_stun(data: bytes) -> PeerError:
    """Name what came where STUN was expected: HTTP betrays a box that inspects the port as web traffic."""
    cause = Cause.HTTP_INSTEAD_OF_STUN if stun.looks_like(data) == "http" else Cause.NOT_STUN
    return PeerError(cause, f"answered with '{excerpt(data)}'" if data else "answered with nothing")
