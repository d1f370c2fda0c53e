"""SIP OPTIONS, client side (RFC 3261 section 11): a question that any SIP server answers, and what its answer shows."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rainbow_probe.model import Cause, Endpoint, PeerError, Transport
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import USER_AGENT

PORT = 5060
T1, T2 = 0.5, 4.0  # seconds, RFC 3261 section 17.1.1.1
HEAD_SIZE = 16 * 1024  # bytes of an answer that are looked at; servers write less than one
MOST_FIELDS = 128
FIELD_SIZE = 500  # characters of a field
NOWHERE = "rainbow-probe.invalid"
"""What stands for our own address on a connection, by which the answer comes back anyway."""
SEEN = "X-Rainbow-Probe-Seen"
"""The field in which a responder says what reached it, so that whoever rewrites SIP on the way shows."""
_TOLD = ("via", "contact", "from", "to", "call-id")
_COMPACT = {"v": "via", "i": "call-id", "f": "from", "t": "to", "m": "contact", "l": "content-length"}
_STATUS = re.compile(rb"SIP/2\.0 ([1-6]\d\d)(?: ([^\r\n]*))?\r?\n")
_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*(\w+)\s+([^;,\s]+)")
_REQUEST = re.compile(rb"[A-Z]{2,20} \S{1,500} SIP/2\.0\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
"""A field that goes on in the next line, RFC 3261 section 7.3.1."""
_PARAM = re.compile(r";\s*([\w.-]+)(?:\s*=\s*([^;,\s]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response to our own request."""

    status: int
    reason: str
    server: str
    """``Server``, or ``User-Agent``."""
    allow: str
    received: str
    """From where the server saw the request come, where it says so (RFC 3581)."""
    rewritten: str
    """Our own address and port in ``Via``, where somebody on the way has changed them."""
    changed: tuple[str, ...] = ()
    """Fields of the request that reached a responder otherwise than they were sent."""

    @property
    def final(self) -> bool:
        """Whether no other one follows."""
        return self.status >= 200


class Options:
    """One OPTIONS request, and how to recognise its answer; over a datagram or a stream."""

    def __init__(self, target: Endpoint, local: Endpoint | None, transport: Transport) -> None:
        """Ask *target*, from *local* where answers are sent to an address."""
        self._branch = f"z9hG4bK{secrets.token_hex(8)}"
        self._call = f"{secrets.token_hex(8)}@{NOWHERE}"
        self._sent_by = str(local) if local else NOWHERE
        self.stray = b""
        self.strange = b""
        host = f"[{target.host}]" if ":" in target.host else target.host
        me = f"<sip:probe@{self._sent_by}>"
        self.request = (
            f"OPTIONS sip:{host} SIP/2.0\r\n"
            f"Via: SIP/2.0/{transport.upper()} {self._sent_by};branch={self._branch};rport\r\n"
            "Max-Forwards: 70\r\n"
            f"From: {me};tag={secrets.token_hex(4)}\r\n"
            f"To: <sip:{host}>\r\n"
            f"Call-ID: {self._call}\r\n"
            "CSeq: 1 OPTIONS\r\n"
            f"Contact: {me}\r\n"
            "Accept: application/sdp\r\n"
            f"User-Agent: {USER_AGENT}\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()

    def feed(self, packet: bytes) -> Answer | None:
        """Return the answer if *packet* begins with it; None for anything else, of which the first is kept."""
        head = packet[:HEAD_SIZE].lstrip(b"\r\n")
        found = _STATUS.match(head)
        if not found:
            self._set_aside(head)
            return None
        fields = read_fields(head[found.end() :])
        via = fields.get("via", "")
        params = {name.lower(): value or "" for name, value in _PARAM.findall(via)}
        if params.get("branch") != self._branch or fields.get("call-id") != self._call:
            self.strange = self.strange or head[:256]
            return None
        sent_by = named[2] if (named := _VIA.search(via)) else ""
        return Answer(
            status=int(found[1]),
            reason=excerpt(found[2] or b""),
            server=fields.get("server") or fields.get("user-agent", ""),
            allow=fields.get("allow", ""),
            received=_place(params),
            rewritten="" if sent_by.lower() == self._sent_by.lower() else sent_by,
            changed=_differing(self.request, fields.get(SEEN.lower(), "")),
        )

    def _set_aside(self, head: bytes) -> None:
        """Keep what is no SIP; line ends that keep a NAT open (RFC 5626 section 3.5.1) and questions of a PBX are."""
        if head and (self._branch.encode() in head or not _REQUEST.match(head)):
            self.stray = self.stray or head[:256]

    def complaint(self) -> PeerError | None:
        """Say what came where an answer was expected; None if nothing did."""
        if self.stray:
            return PeerError(Cause.NOT_SIP, f"answered with '{excerpt(self.stray)}'")
        if self.strange:
            return PeerError(Cause.NOT_SIP, f"answered what was not asked: '{excerpt(self.strange)}'")
        return None


def waits() -> Iterator[float]:
    """Yield the seconds to wait after each time that the request is sent over UDP, RFC 3261 section 17.1.2.2."""
    wait = T1
    while True:
        yield wait
        wait = min(2 * wait, T2)


def read_fields(head: bytes) -> Mapping[str, str]:
    """Return the header fields, the first of each name, as printable text; compact names written out."""
    found: dict[str, str] = {}
    for line in _FOLD.sub(b" ", head.split(b"\r\n\r\n", 1)[0]).split(b"\r\n")[:MOST_FIELDS]:
        name, colon, value = line.partition(b":")
        key = excerpt(name).strip().lower()
        if colon and key:
            found.setdefault(_COMPACT.get(key, key), excerpt(value.strip(), FIELD_SIZE))
    return found


def _place(params: Mapping[str, str]) -> str:
    host, port = params.get("received", ""), params.get("rport", "")
    return f"{host}:{port}" if host and port else host or port


def answered(packet: bytes) -> bytes | None:
    """Return 200 to an OPTIONS request, as a server does that has nothing to say; None for anything else.

    It is never longer than the request: nobody can amplify anything by it.
    """
    head = _FOLD.sub(b" ", packet[:HEAD_SIZE].split(b"\r\n\r\n", 1)[0])
    if not re.match(rb"OPTIONS \S+ SIP/2\.0\r\n", head + b"\r\n"):
        return None
    kept = [line for line in head.split(b"\r\n")[1:MOST_FIELDS] if _is_echoed(line)]
    for more in ([f"{SEEN}: {_fingerprints(head)}".encode()], []):
        answer = b"\r\n".join([b"SIP/2.0 200 OK", *kept, *more, b"Content-Length: 0", b"", b""])
        if len(answer) <= len(packet):
            return answer
    return None


def _fingerprints(request: bytes) -> str:
    """Write down some fields of *request* so that nobody on the way takes them for addresses."""
    fields = read_fields(request.split(b"\r\n", 1)[-1])
    return " ".join(hashlib.sha256(fields.get(name, "").encode()).hexdigest()[:8] for name in _TOLD)


def _differing(request: bytes, seen: str) -> tuple[str, ...]:
    """Return the fields of *request* of which the responder has *seen* another value; none where it does not say."""
    sent, told = _fingerprints(request).split(), seen.split()
    if len(sent) != len(told):
        return ()
    return tuple(name for name, ours, theirs in zip(_TOLD, sent, told, strict=True) if ours != theirs)


def _is_echoed(line: bytes) -> bool:
    """Return whether a response copies this field of its request, RFC 3261 section 8.2.6.2."""
    name = line.partition(b":")[0].strip().lower()
    return name in {b"via", b"v", b"from", b"f", b"to", b"t", b"call-id", b"i", b"cseq"}
