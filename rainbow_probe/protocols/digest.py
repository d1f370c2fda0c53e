"""The Digest scheme, client side (RFC 7616): an answer that proves the password without sending it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from rainbow_probe.model import Credentials
from rainbow_probe.protocols.challenges import Challenge

_HASHES: Mapping[str, Callable[[bytes], str]] = {
    # MD5 is what proxies offer still; it protects nothing of ours.
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "sha-256": lambda data: hashlib.sha256(data).hexdigest(),
}
SESSION = "-sess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request that is to be authenticated, and what makes the answer to it unlike all others."""

    method: str
    target: str
    cnonce: str = field(repr=False)
    count: int = 1
    """How often the nonce has been used, this time included; section 3.4."""


def usable(challenge: Challenge) -> bool:
    """Return whether this can be answered: an algorithm and a quality of protection that we have."""
    qop = challenge.parameters.get("qop")
    known = _algorithm(challenge).removesuffix(SESSION) in _HASHES
    return bool(known and challenge.parameters.get("nonce") and (qop is None or "auth" in _listed(qop)))


def stale(challenge: Challenge) -> bool:
    """Return whether only the nonce was too old: the password is not refused (section 3.3)."""
    return challenge.parameters.get("stale", "").lower() == "true"


def answer(challenge: Challenge, credentials: Credentials, asked: Asked) -> str:
    """Return the value of Proxy-Authorization for a *challenge* that is ``usable``."""
    given, told = challenge.parameters, _algorithm(challenge)
    hashed = _HASHES[told.removesuffix(SESSION)]
    realm, nonce = given.get("realm", ""), given["nonce"]
    secret = _joined(hashed, credentials.user, realm, credentials.password)
    if told.endswith(SESSION):
        secret = _joined(hashed, secret, nonce, asked.cnonce)
    request = _joined(hashed, asked.method, asked.target)
    modern = "qop" in given
    middle = [nonce, f"{asked.count:08x}", asked.cnonce, "auth"] if modern else [nonce]
    fields = [
        *_user(given, credentials.user, _joined(hashed, credentials.user, realm)),
        f'realm="{_escaped(realm)}"',
        f'uri="{_escaped(asked.target)}"',
        *([f"algorithm={given['algorithm']}"] if "algorithm" in given else []),
        f'nonce="{_escaped(nonce)}"',
        *([f"nc={asked.count:08x}", f'cnonce="{asked.cnonce}"', "qop=auth"] if modern else []),
        f'response="{_joined(hashed, secret, *middle, request)}"',
        *([f'opaque="{_escaped(given["opaque"])}"'] if "opaque" in given else []),
    ]
    return "Digest " + ", ".join(fields)


def _user(given: Mapping[str, str], user: str, hashed: str) -> list[str]:
    """Name the user: by a hash if the proxy takes that (section 3.4.4), and otherwise as it can be carried."""
    if given.get("userhash", "").lower() == "true":
        return [f'username="{hashed}"', "userhash=true"]
    if user.isascii():
        return [f'username="{_escaped(user)}"']
    return [f"username*=UTF-8''{quote(user, safe='')}"]  # RFC 8187


def _algorithm(challenge: Challenge) -> str:
    return challenge.parameters.get("algorithm", "MD5").lower()


def _listed(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",")]


def _joined(hashed: Callable[[bytes], str], *parts: str) -> str:
    return hashed(":".join(parts).encode("utf-8", "surrogateescape"))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
