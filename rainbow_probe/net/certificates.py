"""What a certificate says, read without trusting it."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rainbow_probe.model import Scalar

MOST_NAMES = 12
_UNREADABLE = (
    ValueError,
    TypeError,
    IndexError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading a certificate may raise that OpenSSL was content with."""


def describe(chain: Sequence[bytes]) -> dict[str, Scalar]:
    """Return the facts of a chain of DER certificates, leaf first; an unreadable one says so, and hides no other."""
    try:
        leaf = _load(chain[0])
        facts: dict[str, Scalar] = {
            "subject": _name(leaf.subject),
            "issuer": _name(leaf.issuer),
            "san": " ".join(_alternative_names(leaf)[:MOST_NAMES]),
            "not_before": leaf.not_valid_before_utc.isoformat(),
            "not_after": leaf.not_valid_after_utc.isoformat(),
        }
    except _UNREADABLE as exc:
        facts = {"certificate": f"unreadable: {type(exc).__name__}"}
    if chain:
        facts |= {"chain": _links(chain), "sha256": hashlib.sha256(chain[0]).hexdigest()}
    return facts


def _links(chain: Sequence[bytes]) -> str:
    """Return whom each certificate of *chain* is for, and who issued the last one."""
    links: list[str] = []
    issuer = ""
    for der in chain:
        try:
            certificate = _load(der)
            subject, issuer = _name(certificate.subject), _name(certificate.issuer)
        except _UNREADABLE as exc:
            subject, issuer = f"(unreadable: {type(exc).__name__})", ""
        links.append(subject)
    return " < ".join([*links, issuer] if issuer else links)


def identity(der: bytes) -> tuple[bytes, bytes] | None:
    """Return what makes two certificates the same authority: subject and public key."""
    try:
        certificate = _load(der)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return certificate.subject.public_bytes(), key
    except Exception:  # noqa: BLE001 - a key type this library does not know; then it is not one of ours
        return None


def validity(der: bytes) -> tuple[datetime, datetime] | None:
    """Return when a certificate begins and ends to be valid, or None if it cannot be read."""
    try:
        certificate = _load(der)
        return certificate.not_valid_before_utc.astimezone(UTC), certificate.not_valid_after_utc.astimezone(UTC)
    except _UNREADABLE:
        return None


def signed(chain: Sequence[bytes]) -> bool:
    """Return whether each certificate of *chain* (leaf first) really is signed by the next one."""
    try:
        certificates = [_load(der) for der in chain]
        for issued, issuer in itertools.pairwise(certificates):
            issued.verify_directly_issued_by(issuer)
    except (InvalidSignature, *_UNREADABLE):
        return False
    return True


def is_for(chain: Sequence[bytes], host: str) -> bool:
    """Return whether the leaf of *chain* names *host*, a wildcard standing for one label (RFC 9525, section 6)."""
    try:
        names = _alternative_names(_load(chain[0]))
    except _UNREADABLE:
        return False
    wanted = host.lower()
    parent = wanted.partition(".")[2]
    return any(name.lower() in {wanted, f"*.{parent}"} for name in names)


def from_apple(chain: Sequence[bytes]) -> bool:
    """Return whether an issuer in the chain names Apple as its organization."""
    return any(name.startswith("Apple") for der in chain for name in _organizations(der))


def _organizations(der: bytes) -> list[str]:
    """Return how the issuer of a certificate calls itself; nothing of one that cannot be read."""
    try:
        found = _load(der).issuer.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
        return [str(one.value) for one in found]
    except _UNREADABLE:
        return []


def _load(der: bytes) -> x509.Certificate:
    with warnings.catch_warnings():  # an odd serial number is the issuer's matter, not our user's
        warnings.simplefilter("ignore")
        return x509.load_der_x509_certificate(der)


def _name(name: x509.Name) -> str:
    return name.rfc4514_string()


def _alternative_names(leaf: x509.Certificate) -> list[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return []
    return [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]
