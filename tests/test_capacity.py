"""How many ports a site's numbers need of its proxy (guide, section 8.2)."""

from __future__ import annotations

import pytest

from rainbow_probe.capacity import Load


@pytest.mark.parametrize(
    ("load", "least", "busy"),
    [
        (Load(), 0, 0),
        (Load(users=100), 100, 300),
        (Load(users=100, calls=20, video=5, sharing=2), 127, 327),
        (Load(gateway_calls=400), 400, 400),
    ],
)
def test_ports_are_added_up(load: Load, least: int, busy: int) -> None:
    """A permanent WebSocket and parallel HTTPS a client, one port a medium a call, one a call of a gateway."""
    assert (load.least, load.busy) == (least, busy)
    assert load.known is (busy > 0)
    assert f"= {busy} ports, {least} of them" in load.formula()


def test_the_formula_shows_every_number() -> None:
    """So that whoever doubts it can put in others."""
    load = Load(users=11, calls=12, video=13, sharing=14, gateway_calls=15)
    assert load.formula() == (
        "11 clients x (1 WebSocket + 2 parallel HTTPS) + 12 calls x 1 audio + 13 with video + 14 with sharing "
        "+ 15 calls of gateways x 1 audio = 87 ports, 65 of them permanent or media"
    )
