"""TLS servers that stop, drip or lie at a chosen step of the handshake, and certificates that nobody should believe."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from rainbow_probe.demo.loopback import CHUNK, Handler, discard
from tests.hostile import PACE
from tests.servers import NAME, PUBLIC, authority, shows

HANDSHAKE, ALERT, DATA = 22, 21, 23  # record types, RFC 8446 section 5.1
SERVER_HELLO, CERTIFICATE = 2, 11  # handshake types, RFC 8446 section 4
FRAGMENT = 16384  # bytes of a record at the most

Edit = Callable[[bytes, int], bytes]
"""What is sent in place of a flight, given which flight it is."""


def old(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make *context* speak TLS 1.2 only, whose certificates travel in the clear."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@cache
def new_context() -> ssl.SSLContext:
    """Give a context of its own, so that others may stay as they are."""
    return shows(to=(NAME, "tls13.test"))


@cache
def old_context() -> ssl.SSLContext:
    """Give one that speaks TLS 1.2."""
    return old(shows(to=(NAME, "tls12.test")))


def records(flight: bytes) -> Iterator[tuple[int, bytes]]:
    """Give type and content of each TLS record."""
    while flight:
        size = int.from_bytes(flight[3:5], "big")
        yield flight[0], flight[5 : 5 + size]
        flight = flight[5 + size :]


def record(kind: int, content: bytes) -> bytes:
    """Give *content* in as many records as it needs."""
    parts = [content[at : at + FRAGMENT] for at in range(0, len(content), FRAGMENT)]
    return b"".join(bytes((kind, 3, 3)) + len(part).to_bytes(2, "big") + part for part in parts)


def messages(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Give type and body of each handshake message."""
    while content:
        size = int.from_bytes(content[1:4], "big")
        yield content[0], content[4 : 4 + size]
        content = content[4 + size :]


def message(kind: int, body: bytes) -> bytes:
    """Give a handshake message."""
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def edits(edit: Edit, context: Callable[[], ssl.SSLContext] = new_context, *, drips: bool = False) -> Handler:
    """Return a server that sends of each of its flights only what *edit* makes of it, all at once or in drips."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context().wrap_bio(incoming, outgoing, server_side=True)
        flight = 0
        while data := await reader.read(CHUNK):
            incoming.write(data)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                break
            if outgoing.pending:
                said = edit(outgoing.read(), flight)
                flight += 1
                for part in [said[at : at + 1] for at in range(len(said))] if drips else [said]:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(PACE if drips else 0)
        await discard(reader, writer)

    return handle


def first_bytes(count: int) -> Edit:
    """Send so many bytes of the first flight, and nothing more."""
    return lambda said, flight: said[:count] if flight == 0 else b""


def first_records(count: int) -> Edit:
    """Send so many records of the first flight, and nothing more."""
    return lambda said, flight: b"".join(record(*each) for each in [*records(said)][:count]) if flight == 0 else b""


def first_messages(count: int) -> Edit:
    """Send so many messages of a first flight in the clear, and nothing more."""

    def edit(said: bytes, flight: int) -> bytes:
        content = b"".join(part for _, part in records(said))
        return (
            b"".join(record(HANDSHAKE, message(*each)) for each in [*messages(content)][:count]) if flight == 0 else b""
        )

    return edit


def first_flights(count: int) -> Edit:
    """Send so many flights whole, and nothing more."""
    return lambda said, flight: said if flight < count else b""


def showing(*ders: bytes) -> Handler:
    """Return a server that shows these bytes for its chain; whoever reads further than that is the first."""
    listed = b"".join(len(der).to_bytes(3, "big") + der for der in ders)
    body = len(listed).to_bytes(3, "big") + listed

    def edit(said: bytes, flight: int) -> bytes:
        content = b"".join(part for _, part in records(said))
        told = [(kind, body if kind == CERTIFICATE else kept) for kind, kept in messages(content)]
        return b"".join(record(HANDSHAKE, message(*each)) for each in told) if flight == 0 else b""

    return edits(edit, old_context)


# Certificates.


@cache
def key() -> ec.EllipticCurvePrivateKey:
    """Give one key for all that is made here."""
    return ec.generate_private_key(ec.SECP256R1())


def name(*texts: str) -> x509.Name:
    """Give a name whose parts say these *texts*."""
    return x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, text[:64]) for text in texts])


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    names: Sequence[x509.GeneralName] = (),
    *,
    by: ec.EllipticCurvePrivateKey | None = None,
    more: Sequence[x509.ExtensionType] = (),
) -> x509.Certificate:
    """Make a certificate of *subject*, for *names*, signed by *issuer* with *by* or by itself."""
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key().public_key())
    made = made.serial_number(7).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
    for extension in (x509.SubjectAlternativeName(names), *more) if names else more:
        made = made.add_extension(extension, critical=False)
    return made.sign(by or key(), hashes.SHA256())


def public(subject: x509.Name, *names: str) -> ssl.SSLContext:
    """Give a server's context with a certificate that the public authority signed, whatever it says beside *names*."""
    root = authority(PUBLIC)
    signer = load_pem_private_key(root.private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate(root.cert_pem.bytes()).subject
    made = certificate(subject, issuer, [x509.DNSName(each) for each in names], by=signer)
    return context_of(made.public_bytes(Encoding.PEM))


def context_of(chain: bytes) -> ssl.SSLContext:
    """Give a server's context that shows *chain*, whose first has our key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secret = key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chain.pem"
        file.write_bytes(secret + chain)
        context.load_cert_chain(file)
    return context
