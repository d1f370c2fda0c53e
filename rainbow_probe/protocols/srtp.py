"""RTP that is encrypted and authenticated (RFC 3711), with keys that a DTLS handshake agreed on (RFC 5764)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pylibsrtp import Error, Policy, Session

from rainbow_probe.protocols.rtp import looks_like

PROFILE = b"SRTP_AES128_CM_SHA1_80"  # the one that every WebRTC client has, RFC 8827 section 6.5
KEY, SALT = 16, 14  # bytes, RFC 5764 section 4.1.2
MATERIAL = 2 * (KEY + SALT)
LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764 section 4.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What one end encrypts with and what it decrypts with: a key and a salt each."""

    own: bytes = field(repr=False)
    theirs: bytes = field(repr=False)

    @classmethod
    def of(cls, material: bytes, *, server: bool) -> Keys:
        """Share out what the handshake exported: the client's key, the server's, and their salts (RFC 5764, 4.2)."""
        client = material[:KEY] + material[2 * KEY : 2 * KEY + SALT]
        serving = material[KEY : 2 * KEY] + material[2 * KEY + SALT :]
        return cls(own=serving, theirs=client) if server else cls(own=client, theirs=serving)


class Srtp:
    """One end of a call's media."""

    def __init__(self, keys: Keys) -> None:
        """Encrypt with the own key, take in only what the other end's key made."""
        self._out = _session(keys.own, "SSRC_ANY_OUTBOUND")
        self._in = _session(keys.theirs, "SSRC_ANY_INBOUND")

    def protect(self, rtp: bytes) -> bytes:
        """Encrypt and sign a packet."""
        return self._out.protect(rtp)

    def knows(self, datagram: bytes) -> bool:
        """Return whether it begins as SRTP does: as RTP."""
        return looks_like(datagram)

    def unprotect(self, datagram: bytes) -> bytes | None:
        """Return what is in a packet if the other end made it, and it is no repetition; None for anything else."""
        try:
            return self._in.unprotect(datagram)
        except (Error, ValueError):  # the second: longer than any packet of ours
            return None


def _session(key: bytes, streams: str) -> Session:
    """Open a session for all *streams* of a direction; the binding's constants have no type."""
    return Session(Policy(key=key, ssrc_type=int(getattr(Policy, streams))))
