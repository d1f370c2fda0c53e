"""Words that stand for names and addresses: the same for the same thing, and nothing to anybody without the key."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

KEY_FILE = "redaction.key"
KEY_SIZE = 32  # bytes
_LENGTH = 6  # hexadecimal digits of a pseudonym: enough for the things of a site


@dataclass(frozen=True, slots=True, kw_only=True)
class Pseudonyms:
    """Makes them with a key that stays on this machine."""

    key: bytes = field(repr=False)

    def name(self, kind: str, text: str) -> str:
        """Return what stands for a name: ``host-3fa29c``, ``person-…``; case makes no difference."""
        return f"{kind}-{self._digest(kind, text.casefold().encode())}"

    def address(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        """Return what stands for an address: ``ip4-NETWORK-HOST``; those of one /24, or /64, share the network."""
        bits = 8 if address.version == 4 else 64
        network, host = int(address) >> bits, int(address)
        parts = (self._digest(f"{address.version} {word}", str(number).encode()) for word, number in
                 (("network", network), ("host", host)))  # fmt: skip
        return f"ip{address.version}-{'-'.join(parts)}"

    def _digest(self, kind: str, text: bytes) -> str:
        return hmac.new(self.key, kind.encode() + b"\0" + text, hashlib.sha256).hexdigest()[:_LENGTH]


def own_key(folder: Path) -> bytes:
    """Return this user's key, made at the first time, for this user's eyes only. Raises ``OSError``."""
    path = folder / KEY_FILE
    try:
        return path.read_bytes()[:KEY_SIZE].ljust(KEY_SIZE, b"\0")
    except FileNotFoundError:
        key = secrets.token_bytes(KEY_SIZE)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
        return key
