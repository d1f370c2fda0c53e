"""TLS over any stream, so TLS inside a TLS proxy costs nothing extra and a refused chain is kept."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Endpoint, IssuerPolicy, PeerError, Phase, Scalar
from rainbow_probe.net import certificates
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.trust import Trust

CHUNK = 65536
RECORD_TYPES = frozenset(range(20, 25))  # first byte of a TLS record, RFC 8446 section 5.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the guide expects of a host's certificate, and whether a trusted box may stand in."""

    policy: IssuerPolicy = IssuerPolicy.PUBLIC
    inspection_allowed: bool = False
    own: bool = False
    """A box of the site itself: that only this machine trusts its issuer is as it should be, and no inspection."""
    alpn: str = ""
    anybody: bool = False
    """Whoever answers will do: the certificate is noted, and neither verified nor judged."""
    sni: str | None = None
    """The name to ask for instead of the host's own; empty to ask for none. Only where anybody will do."""

    @property
    def verified(self) -> bool:
        """Whether the chain must close with a trusted authority."""
        return self.policy is IssuerPolicy.PUBLIC and not self.anybody


async def start_tls(
    inner: ByteStream, peer: Endpoint, expected: Expectation, trust: Trust, rec: Recorder, *, limit: float, over: str
) -> ByteStream:
    """Shake hands with *peer*, *over* one of its addresses, and judge its certificate.

    The chain shown is kept even if it is refused.
    """
    async with rec.step(Phase.TLS, peer, limit=limit) as facts:
        facts["address"] = over
        stream = _TlsStream(inner, peer.host, expected, trust)
        try:
            await stream.handshake()
        finally:
            facts.update(stream.describe())
        if expected.anybody:
            return stream
        built = stream.chain(verified=True)
        verified = expected.policy is IssuerPolicy.PUBLIC or certificates.signed(built)
        facts["public"] = verified and trust.is_public(built)
        _judge(stream.chain(verified=False), facts, peer.host, expected)
    return stream


def _judge(shown: Sequence[bytes], facts: dict[str, Scalar], host: str, expected: Expectation) -> None:
    match expected.policy:
        case IssuerPolicy.PUBLIC if not facts["public"] and not expected.own:
            facts["intercepted_by"] = issuer = str(facts.get("issuer", "unknown"))
            if not expected.inspection_allowed:
                raise PeerError(Cause.TLS_INTERCEPTED, f"certificate from {issuer}, trusted by this machine only")
        case IssuerPolicy.PUBLIC:
            return  # verified already, for its time and name too
        case IssuerPolicy.APPLE | IssuerPolicy.OPERATOR:
            _judge_ourselves(shown, facts, host, expected.policy)


def _judge_ourselves(shown: Sequence[bytes], facts: dict[str, Scalar], host: str, policy: IssuerPolicy) -> None:
    """Judge a certificate whose issuer no store need know."""
    _in_time(shown)
    issuer, named = str(facts.get("issuer", "unknown")), certificates.is_for(shown, host)
    if policy is IssuerPolicy.APPLE and not certificates.from_apple(shown) and not (facts["public"] and named):
        raise PeerError(Cause.TLS_UNTRUSTED, f"certificate from {issuer}, which is not Apple")
    if policy is IssuerPolicy.OPERATOR and not named:
        said = f"certificate for {facts.get('san') or facts.get('subject')} from {issuer}"
        raise PeerError(Cause.CANNOT_TELL, f"{said}: the operator's own, or somebody else's in its place")


def _in_time(shown: Sequence[bytes]) -> None:
    now, valid = datetime.now(UTC), certificates.validity(shown[0]) if shown else None
    if valid and now > valid[1]:
        raise PeerError(Cause.TLS_EXPIRED, f"certificate expired on {valid[1]:%Y-%m-%d}")
    if valid and now < valid[0]:
        raise PeerError(Cause.TLS_NOT_YET_VALID, f"certificate begins on {valid[0]:%Y-%m-%d}")


class _TlsStream:
    def __init__(self, inner: ByteStream, name: str, expected: Expectation, trust: Trust) -> None:
        self._inner = inner
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        shown = name if expected.sni is None else expected.sni or None
        self._tls = trust.wrap(self._incoming, self._outgoing, shown, alpn=expected.alpn, verify=expected.verified)
        self._first = b""
        self.goodbye = False

    async def handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError as exc:
                await self._flush_alert()
                raise self._explained(exc) from exc
            else:
                return await self._flush()

    def chain(self, *, verified: bool) -> list[bytes]:
        """Return the chain in DER, leaf first: as shown, or as built up to a root."""
        # Public only since Python 3.13, where it returns bytes; the private object has it since 3.10.
        inside: Any = getattr(self._tls, "_sslobj")  # noqa: B009 - says that it is private on purpose
        found = inside.get_verified_chain() if verified else inside.get_unverified_chain()
        return [c if isinstance(c, bytes) else ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in found or ()]

    def describe(self) -> dict[str, Scalar]:
        """Return what is known of the handshake so far."""
        facts: dict[str, Scalar] = {}
        if shown := self.chain(verified=False):
            facts |= certificates.describe(shown)
        if cipher := self._tls.cipher():
            facts |= {"version": self._tls.version(), "cipher": cipher[0], "alpn": self._tls.selected_alpn_protocol()}
        if self._first and self._first[0] not in RECORD_TYPES:
            facts |= {"first_bytes": self._first.hex(), "first_text": self._first.decode("latin-1")}
        return facts

    async def send(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        while True:
            try:
                return self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLZeroReturnError:
                self.goodbye = True
                return b""
            except ssl.SSLEOFError:  # many servers close without close_notify
                return b""

    def close(self) -> None:
        self._inner.close()

    def _explained(self, exc: ssl.SSLError) -> Exception:
        if self._first and self._first[0] not in RECORD_TYPES:
            return PeerError(Cause.NOT_TLS, f"the peer answers {self._first[:40]!r}, which is not TLS")
        return exc

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._inner.send(self._outgoing.read())

    async def _flush_alert(self) -> None:
        try:
            await self._flush()
        except OSError:  # the peer is gone; the handshake's own error is the one that counts
            self._outgoing.read()

    async def _fill(self) -> None:
        data = await self._inner.receive()
        if not data:
            self._incoming.write_eof()
            return
        self._first = self._first or data[:64]
        self._incoming.write(data)


_shape: type[ByteStream] = cast("type[ByteStream]", _TlsStream)
