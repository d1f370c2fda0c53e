"""Every parser against chance: sound beginnings damaged, and bytes of no kind. ``make fuzz`` goes on by coverage."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

PIECES = [
    *(b"", b"\0", b"\xff" * 4, b"\r\n", b"\r\n\r\n", b": ", b"HTTP/1.1 ", b"<", b"/>", b"&#x0;", b'"', b"\\"),
    *(b"\x21\x12\xa4\x42", b"\xc0\x0c", b"\x30\x80", b"%", b"[::]", b"@", b"{", b"9" * 30, "\u202e".encode()),
]


def damaged(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Give something like the *seeds*, cut and patched."""
    piece = st.one_of(st.sampled_from([*seeds, *PIECES]), st.binary(max_size=12))
    patched = st.builds(
        lambda seed, at, much, put: seed[:at] + put + seed[at + much :],
        st.sampled_from(seeds),
        st.integers(0, 80),
        st.integers(0, 9),
        piece,
    )
    return st.one_of(st.binary(max_size=200), patched, st.lists(st.one_of(piece, patched), max_size=6).map(b"".join))


@pytest.mark.parametrize("name", TARGETS)
def test_what_must_hold_holds(name: str) -> None:
    """Whatever comes in."""
    parse, seeds = TARGETS[name], SEEDS[name]

    @settings(max_examples=60, deadline=None)
    @given(damaged(seeds))
    def holds(data: bytes) -> None:
        parse(data)

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_beginnings_are_sound(name: str) -> None:
    """What fuzzing begins with is read to some depth, and holds."""
    for seed in SEEDS[name]:
        TARGETS[name](seed)
