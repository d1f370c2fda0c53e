"""Very many ports open at once: sockets bound in bulk, and the files that takes."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rainbow_probe.model import PortRange

SPARE = 64  # files for everything else
NO_MORE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
DENIED = frozenset({errno.EACCES, errno.EPERM})


@dataclass
class Bound:
    """Ports with a socket each, and those that could not have one; closed as a context manager."""

    sockets: dict[int, socket.socket] = field(default_factory=dict[int, socket.socket])
    busy: list[int] = field(default_factory=list[int])
    """Another program has them."""
    denied: list[int] = field(default_factory=list[int])
    """Below 1024, and this user may not."""
    beyond: list[int] = field(default_factory=list[int])
    """More than the system lets this process have open."""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all."""
        self.close()

    def close(self) -> None:
        """Close all sockets."""
        for own in self.sockets.values():
            own.close()


def bind_all(ports: Iterable[int], kind: socket.SocketKind, address: str = "") -> Bound:
    """Bind one socket of *kind* to each of *ports*, at *address* or at all addresses of both families.

    Raises ``OSError`` when *address* is none of this machine's; a port that cannot be had is told and no error.
    """
    bound = Bound()
    family, place = _place(address)
    for port in ports:
        try:
            bound.sockets[port] = _bind(family, kind, place, port)
        except OSError as exc:
            if exc.errno in NO_MORE:
                bound.beyond.append(port)
            elif exc.errno in DENIED:
                bound.denied.append(port)
            elif exc.errno == errno.EADDRNOTAVAIL:
                bound.close()
                raise
            else:
                bound.busy.append(port)
    return bound


def _bind(family: socket.AddressFamily, kind: socket.SocketKind, place: str, port: int) -> socket.socket:
    own = socket.socket(family, kind)
    try:
        if family is socket.AF_INET6 and not place.strip(":"):
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        own.setblocking(False)
        own.bind((place, port))
        if kind is socket.SOCK_STREAM:
            own.listen()
    except BaseException:
        own.close()
        raise
    return own


def _place(address: str) -> tuple[socket.AddressFamily, str]:
    """Return the family and the address to bind to: one socket for both families, where the machine has both."""
    if address:
        return (socket.AF_INET6 if ":" in address else socket.AF_INET), address
    if socket.has_dualstack_ipv6():
        return socket.AF_INET6, "::"
    return socket.AF_INET, "0.0.0.0"  # noqa: S104 - whoever asks for no address means them all


def allow_files(wanted: int) -> int:
    """Raise this process's own limit of open files to *wanted*, as far as it may; return how many it may have now.

    Whoever has the right to goes beyond the hard limit, which some systems set low.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    for most in (wanted, hard):
        if soft != endless and soft < wanted and most != endless:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, max(most, hard) if hard != endless else hard))
                break
            except (ValueError, OSError):  # beyond what this user, or the kernel, allows
                continue
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == endless else soft


def intervals(ports: Iterable[int]) -> tuple[PortRange, ...]:
    """Return *ports* in order, neighbours as one range."""
    found: list[PortRange] = []
    for port in sorted(set(ports)):
        if found and found[-1].last == port - 1:
            found[-1] = PortRange(first=found[-1].first, last=port)
        else:
            found.append(PortRange(first=port, last=port))
    return tuple(found)


def listed(ranges: Sequence[PortRange], most: int = 8) -> str:
    """Write *ranges* shortly; beyond *most* they are counted."""
    texts = [str(one) if one.first != one.last else str(one.first) for one in ranges]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
