"""The server's side of STUN Binding (RFC 8489), with what a sweep of ports needs; no state and no clock.

A reply is never larger than its request and the address in it: nobody can amplify anything by it. What it is beyond
the request's own bytes, the request has made room for.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rainbow_probe.ends import PortRange
from rainbow_probe.protocols.stun import (
    HEADER_SIZE,
    Attr,
    Class,
    MalformedError,
    Message,
    Method,
    error_code,
    kind_of,
    reply,
    request,
    xor_address,
)
from rainbow_probe.protocols.stun_auth import encoded, prepared, sign, verify, with_fingerprint
from rainbow_probe.protocols.stun_numbers import COMPREHENSION_OPTIONAL, COOKIE, COOKIE_BYTES

USER = b"rainbow-probe"
"""The USERNAME beside a token: the short-term mechanism wants one, and it tells nobody anything."""
CHANGE_PORT, CHANGE_ADDRESS = 2, 4  # flags of CHANGE-REQUEST, RFC 5780 section 7.2
ROOM = 256  # bytes that a request makes for the list of served ports: 64 intervals
_PLAIN = struct.pack("!HHI", Method.BINDING, 0, COOKIE)
_ANSWER = struct.pack("!HHI", kind_of(Method.BINDING, Class.SUCCESS), 12, COOKIE)
_MAPPED = struct.pack("!HHBB", Attr.XOR_MAPPED_ADDRESS, 8, 0, 1)
_COOKIE_PORT = int.from_bytes(COOKIE_BYTES[:2], "big")
_UNDERSTOOD = frozenset({Attr.USERNAME, Attr.MESSAGE_INTEGRITY, Attr.CHANGE_REQUEST, Attr.RESPONSE_PORT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to send to the address that asked."""

    packet: bytes
    to_port: int = 0
    """Another port of whoever asked (RESPONSE-PORT, RFC 5780 section 7.5); 0 for the one that asked."""
    leave_by: int = 0
    """The own port that it must come from; 0 for the one that was asked."""


class Answerer:
    """Answers Binding requests, of everybody or of those who know a token."""

    def __init__(self, served: Sequence[PortRange], token: str = "") -> None:
        """Serve the UDP ports *served*; with a *token* only requests that are signed with it are answered in full."""
        self.served = tuple(served)
        """May be changed meanwhile."""
        self._key = short_term_key(token) if token else None

    def reply(self, packet: bytes, host: str, port: int, own: int) -> Reply | None:
        """Return the answer to *packet*, which *host* sent from *port* to the port *own*; None if it is no request."""
        if len(packet) == HEADER_SIZE and packet.startswith(_PLAIN) and self._key is None and ":" not in host:
            mapped = (port ^ _COOKIE_PORT).to_bytes(2, "big") + _xored(host)
            return Reply(packet=_ANSWER + packet[8:] + _MAPPED + mapped)
        try:
            message = Message.parse(packet)
        except MalformedError:
            return None
        if message.cls is not Class.REQUEST or message.method != Method.BINDING:
            return None  # never an answer to an answer: two responders would talk for ever
        return self._refusal(message, packet, own) or self._success(message, host, port, own)

    def _refusal(self, message: Message, packet: bytes, own: int) -> Reply | None:
        if self._key is not None and (code := self._wrong(message, packet, self._key)):
            return _error(message, code)
        strange = {kind for kind, _ in message.attributes if kind < COMPREHENSION_OPTIONAL} - _UNDERSTOOD
        if self._impossible(message, own):
            strange.add(Attr.CHANGE_REQUEST)
        if not strange:
            return None
        return _error(message, 420, struct.pack(f"!{len(strange)}H", *sorted(strange)))

    @staticmethod
    def _wrong(message: Message, packet: bytes, key: bytes) -> int:
        """Return the code of RFC 8489 section 9.1.3 for a request without the token, or with another one; else 0."""
        if message.get(Attr.MESSAGE_INTEGRITY) is None or message.get(Attr.USERNAME) is None:
            return 400
        return 0 if verify(packet, key) else 401

    def _impossible(self, message: Message, own: int) -> bool:
        flags = _number(message, Attr.CHANGE_REQUEST)
        return bool(flags & CHANGE_ADDRESS) or bool(flags & CHANGE_PORT and not self._other(own))

    def _success(self, message: Message, host: str, port: int, own: int) -> Reply:
        attributes = [(int(Attr.XOR_MAPPED_ADDRESS), xor_address(host, port, message.transaction))]
        if room := message.get(Attr.SERVED_PORTS):
            attributes.append((Attr.SERVED_PORTS, packed(self.served, len(room))))
        answer = reply(message, Class.SUCCESS, *attributes)
        fingerprint = len(message.get(Attr.FINGERPRINT) or b"") == 4  # of another size it has not made room for one
        if self._key is not None:
            signed = sign(answer, self._key, fingerprint=fingerprint)
        else:
            signed = with_fingerprint(bytes(answer)) if fingerprint else bytes(answer)
        to_port = _number(message, Attr.RESPONSE_PORT) >> 16
        return Reply(packet=signed, to_port=to_port, leave_by=self._leave_by(message, own))

    def _leave_by(self, message: Message, own: int) -> int:
        wanted = _number(message, Attr.LEAVE_BY) >> 16
        if any(wanted in one for one in self.served):
            return wanted
        return self._other(own) if _number(message, Attr.CHANGE_REQUEST) & CHANGE_PORT else 0

    def _other(self, own: int) -> int:
        """Return another port than *own*: the last one of its interval, where that has several; 0 if there is none."""
        near = sorted(self.served, key=lambda one: own not in one)
        return next((port for one in near for port in (one.last, one.first) if port != own), 0)


def short_term_key(token: str) -> bytes:
    """Return the key of the short-term mechanism, RFC 8489 section 9.1.1."""
    return encoded(prepared(token))


def asking(token: str = "", *more: tuple[int, bytes], transaction: bytes | None = None) -> Message:
    """Return a Binding request, unsigned, with what a responder with this *token* wants in it."""
    user = [(int(Attr.USERNAME), USER)] if token else []
    return request(Method.BINDING, *user, *more, transaction=transaction)


def question(token: str = "", *more: tuple[int, bytes], transaction: bytes | None = None) -> bytes:
    """Return the packet of a Binding request that a responder with this *token* answers."""
    message = asking(token, *more, transaction=transaction)
    return sign(message, short_term_key(token)) if token else bytes(message)


def port_value(port: int) -> bytes:
    """Return the value of RESPONSE-PORT or LEAVE-BY."""
    return struct.pack("!Hxx", port)


def packed(served: Sequence[PortRange], room: int) -> bytes:
    """Return the value of SERVED-PORTS in *room* bytes: how many intervals there are, and as many as have room."""
    if room < 4:
        return b""
    known = [struct.pack("!HH", one.first, one.last) for one in served]
    return (struct.pack("!Hxx", len(known)) + b"".join(known))[: room - room % 4]


def unpacked(value: bytes) -> tuple[PortRange, ...] | None:
    """Return the served ports that *value* lists; None where it does not list them all."""
    if len(value) < 4 or len(value) % 4:
        return None
    pairs = [struct.unpack_from("!HH", value, at) for at in range(4, len(value), 4)]
    count: int = struct.unpack_from("!H", value)[0]
    if count != len(pairs) or any(first > last for first, last in pairs):
        return None
    return tuple(PortRange(first=first, last=last) for first, last in pairs)


def _error(message: Message, code: int, unknown: bytes = b"") -> Reply:
    """Return an error in few words: with a reason it would be larger than what it answers."""
    more = [(int(Attr.UNKNOWN_ATTRIBUTES), unknown)] if unknown else []
    return Reply(packet=bytes(reply(message, Class.ERROR, (Attr.ERROR_CODE, error_code(code, "")), *more)))


def _number(message: Message, attr: Attr) -> int:
    """Return the 32 bits of *attr*; 0 where it is missing or of another size."""
    value = message.get(attr) or b""
    return int.from_bytes(value, "big") if len(value) == 4 else 0


@lru_cache(maxsize=1024)
def _xored(host: str) -> bytes:
    return bytes(a ^ b for a, b in zip(ipaddress.IPv4Address(host).packed, COOKIE_BYTES, strict=True))
