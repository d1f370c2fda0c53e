"""The lab's certificates: a CA that stands for the public ones, Apple's, the operator's, and a company's."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from tests.lab.names import APNS, EJABBERD, EXPIRED, HOSTS, PROXY, REST, SECOND, WRONG_NAME

ORGANISATIONS = {
    "public": "Lab Public CA",
    "apple": "Apple Inc. (Lab)",
    "operator": "Rainbow Lab Operator",
    "corporate": "Corporate Inspection Lab",
    "portal": "Hotel Portal Lab",
}

AGE, LEFT = timedelta(days=60), timedelta(days=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pki:
    """Certificate files of one lab, all below *folder*."""

    folder: Path
    authorities: dict[str, trustme.CA] = field(repr=False)

    def ca(self, *names: str) -> Path:
        """Return a PEM bundle of the CAs *names* (keys of ``ORGANISATIONS``)."""
        path = self.folder / f"ca-{'-'.join(names)}.pem"
        return _write(path, b"".join(self.authorities[name].cert_pem.bytes() for name in names))

    def signing(self, name: str) -> Path:
        """Return certificate and key of the CA *name* in one file: what a box needs to forge certificates."""
        authority = self.authorities[name]
        both = authority.cert_pem.bytes() + authority.private_key_pem.bytes()
        return _write(self.folder / f"signing-{name}.pem", both)

    def certificate(self, name: str) -> Path:
        """Return the file with the chain shown by the host *name*."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """Return the file with the private key of the host *name*."""
        return self.folder / f"{name}.key"

    def issue(self, name: str, ca: str, *identities: str, not_after: datetime | None = None) -> None:
        """Make a certificate for *identities* (default: *name*), kept under *name*, valid as long as real ones are."""
        now = datetime.now(UTC)
        leaf = self.authorities[ca].issue_cert(
            *(identities or (name,)), common_name=name, not_before=now - AGE, not_after=not_after or now + LEFT
        )
        self.certificate(name).write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(self.key(name))


def _write(path: Path, content: bytes) -> Path:
    """Make the file at once, once: others may be reading it already."""
    if not path.exists():
        draft = path.with_suffix(f".{threading.get_ident()}")
        draft.write_bytes(content)
        draft.replace(path)
    return path


def make(folder: Path) -> Pki:
    """Make every CA and every certificate of the cloud below *folder*."""
    folder.mkdir()
    pki = Pki(
        folder=folder,
        authorities={key: trustme.CA(organization_name=title) for key, title in ORGANISATIONS.items()},
    )
    for host in HOSTS:
        pki.issue(host.name, host.ca)
    # Names as Apple shows them: one certificate for all couriers.
    pki.issue(APNS[0].name, "apple", "courier.push.apple.com", *(host.name for host in APNS))
    pki.issue(EXPIRED.name, "public", REST.name, not_after=datetime.now(UTC) - timedelta(days=3))
    for host in (SECOND, EJABBERD):
        pki.issue(host.name, "public", REST.name)
    pki.issue(WRONG_NAME.name, "public", "some-other-host.example")
    pki.issue("portal.test", "portal", "portal.test")
    pki.issue(PROXY, "corporate")
    return pki
