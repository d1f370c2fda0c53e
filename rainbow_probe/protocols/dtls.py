"""One end of a DTLS-SRTP handshake (RFC 6347, RFC 5764), as a call makes it: datagrams in and out, no socket."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from rainbow_probe.protocols.srtp import LABEL, MATERIAL, PROFILE, Keys

RECORD = struct.Struct(
    "!B2sHIHH"
)  # type, version, epoch, sequence number (48 bits in two), length: RFC 6347 section 4.1
LARGEST = 1200  # bytes of a datagram, as browsers send them
MOST = 65536
VALID = timedelta(days=1)


class DtlsError(Exception):
    """What came in broke the handshake."""


class Dtls:
    """One end, with a certificate of its own that no authority signed.

    As in WebRTC, each end knows the other's fingerprint from elsewhere (RFC 8827 section 6.5).
    Send ``flight``; feed it what comes; after each ``feed`` the flight may be another one. Sending a flight again is
    harmless, and is how a lossy line is crossed.
    """

    def __init__(self, *, server: bool, owner: str = "WebRTC") -> None:
        """Be the *server*, or the client, whose first flight is there at once; each *owner* has own certificates."""
        self._server = server
        self._connection = SSL.Connection(_context(owner, server=server), None)
        self._connection.set_ciphertext_mtu(LARGEST)
        self.done = False
        self.flight: tuple[bytes, ...] = ()
        if server:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
            self._go_on()

    def feed(self, datagram: bytes) -> bool:
        """Take in what the other end sent; tell whether there is something new to send.

        Raises ``DtlsError`` if the handshake is over with that.
        """
        before = self.flight
        if looks_like(datagram):
            self._connection.bio_write(datagram)
            self._go_on()
        return self.flight != before

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the own certificate, as signalling would carry it (RFC 8122)."""
        certificate = self._connection.get_certificate()
        return certificate.to_cryptography().fingerprint(hashes.SHA256()) if certificate else b""

    @property
    def shown(self) -> bytes:
        """SHA-256 of the certificate that the other end showed; empty before it did."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        return certificate.fingerprint(hashes.SHA256()) if certificate else b""

    @property
    def stage(self) -> bytes:
        """How far the handshake has come, in OpenSSL's words; what comes twice does not change it."""
        return self._connection.get_state_string()

    def keys(self) -> Keys:
        """Return the keys of the media. Raises ``DtlsError`` if the ends did not agree on SRTP."""
        if self._connection.get_selected_srtp_profile() != PROFILE:
            raise DtlsError("the ends agree on no SRTP profile")
        return Keys.of(self._connection.export_keying_material(LABEL, MATERIAL), server=self._server)

    def _go_on(self) -> None:
        try:
            if not self.done:
                self._connection.do_handshake()
                self.done = True
        except SSL.WantReadError:
            pass
        except SSL.Error as exc:
            raise DtlsError(f"the handshake breaks off: {type(exc).__name__}") from exc
        self.flight = tuple(self._written()) or self.flight

    def _written(self) -> Iterator[bytes]:
        """Yield what is to be sent, whole records in datagrams that are not too large."""
        try:
            waiting = self._connection.bio_read(MOST)
        except SSL.WantReadError:
            return
        datagram = b""
        for record in _records(waiting):
            if datagram and len(datagram) + len(record) > LARGEST:
                yield datagram
                datagram = b""
            datagram += record
        yield datagram


def looks_like(datagram: bytes) -> bool:
    """Return whether *datagram* begins as a DTLS record does (RFC 7983 section 7)."""
    return len(datagram) >= RECORD.size and 20 <= datagram[0] <= 63


def _records(data: bytes) -> Iterator[bytes]:
    while len(data) >= RECORD.size:
        size = RECORD.size + RECORD.unpack_from(data)[-1]
        yield data[:size]
        data = data[size:]


@cache
def _context(owner: str, *, server: bool) -> SSL.Context:
    """Make what one of the two ends needs; each has its own certificate."""
    key, certificate = _identity(f"{owner} {'callee' if server else 'caller'}")
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_privatekey(key)
    context.use_certificate(certificate)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _by_fingerprint)
    context.set_tlsext_use_srtp(PROFILE)
    return context


def _by_fingerprint(*_: object) -> bool:
    """Take any certificate for now: whose it is, is told by ``shown``."""
    return True


def _identity(whose: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, whose)])
    now = datetime.now(UTC)
    built = (
        x509
        .CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID)
        .not_valid_after(now + VALID)
    )
    return key, built.sign(key, hashes.SHA256())
