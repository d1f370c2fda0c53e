"""The schemes with which we can answer a proxy, the strongest first."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from rainbow_probe.model import Credentials, Endpoint
from rainbow_probe.net import spnego
from rainbow_probe.net.mechanism import Mechanism, UnableError
from rainbow_probe.protocols import digest
from rainbow_probe.protocols.challenges import Challenge
from rainbow_probe.protocols.secrets import basic

CNONCE_SIZE = 16  # bytes, random


class Basic:
    """User and password as they are (RFC 7617)."""

    scheme = title = "Basic"
    bound = own = False
    proves = True

    def __init__(self, credentials: Credentials) -> None:
        """Answer with *credentials*."""
        self._token = basic(credentials)

    async def answer(self, challenge: Challenge, authority: Endpoint) -> str:
        """Return the same for every challenge."""
        del challenge, authority
        return f"{self.scheme} {self._token}"


class Digest:
    """A proof of the password (RFC 7616); it counts how often each nonce was used."""

    scheme = title = "Digest"
    bound = own = False
    proves = True

    def __init__(self, credentials: Credentials) -> None:
        """Answer with *credentials*."""
        self._credentials = credentials
        self._nonce, self._count = "", 0

    async def answer(self, challenge: Challenge, authority: Endpoint) -> str:
        """Answer the nonce of *challenge*."""
        if not digest.usable(challenge):
            raise UnableError(f"Digest with {_told(challenge)} is not known here")
        nonce = challenge.parameters["nonce"]
        self._count = self._count + 1 if nonce == self._nonce else 1
        self._nonce = nonce
        cnonce = secrets.token_hex(CNONCE_SIZE)
        asked = digest.Asked(method="CONNECT", target=str(authority), cnonce=cnonce, count=self._count)
        return digest.answer(challenge, self._credentials, asked)


def _told(challenge: Challenge) -> str:
    given = challenge.parameters
    told = [f"{key}={given[key]}" for key in ("algorithm", "qop") if key in given]
    return " ".join(told).encode("ascii", "replace").decode() or "no nonce"


def candidates(
    offered: Sequence[Challenge], credentials: Credentials | None, host: str
) -> Iterator[tuple[Challenge, Mechanism]]:
    """Yield what could answer one of the schemes *offered* by the proxy *host*, in the order in which browsers choose.

    They try whose log-on it is before any password, and never send one where a proof of it would do.
    """
    first = {one.name: one for one in reversed(offered)}
    # Of several Digests, one whose algorithm is known here.
    first |= {one.name: one for one in reversed(offered) if one.name == "digest" and digest.usable(one)}
    for name in ("negotiate", "ntlm", "digest", "basic"):
        if name in first:
            yield from ((first[name], mechanism) for mechanism in _mechanisms(name, credentials, host))


def _mechanisms(name: str, credentials: Credentials | None, host: str) -> Iterator[Mechanism]:
    if name == "negotiate":
        yield spnego.by_ticket(host)
    if name == "ntlm" and credentials is None and spnego.WINDOWS:
        yield spnego.by_log_on(host)
    if credentials is None:
        return
    match name:
        case "negotiate":
            yield spnego.by_password("Negotiate", host, credentials)
        case "ntlm":
            yield spnego.by_password("NTLM", host, credentials)
        case "digest":
            yield Digest(credentials)
        case _:
            yield Basic(credentials)
