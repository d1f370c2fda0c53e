"""Whom to trust, and whether that is the world's opinion or only this machine's.

One store holds what this machine trusts and Mozilla's list together; which root closed the verified
chain then tells the two apart. "Trusted here, but not publicly" is how an honest corporate
inspection shows.
"""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import certifi

from rainbow_probe.net.certificates import identity


class TrustError(ValueError):
    """A file of certificates cannot be used; the message says which and why."""


class Trust:
    """The contexts of a run (each costs some 20 ms, so they are shared) and the public roots."""

    def __init__(
        self, *, ca_files: Iterable[str] = (), public_ca: Iterable[str] = (), machine_roots: Sequence[bytes] = ()
    ) -> None:
        """Trust this machine's store, *machine_roots* (PEM) and *ca_files*; *public_ca* counts as publicly known.

        Raises ``TrustError`` for a file that holds no certificates.
        """
        self._private = [_read(file) for file in ca_files]
        self._machine = [pem.decode("ascii", "ignore") for pem in machine_roots]
        self._public = [Path(certifi.where()).read_text("ascii"), *(_read(file) for file in public_ca)]

    def prepare(self) -> None:
        """Do now what would otherwise hold up the first handshakes, whose times are evidence."""
        _ = self.strict, self._fingerprints

    @cached_property
    def strict(self) -> ssl.SSLContext:
        """Verify chain and name, as browsers do; TLS 1.2 or newer."""
        context = ssl.create_default_context()
        for pem in (*self._private, *self._public):
            context.load_verify_locations(cadata=pem)
        for pem in self._machine:
            with contextlib.suppress(ssl.SSLError, ValueError):  # one odd entry of a store must not end the run
                context.load_verify_locations(cadata=pem)
        return context

    def wrap(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, name: str | None, *, alpn: str, verify: bool
    ) -> ssl.SSLObject:
        """Begin a client's session with *name*; with *verify* off the caller judges the certificate itself.

        Without a name, which only goes with *verify* off, none is asked for (SNI, RFC 6066 section 3).

        A session copies these settings when it is made, so one context, and one loading of roots, serves all.
        """
        context = self.strict
        context.set_alpn_protocols([alpn] if alpn else [])
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        context.check_hostname = verify
        return context.wrap_bio(incoming, outgoing, server_hostname=name)

    def is_public(self, verified: Sequence[bytes]) -> bool:
        """Return whether a verified chain (DER, leaf first) closes with a publicly known authority."""
        issuers = verified[1:] or verified
        if any(hashlib.sha256(der).digest() in self._fingerprints for der in issuers):
            return True
        # The same authority may be anchored by another, cross-signed certificate.
        return any(identity(der) in self._identities for der in issuers)

    @cached_property
    def _roots(self) -> list[bytes]:
        return [ssl.PEM_cert_to_DER_cert(pem) for text in self._public for pem in _split(text)]

    @cached_property
    def _fingerprints(self) -> frozenset[bytes]:
        return frozenset(hashlib.sha256(der).digest() for der in self._roots)

    @cached_property
    def _identities(self) -> frozenset[tuple[bytes, bytes]]:
        return frozenset(who for der in self._roots if (who := identity(der)))


_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def _split(text: str) -> list[str]:
    return [f"{_BEGIN}{part.split(_END)[0]}{_END}\n" for part in text.split(_BEGIN)[1:]]


def _read(file: str) -> str:
    try:
        text = Path(file).read_text("ascii", errors="replace")
        pems = _split(text)
        ssl.create_default_context(cadata="".join(pems)) if pems else None
    except (OSError, ssl.SSLError) as exc:
        reason = getattr(exc, "strerror", None) or getattr(exc, "reason", None) or exc
        raise TrustError(f"{file}: {reason}; a file of PEM certificates is wanted") from exc
    if not pems:
        raise TrustError(f"{file}: holds no certificate; a file of PEM certificates is wanted")
    return "".join(pems)
