"""What a proxy asks for: the challenges of Proxy-Authenticate fields (RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_WORD = r"[\w!#$%&'*+.^`|~-]+"  # what RFC 9110 calls a token
# One piece between commas; quoted strings hold commas of their own, and one that is never closed takes all.
_PIECE = re.compile(r'\s*((?:[^",]|"(?:[^"\\]|\\.)*+(?:"|\Z))*+)')
_PARAMETER = re.compile(rf'({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|({_WORD}))?\s*', re.ASCII)
_SCHEME = re.compile(rf"({_WORD})(?:\s+(.*))?", re.ASCII | re.DOTALL)
_TOKEN68 = re.compile(r"[\w.~+/-]+=*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One scheme that the proxy offers, with what it says about it."""

    scheme: str
    """As the proxy writes it; compare with ``name``."""
    token: str = field(default="", repr=False)
    """The message of NTLM or Negotiate, in base64."""
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    """By lower-case name, without quotes."""

    @property
    def name(self) -> str:
        """The scheme in lower case."""
        return self.scheme.lower()


def challenges(text: str) -> tuple[Challenge, ...]:
    """Read the challenges in a Proxy-Authenticate field; several fields may be joined with commas.

    What is neither a scheme nor a parameter of one is left out: anything may stand there.
    """
    found: list[Challenge] = []
    for piece in _pieces(text):
        if parameter := _PARAMETER.fullmatch(piece):
            if found:
                found[-1] = _with(found[-1], parameter)
        elif scheme := _SCHEME.match(piece):
            found.append(_begun(scheme[1], scheme[2] or ""))
    return tuple(found)


def schemes(text: str) -> tuple[str, ...]:
    """Return the names of the schemes in a Proxy-Authenticate field, each once."""
    return tuple(dict.fromkeys(challenge.scheme for challenge in challenges(text)))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    while at <= len(text):
        piece = _PIECE.match(text, at)
        at = (piece.end() if piece else len(text)) + 1
        if piece and piece[1].strip():
            yield piece[1].strip()


def _begun(scheme: str, rest: str) -> Challenge:
    if (parameter := _PARAMETER.fullmatch(rest)) and (parameter[3] or not _TOKEN68.fullmatch(rest)):
        return _with(Challenge(scheme=scheme), parameter)
    return Challenge(scheme=scheme, token=rest if _TOKEN68.fullmatch(rest) else "")


def _with(challenge: Challenge, parameter: re.Match[str]) -> Challenge:
    name, quoted, bare = parameter.groups()
    value = bare or re.sub(r"\\(.)", r"\1", quoted or "")
    known = {name.lower(): value} | dict(challenge.parameters)  # the first of two counts
    return Challenge(scheme=challenge.scheme, token=challenge.token, parameters=known)
