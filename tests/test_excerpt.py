"""What a stranger sends is shown without doing anything to the reader's terminal or page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.protocols.excerpt import EXCERPT_SIZE, excerpt
from tests.test_stun import FUZZ


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", ""),
        (b"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\\x0d\\x0a"),
        ("Zürich", "Zürich"),
        ("Zürich".encode(), "Zürich"),
        (b"\x1b[2J", "\\x1b[2J"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("\u202egnp.exe", "\\u202egnp.exe"),  # right-to-left override
        ("\ud800", "\\ud800"),
    ],
)
def test_what_is_shown(data: bytes | str, shown: str) -> None:
    """Control characters, bytes that are no UTF-8 and direction marks by their number."""
    assert excerpt(data) == shown


@FUZZ
@given(st.one_of(st.binary(max_size=600), st.text(max_size=600)), st.integers(0, 200))
def test_it_is_printable_and_bounded(data: bytes | str, size: int) -> None:
    """Whatever comes in."""
    assert excerpt(data, size).isprintable()
    assert len(excerpt(data, size)) <= size
    assert len(excerpt(data)) <= EXCERPT_SIZE
