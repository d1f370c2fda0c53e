"""Bytes from a peer, made fit to show: evidence from the network is hostile."""

from __future__ import annotations

EXCERPT_SIZE = 120  # characters


def excerpt(data: bytes | str, size: int = EXCERPT_SIZE) -> str:
    """Return the beginning of *data* without control characters, *size* characters at most."""
    text = data[: 4 * size].decode("utf-8", "backslashreplace") if isinstance(data, bytes) else data
    shown = "".join(c if c.isprintable() else _escaped(c) for c in text[:size])
    return shown[:size]


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"
