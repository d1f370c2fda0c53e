"""Servers that never come to an end, met by every check over a stream."""

from __future__ import annotations

import pytest

from rainbow_probe.model import Cause, Phase
from tests.hostile import HANDSHAKES, PROXIED, PROXIES, TERMINAL, drips, fails, floods, meet
from tests.servers import answers, says

JUNK = {
    "https": (Phase.HTTP, Cause.NOT_HTTP),
    "portal": (Phase.HTTP, Cause.NOT_HTTP),
    "xmpp": (Phase.WEBSOCKET, Cause.NOT_HTTP),
    "turn-tcp": (Phase.STUN, Cause.NOT_STUN),
    "turn-tls": (Phase.STUN, Cause.NOT_STUN),
    "proxy": (Phase.PROXY, Cause.NOT_HTTP),
    "proxy-tls": (Phase.PROXY, Cause.NOT_HTTP),
}
"""What each check calls bytes that are none of its protocol's."""
NOISE = {
    "zeros": floods(b"\0"),
    "letters": floods(b"A"),
    "blanks": floods(b" \t"),
    "empty lines": floods(b"\r\n"),
    "high bytes": floods(b"\xff"),
    "unasked": floods(b"\0", first=True),
    "zeros dripping": drips(b"", b"\0"),
    "letters dripping": drips(b"", b"A"),
    "escapes": says(TERMINAL.encode()),
    "escapes for ever": floods(TERMINAL.encode()),
    "a bell": answers(b"\x07" * 9),
}


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("surface", JUNK)
async def test_noise_is_told_for_what_it_is(surface: str, noise: str) -> None:
    """However long it goes on: the first bytes are enough, and no more of them are kept than can be shown."""
    phase, cause = JUNK[surface]
    fails(await meet(surface, NOISE[noise]), phase, cause)


BEGUN = {
    "https": b"HTTP/1.1 200 OK\r\nX-Fill: ",
    "portal": b"HTTP/1.1 204 No Content\r\nX-Fill: ",
    "xmpp": b"HTTP/1.1 101 Switching Protocols\r\nX-Fill: ",
    "turn-tcp": b"\x01\x01\xff\xfc\x21\x12\xa4\x42",
    "turn-tls": b"\x01\x01\xff\xfc\x21\x12\xa4\x42",
    "proxy": b"HTTP/1.1 200 OK\r\nX-Fill: ",
    "proxy-tls": b"HTTP/1.1 200 OK\r\nX-Fill: ",
}
"""A sound beginning of each protocol's answer, whose end never comes."""


@pytest.mark.parametrize("surface", BEGUN)
async def test_an_answer_without_an_end(surface: str) -> None:
    """A byte at a time, each soon enough to keep a careless reader waiting: the step's own limit ends it."""
    result = await meet(surface, drips(BEGUN[surface], b"a"), PROXIES if surface in PROXIED else HANDSHAKES)
    fails(result, JUNK[surface][0], Cause.TIMEOUT)


@pytest.mark.parametrize("banner", [b"Access denied\r\n", b"ERROR 12: no\n", b"OK", b"@", b"Go away, please."])
@pytest.mark.parametrize("stays", [True, False])
async def test_letters_are_no_channel_data(banner: bytes, *, stays: bool) -> None:
    """What a box says in plain words reads as the header of a long message on a channel that nobody has bound."""
    result = await meet("turn-tcp", answers(banner, stays=stays))
    if len(banner) > 8:
        fails(result, Phase.STUN, Cause.NOT_STUN)
    else:  # too short to be told from the beginning of an answer
        fails(result, Phase.STUN, Cause.TIMEOUT if stays else Cause.CLOSED)
