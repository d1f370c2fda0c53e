"""SOCKS, client side (RFC 1928, RFC 1929, and version 4): open a tunnel through a proxy, or say why there is none."""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from rainbow_probe.model import Cause, Credentials, Endpoint, PeerError, Scalar
from rainbow_probe.protocols.excerpt import excerpt

NO_LOGIN, LOGIN, NO_METHOD = 0x00, 0x02, 0xFF  # RFC 1928 section 3
CONNECT = 1
V4, NAME, V6 = 1, 3, 4  # kinds of address, RFC 1928 section 5
_SIZES = {V4: 4, V6: 16}
_GRANTED = 90  # of version 4

# RFC 1928 section 6. A name that the proxy cannot resolve comes as one of these too: they cannot be told apart.
_REPLIES = {
    1: (Cause.PROXY_TARGET_FAILED, "general failure"),
    2: (Cause.PROXY_DENIED, "not allowed by its rules"),
    3: (Cause.PROXY_TARGET_FAILED, "network unreachable"),
    4: (Cause.PROXY_TARGET_FAILED, "host unreachable"),
    5: (Cause.PROXY_TARGET_FAILED, "connection refused"),
    6: (Cause.PROXY_TARGET_FAILED, "TTL expired"),
    7: (Cause.PROXY_DENIED, "command not supported"),
    8: (Cause.PROXY_DENIED, "kind of address not supported"),
}
_REPLIES_4 = {
    91: (Cause.PROXY_DENIED, "rejected or failed"),  # version 4 has no way to say which
    92: (Cause.PROXY_AUTH, "it wants an identd on this machine"),
    93: (Cause.PROXY_AUTH, "the identd of this machine names another user"),
}


class Tunnel:
    """One CONNECT. Send ``request()``, then ``feed`` what comes and send what it returns, until ``open``.

    ``leftover`` is what came behind the proxy's last answer: the tunnel's own.
    """

    version = 5

    def __init__(self, target: Endpoint, credentials: Credentials | None = None) -> None:
        """Ask for *target*; *credentials* are offered if there are any."""
        self.open = False
        self.let_in = False
        """Whether the proxy wants no password, or has accepted it."""
        self.gives_password = False
        """Whether the password was among what was to be sent."""
        self._target = target
        self._credentials = credentials
        self._got = b""
        self._known: dict[str, Scalar] = {"authority": str(target), "socks": self.version}
        self._stage: Callable[[], bytes | None] = self._on_method

    @property
    def leftover(self) -> bytes:
        """The bytes that follow the answer."""
        return self._got if self.open else b""

    def request(self) -> bytes:
        """Return the first bytes to send."""
        methods = [NO_LOGIN, LOGIN] if self._credentials else [NO_LOGIN]
        return bytes([5, len(methods), *methods])

    def facts(self) -> dict[str, Scalar]:
        """Return what is known so far, as evidence; never a secret."""
        return dict(self._known)

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the proxy, an empty *data* for the end of the stream; return what to send.

        Raises ``PeerError`` if there is no tunnel, ``EOFError`` if the proxy says nothing whole.
        """
        self._got += data
        answer = b""
        while not self.open and (more := self._stage()) is not None:
            answer += more
        if not data and not self.open:
            raise EOFError(f"closed within '{excerpt(self._got)}'" if self._got else "closed before an answer")
        return answer

    def _on_method(self) -> bytes | None:
        self._must_begin_with(5)
        if len(self._got) < 2:
            return None
        method = self._take(2)[1]
        self._known["method"] = method
        if method == NO_LOGIN:
            return self._ask()
        if method == LOGIN and self._credentials:
            self._stage, self.gives_password = self._on_login, True
            return _login(self._credentials)
        wants = "none of the ways to log in that were offered" if method == NO_METHOD else f"method {method}"
        sent = "with a user and a password" if self._credentials else "without a user"
        raise PeerError(Cause.PROXY_AUTH, f"the SOCKS proxy takes {wants} (asked {sent})")

    def _on_login(self) -> bytes | None:
        if len(self._got) < 2:
            return None
        if self._take(2)[1] != 0:
            raise PeerError(Cause.PROXY_AUTH, "the SOCKS proxy does not accept the user and the password")
        return self._ask()

    def _ask(self) -> bytes:
        self.let_in = True
        self._stage = self._on_reply
        return bytes([5, CONNECT, 0]) + _written(self._target)

    def _on_reply(self) -> bytes | None:
        self._must_begin_with(5)
        if len(self._got) >= 2 and self._got[1] != 0:
            raise self._refused(self._got[1], _REPLIES)
        size = self._reply_size()
        if size is None or len(self._got) < size:
            return None
        self._known["reply"] = self._take(size)[1]
        self.open = True
        return b""

    def _reply_size(self) -> int | None:
        """Return how long the reply is, by the kind of address in it; None as long as that is not known."""
        if len(self._got) < 5:
            return None
        kind = self._got[3]
        if kind not in {V4, NAME, V6}:
            raise PeerError(Cause.NOT_SOCKS, f"answered '{excerpt(self._got)}'")
        return 4 + _SIZES.get(kind, 1 + self._got[4]) + 2

    def _must_begin_with(self, *versions: int) -> None:
        """Notice at once what is no SOCKS, so that nobody waits for the end of it."""
        if self._got and self._got[0] not in versions:
            raise PeerError(Cause.NOT_SOCKS, f"answered '{excerpt(self._got)}'")

    def _refused(self, code: int, replies: dict[int, tuple[Cause, str]]) -> PeerError:
        self._known["reply"] = code
        cause, word = replies.get(code, (Cause.PROXY_DENIED, "an answer that SOCKS does not know"))
        return PeerError(cause, f"the SOCKS proxy says {code}: {word}")

    def _take(self, size: int) -> bytes:
        taken, self._got = self._got[:size], self._got[size:]
        return taken


class Tunnel4(Tunnel):
    """The same with version 4, which carries IPv4 addresses only and no password."""

    version = 4

    def request(self) -> bytes:
        """Return all there is to send. Raises ``PeerError`` for a target that version 4 cannot name."""
        address = _address(self._target.host)
        if not isinstance(address, IPv4Address):
            raise PeerError(Cause.PROXY_TARGET_FAILED, "SOCKS 4 carries IPv4 addresses only")
        self._stage = self._on_reply
        self.let_in = True
        user = self._credentials.user.encode() if self._credentials else b""
        return struct.pack("!BBH", 4, CONNECT, self._target.port) + address.packed + user + b"\0"

    def _on_reply(self) -> bytes | None:
        self._must_begin_with(0, 4)  # 0 by the protocol, 4 by some servers
        if len(self._got) >= 2 and self._got[1] != _GRANTED:
            raise self._refused(self._got[1], _REPLIES_4)
        if len(self._got) < 8:
            return None
        self._known["reply"] = self._take(8)[1]
        self.open = True
        return b""


def _login(credentials: Credentials) -> bytes:
    """Return the message of RFC 1929; longer than 255 bytes neither can be."""
    user, password = credentials.user.encode()[:255], credentials.password.encode()[:255]
    return bytes([1, len(user)]) + user + bytes([len(password)]) + password


def _written(target: Endpoint) -> bytes:
    """Return kind, address and port; a name is left to the proxy to resolve, as Chromium does."""
    address = _address(target.host)
    if address is None:
        name = target.host.encode("ascii", "replace")[:255]
        return bytes([NAME, len(name)]) + name + target.port.to_bytes(2, "big")
    kind = V4 if isinstance(address, IPv4Address) else V6
    return bytes([kind]) + address.packed + target.port.to_bytes(2, "big")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
